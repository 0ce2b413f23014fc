import type { Awaitable, Signer } from '../../crypto/provider.ts';
import type { CertificateType } from '../../session/session.ts';

/** Which end of the connection. */
export type Role = 'client' | 'server';

/** A certificate chain and the key that proves it. */
export interface Credential {
  /** DER, leaf first; the root may be left out. */
  readonly chain: readonly Uint8Array[];
  readonly signer: Signer;
  /** Of what `chain` holds: certificates, or as its only entry a SubjectPublicKeyInfo (RFC 7250). Default 'X509'. */
  readonly type?: CertificateType | undefined;
  /** OCSPResponse for the leaf, DER: sent to a peer that asks for one (RFC 6066 §8). */
  readonly ocspResponse?: Uint8Array | undefined;
  /** SignedCertificateTimestampList for the leaf: sent to a peer that asks for it (RFC 6962 §3.3.1). */
  readonly timestamps?: Uint8Array | undefined;
  /** Only for a peer that names an issuer of the chain in certificate_authorities. Default false. */
  readonly mustMatchIssuer?: boolean | undefined;
  /** The signer's key is not that of the leaf, but one that it has delegated to: made by `delegatedCredential`. */
  readonly delegation?: Delegation | undefined;
}

/** A key that the holder of a certificate lets sign for it, for a while. */
export interface Delegation {
  /** As it goes into the CertificateEntry. */
  readonly raw: Uint8Array;
  /** What its key signs CertificateVerify with. */
  readonly scheme: number;
  /** What it is signed with itself. */
  readonly algorithm: number;
  /** What a peer will look at, before it is served; absent: whoever made it answers for that. */
  readonly terms?: DelegationTerms | undefined;
}

/** What RFC 9345 §4.1.3 has a peer check at the time of a handshake. */
export interface DelegationTerms {
  /** Milliseconds since 1970. */
  readonly notAfter: number;
  /** Of the certificate: SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  /** The end-entity certificate, the credential and its algorithm, which are signed behind a context. */
  readonly content: Uint8Array;
  readonly signature: Uint8Array;
  /** The roles that the signature was found to be for. */
  readonly signedFor: Set<Role>;
}

/** One algorithm of RFC 8879 §3. Either direction may be left out, and either may answer later. */
export interface CertificateCompression {
  /** CertificateCompressionAlgorithm: 1 zlib, 2 brotli, 3 zstd. */
  readonly id: number;
  /** Compresses a Certificate message. */
  compress?(message: Uint8Array): Awaitable<Uint8Array>;
  /**
   * @param length of the result: no more than that may be made, whatever the input holds
   * @throws anything for input that is malformed, makes more, or goes on behind its end
   */
  decompress?(compressed: Uint8Array, length: number): Awaitable<Uint8Array>;
}

export type Compressor = CertificateCompression & Required<Pick<CertificateCompression, 'compress'>>;
export type Decompressor = CertificateCompression & Required<Pick<CertificateCompression, 'decompress'>>;
