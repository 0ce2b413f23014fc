import net from 'node:net';
import type { Duplex } from 'node:stream';
import { invalidArgType } from '../support/errors.ts';
import { isConnecting, type NewSocketOptions, newSocket, repeatConnectEvents, takeOver } from './transport.ts';

/**
 * A `net.Socket` that uses another stream, the transport, where the base class would use a native handle. It calls the
 * subclass when the transport is connected, ends, fails and closes.
 */
export abstract class TransportSocket extends net.Socket {
  declare connecting: boolean;
  declare _parent: net.Socket | null;
  declare _host: string | null;
  /** A method of net.Socket: starts its idle timer again. */
  declare _unrefTimer: () => void;

  /** Options of the socket that {@link connect} makes. */
  abstract readonly _tlsOptions: NewSocketOptions;
  protected transport: Duplex | undefined;
  /** Whether the transport has no state in which one direction has ended: its peer would end the other. */
  #endsBothWays = false;
  /** Bytes of application data that the peer has sent. */
  protected received: number = 0;
  /** Bytes of application data that `_write` was given. */
  protected taken: number = 0;
  /** Length of the write under way, as `writableLength` counts it. */
  protected inFlight: number = 0;

  /** Called once the transport is connected. */
  protected abstract begin(): void;
  /** Called when the transport brings no more bytes. */
  protected abstract transportEnded(): void;
  protected abstract transportFailed(error: Error): void;
  protected abstract transportClosed(): void;

  /** Connects the transport, or a new `net.Socket` where there is none. Takes the arguments of `net.Socket.connect`. */
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
    this.useTransport(raw);
    Reflect.apply(raw.connect, raw, given);
    return this;
  }

  /** Takes the transport. @param transport connected, connecting or not connected yet */
  protected useTransport(transport: Duplex): void {
    if (typeof transport.on !== 'function') throw invalidArgType('socket', 'an instance of Duplex', transport);
    this.transport = transport;
    this.#endsBothWays = !(transport instanceof net.Socket) && !transport.allowHalfOpen;
    // The transport must not end when the peer's direction does: TLS decides when this side ends.
    transport.allowHalfOpen = true;
    if (transport instanceof net.Socket) {
      this._parent = transport;
      takeOver(transport);
    }
    transport.on('error', (error: Error) => this.transportFailed(error));
    transport.on('end', () => this.transportEnded());
    transport.on('close', () => this.transportClosed());
    this.connecting = isConnecting(transport);
    if (this.connecting) {
      transport.once('connect', () => {
        if (this.destroyed) return;
        this.connecting = false;
        this.emit('connect');
        this.begin();
      });
    } else {
      // In the next tick, so that the caller can add its listeners first.
      process.nextTick(() => this.begin());
    }
  }

  /** Ends this side's direction of the transport, once that leaves the peer's direction as it is. */
  protected endTransport(done: () => void): void {
    const { transport } = this;
    if (!transport?.writable) return done();
    if (!this.#endsBothWays || this.readableEnded) {
      // A failure is an event of the transport.
      transport.end(() => done());
      return;
    }
    this.once('end', () => void transport.end());
    return done();
  }

  override ref(): this {
    if (this.transport === undefined) this.once('connect', this.ref);
    else this.#socket?.ref();
    return this;
  }

  override unref(): this {
    if (this.transport === undefined) this.once('connect', this.unref);
    else this.#socket?.unref();
    return this;
  }

  override setNoDelay(noDelay?: boolean): this {
    if (this.transport === undefined) this.once('connect', () => this.setNoDelay(noDelay));
    else this.#socket?.setNoDelay(noDelay);
    return this;
  }

  override setKeepAlive(enable?: boolean, initialDelay?: number): this {
    if (this.transport === undefined) this.once('connect', () => this.setKeepAlive(enable, initialDelay));
    else this.#socket?.setKeepAlive(enable, initialDelay);
    return this;
  }

  override address(): net.AddressInfo | Record<string, never> {
    return this.#socket?.address() ?? {};
  }

  override resetAndDestroy(): this {
    if (!this.destroyed) this.#socket?.resetAndDestroy();
    return this.destroy();
  }

  override destroy(error?: Error): this {
    // The base class stops its idle timer when it closes its handle, which this socket does not have.
    if (!this.destroyed) this.setTimeout(0);
    return super.destroy(error);
  }

  get #socket(): net.Socket | undefined {
    return this.transport instanceof net.Socket ? this.transport : undefined;
  }

  static {
    const getters: { [K in keyof net.Socket]?: (socket: TransportSocket) => unknown } = {
      remoteAddress: (socket) => socket.#socket?.remoteAddress,
      remoteFamily: (socket) => socket.#socket?.remoteFamily,
      remotePort: (socket) => socket.#socket?.remotePort,
      localAddress: (socket) => socket.#socket?.localAddress,
      localPort: (socket) => socket.#socket?.localPort,
      localFamily: (socket) => socket.#socket?.localFamily,
      autoSelectFamilyAttemptedAddresses: (socket) => socket.#socket?.autoSelectFamilyAttemptedAddresses,
      pending: (socket) => socket.connecting || socket.destroyed || socket.transport === undefined,
      bufferSize: (socket) => (socket.destroyed ? undefined : socket.writableLength),
      bytesRead: (socket) => socket.received,
      bytesWritten: (socket) => socket.taken + socket.writableLength - socket.inFlight,
    };
    // The base class has getters of these names, which its type declares as fields.
    for (const [name, get] of Object.entries(getters)) {
      Object.defineProperty(TransportSocket.prototype, name, {
        configurable: true,
        enumerable: true,
        get(this: TransportSocket) {
          return get(this);
        },
      });
    }
  }
}
