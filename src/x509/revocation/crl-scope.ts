import { equal } from '../../bytes/equal.ts';
import type { Certificate } from '../certificate/certificate.ts';
import {
  allReasons,
  type DistributionPoint,
  type DistributionPointName,
  type IssuingDistributionPoint,
  type ReasonMask,
} from '../certificate/crl-extensions.ts';
import { ExtensionOid, type GeneralName } from '../certificate/extensions.ts';
import { type DistinguishedName, sameName } from '../certificate/names.ts';
import type { CertificateList } from './crl.ts';

/**
 * Whether a list speaks of a certificate through one of its distribution points (RFC 5280 §6.3.3 (b)).
 * @returns the reasons it covers, or why it does not
 */
export function scopeOf(
  list: CertificateList,
  certificate: Certificate,
  point: DistributionPoint,
): ReasonMask | string {
  const idp = list.issuingDistributionPoint;
  const { crlIssuer } = point;
  if (crlIssuer === undefined) {
    if (!sameName(list.issuer, certificate.issuer)) return 'a list of another issuer';
  } else {
    if (!crlIssuer.some((name) => name.type === 'directory' && sameName(name.value, list.issuer))) {
      return 'a list of another issuer than the distribution point names';
    }
    if (idp?.indirectCrl !== true && !sameName(list.issuer, certificate.issuer)) return 'a list that is not indirect';
  }
  if (idp === undefined) return point.reasons ?? allReasons;
  const complaint = wrongKind(idp, certificate) ?? wrongPoint(idp, list, certificate, point);
  return complaint ?? (point.reasons ?? allReasons) & (idp.onlySomeReasons ?? allReasons);
}

function wrongKind(idp: IssuingDistributionPoint, certificate: Certificate): string | undefined {
  if (idp.onlyContainsAttributeCerts) return 'a list of attribute certificates';
  const ca = certificate.basicConstraints?.ca === true;
  if (idp.onlyContainsCaCerts && !ca) return 'a list of CA certificates';
  // A certificate of version 1 does not say which it is.
  if (idp.onlyContainsUserCerts && (ca || certificate.version === 1)) return 'a list of end entity certificates';
  return undefined;
}

/** Whether at least one name is that of the distribution point, or of its CRL issuer where the point has no name. */
function wrongPoint(
  idp: IssuingDistributionPoint,
  list: CertificateList,
  certificate: Certificate,
  { name, crlIssuer }: DistributionPoint,
): string | undefined {
  if (idp.name === undefined) return undefined;
  const listed = namesOf(idp.name, list.issuer);
  const directory = crlIssuer?.find((each) => each.type === 'directory');
  const base = directory?.type === 'directory' ? directory.value : certificate.issuer;
  const wanted = name === undefined ? (crlIssuer ?? []) : namesOf(name, base);
  return listed.some((each) => wanted.some((other) => sameGeneralName(each, other)))
    ? undefined
    : 'a list of another distribution point';
}

function namesOf(name: DistributionPointName, base: DistinguishedName): readonly GeneralName[] {
  if (name.type === 'full') return name.names;
  return [
    { type: 'directory', value: { ...base, rdns: [], key: `${base.key}/${name.rdn.key}`, raw: new Uint8Array(0) } },
  ];
}

function sameGeneralName(a: GeneralName, b: GeneralName): boolean {
  if (a.type === 'directory' && b.type === 'directory') return a.value.key === b.value.key;
  if (typeof a.value === 'string' || typeof b.value === 'string') return a.type === b.type && a.value === b.value;
  return a.value instanceof Uint8Array && b.value instanceof Uint8Array && a.type === b.type && equal(a.value, b.value);
}

/** Whether two lists of one issuer have the same scope, so that one may be the delta of the other (§6.3.3 (c)). */
export function sameScope(a: CertificateList, b: CertificateList): boolean {
  const extension = (list: CertificateList, oid: string): Uint8Array =>
    list.extensions.find((each) => each.oid === oid)?.value ?? new Uint8Array(0);
  return (
    sameName(a.issuer, b.issuer) &&
    [ExtensionOid.issuingDistributionPoint, ExtensionOid.authorityKeyIdentifier].every((oid) =>
      equal(extension(a, oid), extension(b, oid)),
    )
  );
}
