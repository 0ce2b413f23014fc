import type { Awaitable } from '../crypto/provider.ts';
import type { Certificate } from './certificate.ts';
import { CheckFailure } from './check-failure.ts';
import { type CertificateList, parseCrl } from './crl.ts';
import { type CrlSource, crlStatus } from './crl-check.ts';
import { type Budget, type Path, tolerant } from './path.ts';
import type { RevocationStatus } from './revocation-status.ts';
import { type Steps, wait } from './steps.ts';

/**
 * How much the status of certificates counts. `off`: not at all. `soft`: what is revoked is refused, what nobody
 * speaks of passes. `hard`: what nobody speaks of is refused.
 */
export type RevocationMode = 'off' | 'soft' | 'hard';

/** How the revocation of certificates is looked at. */
export interface RevocationOptions {
  /** Default `hard` where there are lists, else `off`. */
  readonly mode?: RevocationMode | undefined;
  /** Whose status is asked: the leaf's alone, or that of all below the anchor. Default `chain`. */
  readonly scope?: 'leaf' | 'chain' | undefined;
  /** Milliseconds after which a list or a response is stale, whatever it says of itself. Default: never. */
  readonly maxAge?: number | undefined;
  readonly fetchCrl?: FetchCrl | undefined;
}

/**
 * Fetches the list of a distribution point (RFC 5280 §4.2.1.13).
 * @param url as the certificate has it: it comes from a stranger
 * @returns DER; undefined, or an error, where it cannot be had
 */
export type FetchCrl = (url: string, certificate: Certificate) => Awaitable<Uint8Array | undefined>;

/** A list as bytes, read once for each verification, or read before and shared by many. */
export type GivenCrl = Uint8Array | CertificateList;

type Judge = Omit<CrlSource, 'lists' | 'maxAge'> & { readonly budget: Budget };

/** The status of each certificate of one verification. */
export class Revocation {
  readonly #options: RevocationOptions;
  readonly #mode: RevocationMode;
  readonly #lists: CertificateList[];
  readonly #fetched = new Set<string>();

  constructor(options: RevocationOptions = {}, crls: readonly GivenCrl[] = []) {
    this.#options = options;
    this.#mode = options.mode ?? (crls.length > 0 ? 'hard' : 'off');
    // One that cannot be read says nothing of anybody.
    const lists = this.#mode === 'off' ? [] : crls;
    this.#lists = lists.flatMap((crl) => (crl instanceof Uint8Array ? (tolerant(() => parseCrl(crl)) ?? []) : crl));
  }

  /** @throws CheckFailure for a certificate that is revoked, or unknown where that counts */
  *check(path: Path, judge: Judge): Steps<void> {
    if (this.#mode === 'off') return;
    const last = this.#options.scope === 'leaf' ? 1 : path.length - 1;
    // From the anchor down: what a revoked CA says of others does not count.
    for (let at = Math.min(last, path.length - 1) - 1; at >= 0; at--) {
      const certificate = path[at];
      const issuer = path[at + 1];
      if (certificate === undefined || issuer === undefined) return;
      const status = yield* this.#statusOf(certificate, issuer, judge);
      if (status.status === 'revoked') throw new CheckFailure('CERT_REVOKED', revokedText(status), at);
      if (status.status === 'unknown' && this.#mode === 'hard') throw new CheckFailure(status.code, status.reason, at);
    }
  }

  *#statusOf(certificate: Certificate, issuer: Certificate, judge: Judge): Steps<RevocationStatus> {
    const source: CrlSource = { ...judge, lists: this.#lists, maxAge: this.#options.maxAge };
    let said = yield* crlStatus(certificate, issuer, source);
    while (said.status === 'unknown' && (yield* this.#fetchMore(certificate, judge.budget))) {
      said = yield* crlStatus(certificate, issuer, source);
    }
    return said;
  }

  /** The next list that a certificate names. @returns whether there is one more */
  *#fetchMore(certificate: Certificate, budget: Budget): Steps<boolean> {
    const { fetchCrl } = this.#options;
    if (fetchCrl === undefined) return false;
    for (const url of crlUrls(certificate)) {
      if (this.#fetched.has(url) || !budget.maySpendFetch()) continue;
      this.#fetched.add(url);
      try {
        const der = yield* wait(fetchCrl(url, certificate));
        if (der === undefined) continue;
        this.#lists.push(parseCrl(der));
        return true;
      } catch {
        // What cannot be had or read says nothing: the verdict is that the status is unknown.
      }
    }
    return false;
  }
}

/** Where the complete list and its deltas are. */
function crlUrls(certificate: Certificate): readonly string[] {
  const points = [...(certificate.crlDistributionPoints ?? []), ...(certificate.freshestCrl ?? [])];
  return points.flatMap(({ name }) => {
    if (name?.type !== 'full') return [];
    return name.names.flatMap((each) => (each.type === 'uri' ? [each.value] : []));
  });
}

function revokedText({ reason, date }: RevocationStatus & { readonly status: 'revoked' }): string {
  return `certificate revoked on ${new Date(date).toISOString().slice(0, 10)} (${reason})`;
}
