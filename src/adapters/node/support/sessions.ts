/** Session tickets as `node:tls` handles them: by keys, or by the events of the server. */
import type { EventEmitter } from 'node:events';
import { type Awaitable, type CryptoProvider, type Hash, isThenable } from '../../../crypto/provider.ts';
import {
  decodeSession,
  encodeSession,
  encodeState,
  type Session,
  type SessionState,
} from '../../../session/session.ts';
import { type ServerSessionStore, StoredTickets, TicketKeys, type TicketSealer } from '../../../session/tickets.ts';
import { codedError, invalidKeyType, throwLater } from './errors.ts';

/** A key of 48 bytes, or several: the server seals tickets with the first and opens them with each. */
export type TicketKeyInput = NodeJS.ArrayBufferView | readonly NodeJS.ArrayBufferView[];

/**
 * The keys as a list of at least one.
 * @throws ERR_INVALID_ARG_TYPE for anything else
 */
export function ticketKeyList(keys: unknown, name: string): readonly NodeJS.ArrayBufferView[] {
  const list: readonly unknown[] = Array.isArray(keys) ? keys : [keys];
  const views = list.filter((key): key is NodeJS.ArrayBufferView => ArrayBuffer.isView(key));
  if (views.length > 0 && views.length === list.length) return views;
  throw invalidKeyType(name, 'an instance of Buffer, TypedArray, or DataView', keys);
}

/** Makes the ticket keys of a context: those given, or random ones that it replaces from time to time. */
export function ticketKeysOf(
  provider: CryptoProvider,
  keys: TicketKeyInput | null | undefined,
  context: string | null | undefined,
  now: () => number,
): TicketKeys {
  return new TicketKeys(provider, {
    now,
    context: context ? Buffer.from(context) : undefined,
    ...(keys && { keys: ticketKeyList(keys, 'keys').map(bytesOf) }),
  });
}

/**
 * Makes the tickets of a server tell its listeners. With listeners for both 'newSession' and 'resumeSession', the application
 * stores the sessions, and only those that it answers are resumed. Else the tickets hold the sessions.
 * @param fail ends the connection with the error of a listener
 */
export function ticketsOf(
  server: EventEmitter | undefined,
  tickets: TicketSealer,
  provider: CryptoProvider,
  fail: (error: Error) => void,
): TicketSealer {
  if (server === undefined) return tickets;
  const stored = server.listenerCount('newSession') > 0;
  const resumed = server.listenerCount('resumeSession') > 0;
  const store = new EventStore(server, fail);
  if (stored && resumed) return new StoredTickets(store, provider);
  return stored || resumed ? new AnnouncedTickets(store, tickets, provider) : tickets;
}

/** Encodes a session for `getSession()`, the 'session' event and the `session` option. */
export function toBlob(session: Session): Buffer {
  return Buffer.from(encodeSession(session));
}

/**
 * The answer of `getSession()` before there is a session. It resumes nothing, like that of `node:tls` in TLS 1.3, but spares
 * programs that expect bytes.
 */
export function noSession(): Buffer {
  return Buffer.from('opentls: no session');
}

/**
 * Decodes what {@link toBlob} made.
 * @returns undefined for other bytes: `node:tls` ignores a session that it cannot read, too
 */
export function fromBlob(blob: unknown): Session | undefined {
  if (blob === undefined || blob === null) return undefined;
  if (typeof blob === 'string') return decodeSession(Buffer.from(blob, 'latin1'));
  if (!ArrayBuffer.isView(blob)) {
    throw codedError('ERR_INVALID_ARG_TYPE', 'Session must be a buffer', undefined, TypeError);
  }
  return decodeSession(bytesOf(blob));
}

/** Stores sessions by the events of a server: 'newSession' (id, data, callback) and 'resumeSession' (id, callback). */
class EventStore implements ServerSessionStore {
  readonly #server: EventEmitter;
  readonly #fail: (error: Error) => void;

  constructor(server: EventEmitter, fail: (error: Error) => void) {
    this.#server = server;
    this.#fail = fail;
  }

  /** Answers without a promise where the listener does: the ticket then goes out ahead of the next write. */
  put(id: Uint8Array, state: Uint8Array): Awaitable<void> {
    let kept = false;
    let settle: (() => void) | undefined;
    const answer = (): void => {
      kept = true;
      settle?.();
    };
    try {
      if (!this.#server.emit('newSession', Buffer.from(id), Buffer.from(state), answer)) return;
    } catch (error) {
      return throwLater(error);
    }
    if (kept) return;
    return new Promise((resolve) => {
      settle = resolve;
    });
  }

  take(id: Uint8Array): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      let answered = false;
      const answer = (error: Error | null | undefined, data?: Uint8Array | null): void => {
        if (answered) return this.#fail(codedError('ERR_MULTIPLE_CALLBACK', 'Callback called multiple times'));
        answered = true;
        if (error) this.#fail(error);
        resolve(data ?? undefined);
      };
      try {
        if (!this.#server.emit('resumeSession', Buffer.from(id), answer)) resolve(undefined);
      } catch (error) {
        this.#fail(error instanceof Error ? error : new Error(String(error)));
        resolve(undefined);
      }
    });
  }
}

/** Tickets that hold the session, for a server with listeners for only one of 'newSession' and 'resumeSession'. */
class AnnouncedTickets implements TicketSealer {
  readonly #store: EventStore;
  readonly #tickets: TicketSealer;
  readonly #hash: Hash;

  constructor(store: EventStore, tickets: TicketSealer, { hashes }: CryptoProvider) {
    this.#store = store;
    this.#tickets = tickets;
    this.#hash = hashes.sha256;
  }

  seal(state: SessionState): Awaitable<Uint8Array | undefined> {
    const ticket = this.#tickets.seal(state);
    return isThenable(ticket) ? ticket.then((bytes) => this.#announce(bytes, state)) : this.#announce(ticket, state);
  }

  async open(ticket: Uint8Array): Promise<SessionState | undefined> {
    await this.#store.take(this.#hash.digest(ticket));
    return this.#tickets.open(ticket);
  }

  #announce(ticket: Uint8Array | undefined, state: SessionState): Awaitable<Uint8Array | undefined> {
    if (ticket === undefined) return undefined;
    const told = this.#store.put(this.#hash.digest(ticket), encodeState(state));
    return isThenable(told) ? told.then(() => ticket) : ticket;
  }
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
