import type { ShownCertificate } from '../certificate/certificate.ts';
import type { PublicKeyInfo } from '../certificate/spki.ts';
import type { Failure } from './failed-path.ts';
import type { Refusal } from './refusal.ts';

declare const verifiedBrand: unique symbol;

/** Certificates, leaf first. Reading them never throws. */
export type ShownChain = readonly [leaf: ShownCertificate, ...issuers: ShownCertificate[]];

/** A peer whose chain `verifyPeer` has judged: its path to the anchor. */
export interface VerifiedChain {
  readonly [verifiedBrand]: true;
  readonly verified: true;
  /** The verified path, from the leaf to the anchor. */
  readonly certificates: ShownChain;
  readonly rawPublicKey: undefined;
  /**
   * The certificate policies that the path is valid for, of those asked for; `2.5.29.32.0` stands for any. Empty where
   * the profile does not look at them.
   */
  readonly policies: readonly string[];
  readonly failure: undefined;
}

/** A peer whose raw public key `verifyRawPublicKey` has found among those known (RFC 7250). */
export interface VerifiedRawKey {
  readonly [verifiedBrand]: true;
  readonly verified: true;
  readonly certificates: readonly [];
  readonly rawPublicKey: RawPublicKey;
  readonly policies: readonly [];
  readonly failure: undefined;
}

/** A peer that `dangerouslyTrust` or `dangerouslyTrustRawPublicKey` took as it is: nothing was verified. */
export type UnverifiedPeer = UnverifiedChain | UnverifiedRawKey;

/** A peer whose chain was taken as it was presented. */
export interface UnverifiedChain {
  readonly [verifiedBrand]: true;
  readonly verified: false;
  /** The certificates that the peer presented, without the issuers that cannot be read. */
  readonly certificates: ShownChain;
  readonly rawPublicKey: undefined;
  readonly policies: readonly [];
  /** Why verification failed, where the caller gave it. */
  readonly failure: Failure | undefined;
}

/** A peer whose raw public key was taken as it is. */
export interface UnverifiedRawKey {
  readonly [verifiedBrand]: true;
  readonly verified: false;
  readonly certificates: readonly [];
  readonly rawPublicKey: RawPublicKey;
  readonly policies: readonly [];
  readonly failure: undefined;
}

/**
 * Proof that a caller decided about a peer. Only `verifyPeer` and `verifyRawPublicKey` make one with `verified: true`; a
 * caller that decides without them calls a function whose name begins with `dangerously`.
 */
export type VerifiedPeer = VerifiedChain | VerifiedRawKey | UnverifiedPeer;

/** A key that authenticates its owner without a certificate, RFC 7250. */
export interface RawPublicKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  readonly publicKey: PublicKeyInfo;
}

/** What {@link verifyPeer} answers: the peer that it accepts, or why it refuses. */
export type Verdict = { readonly ok: true; readonly peer: VerifiedPeer } | Refusal;

/** Makes a peer. Only this folder may call it: a peer is the proof that `verifyPeer` has accepted it, or was told to. */
export function mintPeer<P extends VerifiedPeer>(peer: Omit<P, typeof verifiedBrand>): P {
  return Object.freeze(peer) as unknown as P;
}
