import net from 'node:net';
import type { Duplex } from 'node:stream';
import { tlsDefaults } from './context/context.ts';
import { type ConnectionOptionsFor, serverMustBeAuthorized } from './options/connection.ts';
import { ownOptions } from './options/rules.ts';
import { expectedHost, nameCheck } from './options/socket.ts';
import { TLSSocket } from './socket/tls-socket.ts';
import {
  codedError,
  connectionReset,
  invalidArgType,
  validateFunction,
  validateNumber,
  validateString,
} from './support/errors.ts';
import { warnOnce } from './support/warnings.ts';

/** Options of `connect()`: of the context, of the socket, and of `net.connect()`. */
export interface ConnectionOptions extends ConnectionOptionsFor<TLSSocket> {}

export type SecureConnectListener = () => void;

/**
 * Opens a client connection, as `tls.connect()` does. The socket emits 'secureConnect' once the handshake is complete and
 * the server is authorized; where `rejectUnauthorized` is false, `authorized` may be false then.
 * @throws what `createSecureContext` throws; ERR_INVALID_ARG_TYPE and ERR_OUT_OF_RANGE for options of the socket
 *
 * @example
 * ```js
 * import { connect } from 'opentls';
 *
 * const socket = connect({ host: 'localhost', port, ca: cert });
 * socket.end('hello');
 * for await (const bytes of socket) console.log(bytes.toString()); // hello
 * ```
 */
export function connect(options: ConnectionOptions, listener?: SecureConnectListener): TLSSocket;
export function connect(
  port: number | string,
  host?: string,
  options?: ConnectionOptions,
  listener?: SecureConnectListener,
): TLSSocket;
export function connect(
  port: number | string,
  options?: ConnectionOptions,
  listener?: SecureConnectListener,
): TLSSocket;
export function connect(port: number | string, host?: string, listener?: SecureConnectListener): TLSSocket;
export function connect(portOrPath: number | string, listener?: SecureConnectListener): TLSSocket;
export function connect(...args: readonly unknown[]): TLSSocket {
  const given = ownOptions(readArguments(args));
  const listener = args.at(-1);
  const options: ConnectionOptions = ownOptions({
    checkServerIdentity: tlsDefaults.checkServerIdentity,
    ...given,
    rejectUnauthorized: serverMustBeAuthorized(given),
  });
  check(options);
  const { socket: transport, servername } = options;
  const host = servername || options.host || hostOf(transport) || 'localhost';
  const socket = new TLSSocket(transport, {
    ...options,
    isServer: false,
    secureContext: options.secureContext || tlsDefaults.createSecureContext(options),
    [expectedHost]: host,
    [nameCheck]: (certificate) => options.checkServerIdentity?.(host, certificate),
  });
  if (typeof listener === 'function') socket.once('secureConnect', listener as SecureConnectListener);
  socket._releaseControl();
  if (servername) {
    validateString(servername, 'options.servername');
    if (net.isIP(servername) !== 0) warnOfAddress();
    socket.setServername(servername);
  }
  if (transport === undefined || transport === null) {
    if (options.timeout) socket.setTimeout(options.timeout);
    socket.connect(options);
  }
  socket._start();
  socket.on('secure', onSecure);
  socket.prependListener('end', () => onEarlyEnd(socket, options));
  return socket;
}

/** Reads the forms of `net.connect()`, with options behind the port or the host; `options.host` beats `host`. */
function readArguments(args: readonly unknown[]): ConnectionOptions {
  const [first, second, third] = args;
  if (typeof first === 'object' && first !== null) return first;
  const path = typeof first === 'string' && !(Number(first) >= 0);
  const place = path ? { path: first } : { port: first, ...(typeof second === 'string' && { host: second }) };
  const options = [second, third].find((argument) => typeof argument === 'object' && argument !== null);
  return { ...place, ...(options as object) } as ConnectionOptions;
}

function check({ checkServerIdentity, minDHSize = 1024, socket }: ConnectionOptions): void {
  validateFunction(checkServerIdentity, 'options.checkServerIdentity');
  validateNumber(minDHSize, 'options.minDHSize');
  if (minDHSize <= 0)
    throw codedError('ERR_OUT_OF_RANGE', 'options.minDHSize is not a positive number', undefined, RangeError);
  if (socket !== undefined && socket !== null && typeof socket.pipe !== 'function') {
    throw invalidArgType('options.socket', 'an instance of Duplex', socket);
  }
}

/** The host name that the transport was connected to. */
function hostOf(transport: Duplex | undefined): string | undefined {
  const host: unknown = transport && Reflect.get(transport, '_host');
  return typeof host === 'string' ? host : undefined;
}

function onSecure(this: TLSSocket): void {
  this.authorized = this.authorizationError === null;
  this.secureConnecting = false;
  this.emit('secureConnect');
}

function onEarlyEnd(socket: TLSSocket, { path, host, port, localAddress }: ConnectionOptions): void {
  if (socket._secureEstablished) return;
  const message = 'Client network socket disconnected before secure TLS connection was established';
  socket.destroy(connectionReset(message, { path, host, port, localAddress }));
}

function warnOfAddress(): void {
  const message = 'Setting the TLS ServerName to an IP address is not permitted by RFC 6066. It is not sent.';
  warnOnce(message, 'DeprecationWarning', 'DEP0123');
}
