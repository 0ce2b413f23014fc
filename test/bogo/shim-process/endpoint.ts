import type { Connection, Event } from '#opentls/connection/connection';
import type { KeylogLabel } from '#opentls/handshake/terms/record-layer';
import { perform } from '#opentls/handshake/terms/script';
import type { Transport } from './transport.ts';

/** What a test has to hear of. */
export type News = Exclude<Event, { readonly type: 'ask' | 'error' }>;

/** A {@link Connection} on a {@link Transport}, driven by whoever asks for the next event. */
export class Endpoint {
  readonly connection: Connection;
  /** Called once, when the first flight is on its way: for 0-RTT data. */
  onFirstFlight: (() => void) | undefined;
  readonly secrets: Map<KeylogLabel, Uint8Array> = new Map();
  readonly #transport: Transport;
  readonly #slowly: boolean;
  #waiting: Uint8Array = new Uint8Array(0);
  #held: Uint8Array[] | undefined;
  #inputOver = false;
  #heard = 0;
  #quiet = false;

  /** @param slowly every callback answers later, and input comes byte by byte */
  constructor(connection: Connection, transport: Transport, slowly: boolean) {
    this.connection = connection;
    this.#transport = transport;
    this.#slowly = slowly;
  }

  /** Records that came in, while they are few: whether a failure is the answer to the very first flight. */
  get heardOneRecord(): boolean {
    return this.#heard <= ALERT_RECORD;
  }

  /**
   * @returns undefined where the transport has ended and there is nothing more to say
   * @throws TlsError that the connection has failed with, after its alert was sent
   */
  async next(): Promise<News | undefined> {
    for (;;) {
      const event = this.connection.poll();
      if (event === undefined) {
        this.onFirstFlight?.();
        this.onFirstFlight = undefined;
        this.#flushHandshake();
        if (!(await this.#feed())) return undefined;
        continue;
      }
      switch (event.type) {
        case 'ask':
          await this.#answer(event.ask);
          break;
        case 'secret':
          this.secrets.set(event.label, event.secret);
          return event;
        case 'error':
          this.flush();
          throw event.error;
        default:
          return event;
      }
    }
  }

  write(bytes: Uint8Array): void {
    this.connection.write([bytes]);
    this.flush();
  }

  /** @returns what of it there is no room for as 0-RTT data */
  writeEarly(bytes: Uint8Array): Uint8Array {
    const taken = (this.connection.earlyRoom ?? 0) > 0 ? this.connection.writeEarly(bytes) : 0;
    this.flush();
    return bytes.subarray(taken);
  }

  /** Does what is given, but lets no more than a byte of its output go until {@link release}. */
  holding(work: () => void): void {
    this.flush();
    this.#held = [];
    work();
    const [first = new Uint8Array(0), ...others] = this.connection.takeOutput();
    this.#transport.write([first.subarray(0, 1)]);
    this.#held = [first.subarray(1), ...others];
  }

  release(): void {
    if (this.#held === undefined) return;
    this.#transport.write(this.#held);
    this.#held = undefined;
  }

  flush(): void {
    if (this.#held !== undefined) return;
    const slabs = this.connection.takeOutput();
    if (slabs.length > 0) this.#transport.write(slabs);
  }

  /**
   * What the handshake has to say goes out by itself; after it, nothing does. So a KeyUpdate that the peer asks for
   * goes out with the next data, once for however many requests.
   */
  #flushHandshake(): void {
    if (this.#quiet) return;
    this.#quiet = this.connection.facts !== undefined;
    this.flush();
  }

  /** @returns false where the connection knew the end already */
  async #feed(): Promise<boolean> {
    if (this.#waiting.length === 0) {
      if (this.#inputOver) return false;
      const chunk = await this.#transport.read();
      if (chunk === undefined) {
        this.#inputOver = true;
        this.connection.receiveEnd();
        return true;
      }
      this.#heard += chunk.length;
      this.#waiting = chunk;
    }
    const length = this.#slowly ? 1 : Math.max(1, this.connection.inputRoom);
    this.connection.receive(this.#waiting.subarray(0, length));
    this.#waiting = this.#waiting.subarray(length);
    return true;
  }

  async #answer(ask: Extract<Event, { readonly type: 'ask' }>['ask']): Promise<void> {
    if (this.#slowly) await new Promise((resolve) => setImmediate(resolve));
    try {
      const answer = perform(ask.request);
      this.connection.answer(
        ask,
        answer !== null && typeof answer === 'object' && 'then' in answer ? await answer : answer,
      );
    } catch (error) {
      this.connection.fail(ask, error);
    }
  }
}

/** Bytes of a record that holds one alert. */
const ALERT_RECORD = 7;
