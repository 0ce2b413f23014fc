import { createHash, type KeyObject, X509Certificate } from 'node:crypto';

/** One certificate, for people; the members after `fingerprints` are absent where it could not be read. */
export interface CertificateFacts {
  readonly fingerprints: { readonly sha256: string; readonly sha1: string };
  /** Why it could not be read. */
  readonly unreadable: string | undefined;
  readonly details: CertificateDetails | undefined;
}

export interface CertificateDetails {
  /** Attributes in order: 'C=NL, O=Example, CN=example.com'. */
  readonly subject: string;
  readonly issuer: string;
  readonly serialNumber: string;
  /** ISO 8601. */
  readonly notBefore: string;
  readonly notAfter: string;
  readonly key: { readonly type: string; readonly curve: string | undefined; readonly bits: number | undefined };
  /** 'DNS:example.com', 'IP Address:192.0.2.1' … */
  readonly subjectAltNames: readonly string[];
  readonly isCa: boolean;
}

/** @param der one certificate, as sent */
export function describeCertificate(der: Uint8Array): CertificateFacts {
  const fingerprints = { sha256: fingerprint('sha256', der), sha1: fingerprint('sha1', der) };
  try {
    return { fingerprints, unreadable: undefined, details: details(new X509Certificate(der)) };
  } catch (error) {
    return { fingerprints, unreadable: error instanceof Error ? error.message : String(error), details: undefined };
  }
}

function details(certificate: X509Certificate): CertificateDetails {
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    serialNumber: certificate.serialNumber,
    notBefore: new Date(certificate.validFrom).toISOString(),
    notAfter: new Date(certificate.validTo).toISOString(),
    key: describeKey(certificate.publicKey),
    subjectAltNames: splitNames(certificate.subjectAltName ?? ''),
    isCa: certificate.ca,
  };
}

function describeKey(key: KeyObject): CertificateDetails['key'] {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  const curve = namedCurve === undefined ? undefined : curves[namedCurve];
  return {
    type: key.asymmetricKeyType ?? 'unknown',
    curve: curve?.name ?? namedCurve,
    bits: modulusLength ?? curve?.bits ?? (key.asymmetricKeyType === 'ed25519' ? 256 : undefined),
  };
}

const curves: Readonly<Record<string, { readonly name: string; readonly bits: number }>> = {
  prime256v1: { name: 'P-256', bits: 256 },
  secp384r1: { name: 'P-384', bits: 384 },
  secp521r1: { name: 'P-521', bits: 521 },
};

/** node:crypto puts each attribute on a line of its own. */
function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}

/** node:crypto joins by ', ' and quotes, as JSON, a name that holds a comma or a quote. */
function splitNames(names: string): readonly string[] {
  return (names.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? []).map((name) => name.trim());
}

function fingerprint(hash: 'sha1' | 'sha256', der: Uint8Array): string {
  return (createHash(hash).update(der).digest('hex').toUpperCase().match(/../g) ?? []).join(':');
}
