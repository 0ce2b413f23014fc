import net from 'node:net';
import type { Duplex } from 'node:stream';

/** A `net.Socket` without a handle: what the base class would ask its handle is asked of the transport. */
export abstract class TransportSocket extends net.Socket {
  declare connecting: boolean;
  declare _parent: net.Socket | null;
  declare _host: string | null;
  /** Of net.Socket: starts its idle timer again. */
  declare _unrefTimer: () => void;

  /** Undefined until there is one. */
  protected transport: Duplex | undefined;
  /** Plaintext, bytes. */
  protected received: number = 0;
  protected taken: number = 0;
  /** Of the write under way, as the stream counts it. */
  protected inFlight: number = 0;

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
    // The base class stops its idle timer where it closes its handle: here there is none.
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
