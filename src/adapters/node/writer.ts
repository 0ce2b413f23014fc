import type { Duplex } from 'node:stream';
import type { Connection } from '../../connection.ts';
import { ALIGNED_FRAGMENT, RECORDS_PER_TURN } from '../../record/sealer.ts';
import { codedError } from './errors.ts';
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
    if (!this.#connection.writable || !this.#transport.writable) {
      process.nextTick(callback, codedError('EPIPE', 'write EPIPE', { syscall: 'write' }));
      return;
    }
    const [batch, rest] = splitAt(chunks, RECORDS_PER_TURN * this.fragment);
    this.#seal(batch);
    const slabs = this.#connection.takeOutput();
    if (slabs.length === 0) {
      process.nextTick(callback);
      return;
    }
    writeAll(this.#transport, slabs, (error) => {
      this.#progress();
      if (error || rest.length === 0) callback(error);
      else setImmediate(() => this.write(rest, callback));
    });
  }

  #seal(chunks: readonly Uint8Array[]): void {
    if (this.fragment === ALIGNED_FRAGMENT) {
      this.#connection.write(chunks);
      return;
    }
    for (let left = chunks; left.length > 0; ) {
      const [piece, rest] = splitAt(left, this.fragment);
      this.#connection.write(piece);
      left = rest;
    }
  }
}

/** The first `length` bytes, and the others. */
function splitAt(chunks: readonly Uint8Array[], length: number): readonly [Uint8Array[], Uint8Array[]] {
  const head: Uint8Array[] = [];
  const tail: Uint8Array[] = [];
  let left = length;
  for (const chunk of chunks) {
    const taken = Math.min(left, chunk.length);
    if (taken > 0) head.push(chunk.subarray(0, taken));
    if (taken < chunk.length) tail.push(chunk.subarray(taken));
    left -= taken;
  }
  return [head, tail];
}
