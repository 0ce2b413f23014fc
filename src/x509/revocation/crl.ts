import { equal } from '../../bytes/equal.ts';
import { context, DerError, DerReader, isEarlyGeneralizedTime, readTime, Tag } from '../asn1/der.ts';
import {
  type DistributionPoint,
  type IssuingDistributionPoint,
  parseCertificateIssuer,
  parseCrlDistributionPoints,
  parseCrlNumber,
  parseIssuingDistributionPoint,
  parseReasonCode,
} from '../certificate/crl-extensions.ts';
import {
  type AuthorityKeyIdentifier,
  type CertificateExtension,
  ExtensionOid,
  parseAuthorityKeyIdentifier,
  parseExtensions,
  readable,
  whole,
} from '../certificate/extensions.ts';
import { type DistinguishedName, parseName, sameName } from '../certificate/names.ts';
import type { RevocationReason } from '../certificate/revocation-status.ts';
import { type CertificateSignature, readSigned, readWhole } from '../certificate/signed-object.ts';
import { CrlEntries } from './crl-entries.ts';

/** A CRL (RFC 5280 §5). Byte fields are views of `raw`; entries are read when they are found. */
export interface CertificateList {
  readonly raw: Uint8Array;
  /** The signed part, header included. */
  readonly tbs: Uint8Array;
  readonly version: 1 | 2;
  readonly issuer: DistinguishedName;
  /** Milliseconds since 1970. */
  readonly thisUpdate: number;
  readonly nextUpdate: number | undefined;
  readonly signature: CertificateSignature;
  readonly extensions: readonly CertificateExtension[];
  /** Which key of the issuer signed (§5.2.1): a hint. */
  readonly authorityKeyIdentifier: AuthorityKeyIdentifier | undefined;
  /** Big-endian. */
  readonly crlNumber: Uint8Array | undefined;
  /** BaseCRLNumber of a delta CRL (RFC 5280 §5.2.4), big-endian. */
  readonly deltaCrlIndicator: Uint8Array | undefined;
  readonly issuingDistributionPoint: IssuingDistributionPoint | undefined;
  readonly freshestCrl: readonly DistributionPoint[] | undefined;
  /** A critical extension, of the list or of any entry, that is not known: the list may not be used (§5.2, §5.3). */
  readonly unhandledExtension: string | undefined;
  /** How many certificates are listed. */
  readonly size: number;
  /** Whether one serial number is listed twice for the same issuer. */
  readonly repeats: boolean;
  /** Whether a time is a GeneralizedTime though UTCTime is due, through 2049 (RFC 5280 §5.1.2.4 to §5.1.2.6). */
  readonly earlyGeneralizedTime: boolean;
  /**
   * The entry of a certificate, in constant time.
   * @param issuer of the certificate: lists that are indirect have those of several
   * @throws DerError for an entry whose certificate issuer cannot be read
   */
  find(serialNumber: Uint8Array, issuer: DistinguishedName): RevokedCertificate | undefined;
  /** All entries, in order. @throws DerError for one that is malformed */
  entries(): Iterable<RevokedCertificate>;
}

/**
 * An entry of a CRL (RFC 5280 §5.3). A certificate that is listed is revoked (§6.3.3 (i), (j)), also where the rest of
 * its entry is malformed.
 */
export interface RevokedCertificate {
  readonly serialNumber: Uint8Array;
  /** Milliseconds since 1970; undefined for a time that does not exist. */
  readonly revocationDate: number | undefined;
  /** `unspecified` where none is given, or one that cannot be read. */
  readonly reason: RevocationReason;
  /** Milliseconds since 1970. */
  readonly invalidityDate: number | undefined;
}

/** A list of more bytes is not read: the largest in the web PKI take some 30 MiB. */
export const MAX_CRL = 0x400_0000;

/**
 * Reads a list and builds the index of its entries.
 * @param der one CertificateList; kept, not copied
 * @throws TlsError INVALID_CRL, whose message says what is wrong
 */
export function parseCrl(der: Uint8Array): CertificateList {
  const what = { name: 'revocation list', code: 'INVALID_CRL', alert: 'bad_certificate' } as const;
  return readWhole(der, MAX_CRL, what, (reader) => Object.freeze(parse(der, reader)));
}

function parse(raw: Uint8Array, reader: DerReader): CertificateList {
  const { tbs, body, algorithm, signature } = readSigned(reader);
  reader.end();
  const fields = parseTbs(body);
  // RFC 5280 §5.1.1.2
  if (!equal(fields.algorithm, algorithm)) throw new DerError('two different signature algorithms');
  return listOf(raw, tbs, fields, signature);
}

type TbsFields = Pick<
  CertificateList,
  'version' | 'issuer' | 'thisUpdate' | 'nextUpdate' | 'earlyGeneralizedTime' | 'extensions'
> & {
  readonly algorithm: Uint8Array;
  /** Content of revokedCertificates. */
  readonly listed: Uint8Array | undefined;
};

/** TBSCertList, RFC 5280 §5.1 */
function parseTbs(tbs: DerReader): TbsFields {
  const version = tbs.nextTag === Tag.integer ? parseVersion(tbs.smallInteger()) : 1;
  const algorithm = tbs.element(Tag.sequence).raw;
  const issuer = parseName(tbs.element(Tag.sequence).raw);
  const issued = tbs.element();
  const thisUpdate = readTime(issued);
  const hasNext = tbs.nextTag === Tag.utcTime || tbs.nextTag === Tag.generalizedTime;
  const next = hasNext ? tbs.element() : undefined;
  const nextUpdate = next && readTime(next);
  const earlyGeneralizedTime = [issued, ...(next ? [next] : [])].some(isEarlyGeneralizedTime);
  const listed = tbs.optional(Tag.sequence)?.content;
  const wrapped = tbs.enterOptional(context(0, 'constructed'));
  tbs.end();
  if (wrapped !== undefined && version !== 2) throw new DerError('extensions in a list that is not version 2');
  const extensions = wrapped === undefined ? [] : parseExtensions(wrapped);
  return { version, algorithm, issuer, thisUpdate, nextUpdate, earlyGeneralizedTime, extensions, listed };
}

function parseVersion(version: number): 2 {
  // A list of version 1 does not say so.
  if (version !== 1) throw new DerError(`list version ${version + 1}`);
  return 2;
}

function listOf(raw: Uint8Array, tbs: Uint8Array, fields: TbsFields, signature: CertificateSignature): CertificateList {
  const { version, issuer, thisUpdate, nextUpdate, extensions, listed } = fields;
  const value = <T>(oid: string, parseValue: (der: Uint8Array) => T): T | undefined => {
    const extension = extensions.find((candidate) => candidate.oid === oid);
    return extension && parseValue(extension.value);
  };
  const issuingDistributionPoint = value(ExtensionOid.issuingDistributionPoint, parseIssuingDistributionPoint);
  const indirect = issuingDistributionPoint?.indirectCrl === true;
  const index = listed && new CrlEntries(listed, version, indirect);
  const entries = new EntryReader(index, issuer);
  return {
    raw,
    tbs,
    version,
    issuer,
    thisUpdate,
    nextUpdate,
    signature,
    extensions,
    authorityKeyIdentifier: value(ExtensionOid.authorityKeyIdentifier, parseAuthorityKeyIdentifier),
    crlNumber: value(ExtensionOid.crlNumber, parseCrlNumber),
    deltaCrlIndicator: value(ExtensionOid.deltaCrlIndicator, parseCrlNumber),
    issuingDistributionPoint,
    freshestCrl: value(ExtensionOid.freshestCrl, parseCrlDistributionPoints),
    unhandledExtension: unhandledOf(extensions, index),
    size: index?.size ?? 0,
    repeats: !indirect && index?.repeats === true,
    earlyGeneralizedTime: fields.earlyGeneralizedTime || index?.earlyGeneralizedTime === true,
    find: (serialNumber, certificateIssuer) => entries.find(serialNumber, certificateIssuer),
    entries: () => entries.all(),
  };
}

/** Reads the entries of a list, each when it is asked for. */
class EntryReader {
  readonly #entries: CrlEntries | undefined;
  readonly #issuer: DistinguishedName;

  /** @param issuer of the list */
  constructor(entries: CrlEntries | undefined, issuer: DistinguishedName) {
    this.#entries = entries;
    this.#issuer = issuer;
  }

  find(serialNumber: Uint8Array, issuer: DistinguishedName): RevokedCertificate | undefined {
    const numbers = this.#entries?.find(serialNumber) ?? [];
    const number = numbers.find((candidate) => sameName(this.#issuerOf(candidate), issuer));
    return number === undefined ? undefined : this.#read(number, readable);
  }

  *all(): Iterable<RevokedCertificate> {
    for (let number = 0; number < (this.#entries?.size ?? 0); number++) {
      const entry = this.#read(number, strictly);
      if (entry !== undefined) yield entry;
    }
  }

  #read(number: number, attempt: Attempt): RevokedCertificate | undefined {
    const entry = this.#entries?.read(number);
    if (entry === undefined) return undefined;
    const extensions = attempt(() => entryExtensions(entry.extensions)) ?? [];
    const value = (oid: string): Uint8Array | undefined => extensions.find((each) => each.oid === oid)?.value;
    const reason = value(ExtensionOid.reasonCode);
    const invalidity = value(ExtensionOid.invalidityDate);
    return {
      serialNumber: entry.serialNumber,
      revocationDate: attempt(() => readTime(entry.revocationDate)),
      reason: (reason && attempt(() => parseReasonCode(reason))) ?? 'unspecified',
      // RFC 5280 §5.3.2 has GeneralizedTime; authorities in use write UTCTime.
      invalidityDate: invalidity && attempt(() => readTime(whole(invalidity).element())),
    };
  }

  /** RFC 5280 §5.3.3: an entry without certificateIssuer has that of the entry before it. */
  #issuerOf(number: number): DistinguishedName {
    const naming = this.#entries?.issuerNamedBy(number);
    const extensions = naming === undefined ? [] : entryExtensions(this.#entries?.read(naming).extensions);
    const named = extensions.find(({ oid }) => oid === ExtensionOid.certificateIssuer);
    return named === undefined ? this.#issuer : parseCertificateIssuer(named.value);
  }
}

/** How a part of an entry is read. */
type Attempt = <T>(read: () => T) => T | undefined;

const strictly: Attempt = (read) => read();

function entryExtensions(der: Uint8Array | undefined): readonly CertificateExtension[] {
  // 30 00: an empty list, which authorities in use write.
  return der === undefined || der.length === 2 ? [] : parseExtensions(new DerReader(der));
}

function unhandledOf(extensions: readonly CertificateExtension[], entries: CrlEntries | undefined): string | undefined {
  const unknown = extensions.find(({ oid, critical }) => critical && !handled.has(oid));
  return unknown?.oid ?? (entries?.unhandled === true ? 'of an entry' : undefined);
}

const handled: ReadonlySet<string> = new Set([
  ExtensionOid.authorityKeyIdentifier,
  ExtensionOid.issuerAltName,
  ExtensionOid.crlNumber,
  ExtensionOid.deltaCrlIndicator,
  ExtensionOid.issuingDistributionPoint,
  ExtensionOid.freshestCrl,
  ExtensionOid.authorityInfoAccess,
]);
