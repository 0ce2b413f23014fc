import { constants, createPublicKey, type KeyObject, type SignKeyObjectInput, verify } from 'node:crypto';
import type { SignatureAlgorithm, SignatureVerifier } from '../../crypto/provider.ts';
import { type PublicKeyInfo, parseSpki } from '../../x509/certificate/spki.ts';
import { isAcceptable, type LegacyHashName } from '../shared/rsa.ts';
import { allowsPss, eachAlgorithm, type SignatureFamily } from '../shared/signature-algorithms.ts';

/**
 * OpenSSL computes, but which keys may be used is decided as in the other providers, so that a path means the same
 * with each.
 */
export const nodeVerifiers: readonly SignatureVerifier[] = [
  ...eachAlgorithm((algorithm, { family, hash }) => verifierOf(algorithm, family, hash)),
  verifierOf('rsa_pkcs1_md5', 'pkcs1', 'md5'),
];

/** Ed25519 and Ed448 have a hash of their own and node wants none named. */
export function digestName(family: SignatureFamily, hash: LegacyHashName): LegacyHashName | null {
  return family === 'ed25519' || family === 'ed448' ? null : hash;
}

/** The padding goes with the key; ECDSA signatures are DER by default. */
export function keyInput(
  family: SignatureFamily,
  key: KeyObject,
  saltLength: number = constants.RSA_PSS_SALTLEN_DIGEST,
): SignKeyObjectInput {
  switch (family) {
    case 'pss':
      // RFC 9846 §4.3.3: the salt is as long as the hash, if nothing else is said; MGF1 uses the same hash by default.
      return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
    case 'pkcs1':
      return { key, padding: constants.RSA_PKCS1_PADDING };
    default:
      return { key };
  }
}

function verifierOf(algorithm: SignatureAlgorithm, family: SignatureFamily, hash: LegacyHashName): SignatureVerifier {
  return {
    algorithm,
    verify(spki, message, signature, saltLength) {
      try {
        if (!fits(family, hash, parseSpki(spki), saltLength)) return false;
        const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
        return verify(digestName(family, hash), message, keyInput(family, key, saltLength), signature);
      } catch {
        return false;
      }
    },
  };
}

function fits(family: SignatureFamily, hash: LegacyHashName, key: PublicKeyInfo, saltLength?: number): boolean {
  switch (family) {
    case 'ecdsa':
      return key.algorithm === 'ec';
    case 'ed25519':
    case 'ed448':
      return key.algorithm === family;
    case 'pkcs1':
      return key.algorithm === 'rsa' && isAcceptable(key.modulus, key.exponent, key.bits);
    case 'pss':
      if (key.algorithm !== 'rsa' && key.algorithm !== 'rsa-pss') return false;
      return allowsPss(key.pss, hash, saltLength) && isAcceptable(key.modulus, key.exponent, key.bits);
  }
}
