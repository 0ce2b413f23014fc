import type { CryptoProvider } from '../crypto/provider.ts';
import { duration, type Rules, settle } from '../options.ts';
import { SealedBox, type SealedBoxOptions, sealedBoxRules } from './sealed-box.ts';

/** Makes the cookies of HelloRetryRequests, and reads them when they come back (RFC 9846 §4.3.2). */
export interface RetryCookies {
  /**
   * Makes a cookie.
   * @param state which the server need not remember, because the cookie brings it back
   */
  seal(state: Uint8Array): Uint8Array;
  /**
   * Reads a cookie.
   * @returns undefined for bytes that are not a cookie of this server, and for a cookie that is too old
   */
  open(cookie: Uint8Array): Uint8Array | undefined;
}

/** Options of {@link CookieKeys}. */
export interface CookieKeysOptions extends SealedBoxOptions {
  /** Milliseconds for which a cookie is valid. Default 60 seconds. */
  readonly lifetime?: number | undefined;
}

const cookieRules: Rules<CookieKeysOptions> = { ...sealedBoxRules, lifetime: duration };

/**
 * Makes cookies that hold the state and the time, encrypted. Servers that share the keys can read each other's cookies.
 *
 * @example
 * ```js
 * import { createServer } from 'opentls';
 * import { CookieKeys } from 'opentls/core';
 * import { noble } from 'opentls/crypto/noble';
 *
 * const retryCookies = new CookieKeys(noble, { lifetime: 10_000 });
 * const server = createServer({ key, cert, engine: { retryCookies } });
 * console.log(retryCookies.open(retryCookies.seal(new Uint8Array([1, 2])))); // Uint8Array(2) [ 1, 2 ]
 * ```
 */
export class CookieKeys implements RetryCookies {
  readonly #box: SealedBox;
  readonly #lifetime: number;
  readonly #now: () => number;

  /** @throws TlsError ERR_TLS_CONFIG for an option that is not what it must be, such as keys that are not 48 bytes long */
  constructor(provider: CryptoProvider, options: CookieKeysOptions = {}) {
    const settled = settle<CookieKeysOptions>(options, cookieRules, 'options');
    const { context = cookieContext, lifetime = 60_000, now = Date.now, ...box } = settled;
    this.#box = new SealedBox(provider, { ...box, context, now });
    this.#lifetime = lifetime;
    this.#now = now;
  }

  /** Makes a cookie of the state and the time. */
  seal(state: Uint8Array): Uint8Array {
    const plain = new Uint8Array(TIME + state.length);
    new DataView(plain.buffer).setFloat64(0, this.#now());
    plain.set(state, TIME);
    return this.#box.seal(plain);
  }

  /**
   * Reads a cookie.
   * @returns the state; undefined for a cookie of other keys, or one that is too old
   */
  open(cookie: Uint8Array): Uint8Array | undefined {
    const plain = this.#box.open(cookie);
    if (plain === undefined || plain.length < TIME) return undefined;
    const age = this.#now() - new DataView(plain.buffer).getFloat64(0);
    return Math.abs(age) <= this.#lifetime ? plain.subarray(TIME) : undefined;
  }
}

/** A cookie begins with its time: bytes. */
const TIME = 8;
/** Separates cookies from tickets that the same keys seal. */
const cookieContext: Uint8Array = new Uint8Array([0x63, 0x6f, 0x6f, 0x6b, 0x69, 0x65]);
