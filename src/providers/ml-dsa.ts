/**
 * ML-DSA (FIPS 204) for certificates, RFC 9881: the pure variant, with an empty context. No profile asks for it and
 * nothing uses it by default; TLS offers it (draft-ietf-tls-mldsa) where the provider verifies it. Opt in with
 * `{ ...noble, verifiers: [...noble.verifiers, ...mlDsaVerifiers] }`.
 */
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import { equalConstantTime } from '../bytes/equal.ts';
import { wipe } from '../bytes/wipe.ts';
import type { SignatureVerifier, Signer } from '../crypto/provider.ts';
import type { Secret } from '../crypto/secret.ts';
import { misuse } from '../errors.ts';
import { parseSpki } from '../x509/spki.ts';
import { type DecodedMlDsaKey, decodePkcs8, encodeSpki, type MlDsaForms } from './pkcs8.ts';
import { schemesOf } from './signature-algorithms.ts';

type MlDsaAlgorithm = DecodedMlDsaKey['algorithm'];

const parameterSets: Readonly<Record<MlDsaAlgorithm, typeof ml_dsa44>> = {
  ml_dsa_44: ml_dsa44,
  ml_dsa_65: ml_dsa65,
  ml_dsa_87: ml_dsa87,
};

export const mlDsaVerifiers: readonly SignatureVerifier[] = [
  verifierOf('ml_dsa_44'),
  verifierOf('ml_dsa_65'),
  verifierOf('ml_dsa_87'),
];

/**
 * A signer for `createCertificate`, and for TLS. JavaScript is not constant time.
 * @param key PKCS#8 with the seed, the expanded key or both (RFC 9881 §6). The signer takes ownership of it
 * @throws TlsError ERR_TLS_KEY_DECODE, also for numbers that do not belong together (RFC 9881 Appendix C.4);
 * ERR_TLS_UNSUPPORTED_KEY for a key of another algorithm
 */
export function mlDsaSigner(key: Secret<'private key'>): Signer {
  const decoded = decodePkcs8(key.expose());
  key.wipe();
  if (!isMlDsa(decoded)) return misuse('ERR_TLS_UNSUPPORTED_KEY', `a private key of ${decoded.algorithm}`);
  const parameterSet = parameterSets[decoded.algorithm];
  const { secretKey, publicKey } = keyPairOf(parameterSet, decoded.forms);
  const spki = encodeSpki(decoded.identifier, publicKey);
  const schemes = schemesOf(spki);
  return {
    schemes,
    publicKey: spki,
    sign(scheme, message) {
      if (schemes.includes(scheme)) return parameterSet.sign(message, secretKey);
      return misuse('ERR_TLS_CONFIG', `the key does not make the signature scheme 0x${scheme.toString(16)}`);
    },
  };
}

function keyPairOf(
  parameterSet: typeof ml_dsa44,
  { seed, expandedKey }: MlDsaForms,
): { readonly secretKey: Uint8Array; readonly publicKey: Uint8Array } {
  if (expandedKey !== undefined && expandedKey.length !== parameterSet.lengths.secretKey) {
    return misuse('ERR_TLS_KEY_DECODE', `an expanded ML-DSA key of ${expandedKey.length} bytes`);
  }
  if (seed === undefined) return expandedPair(parameterSet, expandedKey);
  const pair = parameterSet.keygen(seed);
  const consistent = expandedKey === undefined || equalConstantTime(expandedKey, pair.secretKey);
  wipe(seed, expandedKey);
  return consistent
    ? pair
    : misuse('ERR_TLS_KEY_DECODE', 'an ML-DSA seed that makes another key than the expanded one');
}

/** The parts of an expanded key repeat each other: where they disagree, it rarely signs for the public key in it. */
function expandedPair(parameterSet: typeof ml_dsa44, secretKey: Uint8Array): ReturnType<typeof keyPairOf> {
  try {
    const publicKey = parameterSet.getPublicKey(secretKey);
    const probe = new Uint8Array(32);
    if (parameterSet.verify(parameterSet.sign(probe, secretKey), probe, publicKey)) return { secretKey, publicKey };
  } catch {
    // Numbers out of their range.
  }
  wipe(secretKey);
  return misuse('ERR_TLS_KEY_DECODE', 'an expanded ML-DSA key whose parts do not belong together');
}

function isMlDsa(decoded: ReturnType<typeof decodePkcs8>): decoded is DecodedMlDsaKey {
  return decoded.algorithm in parameterSets;
}

function verifierOf(algorithm: MlDsaAlgorithm): SignatureVerifier {
  return {
    algorithm,
    verify(spki, message, signature) {
      // A key that does not parse and a signature that does not decode are both a plain "no".
      try {
        const key = parseSpki(spki);
        return key.algorithm === algorithm && parameterSets[algorithm].verify(signature, message, key.key);
      } catch {
        return false;
      }
    },
  };
}
