import type { Certificate } from '../certificate/certificate.ts';
import { type Budget, BudgetExceeded, buildPaths, DEFAULT_MAX_DEPTH, type Path } from '../path/build.ts';
import type { CertificatePool } from '../path/pool.ts';
import { Signatures, signedData, UnsupportedAlgorithm } from '../path/signatures.ts';
import type { Steps } from '../path/steps.ts';
import type { Revocation } from '../revocation/revocation.ts';
import { CheckFailure } from '../rules/check-failure.ts';
import { checkPath } from '../rules/checks.ts';
import { checkPolicies } from '../rules/policies.ts';
import { type Profile, webpki } from '../rules/profile.ts';
import { missingScts, validScts } from '../transparency/transparency.ts';
import type { FailedPath } from './failed-path.ts';
import type { VerifyOptions } from './options.ts';
import { asFailure } from './refusal.ts';

/** A path that passed all checks, and the policies that it is valid for. */
export interface GoodPath {
  readonly path: Path;
  readonly policies: readonly string[];
}

/** Tries path after path from a leaf until one passes all checks. */
export class Search {
  readonly failures: FailedPath[] = [];
  readonly #intermediates: CertificatePool;
  readonly #paths: Iterator<Path>;
  readonly #budget: Budget;
  readonly #signatures: Signatures;
  readonly #revocation: Revocation;
  readonly #options: VerifyOptions;
  readonly #profile: Profile;
  /** Signers of revocation lists whose own paths are being checked: a list may name its own signer. */
  readonly #inQuestion = new Set<Certificate>();
  #exhausted = false;
  /** The first path that ended for its length alone. */
  #cut: FailedPath | undefined;

  constructor(
    leaf: Certificate,
    intermediates: CertificatePool,
    budget: Budget,
    revocation: Revocation,
    options: VerifyOptions,
  ) {
    this.#intermediates = intermediates;
    this.#budget = budget;
    this.#signatures = new Signatures(options.verifiers, budget, options.cache, options.remembered);
    this.#revocation = revocation;
    this.#options = options;
    this.#profile = options.profile ?? webpki;
    this.#paths = this.#pathsFrom(leaf);
  }

  /** Whether the budget is spent: then no more paths are tried. */
  get exhausted(): boolean {
    return this.#exhausted;
  }

  *firstGood(): Steps<GoodPath | undefined> {
    for (let path = this.#next(); path !== undefined; path = this.#next()) {
      try {
        this.#checkTrust(path);
        checkPath(path, this.#options, this.#profile, this.#budget);
        const policies = this.#policiesOf(path);
        yield* this.#checkSignatures(path);
        yield* this.#checkRevocation(path);
        yield* this.#checkTransparency(path);
        return { path, policies };
      } catch (error) {
        const at = error instanceof CheckFailure ? error.at : 0;
        this.failures.push({ ...asFailure(error), certificates: path, at });
        // The budget is that of all paths: it has no room for another one.
        if (error instanceof BudgetExceeded) this.#exhausted = true;
        if (this.#exhausted) return undefined;
      }
    }
    if (this.#cut !== undefined && !this.#exhausted) this.failures.push(this.#cut);
    return undefined;
  }

  #pathsFrom(certificate: Certificate): Generator<Path, void, undefined> {
    const { trust, maxDepth = DEFAULT_MAX_DEPTH } = this.#options;
    return buildPaths(certificate, this.#intermediates, trust, this.#budget, maxDepth, (path) => {
      this.#cut = { code: 'CERT_CHAIN_TOO_LONG', reason: tooLong(maxDepth), certificates: path, at: path.length - 1 };
    });
  }

  #next(): Path | undefined {
    try {
      const { value, done } = this.#paths.next();
      return done === true ? undefined : value;
    } catch (error) {
      if (!(error instanceof BudgetExceeded)) throw error;
      this.failures.push({ ...asFailure(error), certificates: [], at: 0 });
      this.#exhausted = true;
      return undefined;
    }
  }

  #checkTrust(path: Path): void {
    const at = path.findIndex((certificate) => this.#options.trust.distrusts(certificate));
    if (at !== -1) throw new CheckFailure('CERT_REJECTED', 'certificate rejected', at);
  }

  #policiesOf(path: Path): readonly string[] {
    const { policy } = this.#options;
    if (!this.#profile.policies && policy === undefined) return [];
    return checkPolicies(path, policy, (count) => this.#budget.spendPolicies(count));
  }

  *#checkRevocation(path: Path): Steps<void> {
    yield* this.#revocation.check(path, {
      time: this.#options.time,
      profile: this.#profile,
      signatures: this.#signatures,
      budget: this.#budget,
      candidates: (name) => [...this.#intermediates.named(name), ...this.#options.trust.named(name)],
      validate: (candidate) => this.#leadsTo(candidate, path.at(-1)),
    });
  }

  *#checkTransparency([leaf, issuer]: Path): Steps<void> {
    const { transparency, time, revocation } = this.#options;
    if (transparency === undefined || leaf === undefined || issuer === undefined) return;
    const judge = { time, signatures: this.#signatures, stapled: revocation?.stapled?.[0] };
    const valid = yield* validScts(leaf, issuer, transparency, judge);
    const missing = missingScts(leaf, valid, transparency);
    if (missing !== undefined) throw new CheckFailure('NO_VALID_SCTS', missing, 0);
  }

  /**
   * Whether a certificate outside of the path, which signed a CRL, has a path of its own to the same anchor
   * (RFC 5280 §6.3.3 (f)) and is not revoked. A CRL may list the certificate of its own signer: the search then takes
   * the signer for good while it checks that CRL, and the CRL's entry decides.
   */
  *#leadsTo(candidate: Certificate, anchor: Certificate | undefined): Steps<boolean> {
    if (this.#inQuestion.has(candidate)) return true;
    this.#inQuestion.add(candidate);
    try {
      for (const path of this.#pathsFrom(candidate)) {
        if (path.at(-1) === anchor && (yield* this.#stands(path))) return true;
      }
      return false;
    } finally {
      this.#inQuestion.delete(candidate);
    }
  }

  *#stands(path: Path): Steps<boolean> {
    try {
      this.#checkTrust(path);
      checkPath(path, { purpose: 'any', time: this.#options.time }, this.#profile, this.#budget);
      yield* this.#checkSignatures(path);
      yield* this.#checkRevocation(path);
      return true;
    } catch (error) {
      if (error instanceof BudgetExceeded) throw error;
      // asFailure throws errors that are not about a certificate.
      asFailure(error);
      return false;
    }
  }

  /** Checks signatures from the anchor down; the anchor's own signature is not checked. */
  *#checkSignatures(path: Path): Steps<void> {
    for (let at = path.length - 2; at >= 0; at--) {
      const certificate = path[at];
      const issuer = path[at + 1];
      if (certificate === undefined || issuer === undefined) return;
      const signed = signedData(certificate);
      // checkPath has already refused an algorithm that is not known: this is for the types.
      if (signed === undefined) throw new UnsupportedAlgorithm(certificate.signature.unsupported);
      const good = yield* this.#signatures.verify(issuer.spki, signed);
      if (!good) throw new CheckFailure('CERT_SIGNATURE_FAILURE', 'certificate signature failure', at);
    }
  }
}

function tooLong(maxDepth: number): string {
  return `certificate chain too long: more than ${maxDepth} intermediates (maxDepth)`;
}
