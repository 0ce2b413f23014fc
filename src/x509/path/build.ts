import { equal } from '../../bytes/equal.ts';
import { type Certificate, isSelfIssued } from '../certificate/certificate.ts';
import type { AuthorityKeyIdentifier } from '../certificate/extensions.ts';
import { sameName } from '../certificate/names.ts';
import type { CertificatePool } from './pool.ts';
import type { TrustStore } from './trust.ts';

/**
 * Bounds on the work for one chain. webpki and Go allow 100 signature checks: at 6 ms for P-384 in JavaScript that would
 * block for more than half a second.
 */
export interface BudgetLimits {
  readonly signatures: number;
  /** Steps of the search (webpki: 200,000 calls of cheaper steps). */
  readonly steps: number;
  /** Name-constraint comparisons of short names (webpki: 250,000, after CVE-2018-16875 and its kin). */
  readonly nameComparisons: number;
  /**
   * Policies, mappings and edges of their graph (RFC 9618), of all paths: a chain of a real site has 42 at most, eight
   * intermediates with 2,500 policies and as many mappings each 83,000.
   */
  readonly policies: number;
  /** Calls of the hooks that fetch issuers, revocation lists and OCSP responses: a path of four, each with its own. */
  readonly fetches: number;
}

/** The {@link BudgetLimits} of a verification that sets none. */
export const defaultBudget: BudgetLimits = {
  signatures: 24,
  steps: 1_000,
  nameComparisons: 250_000,
  policies: 200_000,
  fetches: 8,
};

/** No two host names are longer together: 253 characters each, as text (RFC 1035 §2.3.4). */
const COMPARED_AT_ONCE = 512;

/** Intermediates of a path at most, self-issued ones not counted. The web PKI uses three. */
export const DEFAULT_MAX_DEPTH = 8;

export class BudgetExceeded extends Error {}

/** Counts the work of one verification down, over all of its paths. */
export class Budget {
  readonly #limits: BudgetLimits;
  #signatures: number;
  #steps: number;
  #nameComparisons: number;
  #policies: number;
  #fetches: number;

  constructor(given: Partial<BudgetLimits> = {}) {
    const limits = { ...defaultBudget, ...given };
    this.#limits = limits;
    this.#signatures = limits.signatures;
    this.#steps = limits.steps;
    this.#nameComparisons = limits.nameComparisons;
    this.#policies = limits.policies;
    this.#fetches = limits.fetches;
  }

  spendSignature(): void {
    if (--this.#signatures < 0) this.#refuse('signatures', 'signature checks');
  }

  spendStep(): void {
    if (--this.#steps < 0) this.#refuse('steps', 'steps in the search for a path');
  }

  /** @param length of what is compared, in characters or bytes: long names cost more than one comparison */
  spendNameComparison(length: number): void {
    this.#nameComparisons -= 1 + Math.floor(length / COMPARED_AT_ONCE);
    if (this.#nameComparisons < 0) this.#refuse('nameComparisons', 'name constraint comparisons');
  }

  spendPolicies(count: number): void {
    this.#policies -= count;
    if (this.#policies < 0) this.#refuse('policies', 'certificate policies and mappings');
  }

  /** Whether one more fetch is allowed. It is no error where none is: the verification goes on without. */
  maySpendFetch(): boolean {
    return --this.#fetches >= 0;
  }

  #refuse(limit: keyof BudgetLimits, what: string): never {
    throw new BudgetExceeded(`too many ${what}: more than ${this.#limits[limit]} (budget.${limit})`);
  }
}

/** Leaf first, anchor last. A leaf that is an anchor itself is a path of one. */
export type Path = readonly Certificate[];

/**
 * All paths from a leaf to an anchor (RFC 4158), one by one, anchors first; no signature is checked. Key identifiers
 * only order the search: they may be wrong (RFC 4158 §3.5.12).
 * @param maxDepth as pathLenConstraint counts: self-issued intermediates are free (RFC 5280 §4.2.1.9)
 * @param onCut called with the first path that `maxDepth` cuts short, the certificate that is one too many included
 * @throws BudgetExceeded while iterating
 */
export function* buildPaths(
  leaf: Certificate,
  intermediates: CertificatePool,
  trust: TrustStore,
  budget: Budget,
  maxDepth: number,
  onCut: (path: Path) => void = () => {},
): Generator<Path, void, undefined> {
  let cut = false;
  yield* extend([leaf], 0);

  function usable(anchor: Certificate): boolean {
    return trust.allowPartial || isSelfSignedName(anchor);
  }

  function* extend(path: readonly [...Certificate[], Certificate], depth: number): Generator<Path, void, undefined> {
    budget.spendStep();
    const top = path[path.length - 1] as Certificate;
    if (trust.has(top) && usable(top)) yield path;
    for (const anchor of likelyFirst(trust.named(top.issuer), top)) {
      budget.spendStep();
      if (usable(anchor) && !inPath(path, anchor)) yield [...path, anchor];
    }
    for (const candidate of likelyFirst(issuersOf(path, top, depth), top)) {
      if (isNew(path, candidate)) yield* extend([...path, candidate], depth + (isSelfIssued(candidate) ? 0 : 1));
    }
  }

  /** An anchor that the peer sent has already ended a path, as an anchor. */
  function isNew(path: Path, candidate: Certificate): boolean {
    return !(trust.has(candidate) && usable(candidate)) && !inPath(path, candidate);
  }

  /** The certificates that may come next in a path. Of the paths that are too long, the first is reported. */
  function issuersOf(path: Path, { issuer }: Certificate, depth: number): readonly Certificate[] {
    if (depth < maxDepth) return intermediates.named(issuer);
    const next = cut
      ? undefined
      : intermediates.named(issuer).find((candidate) => !isSelfIssued(candidate) && isNew(path, candidate));
    if (next !== undefined) {
      cut = true;
      onCut([...path, next]);
    }
    return intermediates.selfIssued(issuer);
  }
}

/** Follows issuers among the certificates that were sent, to explain why there is no path. */
export function presentedChain(leaf: Certificate, intermediates: CertificatePool, maxDepth: number): Path {
  const path = [leaf];
  for (let top = leaf; path.length <= maxDepth + 1; ) {
    const [next] = likelyFirst(intermediates.named(top.issuer), top).filter((candidate) => !inPath(path, candidate));
    if (next === undefined || isSelfSignedName(top)) break;
    path.push(next);
    top = next;
  }
  return path;
}

/** Issuer and subject are one name: what a root looks like before its signature is checked. */
export function isSelfSignedName(certificate: Certificate): boolean {
  return sameName(certificate.issuer, certificate.subject);
}

/** RFC 4158 §5.2: a loop is the same name with the same key. */
function inPath(path: Path, candidate: Certificate): boolean {
  return path.some((member) => equal(member.spki, candidate.spki) && sameName(member.subject, candidate.subject));
}

/**
 * Orders candidates by the key identifiers that their child names, the newest first among equals (RFC 4158 §3.5). These
 * are hints: no candidate is left out.
 */
function likelyFirst(candidates: readonly Certificate[], child: Certificate): readonly Certificate[] {
  if (candidates.length < 2) return candidates;
  const wanted = readOrUndefined(() => child.authorityKeyIdentifier);
  const scores = new Map(candidates.map((candidate) => [candidate, keyIdentifierRank(candidate, wanted)]));
  const score = (candidate: Certificate): number => scores.get(candidate) ?? 0;
  return [...candidates].sort((a, b) => score(a) - score(b) || b.notBefore - a.notBefore || b.notAfter - a.notAfter);
}

/** 0 where authorityKeyIdentifier names the candidate, 1 where it cannot be compared, 2 where it names another key. */
export function keyIdentifierRank(candidate: Certificate, wanted: AuthorityKeyIdentifier | undefined): number {
  const id = readOrUndefined(() => candidate.subjectKeyIdentifier);
  if (wanted?.keyIdentifier !== undefined && id !== undefined) return equal(wanted.keyIdentifier, id) ? 0 : 2;
  if (wanted?.issuer === undefined || wanted.serialNumber === undefined) return 1;
  const issuer = wanted.issuer.some((name) => name.type === 'directory' && sameName(name.value, candidate.issuer));
  return issuer && equal(wanted.serialNumber, candidate.serialNumber) ? 0 : 2;
}

/** Reads a hint; undefined where it cannot be read. The checks of the path report that. */
export function readOrUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Whether key identifiers allow one certificate to have issued another (RFC 5280 §4.2.1.1). */
export function vouches(issuer: Certificate, child: Certificate): boolean {
  const wanted = readOrUndefined(() => child.authorityKeyIdentifier?.keyIdentifier);
  const id = readOrUndefined(() => issuer.subjectKeyIdentifier);
  return wanted === undefined || id === undefined || equal(wanted, id);
}
