import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { download, type Upload, upload } from '../../ends/data.ts';
import { open } from '../../ends/pair.ts';
import type { Scenario, Variant } from '../../types.ts';
import { suites } from '../handshake/handshake.ts';

/** 100 KiB there and back at once. */
export const echo: Scenario = {
  name: 'echo',
  variants: suites.map((suite) => ({
    name: `100 KiB ${suite}`,
    run: async (context) => {
      const { stream, theirs } = await open(context, { client: { suites: [suite] } });
      theirs.output.pipe(theirs.input, { end: false });
      const sent = upload(stream, echoLength);
      assert.equal(await download(stream, echoLength), await sent.done);
    },
  })),
};

/** 64 MiB one way, to a reader that falls asleep: the writer has to stop, and nobody may hoard. */
export const bulk: Scenario = {
  name: 'bulk',
  variants: [bulkWith('opentls sends', suites[0]), bulkWith('opentls receives', suites[0])],
};

function bulkWith(direction: 'opentls sends' | 'opentls receives', suite: string): Variant {
  return {
    name: `64 MiB ${direction} ${suite}`,
    run: async (context) => {
      const { stream, theirs } = await open(context, { client: { suites: [suite] } });
      const ends = { ours: { source: stream, sink: stream }, theirs: { source: theirs.output, sink: theirs.input } };
      if (direction === 'opentls sends') await transfer(ends.ours.sink, ends.theirs.source);
      else await transfer(ends.theirs.sink, ends.ours.source);
    },
  };
}

async function transfer(sink: Writable, source: Readable): Promise<void> {
  const before = heldBytes();
  const sent = upload(sink, bulkLength);
  if (source.readableLength === 0) await once(source, 'readable');
  const atRest = await stalled(sent);
  assert.ok(atRest < stallBound, `the writer went on to ${atRest} bytes while nobody read`);
  await assertHeld(before, 'while nobody reads');
  const received = await download(source, bulkLength);
  assert.equal(received, await sent.done);
  await assertHeld(before, 'when all is over');
}

/** Waits until the writer makes no progress. @returns how far it came */
async function stalled(sent: Upload): Promise<number> {
  for (let last = -1; ; ) {
    if (sent.accepted === last) return last;
    last = sent.accepted;
    await delay(300);
  }
}

async function assertHeld(before: number, when: string): Promise<void> {
  let held = heldBytes() - before;
  // What the collector found is given back in the background.
  for (let tries = 0; held >= heldBound && tries < 20; tries++) {
    await delay(50);
    held = heldBytes() - before;
  }
  assert.ok(held < heldBound, `${held} bytes are held here ${when}`);
}

/** Bytes in use on and off the heap, garbage not counted. */
function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const echoLength = 100 * 1024;
const bulkLength = 64 * 1024 * 1024;
/** The kernel's buffers of two loopback sockets and two pipes hold about 10 MiB at most. */
const stallBound = 24 * 1024 * 1024;
const heldBound = 8 * 1024 * 1024;
