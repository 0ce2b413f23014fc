import { describe, expect, test } from 'vitest';
import { Inbox } from '#opentls/bytes/inbox';
import { randomBytes, randomNumbers } from '../kit/random.ts';

function bytes(...values: readonly number[]): Uint8Array {
  return new Uint8Array(values);
}

describe('Inbox', () => {
  test('begins empty', () => {
    const inbox = new Inbox();
    expect(inbox.length).toBe(0);
    expect(inbox.peek(0)).toEqual(bytes());
    expect(inbox.peek(1)).toBeUndefined();
  });

  test('looks ahead without consuming, and only as far as there are bytes', () => {
    const inbox = new Inbox();
    inbox.append(bytes(1, 2, 3));
    expect(inbox.peek(2)).toEqual(bytes(1, 2));
    expect(inbox.peek(3)).toEqual(bytes(1, 2, 3));
    expect(inbox.peek(4)).toBeUndefined();
    expect(inbox.length).toBe(3);
  });

  test('consumes from the front', () => {
    const inbox = new Inbox();
    inbox.append(bytes(1, 2, 3));
    inbox.consume(2);
    inbox.append(bytes(4));
    expect(inbox.peek(2)).toEqual(bytes(3, 4));
    inbox.consume(2);
    expect(inbox.length).toBe(0);
  });

  test('copies what it is given: the caller may reuse its buffer', () => {
    const inbox = new Inbox();
    const chunk = bytes(1, 2, 3);
    inbox.append(chunk);
    chunk.fill(9);
    expect(inbox.peek(3)).toEqual(bytes(1, 2, 3));
  });

  test.each([1, 2, 3, 4, 5])('gives back what went in, whatever the sizes (seed %i)', (seed) => {
    const next = randomNumbers(seed);
    const stream = randomBytes(seed)(100_000);
    const inbox = new Inbox();
    const out: Uint8Array[] = [];
    for (let offset = 0; offset < stream.length || inbox.length > 0; ) {
      const size = Math.min(next(next(2) === 0 ? 10 : 5000), stream.length - offset);
      inbox.append(stream.subarray(offset, offset + size));
      offset += size;
      const taken = offset === stream.length ? inbox.length : next(inbox.length + 1);
      out.push((inbox.peek(taken) ?? bytes()).slice());
      inbox.consume(taken);
    }
    expect(Buffer.concat(out).equals(stream)).toBe(true);
  });

  test('keeps next to nothing once a burst has been read', () => {
    const inbox = new Inbox();
    inbox.append(new Uint8Array(80_000));
    expect(inbox.peek(1)?.buffer.byteLength).toBe(80_000);
    inbox.consume(80_000);
    expect(inbox.peek(0)?.buffer.byteLength).toBe(0);
    inbox.append(bytes(1));
    expect(inbox.peek(1)?.buffer.byteLength).toBeLessThan(4096);
  });

  test('holds no more than twice what it has to, when bytes trickle in behind a long wait', () => {
    const inbox = new Inbox();
    for (let i = 0; i < 20_000; i++) inbox.append(bytes(i));
    expect(inbox.peek(1)?.buffer.byteLength).toBeLessThanOrEqual(40_000);
  });

  test('reuses its memory for a stream of small pieces', () => {
    const inbox = new Inbox();
    const buffers = new Set<unknown>();
    for (let i = 0; i < 1000; i++) {
      inbox.append(new Uint8Array(100));
      buffers.add(inbox.peek(1)?.buffer);
      inbox.consume(i % 2 === 0 ? 40 : 160);
    }
    expect(buffers.size).toBeLessThan(5);
  });

  test('wipe() drops everything', () => {
    const inbox = new Inbox();
    inbox.append(bytes(1, 2, 3));
    inbox.wipe();
    expect(inbox.length).toBe(0);
    expect(inbox.peek(1)).toBeUndefined();
    inbox.append(bytes(4));
    expect(inbox.peek(1)).toEqual(bytes(4));
  });
});
