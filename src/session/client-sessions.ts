import type { Awaitable } from '../crypto/provider.ts';
import { count } from '../options.ts';
import type { Session } from './session.ts';

/** Says which connections a session is for: a client offers it only where the whole key is equal. */
export interface SessionKey {
  readonly host: string;
  readonly port: number | string;
  /** ALPN names, best first. */
  readonly alpn: readonly string[];
  /** A name of the configuration: configurations with different trust need different names. */
  readonly identity: string;
}

/** A client's store of sessions. A session is for one use (RFC 9846 Appendix C.4), so `take` removes it. */
export interface ClientSessionStore {
  /** Returns a session and removes it from the store; undefined where the store has none. */
  take(key: SessionKey): Awaitable<Session | undefined>;
  /** Keeps a session. The store takes ownership of its secret. */
  put(key: SessionKey, session: Session): void;
}

/**
 * Keeps a client's sessions in memory. Above its limit it drops the key that was used longest ago.
 *
 * @example
 * ```js
 * import { Connection, SessionCache, verifier } from 'opentls/core';
 * import { noble } from 'opentls/crypto/noble';
 * import { TrustStore } from 'opentls/x509';
 *
 * const cache = new SessionCache();
 * const name = { host: 'localhost', port: 443, alpn: [], identity: 'one trust store' };
 * const client = Connection.client({
 *   provider: noble,
 *   serverName: 'localhost',
 *   verifyChain: verifier({ trust: TrustStore.from(chain), verifiers: noble.verifiers }),
 *   takeSession: () => cache.take(name),
 * });
 * // When `client.poll()` answers { type: 'session', session }: cache.put(name, session)
 * console.log(cache.size); // 0
 * ```
 */
export class SessionCache implements ClientSessionStore {
  readonly #limit: number;
  readonly #perKey: number;
  readonly #sessions = new Map<string, Session[]>();

  /**
   * @param limit keys at most
   * @param perKey sessions of one key at most: connections that a client opens at the same time need one each
   * @throws TlsError ERR_TLS_CONFIG for a limit that is not a number: it would bound nothing
   */
  constructor(limit = 1000, perKey = 4) {
    this.#limit = count(limit, 'limit');
    this.#perKey = count(perKey, 'perKey');
  }

  /** Keys in use. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Returns the newest session of a key and removes it. */
  take(key: SessionKey): Session | undefined {
    const text = textOf(key);
    const kept = this.#sessions.get(text);
    // The newest ticket expires last.
    const session = kept?.pop();
    if (kept !== undefined) this.#sessions.delete(text);
    if (kept !== undefined && kept.length > 0) this.#sessions.set(text, kept);
    return session;
  }

  /** Keeps a session, and wipes the sessions that it displaces. */
  put(key: SessionKey, session: Session): void {
    const text = textOf(key);
    const kept = this.#sessions.get(text) ?? [];
    kept.push(session);
    if (kept.length > this.#perKey) forget(kept.splice(0, 1));
    this.#sessions.delete(text);
    this.#sessions.set(text, kept);
    for (const [oldest, sessions] of this.#sessions) {
      if (this.#sessions.size <= this.#limit) return;
      forget(sessions);
      this.#sessions.delete(oldest);
    }
  }

  /** Removes and wipes the sessions of one key. */
  delete(key: SessionKey): void {
    const text = textOf(key);
    forget(this.#sessions.get(text) ?? []);
    this.#sessions.delete(text);
  }

  /** Removes and wipes all sessions. */
  clear(): void {
    for (const sessions of this.#sessions.values()) forget(sessions);
    this.#sessions.clear();
  }
}

function forget(sessions: readonly Session[]): void {
  for (const { psk } of sessions) psk.wipe();
}

function textOf({ host, port, alpn, identity }: SessionKey): string {
  return JSON.stringify([host, port, alpn, identity]);
}
