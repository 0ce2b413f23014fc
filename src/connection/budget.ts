import { reject } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { HandshakeType } from '../wire/enums.ts';

/** How much of what costs us more than its bytes the peer may still send. */
export class Budget {
  readonly #limits: Limits;
  #handshake = 0;
  #warnings = 0;
  /** For messages after the handshake that were not paid for yet: bytes of application data. */
  #debt = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** A message of the handshake. @throws TlsError ERR_TLS_HANDSHAKE_TOO_LARGE */
  handshake(length: number): void {
    this.#handshake += length;
    if (this.#handshake > this.#limits.handshakeTotal) {
      reject('ERR_TLS_HANDSHAKE_TOO_LARGE', 'decode_error', 'the handshake takes more bytes than the limit');
    }
  }

  /** A user_canceled alert. @throws TlsError ERR_TLS_TOO_MANY_WARNINGS */
  warning(): void {
    this.#warnings++;
    if (this.#warnings > this.#limits.warnings) {
      reject('ERR_TLS_TOO_MANY_WARNINGS', 'unexpected_message', 'too many user_canceled alerts');
    }
  }

  /**
   * A message after the handshake (RFC 9846 §4.7): it is application data, either way, that pays for them.
   * @throws TlsError ERR_TLS_TOO_MANY_KEY_UPDATES, ERR_TLS_TOO_MANY_MESSAGES
   */
  message(type: number): void {
    const { postHandshakeMessages, postHandshakeBytes } = this.#limits;
    this.#debt += postHandshakeBytes;
    if (this.#debt <= postHandshakeMessages * postHandshakeBytes) return;
    if (type === HandshakeType.key_update) {
      reject('ERR_TLS_TOO_MANY_KEY_UPDATES', 'unexpected_message', 'too many KeyUpdates for the data between them');
    }
    reject('ERR_TLS_TOO_MANY_MESSAGES', 'unexpected_message', 'too many messages for the data between them');
  }

  /** Application data, of the peer or for it: either is work that it wants done. */
  data(length: number): void {
    this.#debt = Math.max(0, this.#debt - length);
  }

  /** A message was of use: it is paid for. */
  useful(): void {
    this.data(this.#limits.postHandshakeBytes);
  }
}
