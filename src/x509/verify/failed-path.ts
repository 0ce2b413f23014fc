import type { CertificateErrorCode } from '../../errors.ts';
import type { Certificate } from '../certificate/certificate.ts';

/** Why a path, or the whole, was refused. */
export interface Failure {
  readonly code: CertificateErrorCode;
  readonly reason: string;
}

export interface FailedPath extends Failure {
  /** In a refusal they are there to be looked at: `ShownCertificate`, whose getters do not throw. */
  readonly certificates: readonly Certificate[];
  /** Index in `certificates` of the one that failed. */
  readonly at: number;
}
