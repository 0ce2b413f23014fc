import { describe, expect, test } from 'vitest';
import type { Connection, Event } from '#opentls/connection/connection';
import { NamedGroup } from '#opentls/wire/enums';
import { errorOf, newClient, newPair, newServer, seeded, settle, shuttle } from '../kit/pair.ts';
import { provider } from '../kit/provider.ts';
import { randomBytes, randomNumbers } from '../kit/random.ts';

/** One session as bytes: what each side sent, with data, a KeyUpdate and both close_notifies. */
interface Recording {
  readonly toClient: Uint8Array;
  readonly toServer: Uint8Array;
  readonly clientEvents: readonly unknown[];
  readonly serverEvents: readonly unknown[];
}

const retry = { groups: [NamedGroup.secp384r1, NamedGroup.x25519], keyShares: [NamedGroup.x25519] };
const kinds = {
  plain: [{}, {}],
  'HelloRetryRequest and client certificate': [
    retry,
    { groups: [NamedGroup.secp384r1], clientCertificate: 'optional' as const },
  ],
} as const;

function record(kind: keyof typeof kinds): Recording {
  const [client, server] = kinds[kind];
  const ends = newPair({ ...client, provider: deterministic(1) }, { ...server, provider: deterministic(2) });
  const carried = { client: [] as Uint8Array[], server: [] as Uint8Array[] };
  const tap = (from: 'client' | 'server', bytes: Uint8Array) => {
    carried[from].push(bytes);
    return [bytes];
  };
  shuttle(ends, tap);
  ends.server.write([randomBytes(3)(40_000)]);
  ends.client.write([randomBytes(4)(1), randomBytes(5)(20_000)]);
  shuttle(ends, tap);
  ends.server.updateKeys(true);
  ends.server.write([randomBytes(6)(10)]);
  shuttle(ends, tap);
  ends.client.closeWrite();
  ends.server.closeWrite();
  shuttle(ends, tap);
  return {
    toServer: Buffer.concat(carried.client),
    toClient: Buffer.concat(carried.server),
    clientEvents: summary(ends.clientEvents),
    serverEvents: summary(ends.serverEvents),
  };
}

/** Key shares are the provider's own; these groups make theirs from the seed too. */
function deterministic(seed: number) {
  return seeded(provider, randomBytes(seed));
}

function summary(events: readonly Event[]): unknown[] {
  return events.map((event) => {
    if (event.type === 'data') return ['data', Buffer.from(event.bytes).toString('hex')];
    if (event.type === 'open') return ['open', event.facts.suite.name, event.facts.group?.name];
    if (event.type === 'error') return ['error', event.error.code];
    return [event.type];
  });
}

function feedInParts(engine: Connection, bytes: Uint8Array, next: (left: number) => number): Event[] {
  const events: Event[] = [];
  settle(engine, events);
  for (let offset = 0; offset < bytes.length; ) {
    const size = Math.min(next(bytes.length - offset), bytes.length - offset, engine.inputRoom);
    engine.receive(bytes.subarray(offset, offset + size));
    offset += size;
    settle(engine, events);
  }
  return events;
}

const random = randomNumbers(7);
const splits: readonly (readonly [string, (left: number) => number])[] = [
  ['one byte at a time', () => 1],
  ['all at once', (left) => left],
  ['random splits up to 7 bytes', () => 1 + random(7)],
  ['random splits up to 1,500 bytes', () => 1 + random(1500)],
  ['random splits up to 20,000 bytes', () => 1 + random(20_000)],
];

describe.each(Object.keys(kinds) as (keyof typeof kinds)[])('a recorded session: %s', (kind) => {
  test.each(splits)('%s gives the same events', (_, next) => {
    // A fresh session each time, whose bytes are then cut: the engine under test is one of its two ends, live.
    const [clientConfig, serverConfig] = kinds[kind];
    const ends = newPair(clientConfig, serverConfig);
    shuttle(ends, (__, bytes) => cut(bytes, next));
    ends.server.write([randomBytes(3)(40_000)]);
    ends.client.write([randomBytes(4)(1), randomBytes(5)(20_000)]);
    shuttle(ends, (__, bytes) => cut(bytes, next));
    ends.server.updateKeys(true);
    ends.server.write([randomBytes(6)(10)]);
    shuttle(ends, (__, bytes) => cut(bytes, next));
    ends.client.closeWrite();
    ends.server.closeWrite();
    shuttle(ends, (__, bytes) => cut(bytes, next));
    const whole = record(kind);
    expect(summary(ends.clientEvents)).toEqual(whole.clientEvents);
    expect(summary(ends.serverEvents)).toEqual(whole.serverEvents);
  });
});

function cut(bytes: Uint8Array, next: (left: number) => number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const size = Math.min(next(bytes.length - offset), 60_000);
    parts.push(bytes.subarray(offset, offset + size));
    offset += size;
  }
  return parts;
}

test('a transport that ends in the middle of any flight is an error, once, and nothing else', () => {
  const whole = record('plain');
  for (let length = 0; length < 1200; length += 13) {
    const server = newServer();
    const events = feedInParts(server, whole.toServer.subarray(0, Math.min(length, 150)), (left) => left);
    server.receiveEnd();
    settle(server, events);
    expect(errorOf(events)).toEqual({ code: 'ERR_TLS_TRUNCATED', alert: undefined });
    expect(events.filter(({ type }) => type === 'error')).toHaveLength(1);
  }
  const client = newClient();
  const events = settle(client);
  client.receiveEnd();
  settle(client, events);
  expect(errorOf(events)).toEqual({ code: 'ERR_TLS_TRUNCATED', alert: undefined });
});
