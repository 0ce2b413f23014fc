import { DerError } from '../asn1/der.ts';
import { type Certificate, isSelfIssued } from '../certificate/certificate.ts';
import { anyPolicy } from '../certificate/policy-extensions.ts';
import { CheckFailure } from './check-failure.ts';

/** The demands of a relying party on certificate policies (RFC 5280 §6.1.1 (c) and (e) to (g)). */
export interface PolicyInputs {
  /** Policies, as object identifiers, of which one must hold. Default: any. */
  readonly initialPolicySet?: readonly string[] | undefined;
  /** Whether the path must be valid for a policy at all. Default false. */
  readonly explicitPolicy?: boolean | undefined;
  readonly inhibitMapping?: boolean | undefined;
  readonly inhibitAnyPolicy?: boolean | undefined;
}

/** The budget that policies are counted against. */
export type PolicyCertificate = Pick<
  Certificate,
  'subject' | 'issuer' | 'certificatePolicies' | 'policyMappings' | 'policyConstraints' | 'inhibitAnyPolicy'
>;

/** One policy at one depth of the graph: RFC 9618 §5.1. Nodes of the same policy and depth are one. */
interface PolicyNode {
  readonly validPolicy: string;
  expectedPolicySet: ReadonlySet<string>;
  readonly parents: readonly PolicyNode[];
}

/** The nodes of one depth, by their policy. Those of lesser depths live on as parents of these. */
type Depth = ReadonlyMap<string, PolicyNode>;

/**
 * The policies for which a path is valid: RFC 5280 §6.1 with the graph of RFC 9618, whose size is linear in what the
 * certificates say, in place of the tree. An anchor that has policies of its own begins the graph (RFC 5937 §3.2).
 * @param spend is told of policies, mappings and edges of the graph before they are gone through: one path costs as
 * much as its certificates are long, but there may be many paths
 * @returns the user-constrained-policy-set; `2.5.29.32.0` in it stands for any
 * @throws CheckFailure NO_EXPLICIT_POLICY, INVALID_POLICY_EXTENSION
 */
export function checkPolicies(
  path: readonly PolicyCertificate[],
  inputs: PolicyInputs = {},
  spend: Spend = free,
): readonly string[] {
  const anchor = path.at(-1);
  const below = path.slice(0, -1);
  const state = new PolicyState(below.length, inputs, spend);
  if (anchor !== undefined && below.length > 0) reading(below.length, () => state.begin(anchor, below.length));
  for (let at = below.length - 1; at >= 0; at--) {
    const certificate = below[at];
    if (certificate === undefined) break;
    reading(at, () => {
      state.take(certificate, at);
      if (at > 0) state.prepare(certificate, at);
      else state.wrapUp(certificate);
    });
  }
  return state.result(inputs.initialPolicySet);
}

type Spend = (count: number) => void;

const free: Spend = () => {};

/** Extensions are parsed when first used, those that are not critical here. */
function reading(at: number, step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    const text = `invalid or inconsistent certificate policy extension: ${error.message}`;
    throw new CheckFailure('INVALID_POLICY_EXTENSION', text, at);
  }
}

class PolicyState {
  /** Undefined: NULL, no policy is valid. */
  #depth: Depth | undefined = new Map([[anyPolicy, node(anyPolicy, [])]]);
  #explicitPolicy: number;
  #policyMapping: number;
  #inhibitAnyPolicy: number;
  readonly #spend: Spend;

  /** RFC 5280 §6.1.2 @param length certificates of the path, the anchor not counted */
  constructor(length: number, { explicitPolicy, inhibitMapping, inhibitAnyPolicy }: PolicyInputs, spend: Spend) {
    this.#spend = spend;
    this.#explicitPolicy = explicitPolicy === true ? 0 : length + 1;
    this.#policyMapping = inhibitMapping === true ? 0 : length + 1;
    this.#inhibitAnyPolicy = inhibitAnyPolicy === true ? 0 : length + 1;
  }

  /** What an anchor says of policies counts before the first certificate; what it does not say limits nothing. */
  begin(anchor: PolicyCertificate, at: number): void {
    if (anchor.certificatePolicies !== undefined) this.#extend(anchor, false);
    this.#map(anchor, at);
    this.#constrain(anchor);
  }

  /** RFC 5280 §6.1.3 (d) to (f) */
  take(certificate: PolicyCertificate, at: number): void {
    if (certificate.certificatePolicies === undefined) this.#depth = undefined;
    else this.#extend(certificate, at === 0);
    if (this.#explicitPolicy === 0 && this.#depth === undefined) {
      throw new CheckFailure('NO_EXPLICIT_POLICY', 'no explicit policy', at);
    }
  }

  /** RFC 5280 §6.1.4 */
  prepare(certificate: PolicyCertificate, at: number): void {
    this.#map(certificate, at);
    if (!isSelfIssued(certificate)) {
      this.#explicitPolicy = Math.max(0, this.#explicitPolicy - 1);
      this.#policyMapping = Math.max(0, this.#policyMapping - 1);
      this.#inhibitAnyPolicy = Math.max(0, this.#inhibitAnyPolicy - 1);
    }
    this.#constrain(certificate);
  }

  /** RFC 5280 §6.1.5 (a) and (b) */
  wrapUp({ policyConstraints }: PolicyCertificate): void {
    this.#explicitPolicy = Math.max(0, this.#explicitPolicy - 1);
    if (policyConstraints?.requireExplicitPolicy === 0) this.#explicitPolicy = 0;
  }

  /** RFC 9618 §5.5, in place of RFC 5280 §6.1.5 (g) */
  result(initialPolicySet: readonly string[] = [anyPolicy]): readonly string[] {
    const authority = this.#authorityConstrained();
    const anything = initialPolicySet.includes(anyPolicy);
    const wanted = new Set(initialPolicySet);
    const constrained = anything ? [...authority] : [...authority].filter((policy) => wanted.has(policy));
    const result = !anything && authority.has(anyPolicy) ? [...wanted] : constrained;
    if (this.#explicitPolicy > 0 || result.length > 0) return result;
    throw new CheckFailure('NO_EXPLICIT_POLICY', 'no explicit policy', 0);
  }

  /** RFC 9618 §5.3, in place of RFC 5280 §6.1.3 (d) */
  #extend(certificate: PolicyCertificate, leaf: boolean): void {
    const above = this.#depth;
    if (above === undefined) return;
    const policies = (certificate.certificatePolicies ?? []).map(({ policy }) => policy);
    this.#spend(policies.length);
    const expecting = parentsByExpected(above, this.#spend);
    const any = above.get(anyPolicy);
    const next = new Map<string, PolicyNode>();
    for (const policy of policies) {
      if (policy === anyPolicy) continue;
      const parents = expecting.get(policy) ?? (any === undefined ? [] : [any]);
      if (parents.length > 0) next.set(policy, node(policy, parents));
    }
    const anyCounts = this.#inhibitAnyPolicy > 0 || (!leaf && isSelfIssued(certificate));
    if (policies.includes(anyPolicy) && anyCounts) {
      for (const [policy, parents] of expecting) if (!next.has(policy)) next.set(policy, node(policy, parents));
    }
    this.#depth = next.size === 0 ? undefined : next;
  }

  /** RFC 5280 §6.1.4 (a) and (b), as RFC 9618 §5.4 has it */
  #map({ policyMappings }: PolicyCertificate, at: number): void {
    if (policyMappings === undefined) return;
    this.#spend(policyMappings.length + (this.#depth?.size ?? 0));
    const byIssuer = new Map<string, Set<string>>();
    for (const { issuerDomainPolicy, subjectDomainPolicy } of policyMappings) {
      if (issuerDomainPolicy === anyPolicy || subjectDomainPolicy === anyPolicy) {
        throw new CheckFailure('INVALID_POLICY_EXTENSION', 'anyPolicy in a policy mapping', at);
      }
      const targets = byIssuer.get(issuerDomainPolicy) ?? new Set();
      byIssuer.set(issuerDomainPolicy, targets.add(subjectDomainPolicy));
    }
    if (this.#depth === undefined) return;
    const depth = new Map(this.#depth);
    for (const [policy, targets] of byIssuer) {
      if (this.#policyMapping > 0) mapPolicy(depth, policy, targets);
      else depth.delete(policy);
    }
    this.#depth = depth.size === 0 ? undefined : depth;
  }

  /** RFC 5280 §6.1.4 (i) and (j) */
  #constrain({ policyConstraints, inhibitAnyPolicy }: PolicyCertificate): void {
    const { requireExplicitPolicy, inhibitPolicyMapping } = policyConstraints ?? {};
    this.#explicitPolicy = Math.min(this.#explicitPolicy, requireExplicitPolicy ?? this.#explicitPolicy);
    this.#policyMapping = Math.min(this.#policyMapping, inhibitPolicyMapping ?? this.#policyMapping);
    this.#inhibitAnyPolicy = Math.min(this.#inhibitAnyPolicy, inhibitAnyPolicy ?? this.#inhibitAnyPolicy);
  }

  /** RFC 9618 §5.5: the policies in the terms of the anchor, those right below anyPolicy. */
  #authorityConstrained(): ReadonlySet<string> {
    const found = new Set<string>();
    const seen = new Set<PolicyNode>();
    const open = [...(this.#depth?.values() ?? [])];
    if (this.#depth?.has(anyPolicy) === true) found.add(anyPolicy);
    for (let current = open.pop(); current !== undefined; current = open.pop()) {
      if (seen.has(current) || current.validPolicy === anyPolicy) continue;
      seen.add(current);
      if (current.parents.some(({ validPolicy }) => validPolicy === anyPolicy)) found.add(current.validPolicy);
      open.push(...current.parents);
    }
    return found;
  }
}

function node(validPolicy: string, parents: readonly PolicyNode[]): PolicyNode {
  return { validPolicy, expectedPolicySet: new Set([validPolicy]), parents };
}

function parentsByExpected(depth: Depth, spend: Spend): ReadonlyMap<string, readonly PolicyNode[]> {
  const parents = new Map<string, PolicyNode[]>();
  for (const each of depth.values()) {
    spend(each.expectedPolicySet.size);
    for (const policy of each.expectedPolicySet) {
      const known = parents.get(policy);
      if (known === undefined) parents.set(policy, [each]);
      else known.push(each);
    }
  }
  return parents;
}

/** A policy that is valid only because any is becomes a node of its own, beside that of anyPolicy. */
function mapPolicy(depth: Map<string, PolicyNode>, policy: string, targets: ReadonlySet<string>): void {
  const any = depth.get(anyPolicy);
  const mapped = depth.get(policy) ?? (any && node(policy, any.parents.length === 0 ? [any] : any.parents));
  if (mapped === undefined) return;
  mapped.expectedPolicySet = targets;
  depth.set(policy, mapped);
}
