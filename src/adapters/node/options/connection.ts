import type { LookupFunction, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { DetailedCertificate } from '../certificate/legacy.ts';
import { warnOnce } from '../support/warnings.ts';
import type { SecureContextOptions } from './context.ts';
import type { SocketOptionsFor } from './socket.ts';

/** Options of `connect()`: of the context, of the socket, and of `net.connect()`. Generic in the socket of its callbacks. */
export interface ConnectionOptionsFor<TLSSocket extends Socket>
  extends SecureContextOptions,
    Omit<SocketOptionsFor<TLSSocket>, 'isServer' | 'server' | 'handshakeTimeout' | 'ALPNCallback' | 'SNICallback'> {
  /** The server's host name or address. Default 'localhost'. */
  readonly host?: string | undefined;
  /** Its port. */
  readonly port?: number | string | undefined;
  /** The path of a Unix domain socket, in place of host and port. */
  readonly path?: string | undefined;
  /** The transport: opentls does not connect it. */
  readonly socket?: Duplex | undefined;
  /** The name to ask for (SNI) and to check the certificate against. */
  readonly servername?: string | undefined;
  /**
   * Compares the certificate with the host. Default: `checkServerIdentity()`.
   * @returns an error where the certificate is not for `host`; every other truthy value refuses it as well
   */
  readonly checkServerIdentity?: ((host: string, certificate: DetailedCertificate) => Error | undefined) | undefined;
  /** Without effect: opentls has no finite-field groups. A value that `node:tls` refuses throws. */
  readonly minDHSize?: number | undefined;
  /** Milliseconds of silence until 'timeout'. */
  readonly timeout?: number | undefined;
  /** As `net.connect()` has it. */
  readonly localAddress?: string | undefined;
  /** As `net.connect()` has it. */
  readonly localPort?: number | undefined;
  /** As `net.connect()` has it. */
  readonly family?: number | string | undefined;
  /** As `net.connect()` has it. */
  readonly hints?: number | undefined;
  /** As `net.connect()` has it. */
  readonly lookup?: LookupFunction | undefined;
  /** As `net.connect()` has it. */
  readonly autoSelectFamily?: boolean | undefined;
  /** As `net.connect()` has it: milliseconds. */
  readonly autoSelectFamilyAttemptTimeout?: number | undefined;
}

/**
 * Whether an unauthorized server ends the connection. Where the options do not say, the environment does
 * (NODE_TLS_REJECT_UNAUTHORIZED).
 */
export function serverMustBeAuthorized(options: Pick<ConnectionOptionsFor<Socket>, 'rejectUnauthorized'>): boolean {
  return Object.hasOwn(options, 'rejectUnauthorized') ? options.rejectUnauthorized !== false : !allowsUnauthorized();
}

/** Whether the environment allows unauthorized servers. */
function allowsUnauthorized(): boolean {
  if (process.env['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0') return false;
  warnOnce("NODE_TLS_REJECT_UNAUTHORIZED is '0': the certificates of servers are not checked.");
  return true;
}
