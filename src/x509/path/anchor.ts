import { type Certificate, certificateOf, parseCertificate } from '../certificate/certificate.ts';
import { ExtensionOid } from '../certificate/extensions.ts';
import { parseName } from '../certificate/names.ts';

/**
 * Where trust begins. Bytes are a certificate, DER, whose validity and extensions bind it as they bind any other CA.
 * The other forms say what binds it.
 */
export type TrustAnchor = Uint8Array | CertificateAnchor | KeyAnchor;

/** An anchor of which the validity or the extensions may be left out of account. */
export interface CertificateAnchor {
  readonly certificate: Uint8Array;
  /** Whether notBefore and notAfter bind the anchor. Default true. */
  readonly validity?: boolean;
  /** Whether its extensions bind the anchor (RFC 5937); without them it is a name and a key alone. Default true. */
  readonly constraints?: boolean;
}

/** A name and a key (RFC 5280 §6.1.1 (d)). */
export interface KeyAnchor {
  /** Name, DER. */
  readonly subject: Uint8Array;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** The value of a NameConstraints extension, DER: the anchor vouches for no names outside of it. */
  readonly nameConstraints?: Uint8Array;
}

/**
 * An anchor as the last certificate of a path. A name and a key become a certificate of version 1, which has no
 * extensions.
 * @throws TlsError INVALID_CERTIFICATE
 * @throws DerError for a malformed name, key or constraint
 */
export function anchorCertificate(anchor: TrustAnchor): Certificate {
  if (anchor instanceof Uint8Array) return parseCertificate(anchor);
  if ('spki' in anchor) return fromKey(anchor);
  const certificate = parseCertificate(anchor.certificate);
  const always = anchor.validity === false;
  const bare = anchor.constraints === false;
  const { subject, version, issuer, extensions, notBefore, notAfter } = certificate;
  return certificateOf({
    ...unsigned,
    ...certificate,
    raw: certificate.raw,
    version: bare ? 1 : version,
    issuer: bare ? subject : issuer,
    subject,
    notBefore: always ? Number.NEGATIVE_INFINITY : notBefore,
    notAfter: always ? Number.POSITIVE_INFINITY : notAfter,
    extensions: bare ? [] : extensions,
  });
}

/** Bytes that differ between two anchors of the same name. */
export function anchorId(anchor: TrustAnchor): Uint8Array {
  if (anchor instanceof Uint8Array) return anchor;
  return 'spki' in anchor ? anchor.spki : anchor.certificate;
}

function fromKey({ subject, spki, nameConstraints }: KeyAnchor): Certificate {
  const name = parseName(subject);
  const value = nameConstraints;
  return certificateOf({
    ...unsigned,
    version: 1,
    issuer: name,
    subject: name,
    notBefore: Number.NEGATIVE_INFINITY,
    notAfter: Number.POSITIVE_INFINITY,
    spki,
    extensions: value === undefined ? [] : [{ oid: ExtensionOid.nameConstraints, critical: true, value }],
  });
}

const nothing = new Uint8Array(0);
const unsigned = {
  raw: nothing,
  tbs: nothing,
  serialNumber: nothing,
  earlyGeneralizedTime: false,
  issuerUniqueId: undefined,
  subjectUniqueId: undefined,
  signature: { oid: '', algorithm: undefined, bytes: nothing },
} as const;
