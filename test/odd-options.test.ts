import { describe, expect, test } from 'vitest';
import { node } from '#opentls/providers/node';
import { SessionCache } from '#opentls/session/client-sessions';
import { StrikeRegister } from '#opentls/session/replay';
import { CookieKeys } from '#opentls/session/retry-cookies';
import { SealedBox } from '#opentls/session/sealed-box';
import { StoredTickets, TicketKeys } from '#opentls/session/tickets';
import { SignatureCache } from '#opentls/x509/path/signatures';
import { TrustStore } from '#opentls/x509/path/trust';

const hash = node.hashes.sha256;
/** Options in JavaScript: whatever it may be. */
type Odd = never;

/** What takes one option that bounds, as it is given, and what the rule of it is. */
const bounds: Readonly<Record<string, { make: (value: Odd) => unknown; infinity: 'taken' | 'refused' }>> = {
  'SealedBox rotation': { make: (rotation) => new SealedBox(node, { rotation }), infinity: 'taken' },
  'TicketKeys rotation': { make: (rotation) => new TicketKeys(node, { rotation }), infinity: 'taken' },
  'CookieKeys rotation': { make: (rotation) => new CookieKeys(node, { rotation }), infinity: 'taken' },
  'CookieKeys lifetime': { make: (lifetime) => new CookieKeys(node, { lifetime }), infinity: 'taken' },
  'SessionCache limit': { make: (limit) => new SessionCache(limit), infinity: 'taken' },
  'SessionCache perKey': { make: (perKey) => new SessionCache(1, perKey), infinity: 'taken' },
  'SignatureCache size': { make: (size) => new SignatureCache({ hash, size }), infinity: 'taken' },
  // Who is replaying must not be able to fill it.
  'StrikeRegister capacity': { make: (capacity) => new StrikeRegister({ capacity }), infinity: 'refused' },
};

const others: Readonly<Record<string, readonly [make: (value: Odd) => unknown, ...odd: readonly unknown[]]>> = {
  'a context': [(context) => new TicketKeys(node, { context }), 'a', 1, null, [1]],
  'the context of cookies': [(context) => new CookieKeys(node, { context }), 'a', 1, null],
  keys: [(keys) => new TicketKeys(node, { keys }), new Uint8Array(48), 'k', [], ['k'], [new Uint8Array(47)], [null]],
  'keys of cookies': [(keys) => new CookieKeys(node, { keys }), new Uint8Array(48), [], [new Uint8Array(49)]],
  'a clock': [(now) => new TicketKeys(node, { now }), 1, 'now', null, () => Number.NaN, () => '1'],
  'a clock of cookies': [(now) => new CookieKeys(node, { now }), 1, null, () => Number.NaN],
  'a hash': [(given) => new SignatureCache({ hash: given }), undefined, null, 'sha256', {}],
  signatures: [(good) => new SignatureCache({ hash, good }), 'a', [1], ['00']],
  'a store': [(store) => new StoredTickets(store, node), undefined, null, {}, new Map()],
  'all options': [(options) => new TicketKeys(node, options), null, 1, 'x', []],
  'all options of cookies': [(options) => new CookieKeys(node, options), null, 1, 'x', []],
};

const config = expect.objectContaining({ code: 'ERR_TLS_CONFIG' });

describe('an option that guards is what it must be', () => {
  const odd = [Number.NaN, -1, Number.NEGATIVE_INFINITY, '10', null, true, {}, [], 10n, () => 10];

  test.each(Object.entries(bounds))('%s', (_, { make, infinity }) => {
    for (const value of odd) expect(() => make(value as Odd), String(value)).toThrow(config);
    for (const value of [0, 10, undefined]) expect(() => make(value as Odd)).not.toThrow();
    const unbounded = expect(() => make(Number.POSITIVE_INFINITY as Odd));
    if (infinity === 'taken') unbounded.not.toThrow();
    else unbounded.toThrow(config);
  });

  test.each(Object.entries(others))('%s', (_, [make, ...values]) => {
    for (const value of values) expect(() => make(value as Odd), String(value)).toThrow(config);
  });
});

describe('what stands on Object.prototype guards nothing', () => {
  const inherited = { rotation: Number.POSITIVE_INFINITY, lifetime: Number.POSITIVE_INFINITY, context: 'x', keys: [] };

  function polluted<T>(run: () => T): T {
    for (const [name, value] of Object.entries({ ...inherited, capacity: 0, size: 0, allowPartial: true })) {
      Object.defineProperty(Object.prototype, name, { value, configurable: true });
    }
    try {
      return run();
    } finally {
      for (const name of ['rotation', 'lifetime', 'context', 'keys', 'capacity', 'size', 'allowPartial']) {
        Reflect.deleteProperty(Object.prototype, name);
      }
    }
  }

  test('cookies and tickets expire', () => {
    let time = 0;
    const now = () => time;
    const [cookies, box] = polluted(() => [new CookieKeys(node, { now }), new SealedBox(node, { now })] as const);
    const [cookie, sealed] = [cookies.seal(Uint8Array.of(1)), box.seal(Uint8Array.of(2))];
    expect([cookies.open(cookie), box.open(sealed)]).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
    time = 60_001;
    expect(cookies.open(cookie)).toBeUndefined();
    time = 24 * 3_600_000;
    expect(box.open(sealed)).toBeUndefined();
  });

  test('a register and a cache have room, a store anchors roots alone', () => {
    const register = polluted(() => new StrikeRegister({}, Number.NEGATIVE_INFINITY));
    expect(register.admit(new Uint8Array(32), 1_000_000, 10)).toBe(true);
    const cache = polluted(() => new SignatureCache({ hash }));
    cache.add('00');
    expect(cache.has('00')).toBe(true);
    expect(polluted(() => TrustStore.from([])).allowPartial).toBe(false);
  });
});
