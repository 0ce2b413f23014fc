import type { AlertName, CertificateErrorCode } from '../../errors.ts';

/** The alert that tells the peer why its certificate was refused (RFC 9846 §6.2). */
export function certificateAlert(code: CertificateErrorCode): AlertName {
  return certificateAlerts[code] ?? 'certificate_unknown';
}

/** RFC 9846 §6.2 describes each alert. A reason that it does not name becomes certificate_unknown. */
const certificateAlerts: { readonly [C in CertificateErrorCode]?: AlertName } = {
  UNABLE_TO_GET_ISSUER_CERT: 'unknown_ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unknown_ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unknown_ca',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'unknown_ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'unknown_ca',
  CERT_UNTRUSTED: 'unknown_ca',
  CERT_HAS_EXPIRED: 'certificate_expired',
  CERT_NOT_YET_VALID: 'certificate_expired',
  CERT_REVOKED: 'certificate_revoked',
  INVALID_PURPOSE: 'unsupported_certificate',
  UNSUPPORTED_SIGNATURE_ALGORITHM: 'unsupported_certificate',
  CERT_SIGNATURE_FAILURE: 'bad_certificate',
  INVALID_CERTIFICATE: 'bad_certificate',
  INVALID_CA: 'bad_certificate',
  INVALID_EXTENSION: 'bad_certificate',
  PATH_LENGTH_EXCEEDED: 'bad_certificate',
  CERT_CHAIN_TOO_LONG: 'bad_certificate',
  CERT_REJECTED: 'bad_certificate',
  HOSTNAME_MISMATCH: 'bad_certificate',
  CA_MD_TOO_WEAK: 'bad_certificate',
  CA_KEY_TOO_SMALL: 'bad_certificate',
  EE_KEY_TOO_SMALL: 'bad_certificate',
};
