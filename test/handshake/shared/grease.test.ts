import { describe, expect, test } from 'vitest';
import { Secret } from '#opentls/crypto/secret';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import type { Session } from '#opentls/session/session';
import { TicketKeys } from '#opentls/session/tickets';
import { ExtensionType, HandshakeType, NamedGroup, ProtocolVersion, SignatureScheme } from '#opentls/wire/enums';
import { readExtensions, writeExtensions } from '#opentls/wire/extensions';
import {
  type ClientHello,
  encodeMessage,
  helloRetryRequestRandom,
  type MessageBodies,
  type MessageType,
  parseMessage,
  type ServerHello,
} from '#opentls/wire/messages';
import { retryFields, serverExtensions, serverHello } from '../../kit/hellos.ts';
import {
  credential,
  errorOf,
  feed,
  newClient,
  newPair,
  newServer,
  openPair,
  settle,
  shuttle,
  trustAnything,
} from '../../kit/pair.ts';
import { Peer } from '../../kit/peer.ts';
import { provider } from '../../kit/provider.ts';
import { randomBytes } from '../../kit/random.ts';
import { recordsOf } from '../../record/records.ts';

const bytes = randomBytes(8701);

/** RFC 8701 §2: 0x0a0a, 0x1a1a … 0xfafa. */
const reserved = Array.from({ length: 16 }, (_, i) => i * 0x1010 + 0x0a0a);
/** PskKeyExchangeModes. */
const reservedModes = [0x0b, 0x2a, 0x49, 0x68, 0x87, 0xa6, 0xc5, 0xe4];
const isReserved = (value: number): boolean => reserved.includes(value);

/** Every ClientHello that a client sends in a handshake. */
function hellosOf(client: Partial<ClientConfig>, server: Partial<ServerConfig> = {}): readonly ClientHello[] {
  const hellos: ClientHello[] = [];
  const shapeClientHello = (hello: ClientHello): ClientHello => {
    hellos.push(hello);
    return hello;
  };
  const ends = shuttle(newPair({ ...client, shapeClientHello }, server));
  expect([ends.client.phase, ends.server.phase]).toEqual(['open', 'open']);
  return hellos;
}

function helloOf(client: Partial<ClientConfig>): ClientHello {
  return hellosOf(client)[0] ?? expect.fail('no ClientHello');
}

/** The lists of a ClientHello. */
function lists(hello: ClientHello) {
  const values = readExtensions('CH', hello.extensions);
  return {
    suites: hello.cipherSuites,
    groups: values.supported_groups ?? [],
    shares: (values.key_share ?? []).map(({ group }) => group),
    schemes: values.signature_algorithms ?? [],
    versions: values.supported_versions ?? [],
    extensions: hello.extensions.map(({ type }) => type),
    modes: values.psk_key_exchange_modes ?? [],
  };
}

const places = ['suites', 'groups', 'shares', 'schemes', 'versions', 'extensions'] as const;
const stable = { shuffleExtensions: false };

describe('reserved values are sent, RFC 8701 §3.1', () => {
  test.each(places)('among the %s, where asked for, beside the others', (place) => {
    const [plain, greased] = [lists(helloOf(stable)), lists(helloOf({ ...stable, grease: true }))];
    expect(plain[place].filter(isReserved)).toEqual([]);
    expect(greased[place].filter(isReserved)).toHaveLength(place === 'extensions' ? 2 : 1);
    expect(greased[place].filter((value) => !isReserved(value))).toEqual(plain[place]);
  });

  test('among the PSK modes', () => {
    expect(lists(helloOf({})).modes).toEqual([1]);
    const { modes } = lists(helloOf({ grease: true }));
    expect(modes).toEqual([1, expect.toSatisfy((mode) => reservedModes.includes(mode))]);
    expect(lists(helloOf({ grease: true, pskModes: [] })).modes).toEqual([]);
  });

  test('the share is of the group that is listed; one extension is empty, one is not', () => {
    const hello = helloOf({ grease: true });
    const { groups, shares } = lists(hello);
    expect(shares.filter(isReserved)).toEqual(groups.filter(isReserved));
    const data = hello.extensions.flatMap((extension) =>
      isReserved(extension.type) ? [extension.data.length > 0] : [],
    );
    expect(data.sort()).toEqual([false, true]);
  });

  test('they change from one connection to another', () => {
    const seen = places.map(() => new Set<number>());
    for (let i = 0; i < 12; i++) {
      const found = lists(helloOf({ grease: true }));
      places.forEach((place, n) => {
        for (const value of found[place].filter(isReserved)) seen[n]?.add(value);
      });
    }
    for (const values of seen) expect(values.size).toBeGreaterThan(1);
  });

  test.each([0x00, 0x10, 0xff])('two extensions are never of one type, whatever chance says: %i', (byte) => {
    const fixed = { ...provider, random: (length: number) => new Uint8Array(length).fill(byte) };
    const client = newClient({ provider: fixed, grease: true, ...stable, shapeClientHello: keep });
    let types: readonly number[] = [];
    function keep(hello: ClientHello): ClientHello {
      types = hello.extensions.map(({ type }) => type);
      return hello;
    }
    settle(client);
    expect(types.filter(isReserved)).toHaveLength(2);
    expect(new Set(types).size).toBe(types.length);
  });
});

describe('and tolerated', () => {
  test('over a HelloRetryRequest, where they stay what they were (RFC 9846 §4.2.2)', () => {
    const [first, second] = hellosOf({ grease: true }, { groups: [NamedGroup.secp256r1] });
    if (first === undefined || second === undefined) return expect.fail('no second ClientHello');
    const [before, after] = [lists(first), lists(second)];
    expect(after).toEqual({ ...before, shares: [NamedGroup.secp256r1] });
  });

  test('in a resumption, with pre_shared_key last', () => {
    const server = { tickets: new TicketKeys(provider) };
    const sessions: Session[] = [];
    for (const event of shuttle(newPair({ grease: true }, server)).clientEvents) {
      if (event.type === 'session') sessions.push(event.session);
    }
    const ends = openPair({ grease: true, takeSession: () => sessions[0] }, server);
    expect(ends.server.facts?.resumed).toBe(true);
  });

  test('among the protocols of ALPN', () => {
    const h2 = new Uint8Array([0x68, 0x32]);
    const ends = openPair({ alpn: [new Uint8Array([0x1a, 0x1a]), h2] }, { alpn: [h2], preferOwnOrder: false });
    expect(ends.client.facts?.alpn).toEqual(h2);
  });

  const server = { provider, groups: [NamedGroup.x25519], credentials: [credential], verifyChain: trustAnything };
  const unknown = { type: 0x8a8a, data: bytes(3) };

  test('by a client, in a CertificateRequest and in a NewSessionTicket (RFC 8701 §4)', () => {
    const peer = new Peer('server', server);
    const client = newClient({ groups: [NamedGroup.x25519], credentials: [credential] });
    peer.play(client, 2);
    const request = {
      certificateRequestContext: new Uint8Array(0),
      extensions: [
        unknown,
        ...writeExtensions('CR', { signature_algorithms: [0x6a6a, SignatureScheme.ecdsa_secp256r1_sha256] }),
      ],
    };
    expect(peer.inject(client, encodeMessage(HandshakeType.certificate_request, request))).toBeUndefined();

    const [later, open] = [new Peer('server', server), newClient({ groups: [NamedGroup.x25519] })];
    later.play(open, 5);
    const ticket = {
      ticketLifetime: 9,
      ticketAgeAdd: 1,
      ticketNonce: bytes(1),
      ticket: bytes(9),
      extensions: [unknown],
    };
    expect(later.inject(open, encodeMessage(HandshakeType.new_session_ticket, ticket))).toBeUndefined();
    expect(later.events.map(({ type }) => type)).toEqual(['open', 'session']);
  });
});

describe('a client that sent them does not take them for an answer', () => {
  /** What it makes of a ServerHello that is right but for `change`. */
  function answerWith(change: (sent: ReturnType<typeof lists>) => Partial<ServerHello>) {
    const seen: ClientHello[] = [];
    const shapeClientHello = (hello: ClientHello): ClientHello => {
      seen.push(hello);
      return hello;
    };
    const client = newClient({
      grease: true,
      groups: [NamedGroup.x25519, NamedGroup.secp256r1],
      keyShares: [NamedGroup.x25519],
      shapeClientHello,
    });
    const events = settle(client);
    const [hello] = seen;
    if (hello === undefined) return expect.fail('no ClientHello');
    const cipherSuite = hello.cipherSuites.find((suite) => !isReserved(suite)) ?? 0;
    feed(client, serverHello(hello, { cipherSuite, ...change(lists(hello)) }), events);
    return errorOf(events);
  }

  const greased = (values: readonly number[]): number => values.find(isReserved) ?? expect.fail('nothing is reserved');

  test('the one that the others differ from is taken', () => {
    expect(answerWith(() => ({}))).toBeUndefined();
    expect(answerWith(() => retryFields({ key_share: NamedGroup.secp256r1 }))).toBeUndefined();
  });

  test.each<[string, (sent: ReturnType<typeof lists>) => Partial<ServerHello>, string]>([
    ['a suite', ({ suites }) => ({ cipherSuite: greased(suites) }), 'illegal_parameter'],
    [
      'a version',
      ({ versions }) => ({ extensions: serverExtensions({ supported_versions: greased(versions) }) }),
      'illegal_parameter',
    ],
    [
      'a group',
      ({ shares }) => ({
        extensions: serverExtensions({ key_share: { group: greased(shares), keyExchange: bytes(1) } }),
      }),
      'illegal_parameter',
    ],
    [
      'an extension',
      (sent) => ({ extensions: [...serverExtensions(), { type: greased(sent.extensions), data: bytes(0) }] }),
      'unsupported_extension',
    ],
    [
      'a suite to retry with',
      ({ suites }) => ({ ...retryFields({ key_share: NamedGroup.secp256r1 }), cipherSuite: greased(suites) }),
      'illegal_parameter',
    ],
    [
      'a version to retry with',
      ({ versions }) => retryFields({ key_share: NamedGroup.secp256r1, supported_versions: greased(versions) }),
      'illegal_parameter',
    ],
    ['a group to retry with', ({ groups }) => retryFields({ key_share: greased(groups) }), 'illegal_parameter'],
    [
      'an extension of a HelloRetryRequest',
      (sent) => ({
        random: helloRetryRequestRandom,
        extensions: [
          ...writeExtensions('HRR', { supported_versions: ProtocolVersion.TLS13, key_share: NamedGroup.secp256r1 }),
          { type: greased(sent.extensions), data: bytes(0) },
        ],
      }),
      'unsupported_extension',
    ],
  ])('%s', (_, change, alert) => {
    expect(answerWith(change)).toMatchObject({ alert });
  });

  /** After `count` messages of an honest peer, one that holds what was offered. */
  function injected<T extends MessageType>(
    side: 'client' | 'server',
    count: number,
    type: T,
    body: (sent: ReturnType<typeof lists>) => MessageBodies[T],
  ) {
    let sent: ReturnType<typeof lists> | undefined;
    const shapeClientHello = (hello: ClientHello): ClientHello => {
      sent = lists(hello);
      return hello;
    };
    const config = { provider, groups: [NamedGroup.x25519], credentials: [credential], verifyChain: trustAnything };
    const greasy = { grease: true, shapeClientHello };
    const peer = new Peer(side, side === 'server' ? config : { ...config, ...greasy });
    const engine =
      side === 'server'
        ? newClient({ groups: [NamedGroup.x25519], ...greasy })
        : newServer({ groups: [NamedGroup.x25519], clientCertificate: 'required' });
    peer.play(engine, count);
    return peer.inject(engine, encodeMessage(type, body(sent ?? expect.fail('no ClientHello'))));
  }

  test('an extension of EncryptedExtensions', () => {
    const refusal = injected('server', 1, HandshakeType.encrypted_extensions, (sent) => ({
      extensions: [{ type: greased(sent.extensions), data: bytes(0) }],
    }));
    expect(refusal).toMatchObject({ alert: 'unsupported_extension' });
  });

  test('an extension of a Certificate', () => {
    const certData = credential.chain[0] ?? bytes(1);
    const refusal = injected('server', 2, HandshakeType.certificate, (sent) => ({
      certificateRequestContext: bytes(0),
      certificateList: [{ certData, extensions: [{ type: greased(sent.extensions), data: bytes(0) }] }],
    }));
    expect(refusal).toMatchObject({ alert: 'unsupported_extension' });
  });

  test.each([
    ['server', 3],
    ['client', 2],
  ] as const)('the scheme of a CertificateVerify of a %s', (side, count) => {
    const refusal = injected(side, count, HandshakeType.certificate_verify, ({ schemes }) => ({
      algorithm: greased(schemes),
      signature: bytes(70),
    }));
    expect(refusal).toMatchObject({ alert: 'illegal_parameter' });
  });
});

describe('extensions are shuffled', () => {
  const secret = new Secret('psk', bytes(32));
  const externalPsks = [{ identity: bytes(8), secret, hash: 'sha256' as const }];
  /** Of a ClientHello as it is on the wire: pre_shared_key is added last of all. */
  function typesOf(config: Partial<ClientConfig>): readonly number[] {
    const client = newClient(config);
    settle(client);
    const [{ body } = expect.fail('no ClientHello')] = recordsOf(Buffer.concat(client.takeOutput()));
    const hello = parseMessage(body);
    return 'cipherSuites' in hello.body ? hello.body.extensions.map(({ type }) => type) : [];
  }

  const several = (config: Partial<ClientConfig>) => Array.from({ length: 8 }, () => typesOf(config));
  const orders = (all: readonly (readonly number[])[]): number => new Set(all.map(String)).size;
  const sorted = (types: readonly number[]): readonly number[] => [...types].sort((a, b) => a - b);

  test('differently for each connection, into the same set', () => {
    const all = several({});
    expect(orders(all)).toBeGreaterThan(1);
    expect(orders(all.map(sorted))).toBe(1);
    expect(sorted(all[0] ?? [])).toEqual(sorted(typesOf(stable)));
  });

  test('not where that is not wanted', () => {
    expect(orders(several(stable))).toBe(1);
  });

  test.each([true, false])('pre_shared_key comes last, with GREASE %s', (grease) => {
    for (const types of several({ externalPsks, grease })) expect(types.at(-1)).toBe(ExtensionType.pre_shared_key);
  });

  test('a second ClientHello has the order of the first', () => {
    const [first, second] = hellosOf(
      {},
      { groups: [NamedGroup.secp256r1], retryCookies: { seal: () => bytes(4), open: () => undefined } },
    );
    const before = first?.extensions.map(({ type }) => type);
    const after = second?.extensions.map(({ type }) => type);
    expect(after?.filter((type) => type !== ExtensionType.cookie)).toEqual(before);
    expect(after).toContain(ExtensionType.cookie);
  });
});
