import { anyPolicy } from '#opentls/x509/certificate/policy-extensions';
import type { PolicyCertificate, PolicyInputs } from '#opentls/x509/rules/policies';

/**
 * RFC 5280 §6.1 to the letter, with the valid_policy_tree that RFC 9618 replaced: exponential, and so for small paths
 * only. Shares nothing with the code under test.
 * @returns the policies right below anyPolicy in the tree that is left, sorted, or `code@index` of what is refused
 */
export function policiesByTree(path: readonly PolicyCertificate[], inputs: PolicyInputs): readonly string[] | string {
  const below = path.slice(0, -1).reverse();
  const n = below.length;
  const state: State = {
    root: { policy: anyPolicy, expected: [anyPolicy], children: [], depth: 0 },
    explicitPolicy: inputs.explicitPolicy === true ? 0 : n + 1,
    policyMapping: inputs.inhibitMapping === true ? 0 : n + 1,
    inhibitAnyPolicy: inputs.inhibitAnyPolicy === true ? 0 : n + 1,
  };
  for (const [index, certificate] of below.entries()) {
    const i = index + 1;
    processPolicies(state, certificate, i, i === n);
    if (state.explicitPolicy === 0 && state.root === undefined) return `NO_EXPLICIT_POLICY@${n - i}`;
    if (i === n) break;
    if (certificate.policyMappings?.some((mapping) => Object.values(mapping).includes(anyPolicy)) === true) {
      return `INVALID_POLICY_EXTENSION@${n - i}`;
    }
    processMappings(state, certificate, i);
    prepareForNext(state, certificate);
  }
  state.explicitPolicy = Math.max(0, state.explicitPolicy - 1);
  if (below.at(-1)?.policyConstraints?.requireExplicitPolicy === 0) state.explicitPolicy = 0;
  intersect(state, inputs.initialPolicySet ?? [anyPolicy], n);
  if (state.explicitPolicy === 0 && state.root === undefined) return 'NO_EXPLICIT_POLICY@0';
  return found(state, n);
}

interface State {
  root: TreeNode | undefined;
  explicitPolicy: number;
  policyMapping: number;
  inhibitAnyPolicy: number;
}

interface TreeNode {
  readonly policy: string;
  expected: readonly string[];
  children: TreeNode[];
  readonly depth: number;
}

/** §6.1.3 (d) and (e) */
function processPolicies(state: State, certificate: PolicyCertificate, i: number, last: boolean): void {
  const policies = certificate.certificatePolicies?.map(({ policy }) => policy);
  if (policies === undefined) state.root = undefined;
  if (policies === undefined || state.root === undefined) return;
  const above = nodes(state).filter(({ depth }) => depth === i - 1);
  for (const policy of policies.filter((each) => each !== anyPolicy)) {
    const matches = above.filter(({ expected }) => expected.includes(policy));
    const parents = matches.length > 0 ? matches : above.filter((node) => node.policy === anyPolicy);
    for (const parent of parents) grow(parent, policy);
  }
  const isSelfIssued = certificate.subject.key === certificate.issuer.key;
  if (policies.includes(anyPolicy) && (state.inhibitAnyPolicy > 0 || (!last && isSelfIssued))) {
    for (const parent of above) {
      const missing = parent.expected.filter((policy) => !parent.children.some((child) => child.policy === policy));
      for (const policy of missing) grow(parent, policy);
    }
  }
  prune(state, i - 1);
}

/** §6.1.4 (b) */
function processMappings(state: State, { policyMappings = [] }: PolicyCertificate, i: number): void {
  for (const policy of new Set(policyMappings.map(({ issuerDomainPolicy }) => issuerDomainPolicy))) {
    const targets = policyMappings.filter(({ issuerDomainPolicy }) => issuerDomainPolicy === policy);
    const expected = targets.map(({ subjectDomainPolicy }) => subjectDomainPolicy);
    const here = nodes(state).filter((node) => node.depth === i);
    const own = here.filter((node) => node.policy === policy);
    if (state.policyMapping === 0) remove(state, own, i - 1);
    else if (own.length > 0) for (const node of own) node.expected = expected;
    else if (here.some((node) => node.policy === anyPolicy)) {
      const parent = nodes(state).find((node) => node.depth === i - 1 && node.policy === anyPolicy);
      if (parent !== undefined) grow(parent, policy, expected);
    }
  }
}

/** §6.1.4 (h) to (j) */
function prepareForNext(state: State, certificate: PolicyCertificate): void {
  const counters = ['explicitPolicy', 'policyMapping', 'inhibitAnyPolicy'] as const;
  const isSelfIssued = certificate.subject.key === certificate.issuer.key;
  for (const counter of counters) if (!isSelfIssued && state[counter] > 0) state[counter]--;
  const { requireExplicitPolicy = Infinity, inhibitPolicyMapping = Infinity } = certificate.policyConstraints ?? {};
  state.explicitPolicy = Math.min(state.explicitPolicy, requireExplicitPolicy);
  state.policyMapping = Math.min(state.policyMapping, inhibitPolicyMapping);
  state.inhibitAnyPolicy = Math.min(state.inhibitAnyPolicy, certificate.inhibitAnyPolicy ?? Infinity);
}

/** §6.1.5 (g) (iii) */
function intersect(state: State, initial: readonly string[], n: number): void {
  if (initial.includes(anyPolicy) || state.root === undefined) return;
  const anyNodes = nodes(state).filter((node) => node.policy === anyPolicy);
  const valid = anyNodes.flatMap(({ children }) => children);
  const unwanted = valid.filter(({ policy }) => policy !== anyPolicy && !initial.includes(policy));
  const last = anyNodes.find(({ depth }) => depth === n);
  const parent = anyNodes.find(({ depth }) => depth === n - 1);
  if (last !== undefined && parent !== undefined) {
    const missing = initial.filter((policy) => !valid.some((node) => node.policy === policy));
    for (const policy of missing) grow(parent, policy);
    unwanted.push(last);
  }
  remove(state, unwanted, n - 1);
}

function found(state: State, n: number): readonly string[] {
  const anyNodes = nodes(state).filter(({ policy }) => policy === anyPolicy);
  const valid = anyNodes.flatMap(({ children }) => children).filter(({ policy }) => policy !== anyPolicy);
  const any = anyNodes.some(({ depth }) => depth === n) ? [anyPolicy] : [];
  return [...new Set([...valid.map(({ policy }) => policy), ...any])].sort();
}

function grow(parent: TreeNode, policy: string, expected: readonly string[] = [policy]): void {
  parent.children.push({ policy, expected, children: [], depth: parent.depth + 1 });
}

function nodes({ root }: State): readonly TreeNode[] {
  const all = root === undefined ? [] : [root];
  // Grows while it is gone through.
  for (const node of all) all.push(...node.children);
  return all;
}

function remove(state: State, unwanted: readonly TreeNode[], depth: number): void {
  for (const node of nodes(state)) node.children = node.children.filter((child) => !unwanted.includes(child));
  prune(state, depth);
}

/** Nodes down to this depth that have no children are deleted, until there are none. */
function prune(state: State, depth: number): void {
  const childless = (node: TreeNode): boolean => node.depth <= depth && node.children.length === 0;
  for (let level = depth; level >= 0; level--) {
    for (const node of nodes(state)) node.children = node.children.filter((child) => !childless(child));
  }
  if (state.root !== undefined && childless(state.root)) state.root = undefined;
}
