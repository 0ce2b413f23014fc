import type { Awaitable } from '../../crypto/provider.ts';
import { derBytes, listOf } from '../../options.ts';
import { type Certificate, parseCertificate, shown } from '../certificate/certificate.ts';
import { showCertificate } from '../certificate/display.ts';
import { matchName } from '../certificate/identity.ts';
import { Budget, DEFAULT_MAX_DEPTH, presentedChain, readOrUndefined } from '../path/build.ts';
import { IssuerFetcher } from '../path/issuers.ts';
import { type PassedOver, passedOver } from '../path/passed-over.ts';
import { CertificatePool } from '../path/pool.ts';
import { run, type Steps } from '../path/steps.ts';
import { Revocation } from '../revocation/revocation.ts';
import { nameMismatch } from './explain.ts';
import type { Failure } from './failed-path.ts';
import { explainNoPath } from './no-path.ts';
import type { VerifyOptions } from './options.ts';
import { asFailure, isStrangers, mostSpecificRefusal, refused } from './refusal.ts';
import { Search } from './search.ts';
import { settleVerifyOptions } from './settle.ts';
import { mintPeer, type ShownChain, type UnverifiedChain, type Verdict, type VerifiedChain } from './verified-peer.ts';

/**
 * Judges whether a chain leads to a trust anchor (RFC 5280 §6) and is for the peer that the caller means. Cheap checks come
 * first, then the signatures of whole paths. The verdict is a promise only where a verifier or a hook answers by one.
 * @param chain DER, leaf first, as presented: others may be in any order, missing or too many (RFC 9846 §4.5.1)
 * @throws TlsError ERR_TLS_CONFIG for options that would leave a check out: a server without `name`, no `time`, …
 *
 * @example
 * ```js
 * import { noble } from 'opentls/crypto/noble';
 * import { hostName, TrustStore, verifyPeer } from 'opentls/x509';
 *
 * const verdict = await verifyPeer(chain, {
 *   trust: TrustStore.from(chain),
 *   verifiers: noble.verifiers,
 *   name: hostName('localhost'),
 *   purpose: 'server',
 *   time: Date.now(),
 * });
 * console.log(verdict.ok); // true
 * ```
 */
export function verifyPeer(chain: readonly Uint8Array[], options: VerifyOptions): Awaitable<Verdict> {
  listOf(derBytes)(chain, 'verifyPeer: chain');
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
      const others = found.path.slice(1).map((each) => shown(each));
      return { ok: true, peer: verifiedChain([shown(leaf), ...others], found.policies) };
    }
    const more = search.exhausted ? [] : yield* issuers.more(presentedChain(leaf, intermediates, maxDepth));
    if (more.length === 0) {
      const told = search.failures.some((failure) => !isStrangers(failure));
      const none = told ? [] : [explainNoPath(leaf, intermediates, trust, options.time, maxDepth)];
      const failures = [...none, ...search.failures];
      const certificates = failures.flatMap((failure) => failure.certificates);
      return mostSpecificRefusal(failures, [...passedOver(certificates, intermediates, trust), ...missed]);
    }
    for (const der of more) intermediates.add(der, 'that was fetched');
  }
}

/**
 * Takes a chain as it is: for callers that decide by other means, or not at all. The peer has `verified: false`.
 * @param failure why verification failed, which `failure` of the peer then holds
 * @throws TlsError INVALID_CERTIFICATE for a leaf that does not even have the fields of a certificate
 */
export function dangerouslyTrust(chain: readonly Uint8Array[], failure?: Failure): UnverifiedChain {
  listOf(derBytes)(chain, 'dangerouslyTrust: chain');
  const leaf = showCertificate(chain[0] ?? new Uint8Array(0));
  const issuers = chain.slice(1).flatMap((der) => readOrUndefined(() => showCertificate(der)) ?? []);
  return mintPeer<UnverifiedChain>({
    verified: false,
    certificates: [leaf, ...issuers],
    rawPublicKey: undefined,
    policies: [],
    failure,
  });
}

function verifiedChain(certificates: ShownChain, policies: readonly string[]): VerifiedChain {
  return mintPeer<VerifiedChain>({
    verified: true,
    certificates,
    rawPublicKey: undefined,
    policies,
    failure: undefined,
  });
}

function nameFailure(leaf: Certificate, names: VerifyOptions['name']): Failure | undefined {
  if (names === undefined || names === 'any') return undefined;
  const wanted = 'length' in names ? names : [names];
  try {
    if (wanted.some((name) => matchName(leaf, name))) return undefined;
    return { code: 'HOSTNAME_MISMATCH', reason: nameMismatch(leaf, wanted) };
  } catch (error) {
    return asFailure(error);
  }
}
