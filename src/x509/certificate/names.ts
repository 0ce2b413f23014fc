import { equal } from '../../bytes/equal.ts';
import { toHex } from '../../bytes/hex.ts';
import { wrong } from '../../options.ts';
import { checkValue, DerError, DerReader, readOid, Tag } from '../asn1/der.ts';
import { Oid } from '../asn1/oids.ts';

/** One AttributeTypeAndValue of a distinguished name (RFC 5280 §4.1.2.4). */
export interface NameAttribute {
  readonly oid: string;
  /** RFC 4514 §3 and OpenSSL short name, where there is one: 'CN', 'O', … */
  readonly shortName: string | undefined;
  /** As text; `#` and hex of the DER for types that are not strings (RFC 4514 §2.4). */
  readonly value: string;
  /** DER tag of the value's type. */
  readonly tag: number;
}

/** RDNSequence: the outer array in encoded order, each inner one a SET. */
export interface DistinguishedName {
  readonly raw: Uint8Array;
  readonly rdns: readonly (readonly NameAttribute[])[];
  /**
   * The same for names that are equal by RFC 5280 §7.1: strings are compared without regard to case, to the string
   * type and to runs of white space; other values byte for byte.
   */
  readonly key: string;
}

/** @param raw a Name, DER. @throws DerError */
export function parseName(raw: Uint8Array): DistinguishedName {
  const outer = new DerReader(raw);
  const sequence = outer.sequence();
  outer.end();
  const rdns: NameAttribute[][] = [];
  while (!sequence.done) {
    const set = sequence.enter(Tag.set);
    const rdn: NameAttribute[] = [];
    if (set.done) throw new DerError('an empty RelativeDistinguishedName');
    while (!set.done) rdn.push(parseAttribute(set.sequence()));
    rdns.push(rdn);
  }
  return new ParsedName(raw, rdns);
}

/** For display: the attributes that can be read of a Name that {@link parseName} refuses. */
export function readableName(raw: Uint8Array): DistinguishedName {
  const rdns: NameAttribute[][] = [];
  try {
    const sequence = new DerReader(raw).sequence();
    while (!sequence.done) {
      const set = sequence.enter(Tag.set);
      const rdn: NameAttribute[] = [];
      rdns.push(rdn);
      while (!set.done) rdn.push(parseAttribute(set.sequence()));
    }
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
  }
  return new ParsedName(raw, rdns);
}

/**
 * RFC 4514 text: most specific first, special characters escaped.
 * @throws TlsError ERR_TLS_CONFIG for what is no name
 */
export function nameText(name: DistinguishedName): string {
  const rdns: unknown = name?.rdns;
  if (!Array.isArray(rdns)) wrong('nameText: name', 'a name, as subject or issuer of a certificate', name);
  return [...name.rdns]
    .reverse()
    .map((rdn) =>
      rdn
        .map(({ shortName, oid, value, tag }) => `${shortName ?? oid}=${isString(tag) ? escapeValue(value) : value}`)
        .join('+'),
    )
    .join(',');
}

/** RFC 5280 §7.1 */
export function sameName(a: DistinguishedName, b: DistinguishedName): boolean {
  return equal(a.raw, b.raw) || a.key === b.key;
}

/** Whether `name` lies in the subtree of `base` (RFC 5280 §4.2.1.10: an initial run of RDNs). */
export function isWithin(name: DistinguishedName, base: DistinguishedName): boolean {
  // No '/' that is not between two RDNs stands outside of a quoted string.
  return base.rdns.length === 0 || name.key === base.key || name.key.startsWith(`${base.key}/`);
}

/** The key is made when it is first asked for: most names are only compared byte for byte. */
class ParsedName implements DistinguishedName {
  readonly raw: Uint8Array;
  readonly rdns: readonly (readonly NameAttribute[])[];
  #key: string | undefined;

  constructor(raw: Uint8Array, rdns: readonly (readonly NameAttribute[])[]) {
    this.raw = raw;
    this.rdns = rdns;
  }

  get key(): string {
    this.#key ??= this.rdns.map(rdnKey).join('/');
    return this.#key;
  }
}

function rdnKey(rdn: readonly NameAttribute[]): string {
  return rdn.map(attributeKey).sort().join('+');
}

function attributeKey({ oid, value, tag }: NameAttribute): string {
  // The hex of another type is no string that begins with `#`.
  if (!isString(tag)) return `${oid}${value}`;
  return `${oid}=${JSON.stringify(value.normalize('NFKC').toLowerCase().trim().replace(/\s+/g, ' '))}`;
}

function parseAttribute(reader: DerReader): NameAttribute {
  const oid = readOid(reader.element(Tag.oid).content);
  const element = reader.element();
  reader.end();
  const { tag } = element;
  const text = decodeString(tag, element.content);
  if (text === undefined) checkValue(element);
  const value = text ?? `#${toHex(element.raw)}`;
  return { oid, shortName: shortNames.get(oid), value, tag };
}

function isString(tag: number): boolean {
  return decodeString(tag, nothing) !== undefined;
}

const nothing = new Uint8Array(0);

/** DirectoryString and IA5String (RFC 5280 Appendix A). Undefined for a type that is no string. */
export function decodeString(tag: number, content: Uint8Array): string | undefined {
  switch (tag) {
    case Tag.utf8String:
      return decodeUtf8(content);
    case Tag.printableString:
    case Tag.ia5String:
    case Tag.teletexString:
      return latin1(content);
    case Tag.bmpString:
      return wide(content, 2);
    case Tag.universalString:
      return wide(content, 4);
    default:
      return undefined;
  }
}

function decodeUtf8(content: Uint8Array): string {
  const text = latin1(content);
  // Most names are ASCII, and a decoder is dear.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the ASCII range is what is asked for
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    throw new DerError('a UTF8String that is not UTF-8');
  }
}

/** A character for each byte. Teletex strings in certificates hold Latin-1, whatever T.61 says. */
export function latin1(content: Uint8Array): string {
  if (content.length <= 4096) return Reflect.apply(String.fromCharCode, undefined, content);
  let text = '';
  // Arguments of one call are limited.
  for (let at = 0; at < content.length; at += 4096) {
    text += Reflect.apply(String.fromCharCode, undefined, content.subarray(at, at + 4096));
  }
  return text;
}

function wide(content: Uint8Array, width: 2 | 4): string {
  if (content.length % width !== 0) throw new DerError('a string that is not whole characters');
  let text = '';
  for (let i = 0; i < content.length; i += width) {
    let code = 0;
    for (let j = 0; j < width; j++) code = code * 256 + (content[i + j] ?? 0);
    if (code > 0x10ffff) throw new DerError('a character beyond Unicode');
    text += width === 2 ? String.fromCharCode(code) : String.fromCodePoint(code);
  }
  return text;
}

/** RFC 4514 §2.4 */
function escapeValue(value: string): string {
  return value
    .replace(/[",+;<>\\]/g, '\\$&')
    .replaceAll('\0', '\\00')
    .replace(/^[ #]/, '\\$&')
    .replace(/ $/, '\\ ');
}

/** RFC 4514 §3 and RFC 4519, with the names that OpenSSL adds. */
const shortNames: ReadonlyMap<string, string> = new Map([
  [Oid.commonName, 'CN'],
  [Oid.surname, 'SN'],
  [Oid.serialNumber, 'serialNumber'],
  [Oid.countryName, 'C'],
  [Oid.localityName, 'L'],
  [Oid.stateOrProvinceName, 'ST'],
  [Oid.streetAddress, 'street'],
  [Oid.organizationName, 'O'],
  [Oid.organizationalUnitName, 'OU'],
  [Oid.title, 'title'],
  [Oid.description, 'description'],
  [Oid.businessCategory, 'businessCategory'],
  [Oid.postalCode, 'postalCode'],
  [Oid.givenName, 'GN'],
  [Oid.initials, 'initials'],
  [Oid.generationQualifier, 'generationQualifier'],
  [Oid.dnQualifier, 'dnQualifier'],
  [Oid.organizationIdentifier, 'organizationIdentifier'],
  [Oid.userId, 'UID'],
  [Oid.domainComponent, 'DC'],
  [Oid.emailAddress, 'emailAddress'],
  [Oid.jurisdictionLocality, 'jurisdictionL'],
  [Oid.jurisdictionStateOrProvince, 'jurisdictionST'],
  [Oid.jurisdictionCountry, 'jurisdictionC'],
]);
