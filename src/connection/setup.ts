import { reject } from '../errors.ts';
import { answerCertificateRequest } from '../handshake/after/post-auth.ts';
import { clientHandshake } from '../handshake/client/client.ts';
import { serverHandshake } from '../handshake/server/server.ts';
import type { Established } from '../handshake/shared/established.ts';
import type { Endpoint } from '../handshake/terms/endpoint.ts';
import type { RecordLayer } from '../handshake/terms/record-layer.ts';
import { Runner, type Script, underCustody } from '../handshake/terms/script.ts';
import type { ClientSettings, ServerSettings, Settings } from '../handshake/terms/settings.ts';
import { HandshakeType, nameOf } from '../wire/enums.ts';
import { type HandshakeMessage, type MessageOf, parseMessage } from '../wire/messages.ts';

/** The role of a connection's endpoint, and its configuration. */
export type Setup =
  | { readonly role: 'client'; readonly config: ClientSettings }
  | { readonly role: 'server'; readonly config: ServerSettings };

/** The handshake of that endpoint, not started. */
export function handshakeOf(setup: Setup, records: RecordLayer): Runner<Established> {
  return new Runner(
    setup.role === 'client'
      ? scriptOf(setup.config, records, clientHandshake)
      : scriptOf(setup.config, records, serverHandshake),
  );
}

/** A script of an endpoint, with a custody of its own for the secrets. */
export function scriptOf<S extends Settings, T>(
  config: S,
  records: RecordLayer,
  script: (endpoint: Endpoint<S>) => Script<T>,
): Script<T> {
  return underCustody((custody) => script({ config, records, custody }));
}

/** The client's answer to a CertificateRequest after the handshake (RFC 9846 §4.7.2). */
export function answerLater(
  config: ClientSettings,
  records: RecordLayer,
  established: Established,
  message: MessageOf<typeof HandshakeType.certificate_request>,
): Script<void> {
  return scriptOf(config, records, (endpoint) => answerCertificateRequest(endpoint, established, message));
}

/**
 * The message of the handshake, if the script waits for one of its type (RFC 9846 §4).
 * @throws TlsError ERR_TLS_UNEXPECTED_MESSAGE; what `parseMessage` throws
 */
export function expectedMessage(raw: Uint8Array, wants: readonly HandshakeType[]): HandshakeMessage {
  const type = raw[0] ?? 0;
  if (!wants.some((wanted) => wanted === type)) {
    const wanted = wants.map((id) => nameOf(HandshakeType, id)).join(' or ');
    reject(
      'ERR_TLS_UNEXPECTED_MESSAGE',
      'unexpected_message',
      `${nameOf(HandshakeType, type)} came instead of ${wanted}`,
    );
  }
  return parseMessage(raw);
}
