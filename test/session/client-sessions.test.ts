import { describe, expect, test } from 'vitest';
import { Secret } from '#opentls/crypto/secret';
import { SessionCache, type SessionKey } from '#opentls/session/client-sessions';
import { isFresh, type Session } from '#opentls/session/session';
import { CipherSuiteId } from '#opentls/wire/enums';
import { randomBytes } from '../kit/random.ts';

const bytes = randomBytes(461);
const START = 1_800_000_000_000;
const WEEK = 604_800;

function session(change: Partial<Session> = {}): Session {
  return {
    suite: CipherSuiteId.TLS_AES_128_GCM_SHA256,
    psk: new Secret('psk', bytes(32)),
    ticketTime: START,
    ticketLifetime: 7200,
    ticketAgeAdd: 1,
    maxEarlyDataSize: 0,
    alpn: undefined,
    serverName: 'localhost',
    acrossNames: false,
    peerChain: [],
    peerChainType: 'X509',
    peerSignatures: [],
    peerOcspResponse: undefined,
    peerTimestamps: undefined,
    externalPsk: undefined,
    authenticatedAt: START,
    ticket: bytes(16),
    ...change,
  };
}

function keyOf(change: Partial<SessionKey> = {}): SessionKey {
  return { host: 'one.example', port: 443, alpn: ['h2', 'http/1.1'], identity: 'a', ...change };
}

const hosts = (...names: readonly string[]): SessionKey[] => names.map((host) => keyOf({ host }));

describe('a session is taken once, RFC 9846 Appendix C.4', () => {
  test('by its key, not wiped', () => {
    const cache = new SessionCache();
    const only = session();
    cache.put(keyOf(), only);
    expect(cache.take(keyOf())).toBe(only);
    expect(only.psk.wiped).toBe(false);
    expect(cache.take(keyOf())).toBeUndefined();
    expect(cache.size).toBe(0);
  });

  test('the newest first', () => {
    const cache = new SessionCache();
    const three = [session(), session(), session()];
    for (const each of three) cache.put(keyOf(), each);
    expect([1, 2, 3, 4].map(() => cache.take(keyOf()))).toEqual([...[...three].reverse(), undefined]);
  });

  test('what is put back comes back', () => {
    const cache = new SessionCache();
    const only = session();
    for (let i = 0; i < 3; i++) {
      cache.put(keyOf(), only);
      expect(cache.take(keyOf())).toBe(only);
    }
  });
});

describe('sessions are kept apart', () => {
  const others: readonly (readonly [string, Partial<SessionKey>])[] = [
    ['by host', { host: 'two.example' }],
    ['by a host that begins alike', { host: 'one.example.' }],
    ['by port', { port: 8443 }],
    ['by path in place of a port', { port: 'a.socket' }],
    ['by protocols', { alpn: ['h2'] }],
    ['by the order of protocols', { alpn: ['http/1.1', 'h2'] }],
    ['by protocols that look alike when joined', { alpn: ['h2,http/1.1'] }],
    ['by no protocols', { alpn: [] }],
    ['by who verifies', { identity: 'b' }],
    ['by nobody who verifies', { identity: '' }],
  ];

  test.each(others)('%s', (_, change) => {
    const cache = new SessionCache();
    const [ours, theirs] = [session(), session()];
    cache.put(keyOf(), ours);
    expect(cache.take(keyOf(change))).toBeUndefined();
    cache.put(keyOf(change), theirs);
    expect(cache.size).toBe(2);
    expect([cache.take(keyOf()), cache.take(keyOf(change))]).toEqual([ours, theirs]);
  });

  test('no name can be written so that it is another', () => {
    const cache = new SessionCache();
    cache.put(keyOf({ host: 'a', identity: 'b' }), session());
    for (const host of ['a",443,["h2","http/1.1"],"b', 'a"', '["a', 'a\\', 'a\0']) {
      expect(cache.take(keyOf({ host, identity: 'b' }))).toBeUndefined();
    }
  });
});

describe('the cache is bounded', () => {
  test('by keys: the least recently used goes first, and is wiped', () => {
    const cache = new SessionCache(3);
    const [a, b, c, d] = hosts('a', 'b', 'c', 'd') as [SessionKey, SessionKey, SessionKey, SessionKey];
    const kept = new Map([a, b, c].map((key) => [key, session()]));
    for (const [key, each] of kept) cache.put(key, each);
    // Used: taken from with one left, and put into.
    cache.put(b, session());
    cache.take(b);
    cache.put(a, session());
    cache.put(d, session());
    expect(cache.size).toBe(3);
    expect([...kept.values()].map(({ psk }) => psk.wiped)).toEqual([false, false, true]);
    expect(cache.take(c)).toBeUndefined();
    for (const key of [a, b, d]) expect(cache.take(key)).toBeDefined();
  });

  test('a key that is taken from with more left is in use', () => {
    const cache = new SessionCache(2);
    const [a, b, c] = hosts('a', 'b', 'c') as [SessionKey, SessionKey, SessionKey];
    cache.put(a, session());
    cache.put(a, session());
    cache.put(b, session());
    cache.take(a);
    cache.put(c, session());
    expect([cache.take(a) === undefined, cache.take(b) === undefined]).toEqual([false, true]);
  });

  test('by sessions of one key: the oldest goes first, and is wiped', () => {
    const cache = new SessionCache(10, 2);
    const four = [session(), session(), session(), session()];
    for (const each of four) cache.put(keyOf(), each);
    expect(four.map(({ psk }) => psk.wiped)).toEqual([true, true, false, false]);
    expect([cache.take(keyOf()), cache.take(keyOf()), cache.take(keyOf())]).toEqual([four[3], four[2], undefined]);
  });

  test('to a thousand keys and four sessions, where nothing is said', () => {
    const cache = new SessionCache();
    const first = session();
    cache.put(keyOf({ host: 'first' }), first);
    for (let i = 1; i < 1000; i++) cache.put(keyOf({ host: `${i}` }), session());
    expect([cache.size, first.psk.wiped]).toEqual([1000, false]);
    cache.put(keyOf({ host: 'last' }), session());
    expect([cache.size, first.psk.wiped]).toEqual([1000, true]);
    const five = Array.from({ length: 5 }, () => session());
    for (const each of five) cache.put(keyOf(), each);
    expect(five.map(({ psk }) => psk.wiped)).toEqual([true, false, false, false, false]);
  });

  test('a cache of nothing keeps nothing', () => {
    const cache = new SessionCache(0);
    const only = session();
    cache.put(keyOf(), only);
    expect([cache.size, cache.take(keyOf()), only.psk.wiped]).toEqual([0, undefined, true]);
  });

  test('to be cleared is to be wiped', () => {
    const cache = new SessionCache();
    const all = hosts('a', 'a', 'b').map((key) => {
      const each = session();
      cache.put(key, each);
      return each;
    });
    cache.clear();
    expect(cache.size).toBe(0);
    expect(all.every(({ psk }) => psk.wiped)).toBe(true);
    cache.put(keyOf(), session());
    expect(cache.take(keyOf())).toBeDefined();
  });
});

describe('a session is fresh, RFC 9846 §4.7.1', () => {
  test.each<[string, Partial<Session>, number, boolean]>([
    ['at once', {}, 0, true],
    ['within its lifetime', {}, 7_199_999, true],
    ['not after it', {}, 7_200_001, false],
    ['not with a lifetime of 0', { ticketLifetime: 0 }, 1, false],
    ['for a week', { ticketLifetime: WEEK }, WEEK * 1000 - 1, true],
    ['not longer, whatever it says', { ticketLifetime: 2 * WEEK }, WEEK * 1000 + 1, false],
    ['not with peers that authenticated each other before that', { authenticatedAt: START - WEEK * 1000 }, 1, false],
    ['where they did so within it', { authenticatedAt: START - WEEK * 1000 + 1000 }, 999, true],
    ['where the clock was set back a little', {}, -10_000, true],
    ['not where it comes from another time', {}, -3_600_000, false],
  ])('%s', (_, change, age, fresh) => {
    expect(isFresh(session(change), START + age)).toBe(fresh);
  });
});
