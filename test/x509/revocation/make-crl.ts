import { sign } from 'node:crypto';
import {
  boolean,
  integer,
  nullValue,
  objectIdentifier,
  sequence,
  tagged,
  taggedContents,
  time,
} from '#opentls/x509/asn1/asn1js';
import { Tag } from '#opentls/x509/asn1/der';
import { element, unsignedInteger, wholeBits } from '#opentls/x509/asn1/der-write';
import { encodePem } from '#opentls/x509/asn1/pem';
import { ExtensionOid } from '#opentls/x509/certificate/extensions';
import { type RevocationReason, revocationReasons } from '#opentls/x509/certificate/revocation-status';
import { encodeExtension, encodeName, type RawExtension } from '#opentls/x509/create/extensions';
import { now } from '../made/chain.ts';

const ecdsaWithSha256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));
const rsaWithSha1 = sequence(objectIdentifier('1.2.840.113549.1.1.5'), nullValue());

/** The `n`th serial number of a big list. */
export const bigListSerial = (n: number): Uint8Array => Uint8Array.of(1, (n >>> 16) & 255, (n >>> 8) & 255, n & 255);

/** A list of `CN=ca` that nobody signed, of certificates with the serial numbers 0x1000000 and on. */
export function bigList(count: number, entryExtensions: readonly RawExtension[] = []): Uint8Array {
  const date = time(Date.UTC(2026, 0, 1));
  const more = entryExtensions.length === 0 ? [] : [sequence(...entryExtensions.map(encodeExtension))];
  const entries = Array.from({ length: count }, (_, n) =>
    element(Tag.sequence, unsignedInteger(bigListSerial(n)), date, ...more),
  );
  const tbs = element(
    Tag.sequence,
    integer(1),
    ecdsaWithSha256,
    encodeName('ca'),
    date,
    time(Date.UTC(2027, 0, 1)),
    element(Tag.sequence, ...entries),
  );
  return element(Tag.sequence, tbs, ecdsaWithSha256, wholeBits(sequence(integer(1), integer(1))));
}

export interface NewEntry {
  readonly serialNumber: Uint8Array;
  /** A Time, DER. Default {@link now}. */
  readonly date?: Uint8Array;
  readonly extensions?: readonly RawExtension[];
}

export interface CrlOptions {
  /** DER of the issuer's name. */
  readonly issuer: Uint8Array;
  /** PEM; of a P-256 key, or of an RSA key for a list signed with SHA-1. */
  readonly key: string;
  readonly sha1?: boolean;
  /** Serial numbers, or entries with what else they say. */
  readonly revoked?: readonly (Uint8Array | NewEntry)[];
  /** CRLNumber. Default 1; undefined leaves it out. */
  readonly number?: number | undefined;
  readonly extensions?: readonly RawExtension[];
  readonly thisUpdate?: number;
  /** Default: a day from now; undefined leaves it out. */
  readonly nextUpdate?: number | undefined;
}

/** A list as a CA makes it, PEM: version 2, signed with ECDSA and SHA-256. */
export function makeCrl(options: CrlOptions): string {
  return encodePem('X509 CRL', makeCrlDer(options));
}

/** The same as DER. */
export function makeCrlDer(options: CrlOptions): Uint8Array {
  const { issuer, key, revoked = [], thisUpdate = now, sha1 = false } = options;
  const { number, nextUpdate } = { number: 1, nextUpdate: now + day, ...options };
  const algorithm = sha1 ? rsaWithSha1 : ecdsaWithSha256;
  const numbered = number === undefined ? [] : [{ oid: ExtensionOid.crlNumber, value: integer(number) }];
  const extensions = [...numbered, ...(options.extensions ?? [])].map(encodeExtension);
  const tbs = sequence(
    integer(1),
    algorithm,
    issuer,
    time(thisUpdate),
    ...(nextUpdate === undefined ? [] : [time(nextUpdate)]),
    ...(revoked.length === 0 ? [] : [sequence(...revoked.map(encodeEntry))]),
    ...(extensions.length === 0 ? [] : [tagged(0, sequence(...extensions))]),
  );
  return sequence(tbs, algorithm, wholeBits(new Uint8Array(sign(sha1 ? 'sha1' : 'sha256', tbs, key))));
}

function encodeEntry(entry: Uint8Array | NewEntry): Uint8Array {
  const given: NewEntry = entry instanceof Uint8Array ? { serialNumber: entry } : entry;
  const { serialNumber, date = time(now), extensions = [] } = given;
  const more = extensions.length === 0 ? [] : [sequence(...extensions.map(encodeExtension))];
  return sequence(element(Tag.integer, serialNumber), date, ...more);
}

/** RFC 5280 §5.3.1 */
export function reasonCode(reason: RevocationReason): RawExtension {
  const code = Object.values(revocationReasons).indexOf(reason);
  const value = element(Tag.enumerated, Uint8Array.of(Number(Object.keys(revocationReasons)[code])));
  return { oid: ExtensionOid.reasonCode, value };
}

/** RFC 5280 §5.3.3 */
export function certificateIssuer(name: Uint8Array): RawExtension {
  return { oid: ExtensionOid.certificateIssuer, critical: true, value: sequence(tagged(4, name)) };
}

/** RFC 5280 §5.2.4 */
export function deltaOf(baseNumber: number): RawExtension {
  return { oid: ExtensionOid.deltaCrlIndicator, critical: true, value: integer(baseNumber) };
}

export interface NewScope {
  /** Of the distribution point. */
  readonly uri?: string;
  /** The same as an RDN that is relative to the issuer, without its SET. */
  readonly relative?: Uint8Array;
  /** 1 `onlyContainsUserCerts`, 2 `onlyContainsCACerts`, 4 `indirectCRL`, 5 `onlyContainsAttributeCerts` */
  readonly flags?: readonly (1 | 2 | 4 | 5)[];
  /** BIT STRING contents of onlySomeReasons, unused bits first. */
  readonly reasons?: Uint8Array;
}

/** issuingDistributionPoint, RFC 5280 §5.2.5 */
export function scope({ uri, relative, flags = [], reasons }: NewScope): RawExtension {
  const point = pointName(uri, relative);
  const fields = [
    ...(point === undefined ? [] : [point]),
    ...flags.filter((n) => n < 3).map((n) => taggedContents(n, boolean(true).subarray(2))),
    ...(reasons === undefined ? [] : [taggedContents(3, reasons)]),
    ...flags.filter((n) => n > 3).map((n) => taggedContents(n, boolean(true).subarray(2))),
  ];
  return { oid: ExtensionOid.issuingDistributionPoint, critical: true, value: sequence(...fields) };
}

export interface NewPoint {
  readonly uri?: string;
  readonly relative?: Uint8Array;
  /** DER of the name of who issues the list, where it is not the certificate's issuer. */
  readonly crlIssuer?: Uint8Array;
}

/** cRLDistributionPoints, RFC 5280 §4.2.1.13 */
export function distributionPoint({ uri, relative, crlIssuer }: NewPoint): RawExtension {
  const point = pointName(uri, relative);
  const issuer = crlIssuer === undefined ? [] : [tagged(2, tagged(4, crlIssuer))];
  const value = sequence(sequence(...(point === undefined ? [] : [point]), ...issuer));
  return { oid: ExtensionOid.crlDistributionPoints, value };
}

function pointName(uri: string | undefined, relative: Uint8Array | undefined): Uint8Array | undefined {
  if (relative !== undefined) return tagged(0, tagged(1, relative));
  if (uri === undefined) return undefined;
  return tagged(0, tagged(0, taggedContents(6, new TextEncoder().encode(uri))));
}

/** CN as an RDN without its SET, as `relative` has it. */
export function commonName(name: string): Uint8Array {
  return encodeName(name).subarray(4);
}

const day = 86_400_000;
