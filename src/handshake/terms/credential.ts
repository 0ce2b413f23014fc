import type { Awaitable, Signer } from '../../crypto/provider.ts';
import type { CertificateType } from '../../session/session.ts';

/** Which end of the connection an endpoint is. */
export type Role = 'client' | 'server';

/** A certificate chain and the key that proves it. */
export interface Credential {
  /** DER, leaf first; the root may be left out. */
  readonly chain: readonly Uint8Array[];
  readonly signer: Signer;
  /** Whether `chain` holds certificates, or a SubjectPublicKeyInfo as its only entry (RFC 7250). Default 'X509'. */
  readonly type?: CertificateType | undefined;
  /** OCSPResponse for the leaf, DER: sent to a peer that asks for one (RFC 6066 §8). */
  readonly ocspResponse?: Uint8Array | undefined;
  /** SignedCertificateTimestampList for the leaf: sent to a peer that asks for it (RFC 6962 §3.3.1). */
  readonly timestamps?: Uint8Array | undefined;
  /** Use the credential only for a peer that names an issuer of the chain in certificate_authorities. Default false. */
  readonly mustMatchIssuer?: boolean | undefined;
  /** The leaf's delegation of its signing to the signer's key, made by `delegatedCredential`. */
  readonly delegation?: Delegation | undefined;
}

/** A key that the holder of a certificate has delegated its signing to, for a limited time (RFC 9345). */
export interface Delegation {
  /** The struct DelegatedCredential, as the CertificateEntry carries it. */
  readonly raw: Uint8Array;
  /** The scheme that the delegated key signs CertificateVerify with. */
  readonly scheme: number;
  /** The scheme that the certificate's key has signed the delegation with. */
  readonly algorithm: number;
  /** What the server checks before it serves the delegation, as a peer will. Absent: no check is made. */
  readonly terms?: DelegationTerms | undefined;
}

/** What a peer checks of a delegation in a handshake (RFC 9345 §4.1.3). */
export interface DelegationTerms {
  /** Milliseconds since 1970. */
  readonly notAfter: number;
  /** SubjectPublicKeyInfo of the certificate. */
  readonly spki: Uint8Array;
  /**
   * The end-entity certificate, the delegated credential and its algorithm: what follows the context string in the
   * signed bytes.
   */
  readonly content: Uint8Array;
  readonly signature: Uint8Array;
  /** The roles that the signature was found to be for. */
  readonly signedFor: Set<Role>;
}

/** One algorithm of RFC 8879 §3. Either direction may be left out, and either may answer with a promise. */
export interface CertificateCompression {
  /** CertificateCompressionAlgorithm: 1 zlib, 2 brotli, 3 zstd. */
  readonly id: number;
  /** Compresses a Certificate message. */
  compress?(message: Uint8Array): Awaitable<Uint8Array>;
  /**
   * Decompresses a Certificate message.
   * @param length of the result in bytes: no more may be made, whatever the input holds
   * @throws any error for input that is malformed, that makes more than `length`, or that has bytes after its end
   */
  decompress?(compressed: Uint8Array, length: number): Awaitable<Uint8Array>;
}

export type Compressor = CertificateCompression & Required<Pick<CertificateCompression, 'compress'>>;
export type Decompressor = CertificateCompression & Required<Pick<CertificateCompression, 'decompress'>>;

/** The type of a credential's certificate. */
export function certificateTypeOf({ type = 'X509' }: Credential): CertificateType {
  return type;
}
