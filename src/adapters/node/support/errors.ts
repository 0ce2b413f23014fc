/** The errors that `node:tls` raises, by the codes and texts that programs test for. */
import { inspect } from 'node:util';
import {
  type CertificateErrorCode,
  isAlertReceived,
  type LocalErrorCode,
  type TlsError,
  type TlsErrorCode,
} from '../../../errors.ts';
import { IdentityRefusal } from './identity-refusal.ts';

/**
 * An error that sockets and servers of opentls emit or throw. Where the engine raised it, `cause` is the engine's
 * `TlsError`.
 */
export interface CodedError extends Error {
  readonly code: string;
  /** For errors that OpenSSL has as well: its name for the part that failed. */
  readonly library?: string;
  /** For errors that OpenSSL has as well: its text for what went wrong. */
  readonly reason?: string;
  /** The TLS alert that was sent or received, by its name in RFC 9846 §6. */
  readonly alert?: string;
}

type ErrorClass = new (message: string, options?: ErrorOptions) => Error;

/** An error with `code` and further own properties. */
export function codedError<F extends object>(
  code: string,
  message: string,
  fields?: F,
  Class: ErrorClass = Error,
): CodedError & F {
  const error = new Class(message);
  Error.captureStackTrace(error, codedError);
  return Object.assign(error, { code }, fields);
}

/** @param expected as 'of type string or an instance of Buffer' */
export function invalidArgType(name: string, expected: string, actual: unknown): CodedError {
  const message = `The ${describe(name)} must be ${expected}. Received ${received(actual)}`;
  return codedError('ERR_INVALID_ARG_TYPE', message, undefined, TypeError);
}

/** {@link invalidArgType} for an argument that may be a key in a wrong form: the message does not quote it. */
export function invalidKeyType(name: string, expected: string, actual: unknown): CodedError {
  const kind = typeof actual;
  const given = kind === 'object' || kind === 'undefined' ? received(actual) : `type ${kind}`;
  const message = `The ${describe(name)} must be ${expected}. Received ${given}`;
  return codedError('ERR_INVALID_ARG_TYPE', message, undefined, TypeError);
}

export function invalidArgValue(name: string, value: unknown, reason = 'is invalid'): CodedError {
  const message = `The ${describe(name)} ${reason}. Received ${inspect(value)}`;
  return codedError('ERR_INVALID_ARG_VALUE', message, undefined, TypeError);
}

export function outOfRange(name: string, range: string, value: unknown): CodedError {
  return outOfRangeBecause(`The value of "${name}" is out of range.`, range, value);
}

/** @param reason the first sentence of the message */
export function outOfRangeBecause(reason: string, range: string, value: unknown): CodedError {
  const message = `${reason} It must be ${range}. Received ${inspect(value)}`;
  return codedError('ERR_OUT_OF_RANGE', message, undefined, RangeError);
}

/** Throws a listener's exception in a later tick, as in `node:tls`: the code that called the listener goes on. */
export function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}

export function connectionReset(message: string, fields?: object): CodedError {
  return codedError('ECONNRESET', message, fields);
}

export function validateString(value: unknown, name: string): asserts value is string {
  if (typeof value !== 'string') throw invalidArgType(name, 'of type string', value);
}

export function validateFunction(value: unknown, name: string): void {
  if (typeof value !== 'function') throw invalidArgType(name, 'of type function', value);
}

export function validateObject(value: unknown, name: string): asserts value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidArgType(name, 'of type object', value);
  }
}

export function validateBuffer(value: unknown, name: string): asserts value is NodeJS.ArrayBufferView {
  if (!ArrayBuffer.isView(value)) throw invalidArgType(name, 'an instance of Buffer, TypedArray, or DataView', value);
}

export function validateNumber(value: unknown, name: string): asserts value is number {
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value);
}

/** @throws ERR_INVALID_ARG_TYPE, and ERR_OUT_OF_RANGE for anything but an integer from `min` to `max` */
export function validateInteger(value: unknown, name: string, min: number, max: number): asserts value is number {
  validateNumber(value, name);
  if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value);
  if (value < min || value > max) throw outOfRange(name, `>= ${min} && <= ${max}`, value);
}

/** The error that `node:tls` would emit for an error of the engine, which becomes its `cause`. */
export function toNodeError(error: TlsError): Error {
  // checkServerIdentity refused the name: the application gets its own answer back.
  if (error.code === 'HOSTNAME_MISMATCH' && error.cause instanceof IdentityRefusal) return error.cause.answer as Error;
  if (error.code === 'HOSTNAME_MISMATCH' && error.cause instanceof Error) return error.cause;
  const alert = error.alert === undefined ? undefined : { alert: error.alert };
  const text = textOf(error.code as CertificateErrorCode);
  const code = certificateCode(error.code);
  if (text !== undefined || code !== error.code)
    return withCause(codedError(code, text ?? error.message, alert), error);
  const reason = reasonOf(error);
  if (reason === undefined) return withCause(codedError(error.code, error.message, alert), error);
  const fields = { library: 'SSL routines', reason, ...alert };
  return withCause(codedError(sslCode(reason), `error:SSL routines:${reason}: ${error.message}`, fields), error);
}

/** Node's text for a refused chain. Since Node 24 some say how to trust the roots of the system, which holds here as well. */
function textOf(code: CertificateErrorCode): string | undefined {
  const text = certificateTexts[code];
  if (text === undefined || !aboutRoots.has(code) || Number.parseInt(process.versions.node, 10) < 24) return text;
  return `${text}; if the root CA is installed locally, try running Node.js with --use-system-ca`;
}

const aboutRoots: ReadonlySet<CertificateErrorCode> = new Set<CertificateErrorCode>([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

/**
 * The code that `node:tls` has for a refused chain. It has fewer codes than OpenSSL, and calls a CA certificate that is
 * not one INVALID_PURPOSE.
 */
export function certificateCode(code: TlsErrorCode): string {
  if (code === 'INVALID_CA') return 'INVALID_PURPOSE';
  return withoutNodeCode.has(code) ? 'UNSPECIFIED' : code;
}

/** Codes of the engine that `node:tls` does not have: there it says UNSPECIFIED. */
const withoutNodeCode: ReadonlySet<TlsErrorCode> = new Set<CertificateErrorCode>([
  'UNHANDLED_CRITICAL_EXTENSION',
  'KEYUSAGE_NO_CERTSIGN',
  'INVALID_EXTENSION',
  'INVALID_POLICY_EXTENSION',
  'NO_EXPLICIT_POLICY',
  'PERMITTED_VIOLATION',
  'EXCLUDED_VIOLATION',
  'EE_KEY_TOO_SMALL',
  'CA_KEY_TOO_SMALL',
  'CA_MD_TOO_WEAK',
  'UNSUPPORTED_SIGNATURE_ALGORITHM',
  'UNABLE_TO_GET_CRL_ISSUER',
  'KEYUSAGE_NO_CRL_SIGN',
  'UNHANDLED_CRITICAL_CRL_EXTENSION',
  'DIFFERENT_CRL_SCOPE',
  'CRL_PATH_VALIDATION_ERROR',
]);

function reasonOf(error: TlsError): string | undefined {
  if (isAlertReceived(error)) return alertReasons[error.alert ?? ''];
  return localReasons[error.code as LocalErrorCode];
}

function sslCode(reason: string): string {
  return `ERR_SSL_${reason.toUpperCase().replaceAll(' ', '_')}`;
}

/** Adds the error of the engine, which does not show when the error is listed. */
export function withCause(error: CodedError, cause: unknown): CodedError {
  Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true });
  return error;
}

function describe(name: string): string {
  return name.includes('.') ? `"${name}" property` : `"${name}" argument`;
}

function received(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value === 'object') return `an instance of ${value.constructor?.name ?? 'Object'}`;
  // Node cuts text of more than 28 characters.
  const short = typeof value === 'string' && value.length > 28 ? `${value.slice(0, 25)}...` : value;
  return `type ${typeof value} (${inspect(short)})`;
}

/** Reasons of OpenSSL 3.0 (ssl/ssl_err.c) for an alert received; the spelling of Node 20. */
const alertReasons: Readonly<Record<string, string>> = {
  unexpected_message: 'sslv3 alert unexpected message',
  bad_record_mac: 'sslv3 alert bad record mac',
  record_overflow: 'tlsv1 alert record overflow',
  handshake_failure: 'sslv3 alert handshake failure',
  bad_certificate: 'sslv3 alert bad certificate',
  unsupported_certificate: 'sslv3 alert unsupported certificate',
  certificate_revoked: 'sslv3 alert certificate revoked',
  certificate_expired: 'sslv3 alert certificate expired',
  certificate_unknown: 'sslv3 alert certificate unknown',
  illegal_parameter: 'sslv3 alert illegal parameter',
  unknown_ca: 'tlsv1 alert unknown ca',
  access_denied: 'tlsv1 alert access denied',
  decode_error: 'tlsv1 alert decode error',
  decrypt_error: 'tlsv1 alert decrypt error',
  protocol_version: 'tlsv1 alert protocol version',
  insufficient_security: 'tlsv1 alert insufficient security',
  internal_error: 'tlsv1 alert internal error',
  inappropriate_fallback: 'tlsv1 alert inappropriate fallback',
  missing_extension: 'tlsv13 alert missing extension',
  unsupported_extension: 'tlsv1 unsupported extension',
  unrecognized_name: 'tlsv1 unrecognized name',
  bad_certificate_status_response: 'tlsv1 bad certificate status response',
  unknown_psk_identity: 'tlsv1 alert unknown psk identity',
  certificate_required: 'tlsv13 alert certificate required',
  general_error: 'tlsv1 alert general error',
  no_application_protocol: 'tlsv1 alert no application protocol',
};

/** The reasons of OpenSSL 3.0 for errors that it has as well. An error that is not here keeps the engine's code. */
const localReasons: { readonly [C in LocalErrorCode]?: string } = {
  ERR_TLS_NOT_TLS: 'wrong version number',
  ERR_TLS_HTTP_REQUEST: 'http request',
  ERR_TLS_HTTPS_PROXY_REQUEST: 'https proxy request',
  ERR_TLS_BAD_RECORD_MAC: 'decryption failed or bad record mac',
  ERR_TLS_RECORD_OVERFLOW: 'encrypted length too long',
  ERR_TLS_PLAINTEXT_OVERFLOW: 'data length too long',
  ERR_TLS_UNEXPECTED_RECORD: 'unexpected record',
  ERR_TLS_INVALID_OUTER_RECORD_TYPE: 'bad record type',
  ERR_TLS_UNEXPECTED_MESSAGE: 'unexpected message',
  ERR_TLS_EXCESS_HANDSHAKE_DATA: 'not on record boundary',
  ERR_TLS_MESSAGE_TOO_LARGE: 'excessive message size',
  ERR_TLS_TOO_MANY_KEY_UPDATES: 'too many key updates',
  ERR_TLS_TOO_MANY_WARNINGS: 'too many warn alerts',
  ERR_TLS_DECODE: 'length mismatch',
  ERR_TLS_CLIENT_HELLO_DECODE: 'length mismatch',
  ERR_TLS_EXTENSION_DECODE: 'bad extension',
  ERR_TLS_DUPLICATE_EXTENSION: 'bad extension',
  ERR_TLS_UNEXPECTED_EXTENSION: 'bad extension',
  ERR_TLS_UNSOLICITED_EXTENSION: 'unsolicited extension',
  ERR_TLS_UNSUPPORTED_PROTOCOL: 'unsupported protocol',
  ERR_TLS_WRONG_VERSION: 'wrong ssl version',
  ERR_TLS_DOWNGRADE: 'inappropriate fallback',
  ERR_TLS_NO_SHARED_CIPHER: 'no shared cipher',
  ERR_TLS_WRONG_CIPHER: 'wrong cipher returned',
  ERR_TLS_NO_SHARED_GROUP: 'no suitable key share',
  ERR_TLS_MISSING_KEY_SHARE: 'no suitable key share',
  ERR_TLS_WRONG_GROUP: 'bad key share',
  ERR_TLS_DUPLICATE_KEY_SHARE: 'bad key share',
  ERR_TLS_INVALID_KEY_SHARE: 'bad key share',
  ERR_TLS_COMPRESSION: 'invalid compression algorithm',
  ERR_TLS_SESSION_ID_MISMATCH: 'invalid session id',
  ERR_TLS_NO_APPLICATION_PROTOCOL: 'no application protocol',
  ERR_TLS_NO_SHARED_SIGNATURE_SCHEME: 'no suitable signature algorithm',
  ERR_TLS_WRONG_SIGNATURE_SCHEME: 'wrong signature type',
  ERR_TLS_BAD_SIGNATURE: 'bad signature',
  ERR_TLS_BAD_FINISHED: 'digest check failed',
  ERR_TLS_CERTIFICATE_REQUIRED: 'peer did not return a certificate',
};

/** X509_verify_cert_error_string of OpenSSL 3.0. */
const certificateTexts: { readonly [C in CertificateErrorCode]?: string } = {
  UNABLE_TO_GET_ISSUER_CERT: 'unable to get issuer certificate',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unable to get local issuer certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unable to verify the first certificate',
  UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: 'unable to decode issuer public key',
  UNABLE_TO_GET_CRL: 'unable to get certificate CRL',
  CERT_SIGNATURE_FAILURE: 'certificate signature failure',
  CRL_SIGNATURE_FAILURE: 'CRL signature failure',
  CERT_NOT_YET_VALID: 'certificate is not yet valid',
  CERT_HAS_EXPIRED: 'certificate has expired',
  CRL_NOT_YET_VALID: 'CRL is not yet valid',
  CRL_HAS_EXPIRED: 'CRL has expired',
  ERROR_IN_CERT_NOT_BEFORE_FIELD: "format error in certificate's notBefore field",
  ERROR_IN_CERT_NOT_AFTER_FIELD: "format error in certificate's notAfter field",
  DEPTH_ZERO_SELF_SIGNED_CERT: 'self-signed certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'self-signed certificate in certificate chain',
  CERT_CHAIN_TOO_LONG: 'certificate chain too long',
  CERT_REVOKED: 'certificate revoked',
  INVALID_CA: 'invalid CA certificate',
  PATH_LENGTH_EXCEEDED: 'path length constraint exceeded',
  INVALID_PURPOSE: 'unsuitable certificate purpose',
  CERT_UNTRUSTED: 'certificate not trusted',
  CERT_REJECTED: 'certificate rejected',
};
