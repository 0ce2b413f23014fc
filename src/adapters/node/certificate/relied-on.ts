import type { Certificate } from '../../../x509/certificate/certificate.ts';
import type { GeneralName } from '../../../x509/certificate/extensions.ts';
import { commonNames, dnsName, subjectNames } from '../../../x509/certificate/subject-names.ts';
import { standsFor } from './identity.ts';

/**
 * What programs for `node:tls` go by beyond subjectAltName, and constraints must therefore bind: the names in the
 * subject, and the host itself, where a pattern that constraints cannot be held against (a single label, part of a
 * label) stands for it.
 * @param host of a client: whom it means to reach
 * @throws DerError where subjectAltName cannot be read
 */
export function namesReliedOn(leaf: Certificate, host: string | undefined): readonly GeneralName[] {
  const named = subjectNames(leaf);
  if (host === undefined) return named;
  const dns = (leaf.subjectAltName ?? []).flatMap((name) => (name.type === 'dns' ? [name.value] : []));
  return standsFor([...dns, ...commonNames(leaf)], host) ? [...named, dnsName(host)] : named;
}
