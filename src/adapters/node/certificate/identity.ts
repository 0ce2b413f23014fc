import { isIP, SocketAddress } from 'node:net';
import type { Certificate } from '../../../x509/certificate/certificate.ts';
import type { GeneralName } from '../../../x509/certificate/extensions.ts';
import { commonNames, dnsName, subjectNames } from '../../../x509/certificate/subject-names.ts';
import { codedError } from '../support/errors.ts';
import type { LegacyCertificate } from './legacy.ts';

/** The fields of a certificate that {@link checkServerIdentity} reads. */
export type IdentityCertificate = Pick<LegacyCertificate, 'subject' | 'subjectaltname' | 'unreadable'>;

/**
 * Checks whether a certificate is for a host, by the rules of `node:tls`. An IP address matches `IP Address:` entries alone.
 * A name matches `DNS:` entries, and the common name where there is no such entry. Where subjectAltName cannot be read, the
 * common name does not count.
 * @returns an error ERR_TLS_CERT_ALTNAME_INVALID with `reason`, `host` and `cert` where the certificate is for another host
 * @throws ERR_TLS_CERT_ALTNAME_FORMAT for a subjectaltname text that is malformed
 *
 * @example
 * ```js
 * import { checkServerIdentity } from 'opentls';
 *
 * const error = checkServerIdentity('other.example', { subject: {}, subjectaltname: 'DNS:localhost' });
 * console.log(error.code); // ERR_TLS_CERT_ALTNAME_INVALID
 * ```
 */
export function checkServerIdentity(hostname: string, cert: Partial<IdentityCertificate>): Error | undefined {
  const { subject, subjectaltname: altNames, unreadable = [] } = cert;
  const host = withoutDot(String(hostname));
  const { dns, ips } = sortNames(altNames);
  const refuse = () => (isIP(host) ? refuseIp(host, ips) : refuseName(host, dns, subject?.['CN'], altNames));
  // Without the names of subjectAltName, it is not known whether the common name counts.
  const unreadableNames =
    altNames === null || unreadable.some((field) => /^(?:subjectAltName|extensions): /.test(field));
  const noneOfKind = isIP(host) ? ips.length === 0 : dns.length === 0;
  const reason = unreadableNames && noneOfKind ? 'Cert has altnames that cannot be read' : refuse();
  if (reason === undefined) return undefined;
  const message = `Hostname/IP does not match certificate's altnames: ${reason}`;
  return codedError('ERR_TLS_CERT_ALTNAME_INVALID', message, { reason, host, cert });
}

function refuseIp(host: string, ips: readonly string[]): string | undefined {
  const wanted = canonicalIp(host);
  if (ips.includes(wanted)) return undefined;
  return `IP: ${host} is not in the cert's list: ${ips.join(', ')}`;
}

function refuseName(
  host: string,
  dns: readonly string[],
  commonName: string | readonly string[] | undefined,
  altNames: string | null | undefined,
): string | undefined {
  const parts = split(host);
  if (dns.length > 0) {
    if (dns.some((pattern) => matches(parts, pattern))) return undefined;
    return `Host: ${host}. is not in the cert's altnames: ${altNames}`;
  }
  if (commonName === undefined || commonName.length === 0) return 'Cert does not contain a DNS name';
  const names = typeof commonName === 'string' ? [commonName] : commonName;
  if (names.some((pattern) => matches(parts, pattern))) return undefined;
  return `Host: ${host}. is not cert's CN: ${commonName}`;
}

/** Whether one of these `DNS:` entries or common names matches a host. None matches an IP address. */
export function standsFor(patterns: readonly string[], hostname: string): boolean {
  const host = withoutDot(hostname);
  return isIP(host) === 0 && patterns.some((pattern) => matches(split(host), pattern));
}

/** A wildcard counts in the leftmost label only, not in an A-label, and not below a top-level domain. */
function matches(host: readonly string[], pattern: string): boolean {
  const wanted = split(pattern);
  if (pattern === '' || wanted.length !== host.length || wanted.includes('')) return false;
  if (wanted.some((label) => /[^\u0021-\u007f]/u.test(label))) return false;
  for (let i = host.length - 1; i > 0; i--) if (host[i] !== wanted[i]) return false;
  const [label = ''] = host;
  const [first = ''] = wanted;
  const around = first.split('*');
  if (around.length === 1 || first.includes('xn--')) return label === first;
  if (around.length > 2 || wanted.length <= 2) return false;
  const [prefix = '', suffix = ''] = around;
  return prefix.length + suffix.length <= label.length && label.startsWith(prefix) && label.endsWith(suffix);
}

function sortNames(altNames: string | null | undefined): { readonly dns: string[]; readonly ips: string[] } {
  const dns: string[] = [];
  const ips: string[] = [];
  if (!altNames) return { dns, ips };
  for (const name of altNames.includes('"') ? splitQuoted(altNames) : altNames.split(', ')) {
    if (name.startsWith('DNS:')) dns.push(name.slice(4));
    else if (name.startsWith('IP Address:')) ips.push(canonicalIp(name.slice(11)));
  }
  return { dns, ips };
}

/** Splits a text in which entries that could be mistaken for two are quoted as JSON strings. */
function splitQuoted(altNames: string): string[] {
  const names: string[] = [];
  let name = '';
  let offset = 0;
  let comma = -1;
  let quote = -1;
  while (offset < altNames.length) {
    // Each is searched again only when it was passed, so that the whole text takes linear time.
    if (comma < offset) comma = indexFrom(altNames, ',', offset);
    if (quote < offset) quote = indexFrom(altNames, '"', offset);
    if (quote < comma) {
      const literal = jsonString.exec(altNames.slice(quote))?.[0];
      if (literal === undefined) {
        throw codedError(
          'ERR_TLS_CERT_ALTNAME_FORMAT',
          'Invalid subject alternative name string',
          undefined,
          SyntaxError,
        );
      }
      name += altNames.slice(offset, quote) + JSON.parse(literal);
      offset = quote + literal.length;
    } else if (comma < altNames.length) {
      names.push(name + altNames.slice(offset, comma));
      name = '';
      offset = comma + 2;
    } else {
      name += altNames.slice(offset);
      offset = altNames.length;
    }
  }
  names.push(name);
  return names;
}

/** The index of `character`, or the length of the text where it does not occur. */
function indexFrom(text: string, character: string, offset: number): number {
  const index = text.indexOf(character, offset);
  return index < 0 ? text.length : index;
}

/** Writes an IP address in one form, so that all spellings of an IPv6 address compare equal. */
function canonicalIp(text: string): string {
  const version = isIP(text);
  return version === 0 ? text : new SocketAddress({ address: text, family: version === 4 ? 'ipv4' : 'ipv6' }).address;
}

/** Splits a host into labels in lower case. Only A to Z change: no rules of a locale apply. */
function split(host: string): string[] {
  const lower = withoutDot(host).replace(/[A-Z]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 32));
  return lower.split('.');
}

function withoutDot(host: string): string {
  return host.replace(/[.]$/, '');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 8259 §7 excludes them by number
const jsonString = /^"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/;

/**
 * The names beside subjectAltName that programs for `node:tls` rely on, so that name constraints must bind them: those in the
 * subject, and the host itself where a `DNS:` entry or common name matches it (constraints cannot bind an entry like `a*`).
 * @param host the host that a client means to reach; undefined for a server
 * @throws DerError where subjectAltName cannot be read
 */
export function namesReliedOn(leaf: Certificate, host: string | undefined): readonly GeneralName[] {
  const named = subjectNames(leaf);
  if (host === undefined) return named;
  const dns = (leaf.subjectAltName ?? []).flatMap((name) => (name.type === 'dns' ? [name.value] : []));
  return standsFor([...dns, ...commonNames(leaf)], host) ? [...named, dnsName(host)] : named;
}
