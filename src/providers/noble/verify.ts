import { ed448 } from '@noble/curves/ed448.js';
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { md5 } from '@noble/hashes/legacy.js';
import type { SignatureAlgorithm, SignatureVerifier } from '../../crypto/provider.ts';
import { type CurveName, type PublicKeyInfo, parseSpki } from '../../x509/certificate/spki.ts';
import { isAcceptable, type MessageHash, rsaVerify, toBigInt } from '../shared/rsa.ts';
import { allowsPss, eachAlgorithm, type SignatureFamily } from '../shared/signature-algorithms.ts';
import { nobleHashes } from './hash.ts';

/** MD5 comes last: a provider's order is preference. */
export const nobleVerifiers: readonly SignatureVerifier[] = [
  ...eachAlgorithm((algorithm, { family, hash }) => verifierOf(algorithm, family, nobleHashes[hash])),
  verifierOf('rsa_pkcs1_md5', 'pkcs1', { name: 'md5', length: 16, digest: md5 }),
];

function verifierOf(algorithm: SignatureAlgorithm, family: SignatureFamily, hash: MessageHash): SignatureVerifier {
  return {
    algorithm,
    verify(spki, message, signature, saltLength) {
      // A key that does not parse and a signature that does not decode are both a plain "no".
      try {
        return verifyWith(family, hash, parseSpki(spki), message, signature, saltLength);
      } catch {
        return false;
      }
    },
  };
}

export const nobleCurves: Readonly<Record<CurveName, typeof p256>> = { 'P-256': p256, 'P-384': p384, 'P-521': p521 };

function verifyWith(
  family: SignatureFamily,
  hash: MessageHash,
  key: PublicKeyInfo,
  message: Uint8Array,
  signature: Uint8Array,
  saltLength: number | undefined,
): boolean {
  switch (family) {
    case 'ecdsa':
      if (key.algorithm !== 'ec') return false;
      return nobleCurves[key.curve].verify(signature, hash.digest(message), key.point, ecdsaOptions);
    case 'ed25519':
      if (key.algorithm !== 'ed25519') return false;
      // RFC 8032 §5.1.7: ZIP 215 would accept encodings of a point that are not canonical.
      return ed25519.verify(signature, message, key.key, { zip215: false });
    case 'ed448':
      if (key.algorithm !== 'ed448') return false;
      return ed448.verify(signature, message, key.key, { zip215: false });
    case 'pkcs1':
      return key.algorithm === 'rsa' && verifyRsa(family, hash, key, message, signature);
    case 'pss':
      if (key.algorithm !== 'rsa' && key.algorithm !== 'rsa-pss') return false;
      return allowsPss(key.pss, hash.name, saltLength) && verifyRsa(family, hash, key, message, signature, saltLength);
  }
}

function verifyRsa(
  encoding: 'pkcs1' | 'pss',
  hash: MessageHash,
  key: Extract<PublicKeyInfo, { modulus: Uint8Array }>,
  message: Uint8Array,
  signature: Uint8Array,
  saltLength?: number,
): boolean {
  if (!isAcceptable(key.modulus, key.exponent, key.bits)) return false;
  const numbers = { n: toBigInt(key.modulus), e: toBigInt(key.exponent), bits: key.bits };
  return rsaVerify(numbers, encoding, hash, message, signature, saltLength);
}

/** X.509 signatures are DER and may have either S (RFC 3279 §2.2.3); TLS does not restrict S. */
const ecdsaOptions = { prehash: false, lowS: false, format: 'der' } as const;
