import { describe, expect, test } from 'vitest';
import { noble } from '#opentls/providers/noble';
import { parseCertificate } from '#opentls/x509/certificate/certificate';
import { Budget, buildPaths } from '#opentls/x509/path/build';
import { CertificatePool } from '#opentls/x509/path/pool';
import { TrustStore } from '#opentls/x509/path/trust';
import { rfc5280 } from '#opentls/x509/rules/profile';
import type { VerifyOptions } from '#opentls/x509/verify/options';
import { verifyPeer } from '#opentls/x509/verify/verify';
import { authority, now, serverLeaf } from '../made/chain.ts';
import { constrained, type HostileChain, mesh, namesakes, policyTwins } from '../made/hostile.ts';

function judge({ sent, root }: HostileChain, overrides: Partial<VerifyOptions> = {}): string {
  const verdict = verifyPeer(sent, {
    trust: TrustStore.from([root.der]),
    verifiers: noble.verifiers,
    purpose: 'server',
    name: 'any',
    time: now,
    profile: rfc5280,
    ...overrides,
  });
  if ('then' in verdict) throw new TypeError('a verdict that is not there at once');
  return verdict.ok ? 'good' : `${verdict.code}: ${verdict.paths[0]?.reason ?? verdict.reason}`;
}

describe('chains made to cost', () => {
  test('a mesh of 10,000 cross-certificates that leads nowhere', () => {
    expect(judge(mesh())).toBe(
      'BUDGET_EXCEEDED: too many steps in the search for a path: more than 1000 (budget.steps)',
    );
  });

  test('at the limit of maxDepth none is read for being self-issued, but those that are', () => {
    const { sent, root } = mesh();
    // One of a hundred for each name is self-issued; the others end behind their names.
    const others = sent.slice(1).map((der, edge) => (edge % 101 === 0 ? der : cutBehindNames(der)));
    const pool = CertificatePool.from(others);
    const leaf = parseCertificate(sent[0] ?? new Uint8Array(0));
    expect(pool.selfIssued(leaf.issuer)).toHaveLength(1);
    expect(pool.unreadable(leaf.issuer)).toEqual([]);
    const paths = buildPaths(leaf, pool, TrustStore.from([root.der]), new Budget(), 0);
    expect([...paths]).toEqual([]);
    expect(pool.named(leaf.issuer)).toHaveLength(1);
    expect(pool.unreadable(leaf.issuer)).toHaveLength(99);
  });

  test('a hundred issuers of one name, each as if from the root', () => {
    expect(judge(namesakes())).toBe('BUDGET_EXCEEDED: too many signature checks: more than 24 (budget.signatures)');
  });

  test('250,000 comparisons of name constraints and one more', () => {
    expect(judge(constrained(500))).toBe('good');
    expect(judge(constrained(501))).toBe(
      'BUDGET_EXCEEDED: too many name constraint comparisons: more than 250000 (budget.nameComparisons)',
    );
  });

  test('thousands of policies on hundreds of paths', () => {
    const policy = { initialPolicySet: ['1.3'], explicitPolicy: true };
    expect(judge(policyTwins(1))).toBe('good');
    expect(judge(policyTwins(1), { policy })).toBe('NO_EXPLICIT_POLICY: no explicit policy');
    const chain = policyTwins(2500);
    expect(judge(chain)).toBe('good');
    expect(judge(chain, { policy })).toBe(
      'BUDGET_EXCEEDED: too many certificate policies and mappings: more than 200000 (budget.policies)',
    );
  });

  test('signatures: as many as the budget has, and one more', () => {
    const root = authority('root');
    const middle = authority('middle', root);
    const chain = { sent: [serverLeaf(middle), middle].map(({ der }) => der), root };
    expect(judge(chain, { budget: { signatures: 2 } })).toBe('good');
    expect(judge(chain, { budget: { signatures: 1 } })).toBe(
      'BUDGET_EXCEEDED: too many signature checks: more than 1 (budget.signatures)',
    );
  });
});

/** With a key that is no SEQUENCE: its names can be read, and nothing else. */
function cutBehindNames(der: Uint8Array): Uint8Array {
  const { spki } = parseCertificate(der);
  const at = spki.byteOffset - der.byteOffset;
  return der.map((byte, i) => (i === at ? 0x04 : byte));
}
