// What goes to stderr when a test fails, and the name that BoringSSL has for it.
import { TlsError, type TlsErrorCode } from '#opentls/errors';

/** What the shim finds or does by itself. */
export class ShimError extends Error {
  readonly code: ShimCode;

  constructor(code: ShimCode, message: string = code) {
    super(message);
    this.name = 'ShimError';
    this.code = code;
  }
}

export type ShimCode =
  /** The certificate callback was told to fail. */
  | 'SHIM_CERTIFICATE_CALLBACK'
  /** The OCSP callback was told to fail. */
  | 'SHIM_OCSP_CALLBACK'
  /** The ClientHello callback was told to refuse. */
  | 'SHIM_CLIENT_HELLO_CALLBACK'
  /** The peer's end came without a close_notify where one has to be. */
  | 'SHIM_SHUTDOWN'
  /** An -expect-… flag was not met. Never what a test hopes for. */
  | 'SHIM_EXPECTATION'
  /** The connection broke. */
  | 'SHIM_TRANSPORT';

type Code = TlsErrorCode | ShimCode | 'ERR_TLS_ALERT_HANDSHAKE_FAILURE_TO_CLIENT_HELLO';

/**
 * Each code of ours has one name of theirs, so that a test passes for its own reason alone. Codes that are not here
 * have no counterpart. `ErrorMap` of config.json is this table turned round (names.test.ts).
 */
export const boringNames: { readonly [C in Code]?: string } = {
  ERR_TLS_DECODE: ':DECODE_ERROR:',
  ERR_TLS_CLIENT_HELLO_DECODE: ':CLIENTHELLO_PARSE_FAILED:',
  ERR_TLS_EXTENSION_DECODE: ':ERROR_PARSING_EXTENSION:',
  ERR_TLS_CERTIFICATE_DECODE: ':CANNOT_PARSE_LEAF_CERT:',
  INVALID_CERTIFICATE: ':CANNOT_PARSE_LEAF_CERT:',
  ERR_TLS_NOT_TLS: ':WRONG_VERSION_NUMBER:',
  ERR_TLS_HTTP_REQUEST: ':HTTP_REQUEST:',
  ERR_TLS_HTTPS_PROXY_REQUEST: ':HTTPS_PROXY_REQUEST:',

  ERR_TLS_BAD_RECORD_MAC: ':DECRYPTION_FAILED_OR_BAD_RECORD_MAC:',
  ERR_TLS_RECORD_OVERFLOW: ':ENCRYPTED_LENGTH_TOO_LONG:',
  ERR_TLS_PLAINTEXT_OVERFLOW: ':DATA_LENGTH_TOO_LONG:',
  ERR_TLS_UNEXPECTED_RECORD: ':UNEXPECTED_RECORD:',
  ERR_TLS_INVALID_OUTER_RECORD_TYPE: ':INVALID_OUTER_RECORD_TYPE:',
  ERR_TLS_TOO_MANY_EMPTY_RECORDS: ':TOO_MANY_EMPTY_FRAGMENTS:',
  ERR_TLS_TOO_MANY_CHANGE_CIPHER_SPEC: ':TOO_MANY_EMPTY_FRAGMENTS:',

  ERR_TLS_UNEXPECTED_MESSAGE: ':UNEXPECTED_MESSAGE:',
  ERR_TLS_EXCESS_HANDSHAKE_DATA: ':EXCESS_HANDSHAKE_DATA:',
  ERR_TLS_MESSAGE_TOO_LARGE: ':EXCESSIVE_MESSAGE_SIZE:',
  ERR_TLS_TOO_MANY_KEY_UPDATES: ':TOO_MANY_KEY_UPDATES:',

  ERR_TLS_DUPLICATE_EXTENSION: ':DUPLICATE_EXTENSION:',
  ERR_TLS_UNEXPECTED_EXTENSION: ':UNEXPECTED_EXTENSION:',
  ERR_TLS_UNSOLICITED_EXTENSION: ':UNEXPECTED_EXTENSION:',
  ERR_TLS_MISSING_EXTENSION: ':MISSING_EXTENSION:',
  ERR_TLS_PSK_NOT_LAST: ':PRE_SHARED_KEY_MUST_BE_LAST:',
  ERR_TLS_PSK: ':PSK_IDENTITY_BINDER_COUNT_MISMATCH:',
  ERR_TLS_UNKNOWN_PSK: ':PSK_IDENTITY_NOT_FOUND:',
  ERR_TLS_PSK_HASH: ':OLD_SESSION_PRF_HASH_MISMATCH:',
  ERR_TLS_BAD_BINDER: ':DIGEST_CHECK_FAILED:',
  ERR_TLS_EARLY_DATA: ':UNEXPECTED_EXTENSION:',
  ERR_TLS_EARLY_DATA_CIPHER: ':CIPHER_MISMATCH_ON_EARLY_DATA:',
  ERR_TLS_EARLY_DATA_ALPN: ':ALPN_MISMATCH_ON_EARLY_DATA:',
  ERR_TLS_TOO_MUCH_EARLY_DATA: ':TOO_MUCH_READ_EARLY_DATA:',
  ERR_TLS_TOO_MUCH_SKIPPED_EARLY_DATA: ':TOO_MUCH_SKIPPED_EARLY_DATA:',
  ERR_TLS_UNSUPPORTED_PROTOCOL: ':UNSUPPORTED_PROTOCOL:',
  ERR_TLS_WRONG_VERSION: ':UNSUPPORTED_PROTOCOL:',
  ERR_TLS_NO_SHARED_CIPHER: ':NO_SHARED_CIPHER:',
  ERR_TLS_WRONG_CIPHER: ':WRONG_CIPHER_RETURNED:',
  ERR_TLS_NO_SHARED_GROUP: ':NO_SHARED_GROUP:',
  ERR_TLS_WRONG_GROUP: ':WRONG_CURVE:',
  ERR_TLS_MISSING_KEY_SHARE: ':MISSING_KEY_SHARE:',
  ERR_TLS_DUPLICATE_KEY_SHARE: ':DUPLICATE_KEY_SHARE:',
  ERR_TLS_INVALID_KEY_SHARE: ':BAD_ECPOINT:',
  ERR_TLS_COMPRESSION: ':INVALID_COMPRESSION_LIST:',
  ERR_TLS_EMPTY_HELLO_RETRY_REQUEST: ':EMPTY_HELLO_RETRY_REQUEST:',
  ERR_TLS_NO_APPLICATION_PROTOCOL: ':NO_APPLICATION_PROTOCOL:',
  ERR_TLS_INVALID_ALPN: ':INVALID_ALPN_PROTOCOL:',

  CERT_REJECTED: ':CERTIFICATE_VERIFY_FAILED:',
  ERR_TLS_NO_SHARED_SIGNATURE_SCHEME: ':NO_COMMON_SIGNATURE_ALGORITHMS:',
  ERR_TLS_WRONG_SIGNATURE_SCHEME: ':WRONG_SIGNATURE_TYPE:',
  ERR_TLS_KEY_USAGE: ':KEY_USAGE_BIT_INCORRECT:',
  ERR_TLS_BAD_SIGNATURE: ':BAD_SIGNATURE:',
  ERR_TLS_BAD_FINISHED: ':DIGEST_CHECK_FAILED:',
  ERR_TLS_CERTIFICATE_REQUIRED: ':PEER_DID_NOT_RETURN_A_CERTIFICATE:',
  ERR_TLS_EMPTY_CERTIFICATE: ':PEER_DID_NOT_RETURN_A_CERTIFICATE:',
  ERR_TLS_NO_SHARED_CERTIFICATE_TYPE: ':UNKNOWN_CERTIFICATE_TYPE:',
  ERR_TLS_NO_MATCHING_ISSUER: ':NO_MATCHING_ISSUER:',
  ERR_TLS_WRONG_CERTIFICATE_TYPE: ':UNSUPPORTED_CERTIFICATE:',
  ERR_TLS_RAW_PUBLIC_KEY_DECODE: ':DECODE_ERROR:',
  ERR_TLS_UNKNOWN_CERTIFICATE_COMPRESSION: ':UNKNOWN_CERT_COMPRESSION_ALG:',
  ERR_TLS_CERTIFICATE_DECOMPRESSION: ':CERT_DECOMPRESSION_FAILED:',
  ERR_TLS_CERTIFICATE_TOO_LARGE: ':UNCOMPRESSED_CERT_TOO_LARGE:',
  ERR_TLS_UNSUPPORTED_KEY: ':UNSUPPORTED_ALGORITHM:',

  ERR_TLS_BAD_ALERT: ':BAD_ALERT:',
  ERR_TLS_UNKNOWN_ALERT: ':UNKNOWN_ALERT_TYPE:',
  ERR_TLS_TOO_MANY_WARNINGS: ':TOO_MANY_WARNING_ALERTS:',
  ERR_TLS_INVALID_STATE: ':HANDSHAKE_NOT_COMPLETE:',
  ERR_TLS_ALERT_HANDSHAKE_FAILURE: ':SSLV3_ALERT_HANDSHAKE_FAILURE:',
  ERR_TLS_ALERT_HANDSHAKE_FAILURE_TO_CLIENT_HELLO: ':HANDSHAKE_FAILURE_ON_CLIENT_HELLO:',
  ERR_TLS_ALERT_RECORD_OVERFLOW: ':TLSV1_ALERT_RECORD_OVERFLOW:',

  SHIM_CERTIFICATE_CALLBACK: ':CERT_CB_ERROR:',
  SHIM_OCSP_CALLBACK: ':OCSP_CB_ERROR:',
  SHIM_CLIENT_HELLO_CALLBACK: ':CONNECTION_REJECTED:',
  SHIM_SHUTDOWN: 'Unexpected SSL_shutdown result: -1 != 1',
};

/** Their names with the codes of ours that stand for them. */
export function errorMap(): Readonly<Record<string, readonly string[]>> {
  const map: Record<string, string[]> = {};
  for (const [code, name] of Object.entries(boringNames)) map[name] = [...(map[name] ?? []), `:${code}:`];
  return map;
}

/**
 * One line for stderr. A failure that a callback of the shim has caused goes by the callback's name.
 * @param answersHello a client has received nothing but what failed it
 */
export function describeFailure(error: unknown, answersHello: boolean): string {
  if (!(error instanceof Error)) return `:SHIM: ${String(error)}`;
  const { cause } = error;
  if (cause instanceof ShimError) return `:${cause.code}: ${cause.message}`;
  if (error instanceof ShimError) return `:${error.code}: ${error.message}`;
  if (!(error instanceof TlsError)) return `:SHIM: ${error.stack ?? error.message}`;
  const refused = answersHello && error.code === 'ERR_TLS_ALERT_HANDSHAKE_FAILURE';
  const why = cause === undefined ? '' : `\n${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`;
  return `:${error.code}${refused ? '_TO_CLIENT_HELLO' : ''}: ${error.message}${why}`;
}
