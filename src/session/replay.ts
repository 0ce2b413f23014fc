import { toHex } from '../bytes/hex.ts';
import type { Awaitable } from '../crypto/provider.ts';
import { integer, settle, wrong } from '../options.ts';
import { Spans } from './spans.ts';

/** Keeps 0-RTT data from being taken twice (RFC 9846 §8). */
export interface ReplayGuard {
  /**
   * Decides on the 0-RTT data of one ClientHello.
   * @param id unique to one ClientHello: its PSK binder
   * @param now milliseconds since 1970
   * @param window milliseconds for which it has to be remembered: at any time further from now, its age does not pass
   * @returns true where it was not seen before. Anything else where it was, or that cannot be told: the data is refused,
   *   the handshake goes on. So too where it throws, or does not answer in time (`guardTimeout` of the policy)
   */
  admit(id: Uint8Array, now: number, window: number): Awaitable<boolean>;
}

/** A guard that admits nothing but where somebody reads what was admitted. */
export function whereRead(guard: ReplayGuard, isRead: () => boolean): ReplayGuard {
  return { admit: (id, now, window) => isRead() && guard.admit(id, now, window) };
}

/** Options of {@link StrikeRegister}. */
export interface StrikeRegisterOptions {
  /** Entries at most; a full register refuses. Default 65,536. */
  readonly capacity?: number;
}

/**
 * Remembers each ClientHello that brought 0-RTT data for as long as its age would still pass (RFC 9846 §8.2, §8.3).
 * In memory: for one server process. Where the clock reads a time from which something may be forgotten, it refuses.
 *
 * @example
 * ```js
 * import { StrikeRegister } from 'opentls/core';
 * import { noble } from 'opentls/crypto/noble';
 *
 * // The ticket keys are new, so that nothing was taken before. Else leave out the second argument.
 * const replay = new StrikeRegister({ capacity: 10_000 }, Number.NEGATIVE_INFINITY);
 * const id = noble.random(32);
 * console.log(replay.admit(id, Date.now(), 20_000)); // true
 * console.log(replay.admit(id, Date.now(), 20_000)); // false
 * ```
 */
export class StrikeRegister implements ReplayGuard {
  readonly #capacity: number;
  readonly #made: number = Date.now();
  #started = false;
  /** When each came, milliseconds since 1970. */
  readonly #seen = new Map<string, number>();
  /** The latest of {@link #seen}. */
  #latest = Number.NEGATIVE_INFINITY;
  /** Times at which ClientHellos came that are not remembered. */
  readonly #forgotten = new Spans(MOST_SPANS);
  /** The longest that was asked for. */
  #window = 0;

  /**
   * @param knowsSince milliseconds since 1970. A server that starts again may be sent what it took before, so that
   *   nothing is admitted until a window has passed since (RFC 9846 §8.2). Default: when the register was made.
   *   `-Infinity` says that nothing was taken before: the ticket keys are new
   * @throws TlsError ERR_TLS_CONFIG for what is no number: a comparison with it would refuse nothing
   */
  constructor(options: StrikeRegisterOptions = {}, knowsSince?: number) {
    this.#capacity = settle<StrikeRegisterOptions>(options, { capacity: integer(0) }, 'options').capacity ?? 0x1_0000;
    if (knowsSince === undefined) return;
    if (typeof knowsSince !== 'number' || Number.isNaN(knowsSince)) wrong('knowsSince', 'a time', knowsSince);
    this.#start(knowsSince);
  }

  admit(id: Uint8Array, now: number, window: number): boolean {
    // What cannot be reckoned with cannot be told.
    if (!Number.isFinite(now) || !(window >= 0 && window < Number.POSITIVE_INFINITY)) return false;
    // By the clock that is told, which need not be the system's.
    if (!this.#started) this.#start(now - Math.max(0, Date.now() - this.#made));
    this.#window = Math.max(this.#window, window);
    this.#forget(now);
    if (this.#seen.size >= this.#capacity && this.#latest > now + this.#window) this.#makeRoom(now);
    if (this.#forgotten.touch(now - window, now + window)) return false;
    const key = toHex(id);
    if (this.#seen.has(key) || this.#seen.size >= this.#capacity) return false;
    this.#seen.set(key, now);
    this.#latest = Math.max(this.#latest, now);
    return true;
  }

  #start(knowsSince: number): void {
    this.#started = true;
    this.#forgotten.add(Number.NEGATIVE_INFINITY, knowsSince);
  }

  /** The oldest come first. */
  #forget(now: number): void {
    for (const [key, time] of this.#seen) {
      if (now - time <= this.#window) return;
      this.#drop(key, time);
    }
  }

  /** The clock was ahead and was set right: what came then would fill the register until it is there again. */
  #makeRoom(now: number): void {
    for (const [key, time] of this.#seen) if (Math.abs(now - time) > this.#window) this.#drop(key, time);
    this.#latest = now;
  }

  /** Should the clock read that time again, what was forgotten must not be new. */
  #drop(key: string, time: number): void {
    this.#seen.delete(key);
    this.#forgotten.add(time, time);
  }
}

/** Of a clock that is set back, and forward again, more than once. */
const MOST_SPANS = 8;
