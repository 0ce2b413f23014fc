import type { Duplex } from 'node:stream';
import { Chunks } from '../../../bytes/chunks.ts';
import type { Connection } from '../../../connection/connection.ts';
import { ALIGNED_FRAGMENT } from '../../../record/sealer.ts';
import { codedError } from '../support/errors.ts';
import { writeAll } from './transport.ts';

export type WriteCallback = (error?: Error | null) => void;

/** Seals what is written, no more of it at a time than leaves the event loop free for others. */
export class Writer {
  readonly #connection: Connection;
  readonly #transport: Duplex;
  readonly #progress: () => void;
  /** Content bytes per record. */
  fragment: number = ALIGNED_FRAGMENT;

  /** @param progress called whenever the transport has taken bytes */
  constructor(connection: Connection, transport: Duplex, progress: () => void) {
    this.#connection = connection;
    this.#transport = transport;
    this.#progress = progress;
  }

  /** @param callback once the transport has taken all of it */
  write(chunks: readonly Uint8Array[], callback: WriteCallback): void {
    this.#turn(new Chunks(chunks), callback);
  }

  #turn(left: Chunks, callback: WriteCallback): void {
    if (!this.#connection.writable || !this.#transport.writable) {
      process.nextTick(callback, codedError('EPIPE', 'write EPIPE', { syscall: 'write' }));
      return;
    }
    this.#seal(left);
    const slabs = this.#connection.takeOutput();
    if (slabs.length === 0) {
      process.nextTick(callback);
      return;
    }
    writeAll(this.#transport, slabs, (error) => {
      this.#progress();
      if (error || left.length === 0) callback(error);
      else setImmediate(() => this.#turn(left, callback));
    });
  }

  #seal(left: Chunks): void {
    const { fragment } = this;
    const most = this.#connection.bytesPerTurn(fragment);
    if (fragment === ALIGNED_FRAGMENT) {
      this.#connection.write(left.take(most));
      return;
    }
    for (let sealed = 0; sealed < most && left.length > 0 && this.#connection.writable; sealed += fragment) {
      this.#connection.write(left.take(Math.min(fragment, most - sealed)));
    }
  }
}
