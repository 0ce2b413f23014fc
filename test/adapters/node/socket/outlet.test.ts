// What is written is sealed in turns: each looks at what it seals, and at nothing else, and none is longer because the
// peer wants small records.
import { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { Outlet } from '#opentls/adapters/node/socket/outlet';
import { type ByteTransport, wrapClient, wrapServer } from '#opentls/adapters/web/index';
import type { Connection } from '#opentls/connection/connection';
import type { ClientConfig } from '#opentls/handshake/terms/config';
import { credential, dataOf, openPair, settle, trustAnything } from '../../../kit/pair.ts';
import { provider } from '../../../kit/provider.ts';
import { recordsOf } from '../../../record/records.ts';

/** Counts how often it, or a part of it, is looked at. */
class Counted extends Uint8Array {
  static looks = 0;

  override subarray(start?: number, end?: number): Uint8Array<ArrayBuffer> {
    Counted.looks++;
    return super.subarray(start, end) as Uint8Array<ArrayBuffer>;
  }
}

/** All that is written, in the turns that it was written in. */
async function turnsOf(connection: Connection, chunks: readonly Uint8Array[], fragment?: number): Promise<Buffer[]> {
  const turns: Buffer[] = [];
  let gathered: Buffer[] = [];
  const transport = new Duplex({
    read() {},
    write(chunk, _encoding, callback) {
      if (gathered.length === 0) {
        setImmediate(() => {
          turns.push(Buffer.concat(gathered));
          gathered = [];
        });
      }
      gathered.push(chunk);
      callback();
    },
  });
  const outlet = new Outlet(() => {});
  outlet.begin(connection, transport);
  if (fragment !== undefined) outlet.fragment = fragment;
  await new Promise((resolve) => outlet.write(chunks, resolve));
  await new Promise(setImmediate);
  return turns;
}

function received(turns: readonly Buffer[], peer: Connection): number {
  let length = 0;
  for (const turn of turns) {
    for (let at = 0; at < turn.length; at += 0x8000) {
      peer.receive(turn.subarray(at, at + 0x8000));
      length += dataOf(settle(peer)).length;
    }
  }
  return length;
}

describe('many small chunks', () => {
  test.each([undefined, 512])(
    'are looked at by the outlet and by the sealer, once each (fragment %s)',
    async (fragment) => {
      const { client, server } = openPair();
      const chunks = Array.from({ length: 20_000 }, () => new Counted(100).fill(7));
      Counted.looks = 0;
      const turns = await turnsOf(client, chunks, fragment);
      expect(turns.length).toBeGreaterThan(5);
      expect(Counted.looks).toBeLessThan(2.5 * chunks.length);
      expect(received(turns, server)).toBe(2_000_000);
    },
  );
});

/** Half of what a full turn of 16 records of 2^14 bytes takes, once more, for what a record costs beside its bytes. */
const MOST_RECORDS = 300;

const shapes: readonly [string, Partial<ClientConfig>, number][] = [
  ['a record_size_limit of 64', { recordSizeLimit: 64 }, MOST_RECORDS],
  ['a max_fragment_length of 512', { maxFragmentLength: 512 }, MOST_RECORDS],
  ['full records', {}, 17],
];

describe('a turn', () => {
  test.each(shapes)('of an application on Node, with %s', async (_, config, most) => {
    const { client, server } = openPair(config);
    const turns = await turnsOf(server, [new Uint8Array(600_000)]);
    const records = turns.map((turn) => recordsOf(turn).length);
    expect(Math.max(...records)).toBeLessThanOrEqual(most);
    expect(received(turns, client)).toBe(600_000);
  });

  test('of records that are padded to the full', async () => {
    const { client, server } = openPair({}, { padding: () => 0x4000, maxFragment: 512 });
    const turns = await turnsOf(server, [new Uint8Array(60_000)]);
    expect(Math.max(...turns.map(({ length }) => length))).toBeLessThanOrEqual(17 * 17_000);
    expect(received(turns, client)).toBe(60_000);
  });

  test.each(shapes)('of an application on streams, with %s', async (_, config, most) => {
    const there = new TransformStream<Uint8Array, Uint8Array>();
    const slabs: Uint8Array[] = [];
    const back = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        slabs.push(chunk);
        controller.enqueue(chunk);
      },
    });
    const ends = [
      { readable: back.readable, writable: there.writable },
      { readable: there.readable, writable: back.writable },
    ] as const;
    const common = { provider, verifyChain: trustAnything };
    const client = wrapClient(ends[0] satisfies ByteTransport, { ...common, ...config, serverName: 'localhost' });
    const server = wrapServer(ends[1] satisfies ByteTransport, { ...common, credentials: [credential] });
    await Promise.all([client.opened, server.opened]);
    slabs.length = 0;
    const writer = server.writable.getWriter();
    writer.write(new Uint8Array(600_000)).catch(() => {});
    const reader = client.readable.getReader();
    for (let left = 600_000; left > 0; ) left -= (await reader.read()).value?.length ?? 0;
    expect(Math.max(...slabs.map((slab) => recordsOf(slab).length))).toBeLessThanOrEqual(most);
  });
});
