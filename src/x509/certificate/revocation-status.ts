import type { CertificateErrorCode } from '../../errors.ts';
import { DerError } from '../asn1/der.ts';

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
/** Name of a CRLReason (RFC 5280 §5.3.1). */
export type RevocationReason = (typeof revocationReasons)[keyof typeof revocationReasons];

/** @param content of an ENUMERATED. @throws DerError for a code that is not defined */
export function readReason(content: Uint8Array): RevocationReason {
  const [code = 7, ...more] = content;
  const reason = Object.hasOwn(revocationReasons, code) ? revocationReasons[code as 0] : undefined;
  if (reason === undefined || more.length > 0) throw new DerError('a reason code that is not defined');
  return reason;
}

/** The status of one certificate, by revocation lists or an OCSP responder. */
export type RevocationStatus =
  | { readonly status: 'good' }
  /** `date`: milliseconds since 1970; undefined where the list names a moment that does not exist */
  | { readonly status: 'revoked'; readonly reason: RevocationReason; readonly date: number | undefined }
  /** Neither list nor responder says which of the two, for the reason given. */
  | { readonly status: 'unknown'; readonly code: CertificateErrorCode; readonly reason: string };

export type UnknownStatus = Extract<RevocationStatus, { readonly status: 'unknown' }>;

export function unknownStatus(code: CertificateErrorCode, reason: string): UnknownStatus {
  return { status: 'unknown', code, reason };
}
