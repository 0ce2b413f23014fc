import { hkdfSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '#opentls/bytes/hex';
import { deriveSecret, expandLabel, extract } from '#opentls/keys/hkdf';
import { randomBytes, randomNumbers } from '../kit/random.ts';
import { providers } from '../providers/providers.ts';

/** HkdfLabel, RFC 9846 §7.1, written out once more. */
function hkdfLabel(label: string, context: Uint8Array, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  return Buffer.concat([
    Buffer.from([length >> 8, length & 255, name.length]),
    name,
    Buffer.from([context.length]),
    context,
  ]);
}

describe.each(providers)('HKDF, $name', ({ hashes }) => {
  test('extract: RFC 5869 A.1 and A.3', () => {
    const ikm = new Uint8Array(22).fill(0x0b);
    expect(toHex(extract(hashes.sha256, fromHex('000102030405060708090a0b0c'), ikm))).toBe(
      '077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5',
    );
    expect(toHex(extract(hashes.sha256, new Uint8Array(0), ikm))).toBe(
      '19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04',
    );
  });

  test.each(['sha256', 'sha384', 'sha512'] as const)('%s: extract and expandLabel as node:crypto has HKDF', (name) => {
    const hash = hashes[name];
    const next = randomNumbers(hash.length);
    const random = randomBytes(hash.length);
    for (const length of [0, 1, hash.length - 1, hash.length, hash.length + 1, 3 * hash.length, 255 * hash.length]) {
      const [salt, ikm, context] = [random(next(80)), random(1 + next(80)), random(next(256))];
      const label = 'x'.repeat(1 + next(249));
      const expected = hkdfSync(name, ikm, salt, hkdfLabel(label, context, length), length);
      const okm = expandLabel(hash, extract(hash, salt, ikm), label, context, length);
      expect(toHex(okm), `${length} bytes`).toBe(Buffer.from(expected).toString('hex'));
    }
  });

  test('deriveSecret is expandLabel over a transcript hash, one hash long', () => {
    const [secret, transcriptHash] = [randomBytes(1)(48), randomBytes(2)(48)];
    expect(deriveSecret(hashes.sha384, secret, 'derived', transcriptHash)).toEqual(
      expandLabel(hashes.sha384, secret, 'derived', transcriptHash, 48),
    );
  });

  test('bounds of HkdfLabel, at n and n + 1', () => {
    const secret = new Uint8Array(32);
    const expand = (label: string, context: number, length: number) => () =>
      expandLabel(hashes.sha256, secret, label, new Uint8Array(context), length).length;
    expect(expand('x'.repeat(249), 255, 255 * 32)()).toBe(8160);
    expect(expand('x'.repeat(250), 0, 32)).toThrow(RangeError);
    expect(expand('é'.repeat(125), 0, 32)).toThrow(RangeError);
    expect(expand('', 0, 32)()).toBe(32);
    expect(expand('x', 256, 32)).toThrow(RangeError);
    expect(expand('x', 0, 255 * 32 + 1)).toThrow(RangeError);
  });
});
