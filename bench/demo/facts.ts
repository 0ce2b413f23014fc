import type { TLSSocket } from 'opentls';
import { nameOf, SignatureScheme } from '#opentls/wire/enums';
import type { Facts } from './messages.ts';

/** The server's signature is the peer's to a client, our own to a server. */
export function factsOf(socket: TLSSocket): Facts {
  const facts = socket.facts;
  if (facts === undefined) throw new Error('the handshake is not complete');
  const scheme = facts.role === 'client' ? facts.peerSignatureScheme : facts.localSignatureScheme;
  return {
    suite: facts.suite.name,
    group: facts.group?.name ?? '',
    signature: scheme === undefined ? 'none' : nameOf(SignatureScheme, scheme),
    alpn: socket.alpnProtocol === false || socket.alpnProtocol === null ? 'none' : socket.alpnProtocol,
  };
}
