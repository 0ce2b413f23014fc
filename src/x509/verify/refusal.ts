import { type CertificateErrorCode, TlsError } from '../../errors.ts';
import { DerError } from '../asn1/der.ts';
import { type Certificate, type ShownCertificate, shown } from '../certificate/certificate.ts';
import { BudgetExceeded, vouches } from '../path/build.ts';
import { type PassedOver, passedOverText } from '../path/passed-over.ts';
import { UnsupportedAlgorithm } from '../path/signatures.ts';
import { CheckFailure, unreadable } from '../rules/check-failure.ts';
import { detailOf, pathsText } from './explain.ts';
import type { FailedPath, Failure } from './failed-path.ts';

/** `paths`: every path that was tried, most specific failure first; `code` and `reason` are those of the first. */
export interface Refusal extends Failure {
  readonly ok: false;
  readonly paths: readonly FailedPath[];
  /** Anchors, certificates, lists and OCSP responses that could not be read or fetched, and might have helped. */
  readonly passedOver: readonly PassedOver[];
}

/** Makes a failure of an error. @throws the error, where it is not about a certificate */
export function asFailure(error: unknown): Failure {
  if (error instanceof CheckFailure) return { code: error.code, reason: error.message };
  if (error instanceof UnsupportedAlgorithm) return { code: 'UNSUPPORTED_SIGNATURE_ALGORITHM', reason: error.message };
  if (error instanceof BudgetExceeded) return { code: 'BUDGET_EXCEEDED', reason: error.message };
  if (error instanceof DerError) return unreadable(error);
  if (error instanceof TlsError && error.code === 'INVALID_CERTIFICATE')
    return { code: error.code, reason: error.message };
  throw error;
}

/** Whether the signature failed because the path has another authority of the issuer's name: the key identifiers differ. */
export function isStrangers({ code, certificates, at }: FailedPath): boolean {
  const child = certificates[at];
  const issuer = certificates[at + 1];
  if (code !== 'CERT_SIGNATURE_FAILURE' || child === undefined || issuer === undefined) return false;
  return !vouches(issuer, child);
}

/** Refuses with the most specific failure first: that of the path that passed the most checks. */
export function mostSpecificRefusal(failures: readonly FailedPath[], passedOver: readonly PassedOver[] = []): Refusal {
  const ranked = [...failures].sort((a, b) => rank(b) - rank(a));
  const [first] = ranked;
  if (first === undefined)
    return refused({ code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', reason: 'no path' }, [], passedOver);
  const reason = `${first.reason}${detailOf(first)}${pathsText(ranked)}`;
  return refused({ code: first.code, reason }, ranked, passedOver);
}

/** A refusal. Its `reason` also names the first entry of `passedOver`, unless the reason mentions it already. */
export function refused(
  { code, reason }: Failure,
  paths: readonly FailedPath[] = [],
  passedOver: readonly PassedOver[] = [],
): Refusal {
  const more = passedOverText(passedOver.filter((each) => !reason.includes(each.reason)));
  return { ok: false, code, reason: `${reason}${more}`, paths: toLookAt(paths), passedOver };
}

/** Paths share certificates: each is made once. */
function toLookAt(paths: readonly FailedPath[]): readonly FailedPath[] {
  const known = new Map<Certificate, ShownCertificate>();
  const show = (certificate: Certificate): ShownCertificate => {
    const made = known.get(certificate) ?? shown(certificate);
    known.set(certificate, made);
    return made;
  };
  return paths.map((path) => ({ ...path, certificates: path.certificates.map(show) }));
}

function rank(failure: FailedPath): number {
  return isStrangers(failure) ? Number.NEGATIVE_INFINITY : specificity.indexOf(failure.code);
}

/** Least specific first; what is not listed is less specific still. */
const specificity: readonly CertificateErrorCode[] = [
  'CERT_SIGNATURE_FAILURE',
  'UNSUPPORTED_SIGNATURE_ALGORITHM',
  'CA_MD_TOO_WEAK',
  'INVALID_CA',
  'KEYUSAGE_NO_CERTSIGN',
  'PATH_LENGTH_EXCEEDED',
  'INVALID_PURPOSE',
  'CERT_NOT_YET_VALID',
  'CERT_HAS_EXPIRED',
  'CERT_REVOKED',
  // A path that was not tried might have passed.
  'BUDGET_EXCEEDED',
];
