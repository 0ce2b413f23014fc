import { wipe } from '../bytes/wipe.ts';
import type { Awaitable, CryptoProvider } from '../crypto/provider.ts';
import { isThenable } from '../crypto/provider.ts';
import { having } from '../options.ts';
import { SealedBox, type SealedBoxOptions } from './sealed-box.ts';

export { TICKET_KEYS_LENGTH } from './sealed-box.ts';

import { decodeState, encodeState, type SessionState } from './session.ts';

/** Makes a server's tickets and reads them. Both methods may answer later. */
export interface TicketSealer {
  /**
   * Makes a ticket.
   * @returns undefined to issue none
   */
  seal(state: SessionState): Awaitable<Uint8Array | undefined>;
  /**
   * Reads a ticket.
   * @returns undefined for bytes that are not a ticket of this server, and for a ticket that is not valid any more
   */
  open(ticket: Uint8Array): Awaitable<SessionState | undefined>;
}

/** Options of {@link TicketKeys}. */
export type TicketKeysOptions = SealedBoxOptions;

/**
 * Makes tickets that hold the session itself, encrypted. The server keeps nothing but the key.
 *
 * @example
 * ```js
 * import { createServer } from 'opentls';
 * import { TicketKeys } from 'opentls/core';
 * import { noble } from 'opentls/crypto/noble';
 *
 * const tickets = new TicketKeys(noble, { keys: [noble.random(48)] }); // a secret that several servers may share
 * const server = createServer({ key, cert, engine: { tickets } });
 * console.log(tickets.current.length); // 48
 * ```
 */
export class TicketKeys implements TicketSealer {
  readonly #box: SealedBox;

  /** @throws TlsError ERR_TLS_CONFIG for an option that is not what it must be, such as keys that are not 48 bytes long */
  constructor(provider: CryptoProvider, options: TicketKeysOptions = {}) {
    this.#box = new SealedBox(provider, options);
  }

  /** A copy of the key that seals tickets now: 48 bytes. */
  get current(): Uint8Array {
    return this.#box.current;
  }

  seal(state: SessionState): Uint8Array {
    const plain = encodeState(state);
    const ticket = this.#box.seal(plain);
    wipe(plain);
    return ticket;
  }

  open(ticket: Uint8Array): SessionState | undefined {
    const plain = this.#box.open(ticket);
    const state = plain && decodeState(plain);
    wipe(plain);
    return state;
  }
}

/** A server's store of sessions. The store may drop entries at any time. */
export interface ServerSessionStore {
  /**
   * Keeps a state under an id.
   * @param lifetime seconds after which the store may drop the state
   */
  put(id: Uint8Array, state: Uint8Array, lifetime: number): Awaitable<void>;
  /** Returns a state and removes it: a ticket is good for one resumption. */
  take(id: Uint8Array): Awaitable<Uint8Array | undefined>;
}

/**
 * Makes tickets that are random ids of entries in a store. The store can revoke a ticket, and each is good for one use.
 *
 * @example
 * ```js
 * import { createServer } from 'opentls';
 * import { StoredTickets } from 'opentls/core';
 * import { noble } from 'opentls/crypto/noble';
 *
 * const states = new Map(); // or a database: put and take may answer by promises
 * const store = {
 *   put: (id, state) => void states.set(id.toString(), state),
 *   take(id) {
 *     const state = states.get(id.toString());
 *     states.delete(id.toString());
 *     return state;
 *   },
 * };
 * const server = createServer({ key, cert, engine: { tickets: new StoredTickets(store, noble) } });
 * ```
 */
export class StoredTickets implements TicketSealer {
  readonly #store: ServerSessionStore;
  readonly #random: CryptoProvider['random'];

  /** @throws TlsError ERR_TLS_CONFIG for a store without `put` and `take` */
  constructor(store: ServerSessionStore, provider: Pick<CryptoProvider, 'random'>) {
    this.#store = having<ServerSessionStore>('put', 'take')(store, 'store');
    this.#random = (length) => provider.random(length);
  }

  seal(state: SessionState): Awaitable<Uint8Array> {
    const id = this.#random(STORED_ID);
    const kept = this.#store.put(id, encodeState(state), state.ticketLifetime);
    return isThenable(kept) ? kept.then(() => id) : id;
  }

  open(ticket: Uint8Array): Awaitable<SessionState | undefined> {
    if (ticket.length !== STORED_ID) return undefined;
    const found = this.#store.take(ticket);
    return isThenable(found) ? found.then((bytes) => bytes && decodeState(bytes)) : found && decodeState(found);
  }
}

const STORED_ID = 32;
