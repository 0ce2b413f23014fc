import type { Duplex } from 'node:stream';
import type { Pump } from '../../pump.ts';

/**
 * Brings ciphertext from a transport into the engine. The inlet holds what the engine has no room for, and pauses the
 * transport. The twin of `Outlet`.
 */
export class Inlet {
  readonly #transport: Duplex;
  readonly #pump: Pump;
  /** Ciphertext that the engine had no room for. */
  #held: Uint8Array | undefined;
  #ended = false;
  #stopped = false;

  constructor(transport: Duplex, pump: Pump) {
    this.#transport = transport;
    this.#pump = pump;
  }

  /** Whether the transport has ended. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Takes a chunk that the transport has brought. */
  take(chunk: Uint8Array): void {
    this.#held = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    this.feed();
  }

  /** Notes that the transport has ended, and tells the engine once it has taken all that is held. */
  end(): void {
    this.#ended = true;
    this.feed();
  }

  /**
   * Gives the engine as much as it has room for, and pauses the transport where something is left. The socket calls this
   * when the engine may have more room.
   */
  feed(): void {
    const pump = this.#pump;
    while (this.#held !== undefined && !this.#stopped && !pump.stalled && !pump.full) {
      const { inputRoom } = pump.connection;
      if (inputRoom === 0) break;
      const piece = this.#held.subarray(0, inputRoom);
      this.#held = piece.length < this.#held.length ? this.#held.subarray(piece.length) : undefined;
      pump.connection.receive(piece);
      pump.run();
    }
    if (this.#stopped) return;
    const all = this.#held === undefined && !pump.stalled && !pump.full;
    if (all && this.#ended) {
      pump.connection.receiveEnd();
      pump.run();
    } else if (all) {
      if (this.#transport.isPaused()) this.#transport.resume();
    } else if (!this.#ended) {
      this.#transport.pause();
    }
  }

  /** Drops what is held, and takes nothing more. */
  stop(): void {
    this.#stopped = true;
    this.#held = undefined;
  }
}
