import 'reflect-metadata';
import { X509Certificate as NodeCertificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { X509Certificate as PeculiarCertificate, X509Crl } from '@peculiar/x509';
import { fromBER } from 'asn1js';
import { CertificateRevocationList, Certificate as PkijsCertificate } from 'pkijs';
import type { CryptoProvider } from '#opentls/crypto/provider';
import { decodePem } from '#opentls/x509/asn1/pem';
import { type Certificate, parseCertificate } from '#opentls/x509/certificate/certificate';
import { hostName } from '#opentls/x509/certificate/identity';
import { SignatureCache } from '#opentls/x509/path/signatures';
import { TrustStore } from '#opentls/x509/path/trust';
import { parseCrl } from '#opentls/x509/revocation/crl';
import { rfc5280 } from '#opentls/x509/rules/profile';
import type { VerifyOptions } from '#opentls/x509/verify/options';
import { verifyPeer } from '#opentls/x509/verify/verify';
import { constrained, mesh, namesakes } from '../test/x509/made/hostile.ts';
import { bigList } from '../test/x509/revocation/make-crl.ts';
import { interleaved, type Timed } from './measure.ts';
import type { Row } from './report.ts';

/** A chain of a real site: leaf and intermediate, P-256, under a root of the Mozilla set. */
const real: { readonly host: string; readonly time: string; readonly chain: readonly string[]; readonly root: string } =
  JSON.parse(readFileSync(new URL('../vectors/x509/cloudflare-chain.json', import.meta.url), 'utf8'));
const chain = real.chain.map(toDer);
const leaf = chain[0] ?? new Uint8Array(0);
const root = toDer(real.root);
const roots = rootCertificates.map(toDer);

/** One certificate of the web read, by libraries; the first of two rows with all its extensions where they wait. */
export function parseRates(): readonly Row[] {
  const tasks: Timed[] = [
    { name: 'opentls, every extension', run: () => readAll(parseCertificate(leaf)) },
    { name: 'opentls', run: () => void parseCertificate(leaf) },
    { name: 'asn1js (the tree alone)', run: () => void fromBER(leaf) },
    { name: 'pkijs', run: () => void PkijsCertificate.fromBER(leaf) },
    { name: '@peculiar/x509', run: () => void new PeculiarCertificate(leaf) },
    { name: 'node:crypto X509Certificate', run: () => void new NodeCertificate(leaf) },
  ];
  const times = interleaved(tasks, 15, 40, 1000);
  const ours = times.get('opentls, every extension') ?? Number.NaN;
  return [...times].map(([name, time]) => ({
    reader: name,
    µs: (time * 1000).toFixed(1),
    ratio: (time / ours).toFixed(2),
  }));
}

function readAll(certificate: Certificate): void {
  for (const key of extensionKeys) void certificate[key];
}

const extensionKeys = [
  'publicKey',
  'basicConstraints',
  'keyUsage',
  'extKeyUsage',
  'subjectAltName',
  'authorityKeyIdentifier',
  'subjectKeyIdentifier',
  'authorityInfoAccess',
  'certificatePolicies',
  'crlDistributionPoints',
] as const satisfies readonly (keyof Certificate)[];

/** A whole verification next to its signature checks alone, and with them remembered. */
export function verifyCost(providers: readonly CryptoProvider[]): readonly Row[] {
  return providers.map((provider) => {
    const cache = new SignatureCache({ hash: provider.hashes.sha256 });
    const checks = signatureChecks(provider);
    const times = interleaved([
      { name: 'verify', run: () => verify(provider) },
      { name: 'signatures', run: () => checks() },
      { name: 'remembered', run: () => verify(provider, { cache }) },
    ]);
    const time = (name: string): number => times.get(name) ?? Number.NaN;
    return {
      provider: provider.name,
      'verify ms': time('verify').toFixed(3),
      'its signature checks ms': time('signatures').toFixed(3),
      ratio: (time('verify') / time('signatures')).toFixed(3),
      'remembered ms': time('remembered').toFixed(3),
    };
  });
}

function verify(provider: CryptoProvider, overrides: Partial<VerifyOptions> = {}): void {
  const verdict = verifyPeer(chain, {
    trust,
    verifiers: provider.verifiers,
    purpose: 'server',
    name: hostName(real.host),
    time: Date.parse(real.time),
    ...overrides,
  });
  if ('then' in verdict || !verdict.ok) throw new Error('the chain is good, and known at once');
}

const trust = TrustStore.from([root]);

/** The public-key operations of the path, bare: the leaf by the intermediate, the intermediate by the root. */
function signatureChecks({ verifiers }: CryptoProvider): () => void {
  const path = [...chain, root].map(parseCertificate);
  const operations = path.slice(0, -1).map((certificate, i) => {
    const verifier = verifiers.find(({ algorithm }) => algorithm === certificate.signature.algorithm);
    const spki = path[i + 1]?.spki;
    if (verifier === undefined || spki === undefined) throw new Error('no verifier');
    return () => verifier.verify(spki, certificate.tbs, certificate.signature.bytes);
  });
  return () => {
    for (const operation of operations) if (operation() !== true) throw new Error('a good signature');
  };
}

/** The roots that come with Node, added to a store, and the first name looked up in it. */
export function trustStore(): readonly Row[] {
  const times = interleaved([
    { name: 'from', run: () => void TrustStore.from(roots) },
    { name: 'from, first look', run: () => void TrustStore.from(roots).named(parseCertificate(leaf).issuer) },
  ]);
  return [...times].map(([what, time]) => ({ what, roots: String(roots.length), ms: time.toFixed(2) }));
}

/** Revocation lists of 3,000 and 100,000 entries read, and looked up in, by libraries. */
export function revocationLists(): readonly Row[] {
  const [small, large] = [3_000, 100_000].map((count) => listTimes(bigList(count)));
  return Object.keys(large ?? {}).map((what) => ({
    what,
    '3,000 entries ms': small?.[what] ?? '',
    '100,000 entries ms': large?.[what] ?? '',
  }));
}

function listTimes(der: Uint8Array): Readonly<Record<string, string>> {
  const list = parseCrl(der);
  const serial = Uint8Array.of(1, 0, 11, 99);
  // By default asn1js, and with it pkijs, stops at 10,000 nodes.
  const tree = () => fromBER(der, { maxNodes: 10_000_000 }).result;
  const tasks: readonly Timed[] = [
    { name: 'opentls: read and indexed', run: () => void parseCrl(der) },
    {
      name: 'opentls: one serial number looked up',
      run() {
        if (list.find(serial, list.issuer) === undefined) throw new Error('it is listed');
      },
    },
    { name: 'asn1js: the tree alone', run: () => void tree() },
    { name: 'pkijs: read', run: () => void new CertificateRevocationList({ schema: tree() }) },
    { name: '@peculiar/x509: read', run: () => void new X509Crl(der).entries },
  ];
  const able = tasks.filter(({ run }) => !refuses(run));
  const times = interleaved(able, 5, 60, 500);
  return Object.fromEntries(
    tasks.map(({ name }) => {
      const time = times.get(name);
      return [name, time === undefined ? 'refuses it' : time.toFixed(time < 1 ? 4 : 1)];
    }),
  );
}

function refuses(run: () => void): boolean {
  try {
    run();
    return false;
  } catch {
    return true;
  }
}

/** What hostile chains cost until the budget ends it. */
export function hostileChains(providers: readonly CryptoProvider[]): readonly Row[] {
  const chains = {
    'a mesh of 10,000 cross-certificates': mesh(),
    'a hundred issuers of one name': namesakes(),
    '250,500 comparisons of name constraints': constrained(501),
  };
  return providers.flatMap(({ name: provider, verifiers }) =>
    Object.entries(chains).map(([chain, { sent, root: anchor }]) => {
      const options: VerifyOptions = {
        trust: TrustStore.from([anchor.der]),
        verifiers,
        purpose: 'server',
        name: 'any',
        time: Date.now(),
        profile: rfc5280,
      };
      // The first time is what an attacker gets: it counts, too.
      const start = performance.now();
      const verdict = verifyPeer(sent, options);
      const first = performance.now() - start;
      if ('then' in verdict || verdict.ok) throw new Error('hostile, and known at once');
      const times = interleaved([{ name: 'again', run: () => void verifyPeer(sent, options) }], 5, 100, 300);
      const again = times.get('again') ?? Number.NaN;
      return { provider, chain, code: verdict.code, 'first ms': first.toFixed(1), ms: again.toFixed(1) };
    }),
  );
}

function toDer(pem: string): Uint8Array {
  const [block] = decodePem(pem);
  if (block === undefined) throw new Error('no PEM block');
  return block.der;
}
