import { Inbox } from '../bytes/inbox.ts';
import { reject } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { HandshakeType } from '../wire/enums.ts';

const HEADER = 4;

/**
 * Handshake fragments → whole messages (RFC 9846 §5.1). Fragments are copied together, so that a message sent a byte
 * per record costs no more memory than its length.
 */
export class Joiner {
  readonly #limits: Limits;
  readonly #bytes = new Inbox();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Whether the last message ended where its record did. */
  get empty(): boolean {
    return this.#bytes.length === 0;
  }

  push(fragment: Uint8Array): void {
    this.#bytes.append(fragment);
  }

  /** The next whole message, header included, in memory of its own. */
  next(): Uint8Array | undefined {
    const header = this.#bytes.peek(HEADER);
    if (header === undefined) return undefined;
    const message = this.#bytes.peek(HEADER + this.#bodyLength(header))?.slice();
    if (message !== undefined) this.#bytes.consume(message.length);
    return message;
  }

  wipe(): void {
    this.#bytes.wipe();
  }

  /** From the header alone, so that a message beyond the limit is refused before it is gathered. */
  #bodyLength(header: Uint8Array): number {
    const [type = 0, high = 0, middle = 0, low = 0] = header;
    const length = (high << 16) | (middle << 8) | low;
    const large = type === HandshakeType.certificate || type === HandshakeType.compressed_certificate;
    const limit = large ? this.#limits.certificateMessage : this.#limits.handshakeMessage;
    if (length > limit) {
      reject('ERR_TLS_MESSAGE_TOO_LARGE', 'decode_error', `a handshake message of ${length} bytes, over ${limit}`);
    }
    return length;
  }
}
