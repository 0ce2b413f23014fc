import { expect, test } from 'vitest';
import { fuzzCertificates } from './certificates.ts';

test('mutated certificates throw at nobody, and have no internal error for an answer', async () => {
  const { good, refused, handshakes, reached, findings } = await fuzzCertificates(11, 2_000, 50);
  expect(findings).toEqual([]);
  // Else nothing was tried.
  expect(good).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(500);
  expect(handshakes).toBe(40);
  expect(reached).toBeGreaterThan(5);
}, 60_000);
