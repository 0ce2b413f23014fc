import type { CryptoProvider, SignatureAlgorithm, SignatureVerifier } from '../../crypto/provider.ts';
import { SignatureScheme } from '../../wire/enums.ts';
import type { PublicKeyInfo } from '../../x509/certificate/spki.ts';
import type { Role } from './credential.ts';

/** What a SignatureScheme code point demands of the key (RFC 9846 §4.3.3). */
interface SchemeRow {
  readonly algorithm: SignatureAlgorithm;
  readonly key: Exclude<PublicKeyInfo['algorithm'], 'unknown'>;
  readonly curve?: 'P-256' | 'P-384' | 'P-521';
  /**
   * The roles that may sign a CertificateVerify with it. No role may use RSASSA-PKCS1-v1_5, except that RFC 9963 allows
   * clients one of its schemes.
   */
  readonly handshake: boolean | 'client';
  /** Advertised only where a configuration names it. */
  readonly onlyIfNamed?: true;
}

/** Best first: this is the order of our signature_algorithms. */
const rows: ReadonlyMap<number, SchemeRow> = new Map<number, SchemeRow>([
  [SignatureScheme.ecdsa_secp256r1_sha256, { algorithm: 'ecdsa_sha256', key: 'ec', curve: 'P-256', handshake: true }],
  [SignatureScheme.ed25519, { algorithm: 'ed25519', key: 'ed25519', handshake: true }],
  [SignatureScheme.ecdsa_secp384r1_sha384, { algorithm: 'ecdsa_sha384', key: 'ec', curve: 'P-384', handshake: true }],
  [SignatureScheme.ecdsa_secp521r1_sha512, { algorithm: 'ecdsa_sha512', key: 'ec', curve: 'P-521', handshake: true }],
  [SignatureScheme.ed448, { algorithm: 'ed448', key: 'ed448', handshake: true }],
  // Offered only by a provider that verifies ML-DSA.
  [SignatureScheme.mldsa44, { algorithm: 'ml_dsa_44', key: 'ml_dsa_44', handshake: true }],
  [SignatureScheme.mldsa65, { algorithm: 'ml_dsa_65', key: 'ml_dsa_65', handshake: true }],
  [SignatureScheme.mldsa87, { algorithm: 'ml_dsa_87', key: 'ml_dsa_87', handshake: true }],
  [SignatureScheme.rsa_pss_rsae_sha256, { algorithm: 'rsa_pss_sha256', key: 'rsa', handshake: true }],
  [SignatureScheme.rsa_pss_rsae_sha384, { algorithm: 'rsa_pss_sha384', key: 'rsa', handshake: true }],
  [SignatureScheme.rsa_pss_rsae_sha512, { algorithm: 'rsa_pss_sha512', key: 'rsa', handshake: true }],
  [SignatureScheme.rsa_pss_pss_sha256, { algorithm: 'rsa_pss_sha256', key: 'rsa-pss', handshake: true }],
  [SignatureScheme.rsa_pss_pss_sha384, { algorithm: 'rsa_pss_sha384', key: 'rsa-pss', handshake: true }],
  [SignatureScheme.rsa_pss_pss_sha512, { algorithm: 'rsa_pss_sha512', key: 'rsa-pss', handshake: true }],
  [SignatureScheme.rsa_pkcs1_sha256, { algorithm: 'rsa_pkcs1_sha256', key: 'rsa', handshake: false }],
  [SignatureScheme.rsa_pkcs1_sha384, { algorithm: 'rsa_pkcs1_sha384', key: 'rsa', handshake: false }],
  [SignatureScheme.rsa_pkcs1_sha512, { algorithm: 'rsa_pkcs1_sha512', key: 'rsa', handshake: false }],
  [SignatureScheme.ecdsa_sha1, { algorithm: 'ecdsa_sha1', key: 'ec', handshake: false, onlyIfNamed: true }],
  [SignatureScheme.rsa_pkcs1_sha1, { algorithm: 'rsa_pkcs1_sha1', key: 'rsa', handshake: false, onlyIfNamed: true }],
  [
    SignatureScheme.rsa_pkcs1_sha256_legacy,
    { algorithm: 'rsa_pkcs1_sha256', key: 'rsa', handshake: 'client', onlyIfNamed: true },
  ],
]);

/**
 * The schemes to advertise: all that the provider verifies, or those of `wanted` among them, in the order of `wanted`.
 * SHA-1 and the legacy scheme of RFC 9963 are advertised only where `wanted` names them (RFC 9846 §4.3.3, RFC 9963 §2).
 */
export function advertisedSchemes(provider: CryptoProvider, wanted?: readonly number[]): number[] {
  const known = (scheme: number): boolean => verifierFor(provider, scheme) !== undefined;
  const advertised = (wanted ?? [...rows.keys()].filter((scheme) => rows.get(scheme)?.onlyIfNamed !== true)).filter(
    known,
  );
  const isSha1 = (scheme: number): boolean => rows.get(scheme)?.algorithm.endsWith('_sha1') === true;
  // RFC 9846 §4.3.3: these come last.
  return [...advertised.filter((scheme) => !isSha1(scheme)), ...advertised.filter(isSha1)];
}

/** Whether `signer` may make a CertificateVerify with the scheme (RFC 9846 §4.3.3: not with PKCS#1 v1.5, nor SHA-1). */
export function isHandshakeScheme(scheme: number, signer: Role): boolean {
  const { handshake = false } = rows.get(scheme) ?? {};
  return handshake === signer || handshake === true;
}

/** Whether a key of this kind may sign with the scheme: ECDSA binds the curve, RSA the OID of the key. */
export function schemeFitsKey(scheme: number, key: PublicKeyInfo): boolean {
  const row = rows.get(scheme);
  if (row === undefined || row.key !== key.algorithm) return false;
  return row.curve === undefined || row.curve === key.curve;
}

/** The algorithm of a scheme, without the curve: as certificates name it. */
export function algorithmOf(scheme: number): SignatureAlgorithm | undefined {
  return rows.get(scheme)?.algorithm;
}

export function verifierFor(provider: CryptoProvider, scheme: number): SignatureVerifier | undefined {
  const algorithm = rows.get(scheme)?.algorithm;
  return provider.verifiers.find((verifier) => verifier.algorithm === algorithm);
}
