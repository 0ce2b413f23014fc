import { expect, test } from 'vitest';
import { inputs } from './inputs.ts';
import { fuzzRecords } from './records.ts';

test('hostile records and messages to live connections of both roles', () => {
  const { findings, kinds, connections, mostUnsent } = fuzzRecords(7, 1_200);
  expect(findings).toEqual([]);
  expect(Object.keys(kinds).sort()).toEqual(Object.keys(inputs).sort());
  expect(connections).toBeGreaterThan(50);
  expect(mostUnsent).toBeLessThan(0x2_0000);
}, 60_000);
