import type { Awaitable, SignatureVerifier } from '../crypto/provider.ts';
import { type CertificateErrorCode, TlsError } from '../errors.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { CheckFailure, checkPath, type Purpose } from './checks.ts';
import { DerError } from './der.ts';
import { matchName, type PeerName } from './identity.ts';
import { explainNoPath, vouches } from './no-path.ts';
import { Budget, BudgetExceeded, type BudgetLimits, buildPaths, DEFAULT_MAX_DEPTH, type Path } from './path.ts';
import { type Profile, webpki } from './profile.ts';
import { type SignatureCache, Signatures, UnsupportedAlgorithm } from './signatures.ts';
import { run, type Steps } from './steps.ts';
import type { TrustStore } from './trust.ts';

declare const verifiedBrand: unique symbol;

/**
 * Proof that a chain was judged. Only {@link verifyPeer} makes one with `verified: true`; only
 * {@link dangerouslyTrust} makes one without.
 */
export interface VerifiedPeer {
  readonly [verifiedBrand]: true;
  /** Leaf first: the path to the anchor, or what was presented where nothing was verified. */
  readonly certificates: readonly Certificate[];
  readonly verified: boolean;
  /** Why it is not verified. */
  readonly failure: Failure | undefined;
}

export interface VerifyOptions {
  readonly trust: TrustStore;
  readonly verifiers: readonly SignatureVerifier[];
  /** Which the leaf must be for; a list means any of them. Absent: names are not looked at. */
  readonly name?: PeerName | readonly PeerName[] | undefined;
  readonly purpose: Purpose;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Default {@link webpki}. */
  readonly profile?: Profile | undefined;
  /** Intermediates in a path at most. Default 8. */
  readonly maxDepth?: number | undefined;
  readonly budget?: Partial<BudgetLimits> | undefined;
  /** Signatures already found good; shared by the verifications of one context. Default none. */
  readonly cache?: SignatureCache | undefined;
}

/** Why a path, or the whole, was refused. */
export interface Failure {
  readonly code: CertificateErrorCode;
  readonly reason: string;
}

export interface FailedPath extends Failure {
  readonly certificates: readonly Certificate[];
  /** Index in `certificates` of the one that failed. */
  readonly at: number;
}

export type Verdict =
  | { readonly ok: true; readonly peer: VerifiedPeer }
  /** `paths`: every path that was tried, most specific failure first. */
  | (Failure & { readonly ok: false; readonly paths: readonly FailedPath[] });

/**
 * Whether a chain leads to a trust anchor (RFC 5280 §6) and is for the peer that was asked for. Cheap checks come
 * first, then signatures of whole paths. Answers at once where all verifiers do.
 * @param chain DER, leaf first, as presented: others may be in any order, missing or too many (RFC 9846 §4.5.1)
 */
export function verifyPeer(chain: readonly Uint8Array[], options: VerifyOptions): Awaitable<Verdict> {
  return run(judge(chain, options));
}

function* judge(chain: readonly Uint8Array[], options: VerifyOptions): Steps<Verdict> {
  const { trust, maxDepth = DEFAULT_MAX_DEPTH } = options;
  let leaf: Certificate;
  try {
    leaf = parseCertificate(chain[0] ?? new Uint8Array(0));
  } catch (error) {
    return refused(asFailure(error), []);
  }
  const intermediates = parseIntermediates(chain.slice(1));
  const budget = new Budget(options.budget);
  const paths = buildPaths(leaf, intermediates, trust, budget, maxDepth);
  const search = new Search(paths, budget, options);
  const found = yield* search.firstGood();
  if (found === undefined) {
    if (search.failures.some((failure) => !isStrangers(failure))) return worstOf(search.failures);
    return worstOf([explainNoPath(leaf, intermediates, trust, options.time, maxDepth), ...search.failures]);
  }
  const mismatch = nameFailure(leaf, options.name);
  return mismatch === undefined ? { ok: true, peer: mint(found, true, undefined) } : refused(mismatch, []);
}

/**
 * Takes a chain as it is, verified or not: for callers that decide by other means, or not at all. The mark
 * `verified: false` stays with it.
 * @throws TlsError INVALID_CERTIFICATE for a leaf that cannot be read
 */
export function dangerouslyTrust(chain: readonly Uint8Array[], failure?: Failure): VerifiedPeer {
  const leaf = parseCertificate(chain[0] ?? new Uint8Array(0));
  return mint([leaf, ...parseIntermediates(chain.slice(1))], false, failure);
}

/** Tries path after path until one stands. */
class Search {
  readonly failures: FailedPath[] = [];
  readonly #paths: Iterator<Path>;
  readonly #budget: Budget;
  readonly #signatures: Signatures;
  readonly #options: VerifyOptions;

  constructor(paths: Iterator<Path>, budget: Budget, options: VerifyOptions) {
    this.#paths = paths;
    this.#budget = budget;
    this.#signatures = new Signatures(options.verifiers, budget, options.cache);
    this.#options = options;
  }

  *firstGood(): Steps<Path | undefined> {
    for (let path = this.#next(); path !== undefined; path = this.#next()) {
      try {
        this.#checkTrust(path);
        checkPath(path, this.#options, this.#options.profile ?? webpki, this.#budget);
        yield* this.#checkSignatures(path);
        return path;
      } catch (error) {
        const at = error instanceof CheckFailure ? error.at : 0;
        this.failures.push({ ...asFailure(error), certificates: path, at });
        // What is spent is spent for every other path, too.
        if (error instanceof BudgetExceeded) return undefined;
      }
    }
    return undefined;
  }

  #next(): Path | undefined {
    try {
      const { value, done } = this.#paths.next();
      return done === true ? undefined : value;
    } catch (error) {
      if (!(error instanceof BudgetExceeded)) throw error;
      this.failures.push({ code: 'BUDGET_EXCEEDED', reason: error.message, certificates: [], at: 0 });
      return undefined;
    }
  }

  #checkTrust(path: Path): void {
    const at = path.findIndex((certificate) => this.#options.trust.distrusts(certificate));
    if (at !== -1) throw new CheckFailure('CERT_REJECTED', 'certificate rejected', at);
  }

  /** From the anchor down, so that what is trusted vouches for the next. An anchor's own signature says nothing. */
  *#checkSignatures(path: Path): Steps<void> {
    for (let at = path.length - 2; at >= 0; at--) {
      const certificate = path[at];
      const issuer = path[at + 1];
      if (certificate === undefined || issuer === undefined) return;
      const { algorithm, bytes } = certificate.signature;
      // checkPath has refused what is not known; this keeps the types honest.
      if (algorithm === undefined) throw new UnsupportedAlgorithm(certificate.signature.oid);
      const signed = { algorithm, message: certificate.tbs, signature: bytes };
      const good = yield* this.#signatures.verify(issuer.spki, signed);
      if (!good) throw new CheckFailure('CERT_SIGNATURE_FAILURE', 'certificate signature failure', at);
    }
  }
}

/** What cannot be read cannot be part of a path; that alone is no reason to refuse the others. */
function parseIntermediates(chain: readonly Uint8Array[]): readonly Certificate[] {
  return chain.flatMap((der) => {
    try {
      return [parseCertificate(der)];
    } catch {
      return [];
    }
  });
}

function nameFailure(leaf: Certificate, names: VerifyOptions['name']): Failure | undefined {
  if (names === undefined) return undefined;
  const wanted = 'length' in names ? names : [names];
  try {
    if (wanted.some((name) => matchName(leaf, name))) return undefined;
    return { code: 'HOSTNAME_MISMATCH', reason: 'the certificate is not for this name' };
  } catch (error) {
    return asFailure(error);
  }
}

function asFailure(error: unknown): Failure {
  if (error instanceof CheckFailure) return { code: error.code, reason: error.message };
  if (error instanceof UnsupportedAlgorithm) return { code: 'UNSUPPORTED_SIGNATURE_ALGORITHM', reason: error.message };
  if (error instanceof BudgetExceeded) return { code: 'BUDGET_EXCEEDED', reason: error.message };
  if (error instanceof DerError) return { code: 'INVALID_EXTENSION', reason: error.message };
  if (error instanceof TlsError && error.code === 'INVALID_CERTIFICATE')
    return { code: error.code, reason: error.message };
  throw error;
}

/** A signature that an authority of the same name, but by its identifier another key, was not going to have made. */
function isStrangers({ code, certificates, at }: FailedPath): boolean {
  const child = certificates[at];
  const issuer = certificates[at + 1];
  if (code !== 'CERT_SIGNATURE_FAILURE' || child === undefined || issuer === undefined) return false;
  return !vouches(issuer, child);
}

/** The failure that says most comes first: a path that stood up to its end but for one thing. */
function worstOf(failures: readonly FailedPath[]): Verdict {
  const ranked = [...failures].sort((a, b) => rank(b) - rank(a));
  const [first] = ranked;
  return refused(first ?? { code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', reason: 'no path' }, ranked);
}

function refused({ code, reason }: Failure, paths: readonly FailedPath[]): Verdict {
  return { ok: false, code, reason, paths };
}

function rank(failure: FailedPath): number {
  return isStrangers(failure) ? Number.NEGATIVE_INFINITY : specificity.indexOf(failure.code);
}

/** Least specific first; what is not listed is less specific still. */
const specificity: readonly CertificateErrorCode[] = [
  'CERT_SIGNATURE_FAILURE',
  'UNSUPPORTED_SIGNATURE_ALGORITHM',
  'CA_MD_TOO_WEAK',
  'INVALID_CA',
  'KEYUSAGE_NO_CERTSIGN',
  'PATH_LENGTH_EXCEEDED',
  'INVALID_PURPOSE',
  'CERT_NOT_YET_VALID',
  'CERT_HAS_EXPIRED',
  'CERT_REVOKED',
  // What was not looked at might have stood.
  'BUDGET_EXCEEDED',
];

function mint(certificates: readonly Certificate[], verified: boolean, failure: Failure | undefined): VerifiedPeer {
  return Object.freeze({ certificates, verified, failure }) as VerifiedPeer;
}
