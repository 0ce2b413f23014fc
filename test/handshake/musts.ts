// Tools of the tests of what RFC 9846 demands.

import { expect } from 'vitest';
import { Secret } from '#opentls/crypto/secret';
import { binderOf, bindersLength, withTruncated } from '#opentls/handshake/shared/psk';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import type { ExternalPsk } from '#opentls/keys/importer';
import { EarlySecret, type PskKind } from '#opentls/keys/schedule';
import { Transcript } from '#opentls/keys/transcript';
import type { Session } from '#opentls/session/session';
import { TicketKeys } from '#opentls/session/tickets';
import { CipherSuiteId, ContentType, HandshakeType, NamedGroup } from '#opentls/wire/enums';
import { type ExtensionValues, readExtensions, writeExtensions } from '#opentls/wire/extensions';
import {
  type ClientHello,
  encodeMessage,
  helloRetryRequestRandom,
  type MessageOf,
  parseMessage,
  type ServerHello,
} from '#opentls/wire/messages';
import { feed, newClient, newServer, settle } from '../kit/pair.ts';
import { provider } from '../kit/provider.ts';
import { randomBytes } from '../kit/random.ts';
import { firstSession } from '../kit/sessions.ts';
import { record, recordsOf } from '../record/records.ts';

export const bytes = randomBytes(9846);

/** The messages that stand in the clear, in the order they were sent. */
export function plainMessages(output: readonly Uint8Array[]): ReturnType<typeof parseMessage>[] {
  const records = recordsOf(Buffer.concat(output)).filter(({ type }) => type === ContentType.handshake);
  return records.map(({ body }) => parseMessage(body));
}

export function bodyOf<T extends 1 | 2>(
  messages: readonly ReturnType<typeof parseMessage>[],
  type: T,
): MessageOf<T>['body'] {
  const message = messages.find((candidate) => candidate.type === type) as MessageOf<T> | undefined;
  return message?.body ?? expect.fail(`no message of type ${type}`);
}

/** A client that has sent its ClientHello, and what it sent. */
export function speak(config: Partial<ClientConfig> = {}) {
  const client = newClient(config);
  const events = settle(client);
  const hello = bodyOf(plainMessages(client.takeOutput()), HandshakeType.client_hello);
  return { client, events, hello, extensions: readExtensions('CH', hello.extensions) };
}

/** The record of a ServerHello that is right but for `change`. */
export function serverHello(hello: ClientHello, change: Partial<ServerHello> = {}): Uint8Array {
  const answer: ServerHello = {
    legacyVersion: 0x0303,
    random: bytes(32),
    legacySessionIdEcho: hello.legacySessionId,
    cipherSuite: hello.cipherSuites[0] ?? 0,
    legacyCompressionMethod: 0,
    extensions: serverExtensions(),
    ...change,
  };
  return record(ContentType.handshake, encodeMessage(HandshakeType.server_hello, answer));
}

export function serverExtensions(values: ExtensionValues['SH'] = {}) {
  const share = { group: NamedGroup.x25519, keyExchange: bytes(32) };
  return writeExtensions('SH', { supported_versions: 0x0304, key_share: share, ...values });
}

export function retryRequest(hello: ClientHello, values: ExtensionValues['HRR'], change: Partial<ServerHello> = {}) {
  const extensions = writeExtensions('HRR', { supported_versions: 0x0304, ...values });
  return serverHello(hello, { random: helloRetryRequestRandom, extensions, ...change });
}

/** What a server says to this ClientHello. */
export function answerTo(message: Uint8Array, config: Partial<ServerConfig> = {}) {
  const server = newServer(config);
  const events = settle(server);
  feed(server, record(ContentType.handshake, message), events);
  return { server, events, output: server.takeOutput() };
}

export const encodeHello = (hello: ClientHello): Uint8Array => encodeMessage(HandshakeType.client_hello, hello);

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
