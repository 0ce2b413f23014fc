import type { Duplex } from 'node:stream';
import { Chunks } from '../../../bytes/chunks.ts';
import type { Connection } from '../../../connection/connection.ts';
import { ALIGNED_FRAGMENT } from '../../../record/sealer.ts';
import { codedError } from '../support/errors.ts';
import { writeAll } from './transport.ts';

export type WriteCallback = (error?: Error | null) => void;

/** The engine that makes records, and the transport that takes them. */
interface Route {
  readonly connection: Connection;
  readonly transport: Duplex;
}

/**
 * Brings the application's data through the engine to a transport, in pieces small enough that the event loop stays free for
 * others. The outlet holds data that the application writes before the engine takes any. The twin of `Inlet`.
 */
export class Outlet {
  readonly #progress: () => void;
  #route: Route | undefined;
  #waiting: { readonly chunks: Chunks; readonly callback: WriteCallback } | undefined;
  #unsent = 0;
  /** Content bytes per record. */
  fragment: number = ALIGNED_FRAGMENT;

  /** @param progress called whenever the transport has taken bytes of the application's data */
  constructor(progress: () => void) {
    this.#progress = progress;
  }

  /** Whether the engine takes application data. */
  get open(): boolean {
    return this.#route !== undefined;
  }

  /** Bytes of handshake messages, alerts and tickets that the transport has not taken. */
  get unsent(): number {
    return this.#unsent;
  }

  /** Sends output that is no application data. @param sent called once the transport has taken it */
  send(transport: Duplex, slabs: readonly Uint8Array[], sent: () => void): void {
    if (!transport.writable) return;
    const length = slabs.reduce((sum, slab) => sum + slab.length, 0);
    this.#unsent += length;
    writeAll(transport, slabs, () => {
      this.#unsent -= length;
      sent();
    });
  }

  /** Begins to write: the engine takes application data now. {@link flush} writes the data that is held. */
  begin(connection: Connection, transport: Duplex): void {
    this.#route ??= { connection, transport };
  }

  /** Writes the data that is held. */
  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined && this.#route !== undefined) this.#turn(this.#route, waiting.chunks, waiting.callback);
  }

  /** @param callback called once the transport has taken all of `chunks`, or with the error that prevents it */
  write(chunks: readonly Uint8Array[], callback: WriteCallback): void {
    if (this.#route === undefined) this.#waiting = { chunks: new Chunks(chunks), callback };
    else this.#turn(this.#route, new Chunks(chunks), callback);
  }

  /** Drops the data that is held, and calls back with the error. */
  cancel(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.callback(error);
  }

  #turn(route: Route, left: Chunks, callback: WriteCallback): void {
    const { connection, transport } = route;
    if (!connection.writable || !transport.writable) {
      process.nextTick(callback, codedError('EPIPE', 'write EPIPE', { syscall: 'write' }));
      return;
    }
    this.#seal(connection, left);
    const slabs = connection.takeOutput();
    if (slabs.length === 0) {
      process.nextTick(callback);
      return;
    }
    writeAll(transport, slabs, (error) => {
      this.#progress();
      if (error || left.length === 0) callback(error);
      else setImmediate(() => this.#turn(route, left, callback));
    });
  }

  #seal(connection: Connection, left: Chunks): void {
    const { fragment } = this;
    const most = connection.bytesPerTurn(fragment);
    if (fragment === ALIGNED_FRAGMENT) {
      connection.write(left.take(most));
      return;
    }
    for (let sealed = 0; sealed < most && left.length > 0 && connection.writable; sealed += fragment) {
      connection.write(left.take(Math.min(fragment, most - sealed)));
    }
  }
}
