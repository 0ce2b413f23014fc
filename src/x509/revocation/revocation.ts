import { equal } from '../../bytes/equal.ts';
import type { Awaitable } from '../../crypto/provider.ts';
import { messageOf } from '../../errors.ts';
import { Oid } from '../asn1/oids.ts';
import type { Certificate } from '../certificate/certificate.ts';
import { STATUS_REQUEST } from '../certificate/extensions.ts';
import { nameText } from '../certificate/names.ts';
import { type RevocationStatus, unknownStatus } from '../certificate/revocation-status.ts';
import type { Budget, Path } from '../path/build.ts';
import type { PassedOver } from '../path/passed-over.ts';
import { type Steps, wait } from '../path/steps.ts';
import { CheckFailure } from '../rules/check-failure.ts';
import { type CertificateList, parseCrl } from './crl.ts';
import { type CrlSource, crlStatus } from './crl-check.ts';
import { ocspStatus } from './ocsp-check.ts';
import { createOcspRequest, type Hashes } from './ocsp-id.ts';

/**
 * How much the status of certificates counts. `off`: not at all. `soft`: a revoked certificate is refused, one of unknown
 * status passes. `hard`: a certificate of unknown status is refused, too.
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
  /**
   * OCSP responses that came along, DER, by place in the chain. A leaf that promises one, itself or by a CA
   * above it (RFC 7633), is refused without, `soft` or `hard`.
   */
  readonly stapled?: readonly (Uint8Array | undefined)[] | undefined;
  readonly fetchOcsp?: FetchOcsp | undefined;
  /** 1 to 128 random bytes for each request (RFC 9654). Default: requests have no nonce, as many responders want it. */
  readonly nonce?: (() => Uint8Array) | undefined;
  readonly fetchCrl?: FetchCrl | undefined;
  /** Needed for OCSP: those of any provider. */
  readonly hashes?: Hashes | undefined;
}

/**
 * Asks an OCSP responder: `POST` of `request` as `application/ocsp-request` (RFC 6960 §A.1).
 * @param url as the certificate has it: it comes from a stranger
 * @returns OCSPResponse, DER; undefined, or an error, where there is none
 */
export type FetchOcsp = (
  url: string,
  request: Uint8Array,
  certificate: Certificate,
) => Awaitable<Uint8Array | undefined>;

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
  readonly #chain: readonly Uint8Array[];
  readonly #options: RevocationOptions;
  readonly #mode: RevocationMode;
  readonly #lists: CertificateList[];
  readonly #missed: PassedOver[];
  readonly #fetched = new Set<string>();

  /** @param missed takes what was passed over, for the refusal */
  constructor(
    chain: readonly Uint8Array[],
    missed: PassedOver[],
    options: RevocationOptions = {},
    crls: readonly GivenCrl[] = [],
  ) {
    this.#chain = chain;
    this.#missed = missed;
    this.#options = options;
    this.#mode = options.mode ?? (crls.length > 0 ? 'hard' : 'off');
    // A list that cannot be read covers no certificate.
    const lists = this.#mode === 'off' ? [] : crls;
    this.#lists = lists.flatMap((crl, i) =>
      crl instanceof Uint8Array ? (this.#readList(crl, `${i + 1} of those given`) ?? []) : crl,
    );
  }

  #readList(der: Uint8Array, which: string): CertificateList | undefined {
    try {
      return parseCrl(der);
    } catch (error) {
      this.#missed.push({ what: 'list', which, reason: messageOf(error) });
      return undefined;
    }
  }

  /** The status is unknown where no list and no response covers the certificate. */
  *#tryFetch(url: string, fetch: () => Awaitable<Uint8Array | undefined>): Steps<Uint8Array | undefined> {
    try {
      return yield* wait(fetch());
    } catch (error) {
      this.#missed.push({ what: 'fetch', which: url, reason: messageOf(error) });
      return undefined;
    }
  }

  /** @throws CheckFailure for a certificate that is revoked, or unknown where that counts */
  *check(path: Path, judge: Judge): Steps<void> {
    if (this.#mode === 'off') return;
    const checked = this.#options.scope === 'leaf' ? 1 : path.length - 1;
    // From the anchor down: the lists of a revoked CA do not count.
    for (let at = Math.min(checked, path.length - 1) - 1; at >= 0; at--) {
      const certificate = path[at];
      const issuer = path[at + 1];
      if (certificate === undefined || issuer === undefined) return;
      // RFC 7633 §4.2.2: a TLS feature in a CA's certificate binds the certificates below it.
      const promised = at === 0 && path.some(({ tlsFeature }) => tlsFeature?.includes(STATUS_REQUEST) === true);
      const status = yield* this.#statusOf(certificate, issuer, judge, promised);
      if (status.status === 'revoked') throw new CheckFailure('CERT_REVOKED', revokedText(status), at);
      const counts = this.#mode === 'hard' || (status.status === 'unknown' && status.code === 'OCSP_VERIFY_NEEDED');
      if (status.status === 'unknown' && counts) throw new CheckFailure(status.code, status.reason, at);
    }
  }

  /**
   * Looks at the stapled response first, then at the lists that were given, then at what the hooks fetch.
   * @param promised whether a stapled response must have come
   */
  *#statusOf(certificate: Certificate, issuer: Certificate, judge: Judge, promised: boolean): Steps<RevocationStatus> {
    const stapled = yield* this.#stapledStatus(certificate, issuer, judge);
    if (stapled.status !== 'unknown') return stapled;
    if (promised) {
      return unknownStatus(
        'OCSP_VERIFY_NEEDED',
        `no stapled OCSP response, though the certificate promises one: ${stapled.reason}`,
      );
    }
    const source: CrlSource = { ...judge, lists: this.#lists, maxAge: this.#options.maxAge };
    let said = yield* crlStatus(certificate, issuer, source);
    if (said.status === 'unknown') said = yield* this.#askResponders(certificate, issuer, judge, said);
    while (said.status === 'unknown' && (yield* this.#fetchList(certificate, judge.budget))) {
      said = yield* crlStatus(certificate, issuer, source);
    }
    const vague = said.status === 'unknown' && said.code === 'UNABLE_TO_GET_CRL';
    return vague && this.#stapledFor(certificate) !== undefined ? stapled : said;
  }

  *#stapledStatus(certificate: Certificate, issuer: Certificate, judge: Judge): Steps<RevocationStatus> {
    const { hashes, maxAge } = this.#options;
    const response = this.#stapledFor(certificate);
    if (response === undefined || hashes === undefined) return unknownStatus('OCSP_VERIFY_NEEDED', 'none came along');
    const said = yield* ocspStatus(response, certificate, issuer, { ...judge, hashes, maxAge });
    this.#noteSilence(said, `stapled for ${nameText(certificate.subject)}`);
    return said;
  }

  /** Notes a response that does not cover its certificate as passed over, once. */
  #noteSilence(said: RevocationStatus, which: string): void {
    if (said.status !== 'unknown' || said.code === 'OCSP_CERT_UNKNOWN') return;
    if (this.#missed.some((known) => known.what === 'response' && known.which === which)) return;
    this.#missed.push({ what: 'response', which, reason: said.reason });
  }

  #stapledFor({ raw }: Certificate): Uint8Array | undefined {
    return this.#options.stapled?.[this.#chain.findIndex((der) => equal(der, raw))];
  }

  *#askResponders(
    certificate: Certificate,
    issuer: Certificate,
    judge: Judge,
    before: RevocationStatus,
  ): Steps<RevocationStatus> {
    const { fetchOcsp, hashes, nonce: makeNonce, maxAge } = this.#options;
    if (fetchOcsp === undefined || hashes === undefined) return before;
    let said = before;
    for (const url of ocspUrls(certificate)) {
      if (!judge.budget.maySpendFetch()) return said;
      const nonce = makeNonce?.();
      const request = createOcspRequest({ certificate, issuer, hashes, nonce });
      const response = yield* this.#tryFetch(url, () => fetchOcsp(url, request, certificate));
      if (response === undefined) continue;
      said = yield* ocspStatus(response, certificate, issuer, { ...judge, hashes, maxAge, nonce });
      this.#noteSilence(said, url);
      if (said.status !== 'unknown') return said;
    }
    return said;
  }

  /** The next list that a certificate names. @returns whether there is one more */
  *#fetchList(certificate: Certificate, budget: Budget): Steps<boolean> {
    const { fetchCrl } = this.#options;
    if (fetchCrl === undefined) return false;
    for (const url of crlUrls(certificate)) {
      if (this.#fetched.has(url) || !budget.maySpendFetch()) continue;
      this.#fetched.add(url);
      const der = yield* this.#tryFetch(url, () => fetchCrl(url, certificate));
      const list = der && this.#readList(der, url);
      if (list === undefined) continue;
      this.#lists.push(list);
      return true;
    }
    return false;
  }
}

/** id-ad-ocsp, RFC 5280 §4.2.2.1 */
function ocspUrls({ authorityInfoAccess = [] }: Certificate): readonly string[] {
  return authorityInfoAccess.flatMap(({ method, location }) =>
    method === Oid.adOcsp && location.type === 'uri' ? [location.value] : [],
  );
}

/** Where the complete list and its deltas are. */
function crlUrls({ crlDistributionPoints = [], freshestCrl = [] }: Certificate): readonly string[] {
  return [...crlDistributionPoints, ...freshestCrl].flatMap(({ name }) => {
    if (name?.type !== 'full') return [];
    return name.names.flatMap((each) => (each.type === 'uri' ? [each.value] : []));
  });
}

function revokedText({ reason, date }: RevocationStatus & { readonly status: 'revoked' }): string {
  const when = date === undefined ? '' : ` on ${new Date(date).toISOString().slice(0, 10)}`;
  return `certificate revoked${when} (${reason})`;
}
