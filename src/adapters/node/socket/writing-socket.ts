import type { Duplex } from 'node:stream';
import type { Connection } from '../../../connection/connection.ts';
import type { Pump } from '../../pump.ts';
import { validateInteger } from '../support/errors.ts';
import { DescribedSocket } from './described-socket.ts';
import { Outlet, type WriteCallback } from './outlet.ts';

/** The half of a TLS socket that the application writes: from `write()` and `end()` to the outlet. */
export abstract class WritingSocket extends DescribedSocket {
  _secureEstablished: boolean = false;

  /** Undefined until the handshake begins. */
  protected pump: Pump | undefined;
  protected readonly outlet: Outlet = new Outlet(() => this._unrefTimer());
  /** Whether this side has ended its direction. */
  protected outputOver: boolean = false;
  /** The callback of an `end()` that waits for the handshake. */
  #waitingEnd: WriteCallback | undefined;

  /** Whether the handshake begins with the transport. A client over a given transport waits for {@link _start}. */
  protected started: boolean = false;

  /** Begins the handshake of a client, as its first write does: `connect()` calls it, and programs that use STARTTLS. */
  _start(): void {
    if (this.started) return;
    this.started = true;
    // The caller adds its listeners first.
    if (!this.connecting) process.nextTick(() => this.begin());
  }

  protected get connection(): Connection | undefined {
    return this.pump?.connection;
  }

  /** Sets the content bytes per record for data written from here on: 512 to 16384. */
  setMaxSendFragment(size: number): boolean {
    validateInteger(size, 'size', -0x8000_0000, 0x7fff_ffff);
    if (size < 512 || size > 16_384) return false;
    this.outlet.fragment = size;
    return true;
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
    this._start();
    if (!this._secureEstablished || !this.outlet.open || connection === undefined) {
      this.#waitingEnd = callback;
      return;
    }
    this.pump?.afterTasks(() => {
      if (this.destroyed) return;
      connection.closeWrite();
      this.outputOver = true;
      this.pump?.run();
      this.endTransport(callback);
    });
  }

  /** Writes what the application has written during the handshake, and ends where it has ended. */
  protected writeWaiting(connection: Connection, transport: Duplex): void {
    if (this.destroyed) return;
    this.outlet.begin(connection, transport);
    this.outlet.flush();
    if (this.#waitingEnd !== undefined) this._final(this.#waitingEnd);
    this.#waitingEnd = undefined;
  }

  #submit(chunks: readonly Uint8Array[], length: number, callback: WriteCallback): void {
    this.inFlight = length;
    for (const chunk of chunks) this.taken += chunk.length;
    this._unrefTimer();
    this._start();
    this.outlet.write(chunks, (error) => {
      this.inFlight = 0;
      if (!error || this.closeNotify !== true) return callback(error);
      this.once('close', () => callback(error));
      return this.closeAfterReading();
    });
  }

  /**
   * The peer has closed the connection and takes nothing more, which is no fault after its close_notify: the application
   * reads what came. Writes fail, the socket does not.
   */
  protected closeAfterReading(): void {
    if (this.readableEnded) this.destroy();
    else this.once('end', () => this.destroy());
  }
}

/** The bytes of a chunk of a stream. */
export function toBytes(chunk: Uint8Array | string, encoding: BufferEncoding): Uint8Array {
  return typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
}
