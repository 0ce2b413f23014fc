import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { fromHex } from '#opentls/bytes/hex';
import type { CryptoProvider, SignatureAlgorithm } from '#opentls/crypto/provider';
import { element, unsignedInteger, wholeBits } from '#opentls/x509/asn1/der-write';
import { providers } from './providers.ts';
import { signatureVectors } from './vectors.ts';
import { absent, bytes, mismatches, title, type WycheproofGroup } from './wycheproof.ts';

const pkcs1Files = ['2048', '3072', '4096'].flatMap((bits) =>
  ['sha256', 'sha384', 'sha512'].map((hash) => `rsa_signature_${bits}_${hash}_test`),
);
const pssFiles = [
  'rsa_pss_2048_sha256_mgf1_0_test',
  'rsa_pss_2048_sha256_mgf1_32_params_test',
  'rsa_pss_2048_sha256_mgf1_32_test',
  'rsa_pss_2048_sha256_mgf1sha1_20_test',
  'rsa_pss_2048_sha384_mgf1_48_test',
  'rsa_pss_2048_sha512_mgf1sha256_32_params_test',
  'rsa_pss_3072_sha256_mgf1_32_test',
  'rsa_pss_4096_sha256_mgf1_32_test',
  'rsa_pss_4096_sha384_mgf1_48_test',
  'rsa_pss_4096_sha512_mgf1_32_test',
  'rsa_pss_4096_sha512_mgf1_64_params_test',
  'rsa_pss_4096_sha512_mgf1_64_test',
  'rsa_pss_misc_params_test',
  'rsa_pss_misc_test',
];
const ecdsaFiles = [
  'ecdsa_secp256r1_sha256_test',
  'ecdsa_secp256r1_sha512_test',
  'ecdsa_secp384r1_sha256_test',
  'ecdsa_secp384r1_sha384_test',
  'ecdsa_secp384r1_sha512_test',
  'ecdsa_secp521r1_sha512_test',
];

describe.each(providers)('verifiers of $name', (provider) => {
  test.each(signatureVectors)('$source: $algorithm', ({ algorithm, spki, message, signature }) => {
    expect(verify(provider, algorithm, spki, message, signature)).toBe(true);
    expect(verify(provider, algorithm, spki, new Uint8Array([...message, 0]), signature)).toBe(false);
    expect(verify(provider, algorithm, spki, message, signature.subarray(0, -1))).toBe(false);
    expect(verify(provider, algorithm, spki, message, new Uint8Array([...signature, 0]))).toBe(false);
    expect(verify(provider, algorithm, spki, message, new Uint8Array(0))).toBe(false);
    for (let i = 0; i < signature.length; i += 7) {
      const changed = signature.slice();
      changed[i] = (changed[i] ?? 0) ^ 0x10;
      expect(verify(provider, algorithm, spki, message, changed)).toBe(false);
    }
  });

  test.each(signatureVectors)('$source: no other algorithm takes it, nor a damaged key', (vector) => {
    const { algorithm, spki, message, signature } = vector;
    for (const other of provider.verifiers) {
      if (other.algorithm !== algorithm) expect(other.verify(spki, message, signature)).toBe(false);
      expect(other.verify(spki.subarray(1), message, signature)).toBe(false);
      expect(other.verify(new Uint8Array([...spki, 0]), message, signature)).toBe(false);
      expect(other.verify(new Uint8Array(0), message, signature)).toBe(false);
    }
  });

  test('there is one verifier for each algorithm of the interface', () => {
    expect(provider.verifiers.map(({ algorithm }) => algorithm).sort()).toEqual([...algorithms].sort());
  });

  test('an RSA key that costs too much, or is none, is refused before it is used', () => {
    const vector = signatureVectors.find(({ algorithm }) => algorithm === 'rsa_pkcs1_sha256');
    if (vector === undefined) throw new Error('no vector');
    const start = performance.now();
    for (const [modulus, exponent] of [
      [filled(2049), fromHex('010001')],
      [filled(1025), fromHex('010001')],
      [filled(127), fromHex('010001')],
      [filled(256), filled(256)],
      [filled(256), fromHex('02ffffffff')],
      [filled(256), fromHex('010000')],
      [filled(256), fromHex('01')],
      [filled(256), new Uint8Array(0)],
      [new Uint8Array(0), fromHex('010001')],
      [new Uint8Array([...filled(255), 0xfe]), fromHex('010001')],
    ] as const) {
      const key = element(0x30, unsignedInteger(modulus), unsignedInteger(exponent));
      const spki = element(0x30, fromHex('300d06092a864886f70d0101010500'), wholeBits(key));
      const signature = new Uint8Array(modulus.length).fill(1);
      for (const { verify } of provider.verifiers) expect(verify(spki, vector.message, signature)).toBe(false);
    }
    expect(performance.now() - start).toBeLessThan(200);
  });

  for (const file of ecdsaFiles) {
    test.skipIf(absent(file))(title(file), { timeout: 60_000 }, () => {
      const { wrong, ran } = mismatches(file, (vector, group) => {
        const algorithm = `ecdsa_${hashOf(group, 'sha')}` as SignatureAlgorithm;
        const spki = bytes(group, 'publicKeyDer');
        return (
          verify(provider, algorithm, spki, bytes(vector, 'msg'), bytes(vector, 'sig')) === (vector.result === 'valid')
        );
      });
      expect(wrong).toEqual([]);
      expect(ran).toBeGreaterThan(400);
    });
  }

  for (const [algorithm, count] of [
    ['ed25519', 151],
    ['ed448', 87],
  ] as const) {
    const file = `${algorithm}_test`;
    test.skipIf(absent(file))(title(file), () => {
      const { wrong, ran } = mismatches(file, (vector, group) => {
        const spki = bytes(group, 'publicKeyDer');
        return (
          verify(provider, algorithm, spki, bytes(vector, 'msg'), bytes(vector, 'sig')) === (vector.result === 'valid')
        );
      });
      expect(wrong).toEqual([]);
      expect(ran).toBe(count);
    });
  }

  test.each([
    ['rsa_pkcs1_md5', 'md5', () => generateKeyPairSync('rsa', { modulusLength: 1024 })],
    ['rsa_pkcs1_sha1', 'sha1', () => generateKeyPairSync('rsa', { modulusLength: 1024 })],
    ['ecdsa_sha1', 'sha1', () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' })],
    ['ecdsa_sha1', 'sha1', () => generateKeyPairSync('ec', { namedCurve: 'secp521r1' })],
  ] as const)('%s: what node:crypto signs with %s', (algorithm, hash, generate) => {
    const { publicKey, privateKey } = generate();
    const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
    const message = new Uint8Array(100).fill(7);
    const signature = new Uint8Array(sign(hash, message, privateKey));
    for (const verifier of provider.verifiers) {
      expect(verifier.verify(spki, message, signature)).toBe(verifier.algorithm === algorithm);
      expect(verifier.verify(spki, message.subarray(1), signature)).toBe(false);
    }
  });

  for (const file of pkcs1Files) {
    test.skipIf(absent(file))(title(file), () => {
      const { wrong, ran } = mismatches(file, (vector, group) => {
        const algorithm = `rsa_pkcs1_${hashOf(group, 'sha')}` as SignatureAlgorithm;
        const spki = bytes(group, 'publicKeyDer');
        // `acceptable` is a DigestInfo without NULL, which RFC 8017 §9.2 does not make.
        return (
          verify(provider, algorithm, spki, bytes(vector, 'msg'), bytes(vector, 'sig')) === (vector.result === 'valid')
        );
      });
      expect(wrong).toEqual([]);
      expect(ran).toBeGreaterThan(250);
    });
  }

  for (const file of pssFiles) {
    test.skipIf(absent(file))(title(file), () => {
      const { wrong, ran } = mismatches(file, (vector, group) => {
        const algorithm = algorithms.find((name) => name === `rsa_pss_${hashOf(group, 'sha')}`);
        if (algorithm === undefined) return undefined;
        const spki = bytes(group, 'publicKeyDer');
        const taken = verify(provider, algorithm, spki, bytes(vector, 'msg'), bytes(vector, 'sig'));
        if (usualParameters(group)) return taken === (vector.result === 'valid');
        // Another salt length or mask hash than TLS has: what is valid there is not valid here.
        return vector.result === 'valid' ? !taken : undefined;
      });
      expect(wrong).toEqual([]);
      expect(ran).toBeGreaterThan(0);
    });
  }
});

const algorithms: readonly SignatureAlgorithm[] = [
  'rsa_pkcs1_md5',
  'rsa_pkcs1_sha1',
  'rsa_pkcs1_sha256',
  'rsa_pkcs1_sha384',
  'rsa_pkcs1_sha512',
  'rsa_pss_sha256',
  'rsa_pss_sha384',
  'rsa_pss_sha512',
  'ecdsa_sha1',
  'ecdsa_sha256',
  'ecdsa_sha384',
  'ecdsa_sha512',
  'ed25519',
  'ed448',
];

function verify(
  provider: CryptoProvider,
  algorithm: SignatureAlgorithm,
  spki: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const verifier = provider.verifiers.find((candidate) => candidate.algorithm === algorithm);
  const answer = verifier?.verify(spki, message, signature);
  if (typeof answer !== 'boolean') throw new TypeError(`${provider.name} does not answer ${algorithm} at once`);
  return answer;
}

/** RFC 9846 §4.3.3: MGF1 with the hash of the message, and a salt as long as that. */
function usualParameters(group: WycheproofGroup): boolean {
  const hash = hashOf(group, 'sha');
  return hashOf(group, 'mgfSha') === hash && group['sLen'] === Number(hash.slice(3)) / 8;
}

function hashOf(group: WycheproofGroup, field: string): string {
  return String(group[field]).replace('-', '').toLowerCase();
}

function filled(length: number): Uint8Array {
  return new Uint8Array(length).fill(0xff);
}
