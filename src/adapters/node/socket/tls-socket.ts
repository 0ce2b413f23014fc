import { appendFileSync } from 'node:fs';
import net from 'node:net';
import { addAbortSignal, type Duplex } from 'node:stream';
import type { Connection, SecretEvent } from '../../../connection/connection.ts';
import { isAlertReceived, type TlsError } from '../../../errors.ts';
import type { Facts } from '../../../handshake/terms/facts.ts';
import type { Session } from '../../../session/session.ts';
import { Pump } from '../../pump.ts';
import { deliverEarly, EarlyOffer } from '../callbacks/early-data.ts';
import { HandshakeCallbacks } from '../callbacks/handshake.ts';
import type { PeerCheck } from '../callbacks/peer-check.ts';
import {
  type ContextState,
  type SecureContext,
  SecureContext as SecureContextClass,
  stateOf,
  tlsDefaults,
} from '../context/context.ts';
import { settleSocketOptions } from '../options/rules.ts';
import type { EarlyReaderFor, PskCallbackFor, SniCallbackFor, SocketOptionsFor } from '../options/socket.ts';
import { codedError, throwLater, toNodeError, validateString } from '../support/errors.ts';
import { flagOf } from '../support/flags.ts';
import { fromBlob, noSession, toBlob } from '../support/sessions.ts';
import { warnOnce } from '../support/warnings.ts';
import { Inlet } from './inlet.ts';
import { OnRead } from './onread.ts';
import { linger } from './transport.ts';
import { toBytes, WritingSocket } from './writing-socket.ts';

/** Options of `new TLSSocket(socket, options)`. */
export interface TLSSocketOptions extends SocketOptionsFor<TLSSocket> {}

/**
 * Chooses a server's context by the name that the client asks for, and gives it to the callback. Without a context the
 * server uses its own; an error ends the handshake.
 */
export type SniCallback = SniCallbackFor<TLSSocket>;

/** Client: called with null, answers key and identity. Server: called with socket and identity, answers the key. */
export type PskCallback = PskCallbackFor<TLSSocket>;

/** Takes a server's 0-RTT data in place of the 'earlyData' event. */
export type EarlyReader = EarlyReaderFor<TLSSocket>;

/**
 * TLS 1.3 over a `net.Socket` or any other Duplex, with the API of `tls.TLSSocket`. It is a `net.Socket` that uses its
 * transport where the base class would use a native handle.
 *
 * @example
 * ```js
 * import net from 'node:net';
 * import { TLSSocket } from 'opentls';
 *
 * const socket = new TLSSocket(net.connect(port, 'localhost'), { ca: cert }); // a client that checks no name
 * socket.end('hello');
 * for await (const bytes of socket) console.log(bytes.toString()); // hello
 * ```
 */
export class TLSSocket extends WritingSocket {
  readonly isServer: boolean;
  server: unknown;
  readonly _tlsOptions: TLSSocketOptions;

  protected readonly context: ContextState;
  readonly #onread: OnRead | undefined;
  #handshake: HandshakeCallbacks<TLSSocket> | undefined;
  readonly #check: PeerCheck;
  #inlet: Inlet | undefined;
  #serverName: string | undefined;
  #session: Session | undefined;
  #earlyOffer: EarlyOffer | undefined;
  #earlyTaken = false;
  #controlReleased = false;
  #handshakeTimer: NodeJS.Timeout | undefined;
  /** Whether the peer has ended its direction. */
  #inputOver = false;
  #lingers = false;

  /**
   * @param socket the transport: connected, connecting or not connected yet. Default: {@link connect} makes one
   * @throws what `createSecureContext` throws; ERR_TLS_INVALID_CONTEXT for a `secureContext` that opentls has not made
   */
  constructor(socket?: Duplex | null, options: TLSSocketOptions = {}) {
    const own = settleSocketOptions(options);
    const { allowHalfOpen, highWaterMark, signal } = own;
    const context = stateOf(own.secureContext || tlsDefaults.createSecureContext(own));
    const streamOptions = {
      allowHalfOpen: Boolean(socket ? socket.allowHalfOpen : allowHalfOpen),
      ...(highWaterMark !== undefined && { highWaterMark }),
    };
    super(streamOptions);
    this._tlsOptions = own;
    this.isServer = Boolean(own.isServer);
    this.started = this.isServer;
    this.server = own.server;
    this.context = context;
    this.#handshake = new HandshakeCallbacks<TLSSocket>(this, context, own, (name) => {
      this.servername = name;
    });
    this.#check = this.#handshake.check;
    if (!this.isServer) this.#offer(own.session);
    this.#onread = !socket && own.onread ? new OnRead(own.onread) : undefined;
    this.on('error', this._tlsError);
    const keylogFile = flagOf('--tls-keylog');
    if (typeof keylogFile === 'string') this.on('keylog', (line: Buffer) => writeKeylog(keylogFile, line));
    if (own.pauseOnConnect) this.pause();
    if (own.handshakeTimeout !== undefined && own.handshakeTimeout > 0) {
      this.#handshakeTimer = setTimeout(onHandshakeTimeout, own.handshakeTimeout, this).unref();
    }
    if (socket) this.useTransport(socket);
    else this.connecting = true;
    if (signal) addAbortSignal(signal, this);
  }

  /**
   * Server: whether 0-RTT data has come and the handshake is not complete yet (opentls). While this is true, all that was
   * read may be a replay.
   */
  get earlyData(): boolean {
    return this.#earlyTaken && !this._secureEstablished;
  }

  protected get chainError(): Error | null {
    return this.#check.chainError;
  }

  /**
   * Sets the server name that the ClientHello asks for. Takes effect before the handshake only.
   * @throws ERR_TLS_SNI_FROM_SERVER on a server's socket
   */
  setServername(name: string): void {
    validateString(name, 'name');
    if (this.isServer) throw codedError('ERR_TLS_SNI_FROM_SERVER', 'Cannot issue SNI from a TLS server-side socket');
    this.#serverName = name === '' || net.isIP(name) !== 0 ? undefined : name;
  }

  /** Sets the session that the ClientHello offers. Takes effect before the handshake only. */
  override setSession(session: string | NodeJS.ArrayBufferView): void {
    if (!this.isServer) this.#offer(session);
  }

  #offer(session: unknown): void {
    this.#session = fromBlob(session);
    this.sessionBlob = this.#session && toBlob(this.#session);
  }

  /**
   * Server: asks the client for a certificate after the handshake (opentls). The client's answer sets `authorized` and
   * `authorizationError`, then the socket emits 'authenticated'. With `rejectUnauthorized`, an answer without a trusted
   * certificate ends the connection.
   * @throws TlsError ERR_TLS_INVALID_STATE where the client sent no post_handshake_auth extension (RFC 9846 §4.3.6)
   */
  requestCertificate(): void {
    if (this.connection === undefined) throw codedError('ERR_TLS_INVALID_STATE', 'there is no connection');
    this.connection.requestCertificate(this.#check.enforces);
    this.pump?.run();
  }

  /** Inside SNICallback or ALPNCallback: sets the context with the certificate that the server sends. */
  setKeyCert(context: SecureContext | ConstructorParameters<typeof TLSSocket>[1]): void {
    const chosen = context instanceof SecureContextClass ? context : tlsDefaults.createSecureContext(context);
    if (this.#handshake !== undefined) this.#handshake.context = stateOf(chosen);
  }

  override resume(): this {
    super.resume();
    this.#readOn();
    return this;
  }

  /** Called by Node's streams. @internal */
  override _read(): void {
    this.#readOn();
  }

  /** Called by Node's streams. @internal */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#handshakeTimer);
    this.connecting = false;
    this.pump?.stop();
    this.pump?.connection.destroy();
    this.#handshake = undefined;
    this.#inlet?.stop();
    if (!this.#lingers) this.transport?.destroy();
    this.outlet.cancel(codedError('ECANCELED', 'write ECANCELED', { syscall: 'write' }));
    callback(error);
    process.nextTick(emitClose, this, error !== null);
  }

  /** The listener of 'error' until {@link _releaseControl}: emits '_tlsError' for the server. */
  _tlsError(error: Error): Error | null {
    this.emit('_tlsError', error);
    return this.#controlReleased ? error : null;
  }

  /** Leaves errors to the application's listeners from now on. @returns false where it did so before */
  _releaseControl(): boolean {
    if (this.#controlReleased) return false;
    this.#controlReleased = true;
    this.removeListener('error', this._tlsError);
    return true;
  }

  /** Begins the handshake. */
  protected override begin(): void {
    const transport = this.transport;
    const handshake = this.#handshake;
    if (this.destroyed || !this.started || this.pump !== undefined) return;
    if (transport === undefined || handshake === undefined) return;
    const connection = handshake.start(this.#serverName, this.#session);
    if (connection instanceof Error) return void this.destroy(connection);
    this.pump = new Pump(connection, {
      data: (bytes, early) => this.#data(bytes, early),
      session: (session) => this.#newSession(session),
      early: (accepted) => this.#earlyOffer?.tell(accepted),
      authenticated: (facts) => this.#authenticated(facts),
      open: (facts) => this.#open(facts),
      end: (closeNotify) => this.#end(closeNotify),
      error: (error) => this.#fail(error),
      secret: (event) => void this.emit('keylog', keylogLine(event)),
      send: (slabs) => this.#send(slabs),
      answered: () => this.#answered(connection),
      unsent: () => this.outlet.unsent,
      thrown: throwLater,
    });
    const inlet = new Inlet(transport, this.pump);
    this.#inlet = inlet;
    const { earlyData } = this._tlsOptions;
    if (earlyData !== undefined && !this.isServer) this.#earlyOffer = new EarlyOffer(this, earlyData);
    this.pump.run();
    if (this.#earlyOffer?.write(connection)) this.pump.run();
    transport.on('data', (chunk: Uint8Array | string) => {
      if (this.destroyed) return;
      this._unrefTimer();
      inlet.take(toBytes(chunk, 'latin1'));
    });
    transport.resume();
    if (transport.readableEnded) inlet.end();
  }

  #send(slabs: readonly Uint8Array[]): void {
    if (this.transport !== undefined) this.outlet.send(this.transport, slabs, () => this.#sent());
  }

  /** The transport has taken output: the engine may have room for input again. */
  #sent(): void {
    const pump = this.pump;
    if (pump === undefined || this.destroyed) return;
    pump.run();
    this.#inlet?.feed();
  }

  /** An answer came late: the engine may have sent its ClientHello now, or may have room for input again. */
  #answered(connection: Connection): void {
    if (this.#earlyOffer?.write(connection)) this.pump?.run();
    this.#inlet?.feed();
  }

  #readOn(): void {
    if (this.pump === undefined || this.destroyed || this.#onread?.resume() === false) return;
    this.pump.resume();
    this.#inlet?.feed();
  }

  protected override transportEnded(): void {
    this.#inlet?.end();
  }

  /** Destroys the socket, unless both directions have ended: the application may still read data then. */
  protected override transportClosed(): void {
    if (this.destroyed || (this.#inlet?.ended === true && this.writableFinished)) return;
    if (this.#inlet?.ended === false) this.#inlet.end();
    process.nextTick(() => this.destroy());
  }

  /** Destroys the socket, unless both directions have ended: a reset does no harm then. */
  protected override transportFailed(error: Error): void {
    if (this.destroyed || (this.#inputOver && this.outputOver)) return;
    if (this.closeNotify === true) return this.closeAfterReading();
    if (this._secureEstablished) this.closeNotify ??= false;
    this.destroy(error);
  }

  #newSession(session: Session): void {
    const blob = toBlob(session);
    session.psk.wipe();
    this.sessionBlob = blob;
    this.emit('session', blob);
  }

  #data(bytes: Uint8Array, early: boolean): boolean {
    this.received += bytes.length;
    if (early) return this.#earlyData(bytes);
    if (this.#onread !== undefined) return this.#onread.deliver(bytes);
    return this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  }

  #earlyData(bytes: Uint8Array): boolean {
    const { connection, transport } = this;
    if (connection === undefined || transport === undefined) return true;
    this.#earlyTaken = true;
    this.outlet.begin(connection, transport);
    deliverEarly(this, connection, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    return true;
  }

  #open(facts: Facts): void {
    const { connection } = this;
    const transport = this.transport;
    if (connection === undefined || transport === undefined) return;
    clearTimeout(this.#handshakeTimer);
    this.#handshakeTimer = undefined;
    this.alpnProtocol = facts.alpn === undefined ? false : Buffer.from(facts.alpn).toString('latin1');
    this.servername ??= facts.serverName ?? false;
    this.authorizationError = this.#check.code;
    if (!facts.resumed || this.isServer) this.sessionBlob = noSession();
    this.#handshake = undefined;
    this._secureEstablished = true;
    if (this._tlsOptions.requestOCSP && !this.isServer && !facts.resumed) {
      const { peerOcspResponse } = facts;
      this.#tell('OCSPResponse', peerOcspResponse === undefined ? null : Buffer.from(peerOcspResponse));
    }
    this.#tell('secure');
    this.#earlyOffer?.tell(false);
    // Tickets go ahead of application data: a client may close as soon as it has its response.
    this.pump?.afterTasks(() => this.writeWaiting(connection, transport));
  }

  /** Emits an event of the handshake. Where a listener throws, the connection goes on. */
  #tell(event: string, ...args: readonly unknown[]): void {
    try {
      this.emit(event, ...args);
    } catch (error) {
      throwLater(error);
    }
  }

  #authenticated(facts: Facts): void {
    this.authorizationError = this.#check.codeOfClient(facts.peer);
    this.authorized = this.authorizationError === null;
    this.emit('authenticated', facts);
  }

  #end(closeNotify?: boolean): void {
    this.closeNotify = closeNotify;
    this.#inputOver = true;
    this.push(null);
    this.read(0);
  }

  #fail(error: TlsError): void {
    if (this.destroyed) return;
    if (error.code === 'ERR_TLS_TRUNCATED') {
      // 'end' comes first: a listener (http, for one) may make an error of it.
      this.#end();
      process.nextTick(() => this.destroy());
      return;
    }
    const cause = this.#handshake?.applicationError ?? toNodeError(error);
    this.authorizationError = this.#check.code ?? this.authorizationError;
    if (this.authorizationError !== null) this.authorized = false;
    const { transport } = this;
    if (transport !== undefined) {
      // The transport stays a little longer: a listener of 'error' may ask for the peer's address.
      this.#lingers = true;
      const alertSent = error.alert !== undefined && !isAlertReceived(error);
      if (alertSent) linger(transport);
      else setImmediate(() => transport.destroy());
    }
    this.destroy(cause);
  }
}

function onHandshakeTimeout(socket: TLSSocket): void {
  const error = codedError('ERR_TLS_HANDSHAKE_TIMEOUT', 'TLS handshake timeout');
  // Before destroy(): a listener of 'tlsClientError' may ask for the peer's address.
  socket._tlsError(error);
  socket.destroy(error);
}

function emitClose(socket: TLSSocket, hadError: boolean): void {
  socket.emit('close', hadError);
}

/** Writes a line of the key log to the file of `--tls-keylog`, as Node does. */
function writeKeylog(file: string, line: Buffer): void {
  const warning = `Using --tls-keylog makes TLS connections insecure by writing secret key material to file ${file}`;
  warnOnce(warning);
  appendFileSync(file, line, { mode: 0o600 });
}

/** A line of SSLKEYLOGFILE (RFC 9850 §2). */
function keylogLine({ label, clientRandom, secret }: SecretEvent): Buffer {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  return Buffer.from(`${label} ${hex(clientRandom)} ${hex(secret)}\n`);
}
