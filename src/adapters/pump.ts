import type { Connection, SecretEvent } from '../connection/connection.ts';
import type { Event } from '../connection/events.ts';
import { isThenable } from '../crypto/provider.ts';
import type { TlsError } from '../errors.ts';
import type { Facts } from '../handshake/terms/facts.ts';
import { type Answers, type AskName, type PendingAsk, perform } from '../handshake/terms/script.ts';
import type { Session } from '../session/session.ts';

/** The events of a connection, for the owner of its transport. The pump calls one handler at a time. */
export interface PumpHandlers {
  /**
   * @param early whether the bytes came as 0-RTT data
   * @returns false to get no more until {@link Pump.resume}
   */
  data(bytes: Uint8Array, early: boolean): boolean;
  open(facts: Facts): void;
  /** @param closeNotify false: the transport ended without close_notify, so the data may have been cut off */
  end(closeNotify: boolean): void;
  error(error: TlsError): void;
  secret(event: SecretEvent): void;
  /**
   * Client: a session for a later connection. The receiver keeps or wipes it; without a receiver the pump wipes it. The
   * pump keeps no session and answers none, so it does not count them as a flood.
   */
  session?(session: Session): void;
  /** Server: the client has answered a request for its certificate after the handshake. */
  authenticated?(facts: Facts): void;
  /** Client: whether the server took the 0-RTT data. */
  early?(accepted: boolean): void;
  /** Bytes for the transport. The receiver owns them. */
  send(slabs: readonly Uint8Array[]): void;
  /** A late answer has come, and the pump has polled its events: the engine may have room for input again. */
  answered?(): void;
  /**
   * How many bytes of {@link send} the transport has not taken. When there are fewer, the owner calls {@link Pump.run}.
   * Absent: always 0.
   */
  unsent?(): number;
  /** One of the handlers threw. The connection goes on with its other events. */
  thrown(error: unknown): void;
}

/**
 * Drives a {@link Connection}: polls until nothing more happens, performs its asks, and hands over the output of all of it
 * at once. A handler may call the pump again.
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
   * Whether so many of our answers wait for the peer to read them that the pump reads nothing more. The application's data
   * does not count: two ends that both write before they read must not wait for each other.
   */
  get full(): boolean {
    const { phase, outputLength } = this.connection;
    const answers = phase === 'open' || phase === 'closing';
    return answers && outputLength + this.#unsent >= MOST_UNSENT;
  }

  get #unsent(): number {
    return this.#handlers.unsent?.() ?? 0;
  }

  /** Hands over the events and the output of the connection. The owner calls it after any change of the connection. */
  run(): void {
    this.#again = true;
    if (this.#running) {
      // A handler has called, and may end the transport next: the output goes out first.
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
        // The transport may have taken everything at once.
        this.#again ||= full && !this.full;
        // A send that failed is an event of the connection.
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
   * Calls back once no task is under way that an end would cut off, such as a session ticket. A connection waits one second
   * for its tasks, once.
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

  /** Hands over nothing more, and ignores answers that come later. */
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
        // The alert goes out first: the handler closes the transport.
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

  /** Sends the output. A call from within `send` leaves it to the outer call. */
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

/** Takes a guard that does not answer in time for one that refuses (RFC 9846 §8): the engine has no clock. */
function inTime({ request }: PendingAsk, answer: PromiseLike<Answers[AskName]>): PromiseLike<Answers[AskName]> {
  if (request.ask !== 'admitEarlyData') return answer;
  let timer: unknown;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), request.timeout);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

/** Bytes: the largest answer is a Certificate of 128 KiB (limits.ts). */
const MOST_UNSENT = 0x2_0000;
/** Milliseconds that an end waits for session tickets: longer than a store takes, and short for a client. */
const LONGEST_WAIT = 1000;
