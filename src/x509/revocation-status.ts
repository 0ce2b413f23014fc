import type { CertificateErrorCode } from '../errors.ts';

/** CRLReason, RFC 5280 §5.3.1, by its code. */
export const revocationReasons = {
  0: 'unspecified',
  1: 'keyCompromise',
  2: 'cACompromise',
  3: 'affiliationChanged',
  4: 'superseded',
  5: 'cessationOfOperation',
  6: 'certificateHold',
  8: 'removeFromCRL',
  9: 'privilegeWithdrawn',
  10: 'aACompromise',
} as const;
export type RevocationReason = (typeof revocationReasons)[keyof typeof revocationReasons];

/** What revocation lists or a responder say of one certificate. */
export type RevocationStatus =
  | { readonly status: 'good' }
  /** `date`: milliseconds since 1970 */
  | { readonly status: 'revoked'; readonly reason: RevocationReason; readonly date: number }
  /** Nothing, for the reason given. */
  | { readonly status: 'unknown'; readonly code: CertificateErrorCode; readonly reason: string };

export function unknown(code: CertificateErrorCode, reason: string): RevocationStatus {
  return { status: 'unknown', code, reason };
}
