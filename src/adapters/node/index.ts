/**
 * `opentls` on Node: the surface of `node:tls`, over TLS 1.3 in TypeScript.
 *
 * @module opentls
 */

import { noble } from '../../providers/noble.ts';
import { checkServerIdentity } from './certificate/identity.ts';
import { connect } from './connect.ts';
import { getCACertificates, rootCertificates as roots, setDefaultCACertificates } from './context/ca.ts';
import { getCertificateCompressionAlgorithms } from './context/certificate-compression.ts';
import { createSecureContext, SecureContext, type TlsDefaults, tlsDefaults } from './context/context.ts';
import { cipherNames } from './context/names.ts';
import { createServer, Server } from './server.ts';
import { TLSSocket } from './socket/tls-socket.ts';
import { convertALPNProtocols } from './support/alpn.ts';

export type { DetailedCertificate, LegacyCertificate } from './certificate/legacy.ts';
export type { ConnectionOptions } from './connect.ts';
export type { CACertificateType } from './context/ca.ts';
export { certificateCompression } from './context/certificate-compression.ts';
export type {
  CertificateCompressionInput,
  CertificateInput,
  EngineOptions,
  KeyInput,
  PeerVerification,
  SecureContextOptions,
  SecureVersion,
} from './options/context.ts';
export type { OnReadOptions } from './options/socket.ts';
export type { SecureConnectionListener, ServerOptions } from './server.ts';
export type { CipherInfo, TlsHandle } from './socket/described-socket.ts';
export type { PskCallback, SniCallback, TLSSocketOptions } from './socket/tls-socket.ts';
export type { AlpnOption } from './support/alpn.ts';
export type { CodedError } from './support/errors.ts';
export {
  checkServerIdentity,
  connect,
  convertALPNProtocols,
  createSecureContext,
  createServer,
  getCACertificates,
  getCertificateCompressionAlgorithms,
  SecureContext,
  Server,
  setDefaultCACertificates,
  TLSSocket,
};

/**
 * Lists the cipher suites that `ciphers` may name, in lower case.
 *
 * @example
 * ```js
 * import { getCiphers } from 'opentls';
 *
 * console.log(getCiphers().includes('tls_aes_128_gcm_sha256')); // true
 * ```
 */
export function getCiphers(): string[] {
  return cipherNames(noble);
}

/** A constant of `node:tls`. TLS 1.3 has no renegotiation, and nothing reads it. */
export const CLIENT_RENEG_LIMIT: number = tlsDefaults.CLIENT_RENEG_LIMIT;
/** A constant of `node:tls`, seconds. TLS 1.3 has no renegotiation, and nothing reads it. */
export const CLIENT_RENEG_WINDOW: number = tlsDefaults.CLIENT_RENEG_WINDOW;
/** The cipher suites of a context without `ciphers`, by preference, with colons between them. */
export const DEFAULT_CIPHERS: string = tlsDefaults.DEFAULT_CIPHERS;
/** The groups of a context without `ecdhCurve`: `auto` means all groups of the provider. */
export const DEFAULT_ECDH_CURVE: string = tlsDefaults.DEFAULT_ECDH_CURVE;
/** The `minVersion` of a context without that option. opentls speaks TLS 1.3 alone. */
export const DEFAULT_MIN_VERSION: TlsDefaults['DEFAULT_MIN_VERSION'] = tlsDefaults.DEFAULT_MIN_VERSION;
/** The `maxVersion` of a context without that option. opentls speaks TLS 1.3 alone. */
export const DEFAULT_MAX_VERSION: TlsDefaults['DEFAULT_MAX_VERSION'] = tlsDefaults.DEFAULT_MAX_VERSION;

/** The module as one object. A program may assign to `DEFAULT_CIPHERS` and its other defaults, as with `node:tls`. */
export interface TlsModule extends TlsDefaults {
  /** {@link connect} */
  connect: typeof connect;
  /** {@link convertALPNProtocols} */
  convertALPNProtocols: typeof convertALPNProtocols;
  /** {@link createServer} */
  createServer: typeof createServer;
  /** {@link getCACertificates} */
  getCACertificates: typeof getCACertificates;
  /** {@link getCertificateCompressionAlgorithms} */
  getCertificateCompressionAlgorithms: typeof getCertificateCompressionAlgorithms;
  /** {@link getCiphers} */
  getCiphers: typeof getCiphers;
  /** {@link SecureContext} */
  SecureContext: typeof SecureContext;
  /** {@link Server} */
  Server: typeof Server;
  /** {@link setDefaultCACertificates} */
  setDefaultCACertificates: typeof setDefaultCACertificates;
  /** {@link TLSSocket} */
  TLSSocket: typeof TLSSocket;
  /** {@link rootCertificates} */
  readonly rootCertificates: readonly string[];
}

/** The module as one object, as `import tls from 'opentls'` gives it. */
const tls: TlsModule = Object.defineProperty(
  Object.assign(tlsDefaults, {
    connect,
    convertALPNProtocols,
    createServer,
    getCACertificates,
    getCertificateCompressionAlgorithms,
    getCiphers,
    SecureContext,
    Server,
    setDefaultCACertificates,
    TLSSocket,
  }),
  'rootCertificates',
  { configurable: false, enumerable: true, get: roots },
) as typeof tlsDefaults & TlsModule;

export default tls;

/** The root certificates that come with Node: PEM, in a frozen array. */
export const rootCertificates: readonly string[] = roots();
