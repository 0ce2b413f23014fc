import { toHex } from '../bytes/hex.ts';
import type { Awaitable } from '../crypto/provider.ts';
import { integer, settle, wrong } from '../options.ts';
import { Spans } from './spans.ts';

/** Lets a server accept the 0-RTT data of a ClientHello once only (RFC 9846 §8). */
export interface ReplayGuard {
  /**
   * Decides on the 0-RTT data of one ClientHello.
   * @param id unique to one ClientHello: its PSK binder
   * @param now milliseconds since 1970
   * @param window milliseconds for which the guard has to remember the ClientHello: later, its ticket age is wrong
   * @returns true where the guard has not seen the ClientHello before. For any other answer, for an error, and where the
   *   guard does not answer in time (`guardTimeout` of the policy), the server refuses the data and goes on
   */
  admit(id: Uint8Array, now: number, window: number): Awaitable<boolean>;
}

/** A guard that admits data only while the application reads 0-RTT data. */
export function whereRead(guard: ReplayGuard, isRead: () => boolean): ReplayGuard {
  return { admit: (id, now, window) => isRead() && guard.admit(id, now, window) };
}

/** Options of {@link StrikeRegister}. */
export interface StrikeRegisterOptions {
  /** Entries at most; a full register admits nothing. Default 65,536. */
  readonly capacity?: number;
}

/**
 * Remembers each ClientHello that brought 0-RTT data for as long as its ticket age would be right (RFC 9846 §8.2, §8.3).
 * It is in memory, for one server process. It admits nothing at a time whose entries it has dropped.
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
  /** When each ClientHello came, milliseconds since 1970. */
  readonly #seen = new Map<string, number>();
  /** The latest time in {@link #seen}. */
  #latest = Number.NEGATIVE_INFINITY;
  /** Times of the ClientHellos that the register has dropped. */
  readonly #forgotten = new Spans(MOST_SPANS);
  /** The longest window so far. */
  #window = 0;

  /**
   * @param knowsSince milliseconds since 1970. After a restart of the server, an attacker may replay 0-RTT data of the
   *   time before, so the register admits nothing until a window has passed since `knowsSince` (RFC 9846 §8.2). Default:
   *   when the register was made. `-Infinity` says that no server took 0-RTT data before: the ticket keys are new
   * @throws TlsError ERR_TLS_CONFIG for a value that is not a number: a comparison with it would refuse nothing
   */
  constructor(options: StrikeRegisterOptions = {}, knowsSince?: number) {
    this.#capacity = settle<StrikeRegisterOptions>(options, { capacity: integer(0) }, 'options').capacity ?? 0x1_0000;
    if (knowsSince === undefined) return;
    if (typeof knowsSince !== 'number' || Number.isNaN(knowsSince)) wrong('knowsSince', 'a time', knowsSince);
    this.#start(knowsSince);
  }

  admit(id: Uint8Array, now: number, window: number): boolean {
    // With such a time or window, the register cannot recognise a replay.
    if (!Number.isFinite(now) || !(window >= 0 && window < Number.POSITIVE_INFINITY)) return false;
    // `now` may come from another clock than the system's.
    if (!this.#started) this.#start(now - Math.max(0, Date.now() - this.#made));
    this.#window = Math.max(this.#window, window);
    this.#forget(now);
    if (this.#seen.size >= this.#capacity && this.#latest > now + this.#window) this.#makeRoom(now);
    if (this.#forgotten.overlaps(now - window, now + window)) return false;
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

  /** Drops the entries that are older than the window. A Map keeps the oldest first. */
  #forget(now: number): void {
    for (const [key, time] of this.#seen) {
      if (now - time <= this.#window) return;
      this.#drop(key, time);
    }
  }

  /** Drops entries from the future: the clock was ahead and was set back, and they would fill the register until then. */
  #makeRoom(now: number): void {
    for (const [key, time] of this.#seen) if (Math.abs(now - time) > this.#window) this.#drop(key, time);
    this.#latest = now;
  }

  /** Drops an entry, and remembers its time: should the clock read that time again, a replay must not look new. */
  #drop(key: string, time: number): void {
    this.#seen.delete(key);
    this.#forgotten.add(time, time);
  }
}

/** A clock leaves more than one span only when it is set back several times. */
const MOST_SPANS = 8;
