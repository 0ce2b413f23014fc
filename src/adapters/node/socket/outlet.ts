import type { Duplex } from 'node:stream';
import { Chunks } from '../../../bytes/chunks.ts';
import type { Connection } from '../../../connection/connection.ts';
import { ALIGNED_FRAGMENT } from '../../../record/sealer.ts';
import { codedError } from '../support/errors.ts';
import { writeAll } from './transport.ts';

export type WriteCallback = (error?: Error | null) => void;

/** The engine that seals, and the transport that takes what it has sealed. */
interface Way {
  readonly connection: Connection;
  readonly transport: Duplex;
}

/**
 * Brings what the application writes through the engine to a transport, no more of it at a time than leaves the event loop
 * free for others. What is written before the engine takes application data waits here. The twin of `Inlet`.
 */
export class Outlet {
  readonly #progress: () => void;
  #way: Way | undefined;
  #waiting: { readonly chunks: Chunks; readonly callback: WriteCallback } | undefined;
  /** Bytes that the engine sent by itself, and the transport has not taken. */
  #unsent = 0;
  /** Content bytes per record. */
  fragment: number = ALIGNED_FRAGMENT;

  /** @param progress called whenever the transport has taken bytes that the application wrote */
  constructor(progress: () => void) {
    this.#progress = progress;
  }

  /** Whether what is written goes out at once. */
  get open(): boolean {
    return this.#way !== undefined;
  }

  /** Bytes that the engine sent by itself (answers, alerts, tickets), and the transport has not taken. */
  get unsent(): number {
    return this.#unsent;
  }

  /** Sends what the engine has to say by itself. @param sent called once the transport has taken it */
  send(transport: Duplex, slabs: readonly Uint8Array[], sent: () => void): void {
    if (!transport.writable) return;
    const length = slabs.reduce((sum, slab) => sum + slab.length, 0);
    this.#unsent += length;
    writeAll(transport, slabs, () => {
      this.#unsent -= length;
      sent();
    });
  }

  /** The engine takes application data: writes what comes from here on. What waits goes on waiting for {@link flush}. */
  begin(connection: Connection, transport: Duplex): void {
    this.#way ??= { connection, transport };
  }

  /** Writes what waits. */
  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined && this.#way !== undefined) this.#turn(this.#way, waiting.chunks, waiting.callback);
  }

  /** @param callback called once the transport has taken all of it, or with the error that prevents that */
  write(chunks: readonly Uint8Array[], callback: WriteCallback): void {
    if (this.#way === undefined) this.#waiting = { chunks: new Chunks(chunks), callback };
    else this.#turn(this.#way, new Chunks(chunks), callback);
  }

  /** Answers what waits with an error: it will not be written. */
  cancel(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.callback(error);
  }

  #turn(way: Way, left: Chunks, callback: WriteCallback): void {
    const { connection, transport } = way;
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
      else setImmediate(() => this.#turn(way, left, callback));
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
