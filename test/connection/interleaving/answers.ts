import type { Awaitable } from '#opentls/crypto/provider';
import type { AskName } from '#opentls/handshake/terms/script';

// Answers: at once, later, never, or none.

export type Pick = (bound: number) => number;

export type Fate = 'at once' | 'later' | 'throws' | 'rejects' | 'never';
export const fates: readonly Fate[] = ['at once', 'later', 'throws', 'rejects', 'never'];

/** All that a connection may ask for. */
export const askNames = Object.keys({
  keyShare: 1,
  agree: 1,
  encapsulate: 1,
  chooseCredentials: 1,
  chooseClientCredentials: 1,
  chooseProtocol: 1,
  verifyChain: 1,
  verifySignature: 1,
  sign: 1,
  takeSession: 1,
  openTicket: 1,
  sealTicket: 1,
  findPsk: 1,
  compress: 1,
  decompress: 1,
  admitEarlyData: 1,
} satisfies Record<AskName, 1>) as AskName[];

/** Does what is asked for, when and if it pleases. */
export type Asked = <T>(what: AskName, make: () => Awaitable<T>) => Awaitable<T>;

/** What has been asked for and not yet answered; and how often each was fated to what. */
export class Answers {
  readonly #pick: Pick;
  readonly #fateOf: (what: AskName) => Fate;
  readonly #later: (() => void)[] = [];

  constructor(pick: Pick, fateOf: (what: AskName) => Fate) {
    this.#pick = pick;
    this.#fateOf = fateOf;
  }

  readonly asked: Asked = <T>(what: AskName, make: () => Awaitable<T>): Awaitable<T> => {
    const fate = this.#fateOf(what);
    seen.add(`${what} ${fate}`);
    switch (fate) {
      case 'at once':
        return make();
      case 'throws':
        throw new Error(`${what} throws`);
      case 'never':
        return new Promise<T>(() => {});
      default: {
        // What takes long may be done early or late.
        const early = fate === 'later' && this.#pick(2) === 0 ? { value: make() } : undefined;
        return new Promise<T>((resolve, reject) => {
          this.#later.push(() => {
            if (fate === 'rejects') return reject(new Error(`${what} rejects`));
            try {
              resolve(early === undefined ? make() : early.value);
            } catch (error) {
              reject(error);
            }
          });
        });
      }
    }
  };

  get open(): boolean {
    return this.#later.length > 0;
  }

  /** Answers one of them, and lets everybody hear of it. */
  async settle(): Promise<void> {
    const [answer] = this.#later.splice(this.#pick(this.#later.length), 1);
    answer?.();
    await heard();
  }
}

/** Ask and fate, over all runs. */
export const seen = new Set<string>();

/** All that waits for a promise that is settled has run. */
export function heard(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
