import { Pump } from '#opentls/adapters/pump';
import type { Connection, Event } from '#opentls/connection/connection';
import { isThenable } from '#opentls/crypto/provider';
import { type PendingAsk, perform } from '#opentls/handshake/terms/script';
import type { Side } from '../../kit/pair.ts';
import type { Pick } from './answers.ts';
import type { Ledger } from './provider.ts';

// One end of a run: a connection and the application that owns it.

/** What the application does once it may write. */
export type Deed = { readonly write: Uint8Array } | 'update' | 'update both' | 'request' | 'export';

export class End {
  readonly side: Side;
  readonly connection: Connection;
  readonly ledger: Ledger;
  readonly events: Event[] = [];
  readonly deeds: Deed[];
  readonly received: Uint8Array[] = [];
  #restless = true;
  destroyed = false;
  writeClosed = false;
  transportEnded = false;
  readonly #pump: Pump | undefined;
  readonly #pick: Pick;
  readonly #wire: (slabs: readonly Uint8Array[]) => void;

  constructor(
    side: Side,
    connection: Connection,
    ledger: Ledger,
    deeds: readonly Deed[],
    pumped: boolean,
    pick: Pick,
    wire: (slabs: readonly Uint8Array[]) => void,
  ) {
    this.side = side;
    this.connection = connection;
    this.ledger = ledger;
    this.deeds = [...deeds];
    this.#wire = wire;
    this.#pick = pick;
    this.#pump = pumped ? this.#newPump() : undefined;
  }

  /** Whether the connection may have events that the application has not polled for. */
  get restless(): boolean {
    return this.#restless || this.#pump?.stalled === true;
  }

  /** Something may have. */
  stir(): void {
    this.#restless = true;
  }

  get failed(): boolean {
    return this.events.some(({ type }) => type === 'error');
  }

  get ended(): boolean {
    return this.events.some(({ type }) => type === 'end');
  }

  get over(): boolean {
    return this.failed || this.destroyed || (this.writeClosed && this.ended);
  }

  get established(): boolean {
    return this.events.some(({ type }) => type === 'open');
  }

  /** Polls, to the end or for a while. */
  run(polls: number): void {
    this.#restless = false;
    if (this.#pump !== undefined) {
      this.#pump.resume();
      this.#pump.run();
      return;
    }
    for (let i = 0; i < polls; i++) {
      const event = this.connection.poll();
      if (event === undefined) return this.#flush();
      if (event.type === 'ask') this.#answer(event.ask);
      else this.hear(event);
    }
    this.#restless = true;
    this.#flush();
  }

  hear(event: Event): void {
    const { side } = this;
    if (this.destroyed) throw new Error(`${side}: '${event.type}' after destroy()`);
    if (this.failed) throw new Error(`${side}: '${event.type}' after the error`);
    if (this.ended && event.type !== 'error') throw new Error(`${side}: '${event.type}' after the end`);
    if (event.type === 'open' && this.established) throw new Error(`${side}: opened twice`);
    const early = event.type === 'data' && event.early === true;
    if (event.type === 'data' && !early && !this.established) throw new Error(`${side}: data before open`);
    if (event.type === 'error' && this.connection.phase !== 'failed') throw new Error(`${side}: not failed`);
    this.events.push(event);
    if (event.type === 'data') this.received.push(event.bytes);
    // It is ours.
    if (event.type === 'session') event.session.psk.wipe();
  }

  #answer(ask: PendingAsk): void {
    const { connection } = this;
    let answer: ReturnType<typeof perform>;
    try {
      answer = perform(ask.request);
    } catch (error) {
      return connection.fail(ask, error);
    }
    if (!isThenable(answer)) return connection.answer(ask, answer);
    void Promise.resolve(answer)
      .then(
        (value) => connection.answer(ask, value),
        (error) => connection.fail(ask, error),
      )
      .then(() => {
        this.#restless = true;
      });
  }

  #flush(): void {
    this.#wire(this.connection.takeOutput());
  }

  #newPump(): Pump {
    return new Pump(this.connection, {
      data: (bytes, early) => {
        this.hear({ type: 'data', bytes, ...(early && { early }) });
        return this.#pick(4) > 0;
      },
      open: (facts) => this.hear({ type: 'open', facts }),
      end: (closeNotify) => this.hear({ type: 'end', closeNotify }),
      error: (error) => this.hear({ type: 'error', error }),
      secret: (event) => this.hear(event),
      session: (session) => {
        this.hear({ type: 'session', session });
        return true;
      },
      authenticated: (facts) => this.hear({ type: 'authenticated', facts }),
      early: (accepted) => this.hear({ type: 'early', accepted }),
      send: (slabs) => this.#wire(slabs),
      thrown: (error) => {
        throw error;
      },
    });
  }
}
