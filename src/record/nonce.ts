import { ownFault } from '../errors.ts';

const LOW = 0x1_0000_0000;

/**
 * The per-record nonce of RFC 9846 §5.3: the IV, exclusive-or the 64-bit record sequence number. The number is kept
 * as a safe integer: it is refused at 2^53 - 1, long after every key limit.
 */
export class NonceSequence {
  readonly #iv: Uint8Array;
  readonly #nonce: Uint8Array;
  #next: number;

  /** @param iv at least 8 bytes; kept. @param first for tests of the wrap */
  constructor(iv: Uint8Array, first = 0) {
    this.#iv = iv;
    this.#nonce = iv.slice();
    this.#next = first;
  }

  /** Records so far under this key. */
  get count(): number {
    return this.#next;
  }

  /** The nonce of the next record: valid until the next call. */
  next(): Uint8Array {
    const sequence = this.#next;
    if (sequence >= Number.MAX_SAFE_INTEGER) {
      ownFault('ERR_TLS_SEQUENCE_EXHAUSTED', 'local', 'the record sequence number would wrap');
    }
    this.#next = sequence + 1;
    const low = sequence >>> 0;
    const high = Math.floor(sequence / LOW);
    const end = this.#iv.length;
    for (let i = 0; i < 4; i++) {
      this.#nonce[end - 1 - i] = (this.#iv[end - 1 - i] ?? 0) ^ (low >>> (8 * i));
      this.#nonce[end - 5 - i] = (this.#iv[end - 5 - i] ?? 0) ^ (high >>> (8 * i));
    }
    return this.#nonce;
  }

  /** Gives back the last nonce, with which nothing was opened: it is the next one again. */
  back(): void {
    this.#next--;
  }

  wipe(): void {
    this.#iv.fill(0);
    this.#nonce.fill(0);
  }
}
