import { sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { SignatureVerifier } from '#opentls/crypto/provider';
import { node } from '#opentls/providers/node';
import { DerReader, Tag } from '#opentls/x509/asn1/der';
import { element, wholeBits } from '#opentls/x509/asn1/der-write';
import { parseCertificate } from '#opentls/x509/certificate/certificate';
import { hostName } from '#opentls/x509/certificate/identity';
import type { TrustAnchor } from '#opentls/x509/path/anchor';
import { SignatureCache } from '#opentls/x509/path/signatures';
import { TrustStore } from '#opentls/x509/path/trust';
import { nodeProfile, type Profile, webpki } from '#opentls/x509/rules/profile';
import type { VerifyOptions } from '#opentls/x509/verify/options';
import type { Verdict, VerifiedChain, VerifiedPeer } from '#opentls/x509/verify/verified-peer';
import { dangerouslyTrust, verifyPeer } from '#opentls/x509/verify/verify';
import { authority, type Holder, now, serverLeaf } from '../made/chain.ts';

const root = authority('root');
const middle = authority('middle', root);
const leaf = serverLeaf(middle);
const der = (...holders: readonly Holder[]): Uint8Array[] => holders.map((holder) => holder.der);

const options = (overrides: Partial<VerifyOptions> = {}): VerifyOptions => ({
  trust: TrustStore.from(der(root)),
  verifiers: node.verifiers,
  purpose: 'server',
  name: 'any',
  time: now,
  ...overrides,
});

function verify(chain: readonly Uint8Array[], overrides: Partial<VerifyOptions> = {}): Verdict {
  const verdict = verifyPeer(chain, options(overrides));
  if ('then' in verdict) throw new TypeError('a verdict that is not there at once');
  return verdict;
}

/** A certificate of `middle` with some of its bytes replaced, and signed anew. */
function resigned({ der: whole }: Holder, from: string, to: string): Uint8Array {
  const { tbs, raw } = parseCertificate(whole);
  const body = Buffer.from(new DerReader(tbs).element().content).toString('hex').replace(from, to);
  const changed = element(Tag.sequence, new Uint8Array(Buffer.from(body, 'hex')));
  const outer = new DerReader(raw).sequence();
  outer.element();
  const signature = new Uint8Array(sign('sha256', changed, middle.key));
  return element(Tag.sequence, changed, outer.element().raw, wholeBits(signature));
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

  test('serial numbers by profile: not negative, of 20 octets at most', () => {
    const given = serverLeaf(middle, { serialNumber: 0x7f01n });
    const withSerial = (hex: string, profile: Profile = webpki): string =>
      codeOf(verify([resigned(given, '02027f01', hex), middle.der], { profile }));
    expect(withSerial('02027f01')).toBe('good');
    expect(withSerial('0202ff01')).toBe('INVALID_EXTENSION');
    expect(withSerial('0202ff01', nodeProfile)).toBe('good');
    expect(withSerial(`021500ff${'01'.repeat(19)}`)).toBe('good');
    expect(withSerial(`021501${'01'.repeat(20)}`)).toBe('INVALID_EXTENSION');
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

describe('whom the certificate is for', () => {
  const person = serverLeaf(middle, {
    subjectAltNames: { email: ['Ann@Example.test'], uri: ['https://Host.test/A?b'], ip: ['2001:db8::1'] },
    extendedKeyUsage: ['clientAuth', 'emailProtection'],
  });
  const forClient = (name: VerifyOptions['name'], purpose: VerifyOptions['purpose'] = 'client'): string =>
    codeOf(verify(der(person, middle), { purpose, name }));

  test('mailboxes: the host without regard to case, the rest as it is', () => {
    expect(forClient({ email: 'Ann@example.TEST' })).toBe('good');
    expect(forClient({ email: 'ann@example.test' })).toBe('HOSTNAME_MISMATCH');
    expect(forClient({ email: 'example.test' })).toBe('HOSTNAME_MISMATCH');
  });

  test('URIs: scheme and host without regard to case, the rest as it is', () => {
    expect(forClient({ uri: 'HTTPS://host.test/A?b' })).toBe('good');
    expect(forClient({ uri: 'https://host.test/a?b' })).toBe('HOSTNAME_MISMATCH');
    expect(forClient({ uri: 'https://host.test/' })).toBe('HOSTNAME_MISMATCH');
  });

  test('one of several kinds is enough', () => {
    expect(forClient([{ dns: 'host.test' }, hostName('2001:DB8:0::1')])).toBe('good');
    expect(forClient([{ dns: 'host.test' }, { email: 'a@b.test' }])).toBe('HOSTNAME_MISMATCH');
  });

  test('purposes', () => {
    expect(forClient(undefined, 'email')).toBe('good');
    expect(forClient(undefined, 'any')).toBe('good');
    expect(forClient('any', 'server')).toBe('INVALID_PURPOSE');
    expect(forClient(undefined, 'codeSigning')).toBe('INVALID_PURPOSE');
    expect(forClient(undefined, 'timeStamping')).toBe('INVALID_PURPOSE');
  });
});

describe('where trust begins', () => {
  const rootCertificate = parseCertificate(root.der);
  const [subject, spki] = [rootCertificate.subject.raw, rootCertificate.spki];
  const trusting = (anchor: TrustAnchor, overrides: Partial<VerifyOptions> = {}): string =>
    codeOf(verify(der(leaf, middle), { trust: TrustStore.from([anchor]), ...overrides }));

  test('a name and a key', () => {
    expect(trusting({ subject, spki })).toBe('good');
    expect(trusting({ subject, spki: parseCertificate(middle.der).spki })).toBe('CERT_SIGNATURE_FAILURE');
    expect(trusting({ subject: parseCertificate(middle.der).subject.raw, spki })).not.toBe('good');
    expect(() => trusting({ subject: Uint8Array.of(1), spki })).not.toThrow();
  });

  test('with constraints', () => {
    const permits = (name: string): Uint8Array => {
      const base = Buffer.from(name);
      const n = base.length;
      return Uint8Array.of(0x30, n + 6, 0xa0, n + 4, 0x30, n + 2, 0x82, n, ...base);
    };
    expect(trusting({ subject, spki, nameConstraints: permits('server.test') })).toBe('good');
    expect(trusting({ subject, spki, nameConstraints: permits('other.test') })).toBe('PERMITTED_VIOLATION');
  });

  test('a certificate of which only part counts', () => {
    const old = authority('root', undefined, { notBefore: now - 7_200_000, notAfter: now - 3_600_000 });
    const chain = der(serverLeaf(old));
    const by = (anchor: TrustAnchor): string => codeOf(verify(chain, { trust: TrustStore.from([anchor]) }));
    expect(by(old.der)).toBe('CERT_HAS_EXPIRED');
    expect(by({ certificate: old.der, validity: false })).toBe('good');
    expect(by({ certificate: old.der, constraints: false })).toBe('CERT_HAS_EXPIRED');
    const short = authority('root', undefined, { pathLength: 0 });
    const below = authority('below', short);
    const long = (anchor: TrustAnchor): string =>
      codeOf(verify(der(serverLeaf(below), below), { trust: TrustStore.from([anchor]) }));
    expect(long(short.der)).toBe('PATH_LENGTH_EXCEEDED');
    expect(long({ certificate: short.der, constraints: false })).toBe('good');
  });

  test('no path leads through what is distrusted', () => {
    const store = (distrusted: readonly Uint8Array[]) => TrustStore.from(der(root), { distrusted });
    expect(codeOf(verify(der(leaf, middle), { trust: store(der(middle)) }))).toBe('CERT_REJECTED');
    expect(codeOf(verify(der(leaf, middle), { trust: store(der(root)) }))).toBe('CERT_REJECTED');
    const twin = authority('middle', root, { publicKeyOf: middle });
    expect(codeOf(verify(der(leaf, middle, twin), { trust: store(der(middle)) }))).toBe('good');
  });
});

describe('issuers that were not sent', () => {
  const url = 'http://ca.test/middle.cer';
  // SEQUENCE { SEQUENCE { id-ad-caIssuers, [6] url } }
  const location = Buffer.from(url);
  const access = [0x30, location.length + 12, 6, 8, 0x2b, 6, 1, 5, 5, 7, 0x30, 2, 0x86, location.length, ...location];
  const value = Uint8Array.of(0x30, access.length, ...access);
  const naming = serverLeaf(middle, { extensions: [{ oid: '1.3.6.1.5.5.7.1.1', value }] });

  test('are fetched by a hook alone, each URL once', async () => {
    const asked: string[] = [];
    const fetchIssuers = (given: string): readonly Uint8Array[] => {
      asked.push(given);
      return der(middle);
    };
    expect(codeOf(verify(der(naming)))).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    expect(codeOf(verify(der(naming), { fetchIssuers }))).toBe('good');
    expect(asked).toEqual([url]);
    expect(codeOf(verify(der(leaf), { fetchIssuers }))).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    const later = async () => der(middle);
    expect(codeOf(await verifyPeer(der(naming), options({ fetchIssuers: later })))).toBe('good');
  });

  test('a hook that fails or brings the wrong one ends in the same verdict', async () => {
    const failing = () => Promise.reject(new Error('no network'));
    expect(codeOf(await verifyPeer(der(naming), options({ fetchIssuers: failing })))).toBe(
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    );
    const wrong = () => [Uint8Array.of(1), ...der(root)];
    expect(verify(der(naming), { fetchIssuers: wrong }).ok).toBe(false);
    const budget = { fetches: 0 };
    expect(verify(der(naming), { fetchIssuers: () => der(middle), budget }).ok).toBe(false);
  });
});

describe('a cache of good signatures', () => {
  test('saves every signature of a chain met again, and none that is bad', () => {
    let calls = 0;
    const verifiers = node.verifiers.map((verifier) => ({
      algorithm: verifier.algorithm,
      verify(...args: Parameters<SignatureVerifier['verify']>) {
        calls++;
        return verifier.verify(...args);
      },
    }));
    const cache = new SignatureCache({ hash: node.hashes.sha256, size: 2 });
    const counted = (chain: readonly Uint8Array[]): [string, number] => {
      calls = 0;
      return [codeOf(verify(chain, { verifiers, cache })), calls];
    };
    expect(counted(der(leaf, middle))).toEqual(['good', 2]);
    expect(counted(der(leaf, middle))).toEqual(['good', 0]);
    expect(counted(der(serverLeaf(middle), middle))).toEqual(['good', 1]);
    expect(cache.size).toBe(2);
    const forged = serverLeaf(middle, { forgedBy: root });
    expect(counted(der(forged, middle))).toEqual(['CERT_SIGNATURE_FAILURE', 1]);
    expect(counted(der(forged, middle))).toEqual(['CERT_SIGNATURE_FAILURE', 1]);
    // The leaf was used longest ago and has made room.
    expect(counted(der(leaf, middle))).toEqual(['good', 1]);
    expect(counted(der(leaf, middle))[0]).toBe('good');
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
    expect(verify(chain).ok).toBe(false);
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

describe('a peer', () => {
  test('is a verified chain, a verified raw key or one that nothing was verified of: the types tell', () => {
    const peer = dangerouslyTrust(der(leaf)) as VerifiedPeer;
    // A chain has a leaf, and where there is none there is a raw key.
    const judged = peer.rawPublicKey === undefined ? peer.certificates[0].raw : peer.rawPublicKey.spki;
    expect(judged).toEqual(leaf.der);
    const unverified: false = dangerouslyTrust(der(leaf)).verified;
    expect(unverified).toBe(false);
    // @ts-expect-error nobody else makes one
    const forged: VerifiedPeer = { ...peer, verified: true };
    expect(forged.verified).toBe(true);
    // @ts-expect-error a chain that was only trusted is none that was verified
    const promoted: VerifiedChain = dangerouslyTrust(der(leaf));
    expect(promoted.verified).toBe(false);
  });
});
