/** What a family of relying parties asks of certificates beyond RFC 5280 §6. */
export interface Profile {
  readonly name: string;
  /** Smallest RSA modulus, bits, of leaf and CAs alike. */
  readonly minRsaBits: number;
  /** Whether signatures with SHA-1 are accepted below the anchor. */
  readonly sha1: boolean;
  /** Whether what RFC 5280 forbids issuers is refused even where it deceives nobody (X509_V_FLAG_X509_STRICT). */
  readonly strict: boolean;
  /** Whether anyExtendedKeyUsage stands for the purpose that is wanted: RFC 5280 §4.2.1.12 leaves it open. */
  readonly anyPurpose: boolean;
}

/** CA/Browser Forum Baseline Requirements §6.1.5, §6.1.6 and §7.1.3.2. */
export const webpki: Profile = { name: 'webpki', minRsaBits: 2048, sha1: false, strict: true, anyPurpose: true };

/** What `node:tls` accepts by default (OpenSSL security level 1). */
export const nodeProfile: Profile = { name: 'node', minRsaBits: 1024, sha1: false, strict: false, anyPurpose: false };

/** RFC 5280 §6 and no more: what a private or historic PKI may do. */
export const rfc5280: Profile = { name: 'rfc5280', minRsaBits: 1024, sha1: false, strict: false, anyPurpose: true };
