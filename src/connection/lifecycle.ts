import type { Phase } from './events.ts';

/**
 * The state of a connection. `starting`: the handshake script has not begun. `readClosed`: the peer's direction has ended,
 * `writeClosed`: ours has, `closed`: both have. `forgotten`: the owner has destroyed the failed connection.
 */
type State =
  | 'starting'
  | 'handshake'
  | 'open'
  | 'readClosed'
  | 'writeClosed'
  | 'closed'
  | 'failed'
  | 'destroyed'
  | 'forgotten';

/** The state of a connection, and the steps from one to the next. */
export class Lifecycle {
  #state: State = 'starting';

  get phase(): Phase {
    return phases[this.#state];
  }

  /** Whether the handshake script has not begun. */
  get starting(): boolean {
    return this.#state === 'starting';
  }

  /** Whether nothing more comes in or goes out. */
  get over(): boolean {
    return this.phase === 'closed' || this.phase === 'failed';
  }

  /** Whether the owner has destroyed the connection. */
  get destroyed(): boolean {
    return this.#state === 'destroyed' || this.#state === 'forgotten';
  }

  /** Whether the peer's direction alone has ended. */
  get readClosed(): boolean {
    return this.#state === 'readClosed';
  }

  /** Whether our direction alone has ended. */
  get writeClosed(): boolean {
    return this.#state === 'writeClosed';
  }

  begin(): void {
    this.#state = 'handshake';
  }

  open(): void {
    this.#state = 'open';
  }

  /** The peer's close_notify has come, or the transport has ended. */
  closeRead(): void {
    this.#state = this.#state === 'writeClosed' ? 'closed' : 'readClosed';
  }

  /** Our close_notify has gone out. */
  closeWrite(): void {
    this.#state = this.#state === 'readClosed' ? 'closed' : 'writeClosed';
  }

  fail(): void {
    this.#state = 'failed';
  }

  destroy(): void {
    this.#state = this.phase === 'failed' ? 'forgotten' : 'destroyed';
  }
}

const phases: Readonly<Record<State, Phase>> = {
  starting: 'handshake',
  handshake: 'handshake',
  open: 'open',
  readClosed: 'closing',
  writeClosed: 'closing',
  closed: 'closed',
  failed: 'failed',
  destroyed: 'closed',
  forgotten: 'failed',
};
