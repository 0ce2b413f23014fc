import type { CertificateErrorCode } from '../../errors.ts';
import { DerError, endOf } from '../asn1/der.ts';
import type { Certificate } from '../certificate/certificate.ts';
import { allReasons, type DistributionPoint, type ReasonMask } from '../certificate/crl-extensions.ts';
import { ExtensionOid } from '../certificate/extensions.ts';
import { type DistinguishedName, sameName } from '../certificate/names.ts';
import { type RevocationStatus, type UnknownStatus, unknownStatus } from '../certificate/revocation-status.ts';
import { keyIdentifierRank, readOrUndefined } from '../path/build.ts';
import { type Signatures, signedData, UnsupportedAlgorithm } from '../path/signatures.ts';
import type { Steps } from '../path/steps.ts';
import { isTooWeak, type Profile } from '../rules/profile.ts';
import type { CertificateList, RevokedCertificate } from './crl.ts';
import { sameScope, scopeOf } from './crl-scope.ts';

/** The lists, and what the check needs to judge them. */
export interface CrlSource {
  readonly lists: readonly CertificateList[];
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Milliseconds after thisUpdate when a list is stale whatever its nextUpdate says. Default: never. */
  readonly maxAge?: number | undefined;
  readonly profile: Profile;
  readonly signatures: Signatures;
  /** Finds the certificates of a name: candidates for the signer of a list. */
  readonly candidates: (name: DistinguishedName) => readonly Certificate[];
  /** Whether a candidate leads to the trust anchor (RFC 5280 §6.3.3 (f)). */
  readonly validate: (candidate: Certificate) => Steps<boolean>;
}

/**
 * What revocation lists say of a certificate (RFC 5280 §6.3.3): for all reasons, or it is unknown.
 * @param issuer the next certificate of the path
 */
export function* crlStatus(certificate: Certificate, issuer: Certificate, source: CrlSource): Steps<RevocationStatus> {
  let covered: ReasonMask = 0;
  let missing = unknownStatus('UNABLE_TO_GET_CRL', 'unable to get certificate CRL');
  // A CA may have revoked the certificate between two lists: of those that are current, the newest decides.
  const lists = [...source.lists].sort((a, b) => b.thisUpdate - a.thisUpdate);
  for (const point of pointsOf(certificate)) {
    for (const list of lists) {
      if (list.deltaCrlIndicator !== undefined) continue;
      const scope = scopeOf(list, certificate, point);
      if (typeof scope === 'string') {
        if (sameName(list.issuer, certificate.issuer)) missing = firstOf(missing, 'DIFFERENT_CRL_SCOPE', scope);
        continue;
      }
      // Earlier lists already cover these reasons.
      if ((scope & ~covered) === 0) continue;
      const said = yield* consult(list, certificate, issuer, source);
      if (said.status === 'revoked') return said;
      if (said.status === 'unknown') missing = firstOf(missing, said.code, said.reason);
      else covered |= scope;
      if (covered === allReasons) return said;
    }
  }
  return missing;
}

/** Keeps the first complaint. */
function firstOf(before: UnknownStatus, code: CertificateErrorCode, reason: string): UnknownStatus {
  return before.code === 'UNABLE_TO_GET_CRL' ? unknownStatus(code, reason) : before;
}

/** §6.3.3: those the certificate names, and after them any list of its issuer. */
function pointsOf(certificate: Certificate): readonly DistributionPoint[] {
  const named = certificate.crlDistributionPoints ?? [];
  const issuer = { type: 'directory', value: certificate.issuer } as const;
  return [...named, { name: { type: 'full', names: [issuer] }, reasons: undefined, crlIssuer: undefined }];
}

/** A certificate that a list revokes stays revoked, even where the list is out of date or of a form that the profile refuses. */
const stillRevokes: ReadonlySet<CertificateErrorCode> = new Set(['CRL_HAS_EXPIRED', 'INVALID_CRL']);

/** One complete list, with the newest delta to it. */
function* consult(
  list: CertificateList,
  certificate: Certificate,
  issuer: Certificate,
  source: CrlSource,
): Steps<RevocationStatus> {
  try {
    const complaint = complaintAbout(list, source);
    if (complaint !== undefined && !stillRevokes.has(complaint.code)) return complaint;
    const unsigned = yield* checkSigner(list, issuer, source);
    if (unsigned !== undefined) return complaint ?? unsigned;
    const entry = list.find(certificate.serialNumber, certificate.issuer);
    const delta = yield* newestDelta(list, issuer, source);
    const said = statusBy(delta?.find(certificate.serialNumber, certificate.issuer), entry);
    return said.status === 'revoked' ? said : (complaint ?? said);
  } catch (error) {
    if (error instanceof UnsupportedAlgorithm) return unknownStatus('UNSUPPORTED_SIGNATURE_ALGORITHM', error.message);
    if (!(error instanceof DerError)) throw error;
    return unknownStatus('INVALID_CRL', `the revocation list is malformed: ${error.message}`);
  }
}

/** §6.3.3 (i) to (k): a delta's word is later than that of its base. */
function statusBy(later: RevokedCertificate | undefined, earlier: RevokedCertificate | undefined): RevocationStatus {
  const entry = later ?? earlier;
  if (entry === undefined || entry.reason === 'removeFromCRL') return { status: 'good' };
  return { status: 'revoked', reason: entry.reason, date: entry.revocationDate };
}

/** RFC 5280 §6.3.3 (a), and the defects of a list that forbid to rely on it. */
function complaintAbout(list: CertificateList, source: CrlSource): UnknownStatus | undefined {
  const { time, maxAge = Number.POSITIVE_INFINITY, profile } = source;
  if (list.thisUpdate > time) return unknownStatus('CRL_NOT_YET_VALID', 'CRL is not yet valid');
  // nextUpdate names a whole second.
  const expired = list.nextUpdate !== undefined && time >= endOf(list.nextUpdate);
  if (expired || time - list.thisUpdate > maxAge) return unknownStatus('CRL_HAS_EXPIRED', 'CRL has expired');
  if (list.unhandledExtension !== undefined) {
    return unknownStatus('UNHANDLED_CRITICAL_CRL_EXTENSION', `unhandled critical extension ${list.unhandledExtension}`);
  }
  if (list.signature.algorithm === undefined || isTooWeak(list.signature.algorithm, profile)) {
    return unknownStatus(
      'CRL_SIGNATURE_FAILURE',
      `a list signed by ${list.signature.algorithm ?? list.signature.unsupported}`,
    );
  }
  const wrong = (profile.strict ? wrongForm(list) : undefined) ?? (profile.baseline ? wrongPointName(list) : undefined);
  return wrong === undefined ? undefined : unknownStatus('INVALID_CRL', wrong);
}

/** The demands of RFC 5280 §5.1.2.4 to §5.1.2.6 and §5.2.3 on the issuer of a list, for strict profiles. */
function wrongForm(list: CertificateList): string | undefined {
  if (list.nextUpdate === undefined) return 'a list without nextUpdate';
  if (list.crlNumber === undefined) return 'a list without a number';
  if (list.earlyGeneralizedTime) return 'a list with a GeneralizedTime before 2050';
  if (list.repeats) return 'a list that has a serial number twice';
  const number = list.extensions.find(({ oid }) => oid === ExtensionOid.crlNumber);
  return number?.critical === true ? 'a list whose number is critical' : undefined;
}

/** CA/Browser Forum Baseline Requirements §7.2.2.1: the distribution point is named by a URI. */
function wrongPointName({ issuingDistributionPoint }: CertificateList): string | undefined {
  const name = issuingDistributionPoint?.name;
  const uris = name === undefined || (name.type === 'full' && name.names.every(({ type }) => type === 'uri'));
  return uris ? undefined : 'a list whose distribution point is no URI';
}

/** RFC 5280 §6.3.3 (f) and (g): undefined where an authorised signer has signed the list. */
function* checkSigner(list: CertificateList, issuer: Certificate, source: CrlSource): Steps<UnknownStatus | undefined> {
  const signed = signedData(list);
  if (signed === undefined)
    return unknownStatus('CRL_SIGNATURE_FAILURE', `a list signed by ${list.signature.unsupported}`);
  let complaint = unknownStatus('UNABLE_TO_GET_CRL_ISSUER', 'unable to get CRL issuer certificate');
  for (const signer of signersOf(list, issuer, source)) {
    if (readOrUndefined(() => signer.keyUsage?.has('cRLSign') ?? true) !== true) {
      complaint = unknownStatus('KEYUSAGE_NO_CRL_SIGN', 'key usage does not include CRL signing');
      continue;
    }
    if (!(yield* source.signatures.verify(signer.spki, signed))) {
      complaint = unknownStatus('CRL_SIGNATURE_FAILURE', 'CRL signature failure');
    } else if (signer === issuer || (yield* source.validate(signer))) return undefined;
    else complaint = unknownStatus('CRL_PATH_VALIDATION_ERROR', 'CRL path validation error');
  }
  return complaint;
}

/** By what the list says of its signer's key; among equals the issuer of the certificate, whose path stands, first. */
function signersOf(list: CertificateList, issuer: Certificate, source: CrlSource): readonly Certificate[] {
  const others = source.candidates(list.issuer).filter((candidate) => candidate !== issuer);
  const signers = sameName(issuer.subject, list.issuer) ? [issuer, ...others] : others;
  if (signers.length < 2) return signers;
  const score = (signer: Certificate): number => keyIdentifierRank(signer, list.authorityKeyIdentifier);
  return [...signers].sort((a, b) => score(a) - score(b));
}

/** §6.3.3 (c), (d) and (h) */
function* newestDelta(
  list: CertificateList,
  issuer: Certificate,
  source: CrlSource,
): Steps<CertificateList | undefined> {
  const base = numberOf(list.crlNumber);
  if (base === undefined) return undefined;
  const fitting = source.lists.filter((delta) => {
    const from = numberOf(delta.deltaCrlIndicator);
    const number = numberOf(delta.crlNumber);
    return from !== undefined && number !== undefined && from <= base && number > base && sameScope(delta, list);
  });
  for (const delta of fitting.sort((a, b) => b.thisUpdate - a.thisUpdate)) {
    const complaint = complaintAbout(delta, source) ?? (yield* checkSigner(delta, issuer, source));
    if (complaint === undefined) return delta;
  }
  return undefined;
}

function numberOf(bytes: Uint8Array | undefined): bigint | undefined {
  return bytes?.reduce((value, byte) => value * 256n + BigInt(byte), 0n);
}
