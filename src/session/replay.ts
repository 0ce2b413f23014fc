import { toHex } from '../bytes/hex.ts';
import type { Awaitable } from '../crypto/provider.ts';

/** Keeps 0-RTT data from being taken twice (RFC 9846 §8). */
export interface ReplayGuard {
  /**
   * @param id unique to one ClientHello: its PSK binder
   * @param now milliseconds since 1970
   * @returns false where it was seen before, or cannot be told: the data is refused, the handshake goes on
   */
  admit(id: Uint8Array, now: number): Awaitable<boolean>;
}

export interface StrikeRegisterOptions {
  /** Milliseconds for which a ClientHello is remembered: twice what its age may be wrong by. Default 20 seconds. */
  readonly window?: number;
  /** Entries at most; a full register refuses. Default 65,536. */
  readonly capacity?: number;
}

/**
 * Remembers each ClientHello that brought 0-RTT data for as long as its age would still pass (RFC 9846 §8.2, §8.3).
 * In memory: for one server process.
 */
export class StrikeRegister implements ReplayGuard {
  readonly #window: number;
  readonly #capacity: number;
  readonly #seen = new Map<string, number>();
  /** Milliseconds since 1970: nothing older is remembered, so nothing of then is admitted. */
  #openFrom: number;

  /** @param knowsSince milliseconds since 1970: when a server starts again, ClientHellos of the time before may come back */
  constructor(options: StrikeRegisterOptions = {}, knowsSince = 0) {
    this.#window = options.window ?? 20_000;
    this.#capacity = options.capacity ?? 0x1_0000;
    this.#openFrom = knowsSince + this.#window;
  }

  admit(id: Uint8Array, now: number): boolean {
    if (now < this.#openFrom) return false;
    this.#forget(now);
    const key = toHex(id);
    if (this.#seen.has(key) || this.#seen.size >= this.#capacity) return false;
    this.#seen.set(key, now);
    return true;
  }

  /** The oldest come first. */
  #forget(now: number): void {
    for (const [key, time] of this.#seen) {
      if (now - time <= this.#window) return;
      this.#seen.delete(key);
      // Should the clock go back, what was forgotten must not be new again.
      this.#openFrom = Math.max(this.#openFrom, time + this.#window + 1);
    }
  }
}
