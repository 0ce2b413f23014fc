import { concat } from '../bytes/concat.ts';
import { reject } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { HandshakeType } from '../wire/enums.ts';

const HEADER = 4;

/** Handshake fragments → whole messages (RFC 9846 §5.1). */
export class Joiner {
  readonly #limits: Limits;
  #parts: Uint8Array[] = [];
  #length = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Whether the last message ended where its record did. */
  get empty(): boolean {
    return this.#length === 0;
  }

  /** Keeps the fragment: it must be the joiner's own. */
  push(fragment: Uint8Array): void {
    this.#parts.push(fragment);
    this.#length += fragment.length;
  }

  /** The next whole message, header included, in memory that stays. */
  next(): Uint8Array | undefined {
    if (this.#length < HEADER) return undefined;
    const total = HEADER + this.#bodyLength();
    if (this.#length < total) return undefined;
    const bytes = this.#join();
    const message = bytes.subarray(0, total);
    this.#length -= total;
    this.#parts = this.#length === 0 ? [] : [bytes.subarray(total)];
    return message;
  }

  wipe(): void {
    this.#parts = [];
    this.#length = 0;
  }

  /** From the header alone, so that a message beyond the limit is refused before it is gathered. */
  #bodyLength(): number {
    const [first] = this.#parts;
    const header = first !== undefined && first.length >= HEADER ? first : this.#join();
    const [type = 0, high = 0, middle = 0, low = 0] = header;
    const length = (high << 16) | (middle << 8) | low;
    const large = type === HandshakeType.certificate || type === HandshakeType.compressed_certificate;
    const limit = large ? this.#limits.certificateMessage : this.#limits.handshakeMessage;
    if (length > limit) {
      reject('ERR_TLS_MESSAGE_TOO_LARGE', 'decode_error', `a handshake message of ${length} bytes, over ${limit}`);
    }
    return length;
  }

  #join(): Uint8Array {
    const bytes = this.#parts.length === 1 ? this.#parts[0] : undefined;
    const joined = bytes ?? concat(this.#parts);
    this.#parts = [joined];
    return joined;
  }
}
