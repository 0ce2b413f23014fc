import type { Certificate } from '../certificate/certificate.ts';
import type { GeneralName, NameConstraints } from '../certificate/extensions.ts';
import { hostOfUri, utf8Mailbox } from '../certificate/identity.ts';
import { isWithin, parseName } from '../certificate/names.ts';
import { subjectMailboxes } from '../certificate/subject-names.ts';

type Named = Pick<Certificate, 'subject' | 'subjectAltName'>;

/** How a certificate violates the name constraints of a CA above it; undefined where it does not. */
export type Violation = 'permitted' | 'excluded' | 'unsupported' | undefined;

/**
 * Name constraints of one CA on one certificate below it (RFC 5280 §4.2.1.10, §6.1.4 (g)).
 * @param count called for each comparison with the length of what is compared, so that a budget can end it
 * @param more names that the certificate is taken for besides its own
 */
export function checkNames(
  constraints: NameConstraints,
  certificate: Named,
  count: Count,
  more: readonly GeneralName[] = [],
): Violation {
  const permitted = byForm(constraints.permitted);
  const excluded = byForm(constraints.excluded);
  const bindsMailboxes = permitted.has('rfc822') || excluded.has('rfc822');
  for (const given of [...namesOf(certificate), ...more]) {
    for (const name of bindsMailboxes ? readings(given) : [given]) {
      const violation = checkName(permitted.get(name.type) ?? [], excluded.get(name.type) ?? [], name, count);
      if (violation !== undefined) return violation;
    }
  }
  return undefined;
}

type Count = (length: number) => void;

/** Once for all names: those of other forms are not passed over again for each. */
function byForm(bases: readonly GeneralName[]): ReadonlyMap<GeneralName['type'], readonly GeneralName[]> {
  const forms = new Map<GeneralName['type'], GeneralName[]>();
  for (const base of bases) {
    const known = forms.get(base.type);
    if (known === undefined) forms.set(base.type, [base]);
    else known.push(base);
  }
  return forms;
}

function checkName(
  permitted: readonly GeneralName[],
  excluded: readonly GeneralName[],
  name: GeneralName,
  count: Count,
): Violation {
  const length = lengthOf(name);
  for (const base of excluded) {
    count(length + lengthOf(base));
    const inside = contains(base, name) ?? 'unknown';
    if (inside === 'unknown') return 'unsupported';
    if (inside || reachesInto(base, name)) return 'excluded';
  }
  if (permitted.length === 0) return undefined;
  for (const base of permitted) {
    count(length + lengthOf(base));
    const inside = contains(base, name);
    if (inside === undefined) return 'unsupported';
    if (inside) return undefined;
  }
  return 'permitted';
}

function lengthOf({ value }: GeneralName): number {
  return typeof value === 'object' && 'raw' in value ? value.raw.length : value.length;
}

/** All names that constraints bind: the subject, its e-mail addresses, and subjectAltName. */
function namesOf(certificate: Named): readonly GeneralName[] {
  const names: GeneralName[] = [...(certificate.subjectAltName ?? [])];
  const { subject } = certificate;
  if (subject.rdns.length > 0) names.push({ type: 'directory', value: parseName(subject.raw) });
  // RFC 5280 §4.2.1.10: e-mail addresses in the subject count where subjectAltName is absent.
  return certificate.subjectAltName === undefined ? [...names, ...subjectMailboxes(certificate)] : names;
}

/** RFC 9598 §6: what binds rfc822Name binds SmtpUTF8Mailbox, which is an otherName besides. */
function readings(name: GeneralName): readonly GeneralName[] {
  const value = name.type === 'other' ? utf8Mailbox(name.value) : undefined;
  return value === undefined ? [name] : [name, { type: 'rfc822', value }];
}

/** Undefined where it cannot be said, for the form or for the value of the name: the path then fails. */
function contains(base: GeneralName, name: GeneralName): boolean | undefined {
  if (base.type === 'dns' && name.type === 'dns') return withinDomain(name.value, base.value);
  if (base.type === 'rfc822' && name.type === 'rfc822') return withinMailbox(name.value, base.value);
  if (base.type === 'uri' && name.type === 'uri') return withinUri(name.value, base.value);
  if (base.type === 'ip' && name.type === 'ip') return withinSubnet(name.value, base.value);
  if (base.type === 'directory' && name.type === 'directory') return isWithin(name.value, base.value);
  return undefined;
}

/** The domain itself and all below it; a leading dot, which RFC 5280 does not have for dNSName, means only below. */
function withinDomain(name: string, base: string): boolean | undefined {
  const domain = trim(base);
  const host = trim(name);
  if (domain === '') return base === '' ? true : undefined;
  if (hasEmptyLabel(domain.replace(/^\./, ''))) return undefined;
  if (domain.startsWith('.')) return host.endsWith(domain);
  return host === domain || host.endsWith(`.${domain}`);
}

/** Whether a wildcard stands for a name in an excluded subtree, though for others, too. */
function reachesInto(base: GeneralName, name: GeneralName): boolean {
  if (base.type !== 'dns' || name.type !== 'dns' || !name.value.startsWith('*.')) return false;
  const [, ...above] = trim(base.value).replace(/^\./, '').split('.');
  return above.join('.') === trim(name.value).slice(2);
}

function trim(domain: string): string {
  return domain.toLowerCase().replace(/\.$/, '');
}

/** A mailbox, all mailboxes on a host, or (with a leading dot) all below a domain. */
function withinMailbox(name: string, base: string): boolean | undefined {
  const mailbox = splitMailbox(name);
  if (mailbox === undefined) return undefined;
  const host = mailbox.host.toLowerCase();
  if (base.includes('@')) {
    const wanted = splitMailbox(base);
    // A quoted local part can be the same as an unquoted one (RFC 5321 §4.1.2).
    if (wanted === undefined || `${wanted.local}${mailbox.local}`.includes('"')) return undefined;
    return mailbox.local === wanted.local && host === wanted.host.toLowerCase();
  }
  if (hasEmptyLabel(base.replace(/^\./, ''))) return undefined;
  return base.startsWith('.') ? host.endsWith(base.toLowerCase()) : host === base.toLowerCase();
}

/** RFC 5321 §4.1.2: a local part with another '@' would have to be quoted, and certificates have none such. */
function splitMailbox(mailbox: string): { readonly local: string; readonly host: string } | undefined {
  const [local, host, ...others] = mailbox.split('@');
  if (local === undefined || local === '' || host === undefined || others.length > 0) return undefined;
  // Hosts are compared as they are written: a trailing dot would keep a host out of every excluded subtree.
  if (hasEmptyLabel(host)) return undefined;
  return { local, host };
}

function hasEmptyLabel(host: string): boolean {
  return host.split('.').includes('');
}

/** The host part; a URI without one, or with an address, is in no subtree that can be told (RFC 5280 §4.2.1.10). */
function withinUri(name: string, base: string): boolean | undefined {
  const host = hostOfUri(name)?.toLowerCase();
  if (host === undefined || /^[\d.]+$/.test(host) || !/^\.?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/i.test(base))
    return undefined;
  return base.startsWith('.') ? host.endsWith(base.toLowerCase()) : host === base.toLowerCase();
}

/** Address and mask of the same family (RFC 4632, RFC 5280 §4.2.1.10); an IPv4 address mapped into IPv6 is of both. */
function withinSubnet(address: Uint8Array, base: Uint8Array): boolean {
  const addresses = isMapped(address) ? [address, address.subarray(12)] : [address];
  const half = base.length / 2;
  const wholeMask = base.subarray(half, half + 12).every((byte) => byte === 0xff);
  const mapped = half === 16 && wholeMask && isMapped(base);
  const subnets = [{ network: base.subarray(0, half), mask: base.subarray(half) }];
  if (mapped) subnets.push({ network: base.subarray(12, 16), mask: base.subarray(28) });
  return addresses.some((bytes) => subnets.some(({ network, mask }) => isInside(bytes, network, mask)));
}

function isInside(address: Uint8Array, network: Uint8Array, mask: Uint8Array): boolean {
  if (address.length !== network.length) return false;
  return address.every((byte, i) => ((byte ^ (network[i] ?? 0)) & (mask[i] ?? 0)) === 0);
}

/** RFC 4291 §2.5.5.2: ::ffff:0:0/96 */
function isMapped(address: Uint8Array): boolean {
  return address.length >= 16 && address.subarray(0, 12).every((byte, i) => byte === (i < 10 ? 0 : 0xff));
}
