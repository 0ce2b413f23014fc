import { StrikeRegister } from '#opentls/session/replay';
import { decodeSession, encodeSession, type Session } from '#opentls/session/session';
import { TicketKeys, type TicketSealer } from '#opentls/session/tickets';
import { provider } from './credentials.ts';

/** What the connections of one test have in common: a client's newest session, a server's keys, the clock. */
export class Memory {
  #ahead = 0;
  readonly now: () => number = () => Date.now() + this.#ahead;
  readonly tickets: TicketSealer = new TicketKeys(provider, { now: this.now });
  readonly replay: StrikeRegister = new StrikeRegister();
  /** What became of the peer's chain when it was last judged; a session keeps it. */
  verdict: 'ok' | 'failed' | undefined;
  #session: Uint8Array | undefined;

  /** Sets the clock forward. */
  pass(seconds: number): void {
    this.#ahead += seconds * 1000;
  }

  keep(session: Session): void {
    this.#session = encodeSession(session);
  }

  /** A copy: what a connection takes, it wipes, and the next one may want the same. */
  offer(): Session | undefined {
    return this.#session && decodeSession(this.#session);
  }
}
