import { utf8 } from '../../bytes/utf8.ts';
import { misuse } from '../../errors.ts';
import {
  bytes,
  flag,
  listOf,
  object,
  oneOf,
  type Rule,
  type Rules,
  record,
  settle,
  text,
  integer as wholeNumber,
  wrong,
} from '../../options.ts';
import {
  asciiOnly,
  boolean,
  ia5String,
  integer,
  namedBits,
  objectIdentifier,
  octetString,
  printableString,
  sequence,
  setOf,
  taggedContents,
  utf8String,
} from '../asn1/asn1js.ts';
import { Oid } from '../asn1/oids.ts';
import { ExtensionOid, ExtKeyUsageOid, keyUsageNames } from '../certificate/extensions.ts';
import { parseIp } from '../certificate/identity.ts';

/** Name of a bit of keyUsage (RFC 5280 §4.2.1.3). */
export type KeyUsageName = (typeof keyUsageNames)[number];

type KeyPurposeName =
  | 'serverAuth'
  | 'clientAuth'
  | 'codeSigning'
  | 'emailProtection'
  | 'timeStamping'
  | 'OCSPSigning'
  | 'anyExtendedKeyUsage';

/** RFC 5280 §4.2.1.12 */
const keyPurposes: Readonly<Record<KeyPurposeName, string>> = {
  serverAuth: ExtKeyUsageOid.serverAuth,
  clientAuth: ExtKeyUsageOid.clientAuth,
  codeSigning: ExtKeyUsageOid.codeSigning,
  emailProtection: ExtKeyUsageOid.emailProtection,
  timeStamping: ExtKeyUsageOid.timeStamping,
  OCSPSigning: ExtKeyUsageOid.ocspSigning,
  anyExtendedKeyUsage: ExtKeyUsageOid.any,
};
/** A purpose of extKeyUsage (RFC 5280 §4.2.1.12), by its name or its object identifier. */
export type KeyPurpose = KeyPurposeName | `${number}.${string}`;

type AttributeTypeName =
  | 'CN'
  | 'C'
  | 'L'
  | 'ST'
  | 'STREET'
  | 'O'
  | 'OU'
  | 'serialNumber'
  | 'DC'
  | 'UID'
  | 'emailAddress';

const attributeTypes: Readonly<Record<AttributeTypeName, string>> = {
  CN: Oid.commonName,
  C: Oid.countryName,
  L: Oid.localityName,
  ST: Oid.stateOrProvinceName,
  STREET: Oid.streetAddress,
  O: Oid.organizationName,
  OU: Oid.organizationalUnitName,
  serialNumber: Oid.serialNumber,
  DC: Oid.domainComponent,
  UID: Oid.userId,
  emailAddress: Oid.emailAddress,
};

/** One attribute of a name, by its short name or its object identifier. */
export interface NewNameAttribute {
  readonly type: AttributeTypeName | `${number}.${string}`;
  readonly value: string;
}

/** A common name, or attributes in order, each a RelativeDistinguishedName of its own. */
export type NewName = string | readonly NewNameAttribute[];

/** The names of subjectAltName (RFC 5280 §4.2.1.6). */
export interface SubjectAltNames {
  /** Host names in ASCII (A-labels); `*.example.com` for a wildcard. */
  readonly dns?: readonly string[] | undefined;
  /** IPv4 or IPv6, as text. */
  readonly ip?: readonly string[] | undefined;
  /** Mailboxes in ASCII. */
  readonly email?: readonly string[] | undefined;
  /** URIs in ASCII. */
  readonly uri?: readonly string[] | undefined;
}

/** An extension as given: `value` is the DER that goes into extnValue. */
export interface RawExtension {
  /** Object identifier, as text. */
  readonly oid: string;
  /** Default false. */
  readonly critical?: boolean | undefined;
  /** DER. */
  readonly value: Uint8Array;
}

/** The statements about a subject that a certificate and a certification request share. */
export interface SubjectOptions {
  /** Its name. A text is a common name. */
  readonly subject: NewName;
  /** Its names of subjectAltName. Default: none, the extension is left out. */
  readonly subjectAltNames?: SubjectAltNames | undefined;
  /** May issue certificates. Default false. */
  readonly isCa?: boolean | undefined;
  /** CA certificates that may follow below this one. Default: no bound. */
  readonly pathLength?: number | undefined;
  /** Default: keyCertSign and cRLSign of a CA, digitalSignature of others; an empty list leaves the extension out. */
  readonly keyUsage?: readonly KeyUsageName[] | undefined;
  /** Default: none, the extension is left out. */
  readonly extendedKeyUsage?: readonly KeyPurpose[] | undefined;
  /** Further extensions, after the others. */
  readonly extensions?: readonly RawExtension[] | undefined;
}

const attribute: Rule<NewNameAttribute> = (value, name) => {
  const given = object<NewNameAttribute>(value, name);
  text(given.type, `${name}.type`);
  text(given.value, `${name}.value`);
  return given;
};

const subject: Rule<NewName> = (value, name) => {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return wrong(name, 'a string, the common name, or an array of attributes', value);
  return listOf(attribute)(value, name);
};

const rawExtension: Rule<RawExtension> = (value, name) => {
  const given = object<RawExtension>(value, name);
  text(given.oid, `${name}.oid`);
  bytes()(given.value, `${name}.value`);
  return given;
};

const purpose: Rule<KeyPurpose> = (value, name) => {
  const given = text(value, name);
  const known = Object.hasOwn(keyPurposes, given) || /^\d+(?:\.\d+)+$/.test(given);
  return known
    ? (given as KeyPurpose)
    : wrong(name, `an object identifier, or one of ${Object.keys(keyPurposes).join(', ')}`, given);
};

const texts = listOf(text);

const subjectRules: Rules<SubjectOptions> = {
  subject,
  subjectAltNames: record<SubjectAltNames>({ dns: texts, ip: texts, email: texts, uri: texts }),
  isCa: flag,
  pathLength: wholeNumber(0),
  keyUsage: listOf(oneOf(...keyUsageNames)),
  extendedKeyUsage: listOf(purpose),
  extensions: listOf(rawExtension),
};

/** @throws TlsError ERR_TLS_CONFIG for the first option about the subject that is not what it must be */
export function checkSubject(options: SubjectOptions, name: string, others: readonly string[]): void {
  settle<SubjectOptions, 'subject'>(options, subjectRules, name, ['subject'], others);
}

/** Name, RFC 5280 §4.1.2.4. @throws TlsError ERR_TLS_CONFIG */
export function encodeName(name: NewName): Uint8Array {
  const attributes: readonly NewNameAttribute[] = typeof name === 'string' ? [{ type: 'CN', value: name }] : name;
  return sequence(...attributes.map(encodeAttribute));
}

/** Extension, RFC 5280 §4.1. `critical` is left out where false: DER leaves out what is the default. */
export function encodeExtension(extension: RawExtension): Uint8Array {
  const critical = extension.critical === true ? [boolean(true)] : [];
  return sequence(objectIdentifier(extension.oid), ...critical, octetString(extension.value));
}

/** The extensions of RFC 5280 §4.2.1 that state these facts about the subject. @throws TlsError ERR_TLS_CONFIG */
export function subjectExtensions(options: SubjectOptions): readonly RawExtension[] {
  const isCa = options.isCa === true;
  if (options.pathLength !== undefined && !isCa) misuse('ERR_TLS_CONFIG', 'pathLength is for a CA');
  const extensions: RawExtension[] = [];
  if (isCa) {
    const pathLength = options.pathLength === undefined ? [] : [integer(options.pathLength)];
    extensions.push({
      oid: ExtensionOid.basicConstraints,
      critical: true,
      value: sequence(boolean(true), ...pathLength),
    });
  }
  const keyUsage = options.keyUsage ?? (isCa ? ['keyCertSign', 'cRLSign'] : ['digitalSignature']);
  if (keyUsage.length > 0) {
    const value = namedBits(keyUsage.map((name) => keyUsageNames.indexOf(name)));
    extensions.push({ oid: ExtensionOid.keyUsage, critical: true, value });
  }
  if (options.extendedKeyUsage !== undefined && options.extendedKeyUsage.length > 0) {
    const purposes = options.extendedKeyUsage.map((purpose) => objectIdentifier(oidOf(keyPurposes, purpose)));
    extensions.push({ oid: ExtensionOid.extKeyUsage, value: sequence(...purposes) });
  }
  const names = options.subjectAltNames === undefined ? [] : generalNames(options.subjectAltNames);
  if (names.length > 0) {
    // RFC 5280 §4.2.1.6: critical where the subject is empty.
    extensions.push({
      oid: ExtensionOid.subjectAltName,
      critical: options.subject.length === 0,
      value: sequence(...names),
    });
  }
  return [...extensions, ...(options.extensions ?? [])];
}

/** GeneralName, RFC 5280 §4.2.1.6. */
function generalNames(names: SubjectAltNames): readonly Uint8Array[] {
  const text = (tag: number) => (name: string) => taggedContents(tag, utf8(asciiOnly(name)));
  return [
    ...(names.email ?? []).map(text(1)),
    ...(names.dns ?? []).map(text(2)),
    ...(names.uri ?? []).map(text(6)),
    ...(names.ip ?? []).map((address) => taggedContents(7, ipBytes(address))),
  ];
}

function ipBytes(address: string): Uint8Array {
  return parseIp(address) ?? wrong('options.subjectAltNames.ip', 'IP addresses', address);
}

function encodeAttribute(attribute: NewNameAttribute): Uint8Array {
  const oid = oidOf(attributeTypes, attribute.type);
  return setOf(sequence(objectIdentifier(oid), attributeString(oid)(attribute.value)));
}

/** RFC 5280 Appendix A.1 fixes the string type of a few attributes; UTF8String for the rest. */
function attributeString(oid: string): (text: string) => Uint8Array {
  if (oid === attributeTypes.C || oid === attributeTypes.serialNumber) return printableString;
  if (oid === attributeTypes.DC || oid === attributeTypes.emailAddress) return ia5String;
  return utf8String;
}

function oidOf(table: Readonly<Record<string, string>>, name: string): string {
  return Object.hasOwn(table, name) ? (table[name] ?? name) : name;
}
