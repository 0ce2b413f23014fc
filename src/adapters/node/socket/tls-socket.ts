import net from 'node:net';
import { addAbortSignal, type Duplex } from 'node:stream';
import type { Connection } from '../../../connection/connection.ts';
import { isAlertReceived, type TlsError } from '../../../errors.ts';
import type { Facts } from '../../../handshake/terms/facts.ts';
import type { Session } from '../../../session/session.ts';
import { Pump } from '../../pump.ts';
import type { PeerCheck } from '../callbacks/peer-check.ts';
import {
  type ContextState,
  live,
  type SecureContext,
  SecureContext as SecureContextClass,
  stateOf,
} from '../context/context.ts';
import { settleSocketOptions } from '../options/rules.ts';
import type { EarlyReaderFor, PskCallbackFor, SniCallbackFor, SocketOptionsFor } from '../options/socket.ts';
import { codedError, toNodeError, validateBuffer, validateInteger, validateString } from '../support/errors.ts';
import { keylogLine } from '../support/keylog.ts';
import { fromBlob, toBlob } from '../support/sessions.ts';
import { DescribedSocket } from './described-socket.ts';
import { deliverEarly, EarlyOffer } from './early-data.ts';
import { Handshake } from './handshake.ts';
import { Intake } from './intake.ts';
import { OnRead } from './onread.ts';
import { isConnecting, linger, newSocket, repeatConnectEvents, writeAll } from './transport.ts';
import { type WriteCallback, Writer } from './writer.ts';

/** Options of `new TLSSocket(socket, options)`. */
export interface TLSSocketOptions extends SocketOptionsFor<TLSSocket> {}

/**
 * Chooses a server's context by the name that the client asks for. The callback takes a `SecureContext`; without one the
 * server's own is used, and an error ends the handshake.
 */
export type SniCallback = SniCallbackFor<TLSSocket>;

/** A client's is given null, and answers key and identity; a server's is given socket and identity. */
export type PskCallback = PskCallbackFor<TLSSocket>;

/** Takes a server's 0-RTT data in place of the 'earlyData' event. */
export type EarlyReader = EarlyReaderFor<TLSSocket>;

type Written = { readonly chunks: readonly Uint8Array[]; readonly callback: WriteCallback };

/**
 * TLS 1.3 over a `net.Socket` or any other Duplex, with the surface of `tls.TLSSocket`. It is a `net.Socket` without a
 * handle: what the base class would do to a handle is done to the transport here.
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
export class TLSSocket extends DescribedSocket {
  readonly isServer: boolean;
  server: unknown;
  _secureEstablished: boolean = false;
  readonly _tlsOptions: TLSSocketOptions;

  protected readonly context: ContextState;
  readonly #onread: OnRead | undefined;
  #handshake: Handshake<TLSSocket> | undefined;
  readonly #check: PeerCheck;
  #pump: Pump | undefined;
  #intake: Intake | undefined;
  #serverName: string | undefined;
  #session: Session | undefined;
  #earlyOffer: EarlyOffer | undefined;
  #earlyTaken = false;
  #controlReleased = false;
  #handshakeTimer: NodeJS.Timeout | undefined;
  /** Bytes of answers that the transport has not taken. */
  #unsent = 0;
  /** The peer's close_notify, or the end that stands for it. */
  #inputOver = false;
  #outputOver = false;
  #lingers = false;
  /** What was written before the handshake was over. */
  #waiting: Written | undefined;
  #waitingEnd: WriteCallback | undefined;
  #writer: Writer | undefined;
  #maxFragment: number | undefined;

  /**
   * @param socket the transport, connected, connecting or not connected yet; none: {@link connect} makes one
   * @throws as `createSecureContext`; ERR_TLS_INVALID_CONTEXT for a `secureContext` that is not ours
   */
  constructor(socket?: Duplex | null, options: TLSSocketOptions = {}) {
    const own = settleSocketOptions(options);
    const { allowHalfOpen, highWaterMark, signal } = own;
    const context = stateOf(own.secureContext || live.createSecureContext(own));
    const streamOptions = {
      allowHalfOpen: Boolean(socket ? socket.allowHalfOpen : allowHalfOpen),
      ...(highWaterMark !== undefined && { highWaterMark }),
    };
    super(streamOptions);
    this._tlsOptions = own;
    this.isServer = Boolean(own.isServer);
    this.server = own.server;
    this.context = context;
    this.#handshake = new Handshake<TLSSocket>(this, context, own);
    this.#check = this.#handshake.check;
    if (!this.isServer) this.#session = fromBlob(own.session);
    this.#onread = !socket && own.onread ? new OnRead(own.onread) : undefined;
    this.on('error', this._tlsError);
    if (own.pauseOnConnect) this.pause();
    if (own.handshakeTimeout !== undefined && own.handshakeTimeout > 0) {
      this.#handshakeTimer = setTimeout(onHandshakeTimeout, own.handshakeTimeout, this).unref();
    }
    if (socket) this.#wrap(socket);
    else this.connecting = true;
    if (signal) addAbortSignal(signal, this);
  }

  /**
   * Server: whether 0-RTT data was taken and the handshake is not over yet (opentls). Until then all that was read may be
   * a replay; from then on the client is there.
   */
  get earlyData(): boolean {
    return this.#earlyTaken && !this._secureEstablished;
  }

  protected get connection(): Connection | undefined {
    return this.#pump?.connection;
  }

  /** Connects a socket of its own, by the arguments of `net.Socket.connect`. */
  override connect(...args: unknown[]): this {
    const listener = args.at(-1);
    const given = typeof listener === 'function' ? args.slice(0, -1) : args;
    if (this.destroyed) return this;
    if (typeof listener === 'function') this.once('connect', listener as () => void);
    if (this.transport instanceof net.Socket) {
      if (!this.transport.connecting) Reflect.apply(this.transport.connect, this.transport, given);
      return this;
    }
    const raw = newSocket(this._tlsOptions);
    repeatConnectEvents(raw, this);
    raw.once('lookup', (_error, _address, _family, host) => {
      this._host = host;
    });
    this.#wrap(raw);
    Reflect.apply(raw.connect, raw, given);
    return this;
  }

  /**
   * The name to ask for. Only before the handshake.
   * @throws ERR_TLS_SNI_FROM_SERVER
   */
  setServername(name: string): void {
    validateString(name, 'name');
    if (this.isServer) throw codedError('ERR_TLS_SNI_FROM_SERVER', 'Cannot issue SNI from a TLS server-side socket');
    this.#serverName = name === '' || net.isIP(name) !== 0 ? undefined : name;
  }

  /** The session to offer. Only before the handshake. */
  override setSession(session: string | NodeJS.ArrayBufferView): void {
    if (typeof session !== 'string') validateBuffer(session, 'session');
    if (!this.isServer) this.#session = fromBlob(session);
  }

  /**
   * Server: asks the client for a certificate after the handshake (opentls). 'authenticated' tells the answer, of which
   * `authorized` and `authorizationError` speak from then on. With `rejectUnauthorized`, one that does not come or is
   * not trusted ends the connection.
   * @throws TlsError ERR_TLS_INVALID_STATE where the client did not say that it can
   */
  requestCertificate(): void {
    if (this.connection === undefined) throw codedError('ERR_TLS_INVALID_STATE', 'there is no connection');
    this.connection.requestCertificate(this.#check.enforces);
    this.#pump?.run();
  }

  /** Inside SNICallback or ALPNCallback: the certificate to show. */
  setKeyCert(context: SecureContext | ConstructorParameters<typeof TLSSocket>[1]): void {
    const chosen = context instanceof SecureContextClass ? context : live.createSecureContext(context);
    if (this.#handshake !== undefined) this.#handshake.context = stateOf(chosen);
  }

  /** Content bytes per record of what is written from here on: 512 to 16384. */
  setMaxSendFragment(size: number): boolean {
    validateInteger(size, 'size', -0x8000_0000, 0x7fff_ffff);
    if (size < 512 || size > 16_384) return false;
    this.#maxFragment = size;
    if (this.#writer !== undefined) this.#writer.fragment = size;
    return true;
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
  override _write(chunk: Buffer | string, encoding: BufferEncoding, callback: WriteCallback): void {
    this.#submit([toBytes(chunk, encoding)], chunk.length, callback);
  }

  /** Called by Node's streams. @internal */
  override _writev(
    chunks: readonly { chunk: Buffer | string; encoding: BufferEncoding }[],
    callback: WriteCallback,
  ): void {
    const bytes = chunks.map(({ chunk, encoding }) => toBytes(chunk, encoding));
    const length = chunks.reduce((sum, { chunk }) => sum + chunk.length, 0);
    this.#submit(bytes, length, callback);
  }

  /** Called by Node's streams. @internal */
  override _final(callback: WriteCallback): void {
    const { connection } = this;
    if (!this._secureEstablished || this.#writer === undefined || connection === undefined) {
      this.#waitingEnd = callback;
      return;
    }
    this.#pump?.afterTasks(() => {
      if (this.destroyed) return;
      connection.closeWrite();
      this.#outputOver = true;
      this.#pump?.run();
      if (this.transport?.writable) this.transport.end(() => callback());
      else callback();
    });
  }

  /** Called by Node's streams. @internal */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#handshakeTimer);
    this.connecting = false;
    this.#pump?.stop();
    this.#pump?.connection.destroy();
    this.#handshake = undefined;
    this.#intake?.stop();
    if (!this.#lingers) this.transport?.destroy();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.callback(codedError('ECANCELED', 'write ECANCELED', { syscall: 'write' }));
    callback(error);
    process.nextTick(emitClose, this, error !== null);
  }

  /** Listens for 'error' until somebody else is to hear of errors. */
  _tlsError(error: Error): Error | null {
    this.emit('_tlsError', error);
    return this.#controlReleased ? error : null;
  }

  /** From here on errors are the owner's. */
  _releaseControl(): boolean {
    if (this.#controlReleased) return false;
    this.#controlReleased = true;
    this.removeListener('error', this._tlsError);
    return true;
  }

  #wrap(transport: Duplex): void {
    this.transport = transport;
    if (transport instanceof net.Socket) {
      this._parent = transport;
      // When the peer has ended, it is for us to say when our side does.
      transport.allowHalfOpen = true;
    }
    transport.on('error', (error: Error) => this.#transportFailed(error));
    transport.on('end', () => this.#intake?.end());
    transport.on('close', () => this.#transportClosed());
    this.connecting = isConnecting(transport);
    if (this.connecting) {
      transport.once('connect', () => {
        if (this.destroyed) return;
        this.connecting = false;
        this.emit('connect');
        this.#begin();
      });
    } else {
      // The caller adds its listeners first.
      process.nextTick(() => this.#begin());
    }
  }

  #begin(): void {
    const transport = this.transport;
    const handshake = this.#handshake;
    if (this.destroyed || transport === undefined || handshake === undefined || this.#pump !== undefined) return;
    const connection = handshake.start(this.#serverName, this.#session);
    if (connection instanceof Error) return void this.destroy(connection);
    this.#pump = new Pump(connection, {
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
      unsent: () => this.#unsent,
      thrown: (error) => process.nextTick(rethrow, error),
    });
    const intake = new Intake(transport, this.#pump);
    this.#intake = intake;
    const { earlyData } = this._tlsOptions;
    if (earlyData !== undefined && !this.isServer) this.#earlyOffer = new EarlyOffer(this, earlyData);
    this.#pump.run();
    if (this.#earlyOffer?.write(connection)) this.#pump.run();
    transport.on('data', (chunk: Uint8Array | string) => {
      if (this.destroyed) return;
      this._unrefTimer();
      intake.take(toBytes(chunk, 'latin1'));
    });
    transport.resume();
    if (transport.readableEnded) intake.end();
  }

  #send(slabs: readonly Uint8Array[]): void {
    if (!this.transport?.writable) return;
    const length = slabs.reduce((sum, slab) => sum + slab.length, 0);
    this.#unsent += length;
    writeAll(this.transport, slabs, () => this.#sent(length));
  }

  /** The transport has taken answers: what waited for that goes on. */
  #sent(length: number): void {
    const pump = this.#pump;
    const wasFull = pump?.full === true;
    this.#unsent -= length;
    if (pump === undefined || this.destroyed) return;
    pump.run();
    if (wasFull) this.#intake?.feed();
  }

  /** A late answer may have let the ClientHello out, or made room for what waits. */
  #answered(connection: Connection): void {
    if (this.#earlyOffer?.write(connection)) this.#pump?.run();
    this.#intake?.feed();
  }

  #readOn(): void {
    if (this.#pump === undefined || this.destroyed || this.#onread?.resume() === false) return;
    this.#pump.resume();
    this.#intake?.feed();
  }

  /** Where both directions are over, what has not been read yet may still be. */
  #transportClosed(): void {
    if (this.destroyed || (this.#intake?.ended === true && this.writableFinished)) return;
    if (this.#intake?.ended === false) this.#intake.end();
    process.nextTick(() => this.destroy());
  }

  /** A peer that resets after both directions were closed does no harm. */
  #transportFailed(error: Error): void {
    if (this.destroyed || (this.#inputOver && this.#outputOver)) return;
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
    this.#startWriting(connection, transport);
    deliverEarly(this, connection, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    return true;
  }

  #startWriting(connection: Connection, transport: Duplex): Writer {
    this.#writer ??= new Writer(connection, transport, () => this._unrefTimer());
    if (this.#maxFragment !== undefined) this.#writer.fragment = this.#maxFragment;
    return this.#writer;
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
    this.#handshake = undefined;
    this._secureEstablished = true;
    if (this._tlsOptions.requestOCSP && !this.isServer && !facts.resumed) {
      this.emit('OCSPResponse', facts.peerOcspResponse === undefined ? null : Buffer.from(facts.peerOcspResponse));
    }
    this.emit('secure');
    this.#earlyOffer?.tell(false);
    // Tickets go before the first answer: a client that has it may leave.
    this.#pump?.afterTasks(() => this.#writeWaiting(connection, transport));
  }

  #writeWaiting(connection: Connection, transport: Duplex): void {
    if (this.destroyed) return;
    const writer = this.#startWriting(connection, transport);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) writer.write(waiting.chunks, waiting.callback);
    if (this.#waitingEnd !== undefined) this._final(this.#waitingEnd);
    this.#waitingEnd = undefined;
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
      // The owner may make an error of the 'end'.
      this.#end();
      process.nextTick(() => this.destroy());
      return;
    }
    const cause = this.#handshake?.applicationError ?? toNodeError(error);
    this.authorizationError = this.#check.code ?? this.authorizationError;
    if (this.authorizationError !== null) this.authorized = false;
    const { transport } = this;
    if (transport !== undefined) {
      // Whoever hears of the error may still ask for the peer's address.
      this.#lingers = true;
      const alertSent = error.alert !== undefined && !isAlertReceived(error);
      if (alertSent) linger(transport);
      else setImmediate(() => transport.destroy());
    }
    this.destroy(cause);
  }

  #submit(chunks: readonly Uint8Array[], length: number, callback: WriteCallback): void {
    this.inFlight = length;
    for (const chunk of chunks) this.taken += chunk.length;
    this._unrefTimer();
    const done: WriteCallback = (error) => {
      this.inFlight = 0;
      callback(error);
    };
    if (this.#writer === undefined) this.#waiting = { chunks, callback: done };
    else this.#writer.write(chunks, done);
  }
}

function onHandshakeTimeout(socket: TLSSocket): void {
  const error = codedError('ERR_TLS_HANDSHAKE_TIMEOUT', 'TLS handshake timeout');
  // A server hears of it while the peer's address is known.
  socket._tlsError(error);
  socket.destroy(error);
}

function emitClose(socket: TLSSocket, hadError: boolean): void {
  socket.emit('close', hadError);
}

function rethrow(error: unknown): never {
  throw error;
}

function toBytes(chunk: Uint8Array | string, encoding: BufferEncoding): Uint8Array {
  return typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
}
