// What RFC 9846 demands and no other test is about. vectors/rfc9846-musts.json says which test is about which demand.
import { describe, expect, test } from 'vitest';
import { Connection, type Event } from '#opentls/connection';
import { Secret } from '#opentls/crypto/secret';
import { AlertDescription } from '#opentls/errors';
import type { ClientConfig, Credential, ServerConfig } from '#opentls/handshake/config';
import { binderOf, bindersLength, withTruncated } from '#opentls/handshake/psk';
import { perform } from '#opentls/handshake/script';
import type { ExternalPsk } from '#opentls/keys/importer';
import { EarlySecret, type PskKind } from '#opentls/keys/schedule';
import { Transcript } from '#opentls/keys/transcript';
import { Opener } from '#opentls/record/opener';
import type { Session, SessionState } from '#opentls/session/session';
import { TicketKeys } from '#opentls/session/tickets';
import { ContentType, ExtensionType, HandshakeType, NamedGroup } from '#opentls/wire/enums';
import { type ExtensionValues, readExtensions, writeExtensions } from '#opentls/wire/extensions';
import {
  type ClientHello,
  encodeMessage,
  helloRetryRequestRandom,
  type MessageOf,
  parseMessage,
  type ServerHello,
} from '#opentls/wire/messages';
import { createCertificate } from '#opentls/x509/create';
import { generatePrivateKey } from '#opentls/x509/generate';
import { provider } from '../provider.ts';
import { suiteProviders } from '../providers/providers.ts';
import { randomBytes } from '../random.ts';
import { record, recordsOf, suiteOf } from '../record/records.ts';
import {
  credential,
  dataOf,
  errorOf,
  feed,
  newClient,
  newPair,
  newServer,
  openPair,
  settle,
  shuttle,
  trustAnything,
} from './pair.ts';
import { Peer } from './peer.ts';

const bytes = randomBytes(9846);
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');

/** The messages that stand in the clear, in the order they were sent. */
function plainMessages(output: readonly Uint8Array[]): ReturnType<typeof parseMessage>[] {
  const records = recordsOf(Buffer.concat(output)).filter(({ type }) => type === ContentType.handshake);
  return records.map(({ body }) => parseMessage(body));
}

function bodyOf<T extends 1 | 2>(messages: readonly ReturnType<typeof parseMessage>[], type: T): MessageOf<T>['body'] {
  const message = messages.find((candidate) => candidate.type === type) as MessageOf<T> | undefined;
  return message?.body ?? expect.fail(`no message of type ${type}`);
}

/** A client that has sent its ClientHello, and what it sent. */
function speak(config: Partial<ClientConfig> = {}) {
  const client = newClient(config);
  const events = settle(client);
  const hello = bodyOf(plainMessages(client.takeOutput()), HandshakeType.client_hello);
  return { client, events, hello, extensions: readExtensions('CH', hello.extensions) };
}

/** The record of a ServerHello that is right but for `change`. */
function serverHello(hello: ClientHello, change: Partial<ServerHello> = {}): Uint8Array {
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

function serverExtensions(values: ExtensionValues['SH'] = {}) {
  const share = { group: NamedGroup.x25519, keyExchange: bytes(32) };
  return writeExtensions('SH', { supported_versions: 0x0304, key_share: share, ...values });
}

function retryRequest(hello: ClientHello, values: ExtensionValues['HRR'], change: Partial<ServerHello> = {}) {
  const extensions = writeExtensions('HRR', { supported_versions: 0x0304, ...values });
  return serverHello(hello, { random: helloRetryRequestRandom, extensions, ...change });
}

/** What a server says to this ClientHello. */
function answerTo(message: Uint8Array, config: Partial<ServerConfig> = {}) {
  const server = newServer(config);
  const events = settle(server);
  feed(server, record(ContentType.handshake, message), events);
  return { server, events, output: server.takeOutput() };
}

const encodeHello = (hello: ClientHello): Uint8Array => encodeMessage(HandshakeType.client_hello, hello);

/** A session whose ticket allows 0-RTT data, with the server that gave it. */
function firstSession(): { readonly session: Session; readonly server: Partial<ServerConfig> } {
  const suites = [0x1301];
  const earlyData = { maxSize: 1000, replay: { admit: () => true } };
  const server = { tickets: new TicketKeys(provider), ticketCount: 1, suites, earlyData };
  const event = shuttle(newPair({}, server)).clientEvents.find(({ type }) => type === 'session');
  if (event?.type !== 'session') return expect.fail('no ticket came');
  return { session: event.session, server };
}

function externalPsk(): ExternalPsk {
  return { identity: bytes(12), secret: new Secret('psk', bytes(32)), hash: 'sha256' };
}

interface Offered {
  readonly kind: PskKind;
  readonly identity: Uint8Array;
  readonly age: number;
  readonly key: Uint8Array;
}

/** A ClientHello that offers these PSKs, each bound as it should be. */
function withPsks(hello: ClientHello, psks: readonly Offered[]): Uint8Array {
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
    const { session } = firstSession();
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
    const { session } = firstSession();
    const { client, events, hello } = speak({ suites: [0x1301], takeSession: () => session, earlyData: true });
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
    const { session } = firstSession();
    for (const config of [{}, { suites: [0x1301], takeSession: () => session, earlyData: true }]) {
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
    expect(selecting(0, 0x1301)).toBeUndefined();
    expect(selecting(1, 0x1301)).toMatchObject({ alert: 'illegal_parameter' });
    expect(selecting(0, 0x1302)).toMatchObject({ alert: 'illegal_parameter' });
  });

  test('a PSK without the key_share that its mode needs is refused', () => {
    const { client, events, hello } = speak({ externalPsks: [externalPsk()] });
    const extensions = writeExtensions('SH', { supported_versions: 0x0304, pre_shared_key: 0 });
    feed(client, serverHello(hello, { cipherSuite: 0x1301, extensions }), events);
    expect(errorOf(events)).toBeDefined();
  });

  test('0-RTT data is not accepted with any PSK but the first', () => {
    const { session } = firstSession();
    const psk = externalPsk();
    const client = { takeSession: () => session, externalPsks: [psk], earlyData: true };
    const early = [{ type: ExtensionType.early_data, data: new Uint8Array(0) }];
    const findPsk: ServerConfig['findPsk'] = (identity) => (hex(identity) === hex(psk.identity) ? psk : undefined);
    const ends = shuttle(newPair(client, { suites: [0x1301], findPsk, encryptedExtensions: early }));
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
    const { client, server } = newPair({}, { groups: [NamedGroup.secp256r1], retryCookie: () => bytes(9) });
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
      hex(readExtensions('SH', extensions).key_share?.keyExchange ?? bytes(1)),
    );
    expect(new Set([...answers.map(({ random }) => hex(random)), hex(hello.random)]).size).toBe(3);
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
    const { hello } = speak({ suites: [0x1301] });
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
      ...firstSession().session,
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
      const { hello } = speak({ suites: [0x1301] });
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

describe('0-RTT data that was accepted', () => {
  function sendEarly(replay: (id: Uint8Array) => void = () => {}) {
    const { session, server } = firstSession();
    const { client, events } = { client: newClient({ takeSession: () => session, earlyData: true }), events: [] };
    settle(client, events);
    client.writeEarly(bytes(10));
    const guard = {
      admit(id: Uint8Array) {
        replay(id);
        return true;
      },
    };
    const config = { ...server, earlyData: { maxSize: 1000, replay: guard } };
    return { client, flight: Buffer.concat(client.takeOutput()), server: newServer(config) };
  }

  test('a record of it that does not open is bad_record_mac', () => {
    const { flight, server } = sendEarly();
    flight[flight.length - 1] = (flight.at(-1) ?? 0) ^ 1;
    const events: Event[] = [];
    feed(server, flight, events);
    expect(errorOf(events)).toMatchObject({ alert: 'bad_record_mac' });
  });

  test('is remembered by the binder, which is validated by then', () => {
    const ids: string[] = [];
    const { flight, server } = sendEarly((id) => ids.push(hex(id)));
    settle(server);
    feed(server, flight, []);
    const hello = bodyOf(plainMessages([flight]), HandshakeType.client_hello);
    const binders = readExtensions('CH', hello.extensions).pre_shared_key?.binders ?? [];
    expect(ids).toEqual(binders.map(hex));
    const forged = sendEarly((id) => ids.push(hex(id)));
    const [first] = recordsOf(forged.flight);
    const at = 5 + (first?.body.length ?? 0) - 1;
    forged.flight[at] = (forged.flight[at] ?? 0) ^ 1;
    const events: Event[] = [];
    feed(forged.server, forged.flight, events);
    expect(errorOf(events)).toMatchObject({ alert: 'decrypt_error' });
    expect(ids).toHaveLength(1);
  });

  test('does not wait for EndOfEarlyData: the flight of the server goes out at once', () => {
    const { flight, server } = sendEarly();
    feed(server, flight, []);
    expect(plainMessages(server.takeOutput().slice(0, 1))).toHaveLength(1);
    expect(server.phase).toBe('handshake');
    expect(server.writable).toBe(true);
  });
});

describe('after the handshake', () => {
  test('tickets live for seven days at most, each with a ticket_age_add of its own', () => {
    const states: SessionState[] = [];
    const tickets = { seal: (state: SessionState) => void states.push(state), open: () => undefined };
    shuttle(newPair({}, { tickets, ticketCount: 5, ticketLifetime: 10_000_000 }));
    expect(states.map(({ ticketLifetime }) => ticketLifetime)).toEqual(Array(5).fill(604_800));
    expect(new Set(states.map(({ ticketAgeAdd }) => ticketAgeAdd)).size).toBe(5);
  });

  /** Everything that the server says under its application keys. */
  function serverMessages(
    output: readonly Uint8Array[],
    secret: Uint8Array,
    suite: number,
  ): ReturnType<typeof parseMessage>[] {
    const opener = new Opener(suiteOf(provider, suite), new Secret('s ap traffic', secret.slice()));
    return recordsOf(Buffer.concat(output)).map((view) => parseMessage(opener.open(view).bytes));
  }

  test('a certificate_request_context is never used again', () => {
    const ends = newPair({ postHandshakeAuth: true }, { keylog: true });
    shuttle(ends);
    const logged = ends.serverEvents.find(
      (event) => event.type === 'secret' && event.label === 'SERVER_TRAFFIC_SECRET_0',
    );
    if (logged?.type !== 'secret') return expect.fail('no secret was logged');
    const output: Uint8Array[] = [];
    for (let i = 0; i < 3; i++) {
      ends.server.requestCertificate();
      shuttle(ends, (from, slab) => {
        if (from === 'server') output.push(slab);
        return [slab];
      });
    }
    const messages = serverMessages(output, logged.secret, ends.server.facts?.suite.id ?? 0);
    const contexts = messages.map(({ body }) =>
      'certificateRequestContext' in body ? hex(body.certificateRequestContext) : '',
    );
    expect(new Set(contexts).size).toBe(3);
    expect(contexts).not.toContain('');
  });

  test('a client answers with consecutive messages, and the server waits through others', () => {
    const ends = openPair({ postHandshakeAuth: true, credentials: [credential] }, { clientCertificate: 'required' });
    ends.server.requestCertificate();
    settle(ends.server, ends.serverEvents);
    for (const slab of ends.server.takeOutput()) ends.client.receive(slab);
    const asked = ends.client.poll();
    if (asked?.type !== 'ask') return expect.fail('the client need not sign');
    expect(asked.ask.request.ask).toBe('sign');
    // Nothing goes out before all of it can.
    expect(ends.client.takeOutput()).toEqual([]);
    ends.client.write([Buffer.from('one ')]);
    for (const slab of ends.client.takeOutput()) feed(ends.server, slab, ends.serverEvents);
    ends.client.updateKeys();
    ends.client.write([Buffer.from('two')]);
    for (const slab of ends.client.takeOutput()) feed(ends.server, slab, ends.serverEvents);
    ends.client.answer(asked.ask, perform(asked.ask.request) as never);
    shuttle(ends);
    expect(Buffer.from(dataOf(ends.serverEvents)).toString()).toBe('one two');
    expect(ends.serverEvents.map(({ type }) => type)).toEqual(['data', 'data', 'authenticated']);
  });

  test('a client without a certificate answers with an empty one', () => {
    const ends = openPair({ postHandshakeAuth: true });
    ends.server.requestCertificate();
    shuttle(ends);
    expect(ends.serverEvents).toMatchObject([{ type: 'authenticated', facts: { peer: undefined } }]);
    expect([ends.client.phase, ends.server.phase]).toEqual(['open', 'open']);
  });

  test('a client that did not offer it is not asked', () => {
    const { server } = openPair({ credentials: [credential] });
    const misuse = expect.objectContaining({ code: 'ERR_TLS_INVALID_STATE' });
    expect(() => server.requestCertificate()).toThrow(misuse);
  });
});

describe('alerts, §6', () => {
  const openPeer = () => {
    const peer = new Peer('server', { provider, verifyChain: trustAnything, credentials: [credential] });
    const client = newClient();
    peer.play(client, 5);
    client.takeOutput();
    return { peer, client };
  };

  test.each([
    ['an error of level warning', [1, 40], 'ERR_TLS_ALERT_HANDSHAKE_FAILURE'],
    ['an error of level fatal', [2, 40], 'ERR_TLS_ALERT_HANDSHAKE_FAILURE'],
    ['an unknown alert of level warning', [1, 200], 'ERR_TLS_UNKNOWN_ALERT'],
  ])('%s ends the connection: no data goes in or out', (_, alert, code) => {
    const { peer, client } = openPeer();
    peer.say(client, ContentType.alert, new Uint8Array(alert));
    expect(errorOf(peer.events)?.code).toBe(code);
    const known = peer.events.length;
    peer.say(client, ContentType.application_data, bytes(3));
    expect(peer.events).toHaveLength(known);
    expect(client.takeOutput()).toEqual([]);
    expect(client.phase).toBe('failed');
    expect(() => client.exportKey('x', undefined, 1)).toThrow();
    for (const use of [() => client.write([bytes(1)]), () => client.updateKeys(), () => client.closeWrite()]) {
      try {
        use();
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_TLS_INVALID_STATE' });
      }
      expect(client.takeOutput()).toEqual([]);
    }
  });

  test('an error of our own goes out once, as fatal, and is the end', () => {
    const server = newServer();
    const events = settle(server);
    feed(server, record(ContentType.handshake, new Uint8Array([1, 0, 0, 1, 0])), events);
    expect(hex(Buffer.concat(server.takeOutput()))).toBe('15030300020232');
    feed(server, record(ContentType.handshake, encodeHello(speak().hello)), events);
    expect(server.takeOutput()).toEqual([]);
    expect(events.map(({ type }) => type)).toEqual(['error']);
    expect(() => server.write([bytes(1)])).toThrow(expect.objectContaining({ code: 'ERR_TLS_INVALID_STATE' }));
    expect(() => server.exportKey('x', undefined, 1)).toThrow(
      expect.objectContaining({ code: 'ERR_TLS_INVALID_STATE' }),
    );
  });

  test('closure goes out as a warning, close_notify after user_canceled', () => {
    const { client } = speak();
    client.closeWrite();
    expect(hex(Buffer.concat(client.takeOutput()))).toBe(`${'1503030002015a'}${'15030300020100'}`);
  });

  test.each(['CA_MD_TOO_WEAK', 'CERT_SIGNATURE_FAILURE'] as const)('%s is bad_certificate', (code) => {
    const ends = shuttle(newPair({ verifyChain: () => ({ ok: false, code, reason: 'test' }) }));
    expect(errorOf(ends.clientEvents)).toEqual({ code, alert: 'bad_certificate' });
  });
});

describe('who signs', () => {
  function credentialOf(options: Partial<Parameters<typeof createCertificate>[0]>): Credential {
    const signer = provider.signer(generatePrivateKey('P-256', provider.random));
    const period = { notBefore: Date.now() - 1000, notAfter: Date.now() + 86_400_000 };
    const made = createCertificate({ provider, signer, subject: 'localhost', ...period, ...options });
    return 'then' in made ? expect.fail('the provider signs at once') : { chain: [made.der], signer };
  }
  const refusalOf = (ofServer: Credential) => errorOf(shuttle(newPair({}, { credentials: [ofServer] })).clientEvents);

  test('a certificate whose key usage has no digitalSignature is refused', () => {
    expect(refusalOf(credentialOf({ keyUsage: ['digitalSignature'] }))).toBeUndefined();
    expect(refusalOf(credentialOf({ keyUsage: ['keyAgreement'] }))).toMatchObject({ alert: 'illegal_parameter' });
  });

  test('a scheme that the key of the certificate cannot make is refused', () => {
    const { chain } = credentialOf({});
    const signer = { ...provider.signer(generatePrivateKey('ed25519', provider.random)) };
    expect(refusalOf({ chain, signer })).toMatchObject({ alert: 'illegal_parameter' });
  });

  test('nobody signs with SHA-1, even where a peer would take it', () => {
    const { chain, signer } = credentialOf({});
    const sha1 = { chain, signer: { ...signer, schemes: [0x0203] } };
    const ends = shuttle(newPair({ signatureSchemes: [0x0203] }, { credentials: [sha1] }));
    expect(errorOf(ends.serverEvents)).toMatchObject({ alert: 'handshake_failure' });
  });

  test('there is one raw public key', () => {
    const { signer } = credential;
    const types = { peerCertificateTypes: ['RawPublicKey'] } as const;
    const refusalOfKeys = (count: number) => {
      const raw: Credential = { chain: Array(count).fill(signer.publicKey), signer, type: 'RawPublicKey' };
      const verifyChain: ClientConfig['verifyChain'] = () => ({ ok: false, code: 'CERT_REJECTED', reason: 'read' });
      return errorOf(shuttle(newPair({ ...types, verifyChain }, { credentials: [raw] })).clientEvents)?.code;
    };
    expect(refusalOfKeys(1)).toBe('CERT_REJECTED');
    expect(refusalOfKeys(2)).toBe('ERR_TLS_RAW_PUBLIC_KEY_DECODE');
  });
});

describe('records, §5', () => {
  test.each([true, false])('of a whole connection, with middlebox compatibility %s', (middleboxCompatibility) => {
    const sent = { client: [] as Uint8Array[], server: [] as Uint8Array[] };
    const ends = newPair({ middleboxCompatibility, credentials: [credential] }, { clientCertificate: 'required' });
    const carry = () =>
      shuttle(ends, (from, slab) => {
        sent[from].push(slab);
        return [slab];
      });
    carry();
    ends.client.write([bytes(100)]);
    ends.server.write([bytes(100)]);
    carry();
    const shown = (side: 'client' | 'server') =>
      recordsOf(Buffer.concat(sent[side])).map(({ type, header }) => `${type}:${hex(header.subarray(1, 3))}`);
    // Handshake records in the clear, change_cipher_spec for middleboxes, and from there on nothing in the clear.
    const ccs = middleboxCompatibility ? ['20:0303'] : [];
    const protectedFrom = 1 + ccs.length;
    expect(shown('client').slice(0, protectedFrom)).toEqual(['22:0301', ...ccs]);
    expect(shown('server').slice(0, protectedFrom)).toEqual(['22:0303', ...ccs]);
    for (const side of ['client', 'server'] as const) {
      expect(new Set(shown(side).slice(protectedFrom))).toEqual(new Set(['23:0303']));
    }
  });

  test('change_cipher_spec after the handshake is unexpected_message', () => {
    const changeCipherSpec = record(ContentType.change_cipher_spec, new Uint8Array([1]));
    for (const side of ['client', 'server'] as const) {
      const events: Event[] = [];
      feed(openPair()[side], changeCipherSpec, events);
      expect(errorOf(events)).toMatchObject({ alert: 'unexpected_message' });
    }
  });

  test.each(suiteProviders)('no AEAD of $name expands by more than 255 bytes, or has a short nonce', ({ suites }) => {
    for (const { aead } of suites) {
      expect(aead.tagLength).toBeLessThanOrEqual(255);
      expect(aead.ivLength).toBeGreaterThanOrEqual(8);
    }
  });
});

test('what older versions had and RFC 9846 Appendix B reserves has no name here to be sent by', () => {
  const reserved = {
    alerts: [21, 30, 41, 60, 100, 111, 114],
    messages: [0, 3, 6, 12, 14, 16, 21, 22, 23],
    groups: [...Array(0x17).keys(), 0x1a, 0x1b, 0x1c, 0xff01, 0xff02],
  };
  const known = {
    alerts: Object.values(AlertDescription) as number[],
    messages: Object.values(HandshakeType) as number[],
    groups: suiteProviders.flatMap(({ groups }) => groups.map(({ id }) => id)),
  };
  expect(known.alerts.filter((value) => reserved.alerts.includes(value))).toEqual([]);
  expect(known.messages.filter((value) => reserved.messages.includes(value))).toEqual([]);
  expect(known.groups.filter((value) => reserved.groups.includes(value))).toEqual([]);
});

describe('messages of an honest peer, but for one', () => {
  const config = { provider, verifyChain: trustAnything, credentials: [credential], suites: [0x1301] };

  test('a Finished that is not right is decrypt_error', () => {
    const wrong = encodeMessage(HandshakeType.finished, { verifyData: new Uint8Array(32) });
    const expected = { alert: 'decrypt_error' };
    const [client, server] = [newClient(), newServer()];
    const [ofServer, ofClient] = [new Peer('server', config), new Peer('client', config)];
    ofServer.play(client, 4);
    expect(ofServer.inject(client, wrong)).toMatchObject(expected);
    ofClient.play(server, 1);
    expect(ofClient.inject(server, wrong)).toMatchObject(expected);
  });

  test('an empty Certificate of a server is decode_error', () => {
    const client = newClient();
    const peer = new Peer('server', config);
    peer.play(client, 2);
    const empty = { certificateRequestContext: new Uint8Array(0), certificateList: [] };
    expect(peer.inject(client, encodeMessage(HandshakeType.certificate, empty))).toMatchObject({
      alert: 'decode_error',
    });
  });

  test('a KeyUpdate is asked for once, until it has come', () => {
    const ends = shuttle(newPair({ keylog: true, suites: [0x1301] }));
    const logged = ends.clientEvents.find(
      (event) => event.type === 'secret' && event.label === 'CLIENT_TRAFFIC_SECRET_0',
    );
    if (logged?.type !== 'secret') return expect.fail('no secret was logged');
    const opener = new Opener(suiteOf(provider, 0x1301), new Secret('c ap traffic', logged.secret.slice()));
    const asked: number[] = [];
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 3; i++) ends.client.updateKeys(true);
      shuttle(ends, (from, slab) => {
        if (from === 'client') {
          for (const view of recordsOf(slab)) {
            const { body } = parseMessage(opener.open(view).bytes);
            if ('requestUpdate' in body) asked.push(body.requestUpdate);
            opener.update();
          }
        }
        return [slab];
      });
    }
    expect(asked).toEqual([1, 0, 0, 1, 0, 0]);
  });
});

describe('certificates by what was asked for', () => {
  test('a client signs with a scheme that the server asked for, or not at all', () => {
    const schemes = new Map<number, number | undefined>();
    for (const scheme of [0x0403, 0x0503]) {
      const server: Partial<ServerConfig> = { clientCertificate: 'optional', signatureSchemes: [scheme] };
      schemes.set(scheme, openPair({ credentials: [credential] }, server).server.facts?.peerSignatureScheme);
    }
    expect([...schemes]).toEqual([
      [0x0403, 0x0403],
      [0x0503, undefined],
    ]);
  });

  test('a chain goes out with the certificate of the sender first', () => {
    const [leaf = bytes(1)] = credential.chain;
    const chain = [leaf, bytes(40), bytes(50)];
    const client = { credentials: [{ ...credential, chain }] };
    const ends = openPair(client, { ...client, clientCertificate: 'required' });
    expect([ends.client.facts?.peerChain, ends.server.facts?.peerChain]).toEqual([chain, chain]);
  });

  test('either side staples an OCSP response where it is asked for one', () => {
    const stapled = { ...credential, ocspResponse: bytes(30) };
    const seen = [true, false].map((requestOcsp) => {
      const client = { requestOcsp, credentials: [stapled] };
      const ends = openPair(client, { ...client, clientCertificate: 'required' });
      return [ends.client.facts?.peerOcspResponse, ends.server.facts?.peerOcspResponse];
    });
    expect(seen).toEqual([
      [stapled.ocspResponse, stapled.ocspResponse],
      [undefined, undefined],
    ]);
  });

  test('signature_algorithms_cert is sent where it is configured', () => {
    expect(speak({ certificateSchemes: [0x0401, 0x0403] }).extensions.signature_algorithms_cert).toEqual([
      0x0401, 0x0403,
    ]);
  });
});
