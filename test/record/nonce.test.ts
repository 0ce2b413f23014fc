import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '#opentls/bytes/hex';
import { NonceSequence } from '#opentls/record/nonce';
import { refusal } from './records.ts';

const iv = '5d313eb2671276ee13000b30';

/** RFC 9846 §5.3 in BigInt. */
function expected(sequence: bigint): string {
  return (BigInt(`0x${iv}`) ^ sequence).toString(16).padStart(24, '0');
}

describe('NonceSequence', () => {
  test('starts at 0 and counts', () => {
    const nonces = new NonceSequence(fromHex(iv));
    for (let i = 0n; i < 600n; i++) {
      expect(nonces.count).toBe(Number(i));
      expect(toHex(nonces.next())).toBe(expected(i));
    }
  });

  test.each([2 ** 8 - 2, 2 ** 16 - 2, 2 ** 31 - 2, 2 ** 32 - 2, 2 ** 33 - 2, 2 ** 48 - 2, 2 ** 53 - 5])(
    'the 64-bit sequence number from %i',
    (first) => {
      const nonces = new NonceSequence(fromHex(iv), first);
      for (let i = 0; i < 4; i++) expect(toHex(nonces.next())).toBe(expected(BigInt(first + i)));
    },
  );

  test('is refused before it is no longer exact: 2^53 - 2 is the last', () => {
    const nonces = new NonceSequence(fromHex(iv), Number.MAX_SAFE_INTEGER - 1);
    expect(toHex(nonces.next())).toBe(expected(BigInt(Number.MAX_SAFE_INTEGER - 1)));
    expect(refusal(() => nonces.next())).toEqual({ code: 'ERR_TLS_SEQUENCE_EXHAUSTED', alert: 'internal_error' });
    expect(refusal(() => nonces.next()).code).toBe('ERR_TLS_SEQUENCE_EXHAUSTED');
  });

  test('wipe() clears the IV and the last nonce', () => {
    const own = fromHex(iv);
    const nonces = new NonceSequence(own);
    const last = nonces.next();
    nonces.wipe();
    expect(own).toEqual(new Uint8Array(12));
    expect(last).toEqual(new Uint8Array(12));
  });
});
