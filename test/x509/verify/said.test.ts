import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { node } from '#opentls/providers/node';
import { Tag } from '#opentls/x509/asn1/der';
import { element } from '#opentls/x509/asn1/der-write';
import { ExtensionOid } from '#opentls/x509/certificate/extensions';
import { TrustStore } from '#opentls/x509/path/trust';
import { nodeProfile, rfc5280, webpki } from '#opentls/x509/rules/profile';
import type { VerifyOptions } from '#opentls/x509/verify/options';
import type { Refusal } from '#opentls/x509/verify/refusal';
import type { Verdict } from '#opentls/x509/verify/verified-peer';
import { verifyPeer } from '#opentls/x509/verify/verify';
import { authority, type Holder, now, type Overrides, serverLeaf } from '../made/chain.ts';
import { toDer } from '../suites/limbo.ts';

const root = authority('root');
const middle = authority('middle', root);
const leaf = serverLeaf(middle);
const der = (...holders: readonly Holder[]): Uint8Array[] => holders.map((holder) => holder.der);

function judge(chain: readonly Uint8Array[], overrides: Partial<VerifyOptions> = {}): Verdict {
  const verdict = verifyPeer(chain, {
    trust: TrustStore.from(der(root)),
    verifiers: node.verifiers,
    purpose: 'server',
    name: 'any',
    time: now + 1000,
    profile: rfc5280,
    ...overrides,
  });
  if ('then' in verdict) throw new TypeError('a verdict that is not there at once');
  return verdict;
}

function refusal(chain: readonly Uint8Array[], overrides: Partial<VerifyOptions> = {}): Refusal {
  const verdict = judge(chain, overrides);
  if (verdict.ok) throw new Error('it was accepted');
  return verdict;
}

/** A certificate of version 9, of the same name. */
function unreadable({ der: whole }: Holder): Uint8Array {
  const hex = Buffer.from(whole).toString('hex');
  return new Uint8Array(Buffer.from(hex.replace('a003020102', 'a003020108'), 'hex'));
}

/** One whose subject has a string that is no UTF-8. */
function nameless({ der: whole }: Holder, name: string): Uint8Array {
  const hex = Buffer.from(whole).toString('hex');
  const text = Buffer.from(name).toString('hex');
  return new Uint8Array(
    Buffer.from(hex.replaceAll(`0c0${name.length}${text}`, `0c0${name.length}ff${text.slice(2)}`), 'hex'),
  );
}

describe('what is passed over is said', () => {
  test('an anchor that cannot be read', () => {
    const verdict = refusal(der(leaf, middle), { trust: TrustStore.from([unreadable(root)]) });
    expect(verdict.code).toBe('UNABLE_TO_GET_ISSUER_CERT_LOCALLY');
    const reason = 'the certificate is malformed: certificate version 9';
    expect(verdict.passedOver).toEqual([{ what: 'anchor', which: 'CN=root', reason }]);
    expect(verdict.reason).toBe(
      `unable to get local issuer certificate: "CN=middle" was issued by "CN=root", which was not sent and is no trust anchor; passed over: anchor CN=root (${reason})`,
    );
  });

  test('an anchor of a name that cannot be read', () => {
    const verdict = refusal(der(leaf, middle), { trust: TrustStore.from([nameless(root, 'root')]) });
    expect(verdict.passedOver).toMatchObject([{ what: 'anchor', reason: 'a UTF8String that is not UTF-8' }]);
  });

  test('anchors that are no certificates at all, by their place', () => {
    const cut = root.der.subarray(0, 100);
    const trust = TrustStore.from([cut, ...der(root), { certificate: cut }, { subject: cut, spki: cut }]);
    expect(trust.size).toBe(2);
    expect(judge(der(leaf, middle), { trust }).ok).toBe(true);
    const reason = 'an element that ends after its container';
    expect(refusal(der(serverLeaf(authority('other'))), { trust }).passedOver).toEqual([
      { what: 'anchor', which: '1 of those given', reason },
      { what: 'anchor', which: '3 of those given', reason },
      { what: 'anchor', which: 'of a name that cannot be read', reason },
    ]);
  });

  test('what could not even be decoded', () => {
    const unread = [{ which: 'in roots.pem, PEM block 7', reason: 'it is not base64' }];
    const { passedOver } = refusal(der(leaf, middle), { trust: TrustStore.from([], { unread }) });
    expect(passedOver).toEqual([{ what: 'anchor', ...unread[0] }]);
  });

  test.each<unknown>([null, undefined, 5, 'certificate', {}, [], { certificate: 'PEM' }, { spki: new Uint8Array(9) }])(
    'but %o is no form of an anchor: whoever gives it hears so',
    (anchor) => {
      const make = () => TrustStore.from([root.der, anchor as Uint8Array]);
      expect(make).toThrow(expect.objectContaining({ code: 'ERR_TLS_CONFIG' }));
      expect(make).toThrow('anchors[1]');
    },
  );

  test('an anchor that is no root, where only roots are trusted', () => {
    const verdict = refusal(der(leaf), { trust: TrustStore.from(der(middle)) });
    expect(verdict.code).toBe('UNABLE_TO_GET_ISSUER_CERT');
    expect(verdict.passedOver).toMatchObject([{ what: 'anchor', which: 'CN=middle' }]);
    expect(verdict.reason).toContain('allowPartial');
  });

  test('certificates of the chain that cannot be read', () => {
    const other = nameless(authority('other', root), 'other');
    const verdict = refusal([leaf.der, other, unreadable(middle)]);
    expect(verdict.code).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    expect(verdict.passedOver).toMatchObject([
      { what: 'certificate', which: '3 of the chain', reason: 'the certificate is malformed: certificate version 9' },
      { what: 'certificate', which: '2 of the chain', reason: 'a UTF8String that is not UTF-8' },
    ]);
    expect(verdict.reason).toContain('3 of the chain');
  });

  test('no more of them than somebody reads', () => {
    const verdict = refusal([leaf.der, ...new Array<Uint8Array>(1000).fill(Uint8Array.of(0x30, 0))]);
    expect(verdict.passedOver).toHaveLength(16);
  });

  test('issuers that could not be fetched', () => {
    const url = 'http://ca.test/middle';
    const value = element(0x30, element(0x30, oid('2b06010505073002'), element(0x86, Buffer.from(url))));
    const naming = serverLeaf(middle, { extensions: [{ oid: ExtensionOid.authorityInfoAccess, value }] });
    const fetchIssuers = (): never => {
      throw new Error('no route');
    };
    const verdict = refusal(der(naming), { fetchIssuers });
    expect(verdict.passedOver).toEqual([{ what: 'fetch', which: url, reason: 'no route' }]);
  });

  test('revocation lists that cannot be read', () => {
    const verdict = refusal(der(leaf, middle), { crls: [Uint8Array.of(0x30, 0)] });
    expect(verdict.code).toBe('UNABLE_TO_GET_CRL');
    expect(verdict.passedOver).toMatchObject([{ what: 'list', which: '1 of those given' }]);
  });

  test('OCSP responses that say nothing of their certificate', () => {
    const revocation = { mode: 'hard', scope: 'leaf', hashes: node.hashes } as const;
    const stapled = refusal(der(leaf, middle), { revocation: { ...revocation, stapled: [Uint8Array.of(0x30, 0)] } });
    expect(stapled.code).toBe('INVALID_OCSP_RESPONSE');
    expect(stapled.passedOver).toMatchObject([{ what: 'response', which: 'stapled for CN=leaf' }]);
    // What the reason says already is not said again.
    expect(stapled.reason).toBe(`${stapled.passedOver[0]?.reason}: "CN=leaf", certificate 1 of a path of 3`);
    const urls = ['http://a.test/', 'http://b.test/'];
    const points = urls.map((url) => element(0x30, oid('2b06010505073001'), element(0x86, Buffer.from(url))));
    const value = element(0x30, ...points);
    const asking = serverLeaf(middle, { extensions: [{ oid: ExtensionOid.authorityInfoAccess, value }] });
    const fetchOcsp = (url: string): Uint8Array => Uint8Array.of(0x30, url === urls[0] ? 0 : 1);
    const fetched = refusal(der(asking, middle), { revocation: { ...revocation, fetchOcsp } });
    expect(fetched.passedOver).toMatchObject(urls.map((which) => ({ what: 'response', which })));
    expect(fetched.reason).toContain('; passed over: response http://a.test/ (');
  });

  test('nothing, where nothing was', () => {
    expect(refusal(der(leaf)).passedOver).toEqual([]);
    expect(refusal(der(leaf)).paths[0]?.reason).toBe('unable to verify the first certificate');
  });
});

describe('the limit is said', () => {
  const lower = authority('lower', middle);
  const chain = der(serverLeaf(lower), lower, middle);

  test('of intermediates', () => {
    expect(judge(chain, { maxDepth: 2 }).ok).toBe(true);
    const verdict = refusal(chain, { maxDepth: 1 });
    expect(verdict.code).toBe('CERT_CHAIN_TOO_LONG');
    expect(verdict.paths[0]?.reason).toBe('certificate chain too long: more than 1 intermediates (maxDepth)');
    const [path] = verdict.paths;
    expect(path?.certificates.map(({ raw }) => raw)).toEqual(chain);
    expect(path?.at).toBe(2);
  });

  test('of intermediates, by default: nine', () => {
    let issuer = root;
    const sent: Holder[] = [];
    for (let n = 0; n < 9; n++) {
      issuer = authority(`ca ${n}`, issuer);
      sent.unshift(issuer);
    }
    expect(judge(der(serverLeaf(issuer), ...sent), { maxDepth: 9 }).ok).toBe(true);
    expect(refusal(der(serverLeaf(issuer), ...sent)).reason).toContain('more than 8 intermediates (maxDepth)');
  });

  test.each(['signatures', 'steps'] as const)('of %s', (kind) => {
    expect(refusal(chain, { budget: { [kind]: 1 } }).reason).toContain(`more than 1`);
    expect(refusal(chain, { budget: { [kind]: 1 } }).reason).toContain(`(budget.${kind})`);
  });
});

test('maxDepth counts as pathLenConstraint does: self-issued intermediates are free', () => {
  // A new key of the same name, certified by the old one (RFC 5280 §3.2, §4.2.1.9).
  const bound = authority('bound', root, { pathLength: 0 });
  const renewed = authority('bound', bound, { pathLength: 0 });
  const below = serverLeaf(renewed);
  expect(judge(der(below, renewed, bound)).ok).toBe(true);
  expect(judge(der(below, renewed, bound), { maxDepth: 1 }).ok).toBe(true);
  expect(refusal(der(below, renewed, bound), { maxDepth: 0 }).code).toBe('CERT_CHAIN_TOO_LONG');
});

const folder = mkdtempSync(join(tmpdir(), 'opentls-said-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A leaf of `ca` that the openssl command signs. */
function openssl(ca: Holder, ...options: readonly string[]): Uint8Array {
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const request = execFileSync('openssl', ['req', '-new', '-subj', '/CN=leaf', '-key', file('leaf.key', leaf.key)]);
  const args = ['x509', '-req', '-in', file('leaf.csr', request.toString()), '-days', '1'];
  args.push('-CA', file('ca.pem', ca.pem), '-CAkey', file('ca.key', ca.key), '-out', join(folder, 'leaf.pem'));
  execFileSync('openssl', [...args, ...options], { stdio: 'pipe' });
  return toDer(readFileSync(join(folder, 'leaf.pem'), 'utf8'));
}

describe('the algorithm is said', () => {
  const rsa = authority('rsa', undefined, { rsa: 2048 });
  const trust = TrustStore.from(der(rsa));
  const pss = ['-sigopt', 'rsa_padding_mode:pss'];
  test.each([
    ['RSASSA-PSS with SHA-224 (2.16.840.1.101.3.4.2.4)', ['-sha224', ...pss]],
    ['RSASSA-PSS with SHA-512/256 (2.16.840.1.101.3.4.2.6)', ['-sha512-256', ...pss]],
    ['RSASSA-PSS with sha256 and a mask by sha512', ['-sha256', ...pss, '-sigopt', 'rsa_mgf1_md:sha512']],
    ['sha224WithRSAEncryption (1.2.840.113549.1.1.14)', ['-sha224']],
  ])('%s', (text, options) => {
    const made = openssl(rsa, ...options);
    const verdict = refusal([made], { trust, time: Date.now() });
    expect(verdict.code).toBe('UNSUPPORTED_SIGNATURE_ALGORITHM');
    expect(verdict.paths[0]?.reason).toBe(`unsupported signature algorithm ${text}`);
    expect(verdict.paths[0]?.at).toBe(0);
  });

  test('of a key that signed', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
    const signer = { ...middle.signer, publicKey: spki };
    const odd: Holder = { ...authority('odd', root, { publicKeyOf: { ...middle, signer } }) };
    const made = serverLeaf({
      ...odd,
      signer: { ...signer, sign: (_scheme, message) => new Uint8Array(sign('sha256', message, privateKey)) },
    });
    const verdict = refusal(der(made, odd));
    expect(verdict.code).toBe('UNSUPPORTED_SIGNATURE_ALGORITHM');
    expect(verdict.reason).toContain('secp256k1 (1.3.132.0.10)');
    expect(verdict.paths[0]?.at).toBe(1);
  });
});

describe('TLS features go down the path (RFC 7633 §4.2.2)', () => {
  const feature = (...numbers: readonly number[]): Overrides => ({
    extensions: [
      {
        oid: ExtensionOid.tlsFeature,
        value: element(Tag.sequence, ...numbers.map((n) => element(Tag.integer, Uint8Array.of(n)))),
      },
    ],
  });
  const demanding = authority('demanding', root, feature(5));
  const silent = serverLeaf(demanding);
  const promising = serverLeaf(demanding, feature(17, 5));

  test('what a CA has, those below it have, too', () => {
    const verdict = refusal(der(silent, demanding), { profile: webpki });
    expect(verdict.code).toBe('INVALID_EXTENSION');
    expect(verdict.paths[0]?.reason).toBe('without the TLS feature 5 that its issuer demands');
    expect(verdict.paths[0]?.at).toBe(0);
    expect(refusal(der(serverLeaf(demanding, feature(17)), demanding), { profile: webpki }).code).toBe(
      'INVALID_EXTENSION',
    );
    expect(judge(der(promising, demanding), { profile: webpki }).ok).toBe(true);
    expect(judge(der(silent, demanding), { profile: nodeProfile }).ok).toBe(true);
  });

  test('a staple that a CA promises is missed', () => {
    const revocation = { mode: 'soft' } as const;
    expect(refusal(der(silent, demanding), { profile: nodeProfile, revocation }).code).toBe('OCSP_VERIFY_NEEDED');
    expect(judge(der(leaf, middle), { profile: nodeProfile, revocation }).ok).toBe(true);
  });
});

/** An OBJECT IDENTIFIER by its contents. */
function oid(hex: string): Uint8Array {
  return element(Tag.oid, new Uint8Array(Buffer.from(hex, 'hex')));
}
