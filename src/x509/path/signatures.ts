import { toHex } from '../../bytes/hex.ts';
import type { Hash, SignatureAlgorithm, SignatureVerifier } from '../../crypto/provider.ts';
import { bytes, count, having, listOf, type Rules, settle, wrong } from '../../options.ts';
import { type Certificate, certificateRead } from '../certificate/certificate.ts';
import type { Budget } from './build.ts';
import { type Steps, wait } from './steps.ts';

/** Signed bytes and their signature: of a certificate, a revocation list, an OCSP response or a certificate timestamp. */
export interface SignedData {
  readonly algorithm: SignatureAlgorithm;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  /** The salt length of RSASSA-PSS, where it is not that of the hash. */
  readonly saltLength?: number | undefined;
}

/** An algorithm for which the caller has no verifier. */
export class UnsupportedAlgorithm extends Error {}

/** The signed data of a certificate, a list or a response. @returns undefined where the algorithm is not known */
export function signedData({ signature, tbs }: Pick<Certificate, 'signature' | 'tbs'>): SignedData | undefined {
  const { algorithm, bytes, saltLength } = signature;
  return algorithm === undefined ? undefined : { algorithm, message: tbs, signature: bytes, saltLength };
}

/**
 * The signatures of a path that was verified, for {@link SignatureCacheOptions.good}.
 * @param path leaf first, to the anchor
 * @param hash SHA-256
 * @returns 32 bytes for each certificate below the anchor
 * @throws TlsError ERR_TLS_CONFIG for what is no path of certificates, or no hash
 */
export function pathSignatures(path: readonly Certificate[], hash: Hash): readonly Uint8Array[] {
  listOf(certificateRead)(path, 'pathSignatures: path');
  having<Hash>('start')(hash, 'pathSignatures: hash');
  return path.slice(0, -1).flatMap((certificate, at) => {
    const issuer = path[at + 1];
    const signed = signedData(certificate);
    return issuer === undefined || signed === undefined ? [] : [digestOf(hash, issuer.spki, signed)];
  });
}

/** Lengths keep the parts apart, so that no two checks share a digest. */
function digestOf(hash: Hash, spki: Uint8Array, { algorithm, message, signature, saltLength }: SignedData): Uint8Array {
  const running = hash.start();
  running.update(Uint8Array.from([...algorithm, ...`${saltLength ?? ''}`], (letter) => letter.charCodeAt(0)));
  for (const part of [spki, message, signature]) {
    running.update(new Uint8Array(Uint32Array.of(part.length).buffer));
    running.update(part);
  }
  return running.digest();
}

/** The public-key operations of one verification, within its budget. */
export class Signatures {
  readonly #verifiers: readonly SignatureVerifier[];
  readonly #budget: Budget;
  readonly #cache: SignatureCache | undefined;
  readonly #remembered: SignatureCache | undefined;

  /**
   * @param cache where those found good are kept
   * @param remembered more that are good, for this verification alone
   */
  constructor(
    verifiers: readonly SignatureVerifier[],
    budget: Budget,
    cache?: SignatureCache | undefined,
    remembered?: SignatureCache | undefined,
  ) {
    this.#verifiers = verifiers;
    this.#budget = budget;
    this.#cache = cache;
    this.#remembered = remembered;
  }

  /**
   * @param spki SubjectPublicKeyInfo of the signer, DER
   * @throws UnsupportedAlgorithm
   * @throws BudgetExceeded
   */
  *verify(spki: Uint8Array, signed: SignedData): Steps<boolean> {
    // Before the cache: another context may have accepted an algorithm that these verifiers do not.
    const verifier = this.#verifiers.find(({ algorithm }) => algorithm === signed.algorithm);
    if (verifier === undefined) throw new UnsupportedAlgorithm(`no verifier for ${signed.algorithm}`);
    const key = this.#cache?.keyOf(spki, signed);
    if (key !== undefined && this.#cache?.has(key) === true) return true;
    if (this.#remembered?.has(this.#remembered.keyOf(spki, signed)) === true) return true;
    this.#budget.spendSignature();
    const good = yield* wait(verifier.verify(spki, signed.message, signed.signature, signed.saltLength));
    if (good && key !== undefined) this.#cache?.add(key);
    return good;
  }
}

/** Options of {@link SignatureCache}. */
export interface SignatureCacheOptions {
  /** SHA-256, of any provider. */
  readonly hash: Hash;
  /** Signatures remembered at most; the one used longest ago makes room. Default 1,000: about 100 KiB. */
  readonly size?: number;
  /** To begin with: what {@link pathSignatures} gave. */
  readonly good?: readonly Uint8Array[];
}

const cacheRules: Rules<SignatureCacheOptions> = { hash: having<Hash>('start'), size: count, good: listOf(bytes()) };

/**
 * Remembers signatures that were found good, so that a chain that comes again costs none. Make one for each trust context.
 * The cache keeps good signatures alone: a peer cannot fill it with false ones.
 *
 * @example
 * ```js
 * import { noble } from 'opentls/crypto/noble';
 * import { SignatureCache, TrustStore, verifyPeer } from 'opentls/x509';
 *
 * const cache = new SignatureCache({ hash: noble.hashes.sha256 });
 * const [trust, verifiers, time] = [TrustStore.from(chain), noble.verifiers, Date.now()];
 * const verdict = await verifyPeer(chain, { trust, verifiers, cache, name: 'any', purpose: 'server', time });
 * console.log(verdict.ok, cache.size); // true 0
 * ```
 */
export class SignatureCache {
  readonly #hash: Hash;
  readonly #size: number;
  readonly #good: Set<string>;

  /** @throws TlsError ERR_TLS_CONFIG for an option that is not what it must be */
  constructor(options: SignatureCacheOptions) {
    const { hash, size = 1_000, good = [] } = settle<SignatureCacheOptions>(options, cacheRules, 'options');
    this.#hash = hash ?? wrong('options.hash', 'given', undefined);
    this.#size = size;
    this.#good = new Set(good.map(toHex));
  }

  get size(): number {
    return this.#good.size;
  }

  /** The name under which a signature is kept: a hash of the key, the message and the signature. */
  keyOf(spki: Uint8Array, signed: SignedData): string {
    return toHex(digestOf(this.#hash, spki, signed));
  }

  /** Whether a signature was found good, by {@link keyOf}; it then counts as used last. */
  has(key: string): boolean {
    const found = this.#good.delete(key);
    if (found) this.#good.add(key);
    return found;
  }

  /** Keeps a signature that was found good. */
  add(key: string): void {
    this.#good.add(key);
    const [oldest] = this.#good;
    if (this.#good.size > this.#size && oldest !== undefined) this.#good.delete(oldest);
  }
}
