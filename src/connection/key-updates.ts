import type { Sending } from '../record/sending.ts';
import { HandshakeType, KeyUpdateRequest } from '../wire/enums.ts';
import { encodeMessage } from '../wire/messages.ts';

/** Our KeyUpdates: those that we want, and those that we owe (RFC 9846 §4.7.3). */
export class KeyUpdates {
  readonly #sending: Sending;
  #owed = false;
  #awaited = false;

  constructor(sending: Sending) {
    this.#sending = sending;
  }

  /** Whether the peer owes one: it is no flood. */
  get awaited(): boolean {
    return this.#awaited;
  }

  /** The peer has replaced its key. Several requests while we are silent get one answer. */
  received(wantsAnswer: boolean): void {
    this.#awaited = false;
    this.#owed ||= wantsAnswer;
  }

  /** Sends the answer that is owed, if any. */
  pay(): void {
    if (this.#owed) this.send(false);
  }

  /** @param requestPeer ask the peer to replace its key too; once until it has */
  send(requestPeer: boolean): void {
    const request = requestPeer && !this.#awaited;
    this.#awaited ||= request;
    // Whatever its reason, it also answers a request that is open.
    this.#owed = false;
    const requestUpdate = request ? KeyUpdateRequest.update_requested : KeyUpdateRequest.update_not_requested;
    this.#sending.updateKey(encodeMessage(HandshakeType.key_update, { requestUpdate }));
  }
}
