import { StrikeRegister } from '#opentls/session/replay';
import { decodeSession, encodeSession, type Session } from '#opentls/session/session';
import { TicketKeys, type TicketSealer } from '#opentls/session/tickets';
import { provider } from '../flags/credentials.ts';

/** What the connections of one test have in common: a client's newest session, a server's keys, the clock. */
export class Memory {
  /** Stands still, but for {@link pass}: ages are told to the millisecond. */
  #time = Date.now();
  readonly now: () => number = () => this.#time;
  readonly tickets: TicketSealer = new TicketKeys(provider, { now: this.now });
  /** The ticket keys are new: nothing was taken before. */
  readonly replay: StrikeRegister = new StrikeRegister({}, Number.NEGATIVE_INFINITY);
  /** What became of the peer's chain when it was last judged; a session keeps it. */
  verdict: 'ok' | 'failed' | undefined;
  #session: Uint8Array | undefined;

  pass(seconds: number): void {
    this.#time += seconds * 1000;
  }

  keep(session: Session): void {
    this.#session = encodeSession(session);
  }

  /** A copy: what a connection takes, it wipes, and the next one may want the same. */
  offer(): Session | undefined {
    return this.#session && decodeSession(this.#session);
  }
}
