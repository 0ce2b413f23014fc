import { expect, test } from 'vitest';
import { Outbox } from '#opentls/record/outbox';

test('gives slabs away once, in order, and counts what waits', () => {
  const outbox = new Outbox();
  expect(outbox.take()).toEqual([]);
  const [one, two] = [new Uint8Array([1]), new Uint8Array([2, 2])];
  outbox.push(one);
  outbox.push(two);
  expect(outbox.length).toBe(3);
  const slabs = outbox.take();
  expect(slabs[0]).toBe(one);
  expect(slabs[1]).toBe(two);
  expect(outbox.length).toBe(0);
  expect(outbox.take()).toEqual([]);
  outbox.push(two);
  expect(slabs).toHaveLength(2);
});
