import { Oid } from '../asn1/oids.ts';
import { type Certificate, certificateRead } from './certificate.ts';
import type { GeneralName } from './extensions.ts';

type Named = Pick<Certificate, 'subject' | 'subjectAltName'>;

/**
 * The parts of a subject that programs use like names of subjectAltName: e-mail addresses, and, where there is no dNSName,
 * the common names that could be one. Give them to {@link VerifyOptions.reliedOn} where a program uses them.
 * @throws DerError where subjectAltName cannot be read: it cannot be told then whether the common name counts; TlsError
 *   ERR_TLS_CONFIG for what is no certificate
 */
export function subjectNames(leaf: Named): readonly GeneralName[] {
  certificateRead(leaf, 'subjectNames: leaf');
  return [...subjectMailboxes(leaf), ...commonNames(leaf).filter(isDomain).map(dnsName)];
}

/** emailAddress, PKCS #9 (RFC 5280 §4.1.2.6). */
export function subjectMailboxes(leaf: Named): readonly GeneralName[] {
  return subjectValues(leaf, Oid.emailAddress).map((value) => ({ type: 'rfc822', value }));
}

/**
 * The common names of a certificate that has no dNSName: of others they do not count (RFC 2818 §3.1). RFC 9110, which
 * obsoletes it, has no use for them at all (§4.3.4), nor has RFC 9525 (§2); programs still go by them.
 */
export function commonNames(leaf: Named): readonly string[] {
  const named = leaf.subjectAltName?.some(({ type }) => type === 'dns') === true;
  return named ? [] : subjectValues(leaf, Oid.commonName);
}

/** As text, in order. */
export function subjectValues({ subject }: Pick<Named, 'subject'>, type: string): readonly string[] {
  return subject.rdns.flat().flatMap(({ oid, value }) => (oid === type ? [value] : []));
}

export function dnsName(value: string): GeneralName {
  return { type: 'dns', value };
}

/**
 * Two labels or more. OpenSSL holds common names against constraints by the same rule, but lets wildcards and a
 * trailing dot pass, which hosts are matched by as well.
 */
function isDomain(commonName: string): boolean {
  return /^[\w*-]+(?:\.[\w*-]+)+\.?$/.test(commonName);
}
