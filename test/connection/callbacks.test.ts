// Callbacks that throw, or that end the connection which calls them, at each of their calls.

import { describe, expect, test } from 'vitest';
import { TlsError } from '#opentls/errors';
import type { ClientConfig, CommonConfig, ServerConfig } from '#opentls/handshake/terms/config';
import { TicketKeys } from '#opentls/session/tickets';
import { CipherSuiteId, NamedGroup } from '#opentls/wire/enums';
import { credential, type Ends, errorOf, newPair, openPair, type Side, shuttle, sides } from '../kit/pair.ts';
import { provider } from '../kit/provider.ts';
import { thrownBy } from '../kit/refusals.ts';
import { watched } from '../kit/watched.ts';

type Name = 'now' | 'random' | 'padding';
type Kind = 'full' | 'resumed';

/** Of a full handshake over a HelloRetryRequest, and of one with a PSK and 0-RTT data. */
function configsOf(kind: Kind): { readonly client: Partial<ClientConfig>; readonly server: Partial<ServerConfig> } {
  const keys = new TicketKeys(provider);
  const common = {
    clientCertificate: 'optional',
    suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256],
    earlyData: { maxSize: 1000, replay: { admit: () => true } },
  } as const;
  const client = { credentials: [credential] };
  const server = {
    ...common,
    tickets: { seal: () => new Uint8Array(9), open: (ticket: Uint8Array) => keys.open(ticket) },
  };
  if (kind === 'full') return { client, server: { ...server, groups: [NamedGroup.secp256r1] } };
  const event = shuttle(newPair(client, { ...common, tickets: keys })).clientEvents.find(
    ({ type }) => type === 'session',
  );
  const session = event?.type === 'session' ? event.session : expect.fail('no ticket came');
  return { client: { ...client, takeSession: () => session, earlyData: true }, server };
}

/** What is wrong with a handshake in which the call of that number does this; undefined: there are not so many. */
function outcome(side: Side, name: Name, kind: Kind, number: number, what: 'throws' | 'destroys'): unknown {
  const watch = watched();
  let calls = 0;
  let heard = -1;
  let thrown: unknown;
  const called = (): void => {
    calls++;
    if (calls !== number) return;
    heard = ends[`${side}Events`].length;
    if (what === 'throws') throw new Error('a test');
    thrown = thrownBy(() => ends[side].destroy());
  };
  function first<T>(value: () => T): T {
    called();
    return value();
  }
  const own: Record<Name, Partial<CommonConfig>> = {
    now: { now: () => first(Date.now) },
    padding: { padding: () => first(() => 0) },
    random: { provider: { ...watch.provider, random: (length) => first(() => provider.random(length)) } },
  };
  const config = configsOf(kind);
  const changed = { provider: watch.provider, ...own[name] };
  const ends: Ends = newPair(
    { ...config.client, ...(side === 'client' && changed) },
    { ...config.server, ...(side === 'server' && changed) },
  );
  shuttle(ends);
  if (heard < 0) return undefined;
  const events = ends[`${side}Events`];
  for (const event of events) if (event.type === 'session') event.session.psk.wipe();
  const { phase } = ends[side];
  const after = events.slice(heard).map(({ type }) => type);
  return { number, phase, last: after.at(-1), error: errorOf(events), thrown, survivors: watch.survivors() };
}

/** All of them, in order. */
function outcomes(...[side, name, kind, what]: Row): unknown[] {
  const all: unknown[] = [];
  for (let number = 1; ; number++) {
    const found = outcome(side, name, kind, number, what);
    if (found === undefined) return all;
    all.push(found);
  }
}

type Row = readonly [Side, Name, Kind, 'throws' | 'destroys'];

function check(...row: Row): void {
  const found = outcomes(...row);
  expect(found).not.toEqual([]);
  const right =
    row[3] === 'throws'
      ? { phase: 'failed', last: 'error', error: { code: 'ERR_TLS_INTERNAL', alert: 'internal_error' } }
      : { phase: 'closed', last: undefined, error: undefined };
  expect(found).toEqual(found.map((_, i) => ({ number: i + 1, ...right, thrown: undefined, survivors: [] })));
}

describe('the connection ends, says so once or not at all, and keeps nothing', () => {
  const title = '%s: %s, in a %s handshake, %s';
  const all = sides.flatMap((side) =>
    (['now', 'random', 'padding'] as const).flatMap((name) =>
      (['full', 'resumed'] as const).flatMap((kind) =>
        (['throws', 'destroys'] as const).map((what): Row => [side, name, kind, what]),
      ),
    ),
  );
  test.each(all)(title, check);
});

test('an alert that cannot be padded is no reason to say nothing, or to keep anything', () => {
  const watch = watched();
  let armed = false;
  const padding = (): number => (armed ? expect.fail('a test') : 0);
  const { client } = openPair({ provider: watch.provider, padding });
  armed = true;
  client.abort(new TlsError('ERR_TLS_INTERNAL', 'a test', { alert: 'internal_error' }));
  expect(client.poll()).toMatchObject({ type: 'error' });
  expect(watch.survivors()).toEqual([]);
});
