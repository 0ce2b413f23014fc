import { equal } from '../../bytes/equal.ts';
import { type Rule, wrong } from '../../options.ts';
import {
  context,
  type DerElement,
  DerError,
  type DerReader,
  FieldError,
  isEarlyGeneralizedTime,
  keyField,
  readBitString,
  readTime,
  Tag,
} from '../asn1/der.ts';
import { type DistributionPoint, parseCrlDistributionPoints } from './crl-extensions.ts';
import {
  type AccessDescription,
  type AuthorityKeyIdentifier,
  type BasicConstraints,
  type CertificateExtension,
  type DirectoryAttribute,
  ExtensionOid,
  type GeneralName,
  type KeyUsage,
  type NameConstraints,
  parseAuthorityKeyIdentifier,
  parseBasicConstraints,
  parseExtensions,
  parseExtKeyUsage,
  parseGeneralNames,
  parseInfoAccess,
  parseKeyUsage,
  parseNameConstraints,
  parseSctList,
  parseSubjectDirectoryAttributes,
  parseSubjectKeyIdentifier,
  parseTlsFeature,
  readableGeneralNames,
  readableInfoAccess,
} from './extensions.ts';
import { type DistinguishedName, parseName } from './names.ts';
import {
  type PolicyConstraints,
  type PolicyInformation,
  type PolicyMapping,
  parseCertificatePolicies,
  parseInhibitAnyPolicy,
  parsePolicyConstraints,
  parsePolicyMappings,
} from './policy-extensions.ts';
import { type CertificateSignature, readSigned, readWhole } from './signed-object.ts';
import { type PublicKeyInfo, parseSpki } from './spki.ts';

/** The fields of a certificate that every path needs (RFC 5280 §4.1): they are read at once. */
export interface CertificateFields {
  readonly raw: Uint8Array;
  /** The signed part, header included. */
  readonly tbs: Uint8Array;
  readonly version: 1 | 2 | 3;
  /** Content octets of the INTEGER. */
  readonly serialNumber: Uint8Array;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  /** Milliseconds since 1970, both inclusive. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Whether `notBefore` or `notAfter` is a GeneralizedTime before 2050, where RFC 5280 §4.1.2.5 demands UTCTime. */
  readonly earlyGeneralizedTime: boolean;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  readonly signature: CertificateSignature;
  /** Bits of UniqueIdentifier (RFC 5280 §4.1.2.8), which no CA issues any more. */
  readonly issuerUniqueId: Uint8Array | undefined;
  readonly subjectUniqueId: Uint8Array | undefined;
  readonly extensions: readonly CertificateExtension[];
}

/**
 * An X.509 certificate (RFC 5280 §4.1), to judge by. What every path needs is read at once; the key and extensions are
 * read when they are used and throw DerError then if they are malformed. Byte fields are views of `raw`.
 */
export interface Certificate extends CertificateFields {
  readonly publicKey: PublicKeyInfo;
  readonly basicConstraints: BasicConstraints | undefined;
  readonly keyUsage: KeyUsage | undefined;
  readonly extKeyUsage: readonly string[] | undefined;
  readonly subjectAltName: readonly GeneralName[] | undefined;
  readonly nameConstraints: NameConstraints | undefined;
  readonly authorityKeyIdentifier: AuthorityKeyIdentifier | undefined;
  readonly subjectKeyIdentifier: Uint8Array | undefined;
  readonly authorityInfoAccess: readonly AccessDescription[] | undefined;
  readonly subjectInfoAccess: readonly AccessDescription[] | undefined;
  readonly issuerAltName: readonly GeneralName[] | undefined;
  readonly subjectDirectoryAttributes: readonly DirectoryAttribute[] | undefined;
  readonly crlDistributionPoints: readonly DistributionPoint[] | undefined;
  readonly tlsFeature: readonly number[] | undefined;
  /** SignedCertificateTimestampList as TLS has it (RFC 6962 §3.3). */
  readonly sctList: Uint8Array | undefined;
  readonly certificatePolicies: readonly PolicyInformation[] | undefined;
  readonly policyMappings: readonly PolicyMapping[] | undefined;
  readonly policyConstraints: PolicyConstraints | undefined;
  readonly inhibitAnyPolicy: number | undefined;
  readonly freshestCrl: readonly DistributionPoint[] | undefined;
}

/** A field of a certificate that breaks its syntax. */
export interface UnreadableField {
  /** As {@link Certificate} has it, 'subjectPublicKeyInfo', or 'certificate' for the whole. */
  readonly field: string;
  readonly reason: string;
}

/**
 * A certificate to look at, not to judge by: no getter throws. What cannot be read is undefined as if it were not there
 * (a key: `unknown`; a time: before all or after all, so that the certificate is never valid), and `unreadable` says so.
 * Names that break their syntax and can still be split are shown as they are written.
 */
export interface ShownCertificate extends Certificate {
  readonly unreadable: readonly UnreadableField[];
}

/** A certificate of more bytes is not read. The largest in the web PKI take about 10 KiB. */
export const MAX_CERTIFICATE = 0x1_0000;

/**
 * Reads a certificate that is to be judged.
 * @param der one certificate; kept, not copied
 * @throws TlsError INVALID_CERTIFICATE, whose message says what is wrong
 *
 * @example
 * ```js
 * import { nameText, parseCertificate } from 'opentls/x509';
 *
 * const certificate = parseCertificate(chain[0]);
 * console.log(nameText(certificate.subject)); // CN=localhost
 * ```
 */
export function parseCertificate(der: Uint8Array): Certificate {
  const what = { name: 'certificate', code: 'INVALID_CERTIFICATE', alert: 'bad_certificate' } as const;
  return readWhole(der, MAX_CERTIFICATE, what, (reader) => Object.freeze(parse(der, reader)));
}

/** A certificate of fields that were not read together: how a trust anchor takes part in a path. */
export function certificateOf(fields: CertificateFields): Certificate {
  return Object.freeze(new ParsedCertificate(fields));
}

/** The same certificate for display. @param unreadable the fields that were found to be broken before */
export function shown(fields: CertificateFields, unreadable: readonly UnreadableField[] = []): ShownCertificate {
  return Object.freeze(new ParsedCertificate(fields, unreadable));
}

export function isSelfIssued(certificate: Pick<Certificate, 'issuer' | 'subject'>): boolean {
  return equal(certificate.issuer.raw, certificate.subject.raw);
}

function parse(raw: Uint8Array, reader: DerReader): Certificate {
  const { tbs, body, algorithm, signature } = readSigned(reader);
  reader.end();
  const { algorithm: inner, ...fields } = parseTbs(body);
  // RFC 5280 §4.1.1.2
  if (!equal(inner, algorithm)) throw new DerError('two different signature algorithms');
  return new ParsedCertificate({ ...fields, raw, tbs, signature });
}

type TbsFields = Omit<CertificateFields, 'raw' | 'tbs' | 'signature'> & { readonly algorithm: Uint8Array };

/** TBSCertificate, RFC 5280 §4.1 */
function parseTbs(tbs: DerReader): TbsFields {
  const version = parseVersion(tbs);
  const serialNumber = tbs.integerBytes();
  const algorithm = tbs.element(Tag.sequence).raw;
  const issuer = parseName(tbs.element(Tag.sequence).raw);
  const validity = tbs.sequence();
  const [from, to] = [timeElement(validity), timeElement(validity)];
  validity.end();
  const notBefore = readTime(from);
  const notAfter = readTime(to);
  const earlyGeneralizedTime = isEarlyGeneralizedTime(from) || isEarlyGeneralizedTime(to);
  const subject = parseName(tbs.element(Tag.sequence).raw);
  const spki = tbs.element(Tag.sequence).raw;
  const issuerUniqueId = readUniqueId(tbs.optional(context(1, 'primitive')));
  const subjectUniqueId = readUniqueId(tbs.optional(context(2, 'primitive')));
  if (version === 1 && (issuerUniqueId ?? subjectUniqueId) !== undefined)
    throw new DerError('unique identifiers in version 1');
  const wrapped = tbs.enterOptional(context(3, 'constructed'));
  tbs.end();
  if (wrapped !== undefined && version !== 3) throw new DerError('extensions in a certificate that is not version 3');
  const extensions = wrapped === undefined ? [] : parseExtensions(wrapped);
  const validityFields = { notBefore, notAfter, earlyGeneralizedTime };
  const uniqueIds = { issuerUniqueId, subjectUniqueId };
  return { version, serialNumber, algorithm, issuer, subject, ...validityFields, spki, ...uniqueIds, extensions };
}

export function readUniqueId(element: DerElement | undefined): Uint8Array | undefined {
  return element && readBitString(element.content).bytes;
}

export function parseVersion(tbs: DerReader): 1 | 2 | 3 {
  const wrapped = tbs.enterOptional(context(0, 'constructed'));
  if (wrapped === undefined) return 1;
  const version = wrapped.smallInteger();
  wrapped.end();
  // DER leaves a default out: version 1 is never written.
  if (version === 1) return 2;
  if (version === 2) return 3;
  throw new DerError(`certificate version ${version + 1}`);
}

function timeElement(validity: DerReader) {
  const element = validity.element();
  if (element.tag !== Tag.utcTime && element.tag !== Tag.generalizedTime)
    throw new DerError('a validity that is no time');
  return element;
}

/** Has the fields that it is given: so that {@link CertificateFields} lists them once. */
const WithFields = class {
  constructor(fields: CertificateFields) {
    Object.assign(this, fields);
  }
} as new (
  fields: CertificateFields,
) => CertificateFields;

/**
 * A certificate that reads each extension once, when it is first asked for, also where the reading fails. One for display
 * has a list of the fields that were found to be broken before; one to judge by has none.
 */
class ParsedCertificate extends WithFields implements ShownCertificate {
  readonly #read: Map<string, Reading> = new Map();
  readonly #found: readonly UnreadableField[] | undefined;

  constructor(fields: CertificateFields, found?: readonly UnreadableField[]) {
    super(fields);
    this.#found = found;
  }

  get unreadable(): readonly UnreadableField[] {
    for (const field of readLater) tolerate(() => this[field]);
    const failed = [...this.#read].flatMap(([field, { error }]) => {
      return error === undefined ? [] : [{ field, reason: error.reason }];
    });
    return [...(this.#found ?? []), ...failed];
  }

  get publicKey(): PublicKeyInfo {
    return this.#once(
      keyField,
      () => parseSpki(this.spki),
      () => unknownKey,
    );
  }

  get basicConstraints(): BasicConstraints | undefined {
    return this.#extension(ExtensionOid.basicConstraints, parseBasicConstraints);
  }

  get keyUsage(): KeyUsage | undefined {
    return this.#extension(ExtensionOid.keyUsage, parseKeyUsage);
  }

  get extKeyUsage(): readonly string[] | undefined {
    return this.#extension(ExtensionOid.extKeyUsage, parseExtKeyUsage);
  }

  get subjectAltName(): readonly GeneralName[] | undefined {
    return this.#extension(ExtensionOid.subjectAltName, parseGeneralNames, readableGeneralNames);
  }

  get nameConstraints(): NameConstraints | undefined {
    return this.#extension(ExtensionOid.nameConstraints, parseNameConstraints);
  }

  get authorityKeyIdentifier(): AuthorityKeyIdentifier | undefined {
    return this.#extension(ExtensionOid.authorityKeyIdentifier, parseAuthorityKeyIdentifier);
  }

  get subjectKeyIdentifier(): Uint8Array | undefined {
    return this.#extension(ExtensionOid.subjectKeyIdentifier, parseSubjectKeyIdentifier);
  }

  get authorityInfoAccess(): readonly AccessDescription[] | undefined {
    return this.#extension(ExtensionOid.authorityInfoAccess, parseInfoAccess, readableInfoAccess);
  }

  get subjectInfoAccess(): readonly AccessDescription[] | undefined {
    return this.#extension(ExtensionOid.subjectInfoAccess, parseInfoAccess, readableInfoAccess);
  }

  get issuerAltName(): readonly GeneralName[] | undefined {
    return this.#extension(ExtensionOid.issuerAltName, parseGeneralNames, readableGeneralNames);
  }

  get subjectDirectoryAttributes(): readonly DirectoryAttribute[] | undefined {
    return this.#extension(ExtensionOid.subjectDirectoryAttributes, parseSubjectDirectoryAttributes);
  }

  get tlsFeature(): readonly number[] | undefined {
    return this.#extension(ExtensionOid.tlsFeature, parseTlsFeature);
  }

  get sctList(): Uint8Array | undefined {
    return this.#extension(ExtensionOid.sctList, parseSctList);
  }

  get certificatePolicies(): readonly PolicyInformation[] | undefined {
    return this.#extension(ExtensionOid.certificatePolicies, parseCertificatePolicies);
  }

  get policyMappings(): readonly PolicyMapping[] | undefined {
    return this.#extension(ExtensionOid.policyMappings, parsePolicyMappings);
  }

  get policyConstraints(): PolicyConstraints | undefined {
    return this.#extension(ExtensionOid.policyConstraints, parsePolicyConstraints);
  }

  get inhibitAnyPolicy(): number | undefined {
    return this.#extension(ExtensionOid.inhibitAnyPolicy, parseInhibitAnyPolicy);
  }

  get crlDistributionPoints(): readonly DistributionPoint[] | undefined {
    return this.#extension(ExtensionOid.crlDistributionPoints, parseCrlDistributionPoints);
  }

  get freshestCrl(): readonly DistributionPoint[] | undefined {
    return this.#extension(ExtensionOid.freshestCrl, parseCrlDistributionPoints);
  }

  /** @param readable reads what a display can show of a value that breaks its syntax */
  #extension<T>(
    oid: string,
    parseValue: (der: Uint8Array) => T,
    readable: (der: Uint8Array) => T | undefined = () => undefined,
  ): T | undefined {
    const extension = this.extensions.find((candidate) => candidate.oid === oid);
    if (extension === undefined) return undefined;
    const { value } = extension;
    return this.#once<T | undefined>(
      extensionNames.get(oid) ?? oid,
      () => parseValue(value),
      () => readable(value),
    );
  }

  #once<T>(field: string, read: () => T, shownInstead: () => T): T {
    const known = this.#read.get(field) ?? attempt(field, read);
    this.#read.set(field, known);
    if (known.error === undefined) return known.value as T;
    if (this.#found === undefined) throw known.error;
    return shownInstead();
  }
}

type Reading = { readonly value: unknown; readonly error?: undefined } | { readonly error: FieldError };

function attempt(field: string, read: () => unknown): Reading {
  try {
    return { value: read() };
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return { error: new FieldError(field, error.message) };
  }
}

/** A reading that failed is remembered with its error. */
function tolerate(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
  }
}

/** By the names of {@link Certificate}. */
const extensionNames: ReadonlyMap<string, string> = new Map(
  Object.entries(ExtensionOid).map(([name, oid]) => [oid, name]),
);

/** A certificate that was read: its bytes, or PEM, are what people give in its place. */
export const certificateRead: Rule<Certificate> = (value, name) => {
  if (typeof value === 'object' && value !== null && Reflect.get(value, 'raw') instanceof Uint8Array) {
    return value as Certificate;
  }
  return wrong(name, 'a certificate that parseCertificate() has read', value);
};

const readLater = [
  'publicKey',
  'basicConstraints',
  'keyUsage',
  'extKeyUsage',
  'subjectAltName',
  'nameConstraints',
  'authorityKeyIdentifier',
  'subjectKeyIdentifier',
  'authorityInfoAccess',
  'subjectInfoAccess',
  'issuerAltName',
  'subjectDirectoryAttributes',
  'crlDistributionPoints',
  'tlsFeature',
  'sctList',
  'certificatePolicies',
  'policyMappings',
  'policyConstraints',
  'inhibitAnyPolicy',
  'freshestCrl',
] as const satisfies readonly (keyof Certificate)[];

const unknownKey: PublicKeyInfo = { algorithm: 'unknown', oid: '', unsupported: 'one that cannot be read', bits: 0 };
