// PSKs that tests offer, and tickets that allow 0-RTT data.

import { Secret } from '#opentls/crypto/secret';
import { binderOf, bindersLength, withTruncated } from '#opentls/handshake/shared/psk';
import type { ServerConfig } from '#opentls/handshake/terms/config';
import type { ExternalPsk } from '#opentls/keys/importer';
import { EarlySecret, type PskKind } from '#opentls/keys/schedule';
import { Transcript } from '#opentls/keys/transcript';
import type { Session } from '#opentls/session/session';
import { TicketKeys } from '#opentls/session/tickets';
import { CipherSuiteId } from '#opentls/wire/enums';
import { writeExtensions } from '#opentls/wire/extensions';
import type { ClientHello } from '#opentls/wire/messages';
import { encodeHello } from './hellos.ts';
import { provider } from './provider.ts';
import { randomBytes } from './random.ts';
import { firstSession } from './sessions.ts';

const bytes = randomBytes(4311);

/** A session whose ticket allows 0-RTT data, with the server that gave it. */
export function resumable(): { readonly session: Session; readonly server: Partial<ServerConfig> } {
  const suites = [CipherSuiteId.TLS_AES_128_GCM_SHA256];
  const earlyData = { maxSize: 1000, replay: { admit: () => true } };
  const server = { tickets: new TicketKeys(provider), ticketCount: 1, suites, earlyData };
  return { session: firstSession({}, server), server };
}

export function externalPsk(): ExternalPsk {
  return { identity: bytes(12), secret: new Secret('psk', bytes(32)), hash: 'sha256' };
}

export interface Offered {
  readonly kind: PskKind;
  readonly identity: Uint8Array;
  readonly age: number;
  readonly key: Uint8Array;
}

/** A ClientHello that offers these PSKs, each bound as it should be. */
export function withPsks(hello: ClientHello, psks: readonly Offered[]): Uint8Array {
  const hash = provider.hashes.sha256;
  const identities = psks.map(({ identity, age }) => ({ identity, obfuscatedTicketAge: age }));
  const offered = writeExtensions('CH', {
    pre_shared_key: { identities, binders: psks.map(() => new Uint8Array(hash.length)) },
  });
  const message = encodeHello({ ...hello, extensions: [...hello.extensions, ...offered] });
  const length = bindersLength(psks.map(() => hash));
  let offset = message.length - length + 2;
  for (const { kind, key } of psks) {
    const early = EarlySecret.from(hash, new Secret('psk', key.slice()));
    message.set(binderOf({ kind, hash, early }, withTruncated(Transcript.from(hash), message, length)), offset + 1);
    offset += 1 + hash.length;
  }
  return message;
}
