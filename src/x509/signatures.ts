import { toHex } from '../bytes/hex.ts';
import type { Hash, SignatureAlgorithm, SignatureVerifier } from '../crypto/provider.ts';
import type { Budget } from './path.ts';
import { type Steps, wait } from './steps.ts';

/** What is signed and how: a certificate, a revocation list, an OCSP response, a certificate timestamp. */
export interface SignedData {
  readonly algorithm: SignatureAlgorithm;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  /** Of RSASSA-PSS, where it is not as long as the hash. */
  readonly saltLength?: number | undefined;
}

/** An algorithm for which the caller has no verifier. */
export class UnsupportedAlgorithm extends Error {}

/** The public-key operations of one verification, within its budget. */
export class Signatures {
  readonly #verifiers: readonly SignatureVerifier[];
  readonly #budget: Budget;
  readonly #cache: SignatureCache | undefined;

  constructor(verifiers: readonly SignatureVerifier[], budget: Budget, cache: SignatureCache | undefined) {
    this.#verifiers = verifiers;
    this.#budget = budget;
    this.#cache = cache;
  }

  /**
   * @param spki SubjectPublicKeyInfo of the signer, DER
   * @throws UnsupportedAlgorithm
   * @throws BudgetExceeded
   */
  *verify(spki: Uint8Array, signed: SignedData): Steps<boolean> {
    const key = this.#cache?.keyOf(spki, signed);
    if (key !== undefined && this.#cache?.has(key) === true) return true;
    const verifier = this.#verifiers.find(({ algorithm }) => algorithm === signed.algorithm);
    if (verifier === undefined) throw new UnsupportedAlgorithm(`no verifier for ${signed.algorithm}`);
    this.#budget.spendSignature();
    const good = yield* wait(verifier.verify(spki, signed.message, signed.signature, signed.saltLength));
    if (good && key !== undefined) this.#cache?.add(key);
    return good;
  }
}

export interface SignatureCacheOptions {
  /** SHA-256, of any provider. */
  readonly hash: Hash;
  /** Signatures remembered at most; the one used longest ago makes room. Default 1,000: about 100 KiB. */
  readonly size?: number;
}

/**
 * Signatures that were found good, so that a chain met again costs none. Belongs to whoever makes it: one per trust
 * context. Only good ones are kept: a stranger cannot fill it with what is false.
 */
export class SignatureCache {
  readonly #hash: Hash;
  readonly #size: number;
  readonly #good = new Set<string>();

  constructor({ hash, size = 1_000 }: SignatureCacheOptions) {
    this.#hash = hash;
    this.#size = size;
  }

  get size(): number {
    return this.#good.size;
  }

  /** Lengths keep the parts apart, so that no two checks share a key. */
  keyOf(spki: Uint8Array, { algorithm, message, signature, saltLength }: SignedData): string {
    const running = this.#hash.start();
    running.update(Uint8Array.from([...algorithm, ...`${saltLength ?? ''}`], (letter) => letter.charCodeAt(0)));
    for (const part of [spki, message, signature]) {
      running.update(new Uint8Array(Uint32Array.of(part.length).buffer));
      running.update(part);
    }
    return toHex(running.digest());
  }

  has(key: string): boolean {
    const found = this.#good.delete(key);
    if (found) this.#good.add(key);
    return found;
  }

  add(key: string): void {
    this.#good.add(key);
    const [oldest] = this.#good;
    if (this.#good.size > this.#size && oldest !== undefined) this.#good.delete(oldest);
  }
}
