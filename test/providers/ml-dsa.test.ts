import { readFileSync } from 'node:fs';
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import { describe, expect, test } from 'vitest';
import { fromHex } from '#opentls/bytes/hex';
import { Secret } from '#opentls/crypto/secret';
import { noble, withMlDsa } from '#opentls/providers/noble';
import { node } from '#opentls/providers/node';
import { element, wholeBits } from '#opentls/x509/asn1/der-write';
import { absent, bytes, mismatches, title } from './wycheproof.ts';

const mlDsa = withMlDsa(noble);

const sets = [
  { set: '44', scheme: ml_dsa44, oid: '608648016503040311', count: 180 },
  { set: '65', scheme: ml_dsa65, oid: '608648016503040312', count: 210 },
  { set: '87', scheme: ml_dsa87, oid: '608648016503040313', count: 241 },
] as const;

describe.each(sets)('ML-DSA-$set', ({ set, scheme, oid, count }) => {
  const algorithm = `ml_dsa_${set}` as const;
  const verifier = mlDsa.verifiers.find((candidate) => candidate.algorithm === algorithm);
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
    for (const other of [...mlDsa.verifiers, ...node.verifiers]) {
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

interface KeyForms {
  readonly kind: 'ml_dsa_44' | 'ml_dsa_65' | 'ml_dsa_87';
  readonly seed: string;
  readonly expandedKey: string;
  readonly both: string;
  readonly publicKey: string;
}

const opensslKeys: readonly KeyForms[] = JSON.parse(
  readFileSync(new URL('../../vectors/ml-dsa-keys.json', import.meta.url), 'utf8'),
);

describe.each(opensslKeys)('a private key of $kind that OpenSSL wrote', (key) => {
  const der = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));
  const signerOf = (pkcs8: Uint8Array) => mlDsa.signer(new Secret('private key', pkcs8));
  const decodeError = expect.objectContaining({ code: 'ERR_TLS_KEY_DECODE' });

  test.each(['seed', 'expandedKey', 'both'] as const)('%s: its public key, and signatures for it', async (form) => {
    const signer = signerOf(der(key[form]));
    expect(Buffer.from(signer.publicKey ?? []).toString('base64')).toBe(key.publicKey);
    const message = new Uint8Array(7);
    const [scheme = 0] = signer.schemes;
    const signature = await signer.sign(scheme, message);
    const verifier = mlDsa.verifiers.find(({ algorithm }) => algorithm === key.kind);
    expect(verifier?.verify(der(key.publicKey), message, signature)).toBe(true);
  });

  // RFC 9881 Appendix C.4: the hash of the public key at bytes 64 to 127 of the expanded key, and t0 at its end.
  test.each(['expandedKey', 'both'] as const)('%s: parts that do not belong together', (form) => {
    const sound = der(key[form]);
    const { secretKey } = { ml_dsa_44: ml_dsa44, ml_dsa_65: ml_dsa65, ml_dsa_87: ml_dsa87 }[key.kind].lengths;
    for (const [begin, end] of [
      [64, 128],
      [-400, undefined],
    ] as const) {
      const changed = sound.slice();
      const expanded = changed.subarray(changed.length - (secretKey ?? 0));
      expanded.subarray(begin, end).fill(0);
      expect(() => signerOf(changed)).toThrow(decodeError);
    }
  });

  test.each(['seed', 'expandedKey', 'both'] as const)('%s: none of its prefixes is a key', (form) => {
    const whole = der(key[form]);
    for (let end = 0; end < whole.length; end += end < 100 ? 1 : 97) {
      expect(() => signerOf(whole.slice(0, end))).toThrow(decodeError);
    }
  });

  test('of another length', () => {
    const longer = der(key.expandedKey);
    const wrong = key.kind === 'ml_dsa_44' ? '12' : '11';
    // The last byte of the object identifier names another parameter set.
    const place = Buffer.from(longer).indexOf(Buffer.from('6086480165030403', 'hex')) + 8;
    longer[place] = Number.parseInt(wrong, 16);
    expect(() => signerOf(longer)).toThrow(decodeError);
  });
});
