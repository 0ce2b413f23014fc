import { describe, expect, test } from 'vitest';
import { noble } from '#opentls/providers/noble';
import { node } from '#opentls/providers/node';
import { Tag } from '#opentls/x509/der';
import { element, unsignedInteger, wholeBits } from '#opentls/x509/der-write';
import { rfc5280 } from '#opentls/x509/profile';
import { TrustStore } from '#opentls/x509/trust';
import { type Verdict, type VerifyOptions, verifyPeer } from '#opentls/x509/verify';
import { authority, type Holder, now, serverLeaf } from './make-chain.ts';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
const text = (tag: number, value: string): Uint8Array => element(tag, new TextEncoder().encode(value));
const commonName = (value: string): Uint8Array =>
  element(Tag.sequence, element(Tag.set, element(Tag.sequence, bytes('0603550403'), text(Tag.utf8String, value))));

const ecdsaWithSha256 = bytes('300a06082a8648ce3d040302');
const validity = element(Tag.sequence, text(Tag.utcTime, '200101000000Z'), text(Tag.utcTime, '491231235959Z'));
/** basicConstraints, CA. */
const caExtensions = element(0xa3, element(Tag.sequence, bytes('300f0603551d130101ff040530030101ff')));

/** A CA certificate that nobody signed: made by hand, ten thousand in a moment. */
function forge(issuer: string, subject: string, serial: number, spki: Uint8Array): Uint8Array {
  const tbs = element(
    Tag.sequence,
    bytes('a003020102'),
    unsignedInteger(Uint8Array.of(1, serial >> 8, serial & 255)),
    ecdsaWithSha256,
    commonName(issuer),
    validity,
    commonName(subject),
    spki,
    caExtensions,
  );
  return element(Tag.sequence, tbs, ecdsaWithSha256, wholeBits(bytes('3006020101020101')));
}

/** SubjectPublicKeyInfo of P-256 with some point: nobody looks. */
function keyOf(n: number): Uint8Array {
  const point = new Uint8Array(65).fill(n & 255);
  point[0] = 4;
  point[64] = n >> 8;
  return element(Tag.sequence, bytes('301306072a8648ce3d020106082a8648ce3d030107'), wholeBits(point));
}

function judge(
  chain: readonly Uint8Array[],
  trusted: readonly Holder[],
  overrides: Partial<VerifyOptions> = {},
): Verdict {
  const verdict = verifyPeer(chain, {
    trust: TrustStore.from(trusted.map(({ der }) => der)),
    verifiers: noble.verifiers,
    purpose: 'server',
    time: now,
    profile: rfc5280,
    ...overrides,
  });
  if ('then' in verdict) throw new TypeError('a verdict that is not there at once');
  return verdict;
}

const codeOf = (verdict: Verdict): string => (verdict.ok ? 'good' : verdict.code);
const root = authority('root');

/** A hundred CAs, each certified by each: ten thousand edges. */
const mesh = Array.from({ length: 10_000 }, (_, edge) => {
  const from = Math.floor(edge / 100);
  const to = edge % 100;
  return forge(`ca ${from}`, `ca ${to}`, edge, keyOf(to));
});

/** dNSName entries, or permitted subtrees of them. */
function dnsNames(count: number, wrap: (name: Uint8Array) => Uint8Array): Uint8Array {
  return element(Tag.sequence, ...Array.from({ length: count }, (_, i) => wrap(text(0x82, `n${i}.test`))));
}

describe('chains made to cost', () => {
  test('a mesh of 10,000 cross-certificates that leads nowhere', () => {
    const leaf = serverLeaf(authority('ca 0'));
    const verdict = judge([leaf.der, ...mesh], [root]);
    expect(codeOf(verdict)).toBe('BUDGET_EXCEEDED');
    expect(verdict).toMatchObject({ reason: 'too many steps in the search for a path' });
  });

  test('a hundred issuers of one name, each as if from the root', () => {
    const leaf = serverLeaf(authority('ca 0'));
    const entries = Array.from({ length: 100 }, (_, to) => forge('root', 'ca 0', to, keyOf(to)));
    const verdict = judge([leaf.der, ...entries], [root]);
    expect(codeOf(verdict)).toBe('BUDGET_EXCEEDED');
    expect(verdict).toMatchObject({ reason: 'too many signature checks' });
  });

  test('250,000 comparisons of name constraints and one more', () => {
    const constraints = (count: number): Uint8Array => element(Tag.sequence, element(0xa1, ...[...dnsSubtrees(count)]));
    function* dnsSubtrees(count: number): Generator<Uint8Array> {
      for (let i = 0; i < count; i++) yield element(Tag.sequence, text(0x82, `x${i}.test`));
    }
    const middle = authority('middle', root, {
      extensions: [{ oid: '2.5.29.30', critical: true, value: constraints(500) }],
    });
    const leafOf = (count: number): Holder =>
      serverLeaf(middle, {
        subjectAltNames: {},
        extensions: [{ oid: '2.5.29.17', critical: false, value: dnsNames(count, (name) => name) }],
      });
    expect(codeOf(judge([leafOf(500).der, middle.der], [root]))).toBe('good');
    expect(judge([leafOf(501).der, middle.der], [root])).toMatchObject({
      code: 'BUDGET_EXCEEDED',
      reason: 'too many name constraint comparisons',
    });
  });

  test('signatures: as many as the budget has, and one more', () => {
    const middle = authority('middle', root);
    const chain = [serverLeaf(middle), middle].map(({ der }) => der);
    expect(codeOf(judge(chain, [root], { budget: { signatures: 2 }, verifiers: node.verifiers }))).toBe('good');
    expect(codeOf(judge(chain, [root], { budget: { signatures: 1 } }))).toBe('BUDGET_EXCEEDED');
  });
});
