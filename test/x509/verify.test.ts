import { describe, expect, test } from 'vitest';
import type { SignatureVerifier } from '#opentls/crypto/provider';
import { node } from '#opentls/providers/node';
import { hostName } from '#opentls/x509/identity';
import { nodeProfile } from '#opentls/x509/profile';
import { TrustStore } from '#opentls/x509/trust';
import { dangerouslyTrust, type Verdict, type VerifyOptions, verifyPeer } from '#opentls/x509/verify';
import { authority, type Holder, now, serverLeaf } from './make-chain.ts';

const root = authority('root');
const middle = authority('middle', root);
const leaf = serverLeaf(middle);
const der = (...holders: readonly Holder[]): Uint8Array[] => holders.map((holder) => holder.der);

const options = (overrides: Partial<VerifyOptions> = {}): VerifyOptions => ({
  trust: TrustStore.from(der(root)),
  verifiers: node.verifiers,
  purpose: 'server',
  time: now,
  ...overrides,
});

function verify(chain: readonly Uint8Array[], overrides: Partial<VerifyOptions> = {}): Verdict {
  const verdict = verifyPeer(chain, options(overrides));
  if ('then' in verdict) throw new TypeError('a verdict that is not there at once');
  return verdict;
}

const codeOf = (verdict: Verdict): string => (verdict.ok ? 'good' : verdict.code);

describe('verifyPeer', () => {
  test('answers with the path to the anchor', () => {
    const verdict = verify(der(leaf, middle));
    if (!verdict.ok) throw new Error(verdict.reason);
    expect(verdict.peer.verified).toBe(true);
    expect(verdict.peer.failure).toBeUndefined();
    expect(verdict.peer.certificates.map(({ raw }) => raw)).toEqual(der(leaf, middle, root));
  });

  test('one name of a list is enough; none is a mismatch', () => {
    const named = (...hosts: readonly string[]) => codeOf(verify(der(leaf, middle), { name: hosts.map(hostName) }));
    expect(named('server.test')).toBe('good');
    expect(named('other.test', 'SERVER.test.')).toBe('good');
    expect(named('other.test')).toBe('HOSTNAME_MISMATCH');
    expect(named('leaf')).toBe('HOSTNAME_MISMATCH');
    expect(named('127.0.0.1')).toBe('HOSTNAME_MISMATCH');
  });

  test('validity includes both of its ends', () => {
    const notBefore = now - 3_600_000;
    const notAfter = now + 86_400_000;
    expect(codeOf(verify(der(leaf, middle), { time: notBefore }))).toBe('good');
    expect(codeOf(verify(der(leaf, middle), { time: notBefore - 1 }))).toBe('CERT_NOT_YET_VALID');
    expect(codeOf(verify(der(leaf, middle), { time: notAfter + 999 }))).toBe('good');
    expect(codeOf(verify(der(leaf, middle), { time: notAfter + 1000 }))).toBe('CERT_HAS_EXPIRED');
  });

  test('RSA keys by profile', () => {
    const small = serverLeaf(middle, { rsa: 1024 });
    expect(codeOf(verify(der(small, middle)))).toBe('EE_KEY_TOO_SMALL');
    expect(codeOf(verify(der(small, middle), { profile: nodeProfile }))).toBe('good');
    const smallCa = authority('small', root, { rsa: 1024 });
    expect(codeOf(verify(der(serverLeaf(smallCa), smallCa)))).toBe('CA_KEY_TOO_SMALL');
  });

  test('no verifier for an algorithm is a refusal', () => {
    const verifiers = node.verifiers.filter(({ algorithm }) => algorithm !== 'ecdsa_sha256');
    expect(codeOf(verify(der(leaf, middle), { verifiers }))).toBe('UNSUPPORTED_SIGNATURE_ALGORITHM');
  });

  test('what cannot be read: refused as the leaf, passed over elsewhere', () => {
    expect(codeOf(verify([]))).toBe('INVALID_CERTIFICATE');
    expect(codeOf(verify([Uint8Array.of(0x30, 0x00), middle.der]))).toBe('INVALID_CERTIFICATE');
    expect(codeOf(verify([leaf.der, Uint8Array.of(0x30, 0x00), middle.der]))).toBe('good');
  });

  test('a trusted intermediate is an anchor only if the store says so', () => {
    const trusting = (allowPartial: boolean) => ({ trust: TrustStore.from(der(middle), { allowPartial }) });
    expect(codeOf(verify(der(leaf), trusting(true)))).toBe('good');
    expect(codeOf(verify(der(leaf), trusting(false)))).toBe('UNABLE_TO_GET_ISSUER_CERT');
  });

  test('maxDepth counts intermediates', () => {
    const lower = authority('lower', middle);
    const chain = der(serverLeaf(lower), lower, middle);
    expect(codeOf(verify(chain, { maxDepth: 2 }))).toBe('good');
    expect(verify(chain, { maxDepth: 1 }).ok).toBe(false);
  });

  test('explains every path that was tried', () => {
    const old = authority('middle', root, { notBefore: now - 7_200_000, notAfter: now - 3_600_000 });
    const verdict = verify(der(serverLeaf(middle, { forgedBy: root }), old, middle));
    if (verdict.ok) throw new Error('a forged leaf was accepted');
    expect(verdict.paths.map(({ code, at }) => [code, at])).toContainEqual(['CERT_SIGNATURE_FAILURE', 0]);
    expect(verdict.paths.map(({ code, at }) => [code, at])).toContainEqual(['CERT_HAS_EXPIRED', 1]);
  });
});

describe('verifiers that answer later', () => {
  const later = (verifier: SignatureVerifier): SignatureVerifier => ({
    algorithm: verifier.algorithm,
    verify: async (spki, message, signature) => verifier.verify(spki, message, signature),
  });
  const verifiers = node.verifiers.map(later);

  test('give the same verdicts', async () => {
    const verdict = verifyPeer(der(leaf, middle), options({ verifiers }));
    expect('then' in verdict).toBe(true);
    expect((await verdict).ok).toBe(true);
    const forged = serverLeaf(middle, { forgedBy: root });
    expect(codeOf(await verifyPeer(der(forged, middle), options({ verifiers })))).toBe('CERT_SIGNATURE_FAILURE');
    const twin = authority('middle', root, { forgedBy: middle });
    expect(codeOf(await verifyPeer(der(leaf, twin, middle), options({ verifiers })))).toBe('good');
  });

  test('that fail, fail the verification', async () => {
    const broken = node.verifiers.map(({ algorithm }) => ({
      algorithm,
      verify: () => Promise.reject(new Error('out of order')),
    }));
    await expect(async () => verifyPeer(der(leaf, middle), options({ verifiers: broken }))).rejects.toThrow(
      'out of order',
    );
  });
});

describe('budget', () => {
  /** Authorities of one name that all sign each other: every order of them is a path. */
  const mesh = (size: number): Uint8Array[] => {
    const keys = Array.from({ length: size }, () => authority('mesh'));
    return keys.flatMap((issuer) =>
      keys.filter((subject) => subject !== issuer).map((subject) => crossSign(subject, issuer)),
    );
  };
  const crossSign = (subject: Holder, issuer: Holder): Uint8Array =>
    authority('mesh', issuer, { publicKeyOf: subject }).der;

  test('a mesh of cross-signed authorities ends soon', () => {
    const chain = [serverLeaf(authority('mesh')).der, ...mesh(8)];
    const start = performance.now();
    expect(verify(chain).ok).toBe(false);
    expect(performance.now() - start).toBeLessThan(1_000);
    expect(codeOf(verify(chain, { maxDepth: 32 }))).toBe('BUDGET_EXCEEDED');
  });

  test('n signature checks are enough for n certificates below the anchor, n - 1 are not', () => {
    expect(codeOf(verify(der(leaf, middle), { budget: { signatures: 2 } }))).toBe('good');
    expect(codeOf(verify(der(leaf, middle), { budget: { signatures: 1 } }))).toBe('BUDGET_EXCEEDED');
  });
});

describe('dangerouslyTrust', () => {
  test('carries the chain as presented and says that it is not verified', () => {
    const failure = { code: 'CERT_HAS_EXPIRED', reason: 'certificate has expired' } as const;
    const peer = dangerouslyTrust(der(leaf, middle), failure);
    expect(peer.verified).toBe(false);
    expect(peer.failure).toEqual(failure);
    expect(peer.certificates.map(({ raw }) => raw)).toEqual(der(leaf, middle));
    expect(() => dangerouslyTrust([])).toThrow('malformed');
  });
});
