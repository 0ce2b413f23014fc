import { constants, createPublicKey, type KeyObject, type SignKeyObjectInput, verify } from 'node:crypto';
import type { HashName, SignatureVerifier } from '../crypto/provider.ts';
import { type PublicKeyInfo, parseSpki } from '../x509/spki.ts';
import { isAcceptable } from './rsa.ts';
import { allowsPss, eachAlgorithm, type SignatureFamily } from './signature-algorithms.ts';

/**
 * OpenSSL computes, but which keys may be used is decided as in the other providers, so that a path means the same
 * with each.
 */
export const nodeVerifiers: readonly SignatureVerifier[] = eachAlgorithm((algorithm, { family, hash }) => ({
  algorithm,
  verify(spki, message, signature) {
    try {
      if (!fits(family, hash, parseSpki(spki))) return false;
      const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
      return verify(digestName(family, hash), message, keyInput(family, key), signature);
    } catch {
      return false;
    }
  },
}));

/** Ed25519 has a hash of its own and node wants none named. */
export function digestName(family: SignatureFamily, hash: HashName): HashName | null {
  return family === 'ed25519' ? null : hash;
}

/** The padding goes with the key; ECDSA signatures are DER by default. */
export function keyInput(family: SignatureFamily, key: KeyObject): SignKeyObjectInput {
  switch (family) {
    case 'pss':
      // RFC 9846 §4.3.3: the salt is as long as the hash; MGF1 uses the same hash by default.
      return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
    case 'pkcs1':
      return { key, padding: constants.RSA_PKCS1_PADDING };
    default:
      return { key };
  }
}

function fits(family: SignatureFamily, hash: HashName, key: PublicKeyInfo): boolean {
  switch (family) {
    case 'ecdsa':
      return key.algorithm === 'ec';
    case 'ed25519':
      return key.algorithm === 'ed25519';
    case 'pkcs1':
      return key.algorithm === 'rsa' && isAcceptable(key.modulus, key.exponent, key.bits);
    case 'pss':
      if (key.algorithm !== 'rsa' && key.algorithm !== 'rsa-pss') return false;
      return allowsPss(key.pss, hash) && isAcceptable(key.modulus, key.exponent, key.bits);
  }
}
