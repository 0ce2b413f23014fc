import type { CertificateErrorCode } from '../../errors.ts';
import { type DerError, FieldError, keyField } from '../asn1/der.ts';

/** The error of a check: one certificate of a path breaks one rule. */
export class CheckFailure extends Error {
  readonly code: CertificateErrorCode;
  /** Index in the path. */
  readonly at: number;

  constructor(code: CertificateErrorCode, message: string, at: number) {
    super(message);
    this.code = code;
    this.at = at;
  }
}

/** Part of a certificate that had to be read and could not be: the reason names it. */
export function unreadable(error: DerError): { readonly code: CertificateErrorCode; readonly reason: string } {
  if (error instanceof FieldError && error.field === keyField) {
    return { code: 'INVALID_CERTIFICATE', reason: `malformed key: ${error.message}` };
  }
  return { code: 'INVALID_EXTENSION', reason: `invalid or inconsistent certificate extension: ${error.message}` };
}
