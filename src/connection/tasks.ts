import { reject } from '../errors.ts';
import { type Answers, type AskName, type PendingAsk, Runner, type Script } from '../handshake/terms/script.ts';
import { MAX_WAITING_EXCHANGES } from '../limits.ts';
import type { HandshakeType } from '../wire/enums.ts';
import type { HandshakeMessage } from '../wire/messages.ts';

/** Scripts that run after the handshake, one after the other, while application data flows (RFC 9846 §4.7). */
export class Tasks {
  readonly #waiting: Script<void>[] = [];
  #runner: Runner<void> | undefined;
  #receiving = false;

  /** The ask of the script that is under way. */
  get pending(): PendingAsk | undefined {
    return this.#runner?.pending;
  }

  /** Whether a script waits for an answer that {@link closeWrite} would cut off, such as a session ticket. */
  get busy(): boolean {
    return this.#runner?.pending !== undefined;
  }

  /** Whether the peer's messages have begun to come: they are consecutive on the wire (RFC 9846 §4.7.2). */
  get receiving(): boolean {
    return this.#receiving;
  }

  wants(type: number): boolean {
    return this.#runner?.wants.some((wanted: HandshakeType) => wanted === type) ?? false;
  }

  add(script: Script<void>): void {
    if (this.full) {
      reject('ERR_TLS_TOO_MANY_MESSAGES', 'unexpected_message', 'too many post-handshake exchanges at a time');
    }
    this.#waiting.push(script);
    if (this.#runner === undefined) this.#next();
  }

  message(message: HandshakeMessage): void {
    this.#receiving = true;
    this.#runner?.message(message);
    this.#settle();
  }

  answer(ask: PendingAsk, value: Answers[AskName]): void {
    this.#runner?.answer(ask, value);
    this.#settle();
  }

  fail(ask: PendingAsk, error: unknown): void {
    this.#runner?.fail(ask, error);
    this.#settle();
  }

  /** Whether {@link add} takes another one. */
  get full(): boolean {
    return this.#waiting.length >= MAX_WAITING_EXCHANGES;
  }

  /** Ends the scripts that would send; one that waits for the peer's messages goes on. */
  closeWrite(): void {
    this.#drop();
    const runner = this.#runner;
    if (runner === undefined || this.#receiving || runner.wants.length > 0) return;
    runner.abandon();
    this.#runner = undefined;
  }

  abandon(): void {
    this.#runner?.abandon();
    this.#runner = undefined;
    this.#receiving = false;
    this.#drop();
  }

  #drop(): void {
    for (const script of this.#waiting.splice(0)) script.return();
  }

  #settle(): void {
    if (this.#runner?.done === true) this.#next();
  }

  #next(): void {
    this.#runner = undefined;
    this.#receiving = false;
    const script = this.#waiting.shift();
    if (script === undefined) return;
    this.#runner = new Runner(script);
    this.#runner.start();
    this.#settle();
  }
}
