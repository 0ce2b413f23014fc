import { DerError, endOf } from '../asn1/der.ts';
import { type Certificate, isSelfIssued } from '../certificate/certificate.ts';
import { ExtensionOid, ExtKeyUsageOid, type GeneralName } from '../certificate/extensions.ts';
import { qualifiersAreKnown } from '../certificate/policy-extensions.ts';
import type { Budget, Path } from '../path/build.ts';
import { wrongNames } from './baseline.ts';
import { CheckFailure, unreadable } from './check-failure.ts';
import { checkNames } from './constraints.ts';
import { isTooWeak, type Profile } from './profile.ts';

/** The purpose that the leaf must be for (RFC 5280 §4.2.1.12); with `any`, extKeyUsage is not looked at. */
export type Purpose = 'server' | 'client' | 'email' | 'codeSigning' | 'timeStamping' | 'any';

export interface PathTerms {
  readonly purpose: Purpose;
  readonly time: number;
  /** Names that the caller takes the leaf for besides those that constraints bind anyway. */
  readonly reliedOn?: ((leaf: Certificate) => readonly GeneralName[]) | undefined;
}

/**
 * All of RFC 5280 §6.1 that needs no public-key operation, on a path with its anchor last.
 * @throws CheckFailure for the first rule that fails
 */
export function checkPath(path: Path, { purpose, time, reliedOn }: PathTerms, profile: Profile, budget: Budget): void {
  // OpenSSL reports a wrong time before any other defect of a certificate.
  for (const [i, certificate] of path.entries()) checkTime(certificate, time, i);
  path.forEach((certificate, i) => {
    reading(i, () => {
      checkCritical(certificate, i);
      checkKey(certificate, profile, i);
      if (i < path.length - 1) checkAlgorithm(certificate, profile, i);
      if (i > 0) checkIssuerKey(certificate, i);
      if (i > 0) checkCa(certificate, i, path);
      if (profile.strict && i < path.length - 1) checkForm(certificate, i);
      if (profile.strict && i > 0) checkFeatures(certificate, path[i - 1], i - 1);
      if (i === 0 && path.length > 1) checkLeaf(certificate, purpose, profile);
      checkPurpose(certificate, purpose, profile, i, i === path.length - 1);
      if (i > 0) checkConstraints(certificate, path.slice(0, i), { budget, reliedOn }, i);
    });
  });
}

/** RFC 5280 §4.1.2.5: both ends are included. */
export function checkTime(certificate: Certificate, time: number, at: number): void {
  if (time < certificate.notBefore) throw new CheckFailure('CERT_NOT_YET_VALID', 'certificate is not yet valid', at);
  // notAfter names a whole second.
  if (time >= endOf(certificate.notAfter)) throw new CheckFailure('CERT_HAS_EXPIRED', 'certificate has expired', at);
}

/** RFC 5280 §4.2: an unrecognised critical extension is a reason to refuse. */
function checkCritical(certificate: Certificate, at: number): void {
  const unknown = certificate.extensions.find(({ critical, oid }) => critical && !isHandled(oid, certificate));
  if (unknown === undefined) return;
  throw new CheckFailure('UNHANDLED_CRITICAL_EXTENSION', `unhandled critical extension ${unknown.oid}`, at);
}

/** Read here already, so that a critical extension that is malformed is refused where nothing else looks at it. */
function isHandled(oid: string, certificate: Certificate): boolean {
  // RFC 5280 §4.2.1.4: where policies are critical, their qualifiers must be understood, too.
  if (oid === ExtensionOid.certificatePolicies)
    return certificate.certificatePolicies?.every(qualifiersAreKnown) === true;
  const getter = handled.get(oid);
  return getter !== undefined && certificate[getter] !== undefined;
}

function checkKey({ publicKey }: Certificate, profile: Profile, at: number): void {
  if (publicKey.algorithm !== 'rsa' && publicKey.algorithm !== 'rsa-pss') return;
  if (profile.strict && publicKey.bits % 8 !== 0) {
    throw new CheckFailure('INVALID_CERTIFICATE', `an RSA key of ${publicKey.bits} bits, not whole bytes`, at);
  }
  if (publicKey.bits >= profile.minRsaBits) return;
  const code = at === 0 ? 'EE_KEY_TOO_SMALL' : 'CA_KEY_TOO_SMALL';
  throw new CheckFailure(code, `an RSA key of ${publicKey.bits} bits is too small`, at);
}

/** RFC 9846 §4.5.1.3 of MD5 and SHA-1; an anchor's own signature is not looked at. */
function checkAlgorithm({ signature }: Certificate, profile: Profile, at: number): void {
  if (signature.algorithm === undefined) {
    throw new CheckFailure(
      'UNSUPPORTED_SIGNATURE_ALGORITHM',
      `unsupported signature algorithm ${signature.unsupported}`,
      at,
    );
  }
  // CA/Browser Forum Baseline Requirements §7.1.3.2.1 have one salt length for each hash.
  if (profile.baseline && signature.saltLength !== undefined) {
    const text = `an RSASSA-PSS signature with a salt of ${signature.saltLength} bytes`;
    throw new CheckFailure('UNSUPPORTED_SIGNATURE_ALGORITHM', text, at);
  }
  if (isTooWeak(signature.algorithm, profile)) {
    throw new CheckFailure('CA_MD_TOO_WEAK', 'CA signature digest algorithm too weak', at);
  }
}

/** Tells a key that no provider can verify with from a signature that is false. */
function checkIssuerKey({ publicKey }: Certificate, at: number): void {
  if (publicKey.algorithm !== 'unknown') return;
  const text = `signed with a key of an unsupported kind: ${publicKey.unsupported}`;
  throw new CheckFailure('UNSUPPORTED_SIGNATURE_ALGORITHM', text, at);
}

/** RFC 5280 §6.1.4 (k) to (n). */
function checkCa(certificate: Certificate, at: number, path: Path): void {
  const { basicConstraints, keyUsage } = certificate;
  // A root of version 1 has no extensions, and other roots leave some out: an anchor is trusted as it is.
  const silentAnchor = basicConstraints === undefined && (certificate.version === 1 || keyUsage !== undefined);
  const isCa = basicConstraints?.ca === true || (silentAnchor && at === path.length - 1);
  if (keyUsage !== undefined && !keyUsage.has('keyCertSign')) {
    throw new CheckFailure('KEYUSAGE_NO_CERTSIGN', 'key usage does not include certificate signing', at);
  }
  if (!isCa) throw new CheckFailure('INVALID_CA', 'invalid CA certificate', at);
  const limit = basicConstraints?.pathLength;
  // RFC 5280 §4.2.1.9: intermediates below, self-issued ones and the leaf not counted.
  const below = path.slice(1, at).filter((member) => !isSelfIssued(member)).length;
  if (limit !== undefined && below > limit) {
    throw new CheckFailure('PATH_LENGTH_EXCEEDED', 'path length constraint exceeded', at);
  }
}

/** Checks the demands of RFC 5280 on issuers; an anchor is trusted as it is. */
function checkForm(certificate: Certificate, at: number): void {
  const ca = certificate.basicConstraints?.ca === true;
  const wrong = (ca ? wrongInCa(certificate) : wrongInEndEntity(certificate)) ?? wrongUsage(certificate);
  // RFC 5280 §4.2.1.6
  const nameless = certificate.subject.rdns.length === 0 && !isCritical(certificate, ExtensionOid.subjectAltName);
  const complaint =
    wrong ??
    wrongSerial(certificate) ??
    wrongTime(certificate) ??
    (nameless ? 'neither a subject nor a critical subjectAltName' : undefined);
  if (complaint !== undefined) throw new CheckFailure('INVALID_EXTENSION', complaint, at);
}

/**
 * A serial number is not negative and has at most 20 octets, not counting a sign octet (RFC 5280 §4.1.2.2). Zero passes:
 * authorities have issued it.
 */
function wrongSerial({ serialNumber }: Certificate): string | undefined {
  const [first = 0] = serialNumber;
  if (first >= 0x80) return 'a negative serial number';
  return serialNumber.length > (first === 0 ? 21 : 20) ? 'a serial number of more than 20 octets' : undefined;
}

/** RFC 5280 §4.1.2.5. §4.1.2.5 also has readers take either form: profiles that are not strict do. */
function wrongTime({ earlyGeneralizedTime }: Certificate): string | undefined {
  return earlyGeneralizedTime ? 'a GeneralizedTime before 2050' : undefined;
}

function wrongInCa({ subjectKeyIdentifier }: Certificate): string | undefined {
  // RFC 5280 §4.2.1.2
  return subjectKeyIdentifier === undefined ? 'a CA certificate without subjectKeyIdentifier' : undefined;
}

function wrongInEndEntity({ keyUsage, nameConstraints }: Certificate): string | undefined {
  // RFC 5280 §4.2.1.3 and §4.2.1.10
  if (keyUsage?.has('keyCertSign') === true) return 'keyCertSign in a certificate that is no CA';
  return nameConstraints === undefined ? undefined : 'name constraints in a certificate that is no CA';
}

/** RFC 9881 §5. RFC 9295 asks the same of the Edwards curves, but private authorities in use do not heed it. */
function wrongUsage({ keyUsage, publicKey }: Certificate): string | undefined {
  if (keyUsage === undefined || !publicKey.algorithm.startsWith('ml_dsa')) return undefined;
  const wrong = encrypting.find((usage) => keyUsage.has(usage));
  return wrong && `${wrong} for a key that only signs`;
}

const encrypting = ['keyEncipherment', 'dataEncipherment', 'keyAgreement', 'encipherOnly', 'decipherOnly'] as const;

function isCritical({ extensions }: Certificate, oid: string): boolean {
  return extensions.some((extension) => extension.oid === oid && extension.critical);
}

/** Of these usages the leaf's key must have one, where it has keyUsage (RFC 5280 §4.2.1.3): OpenSSL's table. */
const wantedUsages = {
  server: ['digitalSignature', 'keyEncipherment', 'keyAgreement'],
  client: ['digitalSignature', 'keyAgreement'],
} as const;

/** Checks a leaf beyond its purpose, unless it is an anchor itself. */
function checkLeaf(leaf: Certificate, purpose: Purpose, profile: Profile): void {
  if (!profile.caAsLeaf && leaf.basicConstraints?.ca === true) {
    throw new CheckFailure('INVALID_CA', 'a CA certificate where an end entity is due', 0);
  }
  const complaint = profile.baseline && purpose === 'server' ? wrongNames(leaf, profile) : undefined;
  if (complaint !== undefined) throw new CheckFailure('INVALID_EXTENSION', complaint, 0);
}

function checkPurpose(certificate: Certificate, purpose: Purpose, profile: Profile, at: number, anchor: boolean): void {
  if (purpose === 'any') return;
  const fit =
    at === 0 ? leafFits(certificate, purpose, profile, anchor) : caFits(certificate, purpose, profile, anchor);
  if (!fit) throw new CheckFailure('INVALID_PURPOSE', 'unsuitable certificate purpose', at);
}

type Wanted = Exclude<Purpose, 'any'>;

function leafFits({ keyUsage, extKeyUsage }: Certificate, purpose: Wanted, profile: Profile, anchor: boolean): boolean {
  const { anyInLeaf, inLeaf, incompatible } = profile.extKeyUsage;
  const wanted = wantedPurpose[purpose];
  const usages = purpose === 'server' || purpose === 'client' ? wantedUsages[purpose] : undefined;
  const unusable = keyUsage !== undefined && usages?.some((usage) => keyUsage.has(usage)) === false;
  if (profile.leafUsage && unusable) return false;
  if (extKeyUsage === undefined) return anchor || inLeaf === 'optional';
  if (incompatible.some((other) => other !== wanted && extKeyUsage.includes(other))) return false;
  return extKeyUsage.includes(wanted) || (anyInLeaf && extKeyUsage.includes(ExtKeyUsageOid.any));
}

function caFits({ extKeyUsage }: Certificate, purpose: Wanted, profile: Profile, anchor: boolean): boolean {
  const { anyInCa, inCa } = profile.extKeyUsage;
  if (extKeyUsage === undefined) return anchor || inCa === 'optional';
  return extKeyUsage.includes(wantedPurpose[purpose]) || (anyInCa && extKeyUsage.includes(ExtKeyUsageOid.any));
}

/** RFC 7633 §4.2.2: a certificate has every TLS feature that its issuer's certificate has. */
function checkFeatures({ tlsFeature = [] }: Certificate, child: Certificate | undefined, at: number): void {
  const missing = tlsFeature.find((feature) => child?.tlsFeature?.includes(feature) !== true);
  if (missing === undefined) return;
  throw new CheckFailure('INVALID_EXTENSION', `without the TLS feature ${missing} that its issuer demands`, at);
}

/** RFC 5280 §6.1.3 (b) and (c): every certificate below, but for self-issued intermediates. */
function checkConstraints(
  { nameConstraints }: Certificate,
  below: Path,
  { budget, reliedOn }: Pick<PathTerms, 'reliedOn'> & { readonly budget: Budget },
  at: number,
): void {
  if (nameConstraints === undefined) return;
  below.forEach((certificate, i) => {
    if (i > 0 && isSelfIssued(certificate)) return;
    const more = i === 0 ? reliedOn?.(certificate) : undefined;
    switch (checkNames(nameConstraints, certificate, (length) => budget.spendNameComparison(length), more)) {
      case 'permitted':
        throw new CheckFailure('PERMITTED_VIOLATION', 'permitted subtree violation', i);
      case 'excluded':
        throw new CheckFailure('EXCLUDED_VIOLATION', 'excluded subtree violation', i);
      case 'unsupported':
        throw new CheckFailure('UNHANDLED_CRITICAL_EXTENSION', 'unsupported name constraint type', at);
    }
  });
}

const wantedPurpose = {
  server: ExtKeyUsageOid.serverAuth,
  client: ExtKeyUsageOid.clientAuth,
  email: ExtKeyUsageOid.emailProtection,
  codeSigning: ExtKeyUsageOid.codeSigning,
  timeStamping: ExtKeyUsageOid.timeStamping,
} as const;

/** Extensions and keys are parsed when first used: a malformed one fails the path that uses it. */
function reading(at: number, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    const { code, reason } = unreadable(error);
    throw new CheckFailure(code, reason, at);
  }
}

/** Extensions that are enforced, and where they are read. */
const handled: ReadonlyMap<string, keyof Certificate> = new Map([
  [ExtensionOid.basicConstraints, 'basicConstraints'],
  [ExtensionOid.keyUsage, 'keyUsage'],
  [ExtensionOid.extKeyUsage, 'extKeyUsage'],
  [ExtensionOid.subjectAltName, 'subjectAltName'],
  [ExtensionOid.nameConstraints, 'nameConstraints'],
  [ExtensionOid.policyMappings, 'policyMappings'],
  [ExtensionOid.policyConstraints, 'policyConstraints'],
  [ExtensionOid.inhibitAnyPolicy, 'inhibitAnyPolicy'],
]);
