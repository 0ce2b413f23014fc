import { checkInteger, context, DerError, DerReader, readBitString, Tag, toSmallInteger } from '../asn1/der.ts';
import { type DistinguishedName, latin1, parseName } from './names.ts';

/** Extension, RFC 5280 §4.1.2.9, with its value unread. */
export interface CertificateExtension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/** RFC 5280 §4.2 and §5, RFC 7633 §4, RFC 6962 §3.3 */
export const ExtensionOid = {
  subjectDirectoryAttributes: '2.5.29.9',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  issuerAltName: '2.5.29.18',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  policyMappings: '2.5.29.33',
  authorityKeyIdentifier: '2.5.29.35',
  policyConstraints: '2.5.29.36',
  extKeyUsage: '2.5.29.37',
  crlNumber: '2.5.29.20',
  reasonCode: '2.5.29.21',
  invalidityDate: '2.5.29.24',
  deltaCrlIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
  certificateIssuer: '2.5.29.29',
  freshestCrl: '2.5.29.46',
  inhibitAnyPolicy: '2.5.29.54',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
  tlsFeature: '1.3.6.1.5.5.7.1.24',
  sctList: '1.3.6.1.4.1.11129.2.4.2',
  subjectInfoAccess: '1.3.6.1.5.5.7.1.11',
} as const;

/** RFC 5280 §4.2.1.12 */
export const ExtKeyUsageOid = {
  any: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
} as const;

/** RFC 5280 §4.2.1.9 */
export interface BasicConstraints {
  readonly ca: boolean;
  readonly pathLength: number | undefined;
}

/** RFC 5280 §4.2.1.3, in bit order. */
export const keyUsageNames = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;
/** The bits of keyUsage that are set (RFC 5280 §4.2.1.3). */
export type KeyUsage = ReadonlySet<(typeof keyUsageNames)[number]>;

/** GeneralName, RFC 5280 §4.2.1.6; `value` is text for rfc822, dns and uri, bytes for ip, DER for the rest. */
export type GeneralName =
  | { readonly type: 'rfc822' | 'dns' | 'uri'; readonly value: string }
  | { readonly type: 'ip'; readonly value: Uint8Array }
  | { readonly type: 'directory'; readonly value: DistinguishedName }
  | { readonly type: 'registeredId'; readonly value: string }
  | { readonly type: 'other' | 'x400' | 'ediParty'; readonly value: Uint8Array };

/** RFC 5280 §4.2.1.10 */
export interface NameConstraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

/** RFC 5280 §4.2.1.1 */
export interface AuthorityKeyIdentifier {
  readonly keyIdentifier: Uint8Array | undefined;
  readonly issuer: readonly GeneralName[] | undefined;
  /** Content octets of the INTEGER. */
  readonly serialNumber: Uint8Array | undefined;
}

/** Attribute of subjectDirectoryAttributes, RFC 5280 §4.2.1.8. */
export interface DirectoryAttribute {
  readonly oid: string;
  /** Each DER, of whatever type the attribute has. */
  readonly values: readonly Uint8Array[];
}

/** RFC 5280 §4.2.2.1 */
export interface AccessDescription {
  readonly method: string;
  readonly location: GeneralName;
}

export function parseExtensions(reader: DerReader): readonly CertificateExtension[] {
  const extensions: CertificateExtension[] = [];
  const seen = new Set<string>();
  const list = reader.sequence();
  reader.end();
  if (list.done) throw new DerError('an empty list of extensions');
  while (!list.done) {
    const { oid, critical, value } = readExtension(list);
    // X.690 §11.5: a default is left out.
    if (critical === false) throw new DerError(`the extension ${oid} says that it is not critical`);
    // RFC 5280 §4.2: not more than one instance of a particular extension.
    if (seen.has(oid)) throw new DerError(`the extension ${oid} comes twice`);
    seen.add(oid);
    extensions.push({ oid, critical: critical === true, value });
  }
  return extensions;
}

/** The next of a list. @returns `critical`: undefined where it is left out */
export function readExtension(
  list: DerReader,
): Omit<CertificateExtension, 'critical'> & { readonly critical?: boolean } {
  const item = list.sequence();
  const oid = item.oid();
  const critical = item.nextTag === Tag.boolean ? item.boolean() : undefined;
  const value = item.octetString();
  item.end();
  return { oid, value, ...(critical !== undefined && { critical }) };
}

export function parseBasicConstraints(der: Uint8Array): BasicConstraints {
  const sequence = whole(der).sequence();
  const ca = sequence.nextTag === Tag.boolean ? sequence.boolean() : false;
  const pathLength = sequence.done ? undefined : sequence.smallInteger();
  sequence.end();
  return { ca, pathLength };
}

export function parseKeyUsage(der: Uint8Array): KeyUsage {
  const { bytes } = readBitString(whole(der).element(Tag.bitString).content);
  // RFC 5280 §4.2.1.3
  if (!bytes.some((byte) => byte !== 0)) throw new DerError('a keyUsage without any usage');
  return new Set(keyUsageNames.filter((_, bit) => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0));
}

export function parseExtKeyUsage(der: Uint8Array): readonly string[] {
  const sequence = whole(der).sequence();
  const purposes: string[] = [];
  while (!sequence.done) purposes.push(sequence.oid());
  if (purposes.length === 0) throw new DerError('an empty extKeyUsage');
  return purposes;
}

export function parseGeneralNames(der: Uint8Array): readonly GeneralName[] {
  return readGeneralNames(whole(der).sequence());
}

/** GeneralNames, from inside its SEQUENCE. */
export function readGeneralNames(sequence: DerReader): readonly GeneralName[] {
  const names: GeneralName[] = [];
  while (!sequence.done) names.push(parseGeneralName(sequence));
  if (names.length === 0) throw new DerError('an empty list of names');
  return names;
}

/**
 * To look at: names that are odd in their value alone (bytes that are no ASCII, addresses of another length), and a
 * list without any. Undefined for what is no list of names at all.
 */
export function readableGeneralNames(der: Uint8Array): readonly GeneralName[] | undefined {
  return readable(() => {
    const sequence = whole(der).sequence();
    const names: GeneralName[] = [];
    while (!sequence.done) names.push(parseGeneralName(sequence, 'shown'));
    return names;
  });
}

export function parseNameConstraints(der: Uint8Array): NameConstraints {
  const sequence = whole(der).sequence();
  const permitted = parseSubtrees(sequence.enterOptional(context(0, 'constructed')));
  const excluded = parseSubtrees(sequence.enterOptional(context(1, 'constructed')));
  sequence.end();
  if (permitted.length + excluded.length === 0) throw new DerError('empty name constraints');
  return { permitted, excluded };
}

export function parseAuthorityKeyIdentifier(der: Uint8Array): AuthorityKeyIdentifier {
  const sequence = whole(der).sequence();
  const keyIdentifier = sequence.optional(context(0, 'primitive'))?.content;
  const issuer = sequence.enterOptional(context(1, 'constructed'));
  const serialNumber = sequence.optional(context(2, 'primitive'))?.content;
  sequence.end();
  return {
    keyIdentifier,
    issuer: issuer && readGeneralNames(issuer),
    serialNumber: serialNumber && checkInteger(serialNumber),
  };
}

export function parseSubjectKeyIdentifier(der: Uint8Array): Uint8Array {
  return whole(der).octetString();
}

/** RFC 5280 §4.2.1.8 */
export function parseSubjectDirectoryAttributes(der: Uint8Array): readonly DirectoryAttribute[] {
  const sequence = whole(der).sequence();
  const attributes: DirectoryAttribute[] = [];
  while (!sequence.done) {
    const item = sequence.sequence();
    const oid = item.oid();
    const set = item.enter(Tag.set);
    item.end();
    const values: Uint8Array[] = [];
    while (!set.done) values.push(set.element().raw);
    if (values.length === 0) throw new DerError('an attribute without a value');
    attributes.push({ oid, values });
  }
  if (attributes.length === 0) throw new DerError('an empty subjectDirectoryAttributes');
  return attributes;
}

/** authorityInfoAccess and subjectInfoAccess have one syntax, RFC 5280 §4.2.2. */
export function parseInfoAccess(der: Uint8Array, use: NameUse = 'name'): readonly AccessDescription[] {
  const sequence = whole(der).sequence();
  const descriptions: AccessDescription[] = [];
  while (!sequence.done) {
    const item = sequence.sequence();
    descriptions.push({ method: item.oid(), location: parseGeneralName(item, use) });
    item.end();
  }
  return descriptions;
}

/** To look at: as {@link readableGeneralNames}. */
export function readableInfoAccess(der: Uint8Array): readonly AccessDescription[] | undefined {
  return readable(() => parseInfoAccess(der, 'shown'));
}

/** GeneralSubtree: minimum is 0 and maximum absent in all that RFC 5280 §4.2.1.10 allows. */
function parseSubtrees(reader: DerReader | undefined): readonly GeneralName[] {
  const bases: GeneralName[] = [];
  while (reader !== undefined && !reader.done) {
    const subtree = reader.sequence();
    bases.push(parseGeneralName(subtree, 'constraint'));
    const minimum = subtree.optional(context(0, 'primitive'));
    if (minimum !== undefined && toSmallInteger(minimum.content) !== 0)
      throw new DerError('a subtree minimum other than 0');
    subtree.end();
  }
  return bases;
}

/** The use of a GeneralName that is read: for comparison, as the base of a subtree, or for display. */
type NameUse = 'name' | 'constraint' | 'shown';

function parseGeneralName(reader: DerReader, use: NameUse = 'name'): GeneralName {
  const { tag, content, raw } = reader.element();
  const text = use === 'shown' ? latin1 : ia5;
  switch (tag) {
    case context(0, 'constructed'):
      return { type: 'other', value: raw };
    case context(1, 'primitive'):
      return { type: 'rfc822', value: text(content) };
    case context(2, 'primitive'):
      return { type: 'dns', value: text(content) };
    case context(3, 'constructed'):
      return { type: 'x400', value: raw };
    case context(4, 'constructed'):
      return { type: 'directory', value: parseName(content) };
    case context(5, 'constructed'):
      return { type: 'ediParty', value: raw };
    case context(6, 'primitive'):
      return { type: 'uri', value: text(content) };
    case context(7, 'primitive'):
      return { type: 'ip', value: use === 'shown' ? content : checkAddress(content, use === 'constraint') };
    case context(8, 'primitive'):
      return { type: 'registeredId', value: registeredId(content) };
    default:
      throw new DerError(`a GeneralName with tag 0x${tag.toString(16)}`);
  }
}

function registeredId(content: Uint8Array): string {
  const header = new Uint8Array(2 + content.length);
  header.set([Tag.oid, content.length]);
  header.set(content, 2);
  return new DerReader(header).oid();
}

/** RFC 5280 §4.2.1.6 and §4.2.1.10: an address, or an address and a mask. */
function checkAddress(content: Uint8Array, constraint: boolean): Uint8Array {
  const factor = constraint ? 2 : 1;
  if (content.length !== 4 * factor && content.length !== 16 * factor) {
    throw new DerError(`an iPAddress of ${content.length} bytes`);
  }
  if (constraint && !isPrefix(content.subarray(content.length / 2))) throw new DerError('a mask that is no prefix');
  return content;
}

/** Ones, then zeros (RFC 4632 §3.1). */
function isPrefix(mask: Uint8Array): boolean {
  const bits = Array.from(mask, (byte) => byte.toString(2).padStart(8, '0')).join('');
  return !bits.includes('01');
}

function ia5(content: Uint8Array): string {
  const text = latin1(content);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the ASCII range is what is asked for
  if (!/^[\x00-\x7f]*$/.test(text)) throw new DerError('an IA5String with a character that is not ASCII');
  return text;
}

/** Reads a part that no check depends on; undefined where it cannot be read. */
export function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

/** A value that must be one element and nothing more. */
export function whole(der: Uint8Array): DerReader {
  const probe = new DerReader(der);
  probe.element();
  probe.end();
  return new DerReader(der);
}

/** status_request, the TLS extension by which a server staples an OCSP response (RFC 6066 §8). */
export const STATUS_REQUEST = 5;

/** TLS Feature (RFC 7633 §4.1): TLS extensions that a server with this certificate has to support. */
export function parseTlsFeature(der: Uint8Array): readonly number[] {
  const list = whole(der).sequence();
  const features: number[] = [];
  while (!list.done) features.push(list.smallInteger());
  return features;
}

/** The SignedCertificateTimestampList of a certificate or an OCSP response (RFC 6962 §3.3), out of its OCTET STRING. */
export function parseSctList(der: Uint8Array): Uint8Array {
  const list = whole(der).element(Tag.octetString).content;
  if (list.length < 2) throw new DerError('a list of timestamps of less than two bytes');
  return list;
}
