// A server that forgets a client between two ClientHellos: what it has to know is in the cookie, RFC 9846 §4.3.2.
import { describe, expect, test } from 'vitest';
import type { Connection, Event } from '#opentls/connection/connection';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import { CookieKeys } from '#opentls/session/retry-cookies';
import { TicketKeys } from '#opentls/session/tickets';
import { CipherSuiteId, NamedGroup } from '#opentls/wire/enums';
import { dataOf, type Ends, errorOf, newPair, newServer, settle, shuttle } from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';

const START = 1_790_000_000_000;
const groups = { groups: [NamedGroup.secp256r1] } as const;
const keys = (now = START, context?: Uint8Array): CookieKeys =>
  new CookieKeys(provider, { keys: [new Uint8Array(48).fill(7)], now: () => now, context });

/** What an end sends when it has nothing to wait for but its peer. */
function said(end: Connection, events: Event[]): Uint8Array {
  settle(end, events);
  return Buffer.concat(end.takeOutput());
}

/** Up to the HelloRetryRequest; from there on another server has the client. */
function handOver(
  first: Partial<ServerConfig>,
  second: Partial<ServerConfig>,
  client: Partial<ClientConfig> = {},
): Ends {
  const ends = newPair(client, { ...groups, ...first });
  ends.server.receive(said(ends.client, ends.clientEvents));
  const answer = said(ends.server, ends.serverEvents);
  expect(ends.serverEvents.map(({ type }) => type)).toContain('retry');
  ends.server.destroy();
  ends.client.receive(answer);
  return shuttle({ ...ends, server: newServer({ ...groups, ...second }), serverEvents: [] });
}

describe('another server goes on', () => {
  test.each([{}, { middleboxCompatibility: false }, { suites: [CipherSuiteId.TLS_AES_256_GCM_SHA384] }])(
    'with a client %j',
    (client) => {
      const ends = handOver({ retryCookies: keys() }, { retryCookies: keys() }, client);
      expect([ends.client.phase, ends.server.phase]).toEqual(['open', 'open']);
      expect(ends.server.facts?.helloRetryRequest).toBe(true);
      ends.client.write([new Uint8Array([1, 2, 3])]);
      shuttle(ends);
      expect([...dataOf(ends.serverEvents)]).toEqual([1, 2, 3]);
    },
  );

  test('and so does the one that asked', () => {
    const ends = shuttle(newPair({}, { ...groups, retryCookies: keys() }));
    expect([ends.client.phase, ends.server.phase]).toEqual(['open', 'open']);
  });

  test('with a session of the client', () => {
    const tickets = new TicketKeys(provider);
    const [session] = shuttle(newPair({}, { ...groups, tickets })).clientEvents.flatMap((event: Event) =>
      event.type === 'session' ? [event.session] : [],
    );
    const server = { tickets, retryCookies: keys() };
    const ends = handOver(server, server, { takeSession: () => session });
    expect([ends.client.facts?.resumed, ends.server.facts?.resumed]).toEqual([true, true]);
  });

  test('past the 0-RTT data that was sent before the answer came', () => {
    const tickets = new TicketKeys(provider);
    const earlyData = { maxSize: 1000, replay: { admit: () => true } };
    const server = { tickets, earlyData, retryCookies: keys() };
    const [session] = shuttle(newPair({}, { ...groups, ...server })).clientEvents.flatMap((event: Event) =>
      event.type === 'session' ? [event.session] : [],
    );
    const ends = newPair({ takeSession: () => session, earlyData: true }, { ...groups, ...server });
    const hello = said(ends.client, ends.clientEvents);
    ends.client.writeEarly(new Uint8Array(100));
    const late = said(ends.client, ends.clientEvents);
    ends.server.receive(hello);
    ends.client.receive(said(ends.server, ends.serverEvents));
    const other = newServer({ ...groups, ...server });
    other.receive(late);
    shuttle({ ...ends, server: other, serverEvents: [] });
    expect([other.phase, other.facts?.earlyData]).toEqual(['open', 'rejected']);
  });
});

describe('a cookie that is not good is illegal_parameter', () => {
  const refused = { code: 'ERR_TLS_COOKIE', alert: 'illegal_parameter' };
  const strange = new CookieKeys(provider);

  test.each<[string, Partial<ServerConfig>]>([
    ['of other keys', { retryCookies: strange }],
    ['of another context', { retryCookies: keys(START, new Uint8Array(1)) }],
    ['too old', { retryCookies: keys(START + 60_001) }],
    ['too young', { retryCookies: keys(START - 60_001) }],
    ['where none is expected', {}],
    ['whose content is malformed', { retryCookies: { seal: (state) => state, open: () => new Uint8Array(3) } }],
  ])('%s', (_, second) => {
    const { serverEvents } = handOver({ retryCookies: keys() }, second, { middleboxCompatibility: false });
    expect(errorOf(serverEvents)).toMatchObject(refused);
  });

  test('a ticket is no cookie, though the keys are the same', () => {
    const key = new Uint8Array(48).fill(7);
    const tickets = new TicketKeys(provider, { keys: [key] });
    const ends = shuttle(newPair({}, { ...groups, tickets }));
    const [ticket] = ends.clientEvents.flatMap((event) => (event.type === 'session' ? [event.session.ticket] : []));
    expect(keys().open(ticket ?? new Uint8Array(0))).toBeUndefined();
  });
});

test('a server without cookies needs the client to come back to it', () => {
  const { client, clientEvents, server, serverEvents } = newPair({}, groups);
  server.receive(said(client, clientEvents));
  const answer = said(server, serverEvents);
  expect(serverEvents.map(({ type }) => type)).not.toContain('retry');
  client.receive(answer);
  const other = newServer(groups);
  const events: Event[] = [];
  other.receive(said(client, clientEvents));
  settle(other, events);
  expect(errorOf(events)).toBeDefined();
});
