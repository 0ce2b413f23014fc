import type { Awaitable } from '../../crypto/provider.ts';
import { messageOf } from '../../errors.ts';
import { Oid } from '../asn1/oids.ts';
import type { Certificate } from '../certificate/certificate.ts';
import { type Budget, readOrUndefined } from './build.ts';
import type { PassedOver } from './passed-over.ts';
import { type Steps, wait } from './steps.ts';

/**
 * Fetches the issuers that a certificate names by id-ad-caIssuers (RFC 5280 §4.2.2.1).
 * @param url from the certificate, which the peer chose: the hook decides whether to follow it
 * @returns certificates, DER: those of a certs-only CMS message one by one; empty, or an error, where there are none
 */
export type FetchIssuers = (url: string, certificate: Certificate) => Awaitable<readonly Uint8Array[]>;

/** Asks for each URL once, the nearest to the anchor first. */
export class IssuerFetcher {
  readonly #fetch: FetchIssuers | undefined;
  readonly #budget: Budget;
  readonly #missed: PassedOver[];
  readonly #asked = new Set<string>();

  /** @param missed takes what could not be fetched, for the refusal */
  constructor(fetch: FetchIssuers | undefined, budget: Budget, missed: PassedOver[]) {
    this.#fetch = fetch;
    this.#budget = budget;
    this.#missed = missed;
  }

  /**
   * Fetches certificates, DER, that were not there before; none when no URL is left.
   * @param known from the leaf up
   */
  *more(known: readonly Certificate[]): Steps<readonly Uint8Array[]> {
    for (const certificate of [...known].reverse()) {
      for (const url of issuerUrls(certificate)) {
        const found = yield* this.#ask(url, certificate);
        if (found.length > 0) return found;
      }
    }
    return [];
  }

  *#ask(url: string, certificate: Certificate): Steps<readonly Uint8Array[]> {
    if (this.#fetch === undefined || this.#asked.has(url) || !this.#budget.maySpendFetch()) return [];
    this.#asked.add(url);
    try {
      return yield* wait(this.#fetch(url, certificate));
    } catch (error) {
      this.#missed.push({ what: 'fetch', which: url, reason: messageOf(error) });
      return [];
    }
  }
}

function issuerUrls(certificate: Certificate): readonly string[] {
  const descriptions = readOrUndefined(() => certificate.authorityInfoAccess) ?? [];
  return descriptions.flatMap(({ method, location }) =>
    method === Oid.adCaIssuers && location.type === 'uri' ? [location.value] : [],
  );
}
