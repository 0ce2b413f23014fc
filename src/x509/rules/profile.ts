import type { SignatureAlgorithm } from '../../crypto/provider.ts';
import { ExtKeyUsageOid } from '../certificate/extensions.ts';

/** Digests for which collisions can be made (RFC 9846 §4.5.1.3). */
export type WeakDigest = 'md5' | 'sha1';

/** How extKeyUsage is read (RFC 5280 §4.2.1.12); on a CA it limits what the CA may issue, as the web PKI has it. */
export interface ExtKeyUsageRules {
  /** Whether anyExtendedKeyUsage stands for the purpose that is wanted: the RFC leaves it open. */
  readonly anyInLeaf: boolean;
  readonly anyInCa: boolean;
  /** Whether the leaf must have the extension. */
  readonly inLeaf: 'required' | 'optional';
  /** Whether intermediates must have the extension. */
  readonly inCa: 'required' | 'optional';
  /** Purposes that a leaf for TLS must not have beside its own. */
  readonly incompatible: readonly string[];
}

/** The demands of a family of relying parties on certificates: data, to be spread and changed. */
export interface Profile {
  readonly name: string;
  /** Smallest RSA modulus, bits, of leaf and CAs alike. */
  readonly minRsaBits: number;
  /** Digests that signatures below the anchor, of revocation lists and of OCSP responses may use all the same. */
  readonly weakDigests: readonly WeakDigest[];
  /** Whether a path is refused for what RFC 5280 forbids issuers, also where it is harmless (X509_V_FLAG_X509_STRICT). */
  readonly strict: boolean;
  /** Whether the leaf must be made as the Baseline Requirements have it: see baseline.ts. */
  readonly baseline: boolean;
  /** Whether the certificate of a CA may be the leaf. */
  readonly caAsLeaf: boolean;
  /**
   * Whether keyUsage of a leaf must allow what servers and clients do with keys. TLS itself demands digitalSignature
   * (RFC 9846 §4.5.1.2) in any profile.
   */
  readonly leafUsage: boolean;
  readonly extKeyUsage: ExtKeyUsageRules;
  /** Whether certificate policies count though none are asked for: RFC 5280 §6.1 has it so, OpenSSL does not. */
  readonly policies: boolean;
  /**
   * Whether certificates are registered under a domain by the public (`co.uk`): then no wildcard may stand there.
   * Opentls carries no list of such domains. Default: none is known.
   */
  readonly isPublicSuffix?: (domain: string) => boolean;
}

/** Whether a profile refuses signatures of this algorithm for its digest. */
export function isTooWeak(algorithm: SignatureAlgorithm, { weakDigests }: Profile): boolean {
  const digest = weak.find((name) => algorithm.endsWith(`_${name}`));
  return digest !== undefined && !weakDigests.includes(digest);
}

const weak: readonly WeakDigest[] = ['md5', 'sha1'];

/** CA/Browser Forum Baseline Requirements §6.1.5, §6.1.6, §7.1.2.7 and §7.1.3.2. */
export const webpki: Profile = {
  name: 'webpki',
  minRsaBits: 2048,
  weakDigests: [],
  strict: true,
  baseline: true,
  caAsLeaf: true,
  leafUsage: false,
  policies: true,
  extKeyUsage: {
    anyInLeaf: false,
    anyInCa: true,
    inLeaf: 'optional',
    inCa: 'optional',
    incompatible: [
      ExtKeyUsageOid.any,
      ExtKeyUsageOid.codeSigning,
      ExtKeyUsageOid.timeStamping,
      ExtKeyUsageOid.ocspSigning,
    ],
  },
};

/** The demands of `node:tls` by default (OpenSSL security level 1). */
export const nodeProfile: Profile = {
  name: 'node',
  minRsaBits: 1024,
  weakDigests: [],
  strict: false,
  baseline: false,
  caAsLeaf: true,
  leafUsage: true,
  policies: false,
  extKeyUsage: { anyInLeaf: false, anyInCa: false, inLeaf: 'optional', inCa: 'optional', incompatible: [] },
};

/** The demands of RFC 5280 §6 and no more: for a private or historic PKI. */
export const rfc5280: Profile = {
  name: 'rfc5280',
  minRsaBits: 1024,
  weakDigests: [],
  strict: false,
  baseline: false,
  caAsLeaf: true,
  leafUsage: false,
  policies: true,
  extKeyUsage: { anyInLeaf: true, anyInCa: true, inLeaf: 'optional', inCa: 'optional', incompatible: [] },
};
