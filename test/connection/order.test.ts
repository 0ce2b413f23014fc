import { describe, expect, test } from 'vitest';
import { Connection } from '#opentls/connection/connection';
import { CipherSuiteId, HandshakeType, ProtocolVersion, SignatureScheme } from '#opentls/wire/enums';
import { writeExtensions } from '#opentls/wire/extensions';
import { encodeMessage, type MessageBodies, type MessageType } from '#opentls/wire/messages';
import { credential, errorOf, newClient, newServer, trustAnything } from '../kit/pair.ts';
import { Peer } from '../kit/peer.ts';
import { provider } from '../kit/provider.ts';

/** A well-formed message of each type: what is wrong with it is only its place. */
const samples: { readonly [T in MessageType]: MessageBodies[T] } = {
  [HandshakeType.client_hello]: {
    legacyVersion: ProtocolVersion.TLS12,
    random: new Uint8Array(32),
    legacySessionId: new Uint8Array(0),
    cipherSuites: [CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256],
    legacyCompressionMethods: new Uint8Array(1),
    extensions: writeExtensions('CH', { supported_versions: [ProtocolVersion.TLS13] }),
  },
  [HandshakeType.server_hello]: {
    legacyVersion: ProtocolVersion.TLS12,
    random: new Uint8Array(32),
    legacySessionIdEcho: new Uint8Array(0),
    cipherSuite: CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256,
    legacyCompressionMethod: 0,
    extensions: writeExtensions('SH', { supported_versions: ProtocolVersion.TLS13 }),
  },
  [HandshakeType.new_session_ticket]: {
    ticketLifetime: 1,
    ticketAgeAdd: 1,
    ticketNonce: new Uint8Array(1),
    ticket: new Uint8Array(1),
    extensions: [],
  },
  [HandshakeType.end_of_early_data]: {},
  [HandshakeType.encrypted_extensions]: { extensions: [] },
  [HandshakeType.certificate]: { certificateRequestContext: new Uint8Array(0), certificateList: [] },
  [HandshakeType.certificate_request]: {
    certificateRequestContext: new Uint8Array(0),
    extensions: writeExtensions('CR', { signature_algorithms: [SignatureScheme.ecdsa_secp256r1_sha256] }),
  },
  [HandshakeType.certificate_verify]: {
    algorithm: SignatureScheme.ecdsa_secp256r1_sha256,
    signature: new Uint8Array(8),
  },
  [HandshakeType.finished]: { verifyData: new Uint8Array(32) },
  [HandshakeType.key_update]: { requestUpdate: 0 },
  [HandshakeType.compressed_certificate]: {
    algorithm: 1,
    uncompressedLength: 1,
    compressedCertificateMessage: new Uint8Array(1),
  },
};
const types = Object.keys(samples).map(Number) as MessageType[];

function sample(type: MessageType): Uint8Array {
  return encodeMessage(type, samples[type] as never);
}

/** Each stop of a handshake: how many messages of the honest peer come before it, and which message would be next. */
const clientStops: readonly (readonly [string, number, readonly MessageType[]])[] = [
  ['ServerHello', 0, [HandshakeType.server_hello]],
  ['EncryptedExtensions', 1, [HandshakeType.encrypted_extensions]],
  ['CertificateRequest or Certificate', 2, [HandshakeType.certificate_request, HandshakeType.certificate]],
  ['Certificate', 3, [HandshakeType.certificate]],
  ['CertificateVerify', 4, [HandshakeType.certificate_verify]],
  ['Finished', 5, [HandshakeType.finished]],
  ['post-handshake messages', 6, [HandshakeType.new_session_ticket, HandshakeType.key_update]],
];
const serverStops: readonly (readonly [string, number, readonly MessageType[]])[] = [
  ['ClientHello', 0, [HandshakeType.client_hello]],
  ['Certificate', 1, [HandshakeType.certificate]],
  ['CertificateVerify', 2, [HandshakeType.certificate_verify]],
  ['Finished', 3, [HandshakeType.finished]],
  ['post-handshake messages', 4, [HandshakeType.key_update]],
];

function rows(stops: typeof clientStops) {
  return stops.flatMap(([name, count, legal]) =>
    types.filter((type) => !legal.includes(type)).map((type) => [name, count, nameOf(type), type] as const),
  );
}

function nameOf(type: MessageType): string {
  return Object.entries(HandshakeType).find(([, id]) => id === type)?.[0] ?? String(type);
}

const credentials = [credential];
const config = { provider, verifyChain: trustAnything, credentials };

describe('every other message at every stop is unexpected_message (RFC 9846 §4)', () => {
  test.each(rows(clientStops))('client waiting for %s (after %i messages) gets %s', (_, count, __, type) => {
    const peer = new Peer('server', { ...config, clientCertificate: 'required' });
    const client = newClient({ credentials });
    peer.play(client, count);
    expect(peer.inject(client, sample(type))).toMatchObject({
      code: 'ERR_TLS_UNEXPECTED_MESSAGE',
      alert: 'unexpected_message',
    });
  });

  test.each(rows(serverStops))('server waiting for %s (after %i messages) gets %s', (_, count, __, type) => {
    const peer = new Peer('client', config);
    const server = newServer({ clientCertificate: 'required' });
    peer.play(server, count);
    expect(peer.inject(server, sample(type))).toMatchObject({
      code: 'ERR_TLS_UNEXPECTED_MESSAGE',
      alert: 'unexpected_message',
    });
  });

  test('a message of an unknown type too', () => {
    const peer = new Peer('server', config);
    const client = newClient();
    peer.play(client, 1);
    expect(peer.inject(client, new Uint8Array([99, 0, 0, 0]))).toMatchObject({ alert: 'unexpected_message' });
  });
});

test('the peer of these tests is honest when left alone', () => {
  const peer = new Peer('server', { ...config, clientCertificate: 'required' });
  const client = newClient({ credentials });
  peer.play(client, 6);
  expect(client.phase).toBe('open');
  expect(errorOf(peer.events)).toBeUndefined();
  expect(Connection).toBeDefined();
});
