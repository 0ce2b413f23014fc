import { CheckFailure, checkPath } from './checks.ts';
import { type Budget, BudgetExceeded, type Path } from './path.ts';
import { webpki } from './profile.ts';
import { asFailure, type FailedPath } from './refusal.ts';
import { Signatures, UnsupportedAlgorithm } from './signatures.ts';
import type { Steps } from './steps.ts';
import type { VerifyOptions } from './verify.ts';

/** Tries path after path until one stands. */
export class Search {
  readonly failures: FailedPath[] = [];
  readonly #paths: Iterator<Path>;
  readonly #budget: Budget;
  readonly #signatures: Signatures;
  readonly #options: VerifyOptions;
  #exhausted = false;

  constructor(paths: Iterator<Path>, budget: Budget, options: VerifyOptions) {
    this.#paths = paths;
    this.#budget = budget;
    this.#signatures = new Signatures(options.verifiers, budget, options.cache);
    this.#options = options;
  }

  /** Whether the budget is spent: then nothing more is to be tried. */
  get exhausted(): boolean {
    return this.#exhausted;
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
        if (error instanceof BudgetExceeded) this.#exhausted = true;
        if (this.#exhausted) return undefined;
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
      this.failures.push({ ...asFailure(error), certificates: [], at: 0 });
      this.#exhausted = true;
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
