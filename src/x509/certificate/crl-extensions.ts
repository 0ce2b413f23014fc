import { context, DerError, type DerReader, readBitString, readBoolean, Tag } from '../asn1/der.ts';
import { element } from '../asn1/der-write.ts';
import { type GeneralName, readGeneralNames, whole } from './extensions.ts';
import { type DistinguishedName, parseName } from './names.ts';
import { type RevocationReason, readReason } from './revocation-status.ts';

/** DistributionPointName, RFC 5280 §4.2.1.13. */
export type DistributionPointName =
  | { readonly type: 'full'; readonly names: readonly GeneralName[] }
  /** One RDN, to be appended to the issuer's name. */
  | { readonly type: 'relative'; readonly rdn: DistinguishedName };

/** ReasonFlags as a mask: bit n is bit n of the BIT STRING, from 1 (keyCompromise) to 8 (aACompromise). */
export type ReasonMask = number;
export const allReasons: ReasonMask = 0b1_1111_1110;

/** RFC 5280 §4.2.1.13 */
export interface DistributionPoint {
  readonly name: DistributionPointName | undefined;
  readonly reasons: ReasonMask | undefined;
  readonly crlIssuer: readonly GeneralName[] | undefined;
}

/** RFC 5280 §5.2.5 */
export interface IssuingDistributionPoint {
  readonly name: DistributionPointName | undefined;
  readonly onlyContainsUserCerts: boolean;
  readonly onlyContainsCaCerts: boolean;
  readonly onlySomeReasons: ReasonMask | undefined;
  readonly indirectCrl: boolean;
  readonly onlyContainsAttributeCerts: boolean;
}

export function parseCrlDistributionPoints(der: Uint8Array): readonly DistributionPoint[] {
  const sequence = whole(der).sequence();
  const points: DistributionPoint[] = [];
  while (!sequence.done) points.push(parseDistributionPoint(sequence.sequence()));
  if (points.length === 0) throw new DerError('an empty list of distribution points');
  return points;
}

function parseDistributionPoint(reader: DerReader): DistributionPoint {
  const name = parsePointName(reader.enterOptional(context(0, 'constructed')));
  const reasons = parseReasons(reader.optional(context(1, 'primitive'))?.content);
  const issuer = reader.enterOptional(context(2, 'constructed'));
  reader.end();
  // RFC 5280 §4.2.1.13: a DistributionPoint MUST NOT consist of only the reasons field.
  if (name === undefined && issuer === undefined) throw new DerError('a distribution point without a name');
  return { name, reasons, crlIssuer: issuer && readGeneralNames(issuer) };
}

export function parseIssuingDistributionPoint(der: Uint8Array): IssuingDistributionPoint {
  const reader = whole(der).sequence();
  if (reader.done) throw new DerError('an empty issuingDistributionPoint');
  const name = parsePointName(reader.enterOptional(context(0, 'constructed')));
  const onlyContainsUserCerts = parseFlag(reader, 1);
  const onlyContainsCaCerts = parseFlag(reader, 2);
  const onlySomeReasons = parseReasons(reader.optional(context(3, 'primitive'))?.content);
  const indirectCrl = parseFlag(reader, 4);
  const onlyContainsAttributeCerts = parseFlag(reader, 5);
  reader.end();
  if (Number(onlyContainsUserCerts) + Number(onlyContainsCaCerts) + Number(onlyContainsAttributeCerts) > 1) {
    throw new DerError('a revocation list for certificates of two kinds only');
  }
  return { name, onlyContainsUserCerts, onlyContainsCaCerts, onlySomeReasons, indirectCrl, onlyContainsAttributeCerts };
}

function parseFlag(reader: DerReader, n: number): boolean {
  const found = reader.optional(context(n, 'primitive'));
  if (found === undefined) return false;
  // X.690 §11.5: a default value is not encoded.
  if (!readBoolean(found.content)) throw new DerError('FALSE where it is the default');
  return true;
}

function parsePointName(reader: DerReader | undefined): DistributionPointName | undefined {
  if (reader === undefined) return undefined;
  const full = reader.enterOptional(context(0, 'constructed'));
  const relative = full === undefined ? reader.element(context(1, 'constructed')).content : undefined;
  reader.end();
  if (full !== undefined) return { type: 'full', names: readGeneralNames(full) };
  return { type: 'relative', rdn: parseName(element(Tag.sequence, element(Tag.set, relative ?? new Uint8Array(0)))) };
}

function parseReasons(content: Uint8Array | undefined): ReasonMask | undefined {
  if (content === undefined) return undefined;
  const { bytes } = readBitString(content);
  let mask = 0;
  for (let bit = 0; bit < 9; bit++) if (((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0) mask |= 1 << bit;
  // Bit 0 is unused: it names no reason.
  return mask & allReasons;
}

/** CRLNumber and BaseCRLNumber, RFC 5280 §5.2.3: not negative, at most 20 octets. */
export function parseCrlNumber(der: Uint8Array): Uint8Array {
  const digits = whole(der).integerBytes();
  if ((digits[0] ?? 0) >= 0x80) throw new DerError('a negative CRL number');
  if (digits.length > 20) throw new DerError('a CRL number of more than 20 octets');
  return digits;
}

/** RFC 5280 §5.3.1 */
export function parseReasonCode(der: Uint8Array): RevocationReason {
  return readReason(whole(der).element(Tag.enumerated).content);
}

/** RFC 5280 §5.3.3 */
export function parseCertificateIssuer(der: Uint8Array): DistinguishedName {
  const names = readGeneralNames(whole(der).sequence());
  const directory = names.find((name) => name.type === 'directory');
  if (directory?.type !== 'directory') throw new DerError('a certificate issuer without a directory name');
  return directory.value;
}
