import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { describe, expect, test } from 'vitest';
import { certificateCode } from '#opentls/adapters/node/support/errors';
import type { CertificateErrorCode } from '#opentls/errors';
import { noble } from '#opentls/providers/noble';
import { node } from '#opentls/providers/node';
import { parseCertificate } from '#opentls/x509/certificate/certificate';
import { TrustStore } from '#opentls/x509/path/trust';
import { nodeProfile } from '#opentls/x509/rules/profile';
import type { Verdict } from '#opentls/x509/verify/verified-peer';
import { verifyPeer } from '#opentls/x509/verify/verify';
import { authority, type Holder, now, type Overrides, serverLeaf } from '../made/chain.ts';
import { type CrlOptions, makeCrl } from '../revocation/make-crl.ts';
import { toDer } from '../suites/limbo.ts';

interface Chain {
  /** Leaf first, as sent. */
  readonly sent: readonly [Holder, ...Holder[]];
  readonly trusted: readonly Holder[];
  /** Revocation lists, PEM. */
  readonly crl?: readonly string[];
}

const hour = 3_600_000;
const expired: Overrides = { notBefore: now - 3 * hour, notAfter: now - 2 * hour };
const tooEarly: Overrides = { notBefore: now + 2 * hour, notAfter: now + 3 * hour };
/** An extension that nobody knows. */
const unknown = { oid: '1.2.3.4', critical: true, value: Uint8Array.of(5, 0) } as const;

const root = authority('root');
const stranger = authority('stranger');
const middle = authority('middle', root);

/** Root, intermediate and leaf, with one thing changed. */
function three(middleOverrides: Overrides, leafOverrides: Overrides = {}): Chain {
  const changed = authority('changed', root, middleOverrides);
  return { sent: [serverLeaf(changed, leafOverrides), changed], trusted: [root] };
}

const chains: Readonly<Record<string, () => Chain>> = {
  'a good chain': () => three({}),
  'a leaf under the root': () => ({ sent: [serverLeaf(root)], trusted: [root] }),
  'an intermediate too many': () => ({ sent: [serverLeaf(root), middle, stranger], trusted: [root] }),
  'intermediates in the wrong order': () => {
    const lower = authority('lower', middle);
    return { sent: [serverLeaf(lower), middle, lower], trusted: [root] };
  },
  'the root sent along': () => ({ sent: [serverLeaf(middle), middle, root], trusted: [root] }),
  'a self-signed leaf': () => ({ sent: [serverLeaf()], trusted: [root] }),
  'a self-signed leaf that is trusted': () => {
    const leaf = serverLeaf();
    return { sent: [leaf], trusted: [leaf] };
  },
  'a root that is not trusted': () => ({ sent: [serverLeaf(middle), middle, root], trusted: [stranger] }),
  'no root': () => ({ sent: [serverLeaf(middle), middle], trusted: [stranger] }),
  'the leaf alone': () => ({ sent: [serverLeaf(middle)], trusted: [root] }),
  'an intermediate that is trusted': () => ({ sent: [serverLeaf(middle)], trusted: [middle] }),
  'another root of the same name': () => ({ sent: [serverLeaf(root)], trusted: [authority('root')] }),
  'an expired leaf': () => three({}, expired),
  'a leaf of tomorrow': () => three({}, tooEarly),
  'an expired intermediate': () => three(expired),
  'an expired leaf that nobody vouches for': () => ({
    sent: [serverLeaf(middle, expired), middle],
    trusted: [stranger],
  }),
  'an expired, self-signed leaf': () => ({ sent: [serverLeaf(undefined, expired)], trusted: [root] }),
  'an expired root': () => {
    const old = authority('old', undefined, expired);
    return { sent: [serverLeaf(old)], trusted: [old] };
  },
  'a forged leaf': () => ({ sent: [serverLeaf(middle, { forgedBy: stranger }), middle], trusted: [root] }),
  'a forged intermediate': () => three({ forgedBy: stranger }),
  'an expired and forged leaf': () => three({}, { ...expired, forgedBy: stranger }),
  'an issuer that is no CA': () => three({ isCa: false, keyUsage: [] }),
  'an issuer with the usage of an end entity': () => three({ isCa: false }),
  'an issuer that may not sign certificates': () => three({ keyUsage: ['cRLSign'] }),
  'a path too long': () => {
    const short = authority('short', root, { pathLength: 0 });
    const below = authority('below', short);
    return { sent: [serverLeaf(below), below, short], trusted: [root] };
  },
  'a path just short enough': () => {
    const short = authority('short', root, { pathLength: 1 });
    const below = authority('below', short);
    return { sent: [serverLeaf(below), below, short], trusted: [root] };
  },
  'cross-signed, one way is expired': () => {
    const twin = authority('twin', root);
    const old = authority('twin', root, expired);
    return { sent: [serverLeaf(twin), old, twin], trusted: [root] };
  },
  'a name outside the constraints': () => {
    // permittedSubtrees: dNSName other.test (RFC 5280 §4.2.1.10)
    const value = new Uint8Array(Buffer.from('3010a00e300c820a6f746865722e74657374', 'hex'));
    return three({ extensions: [{ oid: '2.5.29.30', critical: true, value }] });
  },
  'a leaf for clients': () => three({}, { extendedKeyUsage: ['clientAuth'] }),
  'a leaf for anything': () => three({}, { extendedKeyUsage: ['anyExtendedKeyUsage'] }),
  'an issuer for anything': () => three({ extendedKeyUsage: ['anyExtendedKeyUsage'] }),
  'a leaf without purposes': () => three({}, { extendedKeyUsage: [] }),
  'an issuer for clients': () => three({ extendedKeyUsage: ['clientAuth'] }),
  'a leaf for clients, expired': () => three({}, { ...expired, extendedKeyUsage: ['clientAuth'] }),
  'a critical extension nobody knows, in the leaf': () => three({}, { extensions: [unknown] }),
  'a critical extension nobody knows, in the issuer': () => three({ extensions: [unknown] }),
  'an extension nobody knows': () => three({}, { extensions: [{ ...unknown, critical: false }] }),
  'an RSA key of 2048 bits': () => three({}, { rsa: 2048 }),
  'an RSA key of 1024 bits': () => three({}, { rsa: 1024 }),
  'an issuer with an RSA key of 1024 bits': () => three({ rsa: 1024 }),
};

/** Lists for every certificate of {@link three}, of which one is changed. */
function lists(
  of: 'root' | 'middle',
  overrides: Partial<CrlOptions> & { readonly revokes?: 'leaf' | 'middle' },
): Chain {
  const issuer = authority('listing', root);
  const leaf = serverLeaf(issuer);
  const { revokes, ...rest } = overrides;
  const revoked =
    revokes === undefined ? [] : [parseCertificate((revokes === 'leaf' ? leaf : issuer).der).serialNumber];
  const list = (holder: Holder, more: Partial<CrlOptions>): string =>
    makeCrl({ issuer: parseCertificate(holder.der).subject.raw, key: holder.key, ...more });
  const crl = [
    list(root, of === 'root' ? { revoked, ...rest } : {}),
    list(issuer, of === 'middle' ? { revoked, ...rest } : {}),
  ];
  return { sent: [leaf, issuer], trusted: [root], crl };
}

const day = 86_400_000;
const revocations: Readonly<Record<string, () => Chain>> = {
  'nobody is listed': () => lists('root', {}),
  'the leaf is listed': () => lists('middle', { revokes: 'leaf' }),
  'the intermediate is listed': () => lists('root', { revokes: 'middle' }),
  "the leaf's list has expired": () => lists('middle', { thisUpdate: now - 2 * day, nextUpdate: now - day }),
  "the intermediate's list has expired": () => lists('root', { thisUpdate: now - 2 * day, nextUpdate: now - day }),
  'a list of tomorrow': () => lists('middle', { thisUpdate: now + day, nextUpdate: now + 2 * day }),
  'a list that someone else signed': () => lists('middle', { key: stranger.key }),
  "a list for the leaf's issuer is missing": () => ({
    ...lists('root', {}),
    crl: lists('root', {}).crl?.slice(0, 1) ?? [],
  }),
  'an expired list that has the leaf': () =>
    lists('middle', { revokes: 'leaf', thisUpdate: now - 2 * day, nextUpdate: now - day }),
  'a list of its own for an expired leaf': () => ({ ...three({}, expired), crl: lists('root', {}).crl ?? [] }),
};

function judge({ sent, trusted, crl = [] }: Chain, verifiers = node.verifiers): Verdict {
  const verdict = verifyPeer(
    sent.map(({ der }) => der),
    {
      trust: TrustStore.from(trusted.map(({ der }) => der)),
      verifiers,
      purpose: 'server',
      name: 'any',
      time: now,
      profile: nodeProfile,
      crls: crl.map(toDer),
    },
  );
  if ('then' in verdict) throw new TypeError('a verdict that is not there at once');
  return verdict;
}

const said = (verdict: Verdict): string => (verdict.ok ? 'good' : verdict.code);

const inNode = (said: string): string => (said === 'good' ? said : certificateCode(said as CertificateErrorCode));

/** What a client of `node:tls` says to the chain, over a real connection. */
async function askNode({ sent, trusted, crl }: Chain): Promise<string> {
  const [leaf] = sent;
  const server = tls.createServer({ key: leaf.key, cert: sent.map(({ pem }) => pem).join('') });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = tls.connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    servername: 'server.test',
    ca: trusted.map(({ pem }) => pem),
    crl: crl === undefined ? undefined : [...crl],
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
  await once(socket, 'secureConnect');
  // Text or Error by the types, the code in fact.
  const answer = socket.authorized ? 'good' : String(socket.authorizationError);
  socket.destroy();
  server.close();
  return answer;
}

describe('the same verdict as node:tls on the same chain', () => {
  test.each(Object.entries({ ...chains, ...revocations }))('%s', async (_name, make) => {
    const chain = make();
    const expected = await askNode(chain);
    expect(inNode(said(judge(chain)))).toBe(expected);
    expect(inNode(said(judge(chain, noble.verifiers)))).toBe(expected);
  });
});
