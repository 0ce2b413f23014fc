import { describe, expect, test } from 'vitest';
import { toHex } from '#opentls/bytes/hex';
import { Secret } from '#opentls/crypto/secret';
import type { ServerConfig } from '#opentls/handshake/terms/config';
import { noble } from '#opentls/providers/noble';
import { node } from '#opentls/providers/node';
import { encodeState, type Session, type SessionState } from '#opentls/session/session';
import {
  type ServerSessionStore,
  StoredTickets,
  TICKET_KEYS_LENGTH,
  TicketKeys,
  type TicketKeysOptions,
} from '#opentls/session/tickets';
import { CipherSuiteId } from '#opentls/wire/enums';
import { type Ends, errorOf, newPair, settleLater, shuttle } from '../kit/pair.ts';
import { randomBytes } from '../kit/random.ts';
import { copyOf, firstSession, sessionsOf } from '../kit/sessions.ts';

const bytes = randomBytes(5077);
const HOUR = 3_600_000;
const START = 1_800_000_000_000;

function state(change: Partial<SessionState> = {}): SessionState {
  return {
    suite: CipherSuiteId.TLS_AES_128_GCM_SHA256,
    psk: new Secret('psk', bytes(32)),
    ticketTime: START,
    ticketLifetime: 7200,
    ticketAgeAdd: 0xfedcba98,
    maxEarlyDataSize: 1000,
    alpn: bytes(2),
    serverName: 'localhost',
    acrossNames: false,
    peerChain: [bytes(50), bytes(60)],
    peerChainType: 'X509',
    peerSignatures: [bytes(32), bytes(32)],
    peerOcspResponse: bytes(5),
    peerTimestamps: bytes(7),
    externalPsk: { identity: bytes(9), proof: bytes(32) },
    authenticatedAt: START - 1000,
    ...change,
  };
}

function keys(options: TicketKeysOptions = {}): TicketKeys {
  return new TicketKeys(noble, options);
}

/** Whether these keys open it, as what it was. */
function opens(tickets: TicketKeys, ticket: Uint8Array, sealed: SessionState): boolean {
  const opened = tickets.open(ticket);
  if (opened !== undefined) expect(toHex(encodeState(opened))).toBe(toHex(encodeState(sealed)));
  return opened !== undefined;
}

const misuse = expect.objectContaining({ code: 'ERR_TLS_CONFIG' });

describe('ticket keys', () => {
  test.each([0, 16, 47, 49, 80])('of %i bytes are none', (length) => {
    expect(() => keys({ keys: [bytes(length)] })).toThrow(misuse);
    expect(() => keys({ keys: [bytes(TICKET_KEYS_LENGTH), bytes(length)] })).toThrow(misuse);
  });

  test('are 48 bytes, and at least one', () => {
    expect(TICKET_KEYS_LENGTH).toBe(48);
    expect(() => keys({ keys: [] })).toThrow(misuse);
    const given = bytes(48);
    const copy = given.slice();
    const tickets = keys({ keys: [given] });
    expect(tickets.current).toEqual(copy);
    given.fill(0);
    tickets.current.fill(0);
    expect(tickets.current).toEqual(copy);
  });

  test.each<[string, Partial<SessionState>]>([
    ['all that there is', {}],
    [
      'as little as there may be',
      {
        alpn: undefined,
        serverName: undefined,
        peerChain: [],
        peerOcspResponse: undefined,
        peerTimestamps: undefined,
        externalPsk: undefined,
      },
    ],
    ['a raw public key', { peerChainType: 'RawPublicKey', peerChain: [bytes(91)] }],
    ['a secret of 48 bytes', { suite: CipherSuiteId.TLS_AES_256_GCM_SHA384, psk: new Secret('psk', bytes(48)) }],
    ['the largest numbers', { ticketAgeAdd: 0xffff_ffff, maxEarlyDataSize: 0xffff_ffff, ticketTime: 2 ** 47 }],
  ])('keep %s', (_, change) => {
    const tickets = keys();
    const sealed = state(change);
    expect(opens(tickets, tickets.seal(sealed), sealed)).toBe(true);
  });

  test('make tickets that cannot be told apart, and show nothing', () => {
    const tickets = keys();
    const sealed = state();
    const [first, second] = [tickets.seal(sealed), tickets.seal(sealed)];
    expect(first).not.toEqual(second);
    expect(first.length).toBe(second.length);
    for (const part of [sealed.psk.expose(), sealed.peerChain[0] ?? bytes(1), Buffer.from('localhost')]) {
      expect(toHex(first)).not.toContain(toHex(part));
    }
    // The name of the key stands in front; nothing else is the same.
    const same = first.filter((byte, i) => i >= 16 && byte === second[i]).length;
    expect(toHex(first.subarray(0, 16))).toBe(toHex(second.subarray(0, 16)));
    expect(same).toBeLessThan(first.length / 8);
  });

  test('are the same with every provider', () => {
    const shared = { keys: [bytes(48)] };
    const [ours, theirs] = [new TicketKeys(noble, shared), new TicketKeys(node, shared)];
    const sealed = state();
    expect(opens(theirs, ours.seal(sealed), sealed)).toBe(true);
    expect(opens(ours, theirs.seal(sealed), sealed)).toBe(true);
  });
});

describe('several keys', () => {
  const [a, b, c] = [bytes(48), bytes(48), bytes(48)];
  test.each<[string, Uint8Array[], Uint8Array[], boolean]>([
    ['the first seals', [a, b], [a], true],
    ['no other does', [a, b], [b], false],
    ['the first opens', [a], [a, b], true],
    ['any other does', [b], [a, c, b], true],
    ['but not one that is not there', [c], [a, b], false],
    ['nor one of the same name', [a], [Uint8Array.from([...a.subarray(0, 16), ...b.subarray(16)])], false],
    ['nor one of the same secret', [a], [Uint8Array.from([...b.subarray(0, 16), ...a.subarray(16)])], false],
  ])('%s', (_, sealing, opening, good) => {
    const sealed = state();
    expect(opens(keys({ keys: opening }), keys({ keys: sealing }).seal(sealed), sealed)).toBe(good);
  });

  test.each<[string, Uint8Array | undefined, Uint8Array | undefined, boolean]>([
    ['of the same application', Uint8Array.of(1), Uint8Array.of(1), true],
    ['of another application', Uint8Array.of(1), Uint8Array.of(2), false],
    ['of one that says nothing', undefined, Uint8Array.of(1), false],
    ['for one that says nothing', Uint8Array.of(1), undefined, false],
  ])('a ticket %s', (_, sealing, opening, good) => {
    const sealed = state();
    const ticket = keys({ keys: [a], context: sealing }).seal(sealed);
    expect(opens(keys({ keys: [a], context: opening }), ticket, sealed)).toBe(good);
  });
});

describe('random keys are replaced', () => {
  function rotating(options: TicketKeysOptions = {}) {
    const clock = { now: START };
    return { clock, tickets: keys({ rotation: HOUR, now: () => clock.now, ...options }) };
  }

  test('when their time is over, not before', () => {
    const { clock, tickets } = rotating();
    const first = tickets.current;
    clock.now += HOUR - 1;
    expect(tickets.current).toEqual(first);
    clock.now += 1;
    const second = tickets.current;
    expect(second).not.toEqual(first);
    clock.now += HOUR - 1;
    expect(tickets.current).toEqual(second);
  });

  test('after twelve hours, where nothing is said', () => {
    const clock = { now: START };
    const tickets = keys({ now: () => clock.now });
    const first = tickets.current;
    clock.now += 12 * HOUR - 1;
    expect(tickets.current).toEqual(first);
    clock.now += 1;
    expect(tickets.current).not.toEqual(first);
  });

  test('and still open what they sealed, until their successors are replaced too', () => {
    const { clock, tickets } = rotating();
    const sealed = state();
    const [first, age] = [tickets.seal(sealed), () => (clock.now += HOUR)];
    age();
    const second = tickets.seal(sealed);
    expect([first, second].map((ticket) => opens(tickets, ticket, sealed))).toEqual([true, true]);
    age();
    const third = tickets.seal(sealed);
    expect([first, second, third].map((ticket) => opens(tickets, ticket, sealed))).toEqual([false, true, true]);
  });

  test('unless they were given: then they are for whoever gave them to replace', () => {
    const given = bytes(48);
    const { clock, tickets } = rotating({ keys: [given] });
    clock.now += 1000 * HOUR;
    expect(tickets.current).toEqual(given);
  });

  test('not by a clock that is set back', () => {
    const { clock, tickets } = rotating();
    const first = tickets.current;
    clock.now -= 1000 * HOUR;
    expect(tickets.current).toEqual(first);
  });
});

describe('what is no ticket is nothing', () => {
  const tickets = keys();
  const sealed = state({ peerChain: [] });
  const ticket = tickets.seal(sealed);
  const broken: readonly (readonly [string, readonly Uint8Array[]])[] = [
    ['truncated, to any length', Array.from(ticket, (_, i) => ticket.subarray(0, i))],
    ['flipped, in any byte', Array.from(ticket, (_, i) => ticket.map((byte, at) => (at === i ? byte ^ 0x80 : byte)))],
    ['longer', [1, 16, 1000].map((more) => Uint8Array.from([...ticket, ...bytes(more)]))],
    ['twice', [Uint8Array.from([...ticket, ...ticket])]],
    [
      'of its name alone',
      [0, 15, 16, 17, 31].map((more) => Uint8Array.from([...ticket.subarray(0, 16), ...bytes(more)])),
    ],
    ['random', [1, 16, 48, ticket.length, 0xffff].map(bytes)],
    ['zeros', [1, 16, 48, ticket.length].map((length) => new Uint8Array(length))],
    ['of a stranger', [keys().seal(sealed)]],
  ];

  test('the one that the others differ from is one', () => {
    expect(opens(tickets, ticket, sealed)).toBe(true);
  });

  test.each(broken)('%s', (_, all) => {
    expect(all.length).toBeGreaterThan(0);
    for (const each of all) expect(tickets.open(each)).toBeUndefined();
  });
});

/** Whether a server resumes it: no matter what, there is a connection. */
function resumes(session: Session, server: Partial<ServerConfig>): boolean | undefined {
  const { client, clientEvents, serverEvents } = shuttle(newPair({ takeSession: () => copyOf(session) }, server));
  expect(errorOf([...clientEvents, ...serverEvents])).toBeUndefined();
  return client.facts?.resumed;
}

describe('servers that share keys', () => {
  const [older, newer] = [bytes(48), bytes(48)];
  const session = firstSession({}, { tickets: keys({ keys: [older] }) });

  test.each<[string, TicketKeysOptions, boolean]>([
    ['one with the same', { keys: [older] }, true],
    ['one that has a newer one too', { keys: [newer, older] }, true],
    ['one that has a newer one alone', { keys: [newer] }, false],
    ['one of another application', { keys: [older], context: bytes(1) }, false],
  ])('%s', (_, options, good) => {
    expect(resumes(session, { tickets: keys(options) })).toBe(good);
  });

  test('one whose keys have been replaced once resumes, twice does not', () => {
    const clock = { now: START };
    const tickets = keys({ rotation: HOUR, now: () => clock.now });
    const first = firstSession({}, { tickets });
    for (const good of [true, false]) {
      clock.now += HOUR;
      firstSession({}, { tickets });
      expect(resumes(first, { tickets })).toBe(good);
    }
  });
});

describe('tickets that name what a store keeps', () => {
  const later = <T>(value: T): Promise<T> => new Promise((resolve) => setTimeout(() => resolve(value), 1));

  function storeOf() {
    const kept = new Map<string, Uint8Array>();
    const lifetimes: number[] = [];
    const asked: number[] = [];
    const store: ServerSessionStore = {
      async put(id, bytes, lifetime) {
        kept.set(toHex(id), bytes);
        lifetimes.push(lifetime);
        await later(undefined);
      },
      take(id) {
        asked.push(id.length);
        const found = kept.get(toHex(id));
        kept.delete(toHex(id));
        return later(found);
      },
    };
    return { store, kept, lifetimes, asked };
  }

  async function meet(server: Partial<ServerConfig>, session?: Session): Promise<Ends> {
    const ends = newPair({ takeSession: () => session && copyOf(session) }, server);
    for (let i = 0; i < 3; i++) {
      await settleLater(ends.client, ends.clientEvents);
      for (const slab of ends.client.takeOutput()) ends.server.receive(slab);
      await settleLater(ends.server, ends.serverEvents);
      for (const slab of ends.server.takeOutput()) ends.client.receive(slab);
    }
    expect(errorOf([...ends.clientEvents, ...ends.serverEvents])).toBeUndefined();
    expect([ends.client.phase, ends.server.phase]).toEqual(['open', 'open']);
    return ends;
  }

  test('come back once', async () => {
    const { store, kept, lifetimes } = storeOf();
    const tickets = new StoredTickets(store, noble);
    const sealed = state();
    const ids = [await tickets.seal(sealed), await tickets.seal(sealed)];
    expect(ids.map(({ length }) => length)).toEqual([32, 32]);
    expect([...kept.keys()]).toEqual(ids.map(toHex));
    expect(lifetimes).toEqual([7200, 7200]);
    for (const id of ids) {
      const opened = await tickets.open(id);
      expect(opened && toHex(encodeState(opened))).toBe(toHex(encodeState(sealed)));
      expect(await tickets.open(id)).toBeUndefined();
    }
  });

  test('are looked up only where they can be ours', async () => {
    const { store, asked } = storeOf();
    const tickets = new StoredTickets(store, noble);
    for (const length of [0, 1, 31, 32, 33, 64, 1000]) expect(await tickets.open(bytes(length))).toBeUndefined();
    expect(asked).toEqual([32]);
  });

  test('are nothing where the store gives something else', async () => {
    const good = encodeState(state());
    for (const found of [bytes(0), bytes(100), good.subarray(0, -1), Uint8Array.from([...good, 0])]) {
      const tickets = new StoredTickets({ put: () => {}, take: () => later(found) }, noble);
      expect(await tickets.open(bytes(32))).toBeUndefined();
    }
  });

  test('resume one connection, whatever its store takes', async () => {
    const { store } = storeOf();
    const server = { tickets: new StoredTickets(store, noble), ticketCount: 1 };
    const [session] = sessionsOf((await meet(server)).clientEvents);
    if (session === undefined) return expect.fail('no ticket came');
    const both = await Promise.all([meet(server, session), meet(server, session)]);
    expect(both.map(({ server: { facts } }) => facts?.resumed).sort()).toEqual([false, true]);
    expect((await meet(server, session)).server.facts?.resumed).toBe(false);
  });

  test('may be dropped: a full handshake then', async () => {
    const { store, kept } = storeOf();
    const server = { tickets: new StoredTickets(store, noble) };
    const [session] = sessionsOf((await meet(server)).clientEvents);
    kept.clear();
    expect((await meet(server, session)).server.facts?.resumed).toBe(false);
  });

  test.each<[string, ServerSessionStore['take']]>([
    [
      'throws',
      () => {
        throw new Error('the store is away');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the store is away'))],
  ])('are not good for anything where the store %s: a full handshake then', async (_, take) => {
    const { store } = storeOf();
    const [session] = sessionsOf((await meet({ tickets: new StoredTickets(store, noble) })).clientEvents);
    const { server } = await meet({ tickets: new StoredTickets({ ...store, take }, noble) }, session);
    expect(session).toBeDefined();
    expect(server.facts?.resumed).toBe(false);
  });

  test('are not issued where the store fails to keep them', async () => {
    const put = () => Promise.reject(new Error('out of space'));
    const tickets = new StoredTickets({ put, take: () => undefined }, noble);
    expect(sessionsOf((await meet({ tickets })).clientEvents)).toEqual([]);
  });
});
