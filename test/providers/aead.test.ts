import { describe, expect, test } from 'vitest';
import { concat } from '#opentls/bytes/concat';
import { toHex } from '#opentls/bytes/hex';
import type { AeadAlgorithm, CipherSuite, CryptoProvider } from '#opentls/crypto/provider';
import { noble } from '#opentls/providers/noble';
import { node } from '#opentls/providers/node';
import { CipherSuiteId } from '#opentls/wire/enums';
import { randomBytes } from '../kit/random.ts';
import { suiteProviders } from './providers.ts';
import { aeadVectors } from './vectors.ts';
import { absent, bytes, mismatches, title } from './wycheproof.ts';

describe.each(suiteProviders)('AEADs of $name', (provider) => {
  test.each(aeadVectors)('$source', ({ aead: name, key, nonce, aad, plaintext, sealed }) => {
    const aead = aeadOf(provider, name);
    const body = room(plaintext, aead.tagLength);
    aead.create(key).seal(nonce, aad, body, plaintext.length);
    expect(toHex(body)).toBe(toHex(sealed));
    const out = new Uint8Array(plaintext.length);
    expect(aead.create(key).open(nonce, aad, sealed, out)).toBe(true);
    expect(toHex(out)).toBe(toHex(plaintext));
  });

  for (const [file, name, least] of files) {
    test.skipIf(absent(file))(`${title(file)} as ${name}`, () => {
      const aead = aeadOf(provider, name);
      const { wrong, ran } = mismatches(file, (vector, group) => {
        const fits =
          group['keySize'] === 8 * aead.keyLength && group['ivSize'] === 96 && group['tagSize'] === 8 * aead.tagLength;
        if (!fits) return undefined;
        const [key, nonce, aad] = [bytes(vector, 'key'), bytes(vector, 'iv'), bytes(vector, 'aad')];
        const plaintext = bytes(vector, 'msg');
        const sealed = concat([bytes(vector, 'ct'), bytes(vector, 'tag')]);
        const out = new Uint8Array(plaintext.length);
        const opened = aead.create(key).open(nonce, aad, sealed, out);
        if (vector.result === 'invalid') return !opened && out.every((byte) => byte === 0);
        const body = room(plaintext, aead.tagLength);
        aead.create(key).seal(nonce, aad, body, plaintext.length);
        return opened && toHex(out) === toHex(plaintext) && toHex(body) === toHex(sealed);
      });
      expect(wrong).toEqual([]);
      expect(ran).toBeGreaterThan(least);
    });
  }

  test.each(provider.suites)('$name: every length and alignment agrees with another provider', (suite) => {
    const other = aeadOf(provider.name === 'node' ? noble : node, suite.aead.name);
    const random = randomBytes(7);
    const [key, nonce, aad] = [random(suite.aead.keyLength), random(12), random(5)];
    const [mine, theirs] = [suite.aead.create(key), other.create(key)];
    for (const length of [0, 1, 15, 16, 17, 31, 63, 64, 65, 255, 1024, 16_384, 16_385]) {
      const plaintext = random(length);
      const expected = room(plaintext, suite.aead.tagLength);
      theirs.seal(nonce, aad, expected, length);
      for (const offset of [0, 1, 2, 3]) {
        const body = new Uint8Array(offset + length + suite.aead.tagLength).subarray(offset);
        body.set(plaintext);
        mine.seal(nonce, aad, body, length);
        expect(toHex(body)).toBe(toHex(expected));
        const out = new Uint8Array(offset + length).subarray(offset);
        expect(mine.open(nonce, aad, body, out)).toBe(true);
        expect(toHex(out)).toBe(toHex(plaintext));
      }
    }
  });

  test.each(provider.suites)('$name: one key seals many records, and a caller may wipe its key', ({ aead }) => {
    const random = randomBytes(8);
    const [key, aad] = [random(aead.keyLength), random(5)];
    const fresh = key.slice();
    const kept = aead.create(key);
    key.fill(0);
    for (let i = 0; i < 20; i++) {
      const [nonce, plaintext] = [random(12), random(100 + i)];
      const [body, expected] = [room(plaintext, aead.tagLength), room(plaintext, aead.tagLength)];
      kept.seal(nonce, aad, body, plaintext.length);
      aead.create(fresh).seal(nonce, aad, expected, plaintext.length);
      expect(toHex(body)).toBe(toHex(expected));
    }
  });

  test.each(provider.suites)('$name: any flipped bit is refused and leaves no plaintext', ({ aead }) => {
    const random = randomBytes(9);
    const [key, nonce, aad, plaintext] = [random(aead.keyLength), random(12), random(5), random(40)];
    const context = aead.create(key);
    const sealed = room(plaintext, aead.tagLength);
    context.seal(nonce, aad, sealed, plaintext.length);
    for (let bit = 0; bit < 8 * sealed.length; bit++) {
      const changed = flip(sealed, bit);
      const out = new Uint8Array(plaintext.length);
      expect(context.open(nonce, aad, changed, out)).toBe(false);
      expect(out.every((byte) => byte === 0)).toBe(true);
    }
    const out = new Uint8Array(plaintext.length);
    for (let bit = 0; bit < 8 * aad.length; bit++) expect(context.open(nonce, flip(aad, bit), sealed, out)).toBe(false);
    expect(context.open(flip(nonce, 95), aad, sealed, out)).toBe(false);
    expect(context.open(nonce, aad, sealed.subarray(0, aead.tagLength - 1), new Uint8Array(0))).toBe(false);
    expect(context.open(nonce, aad, sealed, out)).toBe(true);
  });

  test.each(provider.suites)(
    '$name: a wiped key is not used again; wrong sizes are a bug of the caller',
    ({ aead }) => {
      const [nonce, aad] = [new Uint8Array(12), new Uint8Array(5)];
      expect(() => aead.create(new Uint8Array(aead.keyLength - 1))).toThrow(RangeError);
      const context = aead.create(new Uint8Array(aead.keyLength));
      expect(() => context.open(nonce, aad, new Uint8Array(20), new Uint8Array(5))).toThrow(RangeError);
      context.wipe();
      expect(() => context.seal(nonce, aad, new Uint8Array(16 + aead.tagLength), 16)).toThrow('wiped');
      expect(() => context.open(nonce, aad, new Uint8Array(16 + aead.tagLength), new Uint8Array(16))).toThrow('wiped');
    },
  );
});

test('the order of the suites follows the speed of the provider', () => {
  expect(noble.suites.map(({ id }) => id)).toEqual([
    CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256,
    CipherSuiteId.TLS_AES_128_GCM_SHA256,
    CipherSuiteId.TLS_AES_256_GCM_SHA384,
    CipherSuiteId.TLS_AES_128_CCM_SHA256,
    CipherSuiteId.TLS_AES_128_CCM_8_SHA256,
  ]);
  expect(node.suites.map(({ id }) => id)).toEqual([
    CipherSuiteId.TLS_AES_128_GCM_SHA256,
    CipherSuiteId.TLS_AES_256_GCM_SHA384,
    CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256,
    CipherSuiteId.TLS_AES_128_CCM_SHA256,
    CipherSuiteId.TLS_AES_128_CCM_8_SHA256,
  ]);
});

const files: readonly (readonly [file: string, aead: string, least: number])[] = [
  ['aes_gcm_test', 'AES-128-GCM', 51],
  ['aes_gcm_test', 'AES-256-GCM', 51],
  ['chacha20_poly1305_test', 'CHACHA20-POLY1305', 51],
  ['aes_ccm_test', 'AES-128-CCM', 51],
  ['aes_ccm_test', 'AES-128-CCM-8', 5],
];

function aeadOf(provider: CryptoProvider, name: string): AeadAlgorithm {
  const suite: CipherSuite | undefined = provider.suites.find(({ aead }) => aead.name === name);
  if (suite === undefined) throw new Error(`${provider.name} has no ${name}`);
  return suite.aead;
}

function room(plaintext: Uint8Array, tagLength: number): Uint8Array {
  const body = new Uint8Array(plaintext.length + tagLength);
  body.set(plaintext);
  return body;
}

function flip(data: Uint8Array, bit: number): Uint8Array {
  const changed = data.slice();
  changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return changed;
}
