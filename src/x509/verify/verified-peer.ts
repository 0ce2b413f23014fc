import type { ShownCertificate } from '../certificate/certificate.ts';
import type { PublicKeyInfo } from '../certificate/spki.ts';
import type { Failure, Refusal } from './refusal.ts';

declare const verifiedBrand: unique symbol;

/**
 * Proof that a chain was judged. Only `verifyPeer` makes one with `verified: true`; only
 * `dangerouslyTrust` makes one without.
 */
export interface VerifiedPeer {
  readonly [verifiedBrand]: true;
  /**
   * Leaf first: the path to the anchor, or what was presented where nothing was verified. Empty for a raw key. To look
   * at: what of them had to be read to judge them was read.
   */
  readonly certificates: readonly ShownCertificate[];
  /** In place of certificates (RFC 7250). */
  readonly rawPublicKey: RawPublicKey | undefined;
  readonly verified: boolean;
  /**
   * The certificate policies that the path is valid for, of those asked for; `2.5.29.32.0` stands for any. Empty where
   * the profile does not look at them.
   */
  readonly policies: readonly string[];
  /** Why it is not verified. */
  readonly failure: Failure | undefined;
}

/** A key that authenticates its owner without a certificate, RFC 7250. */
export interface RawPublicKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  readonly publicKey: PublicKeyInfo;
}

/** What {@link verifyPeer} answers: the peer that it accepts, or why it refuses. */
export type Verdict = { readonly ok: true; readonly peer: VerifiedPeer } | Refusal;

/** For the two functions of this layer that judge raw keys; nothing outside of it may call this. */
export function mintPeer(
  peer: Partial<Omit<VerifiedPeer, typeof verifiedBrand>> & Pick<VerifiedPeer, 'verified'>,
): VerifiedPeer {
  const blank = { certificates: [], rawPublicKey: undefined, policies: [], failure: undefined };
  return Object.freeze({ ...blank, ...peer }) as unknown as VerifiedPeer;
}
