/** AlertDescription, RFC 9846 §6 and Appendix B.2. Names are the RFC's. */
export const AlertDescription = {
  close_notify: 0,
  unexpected_message: 10,
  bad_record_mac: 20,
  record_overflow: 22,
  handshake_failure: 40,
  bad_certificate: 42,
  unsupported_certificate: 43,
  certificate_revoked: 44,
  certificate_expired: 45,
  certificate_unknown: 46,
  illegal_parameter: 47,
  unknown_ca: 48,
  access_denied: 49,
  decode_error: 50,
  decrypt_error: 51,
  protocol_version: 70,
  insufficient_security: 71,
  internal_error: 80,
  inappropriate_fallback: 86,
  user_canceled: 90,
  missing_extension: 109,
  unsupported_extension: 110,
  unrecognized_name: 112,
  bad_certificate_status_response: 113,
  unknown_psk_identity: 115,
  certificate_required: 116,
  general_error: 117,
  no_application_protocol: 120,
} as const;

/** Name of an alert in RFC 9846 §6. */
export type AlertName = keyof typeof AlertDescription;

/** Of older versions, never sent: the _RESERVED ones of RFC 9846 Appendix B.2. */
const reservedAlerts = {
  decryption_failed: 21,
  decompression_failure: 30,
  no_certificate: 41,
  export_restriction: 60,
  no_renegotiation: 100,
} as const;

type ReservedAlertName = keyof typeof reservedAlerts;

/** Codes of the errors that this endpoint finds by itself. They are part of the API. */
export type LocalErrorCode =
  // malformed input
  | 'ERR_TLS_DECODE'
  | 'ERR_TLS_CLIENT_HELLO_DECODE'
  | 'ERR_TLS_EXTENSION_DECODE'
  | 'ERR_TLS_ALPN_DECODE'
  | 'ERR_TLS_CERTIFICATE_TYPE_DECODE'
  | 'ERR_TLS_COOKIE_DECODE'
  | 'ERR_TLS_FLAGS_DECODE'
  | 'ERR_TLS_KEY_SHARE_DECODE'
  | 'ERR_TLS_PSK_DECODE'
  | 'ERR_TLS_SIGNATURE_ALGORITHMS_DECODE'
  | 'ERR_TLS_STATUS_DECODE'
  | 'ERR_TLS_CERTIFICATE_REQUEST_DECODE'
  | 'ERR_TLS_CERTIFICATE_DECODE'
  | 'ERR_TLS_KEY_DECODE'
  | 'ERR_TLS_KEY_PASSPHRASE'
  | 'ERR_TLS_NOT_TLS'
  | 'ERR_TLS_HTTP_REQUEST'
  | 'ERR_TLS_HTTPS_PROXY_REQUEST'
  // record layer
  | 'ERR_TLS_BAD_RECORD_MAC'
  | 'ERR_TLS_WRONG_KEY'
  | 'ERR_TLS_NO_CONTENT_TYPE'
  | 'ERR_TLS_RECORD_OVERFLOW'
  | 'ERR_TLS_PLAINTEXT_OVERFLOW'
  | 'ERR_TLS_UNEXPECTED_RECORD'
  | 'ERR_TLS_INVALID_OUTER_RECORD_TYPE'
  | 'ERR_TLS_TOO_MANY_EMPTY_RECORDS'
  | 'ERR_TLS_TOO_MANY_CHANGE_CIPHER_SPEC'
  | 'ERR_TLS_SEQUENCE_EXHAUSTED'
  // handshake layer
  | 'ERR_TLS_UNEXPECTED_MESSAGE'
  | 'ERR_TLS_EXCESS_HANDSHAKE_DATA'
  | 'ERR_TLS_MESSAGE_TOO_LARGE'
  | 'ERR_TLS_HANDSHAKE_TOO_LARGE'
  | 'ERR_TLS_TOO_MANY_MESSAGES'
  | 'ERR_TLS_TOO_MANY_KEY_UPDATES'
  // extensions and negotiation
  | 'ERR_TLS_DUPLICATE_EXTENSION'
  | 'ERR_TLS_UNEXPECTED_EXTENSION'
  | 'ERR_TLS_UNSOLICITED_EXTENSION'
  | 'ERR_TLS_LEGACY_EXTENSION'
  | 'ERR_TLS_MISSING_EXTENSION'
  | 'ERR_TLS_MISSING_GROUPS'
  | 'ERR_TLS_MISSING_SIGNATURE_ALGORITHMS'
  | 'ERR_TLS_PSK_NOT_LAST'
  | 'ERR_TLS_UNSUPPORTED_PROTOCOL'
  | 'ERR_TLS_WRONG_VERSION'
  | 'ERR_TLS_VERSION_CHANGED'
  | 'ERR_TLS_LEGACY_FIELD'
  | 'ERR_TLS_DOWNGRADE'
  | 'ERR_TLS_NO_SHARED_CIPHER'
  | 'ERR_TLS_WRONG_CIPHER'
  | 'ERR_TLS_NO_SHARED_GROUP'
  | 'ERR_TLS_WRONG_GROUP'
  | 'ERR_TLS_MISSING_KEY_SHARE'
  | 'ERR_TLS_DUPLICATE_KEY_SHARE'
  | 'ERR_TLS_INVALID_KEY_SHARE'
  | 'ERR_TLS_COMPRESSION'
  | 'ERR_TLS_SESSION_ID_MISMATCH'
  | 'ERR_TLS_EMPTY_HELLO_RETRY_REQUEST'
  | 'ERR_TLS_CLIENT_HELLO_CHANGED'
  | 'ERR_TLS_COOKIE'
  | 'ERR_TLS_PSK'
  | 'ERR_TLS_UNKNOWN_PSK'
  | 'ERR_TLS_PSK_REQUIRED'
  | 'ERR_TLS_NO_SHARED_PSK_MODE'
  | 'ERR_TLS_PSK_HASH'
  | 'ERR_TLS_BAD_BINDER'
  | 'ERR_TLS_EARLY_DATA'
  | 'ERR_TLS_EARLY_DATA_CIPHER'
  | 'ERR_TLS_EARLY_DATA_ALPN'
  | 'ERR_TLS_TOO_MUCH_EARLY_DATA'
  | 'ERR_TLS_TOO_MUCH_SKIPPED_EARLY_DATA'
  | 'ERR_TLS_NO_APPLICATION_PROTOCOL'
  | 'ERR_TLS_INVALID_ALPN'
  // authentication
  | 'ERR_TLS_NO_SHARED_SIGNATURE_SCHEME'
  | 'ERR_TLS_WRONG_SIGNATURE_SCHEME'
  | 'ERR_TLS_NO_SHARED_CERTIFICATE_TYPE'
  | 'ERR_TLS_NO_MATCHING_ISSUER'
  | 'ERR_TLS_WRONG_CERTIFICATE_TYPE'
  | 'ERR_TLS_RAW_PUBLIC_KEY_DECODE'
  | 'ERR_TLS_RAW_PUBLIC_KEY_EMPTY'
  | 'ERR_TLS_INVALID_TIMESTAMPS'
  | 'ERR_TLS_UNKNOWN_CERTIFICATE_COMPRESSION'
  | 'ERR_TLS_CERTIFICATE_DECOMPRESSION'
  | 'ERR_TLS_CERTIFICATE_TOO_LARGE'
  | 'ERR_TLS_KEY_USAGE'
  | 'ERR_TLS_BAD_SIGNATURE'
  | 'ERR_TLS_BAD_FINISHED'
  | 'ERR_TLS_CERTIFICATE_REQUIRED'
  | 'ERR_TLS_EMPTY_CERTIFICATE'
  | 'ERR_TLS_UNSUPPORTED_KEY'
  | 'ERR_TLS_KEY_MISMATCH'
  | 'ERR_TLS_DELEGATION'
  // alerts
  | 'ERR_TLS_BAD_ALERT'
  | 'ERR_TLS_ALERT_LEVEL'
  | 'ERR_TLS_UNKNOWN_ALERT'
  | 'ERR_TLS_TOO_MANY_WARNINGS'
  // transport and caller
  | 'ERR_TLS_TRUNCATED'
  | 'ERR_TLS_INVALID_STATE'
  | 'ERR_TLS_CONFIG'
  | 'ERR_TLS_SECRET_WIPED'
  | 'ERR_TLS_INTERNAL';

/** A fatal alert that the peer sent. */
export type AlertErrorCode = `ERR_TLS_ALERT_${Uppercase<AlertName | ReservedAlertName>}`;

/** Why a certificate path was refused: the names that OpenSSL and `node:tls` use (X509_V_ERR_*). */
export type CertificateErrorCode =
  | 'UNABLE_TO_GET_ISSUER_CERT'
  | 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'
  | 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'
  | 'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY'
  | 'UNABLE_TO_GET_CRL'
  | 'UNABLE_TO_GET_CRL_ISSUER'
  | 'INVALID_CRL'
  | 'INVALID_OCSP_RESPONSE'
  | 'OCSP_VERIFY_NEEDED'
  | 'OCSP_VERIFY_FAILED'
  | 'OCSP_CERT_UNKNOWN'
  | 'NO_VALID_SCTS'
  | 'DIFFERENT_CRL_SCOPE'
  | 'UNHANDLED_CRITICAL_CRL_EXTENSION'
  | 'KEYUSAGE_NO_CRL_SIGN'
  | 'CRL_PATH_VALIDATION_ERROR'
  | 'CERT_SIGNATURE_FAILURE'
  | 'CRL_SIGNATURE_FAILURE'
  | 'CERT_NOT_YET_VALID'
  | 'CERT_HAS_EXPIRED'
  | 'CRL_NOT_YET_VALID'
  | 'CRL_HAS_EXPIRED'
  | 'ERROR_IN_CERT_NOT_BEFORE_FIELD'
  | 'ERROR_IN_CERT_NOT_AFTER_FIELD'
  | 'DEPTH_ZERO_SELF_SIGNED_CERT'
  | 'SELF_SIGNED_CERT_IN_CHAIN'
  | 'CERT_CHAIN_TOO_LONG'
  | 'CERT_REVOKED'
  | 'INVALID_CA'
  | 'PATH_LENGTH_EXCEEDED'
  | 'INVALID_PURPOSE'
  | 'CERT_UNTRUSTED'
  | 'RPK_UNTRUSTED'
  | 'CERT_REJECTED'
  | 'HOSTNAME_MISMATCH'
  | 'KEYUSAGE_NO_CERTSIGN'
  | 'UNHANDLED_CRITICAL_EXTENSION'
  | 'INVALID_EXTENSION'
  | 'INVALID_POLICY_EXTENSION'
  | 'NO_EXPLICIT_POLICY'
  | 'PERMITTED_VIOLATION'
  | 'EXCLUDED_VIOLATION'
  | 'EE_KEY_TOO_SMALL'
  | 'CA_KEY_TOO_SMALL'
  | 'CA_MD_TOO_WEAK'
  | 'UNSUPPORTED_SIGNATURE_ALGORITHM'
  | 'INVALID_CERTIFICATE'
  | 'BUDGET_EXCEEDED';

/** Every `code` of a {@link TlsError}. */
export type TlsErrorCode = LocalErrorCode | AlertErrorCode | CertificateErrorCode;

/** Who has to change something for the connection to work. */
export type Blame = 'peer' | 'local' | 'config' | 'transport';

export interface TlsErrorOptions {
  /** The alert that was (or is to be) sent; for `ERR_TLS_ALERT_*` the one received. */
  readonly alert?: AlertName | undefined;
  readonly blame?: Blame;
  readonly cause?: unknown;
}

/** The class of all errors that opentls raises. `code` is stable, `message` is for people. */
export class TlsError extends Error {
  readonly code: TlsErrorCode;
  readonly alert: AlertName | undefined;
  readonly blame: Blame;

  constructor(code: TlsErrorCode, message: string, options: TlsErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'TlsError';
    this.code = code;
    this.alert = options.alert;
    this.blame = options.blame ?? 'peer';
  }
}

/** The alerts for a peer that broke a rule. internal_error says that the peer did not (RFC 9846 §6.2). */
export type PeerAlert = Exclude<AlertName, 'internal_error'>;

/** Throws the error of a peer that broke a rule: the engine sends `alert` and closes (RFC 9846 §6.2). */
export function reject(code: LocalErrorCode, alert: PeerAlert, message: string): never {
  throw new TlsError(code, message, { alert });
}

/**
 * Throws the error of this side, where the peer has broken no rule: the engine sends internal_error and closes.
 * @param blame 'config': what the application gave or answered; 'local': this library
 */
export function ownFault(code: LocalErrorCode, blame: 'config' | 'local', message: string): never {
  throw new TlsError(code, message, { alert: 'internal_error', blame });
}

/** Throws the error of a caller that asked for something impossible. Nothing is sent. */
export function misuse(code: LocalErrorCode, message: string): never {
  throw new TlsError(code, message, { blame: 'config' });
}

/** Turns any error into a {@link TlsError}: one that is not yet a TlsError is a fault of opentls, `internal_error`. */
export function asTlsError(error: unknown): TlsError {
  if (error instanceof TlsError) return error;
  return new TlsError('ERR_TLS_INTERNAL', 'internal error', { alert: 'internal_error', blame: 'local', cause: error });
}

export function alertName(description: number): AlertName | undefined {
  return nameIn(AlertDescription, description);
}

/** The error for an error alert received from the peer. */
export function alertReceived(description: number): TlsError {
  const alert = alertName(description);
  const name = alert ?? nameIn(reservedAlerts, description);
  if (name === undefined) {
    return new TlsError('ERR_TLS_UNKNOWN_ALERT', `the peer sent an unknown fatal alert: ${description}`);
  }
  const code: AlertErrorCode = `ERR_TLS_ALERT_${name.toUpperCase() as Uppercase<typeof name>}`;
  const hint = alertHints[name] ?? '';
  return new TlsError(code, `the peer sent a fatal alert: ${name}${hint}`, { alert });
}

/** What an alert means, for people who do not know the protocol. */
const alertHints: Readonly<Record<string, string>> = {
  protocol_version: ': it has no TLS 1.3, and opentls speaks nothing older',
};

/** Whether an error is an alert from the peer, which is not answered (RFC 9846 §6.2). */
export function isAlertReceived({ code }: TlsError): boolean {
  if (code === 'ERR_TLS_UNKNOWN_ALERT') return true;
  return code.startsWith('ERR_TLS_ALERT_') && code !== 'ERR_TLS_ALERT_LEVEL';
}

function nameIn<N extends string>(table: Readonly<Record<N, number>>, description: number): N | undefined {
  for (const name in table) if (table[name] === description) return name;
  return undefined;
}

/** The message of a thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
