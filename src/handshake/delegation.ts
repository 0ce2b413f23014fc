import { equal } from '../bytes/equal.ts';
import type { Signer } from '../crypto/provider.ts';
import { misuse } from '../errors.ts';
import { SignatureScheme } from '../wire/enums.ts';
import { code, opaque, readExactly, struct, u32 } from '../wire/schema.ts';
import type { Credential } from './config.ts';

/**
 * struct {
 *     uint32 valid_time;
 *     SignatureScheme dc_cert_verify_algorithm;
 *     opaque ASN1_subjectPublicKeyInfo<1..2^24-1>;
 *     SignatureScheme algorithm;
 *     opaque signature<1..2^16-1>;
 * } DelegatedCredential;  RFC 9345 §4, with the struct Credential unfolded
 */
interface DelegatedCredential {
  readonly validTime: number;
  readonly dcCertVerifyAlgorithm: number;
  readonly subjectPublicKeyInfo: Uint8Array;
  readonly algorithm: number;
  readonly signature: Uint8Array;
}
const DelegatedCredential = struct<DelegatedCredential>('DelegatedCredential', {
  validTime: u32,
  dcCertVerifyAlgorithm: code(2, SignatureScheme),
  subjectPublicKeyInfo: opaque('u24', 1),
  algorithm: code(2, SignatureScheme),
  signature: opaque('u16', 1),
});

/** A key that the holder of a certificate lets sign for it, for a while. */
export interface Delegation {
  /** As it goes into the CertificateEntry. */
  readonly raw: Uint8Array;
  /** What its key signs CertificateVerify with. */
  readonly scheme: number;
  /** What it is signed with itself. */
  readonly algorithm: number;
}

/**
 * A server's credential whose key is delegated (RFC 9345): for clients that offer delegated_credential; give one
 * without after it, for the others. When it ends is the caller's to watch.
 * @param delegation the struct DelegatedCredential, as the holder of the certificate has signed it
 * @param signer of the delegated key
 * @throws TlsError ERR_TLS_DELEGATION for one that is malformed or of an algorithm that is not allowed, and
 *   ERR_TLS_KEY_MISMATCH for another key
 */
export function delegatedCredential(chain: readonly Uint8Array[], delegation: Uint8Array, signer: Signer): Credential {
  const parsed = readExactly(DelegatedCredential, delegation);
  if (parsed === undefined) misuse('ERR_TLS_DELEGATION', 'a malformed delegated credential');
  const { dcCertVerifyAlgorithm: scheme, subjectPublicKeyInfo: spki, algorithm } = parsed;
  // RFC 9345 §4: not the schemes of rsaEncryption keys.
  if (rsaEncryptionSchemes.includes(scheme)) {
    misuse('ERR_TLS_DELEGATION', 'a delegated credential for a key of rsaEncryption');
  }
  if (signer.publicKey !== undefined && !equal(signer.publicKey, spki)) {
    misuse('ERR_TLS_KEY_MISMATCH', 'the signer is not of the key that was delegated');
  }
  return { chain, signer, delegation: { raw: delegation, scheme, algorithm } };
}

const rsaEncryptionSchemes: readonly number[] = [
  SignatureScheme.rsa_pss_rsae_sha256,
  SignatureScheme.rsa_pss_rsae_sha384,
  SignatureScheme.rsa_pss_rsae_sha512,
];
