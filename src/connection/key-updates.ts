import { reject } from '../errors.ts';
import type { Receiving } from '../record/receiving.ts';
import type { Sending } from '../record/sending.ts';
import { HandshakeType, KeyUpdateRequest } from '../wire/enums.ts';
import { encodeMessage, type MessageOf } from '../wire/messages.ts';

/**
 * KeyUpdate in both directions, RFC 9846 §4.7.3. The whole rule is here:
 *
 * - A KeyUpdate of the peer replaces the key that we read with, at once: {@link receive}. It has to end its record.
 * - Where it asks for one in return, we owe one. It goes out before our next application data ({@link pay}, which the
 *   connection calls in `write` and `takeOutput`); several requests that come before it get one answer.
 * - We send one ourselves when the application asks for it (`updateKeys`) and before the key reaches the limit of its
 *   AEAD (§5.5, `Sending.needsUpdate`): {@link send}. It leaves under the old key, all after it under the new one.
 * - We ask the peer for one only while none that we asked for is outstanding ({@link awaited}).
 *
 * `TrafficKey.update` (record/traffic-key.ts) derives the next secret and key (§7.2) in both directions. KeyUpdates that
 * we did not ask for count against `FloodCounters.postHandshakeMessage`.
 */
export class KeyUpdates {
  readonly #sending: Sending;
  readonly #receiving: Receiving;
  #owed = false;
  #awaited = false;

  constructor(sending: Sending, receiving: Receiving) {
    this.#sending = sending;
    this.#receiving = receiving;
  }

  /** Whether the peer has not yet sent the KeyUpdate that we asked for. */
  get awaited(): boolean {
    return this.#awaited;
  }

  /**
   * Replaces the key that we read with.
   * @throws TlsError ERR_TLS_DECODE for an unknown request_update; ERR_TLS_EXCESS_HANDSHAKE_DATA where handshake data
   * follows under the old key (RFC 9846 §5.1)
   */
  receive({ body: { requestUpdate } }: MessageOf<typeof HandshakeType.key_update>): void {
    const known: readonly number[] = Object.values(KeyUpdateRequest);
    if (!known.includes(requestUpdate)) {
      reject('ERR_TLS_DECODE', 'illegal_parameter', `KeyUpdate with request_update ${requestUpdate}`);
    }
    this.#receiving.updateKey();
    this.#awaited = false;
    this.#owed ||= requestUpdate === KeyUpdateRequest.update_requested;
  }

  /** Sends the KeyUpdate that we owe, if we owe one. */
  pay(): void {
    if (this.#owed) this.send(false);
  }

  /**
   * Replaces the key that we write with.
   * @param requestPeer ask the peer to replace its own key too
   */
  send(requestPeer: boolean): void {
    const request = requestPeer && !this.#awaited;
    this.#awaited ||= request;
    // A KeyUpdate that we send for another reason also answers the peer's request.
    this.#owed = false;
    const requestUpdate = request ? KeyUpdateRequest.update_requested : KeyUpdateRequest.update_not_requested;
    this.#sending.updateKey(encodeMessage(HandshakeType.key_update, { requestUpdate }));
  }
}
