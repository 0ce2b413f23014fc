import type { Hash } from '../../../crypto/provider.ts';
import { Oid } from '../../../x509/asn1/oids.ts';
import type { Certificate, ShownCertificate } from '../../../x509/certificate/certificate.ts';
import type { GeneralName } from '../../../x509/certificate/extensions.ts';
import { ipText } from '../../../x509/certificate/identity.ts';
import { type DistinguishedName, nameText } from '../../../x509/certificate/names.ts';
import type { PublicKeyInfo } from '../../../x509/certificate/spki.ts';

/** Attributes by short name; an attribute that occurs more than once is an array. */
export type LegacyName = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A certificate as `getPeerCertificate()` of `node:tls` describes it, without properties for what it does not have. */
export interface LegacyCertificate {
  readonly subject: LegacyName;
  readonly issuer: LegacyName;
  /** Like 'DNS:a.example, IP Address:192.0.2.1'; an entry that could be mistaken for two is quoted as JSON. null: unreadable. */
  readonly subjectaltname?: string | null;
  /** null: unreadable. */
  readonly infoAccess?: Readonly<Record<string, readonly string[]>> | null;
  readonly ca: boolean;
  /** RSA: upper-case hexadecimal. */
  readonly modulus?: string;
  /** RSA: like '0x10001'. */
  readonly exponent?: string;
  readonly bits?: number;
  /** RSA: SubjectPublicKeyInfo, DER; EC: the point. */
  readonly pubkey?: Buffer;
  readonly asn1Curve?: string;
  readonly nistCurve?: string;
  /** Like 'Nov 23 16:40:00 2026 GMT'; 'Bad time value' for a time that cannot be read. */
  readonly valid_from: string;
  readonly valid_to: string;
  /** SHA-1, like 'AB:CD:…'. */
  readonly fingerprint: string;
  readonly fingerprint256: string;
  readonly fingerprint512: string;
  /** Object identifiers of the extended key usage. */
  readonly ext_key_usage?: readonly string[];
  readonly serialNumber: string;
  readonly raw: Buffer;
  /** The fields that cannot be read (opentls), like 'extKeyUsage: an empty extKeyUsage'. Absent: none. */
  readonly unreadable?: readonly string[];
}

export interface DetailedCertificate extends LegacyCertificate {
  /** A self-issued certificate is its own issuer. */
  readonly issuerCertificate?: DetailedCertificate;
}

type Hashes = Readonly<Record<'sha1' | 'sha256' | 'sha512', Hash>>;

/** Never throws: it leaves out a field that cannot be read (or sets it to null, where Node does), and lists it in `unreadable`. */
export function legacyCertificate(certificate: ShownCertificate, hashes: Hashes): LegacyCertificate {
  const { subjectAltName, authorityInfoAccess, extKeyUsage, raw, unreadable } = certificate;
  const isUnreadable = (name: string): boolean => unreadable.some(({ field }) => field === name);
  return {
    subject: legacyName(certificate.subject),
    issuer: legacyName(certificate.issuer),
    ...(isUnreadable('subjectAltName') && { subjectaltname: null }),
    ...(subjectAltName && { subjectaltname: subjectAltName.map(generalNameText).join(', ') }),
    ...(isUnreadable('authorityInfoAccess') && { infoAccess: null }),
    ...(authorityInfoAccess && { infoAccess: legacyInfoAccess(authorityInfoAccess) }),
    ca: isAuthority(certificate) && !isUnreadable('keyUsage'),
    ...publicKeyFields(certificate.publicKey, certificate.spki),
    valid_from: timeText(certificate.notBefore),
    valid_to: timeText(certificate.notAfter),
    fingerprint: fingerprint(hashes.sha1, raw),
    fingerprint256: fingerprint(hashes.sha256, raw),
    fingerprint512: fingerprint(hashes.sha512, raw),
    ...(extKeyUsage && { ext_key_usage: [...extKeyUsage] }),
    serialNumber: serialText(certificate.serialNumber),
    raw: Buffer.from(raw),
    ...(unreadable.length > 0 && { unreadable: unreadable.map(({ field, reason }) => `${field}: ${reason}`) }),
  };
}

/** Describes the leaf, and links its issuers by `issuerCertificate`. @param path leaf first */
export function legacyChain(path: readonly ShownCertificate[], hashes: Hashes): DetailedCertificate | undefined {
  const byName = (issuer: DistinguishedName): ShownCertificate | undefined =>
    path.find((candidate) => sameBytes(candidate.subject.raw, issuer.raw));
  const links = new Map<ShownCertificate, DetailedCertificate & { issuerCertificate?: DetailedCertificate }>();
  const [leaf] = path;
  let current = leaf;
  while (current !== undefined && !links.has(current)) {
    links.set(current, legacyCertificate(current, hashes));
    current = byName(current.issuer);
  }
  for (const [certificate, link] of links) {
    const issuer = byName(certificate.issuer);
    const issuerLink = issuer && links.get(issuer);
    if (issuerLink !== undefined) link.issuerCertificate = issuerLink;
  }
  return leaf && links.get(leaf);
}

function legacyName(name: DistinguishedName): LegacyName {
  const fields: Record<string, string | string[]> = Object.create(null);
  for (const { shortName, oid, value } of name.rdns.flat()) {
    const key = shortName ?? oid;
    const known = fields[key];
    if (known === undefined) fields[key] = value;
    else if (typeof known === 'string') fields[key] = [known, value];
    else known.push(value);
  }
  return fields;
}

function generalNameText(name: GeneralName): string {
  switch (name.type) {
    case 'dns':
      return `DNS:${quoted(name.value)}`;
    case 'rfc822':
      return `email:${quoted(name.value)}`;
    case 'uri':
      return `URI:${quoted(name.value)}`;
    case 'ip':
      return `IP Address:${addressText(name.value)}`;
    case 'directory':
      return `DirName:${quoted(nameText(name.value))}`;
    case 'registeredId':
      return `Registered ID:${name.value}`;
    case 'other':
      return 'othername:<unsupported>';
    case 'x400':
      return 'X400Name:<unsupported>';
    case 'ediParty':
      return 'EdiPartyName:<unsupported>';
  }
}

/** Quotes a value as a JSON string where it could end its entry or begin another. */
function quoted(value: string): string {
  if (!/[^ -~]|["\\,']/.test(value)) return value;
  const escaped = value
    .replace(/["\\]/g, (character) => `\\${character}`)
    .replace(/[^ -~]|,/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `"${escaped}"`;
}

function addressText(address: Uint8Array): string {
  if (address.length !== 4 && address.length !== 16) return `<invalid length=${address.length}>`;
  return ipText(address).toUpperCase();
}

function legacyInfoAccess(
  descriptions: NonNullable<Certificate['authorityInfoAccess']>,
): Readonly<Record<string, readonly string[]>> {
  const fields: Record<string, string[]> = Object.create(null);
  for (const { method, location } of descriptions) {
    const text = location.type === 'uri' ? `URI:${location.value}` : generalNameText(location);
    const colon = text.indexOf(':');
    const key = `${accessMethods[method] ?? method} - ${text.slice(0, colon)}`;
    const known = fields[key];
    if (known === undefined) fields[key] = [text.slice(colon + 1)];
    else known.push(text.slice(colon + 1));
  }
  return fields;
}

function isAuthority(certificate: Certificate): boolean {
  if (certificate.basicConstraints?.ca !== true) return false;
  return certificate.keyUsage?.has('keyCertSign') !== false;
}

function publicKeyFields(key: PublicKeyInfo, spki: Uint8Array): Partial<LegacyCertificate> {
  switch (key.algorithm) {
    case 'rsa':
      return {
        modulus: hex(key.modulus),
        bits: key.bits,
        exponent: `0x${hex(key.exponent).toLowerCase().replace(/^0+/, '')}`,
        pubkey: Buffer.from(spki),
      };
    case 'ec':
      return {
        bits: key.bits,
        pubkey: Buffer.from(key.point),
        asn1Curve: curveNames[key.curve],
        nistCurve: key.curve,
      };
    default:
      return {};
  }
}

/** Writes a time as OpenSSL's ASN1_TIME_print does. */
function timeText(time: number): string {
  if (!Number.isFinite(time)) return 'Bad time value';
  const date = new Date(time);
  const month = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][
    date.getUTCMonth()
  ];
  const clock = date.toISOString().slice(-13, -5);
  return `${month} ${String(date.getUTCDate()).padStart(2)} ${clock} ${date.getUTCFullYear()} GMT`;
}

/** Writes a serial number in hexadecimal, without the sign byte. */
function serialText(serial: Uint8Array): string {
  if (serial.every((byte) => byte === 0)) return '0';
  const negative = (serial[0] ?? 0) >= 0x80;
  if (!negative) return hex(serial[0] === 0 && serial.length > 1 ? serial.subarray(1) : serial);
  const magnitude = (1n << BigInt(8 * serial.length)) - BigInt(`0x${hex(serial)}`);
  const digits = magnitude.toString(16).toUpperCase();
  return `-${digits.length % 2 === 0 ? digits : `0${digits}`}`;
}

function fingerprint(hash: Hash, raw: Uint8Array): string {
  return hex(hash.digest(raw)).replace(/..(?=.)/g, '$&:');
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex').toUpperCase();
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

const curveNames = { 'P-256': 'prime256v1', 'P-384': 'secp384r1', 'P-521': 'secp521r1' } as const;

/** OpenSSL's long names of access methods (id-ad, RFC 5280 §4.2.2.1). */
const accessMethods: Readonly<Record<string, string>> = {
  [Oid.adOcsp]: 'OCSP',
  [Oid.adCaIssuers]: 'CA Issuers',
};
