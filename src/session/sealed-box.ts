import { concat } from '../bytes/concat.ts';
import { equal } from '../bytes/equal.ts';
import { wipe } from '../bytes/wipe.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { misuse } from '../errors.ts';
import { ticketKey } from '../keys/ticket-key.ts';
import { bytes, clock, duration, having, listOf, object, type Rules, secretBytes, settle } from '../options.ts';
import { CipherSuiteId } from '../wire/enums.ts';

/** 16 bytes of name and 32 of secret, the length that `node:tls` has for `ticketKeys`. */
export const TICKET_KEYS_LENGTH = 48;
const NAME = 16;
const SALT = 16;

interface BoxKey {
  readonly name: Uint8Array;
  readonly secret: Uint8Array;
  readonly madeAt: number;
}

export interface SealedBoxOptions {
  /** 48 bytes each: the first seals, and each opens. Default: random keys, which the box replaces by itself. */
  readonly keys?: readonly Uint8Array[] | undefined;
  /** A box opens only what was sealed with an equal context: it separates the sessions of applications. */
  readonly context?: Uint8Array | undefined;
  /** Milliseconds after which the box replaces a random key; the key before it still opens. Default 12 hours. */
  readonly rotation?: number | undefined;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

export const sealedBoxRules: Rules<SealedBoxOptions> = {
  keys: listOf(secretBytes(TICKET_KEYS_LENGTH), 1),
  context: bytes(),
  rotation: duration,
  now: clock,
};

/**
 * Encrypts bytes that a server hands to a client and gets back (RFC 5077 §4 recommends how). Each piece has a key of its
 * own, derived from the long-lived key and a random salt, so no nonce can repeat.
 */
export class SealedBox {
  readonly #provider: CryptoProvider;
  readonly #rotation: number | undefined;
  readonly #context: Uint8Array;
  readonly #now: () => number;
  #keys: readonly BoxKey[];

  /** @throws TlsError ERR_TLS_CONFIG for an option that is not what it must be, such as keys that are not 48 bytes long */
  constructor(provider: CryptoProvider, options: SealedBoxOptions = {}) {
    const { keys, context, rotation, now } = settle<SealedBoxOptions>(options, sealedBoxRules, 'options');
    this.#provider = having<CryptoProvider>('random')(provider, 'provider');
    listOf(object, 1)(provider.suites, 'provider.suites');
    this.#now = now ?? Date.now;
    this.#context = context ?? new Uint8Array(0);
    this.#rotation = keys === undefined ? (rotation ?? TWELVE_HOURS) : undefined;
    this.#keys = (keys ?? [provider.random(TICKET_KEYS_LENGTH)]).map((key) => this.#keyOf(key));
  }

  /** A copy of the key that seals now. */
  get current(): Uint8Array {
    const { name, secret } = this.#sealing();
    return concat([name, secret]);
  }

  seal(plain: Uint8Array): Uint8Array {
    const { name, secret } = this.#sealing();
    const salt = this.#provider.random(SALT);
    const { aead, nonce } = ticketKey(this.#suite(), secret, salt);
    const body = new Uint8Array(plain.length + this.#suite().aead.tagLength);
    body.set(plain);
    aead.seal(nonce, concat([name, salt, this.#context]), body, plain.length);
    aead.wipe();
    return concat([name, salt, body]);
  }

  /** @returns undefined for bytes that none of the keys has sealed in this context */
  open(sealed: Uint8Array): Uint8Array | undefined {
    const suite = this.#suite();
    const length = sealed.length - NAME - SALT - suite.aead.tagLength;
    const key = this.#keys.find(({ name }) => equal(name, sealed.subarray(0, NAME)));
    if (key === undefined || length < 0 || this.#isRetired(key)) return undefined;
    const { aead, nonce } = ticketKey(suite, key.secret, sealed.subarray(NAME, NAME + SALT));
    const plain = new Uint8Array(length);
    const aad = concat([sealed.subarray(0, NAME + SALT), this.#context]);
    const good = aead.open(nonce, aad, sealed.subarray(NAME + SALT), plain);
    aead.wipe();
    return good ? plain : undefined;
  }

  #sealing(): BoxKey {
    const [current] = this.#keys;
    if (current === undefined) return misuse('ERR_TLS_CONFIG', 'ticket keys: at least one is needed');
    if (this.#rotation === undefined || this.#now() - current.madeAt < this.#rotation) return current;
    const [, ...retired] = this.#keys;
    for (const { secret } of retired) wipe(secret);
    const next = this.#keyOf(this.#provider.random(TICKET_KEYS_LENGTH));
    this.#keys = [next, current];
    return next;
  }

  /** Whether a key is too old to open: a server that seals nothing does not replace its keys. */
  #isRetired({ madeAt }: BoxKey): boolean {
    return this.#rotation !== undefined && this.#now() - madeAt >= 2 * this.#rotation;
  }

  #keyOf(key: Uint8Array): BoxKey {
    return { name: key.slice(0, NAME), secret: key.slice(NAME), madeAt: this.#now() };
  }

  /** The suite that seals: the same with every provider, so that servers with different providers can share keys. */
  #suite(): CryptoProvider['suites'][number] {
    const { suites } = this.#provider;
    const common = suites.find(({ id }) => id === CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256);
    return common ?? suites[0] ?? misuse('ERR_TLS_CONFIG', `the provider ${this.#provider.name} has no suite`);
  }
}

const TWELVE_HOURS = 12 * 3600 * 1000;
