import type { CertificateErrorCode } from '../errors.ts';

/** One rule that one certificate of a path broke. */
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
