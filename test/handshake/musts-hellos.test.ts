// What RFC 9846 demands of hellos and no other test is about: vectors/rfc9846-musts.json.

import { describe, expect, test } from 'vitest';
import { toHex } from '#opentls/bytes/hex';
import { Connection } from '#opentls/connection/connection';
import { Secret } from '#opentls/crypto/secret';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import type { SessionState } from '#opentls/session/session';
import { CipherSuiteId, ContentType, ExtensionType, HandshakeType, NamedGroup } from '#opentls/wire/enums';
import { readExtensions, writeExtensions } from '#opentls/wire/extensions';
import { encodeMessage, helloRetryRequestRandom, parseMessage, type ServerHello } from '#opentls/wire/messages';
import {
  credential,
  errorOf,
  feed,
  newClient,
  newPair,
  openPair,
  settle,
  shuttle,
  trustAnything,
} from '../kit/pair.ts';
import { Peer } from '../kit/peer.ts';
import { provider } from '../kit/provider.ts';
import { recordsOf } from '../record/records.ts';
import {
  answerTo,
  bodyOf,
  bytes,
  encodeHello,
  externalPsk,
  type Offered,
  plainMessages,
  resumable,
  retryRequest,
  serverExtensions,
  serverHello,
  speak,
  withPsks,
} from './musts.ts';

test.each([0x0000, 0x0200, 0x7f12])('records of any version, from the first one on, §5.1: 0x%i', (version) => {
  const ends = newPair();
  settle(ends.client, ends.clientEvents);
  const versioned = (slabs: readonly Uint8Array[]): Uint8Array => {
    const bytes = Buffer.concat(slabs);
    bytes.writeUInt16BE(version, 1);
    return bytes;
  };
  feed(ends.server, versioned(ends.client.takeOutput()), ends.serverEvents);
  feed(ends.client, versioned(ends.server.takeOutput()), ends.clientEvents);
  shuttle(ends);
  expect([ends.client.phase, ends.server.phase]).toEqual(['open', 'open']);
});

describe('the ClientHello that is sent, §4.2.2', () => {
  test.each([true, false])('legacy fields, with middlebox compatibility %s', (middleboxCompatibility) => {
    const { hello } = speak({ middleboxCompatibility });
    expect(hello.legacyVersion).toBe(0x0303);
    expect(hello.legacySessionId).toHaveLength(middleboxCompatibility ? 32 : 0);
    expect(hello.legacyCompressionMethods).toEqual(new Uint8Array([0]));
  });

  test('the extensions that §9.2 requires, and nothing that TLS 1.3 left behind', () => {
    const { hello, extensions } = speak();
    expect(extensions).toMatchObject({ supported_versions: [0x0304], supported_groups: [0x1d, 0x17] });
    expect(extensions.signature_algorithms).toContain(0x0403);
    expect(extensions.key_share).toHaveLength(1);
    expect(extensions.psk_key_exchange_modes).toEqual([1]);
    expect(hello.cipherSuites.every((suite) => suite >> 8 === 0x13)).toBe(true);
    const truncatedHmac = 4;
    const types = hello.extensions.map(({ type }) => type);
    expect(types).not.toContain(truncatedHmac);
    expect(new Set(types).size).toBe(types.length);
  });

  test('is made anew for each connection, without the cookie of another', () => {
    const [first, second] = [speak(), speak()];
    first.client.receive(retryRequest(first.hello, { cookie: bytes(8) }));
    settle(first.client, first.events);
    const third = speak();
    for (const other of [second, third]) {
      expect(other.hello.random).not.toEqual(first.hello.random);
      expect(other.hello.legacySessionId).not.toEqual(first.hello.legacySessionId);
      expect(other.extensions.key_share).not.toEqual(first.extensions.key_share);
      expect(other.extensions.cookie).toBeUndefined();
    }
  });

  test('one share for a group, in the order of supported_groups', () => {
    const client = Connection.client({ provider, verifyChain: trustAnything });
    settle(client);
    const { extensions } = bodyOf(plainMessages(client.takeOutput()), HandshakeType.client_hello);
    const { supported_groups = [], key_share = [] } = readExtensions('CH', extensions);
    const places = key_share.map(({ group }) => supported_groups.indexOf(group));
    expect(key_share).toHaveLength(2);
    expect(places).not.toContain(-1);
    expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
    expect(new Set(supported_groups).size).toBe(supported_groups.length);
  });

  test('PSKs come last, with their modes and before 0-RTT data', () => {
    const { session } = resumable();
    const offer = { takeSession: () => ({ ...session, psk: new Secret('psk', bytes(32)) }), earlyData: true };
    for (let i = 0; i < 20; i++) {
      const { hello, extensions } = speak(offer);
      expect(hello.extensions.at(-1)?.type).toBe(ExtensionType.pre_shared_key);
      expect(extensions).toMatchObject({ psk_key_exchange_modes: [1], early_data: true });
      expect(extensions.pre_shared_key?.identities[0]?.identity).toEqual(session.ticket);
    }
  });

  test('no scheme with MD5, SHA-224 or DSA, even where it is configured, and SHA-1 last', () => {
    const { extensions } = speak({ signatureSchemes: [0x0101, 0x0201, 0x0202, 0x0203, 0x0301, 0x0402, 0x0403] });
    expect(extensions.signature_algorithms).toEqual([0x0403, 0x0201, 0x0203]);
    expect(speak().extensions.signature_algorithms?.every((scheme) => scheme >> 8 > 3)).toBe(true);
  });

  test('after a HelloRetryRequest it is the first one, but for what §4.2.2 lists', () => {
    const { session } = resumable();
    const { client, events, hello } = speak({
      suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256],
      takeSession: () => session,
      earlyData: true,
    });
    const cookie = bytes(20);
    feed(client, retryRequest(hello, { key_share: NamedGroup.secp256r1, cookie }), events);
    const second = bodyOf(plainMessages(client.takeOutput()), HandshakeType.client_hello);
    const { key_share, early_data, pre_shared_key, ...others } = readExtensions('CH', hello.extensions);
    const again = readExtensions('CH', second.extensions);
    expect([early_data, pre_shared_key?.identities.length]).toEqual([true, 1]);
    expect({ ...second, extensions: [] }).toEqual({ ...hello, extensions: [] });
    expect(again).toEqual({ ...others, cookie, key_share: again.key_share, pre_shared_key: again.pre_shared_key });
    expect(again.key_share?.map(({ group }) => group)).toEqual([NamedGroup.secp256r1]);
    expect(again.pre_shared_key?.identities[0]?.identity).toEqual(session.ticket);
    expect(again.pre_shared_key?.binders).not.toEqual(pre_shared_key?.binders);
    expect(key_share?.map(({ group }) => group)).toEqual([NamedGroup.x25519]);
  });
});

describe('what a client takes for an answer', () => {
  const changes: readonly (readonly [string, Partial<ServerHello>, string])[] = [
    ['another legacy_version', { legacyVersion: 0x0302 }, 'protocol_version'],
    ['another session id', { legacySessionIdEcho: bytes(32) }, 'illegal_parameter'],
    ['a suite that was not offered', { cipherSuite: 0x1304 }, 'illegal_parameter'],
    ['compression', { legacyCompressionMethod: 1 }, 'illegal_parameter'],
    ['no supported_versions', { extensions: writeExtensions('HRR', { cookie: bytes(4) }) }, 'protocol_version'],
  ];

  test.each(changes)('a HelloRetryRequest with %s is refused', (_, change, alert) => {
    const { client, events, hello } = speak();
    feed(client, retryRequest(hello, { cookie: bytes(4) }, change), events);
    expect(errorOf(events)).toMatchObject({ alert });
  });

  test('a ServerHello after a HelloRetryRequest, of another version, is refused', () => {
    const { client, events, hello } = speak();
    feed(client, retryRequest(hello, { cookie: bytes(4) }), events);
    feed(client, serverHello(hello, { extensions: serverExtensions({ supported_versions: 0x0303 }) }), events);
    expect(errorOf(events)).toMatchObject({ alert: 'illegal_parameter' });
  });

  test('a ServerHello of TLS 1.2 is one, whatever else is wrong with it, also after 0-RTT data', () => {
    const { session } = resumable();
    for (const config of [
      {},
      { suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256], takeSession: () => session, earlyData: true },
    ]) {
      const { client, events, hello } = speak(config);
      if ('earlyData' in config) client.writeEarly(bytes(4));
      const foreign = { legacySessionIdEcho: bytes(32), cipherSuite: 0xc02f, legacyCompressionMethod: 1 };
      feed(client, serverHello(hello, { ...foreign, extensions: [] }), events);
      expect(errorOf(events)).toMatchObject({ alert: 'protocol_version' });
    }
  });

  test('a PSK is one that was offered, with a suite of its hash', () => {
    const selecting = (index: number, cipherSuite: number) => {
      const { client, events, hello } = speak({ externalPsks: [externalPsk()] });
      feed(
        client,
        serverHello(hello, { cipherSuite, extensions: serverExtensions({ pre_shared_key: index }) }),
        events,
      );
      return errorOf(events);
    };
    expect(selecting(0, CipherSuiteId.TLS_AES_128_GCM_SHA256)).toBeUndefined();
    expect(selecting(1, CipherSuiteId.TLS_AES_128_GCM_SHA256)).toMatchObject({ alert: 'illegal_parameter' });
    expect(selecting(0, 0x1302)).toMatchObject({ alert: 'illegal_parameter' });
  });

  test('a PSK without the key_share that its mode needs is refused', () => {
    const { client, events, hello } = speak({ externalPsks: [externalPsk()] });
    const extensions = writeExtensions('SH', { supported_versions: 0x0304, pre_shared_key: 0 });
    feed(client, serverHello(hello, { cipherSuite: CipherSuiteId.TLS_AES_128_GCM_SHA256, extensions }), events);
    expect(errorOf(events)).toBeDefined();
  });

  test('0-RTT data is not accepted with any PSK but the first', () => {
    const { session } = resumable();
    const psk = externalPsk();
    const client = { takeSession: () => session, externalPsks: [psk], earlyData: true };
    const early = [{ type: ExtensionType.early_data, data: new Uint8Array(0) }];
    const findPsk: ServerConfig['findPsk'] = (identity) => (toHex(identity) === toHex(psk.identity) ? psk : undefined);
    const ends = shuttle(
      newPair(client, { suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256], findPsk, encryptedExtensions: early }),
    );
    expect(errorOf(ends.clientEvents)).toEqual({ code: 'ERR_TLS_EARLY_DATA', alert: 'illegal_parameter' });
  });

  test('unknown extensions of a NewSessionTicket are ignored', () => {
    const peer = new Peer('server', { provider, verifyChain: trustAnything, credentials: [credential] });
    const client = newClient();
    peer.play(client, 5);
    const ticket = encodeMessage(HandshakeType.new_session_ticket, {
      ticketLifetime: 1,
      ticketAgeAdd: 1,
      ticketNonce: bytes(1),
      ticket: bytes(8),
      extensions: [{ type: 0x7a7a, data: bytes(3) }],
    });
    expect(peer.inject(client, ticket)).toBeUndefined();
    expect(peer.events.at(-1)?.type).toBe('session');
  });

  test('unknown extensions of a CertificateRequest, and filters that it does not recognise, are passed over', () => {
    const peer = new Peer('server', { provider, verifyChain: trustAnything, credentials: [credential] });
    const client = newClient({ credentials: [credential], postHandshakeAuth: true });
    peer.play(client, 5);
    const oid = [6, 3, 0x55, 0x1d, 0x7f];
    const extensions = [
      ...writeExtensions('CR', { signature_algorithms: [0x0403] }),
      { type: 0x7a7a, data: bytes(3) },
      { type: ExtensionType.oid_filters, data: new Uint8Array([0, 8, 5, ...oid, 0, 0]) },
    ];
    client.takeOutput();
    const context = { certificateRequestContext: bytes(4) };
    expect(peer.inject(client, encodeMessage(HandshakeType.certificate_request, { ...context, extensions }))).toBe(
      undefined,
    );
    // Certificate, CertificateVerify and Finished: far more than an empty Certificate and Finished would be.
    expect(Buffer.concat(client.takeOutput()).length).toBeGreaterThan(300);
  });
});

describe('what a server answers', () => {
  test('a ServerHello holds what the keys need, and nothing else', () => {
    const { hello } = speak();
    const answer = bodyOf(plainMessages(answerTo(encodeHello(hello)).output), HandshakeType.server_hello);
    expect(answer).toMatchObject({
      legacyVersion: 0x0303,
      legacySessionIdEcho: hello.legacySessionId,
      legacyCompressionMethod: 0,
    });
    const types = answer.extensions.map(({ type }) => type);
    expect(new Set(types)).toEqual(new Set([ExtensionType.supported_versions, ExtensionType.key_share]));
    const values = readExtensions('SH', answer.extensions);
    expect([values.supported_versions, values.key_share?.group]).toEqual([0x0304, NamedGroup.x25519]);
  });

  test('a HelloRetryRequest names the version, and the suite that stays', () => {
    const { client, server } = newPair(
      {},
      { groups: [NamedGroup.secp256r1], retryCookies: { seal: () => bytes(9), open: () => undefined } },
    );
    const output: Uint8Array[] = [];
    shuttle({ client, server, clientEvents: [], serverEvents: [] }, (from, slab) => {
      if (from === 'server') output.push(slab);
      return [slab];
    });
    const records = recordsOf(Buffer.concat(output)).filter(({ type }) => type === ContentType.handshake);
    const [retry, answer] = records.map(({ body }) => parseMessage(body).body as ServerHello);
    expect(retry?.random).toEqual(helloRetryRequestRandom);
    expect(readExtensions('HRR', retry?.extensions ?? [])).toMatchObject({
      supported_versions: 0x0304,
      key_share: 0x17,
    });
    expect(retry?.extensions).toHaveLength(3);
    expect(answer?.cipherSuite).toBe(retry?.cipherSuite);
    expect(server.phase).toBe('open');
  });

  test('one ClientHello at two servers: both take its share, each with random and share of its own', () => {
    const { hello } = speak();
    const answers = [0, 1].map(() => {
      const { output, events } = answerTo(encodeHello(hello));
      expect(errorOf(events)).toBeUndefined();
      return bodyOf(plainMessages(output), HandshakeType.server_hello);
    });
    const shares = answers.map(({ extensions }) =>
      toHex(readExtensions('SH', extensions).key_share?.keyExchange ?? bytes(1)),
    );
    expect(new Set([...answers.map(({ random }) => toHex(random)), toHex(hello.random)]).size).toBe(3);
    expect(new Set(shares).size).toBe(2);
  });

  test('reserved versions, suites, groups, shares, schemes, PSK modes and extensions are ignored', () => {
    for (let i = 0; i < 5; i++) openPair({ grease: true });
  });

  test('status_request_v2 is not acted upon, and OpenPGP is no certificate type', () => {
    const adding = (type: number, data: readonly number[]): Partial<ClientConfig> => ({
      shapeClientHello: (hello) => ({
        ...hello,
        extensions: [...hello.extensions, { type, data: new Uint8Array(data) }],
      }),
    });
    const { client } = openPair(adding(17, [0, 7, 2, 0, 4, 0, 0, 0, 0]), {
      credentials: [{ ...credential, ocspResponse: bytes(20) }],
    });
    expect(client.facts?.peerOcspResponse).toBeUndefined();
    const ends = shuttle(newPair(adding(ExtensionType.server_certificate_type, [1, 1])));
    expect(errorOf(ends.serverEvents)).toMatchObject({ alert: 'handshake_failure' });
  });

  test('the age that comes with an external PSK is ignored', () => {
    const key = bytes(32);
    const { identity } = externalPsk();
    const psk: Offered = { kind: 'external', identity, age: 0xdeadbeef, key };
    const { hello } = speak({ suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256] });
    const { output, events } = answerTo(withPsks(hello, [psk]), {
      credentials: [],
      findPsk: () => ({ identity, secret: new Secret('psk', key.slice()), hash: 'sha256' }),
    });
    expect(errorOf(events)).toBeUndefined();
    const { extensions } = bodyOf(plainMessages(output), HandshakeType.server_hello);
    expect(readExtensions('SH', extensions).pre_shared_key).toBe(0);
  });

  test('0-RTT data is taken with the first PSK alone', () => {
    const key = bytes(32);
    const psk = (name: string): Offered => ({ kind: 'resumption', identity: Buffer.from(name), age: 1, key });
    const state = (): SessionState => ({
      ...resumable().session,
      psk: new Secret('psk', key.slice()),
      ticketAgeAdd: 0,
      serverName: 'localhost',
    });
    const tickets = {
      seal: () => undefined,
      open: (ticket: Uint8Array) => (Buffer.from(ticket).toString() === 'good' ? state() : undefined),
    };
    const earlyData = { maxSize: 1000, replay: { admit: () => true } };
    const early = writeExtensions('CH', { early_data: true });
    for (const [names, index] of [
      [['good', 'bad'], 0],
      [['bad', 'good'], 1],
    ] as const) {
      const { hello } = speak({ suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256] });
      const message = withPsks({ ...hello, extensions: [...hello.extensions, ...early] }, names.map(psk));
      const { output, events } = answerTo(message, { tickets, earlyData, keylog: true });
      const { extensions } = bodyOf(plainMessages(output), HandshakeType.server_hello);
      expect(readExtensions('SH', extensions).pre_shared_key).toBe(index);
      const labels = events.map((event) => (event.type === 'secret' ? event.label : ''));
      expect(labels.includes('CLIENT_EARLY_TRAFFIC_SECRET')).toBe(index === 0);
    }
  });

  test('who shares an external PSK is not asked for a certificate', () => {
    const psk = externalPsk();
    const client = { externalPsks: [psk], credentials: [credential] };
    const { server, clientEvents } = shuttle(newPair(client, { findPsk: () => psk, clientCertificate: 'required' }));
    expect(errorOf(clientEvents)).toBeUndefined();
    expect(server.phase).toBe('open');
    expect(server.facts).toMatchObject({ externalPsk: psk.identity, peer: undefined });
  });
});
