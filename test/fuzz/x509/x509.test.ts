import { expect, test } from 'vitest';
import { openssl } from '../../kit/openssl.ts';
import { fuzzBytes } from './bytes.ts';
import { fuzzChains } from './chains.ts';
import { loadSeeds } from './seeds.ts';

test('mutated certificates, lists and responses', () => {
  const { accepted, findings } = fuzzBytes(7, 8_000, loadSeeds());
  expect(findings).toEqual([]);
  expect(accepted).toBeGreaterThan(500);
}, 60_000);

test.skipIf(!openssl)(
  'odd chains, against openssl verify',
  () => {
    const { agreed, findings } = fuzzChains(7, 120);
    expect(findings).toEqual([]);
    expect(agreed).toBeGreaterThan(100);
  },
  60_000,
);
