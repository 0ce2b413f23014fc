import { reject } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { HandshakeType } from '../wire/enums.ts';

/**
 * Counts records, messages and alerts that cost this side more than they cost the peer, and refuses more of them than
 * {@link Limits} allows. All counters of a connection are here: `Receiving` counts records, the connection counts messages
 * and alerts.
 */
export class FloodCounters {
  readonly #limits: Limits;
  #emptyRecords = 0;
  #changeCipherSpecs = 0;
  #handshakeBytes = 0;
  #warnings = 0;
  /** Bytes of application data that have yet to follow the peer's post-handshake messages. */
  #debt = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Counts a record with this many bytes of content. @throws TlsError ERR_TLS_TOO_MANY_EMPTY_RECORDS */
  record(length: number): void {
    this.#emptyRecords = length === 0 ? this.#emptyRecords + 1 : 0;
    if (this.#emptyRecords > this.#limits.emptyRecords) {
      reject('ERR_TLS_TOO_MANY_EMPTY_RECORDS', 'unexpected_message', 'too many empty records in a row');
    }
  }

  /** Counts a change_cipher_spec record (RFC 9846 §5). @throws TlsError ERR_TLS_TOO_MANY_CHANGE_CIPHER_SPEC */
  changeCipherSpec(): void {
    this.#changeCipherSpecs++;
    if (this.#changeCipherSpecs > this.#limits.changeCipherSpecs) {
      reject('ERR_TLS_TOO_MANY_CHANGE_CIPHER_SPEC', 'unexpected_message', 'too many change_cipher_spec records');
    }
  }

  /** Counts a message of the handshake, in bytes. @throws TlsError ERR_TLS_HANDSHAKE_TOO_LARGE */
  handshakeMessage(length: number): void {
    this.#handshakeBytes += length;
    if (this.#handshakeBytes > this.#limits.handshakeTotal) {
      reject('ERR_TLS_HANDSHAKE_TOO_LARGE', 'decode_error', 'the handshake takes more bytes than the limit');
    }
  }

  /** Counts a user_canceled alert (RFC 9846 §6.1). @throws TlsError ERR_TLS_TOO_MANY_WARNINGS */
  warning(): void {
    this.#warnings++;
    if (this.#warnings > this.#limits.warnings) {
      reject('ERR_TLS_TOO_MANY_WARNINGS', 'unexpected_message', 'too many user_canceled alerts');
    }
  }

  /**
   * Counts a message after the handshake (RFC 9846 §4.7). Application data makes up for it, whichever side sends the data.
   * @throws TlsError ERR_TLS_TOO_MANY_KEY_UPDATES, ERR_TLS_TOO_MANY_MESSAGES
   */
  postHandshakeMessage(type: number): void {
    const { postHandshakeMessages, postHandshakeBytes } = this.#limits;
    this.#debt += postHandshakeBytes;
    if (this.#debt <= postHandshakeMessages * postHandshakeBytes) return;
    if (type === HandshakeType.key_update) {
      reject('ERR_TLS_TOO_MANY_KEY_UPDATES', 'unexpected_message', 'too many KeyUpdates for the data between them');
    }
    reject('ERR_TLS_TOO_MANY_MESSAGES', 'unexpected_message', 'too many messages for the data between them');
  }

  /** Counts application data of either side, in bytes, in favour of the peer. */
  data(length: number): void {
    this.#debt = Math.max(0, this.#debt - length);
  }

  /** Uncounts a post-handshake message that the application can use. */
  useful(): void {
    this.data(this.#limits.postHandshakeBytes);
  }
}
