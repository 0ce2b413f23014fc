import { equal } from '../../../bytes/equal.ts';
import type { Credential } from '../../../handshake/terms/credential.ts';
import { type Certificate, parseCertificate } from '../../../x509/certificate/certificate.ts';

/** The certificates of `ca` that another certificate issued, as OpenSSL uses them: as links between a leaf and an anchor. */
export function linksOf(anchors: readonly Uint8Array[]): readonly Uint8Array[] {
  return anchors.filter((der) => {
    const certificate = read(der);
    return certificate !== undefined && !equal(certificate.issuer.raw, certificate.subject.raw);
  });
}

/** Adds the issuers that `ca` has to chains whose last certificate says that there are some. The root is left out. */
export function completed(credentials: readonly Credential[], links: readonly Uint8Array[]): readonly Credential[] {
  return credentials.map((credential) => {
    const chain = [...credential.chain];
    for (let next = issuerOf(chain, links); next !== undefined; next = issuerOf(chain, links)) chain.push(next);
    return chain.length === credential.chain.length ? credential : { ...credential, chain };
  });
}

/** The issuer of a chain's last certificate, if it is one of the links and not in the chain yet. */
function issuerOf(chain: readonly Uint8Array[], links: readonly Uint8Array[]): Uint8Array | undefined {
  const last = chain.at(-1);
  const issuer = last && read(last)?.issuer.raw;
  if (issuer === undefined) return undefined;
  return links.find((link) => {
    const subject = read(link)?.subject.raw;
    return subject !== undefined && equal(subject, issuer) && !chain.some((der) => equal(der, link));
  });
}

/** Undefined for a certificate that opentls cannot read: it is no link. */
function read(der: Uint8Array): Certificate | undefined {
  try {
    return parseCertificate(der);
  } catch {
    return undefined;
  }
}
