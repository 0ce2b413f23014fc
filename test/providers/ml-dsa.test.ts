import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import { describe, expect, test } from 'vitest';
import { fromHex } from '#opentls/bytes/hex';
import { mlDsaVerifiers, noble } from '#opentls/providers/noble';
import { node } from '#opentls/providers/node';
import { element, wholeBits } from '#opentls/x509/der-write';
import { absent, bytes, mismatches, title } from './wycheproof.ts';

const sets = [
  { set: '44', scheme: ml_dsa44, oid: '608648016503040311', count: 180 },
  { set: '65', scheme: ml_dsa65, oid: '608648016503040312', count: 210 },
  { set: '87', scheme: ml_dsa87, oid: '608648016503040313', count: 241 },
] as const;

describe.each(sets)('ML-DSA-$set', ({ set, scheme, oid, count }) => {
  const algorithm = `ml_dsa_${set}` as const;
  const verifier = mlDsaVerifiers.find((candidate) => candidate.algorithm === algorithm);
  const verify = (spki: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
    verifier?.verify(spki, message, signature);
  const spkiOf = (key: Uint8Array) => element(0x30, element(0x30, element(0x06, fromHex(oid))), wholeBits(key));

  test('a signature holds for its key, its message and its algorithm alone', () => {
    const { secretKey, publicKey } = scheme.keygen(new Uint8Array(32).fill(1));
    const message = new Uint8Array(40).fill(2);
    const signature = scheme.sign(message, secretKey);
    const spki = spkiOf(publicKey);
    expect(verify(spki, message, signature)).toBe(true);
    expect(verify(spki, message.subarray(1), signature)).toBe(false);
    expect(verify(spki, message, signature.subarray(1))).toBe(false);
    expect(verify(spki, message, new Uint8Array(0))).toBe(false);
    expect(verify(spki.subarray(1), message, signature)).toBe(false);
    expect(verify(spkiOf(publicKey.subarray(1)), message, signature)).toBe(false);
    expect(verify(spkiOf(scheme.keygen(new Uint8Array(32)).publicKey), message, signature)).toBe(false);
    for (const other of [...mlDsaVerifiers, ...noble.verifiers, ...node.verifiers]) {
      if (other.algorithm !== algorithm) expect(other.verify(spki, message, signature)).toBe(false);
    }
  });

  test('a context that is not empty makes another signature (RFC 9881 §3)', () => {
    const { secretKey, publicKey } = scheme.keygen(new Uint8Array(32).fill(1));
    const message = new Uint8Array(3);
    const signature = scheme.sign(message, secretKey, { context: new Uint8Array([1]) });
    expect(verify(spkiOf(publicKey), message, signature)).toBe(false);
  });

  const file = `mldsa_${set}_verify_test`;
  test.skipIf(absent(file))(title(file), { timeout: 60_000 }, () => {
    const { wrong, ran } = mismatches(file, (vector, group) => {
      const context = vector['ctx'];
      const valid = vector.result === 'valid' && (context === undefined || context === '');
      return verify(bytes(group, 'publicKeyDer'), bytes(vector, 'msg'), bytes(vector, 'sig')) === valid;
    });
    expect(wrong).toEqual([]);
    expect(ran).toBe(count);
  });
});
