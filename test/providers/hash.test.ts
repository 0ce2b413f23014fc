import { describe, expect, test } from 'vitest';
import { concat } from '#opentls/bytes/concat';
import { toHex } from '#opentls/bytes/hex';
import type { Hash, HashName } from '#opentls/crypto/provider';
import { noble } from '#opentls/providers/noble';
import { node } from '#opentls/providers/node';
import { randomBytes } from '../kit/random.ts';
import { providers } from './providers.ts';
import { hashVectors, macVectors } from './vectors.ts';
import { absent, bytes, mismatches, title } from './wycheproof.ts';

const names: readonly HashName[] = ['sha1', 'sha256', 'sha384', 'sha512'];

describe.each(providers)('hashes of $name', (provider) => {
  test.each(hashVectors)('$source: $hash', ({ hash: name, message, digest }) => {
    const hash = provider.hashes[name];
    expect(toHex(hash.digest(message))).toBe(toHex(digest));
    expect(hash.length).toBe(digest.length);
    expect(hash.name).toBe(name);
  });

  test.each(macVectors)('$source: HMAC with $hash', ({ hash, key, message, mac }) => {
    expect(toHex(provider.hashes[hash].hmac(key, message))).toBe(toHex(mac));
    const parts = [message.subarray(0, 5), new Uint8Array(0), message.subarray(5)];
    expect(toHex(provider.hashes[hash].hmac(key, ...parts))).toBe(toHex(mac));
  });

  test.each(names)('%s: a running hash can be read on the way', (name) => {
    const hash = provider.hashes[name];
    const message = randomBytes(3)(300);
    const running = hash.start();
    expect(running.digest()).toEqual(hash.digest(new Uint8Array(0)));
    for (let end = 50; end <= 300; end += 50) {
      running.update(message.subarray(end - 50, end));
      expect(running.digest()).toEqual(hash.digest(message.subarray(0, end)));
      expect(running.digest()).toEqual(hash.digest(message.subarray(0, end)));
    }
  });

  test.each(names)('%s: agrees with the other provider about messages and keys of any length', (name) => {
    const other = (provider === noble ? node : noble).hashes[name];
    const random = randomBytes(4);
    for (const length of [0, 1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 1000]) {
      const data = random(length);
      expect(provider.hashes[name].digest(data)).toEqual(other.digest(data));
      expect(provider.hashes[name].hmac(data, data)).toEqual(other.hmac(data, data));
    }
  });

  test('digests are plain Uint8Arrays, whose slice copies', () => {
    const digest = provider.hashes.sha256.digest(new Uint8Array(3));
    digest.slice().fill(0);
    expect(digest.some((byte) => byte !== 0)).toBe(true);
    expect(Object.getPrototypeOf(digest)).toBe(Uint8Array.prototype);
  });

  test.skipIf(absent('hmac_sha256_test')).each(['sha256', 'sha384'] as const)(
    `${title('hmac_sha256_test')} and its like: %s`,
    (name) => {
      const { wrong, ran } = mismatches(`hmac_${name}_test`, (vector) => {
        const mac = provider.hashes[name].hmac(bytes(vector, 'key'), bytes(vector, 'msg'));
        const same = toHex(mac).startsWith(toHex(bytes(vector, 'tag')));
        return same === (vector.result === 'valid');
      });
      expect(wrong).toEqual([]);
      expect(ran).toBe(174);
    },
  );

  test.skipIf(absent('hkdf_sha256_test')).each(['sha256', 'sha384'] as const)(
    `${title('hkdf_sha256_test')} and its like: %s`,
    (name) => {
      const hash = provider.hashes[name];
      const { wrong, ran } = mismatches(`hkdf_${name}_test`, (vector) => {
        const size = Number(vector['size']);
        if (size > 255 * hash.length) return vector.result === 'invalid';
        const okm = hkdf(hash, bytes(vector, 'ikm'), bytes(vector, 'salt'), bytes(vector, 'info'), size);
        return (toHex(okm) === vector['okm']) === (vector.result === 'valid');
      });
      expect(wrong).toEqual([]);
      expect(ran).toBeGreaterThan(80);
    },
  );

  test('random bytes are fresh memory and differ', () => {
    const [first, second] = [provider.random(32), provider.random(32)];
    expect(first).toHaveLength(32);
    expect(first).not.toEqual(second);
    expect(first.buffer).not.toBe(second.buffer);
    expect(provider.random(0)).toHaveLength(0);
  });
});

/** RFC 5869 §2, over the HMAC under test. */
function hkdf(hash: Hash, ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, size: number): Uint8Array {
  const prk = hash.hmac(salt, ikm);
  const blocks: Uint8Array[] = [];
  for (let i = 1; (i - 1) * hash.length < size; i++) {
    blocks.push(hash.hmac(prk, blocks.at(-1) ?? new Uint8Array(0), info, new Uint8Array([i])));
  }
  return concat(blocks).subarray(0, size);
}
