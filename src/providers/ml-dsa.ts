/**
 * ML-DSA (FIPS 204) for certificates, RFC 9881: the pure variant, with an empty context. No profile asks for it and
 * nothing uses it by default. Opt in with `{ ...noble, verifiers: [...noble.verifiers, ...mlDsaVerifiers] }`.
 */
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import type { SignatureVerifier } from '../crypto/provider.ts';
import { parseSpki } from '../x509/spki.ts';

export const mlDsaVerifiers: readonly SignatureVerifier[] = [
  verifierOf('ml_dsa_44', ml_dsa44),
  verifierOf('ml_dsa_65', ml_dsa65),
  verifierOf('ml_dsa_87', ml_dsa87),
];

function verifierOf(algorithm: 'ml_dsa_44' | 'ml_dsa_65' | 'ml_dsa_87', scheme: typeof ml_dsa44): SignatureVerifier {
  return {
    algorithm,
    verify(spki, message, signature) {
      // A key that does not parse and a signature that does not decode are both a plain "no".
      try {
        const key = parseSpki(spki);
        return key.algorithm === algorithm && scheme.verify(signature, message, key.key);
      } catch {
        return false;
      }
    },
  };
}
