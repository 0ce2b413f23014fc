import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex, Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { PeerSession } from '../types.ts';

/** Takes exactly `length` bytes out of a stream and leaves the rest in it. @throws Error where it ends before */
export async function take(stream: Readable, length: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let missing = length;
  while (missing > 0) {
    const part: Buffer | null = stream.read(Math.min(missing, stream.readableLength));
    if (part === null) {
      await readable(stream);
      continue;
    }
    parts.push(part);
    missing -= part.length;
  }
  return Buffer.concat(parts);
}

/** Takes what comes until `text` is among it: a peer may say other things on the same pipe. @returns all of it */
export async function takeUntil(stream: Readable, text: string): Promise<string> {
  let seen = '';
  while (!seen.includes(text)) {
    while (stream.readableLength === 0) await readable(stream);
    seen += (await take(stream, stream.readableLength)).toString('latin1');
  }
  return seen;
}

/** One line each way; this side begins. */
export async function exchange(ours: { readonly stream: Duplex }, theirs: PeerSession): Promise<void> {
  if (theirs.exchange) return await theirs.exchange(ours.stream, 'does it come back?\n');
  await lineToPeer(ours, theirs);
  await lineFromPeer(ours, theirs);
}

// No line begins with a letter that s_client or s_server takes for a command.
export async function lineToPeer(ours: { readonly stream: Duplex }, theirs: PeerSession, mark = ''): Promise<void> {
  const line = `does it arrive? ${mark}\n`;
  ours.stream.write(line);
  await takeUntil(theirs.output, line);
}

export async function lineFromPeer(ours: { readonly stream: Duplex }, theirs: PeerSession, mark = ''): Promise<void> {
  const line = `it arrives ${mark}\n`;
  theirs.input.write(line);
  assert.equal((await take(ours.stream, line.length)).toString(), line);
}

/** Waits for something that no event tells. */
export async function until(probe: () => boolean): Promise<void> {
  while (!probe()) await delay(5);
}

/** @throws Error where nothing more will come */
async function readable(stream: Readable): Promise<void> {
  if (stream.readableEnded || stream.destroyed) throw new Error('the stream ended early');
  const over = new AbortController();
  const { signal } = over;
  try {
    await Promise.race(['readable', 'end', 'close'].map((event) => once(stream, event, { signal })));
  } finally {
    over.abort();
  }
}

/** A long body, made as it is sent: no two blocks are alike, so that lost, doubled and swapped ones show. */
export interface Upload {
  /** Bytes that the stream has taken so far. */
  readonly accepted: number;
  readonly done: Promise<string>;
}

/** Sends `length` bytes as the stream lets it. `done` is their SHA-256 in hex. */
export function upload(stream: Writable, length: number): Upload {
  const progress = { accepted: 0 };
  const send = async (): Promise<string> => {
    const hash = createHash('sha256');
    for (let index = 0; progress.accepted < length; index++) {
      const block = Buffer.alloc(
        Math.min(blockLength, length - progress.accepted),
        createHash('sha512').update(String(index)).digest(),
      );
      hash.update(block);
      progress.accepted += block.length;
      if (!stream.write(block)) await once(stream, 'drain');
    }
    return hash.digest('hex');
  };
  const done = send();
  done.catch(() => undefined);
  return {
    get accepted() {
      return progress.accepted;
    },
    done,
  };
}

/** Takes `length` bytes, block by block. @returns their SHA-256 in hex */
export async function download(stream: Readable, length: number): Promise<string> {
  const hash = createHash('sha256');
  for (let taken = 0; taken < length; ) {
    const block = await take(stream, Math.min(blockLength, length - taken));
    hash.update(block);
    taken += block.length;
  }
  return hash.digest('hex');
}

const blockLength = 64 * 1024;
