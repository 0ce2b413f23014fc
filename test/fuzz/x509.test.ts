import { expect, test } from 'vitest';
import { openssl } from '../kit/openssl.ts';
import { loadSeeds } from './seeds.ts';
import { fuzzBytes } from './x509-bytes.ts';
import { fuzzChains } from './x509-chains.ts';

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
