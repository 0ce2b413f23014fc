import { captureRejectionSymbol } from 'node:events';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { TicketKeys } from '../../session/tickets.ts';
import { namePattern, standsForName } from './callbacks/server-names.ts';
import { SecureContext, stateOf, tlsDefaults } from './context/context.ts';
import type { SecureContextOptions } from './options/context.ts';
import { contextOptions, serverOptions } from './options/rules.ts';
import type { ServerOptionsFor } from './options/server.ts';
import { earlyReader, serverTickets } from './options/socket.ts';
import {
  type EarlyReader,
  type PskCallback,
  type SniCallback,
  TLSSocket,
  type TLSSocketOptions,
} from './socket/tls-socket.ts';
import { convertALPNProtocols } from './support/alpn.ts';
import { callable } from './support/callable.ts';
import {
  codedError,
  connectionReset,
  invalidArgType,
  validateFunction,
  validateNumber,
  validateObject,
  validateString,
} from './support/errors.ts';
import { type TicketKeyInput, ticketKeyList, ticketKeysOf } from './support/sessions.ts';

/** Options of `createServer()`: of the context, of the sockets, and of `net.Server`. */
export interface ServerOptions extends ServerOptionsFor<TLSSocket> {}

/** A listener of 'secureConnection': called with each connection whose handshake is complete. */
export type SecureConnectionListener = (socket: TLSSocket) => void;

/** The class behind {@link Server}, for classes that extend it. */
export class TlsServer extends net.Server {
  static {
    Object.defineProperty(TlsServer, 'name', { value: 'Server', configurable: true });
  }

  requestCert: boolean;
  rejectUnauthorized: boolean;
  /** In the form of the wire: each name after its length byte. */
  ALPNProtocols?: Uint8Array;
  ALPNCallback: TLSSocketOptions['ALPNCallback'];
  readonly _contexts: (readonly [pattern: RegExp, context: SecureContext])[] = [];
  _sharedCreds: SecureContext;
  #tickets: TicketKeys | undefined;
  #ownTickets: TicketKeys | undefined;
  readonly #sessionIdContext: string | undefined;
  readonly #pskCallback: PskCallback | undefined;
  readonly #handshakeTimeout: number;
  readonly #SNICallback: SniCallback | undefined;
  readonly #enableTrace: boolean | undefined;
  readonly #earlyReader: EarlyReader | undefined;

  constructor(options?: ServerOptions | SecureConnectionListener | null, listener?: SecureConnectionListener) {
    const given = readOptions(options);
    super(typeof options === 'object' && options !== null ? options : {});
    const secureListener = typeof options === 'function' ? options : listener;
    this.requestCert = Boolean(given.requestCert);
    this.rejectUnauthorized = given.rejectUnauthorized !== false;
    this.ALPNCallback = given.ALPNCallback;
    if (given.ALPNProtocols) convertALPNProtocols(given.ALPNProtocols, this);
    this._sharedCreds = makeContext(given);
    this.#ownTickets = stateOf(this._sharedCreds).tickets;
    this.#sessionIdContext = given.sessionIdContext;
    this.#pskCallback = given.pskCallback;
    this.#handshakeTimeout = timeoutOf(given.handshakeTimeout);
    this.#SNICallback = given.SNICallback;
    this.#enableTrace = given.enableTrace;
    this.#earlyReader = typeof options === 'object' ? options?.[earlyReader] : undefined;
    this.on('connection', this.#accept);
    if (secureListener !== undefined) this.on('secureConnection', secureListener);
  }

  /** Replaces the whole context for connections that are accepted from now on. */
  setSecureContext(options: SecureContextOptions): void {
    validateObject(options, 'options');
    const given = contextOptions(options);
    this._sharedCreds = makeContext(given);
    // Without `ticketKeys` the old keys stay, so clients can still use the tickets that they have.
    this.#tickets = given.ticketKeys ? undefined : (this.#tickets ?? this.#ownTickets);
    this.#ownTickets = stateOf(this._sharedCreds).tickets;
  }

  /**
   * Adds a context for clients that ask for `servername`. Where several fit, the server takes the last that was added.
   * @param servername `*` stands for one label, or a part of it
   */
  addContext(servername: string, context: SecureContext | SecureContextOptions): void {
    if (!servername)
      throw codedError('ERR_TLS_REQUIRED_SERVER_NAME', '"servername" is required parameter for Server.addContext');
    validateString(servername, 'servername');
    const secureContext = context instanceof SecureContext ? context : tlsDefaults.createSecureContext(context);
    this._contexts.push([namePattern(servername), secureContext]);
  }

  /** A copy of the key that seals session tickets: 48 bytes. */
  getTicketKeys(): Buffer {
    return Buffer.from((this.#tickets ?? this.#ownTickets ?? this.#makeTickets(undefined)).current);
  }

  /** @param keys 48 bytes, or several keys (opentls): the server seals with the first and opens with each */
  setTicketKeys(keys: TicketKeyInput): void {
    if (ticketKeyList(keys, 'buffer').some(({ byteLength }) => byteLength !== 48)) {
      throw codedError('ERR_INTERNAL_ASSERTION', 'Session ticket keys must be a 48-byte buffer');
    }
    this.#tickets = this.#makeTickets(keys);
  }

  /** The ticket keys, which the workers of a cluster share: Node's cluster module takes them from the first. @internal */
  _getServerData(): { readonly ticketKeys: string } {
    return { ticketKeys: this.getTicketKeys().toString('hex') };
  }

  /** Sets the ticket keys of another worker. @internal */
  _setServerData({ ticketKeys }: { readonly ticketKeys: string }): void {
    this.setTicketKeys(Buffer.from(ticketKeys, 'hex'));
  }

  #makeTickets(keys: TicketKeyInput | undefined): TicketKeys {
    const { provider, now } = stateOf(this._sharedCreds);
    return ticketKeysOf(provider, keys, this.#sessionIdContext, now);
  }

  #accept(transport: Duplex): void {
    const socket = new TLSSocket(transport, {
      secureContext: this._sharedCreds,
      isServer: true,
      server: this,
      requestCert: this.requestCert,
      rejectUnauthorized: this.rejectUnauthorized,
      handshakeTimeout: this.#handshakeTimeout,
      ALPNProtocols: this.ALPNProtocols,
      ALPNCallback: this.ALPNCallback,
      SNICallback: this.#SNICallback ?? (this._contexts.length > 0 ? chooseContext : undefined),
      pskCallback: this.#pskCallback,
      enableTrace: this.#enableTrace,
      [serverTickets]: this.#tickets,
      [earlyReader]: this.#earlyReader,
      pauseOnConnect: Reflect.get(this, 'pauseOnConnect') === true,
    });
    socket.on('secure', onSecure);
    if (this.listenerCount('keylog') > 0) socket.on('keylog', onKeylog);
    socket.on('close', onClose);
    socket.on('_tlsError', onError);
    socket.on('error', onError);
  }
}

// Where a listener of 'secureConnection' rejects its promise, the server destroys that socket, and the process goes on.
Object.defineProperty(TlsServer.prototype, captureRejectionSymbol, {
  configurable: true,
  writable: true,
  value(this: TlsServer, error: Error, event: string, socket: unknown): void {
    if (event === 'secureConnection' && socket instanceof TLSSocket) socket.destroy(error);
    else this.emit('error', error);
  },
});

export type Server = TlsServer;
/** A `net.Server` whose connections speak TLS 1.3. May be called without `new`. */
export const Server: typeof TlsServer & ((...args: ConstructorParameters<typeof TlsServer>) => TlsServer) =
  callable(TlsServer);

/**
 * Makes a server for TLS over TCP, as `tls.createServer()` does. It calls the listener with every connection whose
 * handshake is complete.
 * @throws what `createSecureContext` throws; ERR_INVALID_ARG_TYPE for options of the server
 *
 * @example
 * ```js
 * import { once } from 'node:events';
 * import { connect, createServer } from 'opentls';
 *
 * const server = createServer({ key, cert }, (socket) => socket.end('hello'));
 * await once(server.listen(0), 'listening');
 * const socket = connect({ host: 'localhost', port: server.address().port, ca: cert });
 * for await (const bytes of socket) console.log(bytes.toString()); // hello
 * server.close();
 * ```
 */
export function createServer(
  options?: ServerOptions | SecureConnectionListener | null,
  listener?: SecureConnectionListener,
): Server {
  return new TlsServer(options, listener);
}

function readOptions(options: ServerOptions | SecureConnectionListener | null | undefined): ServerOptions {
  if (options === undefined || options === null || typeof options === 'function') return serverOptions({});
  if (typeof options !== 'object') throw invalidArgType('options', 'of type object', options);
  const given = serverOptions(options);
  const { ALPNCallback, ALPNProtocols, SNICallback, handshakeTimeout, pskCallback, pskIdentityHint } = given;
  if (ALPNCallback && ALPNProtocols) {
    const message = 'The ALPNCallback and ALPNProtocols TLS options are mutually exclusive';
    throw codedError('ERR_TLS_ALPN_CALLBACK_WITH_PROTOCOLS', message, undefined, TypeError);
  }
  if (handshakeTimeout) validateNumber(handshakeTimeout, 'options.handshakeTimeout');
  if (ALPNCallback) validateFunction(ALPNCallback, 'options.ALPNCallback');
  if (SNICallback) validateFunction(SNICallback, 'options.SNICallback');
  if (pskCallback) validateFunction(pskCallback, 'options.pskCallback');
  if (pskIdentityHint) validateString(pskIdentityHint, 'options.pskIdentityHint');
  return given;
}

/** A value that a timer cannot run to becomes the default: every handshake has a limit. */
function timeoutOf(handshakeTimeout: number | undefined): number {
  const given = handshakeTimeout ?? 0;
  return given > 0 ? Math.min(given, 0x7fff_ffff) : 120_000;
}

/** A server goes by its own order of suites, unless `honorCipherOrder` is false. */
function makeContext(options: SecureContextOptions): SecureContext {
  return tlsDefaults.createSecureContext({ ...options, honorCipherOrder: options.honorCipherOrder ?? true });
}

/** The SNICallback that chooses among the contexts of {@link TlsServer.addContext}. */
const chooseContext: SniCallback = function (servername, callback) {
  const contexts = this.server instanceof TlsServer ? this.server._contexts : [];
  const fitting = contexts.filter(([pattern]) => standsForName(pattern, servername));
  callback(null, fitting.at(-1)?.[1]);
};

function onSecure(this: TLSSocket): void {
  if (this._tlsOptions.requestCert) {
    if (this.facts?.peer === undefined) this.authorizationError = 'UNABLE_TO_GET_ISSUER_CERT';
    this.authorized = this.authorizationError === null;
  }
  if (this.destroyed || !this._releaseControl()) return;
  this.secureConnecting = false;
  ownerOf(this)?.emit('secureConnection', this);
}

/** Reports the first error before 'secureConnection'; the application listens on the socket for later ones. */
function onError(this: TLSSocket, error: Error): void {
  if (!this.secureConnecting || reported.has(this)) return;
  reported.add(this);
  ownerOf(this)?.emit('tlsClientError', error, this);
}

/** Reports a client that closed the transport before the handshake was complete. */
function onClose(this: TLSSocket, hadError: boolean): void {
  if (!hadError) onError.call(this, connectionReset('socket hang up'));
}

function onKeylog(this: TLSSocket, line: Buffer): void {
  ownerOf(this)?.emit('keylog', line, this);
}

function ownerOf(socket: TLSSocket): TlsServer | undefined {
  const { server } = socket._tlsOptions;
  return server instanceof TlsServer ? server : undefined;
}

/** Sockets that 'tlsClientError' was emitted for. */
const reported = new WeakSet<TLSSocket>();
