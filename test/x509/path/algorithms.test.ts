import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { SignatureVerifier, Signer } from '#opentls/crypto/provider';
import { noble, withMlDsa } from '#opentls/providers/noble';
import { node } from '#opentls/providers/node';
import { SignatureScheme } from '#opentls/wire/enums';
import { decodePem } from '#opentls/x509/asn1/pem';
import { parseCertificate } from '#opentls/x509/certificate/certificate';
import { type Created, createCertificate } from '#opentls/x509/create/create';
import { TrustStore } from '#opentls/x509/path/trust';
import { generatePrivateKey } from '#opentls/x509/private-key/generate';
import { type Profile, rfc5280, webpki } from '#opentls/x509/rules/profile';
import type { Verdict } from '#opentls/x509/verify/verified-peer';
import { verifyPeer } from '#opentls/x509/verify/verify';
import { openssl } from '../../kit/openssl.ts';

const time = Date.UTC(2030, 0, 1);
const period = { notBefore: time - 86_400_000, notAfter: time + 86_400_000 };

function made(options: Parameters<typeof createCertificate>[0]): Created {
  const created = createCertificate(options);
  return 'der' in created ? created : expect.fail('a synchronous signer was answered later');
}

/** A root and a leaf for `a.example`, both of one kind of key. */
function chainOf(signer: () => Signer): { readonly root: Uint8Array; readonly leaf: Uint8Array } {
  const [authority, subject] = [signer(), signer()];
  const ca = { isCa: true, keyUsage: ['keyCertSign'] } as const;
  const root = made({ provider: noble, subject: 'Root', signer: authority, ...ca, ...period });
  const leaf = made({
    provider: noble,
    subject: 'a.example',
    signer: authority,
    issuer: { certificate: root.der },
    publicKey: subject.publicKey,
    subjectAltNames: { dns: ['a.example'] },
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['serverAuth'],
    ...period,
  });
  return { root: root.der, leaf: leaf.der };
}

function verdictOn(
  chain: { readonly root: Uint8Array; readonly leaf: Uint8Array },
  verifiers: readonly SignatureVerifier[],
  profile: Profile = webpki,
  at = time,
): Verdict {
  const trust = TrustStore.from([chain.root]);
  const options = { trust, verifiers, purpose: 'server', time: at, profile, name: { dns: 'a.example' } } as const;
  const verdict = verifyPeer([chain.leaf], options);
  return 'then' in verdict ? expect.fail('a verdict that is not there at once') : verdict;
}

test('a chain of Ed448, also to node:crypto', () => {
  const chain = chainOf(() => noble.signer(generatePrivateKey('ed448', noble.random)));
  for (const { verifiers } of [noble, node]) expect(verdictOn(chain, verifiers).ok).toBe(true);
  const other = chainOf(() => noble.signer(generatePrivateKey('ed448', noble.random)));
  expect(verdictOn({ ...chain, root: other.root }, node.verifiers).ok).toBe(false);
  expect(new X509Certificate(chain.leaf).verify(new X509Certificate(chain.root).publicKey)).toBe(true);
});

describe.each(['ml_dsa_44', 'ml_dsa_65', 'ml_dsa_87'] as const)('a chain of %s', (kind) => {
  const chain = chainOf(() => withMlDsa(noble).signer(generatePrivateKey(kind, noble.random)));

  test('is verified with the verifiers of ML-DSA', () => {
    for (const provider of [noble, node]) {
      expect(verdictOn(chain, withMlDsa(provider).verifiers).ok).toBe(true);
    }
    expect(parseCertificate(chain.leaf).signature.algorithm).toBe(kind);
  });

  test('is not without them', () => {
    expect(verdictOn(chain, noble.verifiers).ok).toBe(false);
  });

  test('its signer makes no other scheme, and no other provider takes its key', () => {
    const signer = withMlDsa(noble).signer(generatePrivateKey(kind, noble.random));
    expect(() => signer.sign(SignatureScheme.ed25519, new Uint8Array(1))).toThrow(
      expect.objectContaining({ code: 'ERR_TLS_CONFIG' }),
    );
    const unsupported = expect.objectContaining({ code: 'ERR_TLS_UNSUPPORTED_KEY' });
    expect(() => noble.signer(generatePrivateKey(kind, noble.random))).toThrow(unsupported);
    expect(withMlDsa(noble).signer(generatePrivateKey('ed448', noble.random)).schemes).toEqual([SignatureScheme.ed448]);
  });
});

describe(`chains of the openssl command${openssl ? '' : ' (skipped: there is none)'}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'opentls-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const run = (...args: readonly string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const read = (file: string) => decodePem(readFileSync(join(folder, file), 'utf8'))[0]?.der ?? expect.fail(file);

  function issued(key: readonly string[], ...digest: readonly string[]) {
    writeFileSync(join(folder, 'config'), '[req]\ndistinguished_name=n\n[n]\n');
    writeFileSync(join(folder, 'extensions'), 'subjectAltName=DNS:a.example\nextendedKeyUsage=serverAuth\n');
    const request = ['req', '-config', 'config', '-nodes', ...key, ...digest];
    run(
      ...request,
      '-x509',
      '-subj',
      '/CN=Root',
      '-keyout',
      'key',
      '-out',
      'root',
      '-addext',
      'basicConstraints=CA:true',
    );
    run(...request, '-new', '-subj', '/CN=a.example', '-keyout', 'leaf-key', '-out', 'request');
    const by = ['-CA', 'root', '-CAkey', 'key', '-CAcreateserial', '-extfile', 'extensions', '-days', '2'];
    run('x509', '-req', '-in', 'request', ...by, ...digest, '-out', 'leaf');
    return { root: read('root'), leaf: read('leaf') };
  }

  test.skipIf(!openssl)('Ed448', () => {
    const chain = issued(['-newkey', 'ed448']);
    for (const { verifiers } of [noble, node]) {
      expect(verdictOn(chain, verifiers, rfc5280, Date.now() + 1000).ok).toBe(true);
    }
  });

  test.skipIf(!openssl).each([
    ['rsa_pkcs1_md5', 'md5', ['-newkey', 'rsa:2048']],
    ['rsa_pkcs1_sha1', 'sha1', ['-newkey', 'rsa:2048']],
    ['ecdsa_sha1', 'sha1', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']],
  ] as const)('%s is too weak, unless the profile lets %s be', (algorithm, digest, key) => {
    const chain = issued(key, `-${digest}`);
    expect(parseCertificate(chain.leaf).signature.algorithm).toBe(algorithm);
    for (const { verifiers } of [noble, node]) {
      const at = Date.now() + 1000;
      expect(verdictOn(chain, verifiers, rfc5280, at)).toMatchObject({ ok: false, code: 'CA_MD_TOO_WEAK' });
      expect(verdictOn(chain, verifiers, { ...rfc5280, weakDigests: [digest] }, at).ok).toBe(true);
    }
  });

  test.skipIf(!openssl).each([
    ['as long as the hash', 'digest', undefined],
    ['of 20 bytes', '20', 20],
    ['as long as the key allows', 'max', 222],
    ['none', '0', 0],
  ])('RSASSA-PSS with a salt %s', (_name, option, length) => {
    const options = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', `rsa_pss_saltlen:${option}`];
    const chain = issued(['-newkey', 'rsa:2048'], '-sha256', ...options);
    expect(parseCertificate(chain.leaf).signature.saltLength).toBe(length);
    const at = Date.now() + 1000;
    const changed = Uint8Array.from(chain.leaf);
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    for (const { verifiers } of [noble, node]) {
      expect(verdictOn(chain, verifiers, rfc5280, at).ok).toBe(true);
      expect(verdictOn({ ...chain, leaf: changed }, verifiers, rfc5280, at).ok).toBe(false);
      const strict = verdictOn(chain, verifiers, { ...rfc5280, baseline: true }, at);
      expect(strict.ok).toBe(length === undefined);
    }
  });
});
