import { misuse } from '../errors.ts';

/** The use of a secret: the labels of RFC 9846 §7.1, and those of secrets that enter or leave the key schedule. */
export type SecretLabel =
  | 'psk'
  | 'shared'
  | 'early'
  | 'handshake'
  | 'main'
  | 'binder'
  | 'c e traffic'
  | 'e exp master'
  | 'c hs traffic'
  | 's hs traffic'
  | 'c ap traffic'
  | 's ap traffic'
  | 'exp master'
  | 'res master'
  | 'finished'
  | 'key'
  | 'private key';

/** Traffic secrets: each gives the key and IV of one direction (RFC 9846 §7.3). */
export type TrafficLabel = 'c e traffic' | 'c hs traffic' | 's hs traffic' | 'c ap traffic' | 's ap traffic';

/**
 * Secret bytes with their purpose in the type: a `Secret<'c hs traffic'>` is neither a `Uint8Array` nor a
 * `Secret<'s hs traffic'>`. The bytes never show in JSON, `inspect` or string conversion.
 *
 * The constructor takes ownership of `bytes`: the caller must not keep them. It throws ERR_TLS_CONFIG for a value that is
 * not a Uint8Array.
 */
export class Secret<L extends SecretLabel> {
  readonly label: L;
  readonly length: number;
  #bytes: Uint8Array | undefined;

  constructor(label: L, bytes: Uint8Array) {
    // The message does not show the value: it may be a key in another form.
    if (!(bytes instanceof Uint8Array))
      misuse('ERR_TLS_CONFIG', `the bytes of a Secret '${label}' must be a Uint8Array`);
    this.label = label;
    this.length = bytes.length;
    this.#bytes = bytes;
  }

  /**
   * The bytes themselves, not a copy. Allowed in `keys/` and `providers/` only (test/layers.test.ts).
   * @throws TlsError ERR_TLS_SECRET_WIPED after {@link wipe}
   */
  expose(): Uint8Array {
    return this.#bytes ?? misuse('ERR_TLS_SECRET_WIPED', `the secret '${this.label}' is used after it was wiped`);
  }

  get wiped(): boolean {
    return this.#bytes === undefined;
  }

  /** Overwrites the bytes. The garbage collector and the JIT compiler may have made copies of them before. */
  wipe(): void {
    this.#bytes?.fill(0);
    this.#bytes = undefined;
  }

  /** The label alone. */
  toJSON(): string {
    return this.toString();
  }

  /** The label alone. */
  toString(): string {
    return `[Secret ${this.label}]`;
  }
}
