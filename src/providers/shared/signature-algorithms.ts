/** The parameters of signature algorithms and schemes, for all providers. */
import type { HashName, SignatureAlgorithm } from '../../crypto/provider.ts';
import { misuse, TlsError } from '../../errors.ts';
import { SignatureScheme } from '../../wire/enums.ts';
import { DerError } from '../../x509/asn1/der.ts';
import { type PssParameters, type PublicKeyInfo, parseSpki } from '../../x509/certificate/spki.ts';
import type { LegacyHashName, RsaEncoding } from './rsa.ts';

export type SignatureFamily = RsaEncoding | 'ecdsa' | 'ed25519' | 'ed448';

export interface SignatureParameters {
  readonly family: SignatureFamily;
  /** Not used for Ed25519 and Ed448, which have hashes of their own (RFC 8032 §5.1, §5.2). */
  readonly hash: HashName;
}

/** The algorithms that both providers verify, but for `rsa_pkcs1_md5`; ML-DSA is an option (ml-dsa.ts). */
type UsualAlgorithm = Exclude<SignatureAlgorithm, 'rsa_pkcs1_md5' | `ml_dsa_${number}`>;

const signatureAlgorithms: Readonly<Record<UsualAlgorithm, SignatureParameters>> = {
  rsa_pkcs1_sha1: { family: 'pkcs1', hash: 'sha1' },
  rsa_pkcs1_sha256: { family: 'pkcs1', hash: 'sha256' },
  rsa_pkcs1_sha384: { family: 'pkcs1', hash: 'sha384' },
  rsa_pkcs1_sha512: { family: 'pkcs1', hash: 'sha512' },
  rsa_pss_sha256: { family: 'pss', hash: 'sha256' },
  rsa_pss_sha384: { family: 'pss', hash: 'sha384' },
  rsa_pss_sha512: { family: 'pss', hash: 'sha512' },
  ecdsa_sha1: { family: 'ecdsa', hash: 'sha1' },
  ecdsa_sha256: { family: 'ecdsa', hash: 'sha256' },
  ecdsa_sha384: { family: 'ecdsa', hash: 'sha384' },
  ecdsa_sha512: { family: 'ecdsa', hash: 'sha512' },
  ed25519: { family: 'ed25519', hash: 'sha512' },
  ed448: { family: 'ed448', hash: 'sha512' },
};

/**
 * The SignatureScheme code points that a private key can sign with, best first (RFC 9846 §4.3.3).
 * @param spki SubjectPublicKeyInfo, DER, of the pair
 * @throws TlsError ERR_TLS_KEY_DECODE, ERR_TLS_UNSUPPORTED_KEY
 */
export function schemesOf(spki: Uint8Array): readonly number[] {
  const schemes = schemesFor(readSpki(spki));
  if (schemes.length > 0) return schemes;
  return misuse('ERR_TLS_UNSUPPORTED_KEY', 'an RSASSA-PSS key whose parameters fit no signature scheme of TLS');
}

function readSpki(spki: Uint8Array): PublicKeyInfo {
  try {
    return parseSpki(spki);
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause;
    throw new TlsError('ERR_TLS_KEY_DECODE', `a malformed key: ${cause.message}`, { blame: 'config' });
  }
}

function schemesFor(key: PublicKeyInfo): readonly number[] {
  switch (key.algorithm) {
    case 'ec':
      return [ecdsaSchemes[key.curve]];
    case 'ed25519':
      return [SignatureScheme.ed25519];
    case 'ed448':
      return [SignatureScheme.ed448];
    case 'rsa':
      return rsaSchemes;
    case 'rsa-pss':
      return pssSchemes.filter((scheme) => allowsPss(key.pss, parametersOf(scheme).hash));
    case 'ml_dsa_44':
      return [SignatureScheme.mldsa44];
    case 'ml_dsa_65':
      return [SignatureScheme.mldsa65];
    case 'ml_dsa_87':
      return [SignatureScheme.mldsa87];
    case 'unknown':
      return misuse('ERR_TLS_UNSUPPORTED_KEY', `a private key of the unknown algorithm ${key.oid}`);
  }
}

/** The code point, for an error message: a caller may have given something else. */
function schemeName(scheme: unknown): string {
  return typeof scheme === 'number' ? `0x${scheme.toString(16)}` : `of type ${typeof scheme}`;
}

/** @throws TlsError ERR_TLS_CONFIG for a scheme that the key cannot sign with */
export function parametersFor(schemes: readonly number[], scheme: number): SignatureParameters {
  // An RSA key signs with it, but `schemes` does not list it: an application may add it to its signer's (RFC 9963 §2).
  const legacy = scheme === SignatureScheme.rsa_pkcs1_sha256_legacy && schemes === rsaSchemes;
  if (!schemes.includes(scheme) && !legacy) {
    misuse('ERR_TLS_CONFIG', `the key does not make the signature scheme ${schemeName(scheme)}`);
  }
  return parametersOf(scheme);
}

/**
 * Whether a key may be used for RSASSA-PSS with this hash for message and MGF1. The key's own salt length is a lower
 * bound (RFC 4055 §3.1).
 * @param saltLength default: as long as the hash
 */
export function allowsPss(restriction: PssParameters | undefined, hash: LegacyHashName, saltLength?: number): boolean {
  if (restriction === undefined) return true;
  const used = saltLength ?? hashLengths[restriction.hash];
  return restriction.hash === hash && restriction.mgfHash === hash && restriction.saltLength <= used;
}

function parametersOf(scheme: number): SignatureParameters {
  const algorithm = schemeAlgorithms.get(scheme);
  return algorithm === undefined
    ? misuse('ERR_TLS_CONFIG', `the signature scheme ${schemeName(scheme)} is not known`)
    : signatureAlgorithms[algorithm];
}

const ecdsaSchemes = {
  'P-256': SignatureScheme.ecdsa_secp256r1_sha256,
  'P-384': SignatureScheme.ecdsa_secp384r1_sha384,
  'P-521': SignatureScheme.ecdsa_secp521r1_sha512,
} as const;

/** PKCS#1 v1.5 comes last: a key signs certificates with it, but no CertificateVerify. */
const rsaSchemes: readonly number[] = [
  SignatureScheme.rsa_pss_rsae_sha256,
  SignatureScheme.rsa_pss_rsae_sha384,
  SignatureScheme.rsa_pss_rsae_sha512,
  SignatureScheme.rsa_pkcs1_sha256,
  SignatureScheme.rsa_pkcs1_sha384,
  SignatureScheme.rsa_pkcs1_sha512,
];

const pssSchemes: readonly number[] = [
  SignatureScheme.rsa_pss_pss_sha256,
  SignatureScheme.rsa_pss_pss_sha384,
  SignatureScheme.rsa_pss_pss_sha512,
];

const schemeAlgorithms: ReadonlyMap<number, UsualAlgorithm> = new Map<number, UsualAlgorithm>([
  [SignatureScheme.ecdsa_secp256r1_sha256, 'ecdsa_sha256'],
  [SignatureScheme.ecdsa_secp384r1_sha384, 'ecdsa_sha384'],
  [SignatureScheme.ecdsa_secp521r1_sha512, 'ecdsa_sha512'],
  [SignatureScheme.ed25519, 'ed25519'],
  [SignatureScheme.ed448, 'ed448'],
  [SignatureScheme.rsa_pss_rsae_sha256, 'rsa_pss_sha256'],
  [SignatureScheme.rsa_pss_rsae_sha384, 'rsa_pss_sha384'],
  [SignatureScheme.rsa_pss_rsae_sha512, 'rsa_pss_sha512'],
  [SignatureScheme.rsa_pss_pss_sha256, 'rsa_pss_sha256'],
  [SignatureScheme.rsa_pss_pss_sha384, 'rsa_pss_sha384'],
  [SignatureScheme.rsa_pss_pss_sha512, 'rsa_pss_sha512'],
  [SignatureScheme.rsa_pkcs1_sha256, 'rsa_pkcs1_sha256'],
  [SignatureScheme.rsa_pkcs1_sha256_legacy, 'rsa_pkcs1_sha256'],
  [SignatureScheme.rsa_pkcs1_sha384, 'rsa_pkcs1_sha384'],
  [SignatureScheme.rsa_pkcs1_sha512, 'rsa_pkcs1_sha512'],
]);

const hashLengths: Readonly<Record<HashName, number>> = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 };
