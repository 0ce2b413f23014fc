import { ed448 as ed448Curve } from '@noble/curves/ed448.js';
import { ed25519 as ed25519Curve } from '@noble/curves/ed25519.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { md5 } from '@noble/hashes/legacy.js';
import type { SignatureAlgorithm, SignatureVerifier } from '../../crypto/provider.ts';
import { type CurveName, type PublicKeyInfo, parseSpki } from '../../x509/certificate/spki.ts';
import { isAcceptable, type MessageHash, rsaVerify, toBigInt } from '../shared/rsa.ts';
import { allowsPss } from '../shared/signature-algorithms.ts';
import { nobleHashes } from './hash.ts';

/** Verifies RSASSA-PKCS1-v1_5 with SHA-1. */
export const rsa_pkcs1_sha1: SignatureVerifier = /* @__PURE__ */ rsa('rsa_pkcs1_sha1', 'pkcs1', nobleHashes.sha1);

/** Verifies RSASSA-PKCS1-v1_5 with SHA-256. */
export const rsa_pkcs1_sha256: SignatureVerifier = /* @__PURE__ */ rsa('rsa_pkcs1_sha256', 'pkcs1', nobleHashes.sha256);

/** Verifies RSASSA-PKCS1-v1_5 with SHA-384. */
export const rsa_pkcs1_sha384: SignatureVerifier = /* @__PURE__ */ rsa('rsa_pkcs1_sha384', 'pkcs1', nobleHashes.sha384);

/** Verifies RSASSA-PKCS1-v1_5 with SHA-512. */
export const rsa_pkcs1_sha512: SignatureVerifier = /* @__PURE__ */ rsa('rsa_pkcs1_sha512', 'pkcs1', nobleHashes.sha512);

/** Verifies RSASSA-PSS with SHA-256. */
export const rsa_pss_sha256: SignatureVerifier = /* @__PURE__ */ rsa('rsa_pss_sha256', 'pss', nobleHashes.sha256);

/** Verifies RSASSA-PSS with SHA-384. */
export const rsa_pss_sha384: SignatureVerifier = /* @__PURE__ */ rsa('rsa_pss_sha384', 'pss', nobleHashes.sha384);

/** Verifies RSASSA-PSS with SHA-512. */
export const rsa_pss_sha512: SignatureVerifier = /* @__PURE__ */ rsa('rsa_pss_sha512', 'pss', nobleHashes.sha512);

/** Verifies ECDSA with SHA-1, on P-256, P-384 and P-521. */
export const ecdsa_sha1: SignatureVerifier = /* @__PURE__ */ ecdsa('ecdsa_sha1', nobleHashes.sha1);

/** Verifies ECDSA with SHA-256, on P-256, P-384 and P-521. */
export const ecdsa_sha256: SignatureVerifier = /* @__PURE__ */ ecdsa('ecdsa_sha256', nobleHashes.sha256);

/** Verifies ECDSA with SHA-384, on P-256, P-384 and P-521. */
export const ecdsa_sha384: SignatureVerifier = /* @__PURE__ */ ecdsa('ecdsa_sha384', nobleHashes.sha384);

/** Verifies ECDSA with SHA-512, on P-256, P-384 and P-521. */
export const ecdsa_sha512: SignatureVerifier = /* @__PURE__ */ ecdsa('ecdsa_sha512', nobleHashes.sha512);

/** Verifies Ed25519 (RFC 8032). */
export const ed25519: SignatureVerifier = /* @__PURE__ */ eddsa('ed25519', ed25519Curve);

/** Verifies Ed448 (RFC 8032). */
export const ed448: SignatureVerifier = /* @__PURE__ */ eddsa('ed448', ed448Curve);

/** Verifies RSASSA-PKCS1-v1_5 with MD5, for profiles that allow it. */
export const rsa_pkcs1_md5: SignatureVerifier = /* @__PURE__ */ rsa('rsa_pkcs1_md5', 'pkcs1', {
  name: 'md5',
  length: 16,
  digest: md5,
});

/** All verifiers but ML-DSA. */
export const nobleVerifiers: readonly SignatureVerifier[] = [
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

/** A key or a signature that cannot be decoded does not verify. */
function verifierOf(
  algorithm: SignatureAlgorithm,
  verify: (key: PublicKeyInfo, message: Uint8Array, signature: Uint8Array, saltLength?: number) => boolean,
): SignatureVerifier {
  return {
    algorithm,
    verify(spki, message, signature, saltLength) {
      try {
        return verify(parseSpki(spki), message, signature, saltLength);
      } catch {
        return false;
      }
    },
  };
}

function ecdsa(algorithm: SignatureAlgorithm, hash: MessageHash): SignatureVerifier {
  return verifierOf(algorithm, (key, message, signature) => {
    if (key.algorithm !== 'ec') return false;
    return nobleCurves[key.curve].verify(signature, hash.digest(message), key.point, ecdsaOptions);
  });
}

/** Verifies by RFC 8032 §5.1.7. noble's default, ZIP 215, also takes encodings of a point that are not canonical. */
function eddsa(algorithm: 'ed25519' | 'ed448', curve: typeof ed25519Curve): SignatureVerifier {
  return verifierOf(algorithm, (key, message, signature) => {
    return key.algorithm === algorithm && curve.verify(signature, message, key.key, { zip215: false });
  });
}

function rsa(algorithm: SignatureAlgorithm, encoding: 'pkcs1' | 'pss', hash: MessageHash): SignatureVerifier {
  return verifierOf(algorithm, (key, message, signature, saltLength) => {
    if (encoding === 'pkcs1') return key.algorithm === 'rsa' && verifyRsa(encoding, hash, key, message, signature);
    if (key.algorithm !== 'rsa' && key.algorithm !== 'rsa-pss') return false;
    return allowsPss(key.pss, hash.name, saltLength) && verifyRsa(encoding, hash, key, message, signature, saltLength);
  });
}

export const nobleCurves: Readonly<Record<CurveName, typeof p256>> = { 'P-256': p256, 'P-384': p384, 'P-521': p521 };

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
