/** Session tickets as `node:tls` handles them: by keys, or by the events of the server. */
import type { EventEmitter } from 'node:events';
import type { Awaitable, CryptoProvider } from '../../../crypto/provider.ts';
import { decodeSession, encodeSession, type Session } from '../../../session/session.ts';
import { type ServerSessionStore, StoredTickets, TicketKeys, type TicketSealer } from '../../../session/tickets.ts';
import { invalidKeyType, validateBuffer } from './errors.ts';

/** 48 bytes, or several of them: the first seals, all of them open. */
export type TicketKeyInput = NodeJS.ArrayBufferView | readonly NodeJS.ArrayBufferView[];

/**
 * @returns each of them
 * @throws ERR_INVALID_ARG_TYPE for what is none
 */
export function ticketKeyList(keys: unknown, name: string): readonly NodeJS.ArrayBufferView[] {
  const list: readonly unknown[] = Array.isArray(keys) ? keys : [keys];
  const views = list.filter((key): key is NodeJS.ArrayBufferView => ArrayBuffer.isView(key));
  if (views.length > 0 && views.length === list.length) return views;
  throw invalidKeyType(name, 'an instance of Buffer, TypedArray, or DataView', keys);
}

/** The keys of a context: those given, or random ones that replace themselves. */
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

/** Where somebody listens for 'newSession' or 'resumeSession', sessions are theirs to keep; else `tickets` holds them. */
export function ticketsOf(
  server: EventEmitter | undefined,
  tickets: TicketSealer,
  provider: CryptoProvider,
): TicketSealer {
  if (server === undefined) return tickets;
  const listened = server.listenerCount('newSession') + server.listenerCount('resumeSession') > 0;
  return listened ? new StoredTickets(new EventStore(server), provider) : tickets;
}

/** What `getSession()` and the 'session' event give, and the `session` option takes. */
export function toBlob(session: Session): Buffer {
  return Buffer.from(encodeSession(session));
}

/** Anything but a session of ours is no session, as `node:tls` has it. */
export function fromBlob(blob: unknown): Session | undefined {
  if (blob === undefined || blob === null) return undefined;
  if (typeof blob === 'string') return decodeSession(Buffer.from(blob, 'latin1'));
  validateBuffer(blob, 'session');
  return decodeSession(bytesOf(blob));
}

/** A store behind the events of a server: `(id, data, callback)` and `(id, callback)`. */
class EventStore implements ServerSessionStore {
  readonly #server: EventEmitter;

  constructor(server: EventEmitter) {
    this.#server = server;
  }

  /** At once, where the listener answers at once: the ticket goes out before what is written next. */
  put(id: Uint8Array, state: Uint8Array): Awaitable<void> {
    let kept = false;
    let settle: (() => void) | undefined;
    const answer = (): void => {
      kept = true;
      settle?.();
    };
    if (!this.#server.emit('newSession', Buffer.from(id), Buffer.from(state), answer) || kept) return;
    return new Promise((resolve) => {
      settle = resolve;
    });
  }

  take(id: Uint8Array): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      const answer = (error: Error | null | undefined, data?: Uint8Array | null): void => {
        if (error) reject(error);
        else resolve(data ?? undefined);
      };
      if (!this.#server.emit('resumeSession', Buffer.from(id), answer)) resolve(undefined);
    });
  }
}

function bytesOf(view: NodeJS.ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
