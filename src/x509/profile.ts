/** What a family of relying parties asks of certificates beyond RFC 5280 §6. */
export interface Profile {
  readonly name: string;
  /** Smallest RSA modulus, bits, of leaf and CAs alike. */
  readonly minRsaBits: number;
  /** Whether signatures with SHA-1 are accepted below the anchor. */
  readonly sha1: boolean;
}

/** CA/Browser Forum Baseline Requirements §6.1.5 and §7.1.3.2. */
export const webpki: Profile = { name: 'webpki', minRsaBits: 2048, sha1: false };

/** What `node:tls` accepts by default (OpenSSL security level 1). */
export const nodeProfile: Profile = { name: 'node', minRsaBits: 1024, sha1: false };
