// Hellos that tests read and write.

import { expect } from 'vitest';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import { ContentType, HandshakeType, NamedGroup, ProtocolVersion } from '#opentls/wire/enums';
import { type ExtensionValues, readExtensions, writeExtensions } from '#opentls/wire/extensions';
import {
  type ClientHello,
  encodeMessage,
  helloRetryRequestRandom,
  type MessageOf,
  parseMessage,
  type ServerHello,
} from '#opentls/wire/messages';
import { record, recordsOf } from '../record/records.ts';
import { feed, newClient, newServer, settle } from './pair.ts';
import { randomBytes } from './random.ts';

const bytes = randomBytes(9846);

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

/** The record of a ServerHello that fits `hello`, but for the fields in `change`. */
export function serverHello(hello: ClientHello, change: Partial<ServerHello> = {}): Uint8Array {
  const answer: ServerHello = {
    legacyVersion: ProtocolVersion.TLS12,
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
  return writeExtensions('SH', { supported_versions: ProtocolVersion.TLS13, key_share: share, ...values });
}

/** The fields that make a HelloRetryRequest of a ServerHello. */
export function retryFields(values: ExtensionValues['HRR']): Partial<ServerHello> {
  return {
    random: helloRetryRequestRandom,
    extensions: writeExtensions('HRR', { supported_versions: ProtocolVersion.TLS13, ...values }),
  };
}

export function retryRequest(hello: ClientHello, values: ExtensionValues['HRR'], change: Partial<ServerHello> = {}) {
  return serverHello(hello, { ...retryFields(values), ...change });
}

/** Gives this ClientHello to a new server, and returns the server with its events and output. */
export function answerTo(message: Uint8Array, config: Partial<ServerConfig> = {}) {
  const server = newServer(config);
  const events = settle(server);
  feed(server, record(ContentType.handshake, message), events);
  return { server, events, output: server.takeOutput() };
}

export const encodeHello = (hello: ClientHello): Uint8Array => encodeMessage(HandshakeType.client_hello, hello);
