import type { Certificate } from './certificate.ts';
import type { GeneralName, NameConstraints } from './extensions.ts';
import { isWithin, parseName } from './names.ts';

/** What a constrained CA has against a certificate below it; undefined when nothing. */
export type Violation = 'permitted' | 'excluded' | 'unsupported' | undefined;

/**
 * Name constraints of one CA on one certificate below it (RFC 5280 §4.2.1.10, §6.1.4 (g)).
 * @param count called once for each comparison, so that a budget can end it
 */
export function checkNames(constraints: NameConstraints, certificate: Certificate, count: () => void): Violation {
  for (const name of namesOf(certificate)) {
    const violation = checkName(constraints, name, count);
    if (violation !== undefined) return violation;
  }
  return undefined;
}

function checkName({ permitted, excluded }: NameConstraints, name: GeneralName, count: () => void): Violation {
  for (const base of excluded) {
    if (base.type !== name.type) continue;
    count();
    const inside = contains(base, name);
    if (inside === undefined) return 'unsupported';
    if (inside) return 'excluded';
  }
  const allowed = permitted.filter((base) => base.type === name.type);
  if (allowed.length === 0) return undefined;
  for (const base of allowed) {
    count();
    const inside = contains(base, name);
    if (inside === undefined) return 'unsupported';
    if (inside) return undefined;
  }
  return 'permitted';
}

/** All names that constraints bind: the subject, its e-mail addresses, and subjectAltName. */
function namesOf(certificate: Certificate): readonly GeneralName[] {
  const names: GeneralName[] = [...(certificate.subjectAltName ?? [])];
  const { subject } = certificate;
  if (subject.rdns.length > 0) names.push({ type: 'directory', value: parseName(subject.raw) });
  if (certificate.subjectAltName !== undefined) return names;
  // RFC 5280 §4.2.1.10: e-mail addresses in the subject count where subjectAltName is absent.
  for (const { oid, value } of subject.rdns.flat()) if (oid === emailAddress) names.push({ type: 'rfc822', value });
  return names;
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
function withinDomain(name: string, base: string): boolean {
  const domain = base.toLowerCase();
  const host = name.toLowerCase().replace(/\.$/, '');
  if (domain === '') return true;
  if (domain.startsWith('.')) return host.endsWith(domain);
  return host === domain || host.endsWith(`.${domain}`);
}

/** A mailbox, all mailboxes on a host, or (with a leading dot) all below a domain. */
function withinMailbox(name: string, base: string): boolean | undefined {
  const at = name.lastIndexOf('@');
  // RFC 5321 §4.1.2: a local part with another '@' would have to be quoted, and certificates have none such.
  if (at < 1 || name.indexOf('@') !== at) return undefined;
  const host = name.slice(at + 1).toLowerCase();
  if (base.includes('@')) {
    const baseAt = base.lastIndexOf('@');
    return name.slice(0, at) === base.slice(0, baseAt) && host === base.slice(baseAt + 1).toLowerCase();
  }
  return base.startsWith('.') ? host.endsWith(base.toLowerCase()) : host === base.toLowerCase();
}

/** The host part; a URI without one, or with an address, is in no subtree. */
function withinUri(name: string, base: string): boolean {
  const host = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([a-z0-9._-]+)(?::\d+)?(?:[/?#]|$)/i
    .exec(name)?.[1]
    ?.toLowerCase();
  if (host === undefined || /^[\d.]+$/.test(host)) return false;
  return base.startsWith('.') ? host.endsWith(base.toLowerCase()) : host === base.toLowerCase();
}

/** Address and mask of the same family (RFC 4632, RFC 5280 §4.2.1.10). */
function withinSubnet(address: Uint8Array, base: Uint8Array): boolean {
  if (base.length !== 2 * address.length) return false;
  return address.every((byte, i) => {
    const mask = base[address.length + i] ?? 0;
    return (byte & mask) === ((base[i] ?? 0) & mask);
  });
}

const emailAddress = '1.2.840.113549.1.9.1';
