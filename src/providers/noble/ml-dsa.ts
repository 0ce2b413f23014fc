/**
 * ML-DSA (FIPS 204) for certificates (RFC 9881): the pure variant, with an empty context. Nothing uses it by default. TLS
 * offers it (draft-ietf-tls-mldsa) where the provider has verifiers for it.
 */
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import { equalConstantTime } from '../../bytes/equal.ts';
import { wipe } from '../../bytes/wipe.ts';
import type { CryptoProvider, SignatureVerifier, Signer } from '../../crypto/provider.ts';
import type { Secret } from '../../crypto/secret.ts';
import { misuse } from '../../errors.ts';
import { having, listOf, object } from '../../options.ts';
import { parseSpki } from '../../x509/certificate/spki.ts';
import { type DecodedMlDsaKey, decodeMlDsa, encodeSpki, type MlDsaForms } from '../shared/pkcs8.ts';
import { schemesOf } from '../shared/signature-algorithms.ts';

type MlDsaAlgorithm = DecodedMlDsaKey['algorithm'];

const parameterSets: Readonly<Record<MlDsaAlgorithm, typeof ml_dsa44>> = {
  ml_dsa_44: ml_dsa44,
  ml_dsa_65: ml_dsa65,
  ml_dsa_87: ml_dsa87,
};

/**
 * Adds ML-DSA to a provider: its verifiers verify certificates, its keys sign, and TLS offers the schemes after the others.
 * A key is PKCS#8 with the seed, the expanded key or both (RFC 9881 §6); `signer()` refuses a key whose parts do not belong
 * together (Appendix C.4) as malformed. Signing is not constant time.
 *
 * @example
 * ```js
 * import { noble, withMlDsa } from 'opentls/crypto/noble';
 * import { generatePrivateKey } from 'opentls/x509';
 *
 * const provider = withMlDsa(noble);
 * const signer = provider.signer(generatePrivateKey('ml_dsa_44', provider.random));
 * console.log(signer.sign(signer.schemes[0], new Uint8Array(1)).length); // 2420
 * ```
 */
export function withMlDsa(provider: CryptoProvider): CryptoProvider {
  having<CryptoProvider>('random', 'signer')(provider, 'withMlDsa: provider');
  listOf(object)(provider.verifiers, 'withMlDsa: provider.verifiers');
  return {
    ...provider,
    verifiers: [...provider.verifiers, ...mlDsaVerifiers],
    signer: (key) => mlDsaSigner(key) ?? provider.signer(key),
  };
}

const mlDsaVerifiers: readonly SignatureVerifier[] = [
  verifierOf('ml_dsa_44'),
  verifierOf('ml_dsa_65'),
  verifierOf('ml_dsa_87'),
];

/** Takes over and wipes an ML-DSA key. @returns undefined for a key of another algorithm, which it leaves alone */
function mlDsaSigner(key: Secret<'private key'>): Signer | undefined {
  const decoded = decodeMlDsa(key.expose());
  if (decoded === undefined) return undefined;
  key.wipe();
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

/** Checks an expanded key by a signature: where its parts disagree, the signature rarely verifies. */
function expandedPair(parameterSet: typeof ml_dsa44, secretKey: Uint8Array): ReturnType<typeof keyPairOf> {
  try {
    const publicKey = parameterSet.getPublicKey(secretKey);
    const probe = new Uint8Array(32);
    if (parameterSet.verify(parameterSet.sign(probe, secretKey), probe, publicKey)) return { secretKey, publicKey };
  } catch {
    // noble throws where a number in the key is out of its range.
  }
  wipe(secretKey);
  return misuse('ERR_TLS_KEY_DECODE', 'an expanded ML-DSA key whose parts do not belong together');
}

function verifierOf(algorithm: MlDsaAlgorithm): SignatureVerifier {
  return {
    algorithm,
    verify(spki, message, signature) {
      // A key or a signature that cannot be decoded does not verify.
      try {
        const key = parseSpki(spki);
        return key.algorithm === algorithm && parameterSets[algorithm].verify(signature, message, key.key);
      } catch {
        return false;
      }
    },
  };
}
