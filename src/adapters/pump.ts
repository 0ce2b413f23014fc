import type { Connection, SecretEvent } from '../connection/connection.ts';
import type { Event } from '../connection/events.ts';
import { isThenable } from '../crypto/provider.ts';
import type { TlsError } from '../errors.ts';
import type { Facts } from '../handshake/terms/facts.ts';
import { type Answers, type AskName, type PendingAsk, perform } from '../handshake/terms/script.ts';
import type { Session } from '../session/session.ts';

/** The events of a connection, for the owner of its transport. Calls never nest. */
export interface PumpHandlers {
  /**
   * @param early whether it came as 0-RTT data
   * @returns false to hear nothing more until {@link Pump.resume}: the receiver is full
   */
  data(bytes: Uint8Array, early: boolean): boolean;
  open(facts: Facts): void;
  /** @param closeNotify false: the transport ended without one, the data may have been cut off */
  end(closeNotify: boolean): void;
  error(error: TlsError): void;
  secret(event: SecretEvent): void;
  /**
   * Client: a session for a later connection; the receiver's to keep, or to wipe. Absent: it is wiped. However many come,
   * nothing is gathered and nothing answered: they are no flood here.
   */
  session?(session: Session): void;
  /** Server: the client has answered a request for its certificate after the handshake. */
  authenticated?(facts: Facts): void;
  /** Client: whether the server took the 0-RTT data. */
  early?(accepted: boolean): void;
  /** Bytes for the transport; they are the receiver's from here. */
  send(slabs: readonly Uint8Array[]): void;
  /** A late answer has come, and its events were polled: there may be room for input again. */
  answered?(): void;
  /**
   * How many bytes of what {@link send} was given the transport has not taken; call {@link Pump.run} when they are fewer.
   * Absent: none, ever.
   */
  unsent?(): number;
  /** One of the handlers threw. The connection goes on with its other events. */
  thrown(error: unknown): void;
}

/**
 * Drives a {@link Connection}: polls it dry, answers its asks with what they hold (at once where the answer is there
 * at once), and hands over its output once for all that happened. May be called again from within its own handlers.
 */
export class Pump {
  readonly connection: Connection;
  readonly #handlers: PumpHandlers;
  #running = false;
  #sending = false;
  #again = false;
  #stalled = false;
  #stopped = false;
  readonly #waiting = new Set<() => void>();
  #waitedEnough = false;

  constructor(connection: Connection, handlers: PumpHandlers) {
    this.connection = connection;
    this.#handlers = handlers;
  }

  /** Whether a handler asked for a pause that {@link resume} has not ended. */
  get stalled(): boolean {
    return this.#stalled;
  }

  /**
   * Whether the peer takes so few of the answers to what it sends that nothing more is read. What the application writes
   * is not counted: two ends that both write before they read must not wait for each other.
   */
  get full(): boolean {
    const { phase, outputLength } = this.connection;
    const answers = phase === 'open' || phase === 'closing';
    return answers && outputLength + this.#unsent >= MOST_UNSENT;
  }

  get #unsent(): number {
    return this.#handlers.unsent?.() ?? 0;
  }

  /** Call after anything that may have changed the connection. What there was to send is sent when it returns. */
  run(): void {
    this.#again = true;
    if (this.#running) {
      // A handler may go on to end the transport.
      this.#flush();
      return;
    }
    this.#running = true;
    try {
      while (this.#again) {
        this.#again = false;
        this.#drain();
        const { full } = this;
        this.#flush();
        // A transport that takes all at once is never full.
        this.#again ||= full && !this.full;
        // The error of a failed send is an event: it is polled now.
        if (this.connection.phase === 'failed') this.#drain();
      }
    } finally {
      this.#running = false;
    }
    if (!this.connection.busy) for (const once of [...this.#waiting]) once();
  }

  resume(): void {
    if (!this.#stalled) return;
    this.#stalled = false;
    this.run();
  }

  /**
   * Calls back once nothing is being made that an end would cut off, session tickets above all. A connection waits a
   * second for that, and then no more.
   */
  afterTasks(go: () => void): void {
    if (!this.connection.busy || this.#waitedEnough) return go();
    const once = (): void => {
      clearTimeout(timer);
      this.#waiting.delete(once);
      go();
    };
    const timer = setTimeout(() => {
      this.#waitedEnough = true;
      once();
    }, LONGEST_WAIT);
    this.#waiting.add(once);
  }

  /** Nothing is handed over any more, and answers that are still under way are ignored. */
  stop(): void {
    this.#stopped = true;
  }

  #drain(): void {
    while (!this.#stalled && !this.#stopped && !this.full) {
      const event = this.connection.poll();
      if (event === undefined) return;
      try {
        this.#handle(event);
      } catch (error) {
        this.#handlers.thrown(error);
      }
    }
  }

  #handle(event: Event): void {
    switch (event.type) {
      case 'data':
        this.#stalled = !this.#handlers.data(event.bytes, event.early === true);
        break;
      case 'ask':
        this.#answer(event.ask);
        break;
      case 'open':
        this.#handlers.open(event.facts);
        break;
      case 'end':
        this.#handlers.end(event.closeNotify);
        break;
      case 'error':
        // The alert goes out before anybody hears of the error and closes the transport.
        this.#flush();
        this.#handlers.error(event.error);
        break;
      case 'secret':
        this.#handlers.secret(event);
        break;
      case 'session':
        if (this.#handlers.session === undefined) event.session.psk.wipe();
        else this.#handlers.session(event.session);
        this.connection.sessionTaken();
        break;
      case 'authenticated':
        this.#handlers.authenticated?.(event.facts);
        break;
      case 'early':
        this.#handlers.early?.(event.accepted);
        break;
    }
  }

  /** Output that arises while other output is being sent is sent after it. */
  #flush(): void {
    if (this.#stopped || this.#sending) return;
    const slabs = this.connection.takeOutput(this.#unsent > 0);
    if (slabs.length === 0) return;
    this.#sending = true;
    try {
      this.#handlers.send(slabs);
    } finally {
      this.#sending = false;
    }
  }

  #answer(ask: PendingAsk): void {
    let answer: ReturnType<typeof perform>;
    try {
      answer = perform(ask.request);
    } catch (error) {
      this.connection.fail(ask, error);
      return;
    }
    if (isThenable(answer)) this.#answerLater(ask, inTime(ask, answer));
    else this.connection.answer(ask, answer);
  }

  #answerLater(ask: PendingAsk, answer: PromiseLike<Answers[AskName]>): void {
    Promise.resolve(answer)
      .then(
        (value) => this.connection.answer(ask, value),
        (error) => this.connection.fail(ask, error),
      )
      .then(() => {
        this.run();
        if (!this.#stopped) this.#handlers.answered?.();
      })
      .catch((error) => this.#handlers.thrown(error));
  }
}

/** The engine has no clock to wait by: a guard that takes too long has said no (RFC 9846 §8). */
function inTime({ request }: PendingAsk, answer: PromiseLike<Answers[AskName]>): PromiseLike<Answers[AskName]> {
  if (request.ask !== 'admitEarlyData') return answer;
  let timer: unknown;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), request.timeout);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

/** Bytes: the largest answer that there is, a Certificate of 128 KiB (limits.ts). */
const MOST_UNSENT = 0x2_0000;
/** Milliseconds that an end waits for session tickets being made: longer than a store takes, and hardly noticed by a client. */
const LONGEST_WAIT = 1000;
