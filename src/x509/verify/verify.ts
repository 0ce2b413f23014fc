import type { Awaitable, SignatureVerifier } from '../../crypto/provider.ts';
import { type Certificate, parseCertificate, type ShownCertificate, shown } from '../certificate/certificate.ts';
import { showCertificate } from '../certificate/display.ts';
import type { GeneralName } from '../certificate/extensions.ts';
import { matchName, type PeerName } from '../certificate/identity.ts';
import { Budget, type BudgetLimits, DEFAULT_MAX_DEPTH, presentedChain, tolerant } from '../path/build.ts';
import { type FetchIssuers, IssuerFetcher } from '../path/issuers.ts';
import { type PassedOver, passedOver } from '../path/passed-over.ts';
import { CertificatePool } from '../path/pool.ts';
import type { SignatureCache } from '../path/signatures.ts';
import { run, type Steps } from '../path/steps.ts';
import type { TrustStore } from '../path/trust.ts';
import { type GivenCrl, Revocation, type RevocationOptions } from '../revocation/revocation.ts';
import type { Purpose } from '../rules/checks.ts';
import type { PolicyInputs } from '../rules/policies.ts';
import type { Profile } from '../rules/profile.ts';
import type { TransparencyOptions } from '../transparency/transparency.ts';
import { explainNoPath } from './no-path.ts';
import { settleVerifyOptions } from './options.ts';
import type { RawPublicKey } from './raw-public-key.ts';
import { asFailure, type Failure, isStrangers, type Refusal, refused, worstOf } from './refusal.ts';
import { Search } from './search.ts';

declare const verifiedBrand: unique symbol;

/**
 * Proof that a chain was judged. Only {@link verifyPeer} makes one with `verified: true`; only
 * {@link dangerouslyTrust} makes one without.
 */
export interface VerifiedPeer {
  readonly [verifiedBrand]: true;
  /**
   * Leaf first: the path to the anchor, or what was presented where nothing was verified. Empty for a raw key. To look
   * at: what of them had to be read to judge them was read.
   */
  readonly certificates: readonly ShownCertificate[];
  /** In place of certificates (RFC 7250). */
  readonly rawPublicKey: RawPublicKey | undefined;
  readonly verified: boolean;
  /**
   * The certificate policies that the path is valid for, of those asked for; `2.5.29.32.0` stands for any. Empty where
   * the profile does not look at them.
   */
  readonly policies: readonly string[];
  /** Why it is not verified. */
  readonly failure: Failure | undefined;
}

export interface VerifyOptions {
  readonly trust: TrustStore;
  readonly verifiers: readonly SignatureVerifier[];
  /**
   * Which the leaf must be for; a list means one of them. `'any'`: names are not looked at, which the purpose `server`
   * wants to hear said; of other purposes it is the default.
   */
  readonly name?: PeerName | readonly PeerName[] | 'any' | undefined;
  /**
   * Names that the caller goes by, or may go by, besides those of subjectAltName, as `subjectNames` lists them: the name
   * constraints of the path bind them, too. Default none; `name` is found in subjectAltName alone.
   * @throws DerError to refuse the path
   */
  readonly reliedOn?: ((leaf: Certificate) => readonly GeneralName[]) | undefined;
  readonly purpose: Purpose;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Default {@link webpki}. */
  readonly profile?: Profile | undefined;
  /** Intermediates in a path at most, self-issued ones not counted, as in pathLenConstraint. Default 8. */
  readonly maxDepth?: number | undefined;
  readonly budget?: Partial<BudgetLimits> | undefined;
  /** Signatures already found good; shared by the verifications of one context. Default none. */
  readonly cache?: SignatureCache | undefined;
  /** More signatures that are good, for this verification alone: those of a session (`ChainRequest.remembered`). */
  readonly remembered?: SignatureCache | undefined;
  /** What is asked of certificate policies. Default: what the profile says; `{}` looks at them in any profile. */
  readonly policy?: PolicyInputs | undefined;
  /** Revocation lists at hand. Where there are any, every certificate below the anchor needs one that has it good. */
  readonly crls?: readonly GivenCrl[] | undefined;
  readonly revocation?: RevocationOptions | undefined;
  /** What is asked of Certificate Transparency. Default: nothing. */
  readonly transparency?: TransparencyOptions | undefined;
  /** Where issuers that were not sent come from. Default nowhere: nothing is ever fetched by itself. */
  readonly fetchIssuers?: FetchIssuers | undefined;
}

export type Verdict = { readonly ok: true; readonly peer: VerifiedPeer } | Refusal;

/**
 * Whether a chain leads to a trust anchor (RFC 5280 §6) and is for the peer that was asked for. Cheap checks come
 * first, then signatures of whole paths. Answers at once where all verifiers do.
 * @param chain DER, leaf first, as presented: others may be in any order, missing or too many (RFC 9846 §4.5.1)
 * @throws TlsError ERR_TLS_CONFIG for options that would leave a check out: a server without `name`, no `time`, …
 */
export function verifyPeer(chain: readonly Uint8Array[], options: VerifyOptions): Awaitable<Verdict> {
  return run(judge(chain, settleVerifyOptions(options)));
}

function* judge(chain: readonly Uint8Array[], options: VerifyOptions): Steps<Verdict> {
  const { trust, maxDepth = DEFAULT_MAX_DEPTH } = options;
  let leaf: Certificate;
  try {
    leaf = parseCertificate(chain[0] ?? new Uint8Array(0));
  } catch (error) {
    return refused(asFailure(error));
  }
  const budget = new Budget(options.budget);
  const intermediates = CertificatePool.from(chain.slice(1));
  const missed: PassedOver[] = [];
  const issuers = new IssuerFetcher(options.fetchIssuers, budget, missed);
  const revocation = new Revocation(chain, missed, options.revocation, options.crls);
  for (;;) {
    const search = new Search(leaf, intermediates, budget, revocation, options);
    const found = yield* search.firstGood();
    if (found !== undefined) {
      const mismatch = nameFailure(leaf, options.name);
      if (mismatch !== undefined) return refused(mismatch);
      return {
        ok: true,
        peer: mintPeer({
          certificates: found.path.map((each) => shown(each)),
          policies: found.policies,
          verified: true,
        }),
      };
    }
    const more = search.exhausted ? [] : yield* issuers.more(presentedChain(leaf, intermediates, maxDepth));
    if (more.length === 0) {
      const told = search.failures.some((failure) => !isStrangers(failure));
      const none = told ? [] : [explainNoPath(leaf, intermediates, trust, options.time, maxDepth)];
      const failures = [...none, ...search.failures];
      const certificates = failures.flatMap((failure) => failure.certificates);
      return worstOf(failures, [...passedOver(certificates, intermediates, trust), ...missed]);
    }
    for (const der of more) intermediates.add(der, 'that was fetched');
  }
}

/**
 * Takes a chain as it is, verified or not: for callers that decide by other means, or not at all. The mark
 * `verified: false` stays with it.
 * @throws TlsError INVALID_CERTIFICATE for a leaf that does not even have the fields of a certificate
 */
export function dangerouslyTrust(chain: readonly Uint8Array[], failure?: Failure): VerifiedPeer {
  const leaf = showCertificate(chain[0] ?? new Uint8Array(0));
  const others = chain.slice(1).flatMap((der) => tolerant(() => showCertificate(der)) ?? []);
  return mintPeer({ certificates: [leaf, ...others], policies: [], verified: false, ...(failure && { failure }) });
}

function nameFailure(leaf: Certificate, names: VerifyOptions['name']): Failure | undefined {
  if (names === undefined || names === 'any') return undefined;
  const wanted = 'length' in names ? names : [names];
  try {
    if (wanted.some((name) => matchName(leaf, name))) return undefined;
    return { code: 'HOSTNAME_MISMATCH', reason: 'the certificate is not for this name' };
  } catch (error) {
    return asFailure(error);
  }
}

/** For the two functions of this layer that judge raw keys; nothing outside of it may call this. */
export function mintPeer(
  peer: Partial<Omit<VerifiedPeer, typeof verifiedBrand>> & Pick<VerifiedPeer, 'verified'>,
): VerifiedPeer {
  const blank = { certificates: [], rawPublicKey: undefined, policies: [], failure: undefined };
  return Object.freeze({ ...blank, ...peer }) as unknown as VerifiedPeer;
}
