// A connection and its secrets live until the connection ends, however it ends, and no longer.
import { describe, expect, test } from 'vitest';
import type { Event } from '#opentls/connection/connection';
import { Secret } from '#opentls/crypto/secret';
import { TlsError } from '#opentls/errors';
import type { ClientConfig, CommonConfig, ServerConfig } from '#opentls/handshake/terms/config';
import type { KeylogLabel } from '#opentls/handshake/terms/record-layer';
import { type AskName, type PendingAsk, perform } from '#opentls/handshake/terms/script';
import { defaultLimits } from '#opentls/limits';
import { Opener } from '#opentls/record/opener';
import { TicketKeys } from '#opentls/session/tickets';
import { CipherSuiteId, ContentType, HandshakeType, NamedGroup } from '#opentls/wire/enums';
import {
  credential,
  dataOf,
  type Ends,
  errorOf,
  newPair,
  openPair,
  other,
  type Side,
  settle,
  shuttle,
  sides,
  trustAnything,
} from '../kit/pair.ts';
import { provider } from '../kit/provider.ts';
import { randomBytes } from '../kit/random.ts';
import { watched } from '../kit/watched.ts';
import { innerSealer, record, recordsOf, suiteOf } from '../record/records.ts';

const bytes = randomBytes(5446);
const misuse = expect.objectContaining({ code: 'ERR_TLS_INVALID_STATE' });

/** What came out of a connection is the receiver's. */
function forget(events: readonly Event[]): void {
  for (const event of events) {
    if (event.type === 'secret') event.secret.fill(0);
    if (event.type === 'session') event.session.psk.wipe();
  }
}

interface Configs {
  readonly client?: Partial<ClientConfig>;
  readonly server?: Partial<ServerConfig>;
}

/** A pair of which one side has something of its own, too. */
function pairWith(side: Side, own: Partial<CommonConfig>, { client, server }: Configs): Ends {
  return newPair({ ...client, ...(side === 'client' && own) }, { ...server, ...(side === 'server' && own) });
}

/** A server whose tickets allow 0-RTT data, and a session of it. */
function early(): Configs {
  const earlyData = { maxSize: 1000, replay: { admit: () => true } };
  const server = { tickets: new TicketKeys(provider), suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256], earlyData };
  const event = shuttle(newPair({}, server)).clientEvents.find(({ type }) => type === 'session');
  const session = event?.type === 'session' ? event.session : expect.fail('no ticket came');
  return { client: { takeSession: () => session, earlyData: true }, server };
}

describe('handshake data that runs over a change of keys, RFC 9846 §5.1', () => {
  /** What it is behind; under which key of the sender that is sealed, if any. */
  interface Case {
    readonly from: Side;
    readonly type: number;
    readonly label?: KeylogLabel;
    readonly early?: boolean;
    readonly groups?: readonly number[];
  }

  /** Carries a handshake in which the record that begins with a message of `type` ends in two bytes of another one. */
  function withBytesBehind(ends: Ends, { from, type, label }: Case): Ends {
    const begun = Uint8Array.of(HandshakeType.encrypted_extensions, 0);
    let key: { readonly opener: Opener; readonly seal: (inner: Uint8Array) => Uint8Array } | undefined;
    const prolonged = (content: Uint8Array): Uint8Array =>
      content[0] === type ? Buffer.concat([content, begun]) : content;
    return shuttle(ends, (side, slab) => {
      if (side !== from) return [slab];
      const event = ends[`${from}Events`].find((logged) => logged.type === 'secret' && logged.label === label);
      if (key === undefined && event?.type === 'secret') {
        const secret = () => new Secret('c hs traffic', event.secret.slice());
        const suite = suiteOf(provider, CipherSuiteId.TLS_AES_128_GCM_SHA256);
        key = { opener: new Opener(suite, secret()), seal: innerSealer(suite, secret()) };
      }
      return recordsOf(slab).map((view) => {
        if (view.type === ContentType.handshake)
          return record(view.type, label === undefined ? prolonged(view.body) : view.body);
        const opened = view.type === ContentType.application_data ? key?.opener.tryOpen(view) : undefined;
        if (opened === undefined || key === undefined) return Buffer.concat([view.header, view.body]);
        const content = opened.type === ContentType.handshake ? prolonged(opened.bytes) : opened.bytes;
        return key.seal(Uint8Array.from([...content, opened.type]));
      });
    });
  }

  const retrying = { groups: [NamedGroup.secp256r1] };
  test.each<[string, Case]>([
    ['ClientHello', { from: 'client', type: HandshakeType.client_hello }],
    ['a ClientHello before 0-RTT data', { from: 'client', type: HandshakeType.client_hello, early: true }],
    [
      'a ClientHello that is answered with a HelloRetryRequest',
      { from: 'client', type: HandshakeType.client_hello, ...retrying },
    ],
    ['HelloRetryRequest', { from: 'server', type: HandshakeType.server_hello, ...retrying }],
    ['ServerHello', { from: 'server', type: HandshakeType.server_hello }],
    ['ServerHello, after 0-RTT data', { from: 'server', type: HandshakeType.server_hello, early: true }],
    [
      'the flight of the server',
      { from: 'server', type: HandshakeType.encrypted_extensions, label: 'SERVER_HANDSHAKE_TRAFFIC_SECRET' },
    ],
    [
      'EndOfEarlyData',
      { from: 'client', type: HandshakeType.end_of_early_data, label: 'CLIENT_EARLY_TRAFFIC_SECRET', early: true },
    ],
    [
      'the client’s Finished',
      { from: 'client', type: HandshakeType.finished, label: 'CLIENT_HANDSHAKE_TRAFFIC_SECRET' },
    ],
  ])('behind %s is unexpected_message, and the end of every secret', (_, row) => {
    const watch = watched();
    const receiver = other[row.from];
    const before = row.early === true ? early() : { client: {}, server: {} };
    const common = (side: Side) => ({
      suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256],
      ...(side === receiver ? { provider: watch.provider } : { keylog: true }),
    });
    const groups = row.groups && { groups: row.groups };
    const pair = newPair(
      { ...before.client, ...common('client') },
      { ...before.server, ...common('server'), ...groups },
    );
    const ends = withBytesBehind(pair, row);
    const refusal = { code: 'ERR_TLS_EXCESS_HANDSHAKE_DATA', alert: 'unexpected_message' };
    expect(errorOf(ends[`${receiver}Events`])).toEqual(refusal);
    expect(errorOf(ends[`${row.from}Events`])).toMatchObject({ code: 'ERR_TLS_ALERT_UNEXPECTED_MESSAGE' });
    expect(watch.made()).toBeGreaterThan(0);
    expect(watch.survivors()).toEqual([]);
  });
});

/** Carries the handshake on until one side asks for this; that is left open. */
function reach(ends: Ends, side: Side, name: AskName): PendingAsk {
  const [engine, peer] = [ends[side], ends[other[side]]];
  for (let trips = 0; trips < 4; trips++) {
    for (let event = engine.poll(); event !== undefined; event = engine.poll()) {
      if (event.type !== 'ask') ends[`${side}Events`].push(event);
      else if (event.ask.request.ask === name) return event.ask;
      else engine.answer(event.ask, perform(event.ask.request) as never);
    }
    for (const slab of engine.takeOutput()) peer.receive(slab);
    settle(peer, ends[`${other[side]}Events`]);
    for (const slab of peer.takeOutput()) engine.receive(slab);
  }
  return expect.fail(`${name} was not asked for`);
}

describe('each direction closes by itself, RFC 9846 §6.1', () => {
  const able = { postHandshakeAuth: true, credentials: [credential] } as const;
  const greeting = bytes(20);

  test('a client that has closed its own is not bothered by a CertificateRequest', () => {
    const ends = openPair(able);
    ends.client.closeWrite();
    ends.server.requestCertificate();
    ends.server.write([greeting]);
    shuttle(ends);
    expect(errorOf([...ends.clientEvents, ...ends.serverEvents])).toBeUndefined();
    expect(dataOf(ends.clientEvents)).toEqual(Buffer.from(greeting));
    expect([ends.client.phase, ends.server.phase]).toEqual(['closing', 'closing']);
  });

  test('a server that has closed its own while a request is open hears the answer, and data', () => {
    const ends = openPair(able);
    ends.server.requestCertificate();
    ends.server.closeWrite();
    shuttle(ends);
    ends.client.write([greeting]);
    shuttle(ends);
    expect(errorOf([...ends.clientEvents, ...ends.serverEvents])).toBeUndefined();
    expect(ends.serverEvents.map(({ type }) => type)).toEqual(['authenticated', 'data']);
    expect(ends.server.facts?.peerChain).toEqual(credential.chain);
    expect(dataOf(ends.serverEvents)).toEqual(Buffer.from(greeting));
  });

  test.each([
    ['client', 'server'],
    ['server', 'client'],
  ] as const)('once both are closed, by %s and %s, every secret is gone', (first, second) => {
    const watches = { client: watched(), server: watched() };
    const tickets = { seal: () => bytes(40), open: () => undefined };
    const ends = newPair(
      { ...able, provider: watches.client.provider },
      { provider: watches.server.provider, tickets },
    );
    shuttle(ends).server.requestCertificate();
    shuttle(ends);
    forget(ends.clientEvents);
    for (const side of [first, second]) {
      expect(watches[side].survivors()).not.toEqual([]);
      expect(ends[side].exportKey('label', undefined, 16)).toHaveLength(16);
      ends[side].closeWrite();
      shuttle(ends);
    }
    for (const side of sides) {
      expect(ends[side].phase).toBe('closed');
      expect(watches[side].survivors()).toEqual([]);
      expect(() => ends[side].exportKey('label', undefined, 16)).toThrow(misuse);
    }
  });
});

describe('authentication after the handshake', () => {
  const able = { postHandshakeAuth: true, credentials: [credential] } as const;

  test('more requests than can wait are misuse, and change nothing for the others', () => {
    const ends = openPair(able);
    let asked = 0;
    const askAll = (): void => {
      for (; asked < 100; asked++) ends.server.requestCertificate();
    };
    expect(askAll).toThrow(misuse);
    shuttle(ends);
    expect(ends.serverEvents.map(({ type }) => type)).toEqual(Array(asked).fill('authenticated'));
    ends.server.requestCertificate();
    shuttle(ends);
    expect(ends.serverEvents).toHaveLength(asked + 1);
  });

  test('without data between them, a client answers as many in a row as its limit says', () => {
    const ends = openPair(able);
    for (let i = 0; i < defaultLimits.postHandshakeMessages; i++) {
      ends.server.requestCertificate();
      shuttle(ends);
      expect(errorOf([...ends.clientEvents, ...ends.serverEvents])).toBeUndefined();
    }
    ends.server.requestCertificate();
    shuttle(ends);
    expect(errorOf(ends.clientEvents)).toMatchObject({ code: 'ERR_TLS_TOO_MANY_MESSAGES' });
  });
});

describe('a store of tickets that never answers', () => {
  const never = new Promise<never>(() => {});
  const tickets = { seal: () => never, open: () => undefined };

  function waiting() {
    const watch = watched();
    const ends = newPair({}, { provider: watch.provider, tickets });
    const ask = reach(ends, 'server', 'sealTicket');
    shuttle(ends);
    return { ...ends, ask, watch };
  }

  test('holds up neither the handshake nor data', () => {
    const ends = waiting();
    expect([ends.client.phase, ends.server.phase]).toEqual(['open', 'open']);
    for (const side of sides) {
      ends[side].write([bytes(30)]);
      shuttle(ends);
      expect(dataOf(ends[`${other[side]}Events`])).toHaveLength(30);
    }
  });

  test.each(['closeWrite', 'destroy'] as const)('nor %s(), after which its answer is nothing', (end) => {
    const { server, client, ask, watch, ...ends } = waiting();
    server[end]();
    shuttle({ server, client, ...ends });
    expect(ends.clientEvents.some(({ type }) => type === 'end')).toBe(end === 'closeWrite');
    client.closeWrite();
    shuttle({ server, client, ...ends });
    server.answer(ask, bytes(40));
    expect([server.poll(), server.takeOutput(), server.phase]).toEqual([undefined, [], 'closed']);
    expect(errorOf([...ends.clientEvents, ...ends.serverEvents])).toBeUndefined();
    expect(watch.survivors()).toEqual([]);
  });
});

describe('destroy()', () => {
  test.each<[Side, AskName]>([
    ['client', 'keyShare'],
    ['client', 'agree'],
    ['server', 'admitEarlyData'],
    ['server', 'encapsulate'],
  ])('takes back the keys that a %s would log after %s', (side, name) => {
    const watch = watched();
    const own = { provider: watch.provider, keylog: true, groups: [NamedGroup.x25519] };
    const ends = pairWith(side, own, early());
    const ask = reach(ends, side, name);
    forget(ends[`${side}Events`]);
    ends[side].answer(ask, perform(ask.request) as never);
    expect(watch.survivors()).toContainEqual(expect.stringMatching(/^a copy of tls13 . (hs|e) /));
    ends[side].destroy();
    expect(watch.survivors()).toEqual([]);
    expect(ends[side].poll()).toBeUndefined();
  });

  const external = { identity: bytes(8), secret: new Secret('psk', bytes(32)), hash: 'sha256' } as const;
  function first<T>(destroy: () => void, value: T): T {
    destroy();
    return value;
  }

  type Callback = readonly [string, Side, (destroy: () => void) => Configs];
  const callbacks: readonly Callback[] = [
    ['shapeClientHello', 'client', (destroy) => ({ client: { shapeClientHello: (hello) => first(destroy, hello) } })],
    [
      'a second shapeClientHello',
      'client',
      (destroy) => {
        let count = 0;
        const shapeClientHello: ClientConfig['shapeClientHello'] = (hello) => {
          if (++count === 2) destroy();
          return hello;
        };
        return { client: { shapeClientHello }, server: { groups: [NamedGroup.secp256r1] } };
      },
    ],
    [
      'findPsk',
      'server',
      (destroy) => ({
        client: { externalPsks: [external] },
        server: { findPsk: () => first(destroy, external) },
      }),
    ],
    ['chooseCredentials', 'server', (destroy) => ({ server: { chooseCredentials: () => first(destroy, undefined) } })],
    [
      'verifyChain',
      'client',
      (destroy) => ({ client: { verifyChain: (request) => first(destroy, trustAnything(request)) } }),
    ],
    [
      'sign',
      'server',
      (destroy) => {
        const { signer } = credential;
        const sign: typeof signer.sign = (scheme, message) => first(destroy, signer.sign(scheme, message));
        return { server: { credentials: [{ ...credential, signer: { ...signer, sign } }] } };
      },
    ],
    ['padding', 'client', (destroy) => ({ client: { padding: () => first(destroy, 1) } })],
    ['padding', 'server', (destroy) => ({ server: { padding: () => first(destroy, 1) } })],
  ];

  const destroyedInside: (...row: Callback) => void = (_, side, configs) => {
    const watch = watched();
    let heard = -1;
    const destroy = (): void => {
      if (heard < 0) heard = ends[`${side}Events`].length;
      ends[side].destroy();
    };
    const ends = pairWith(side, { provider: watch.provider, keylog: true }, configs(destroy));
    shuttle(ends);
    const events = ends[`${side}Events`];
    expect(events.slice(heard).map(({ type }) => type)).toEqual([]);
    expect(ends[side].phase).toBe('closed');
    forget(events);
    expect(watch.survivors()).toEqual([]);
  };

  test.each(callbacks)('from inside %s of a %s is the end: nothing is thrown or heard, or kept', destroyedInside);

  test.each<Callback>([
    [
      'retryCookies.seal',
      'server',
      (destroy) => ({
        server: {
          groups: [NamedGroup.secp256r1],
          retryCookies: { seal: (state) => first(destroy, state), open: () => undefined },
        },
      }),
    ],
  ])('from inside %s of a %s is the end: nothing is thrown or heard, or kept', destroyedInside);

  test.each(['write', 'updateKeys', 'closeWrite'] as const)('from inside padding, in %s()', (method) => {
    const watch = watched();
    let armed = false;
    const padding = (): number => {
      if (armed) ends.client.destroy();
      return 1;
    };
    const ends = openPair({ provider: watch.provider, padding });
    armed = true;
    if (method === 'write') ends.client.write([bytes(40)]);
    else ends.client[method]();
    ends.client.takeOutput();
    expect(ends.client.poll()).toBeUndefined();
    expect(watch.survivors()).toEqual([]);
  });
});

describe('an answer that comes when the connection is dead is wiped', () => {
  const asks: readonly (readonly [AskName, Side])[] = [
    ['keyShare', 'client'],
    ['agree', 'client'],
    ['encapsulate', 'server'],
    ['takeSession', 'client'],
    ['openTicket', 'server'],
  ];
  const deaths = ['destroy', 'abort'] as const;
  const rows = asks.flatMap(([name, side]) => deaths.map((death) => [name, side, death] as const));
  test.each(rows)('%s of a %s, after %s()', (name, side, death) => {
    const watch = watched();
    const ends = pairWith(side, { provider: watch.provider }, early());
    const ask = reach(ends, side, name);
    const answer = perform(ask.request);
    const { psk } = answer as { readonly psk?: Secret<'psk'> };
    if (death === 'destroy') ends[side].destroy();
    else ends[side].abort(new TlsError('ERR_TLS_INTERNAL', 'a test'));
    const isKept = (): boolean => psk?.wiped === false || watch.survivors().length > 0;
    // What was given to the provider is wiped with its owner; what it gave is still there.
    expect(isKept()).toBe(true);
    ends[side].answer(ask, answer as never);
    expect(isKept()).toBe(false);
  });
});
