import { constants, createPublicKey, type KeyObject, type SignKeyObjectInput, verify } from 'node:crypto';
import type { SignatureAlgorithm, SignatureVerifier } from '../../crypto/provider.ts';
import { type PublicKeyInfo, parseSpki } from '../../x509/certificate/spki.ts';
import { isAcceptable, type LegacyHashName } from '../shared/rsa.ts';
import { allowsPss, type SignatureFamily } from '../shared/signature-algorithms.ts';

/** Verifies RSASSA-PKCS1-v1_5 with SHA-1, by node:crypto. */
export const rsa_pkcs1_sha1: SignatureVerifier = /* @__PURE__ */ verifierOf('rsa_pkcs1_sha1', 'pkcs1', 'sha1');

/** Verifies RSASSA-PKCS1-v1_5 with SHA-256, by node:crypto. */
export const rsa_pkcs1_sha256: SignatureVerifier = /* @__PURE__ */ verifierOf('rsa_pkcs1_sha256', 'pkcs1', 'sha256');

/** Verifies RSASSA-PKCS1-v1_5 with SHA-384, by node:crypto. */
export const rsa_pkcs1_sha384: SignatureVerifier = /* @__PURE__ */ verifierOf('rsa_pkcs1_sha384', 'pkcs1', 'sha384');

/** Verifies RSASSA-PKCS1-v1_5 with SHA-512, by node:crypto. */
export const rsa_pkcs1_sha512: SignatureVerifier = /* @__PURE__ */ verifierOf('rsa_pkcs1_sha512', 'pkcs1', 'sha512');

/** Verifies RSASSA-PSS with SHA-256, by node:crypto. */
export const rsa_pss_sha256: SignatureVerifier = /* @__PURE__ */ verifierOf('rsa_pss_sha256', 'pss', 'sha256');

/** Verifies RSASSA-PSS with SHA-384, by node:crypto. */
export const rsa_pss_sha384: SignatureVerifier = /* @__PURE__ */ verifierOf('rsa_pss_sha384', 'pss', 'sha384');

/** Verifies RSASSA-PSS with SHA-512, by node:crypto. */
export const rsa_pss_sha512: SignatureVerifier = /* @__PURE__ */ verifierOf('rsa_pss_sha512', 'pss', 'sha512');

/** Verifies ECDSA with SHA-1, on P-256, P-384 and P-521, by node:crypto. */
export const ecdsa_sha1: SignatureVerifier = /* @__PURE__ */ verifierOf('ecdsa_sha1', 'ecdsa', 'sha1');

/** Verifies ECDSA with SHA-256, on P-256, P-384 and P-521, by node:crypto. */
export const ecdsa_sha256: SignatureVerifier = /* @__PURE__ */ verifierOf('ecdsa_sha256', 'ecdsa', 'sha256');

/** Verifies ECDSA with SHA-384, on P-256, P-384 and P-521, by node:crypto. */
export const ecdsa_sha384: SignatureVerifier = /* @__PURE__ */ verifierOf('ecdsa_sha384', 'ecdsa', 'sha384');

/** Verifies ECDSA with SHA-512, on P-256, P-384 and P-521, by node:crypto. */
export const ecdsa_sha512: SignatureVerifier = /* @__PURE__ */ verifierOf('ecdsa_sha512', 'ecdsa', 'sha512');

/** Verifies Ed25519 (RFC 8032), by node:crypto. */
export const ed25519: SignatureVerifier = /* @__PURE__ */ verifierOf('ed25519', 'ed25519', 'sha512');

/** Verifies Ed448 (RFC 8032), by node:crypto. */
export const ed448: SignatureVerifier = /* @__PURE__ */ verifierOf('ed448', 'ed448', 'sha512');

/** Verifies RSASSA-PKCS1-v1_5 with MD5, by node:crypto, for profiles that allow it. */
export const rsa_pkcs1_md5: SignatureVerifier = /* @__PURE__ */ verifierOf('rsa_pkcs1_md5', 'pkcs1', 'md5');

/**
 * All verifiers but ML-DSA. OpenSSL computes, but opentls decides which keys may be used, so that both
 * providers accept the same certificates.
 */
export const nodeVerifiers: readonly SignatureVerifier[] = [
  rsa_pkcs1_sha1,
  rsa_pkcs1_sha256,
  rsa_pkcs1_sha384,
  rsa_pkcs1_sha512,
  rsa_pss_sha256,
  rsa_pss_sha384,
  rsa_pss_sha512,
  ecdsa_sha1,
  ecdsa_sha256,
  ecdsa_sha384,
  ecdsa_sha512,
  ed25519,
  ed448,
  rsa_pkcs1_md5,
];

/** @returns null for Ed25519 and Ed448, which have hashes of their own: node:crypto takes no name for them */
export function digestName(family: SignatureFamily, hash: LegacyHashName): LegacyHashName | null {
  return family === 'ed25519' || family === 'ed448' ? null : hash;
}

/** Adds the padding to the key, where node:crypto expects it. ECDSA signatures are DER by default. */
export function keyInput(
  family: SignatureFamily,
  key: KeyObject,
  saltLength: number = constants.RSA_PSS_SALTLEN_DIGEST,
): SignKeyObjectInput {
  switch (family) {
    case 'pss':
      // The salt is as long as the hash (RFC 9846 §4.3.3), unless the caller says otherwise; MGF1 uses the same hash by default.
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
