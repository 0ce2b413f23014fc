import { equal } from '../../bytes/equal.ts';
import { MAX_HOST_NAME } from '../../limits.ts';
import { object, type Rule, text, wrong } from '../../options.ts';
import { context, DerError, DerReader, Tag } from '../asn1/der.ts';
import { Oid } from '../asn1/oids.ts';
import { type Certificate, certificateRead } from './certificate.ts';
import { latin1 } from './names.ts';

/** Who the peer should be: a host name, an address, a URI (RFC 9525 §6), or a mailbox (RFC 5280 §4.2.1.6). */
export type PeerName =
  | { readonly dns: string }
  | { readonly ip: Uint8Array }
  | { readonly uri: string }
  | { readonly email: string };

/** A name must have exactly one form: with a misspelled property, no name would be checked. */
export const peerName: Rule<PeerName> = (value, name) => {
  if (typeof value === 'string')
    return wrong(name, `what hostName(${JSON.stringify(value.slice(0, 40))}) makes of it`, value);
  const [[form, id] = [], ...others] = Object.entries(object<PeerName>(value, name));
  const fits = form === 'ip' ? id instanceof Uint8Array : textForms.has(form) && typeof id === 'string';
  return fits && others.length === 0
    ? (value as PeerName)
    : wrong(name, '{ dns }, { ip }, { uri } or { email }', value);
};

const textForms: ReadonlySet<unknown> = new Set(['dns', 'uri', 'email']);

/**
 * A host as people write it: an address becomes an IP-ID, a name a DNS-ID in A-labels.
 * @throws TlsError ERR_TLS_CONFIG for text that is neither, such as a URL or a host with a port
 *
 * @example
 * ```js
 * import { hostName } from 'opentls/x509';
 *
 * console.log(hostName('www.example'), hostName('127.0.0.1').ip.length); // { dns: 'www.example' } 4
 * ```
 */
export function hostName(host: string): PeerName {
  text(host, 'hostName: host');
  const ip = parseIp(host);
  if (ip !== undefined) return { ip };
  if (host === '' || /[\s/:@?#]/.test(host)) wrong('hostName: host', 'a host name or an IP address', host);
  return { dns: toAscii(host) };
}

/**
 * RFC 9525 §6.3 to §6.5. Only subjectAltName counts: a common name never does (§2, RFC 9110 §4.3.4).
 * @throws TlsError ERR_TLS_CONFIG for what is no certificate or no name; DerError where subjectAltName cannot be read
 */
export function matchName(certificate: Certificate, name: PeerName): boolean {
  certificateRead(certificate, 'matchName: certificate');
  peerName(name, 'matchName: name');
  const names = certificate.subjectAltName ?? [];
  if ('ip' in name) return names.some((candidate) => candidate.type === 'ip' && equal(candidate.value, name.ip));
  if ('uri' in name) return names.some((candidate) => candidate.type === 'uri' && matchUri(candidate.value, name.uri));
  if ('email' in name) {
    return names.some((candidate) => candidate.type === 'rfc822' && matchEmail(candidate.value, name.email));
  }
  return names.some((candidate) => candidate.type === 'dns' && matchDns(candidate.value, name.dns));
}

/** The names of subjectAltName that {@link matchName} compares, as text. @throws DerError where it cannot be read */
export function presentedNames({ subjectAltName = [] }: Certificate): readonly string[] {
  return subjectAltName.flatMap((name) => {
    if (name.type === 'dns' || name.type === 'uri' || name.type === 'rfc822') return [name.value];
    return name.type === 'ip' ? [ipText(name.value)] : [];
  });
}

/** An address as people write it: dotted decimal, or the eight groups of an IPv6 address. */
export function ipText(ip: Uint8Array): string {
  if (ip.length !== 16) return ip.join('.');
  return ipv6Groups(ip)
    .map((group) => group.toString(16))
    .join(':');
}

/** The groups of 16 bits of an IPv6 address. */
export function ipv6Groups(ip: Uint8Array): readonly number[] {
  return Array.from({ length: 8 }, (_, i) => ((ip[2 * i] ?? 0) << 8) | (ip[2 * i + 1] ?? 0));
}

/** RFC 3986 §6.2.2.1: scheme and host without regard to case, the rest as it is. No wildcards (RFC 9525 §6.5). */
export function matchUri(given: string, wanted: string): boolean {
  return given === wanted || (hostOfUri(given) !== undefined && normalUri(given) === normalUri(wanted));
}

/** RFC 5280 §7.5: the host without regard to case, the local part as it is. */
export function matchEmail(given: string, wanted: string): boolean {
  const normal = (mailbox: string): string => {
    const at = mailbox.lastIndexOf('@');
    return mailbox.slice(0, at) + mailbox.slice(at).toLowerCase();
  };
  return given.includes('@') && normal(given) === normal(wanted);
}

/** The reg-name or IPv4 address of a URI with an authority (RFC 3986 §3.2.2). */
export function hostOfUri(uri: string): string | undefined {
  return uriForm.exec(uri)?.[3];
}

function normalUri(uri: string): string {
  return uri.replace(uriForm, (_, scheme: string, user: string | undefined, host: string, port: string | undefined) => {
    return `${scheme.toLowerCase()}${user ?? ''}${host.toLowerCase()}${port ?? ''}`;
  });
}

const uriForm = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#@]*@)?([a-z0-9._-]+)(:\d*)?(?=[/?#]|$)/i;

/**
 * RFC 9525 §6.3: labels are compared without regard to case; `*` stands for one whole left-most label, and for
 * nothing where fewer than two labels follow it.
 * @throws TlsError ERR_TLS_CONFIG for what is no text
 */
export function matchDns(pattern: string, host: string): boolean {
  text(pattern, 'matchDns: pattern');
  text(host, 'matchDns: host');
  const wanted = labelsOf(host);
  const given = labelsOf(pattern);
  if (wanted === undefined || given === undefined || wanted.length !== given.length) return false;
  const [first, ...others] = given;
  const wildcard = first === '*' && others.length >= 2;
  if (!wildcard && !isLabel(first)) return false;
  if (!others.every(isLabel)) return false;
  return given.every((label, i) => (wildcard && i === 0) || label === wanted[i]);
}

/**
 * An IPv4 address in dotted decimal or an IPv6 address (RFC 4291 §2.2), without brackets or zone.
 * @returns 4 or 16 bytes; undefined for other text
 * @throws TlsError ERR_TLS_CONFIG for what is no text
 */
export function parseIp(address: string): Uint8Array | undefined {
  text(address, 'parseIp: address');
  return address.includes(':') ? parseIpv6(address) : parseIpv4(address);
}

/** Lower case, without a trailing dot, U-labels as A-labels (RFC 9525 §2). */
export function toAscii(host: string): string {
  const bare = host.replace(/\.$/, '');
  // RFC 1035 §2.3.4: a longer text is no host, and IDNA's cost grows with the square of the length.
  if (bare.length > MAX_HOST_NAME) return bare.toLowerCase();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the ASCII range is what is asked for
  if (/^[\x00-\x7f]*$/.test(bare)) return bare.toLowerCase();
  try {
    return new URL(`https://${bare}`).hostname;
  } catch {
    return bare.toLowerCase();
  }
}

function labelsOf(name: string): readonly string[] | undefined {
  const labels = name.toLowerCase().replace(/\.$/, '').split('.');
  return labels.some((label) => label === '') ? undefined : labels;
}

/** Letters, digits, hyphens, and the underscore that some names have. No wildcard inside a label (RFC 9525 §6.3). */
function isLabel(label: string | undefined): boolean {
  return label !== undefined && /^[a-z0-9_-]{1,63}$/.test(label);
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return Uint8Array.from(parts, Number);
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  // An IPv4 tail can only end the address.
  const [left, right] = halves.map((half, i) => (half === '' ? [] : groupsOf(half, i === halves.length - 1)));
  if (left === undefined || (halves.length === 2 && right === undefined)) return undefined;
  const tail = right ?? [];
  const missing = 8 - left.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...left, ...new Array<number>(missing).fill(0), ...tail];
  return Uint8Array.from(groups.flatMap((group) => [group >>> 8, group & 0xff]));
}

/** Sixteen-bit groups; at the end of the address the last two may be an IPv4 address. */
function groupsOf(text: string, atEnd: boolean): number[] | undefined {
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    const ipv4 = atEnd && i === parts.length - 1 ? parseIpv4(part) : undefined;
    if (ipv4 !== undefined) {
      const [a = 0, b = 0, c = 0, d = 0] = ipv4;
      groups.push((a << 8) | b, (c << 8) | d);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else return undefined;
  }
  return groups;
}

/**
 * The mailbox of an otherName that is a SmtpUTF8Mailbox (RFC 9598 §3), its domain in A-labels and lower case; undefined
 * for other otherNames. Empty where the value is malformed: no mailbox is empty, so that it matches none.
 * @param otherName DER, with the tag that it has among GeneralNames
 */
export function utf8Mailbox(otherName: Uint8Array): string | undefined {
  try {
    const fields = new DerReader(otherName).enter(context(0, 'constructed'));
    if (fields.oid() !== Oid.smtpUtf8Mailbox) return undefined;
    const value = fields.enter(context(0, 'constructed'));
    fields.end();
    const { content } = value.element(Tag.utf8String);
    value.end();
    // RFC 9598 §3: no byte order mark, which a decoder would take away.
    if (latin1(content.subarray(0, 3)) === '\xef\xbb\xbf') return '';
    return normalMailbox(new TextDecoder('utf-8', { fatal: true }).decode(content));
  } catch (error) {
    // A TypeError: it is no UTF-8.
    if (error instanceof DerError || error instanceof TypeError) return '';
    throw error;
  }
}

/**
 * RFC 9598 has A-labels alone; those who followed RFC 8398 wrote U-labels, and who reads mail takes both for the same
 * domain. The local part is compared as it is.
 */
function normalMailbox(mailbox: string): string {
  const at = mailbox.lastIndexOf('@');
  const domain = mailbox.slice(at + 1);
  // What else a URL may hold is not for a parser of URLs, which takes a part of it for the host.
  if (!/^[\p{L}\p{M}\p{N}_.-]+$/u.test(domain)) return '';
  const host = toAscii(domain);
  return isAscii(host) && !domain.endsWith('.') ? `${mailbox.slice(0, at + 1)}${host}` : '';
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the ASCII range is what is asked for
  return /^[\x00-\x7f]*$/.test(text);
}
