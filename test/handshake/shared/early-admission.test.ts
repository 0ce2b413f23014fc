import { describe, expect, test } from 'vitest';
import type { EarlyDataPolicy, ServerConfig } from '#opentls/handshake/terms/config';
import { perform as performed } from '#opentls/handshake/terms/script';
import { type ReplayGuard, StrikeRegister } from '#opentls/session/replay';
import { decodeSession, encodeSession } from '#opentls/session/session';
import { TicketKeys } from '#opentls/session/tickets';
import { CipherSuiteId } from '#opentls/wire/enums';
import { errorOf, newPair, newServer, openPair, settle, shuttle } from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';
import { randomBytes } from '../../kit/random.ts';

const bytes = randomBytes(9846);
const START = 1_800_000_000_000;

/** Servers that share a clock and ticket keys, and a flight with 0-RTT data for them. */
function stage(policy: Partial<EarlyDataPolicy> & Pick<EarlyDataPolicy, 'replay'>) {
  let clock = START;
  const now = () => clock;
  const tickets = new TicketKeys(provider, { now });
  const config = (more: Partial<ServerConfig> = {}): Partial<ServerConfig> => ({
    tickets,
    now,
    suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256],
    earlyData: { maxSize: 1000, ...policy },
    ...more,
  });
  const event = shuttle(newPair({ now }, config())).clientEvents.find(({ type }) => type === 'session');
  const session = event?.type === 'session' ? encodeSession(event.session) : expect.fail('no ticket came');
  const takeSession = () => decodeSession(session);
  clock += 60_000;
  return {
    pass(time: number): void {
      clock += time;
    },
    now,
    config,
    client: { takeSession, earlyData: true, now },
    record(): readonly Uint8Array[] {
      const { client } = newPair({ takeSession, earlyData: true, now });
      settle(client);
      client.writeEarly(bytes(10));
      return client.takeOutput();
    },
  };
}

/** Whether a new server takes the flight. */
function takes(config: Partial<ServerConfig>, flight: readonly Uint8Array[]): boolean {
  const server = newServer(config);
  for (const slab of flight) server.receive(slab);
  const events = settle(server);
  expect(errorOf(events)).toBeUndefined();
  return events.some((event) => event.type === 'data');
}

describe('a flight of 0-RTT data is taken once, however long after it comes again, RFC 9846 §8.2', () => {
  test.each([1, 500, 10_000, 60_000, 600_000])('where ages may be wrong by %i ms', (ageTolerance) => {
    const register = new StrikeRegister({}, Number.NEGATIVE_INFINITY);
    const { record, config, pass } = stage({ replay: register, ageTolerance });
    const flight = record();
    expect(takes(config(), flight)).toBe(true);
    for (let i = 0; i < 25; i++) {
      // Others are taken meanwhile: a register does not only remember because nobody makes it forget.
      pass(ageTolerance / 10 + 0.1);
      register.admit(bytes(32), START + 60_000 + i * (ageTolerance / 10), 2 * ageTolerance);
      expect(takes(config(), flight)).toBe(false);
    }
  });

  test.each([undefined, 3000])('the guard hears how long it has to remember: age tolerance %s', (ageTolerance) => {
    const heard: number[] = [];
    const replay: ReplayGuard = { admit: (_id, _now, window) => heard.push(window) > 0 };
    const { record, config } = stage({ replay, ageTolerance });
    expect(takes(config(), record())).toBe(true);
    expect(heard).toEqual([2 * (ageTolerance ?? 10_000)]);
  });

  test('by a server that was started again: not until its window has passed', () => {
    const { record, config, pass } = stage({ replay: new StrikeRegister({}, Number.NEGATIVE_INFINITY) });
    const flight = record();
    expect(takes(config(), flight)).toBe(true);
    pass(2000);
    const again = config({ earlyData: { maxSize: 1000, replay: new StrikeRegister() } });
    expect([takes(again, flight), takes(again, record())]).toEqual([false, false]);
    pass(20_001);
    expect([takes(again, flight), takes(again, record())]).toEqual([false, true]);
  });

  test('an application that thinks for long does not outlast the memory', () => {
    const { record, config, pass } = stage({ replay: { admit: () => true } });
    const slow = config({
      chooseCredentials: () => {
        pass(10_001);
        return undefined;
      },
    });
    expect(takes(slow, record())).toBe(false);
  });

  test('an age tolerance below nought lets nothing pass', () => {
    const { record, config } = stage({ replay: { admit: () => true }, ageTolerance: -1 });
    expect(takes(config(), record())).toBe(false);
  });
});

describe('a guard that cannot tell costs 0-RTT data, not the handshake', () => {
  const odd: readonly [string, () => unknown][] = [
    [
      'throws',
      () => {
        throw new Error('out of order');
      },
    ],
    ['answers undefined', () => undefined],
    ['answers null', () => null],
    ['answers 1', () => 1],
    ["answers 'no'", () => 'no'],
    ['answers an object', () => ({})],
  ];
  test.each(odd)('one that %s', (_, admit) => {
    const { config, client } = stage({ replay: { admit } as ReplayGuard });
    const ends = openPair(client, config());
    expect([ends.client.facts?.earlyData, ends.server.facts?.earlyData]).toEqual(['rejected', 'rejected']);
    expect([ends.client.facts?.resumed, ends.server.phase]).toEqual([true, 'open']);
  });

  test('one whose answer fails later', () => {
    const { config, record } = stage({ replay: { admit: () => Promise.reject(new Error('unused')) } });
    const server = newServer(config());
    for (const slab of record()) server.receive(slab);
    for (let event = server.poll(); event !== undefined; event = server.poll()) {
      if (event.type !== 'ask') continue;
      const { request } = event.ask;
      if (request.ask !== 'admitEarlyData') {
        server.answer(event.ask, performed(request) as never);
        continue;
      }
      expect(request.timeout).toBe(1000);
      server.fail(event.ask, new Error('no store'));
    }
    expect(server.phase).toBe('handshake');
    expect(Buffer.concat(server.takeOutput()).length).toBeGreaterThan(100);
  });
});
