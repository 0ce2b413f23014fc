import { concat } from '../bytes/concat.ts';
import { equal } from '../bytes/equal.ts';
import { wipe } from '../bytes/wipe.ts';
import type { Awaitable, CryptoProvider } from '../crypto/provider.ts';
import { isThenable } from '../crypto/provider.ts';
import { misuse } from '../errors.ts';
import { ticketKey } from '../keys/ticket-key.ts';
import { CipherSuiteId } from '../wire/enums.ts';
import { decodeState, encodeState, type SessionState } from './session.ts';

/** Makes a server's tickets and reads them. Either may answer later. */
export interface TicketSealer {
  /** @returns the ticket; undefined: none is issued */
  seal(state: SessionState): Awaitable<Uint8Array | undefined>;
  /** @returns undefined for whatever is not a ticket of ours, or is no longer one */
  open(ticket: Uint8Array): Awaitable<SessionState | undefined>;
}

/** As `node:tls` has them: 16 bytes of name, 32 of secret. */
export const TICKET_KEYS_LENGTH = 48;
const NAME = 16;
const SALT = 16;

interface TicketKey {
  readonly name: Uint8Array;
  readonly secret: Uint8Array;
  readonly madeAt: number;
}

export interface TicketKeysOptions {
  /** 48 bytes each: the first seals, all of them open. Default: random ones, replaced by themselves. */
  readonly keys?: readonly Uint8Array[] | undefined;
  /** Tickets are good only where this is the same: what separates the sessions of applications. */
  readonly context?: Uint8Array | undefined;
  /** Milliseconds after which random keys are replaced; the one before still opens. Default 12 hours. */
  readonly rotation?: number | undefined;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/**
 * Stateless tickets: the state itself, sealed (RFC 5077 §4 recommends how). Each ticket has a key of its own, derived
 * from the long-lived one and a random salt: no nonce can repeat.
 */
export class TicketKeys implements TicketSealer {
  readonly #provider: CryptoProvider;
  readonly #rotation: number | undefined;
  readonly #context: Uint8Array;
  readonly #now: () => number;
  #keys: readonly TicketKey[];

  /** @throws TlsError ERR_TLS_CONFIG for keys that are not 48 bytes long */
  constructor(provider: CryptoProvider, options: TicketKeysOptions = {}) {
    this.#provider = provider;
    this.#now = options.now ?? Date.now;
    this.#context = options.context ?? new Uint8Array(0);
    this.#rotation = options.keys === undefined ? (options.rotation ?? TWELVE_HOURS) : undefined;
    this.#keys = (options.keys ?? [provider.random(TICKET_KEYS_LENGTH)]).map((key) => this.#keyOf(key));
    if (this.#keys.length === 0) misuse('ERR_TLS_CONFIG', 'ticket keys: none given');
  }

  /** The key that seals, a copy. */
  get current(): Uint8Array {
    const { name, secret } = this.#sealing();
    return concat([name, secret]);
  }

  seal(state: SessionState): Uint8Array {
    const { name, secret } = this.#sealing();
    const salt = this.#provider.random(SALT);
    const { aead, nonce } = ticketKey(this.#suite(), secret, salt);
    const plain = encodeState(state);
    const body = new Uint8Array(plain.length + this.#suite().aead.tagLength);
    body.set(plain);
    wipe(plain);
    aead.seal(nonce, concat([name, salt, this.#context]), body, plain.length);
    aead.wipe();
    return concat([name, salt, body]);
  }

  open(ticket: Uint8Array): SessionState | undefined {
    const suite = this.#suite();
    const length = ticket.length - NAME - SALT - suite.aead.tagLength;
    const key = this.#keys.find(({ name }) => equal(name, ticket.subarray(0, NAME)));
    if (key === undefined || length < 0) return undefined;
    const { aead, nonce } = ticketKey(suite, key.secret, ticket.subarray(NAME, NAME + SALT));
    const plain = new Uint8Array(length);
    const aad = concat([ticket.subarray(0, NAME + SALT), this.#context]);
    const good = aead.open(nonce, aad, ticket.subarray(NAME + SALT), plain);
    aead.wipe();
    return good ? decodeState(plain) : undefined;
  }

  #sealing(): TicketKey {
    const [current] = this.#keys;
    if (current === undefined) return misuse('ERR_TLS_CONFIG', 'ticket keys: none');
    if (this.#rotation === undefined || this.#now() - current.madeAt < this.#rotation) return current;
    const [, ...retired] = this.#keys;
    for (const { secret } of retired) wipe(secret);
    const next = this.#keyOf(this.#provider.random(TICKET_KEYS_LENGTH));
    this.#keys = [next, current];
    return next;
  }

  #keyOf(bytes: Uint8Array): TicketKey {
    if (bytes.length !== TICKET_KEYS_LENGTH) {
      misuse('ERR_TLS_CONFIG', `a ticket key of ${bytes.length} bytes, not ${TICKET_KEYS_LENGTH}`);
    }
    return { name: bytes.slice(0, NAME), secret: bytes.slice(NAME), madeAt: this.#now() };
  }

  /** The same with every provider, so that servers may share keys. */
  #suite(): CryptoProvider['suites'][number] {
    const { suites } = this.#provider;
    const common = suites.find(({ id }) => id === CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256);
    return common ?? suites[0] ?? misuse('ERR_TLS_CONFIG', `the provider ${this.#provider.name} has no suite`);
  }
}

/** Where a server keeps what its tickets name. Entries may be dropped at any time. */
export interface ServerSessionStore {
  /** @param lifetime seconds after which it may be forgotten */
  put(id: Uint8Array, state: Uint8Array, lifetime: number): Awaitable<void>;
  /** Answers it and forgets it: a ticket is good for one resumption. */
  take(id: Uint8Array): Awaitable<Uint8Array | undefined>;
}

/** Tickets that are random names of what a store keeps: they can be revoked, and used once only. */
export class StoredTickets implements TicketSealer {
  readonly #store: ServerSessionStore;
  readonly #random: CryptoProvider['random'];

  constructor(store: ServerSessionStore, provider: Pick<CryptoProvider, 'random'>) {
    this.#store = store;
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
const TWELVE_HOURS = 12 * 3600 * 1000;
