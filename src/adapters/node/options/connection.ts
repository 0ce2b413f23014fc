import type { LookupFunction, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { DetailedCertificate } from '../certificate/legacy.ts';
import { warnOnce } from '../support/warnings.ts';
import type { SecureContextOptions } from './context.ts';
import type { SocketOptionsFor } from './socket.ts';

/** Options of `connect()`, for the class of socket that its callbacks are given: of the context, of the socket, and of `net.connect()`. */
export interface ConnectionOptionsFor<TLSSocket extends Socket>
  extends SecureContextOptions,
    Omit<SocketOptionsFor<TLSSocket>, 'isServer' | 'server' | 'handshakeTimeout' | 'ALPNCallback' | 'SNICallback'> {
  /** The server. Default 'localhost'. */
  readonly host?: string | undefined;
  /** Its port. */
  readonly port?: number | string | undefined;
  /** Of a Unix domain socket. */
  readonly path?: string | undefined;
  /** A transport that the caller connects. */
  readonly socket?: Duplex | undefined;
  /** The name to ask for (SNI) and to check the certificate against. */
  readonly servername?: string | undefined;
  /**
   * Compares the certificate with the host. Default: `checkServerIdentity()`.
   * @returns an error where the certificate is not for `host`; anything else that is true refuses it as well
   */
  readonly checkServerIdentity?: ((host: string, certificate: DetailedCertificate) => Error | undefined) | undefined;
  /** Checked as `node:tls` does, and without effect: there are no groups of that kind. */
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

/** Whether a server must be who it should be: the environment has a say where the caller has none. */
export function serverMustBeAuthorized(options: Pick<ConnectionOptionsFor<Socket>, 'rejectUnauthorized'>): boolean {
  return Object.hasOwn(options, 'rejectUnauthorized') ? options.rejectUnauthorized !== false : !allowsUnauthorized();
}

/** Whether the environment lets servers be anybody. */
function allowsUnauthorized(): boolean {
  if (process.env['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0') return false;
  warnOnce("NODE_TLS_REJECT_UNAUTHORIZED is '0': the certificates of servers are not checked.");
  return true;
}
