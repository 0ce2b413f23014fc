import type { OnReadOptions } from '../options/socket.ts';

/** Copies plaintext into the application's buffer, piece by piece (the `onread` option). */
export class OnRead {
  readonly #options: OnReadOptions;
  #rest: Uint8Array | undefined;

  constructor(options: OnReadOptions) {
    this.#options = options;
  }

  /** @returns false where the callback asked for a pause; {@link resume} delivers the rest */
  deliver(bytes: Uint8Array): boolean {
    const { buffer, callback } = this.#options;
    for (let offset = 0; offset < bytes.length; ) {
      const target = typeof buffer === 'function' ? buffer() : buffer;
      const piece = bytes.subarray(offset, offset + target.length);
      target.set(piece);
      offset += piece.length;
      if (callback(piece.length, target) !== false) continue;
      this.#rest = bytes.subarray(offset);
      return false;
    }
    return true;
  }

  /** @returns false where the callback asked for a pause again */
  resume(): boolean {
    const rest = this.#rest;
    this.#rest = undefined;
    return rest === undefined || this.deliver(rest);
  }
}
