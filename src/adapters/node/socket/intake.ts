import type { Duplex } from 'node:stream';
import type { Pump } from '../../pump.ts';

/** Ciphertext on its way from a transport into the engine: no more than there is room for, the rest stays where it is. */
export class Intake {
  readonly #transport: Duplex;
  readonly #pump: Pump;
  /** What there was no room for. */
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

  take(chunk: Uint8Array): void {
    this.#held = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    this.feed();
  }

  /** The transport brings nothing more; the engine hears of that behind what is held. */
  end(): void {
    this.#ended = true;
    this.feed();
  }

  /** As much as there is room for; stops the transport where something is left. Call when there may be more room. */
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

  /** Nothing is taken any more. */
  stop(): void {
    this.#stopped = true;
    this.#held = undefined;
  }
}
