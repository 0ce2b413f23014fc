import { execFileSync, spawnSync } from 'node:child_process';
import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { fromHex, toHex } from '#opentls/bytes/hex';
import type { CryptoProvider, Signer } from '#opentls/crypto/provider';
import { Secret } from '#opentls/crypto/secret';
import { noble } from '#opentls/providers/noble';
import { node } from '#opentls/providers/node';
import { SignatureScheme } from '#opentls/wire/enums';
import { type Created, createCertificate, createCertificateRequest } from '#opentls/x509/create/create';
import { generatePrivateKey } from '#opentls/x509/private-key/generate';
import { openssl } from '../../kit/openssl.ts';

const start = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const end = Date.UTC(2027, 0, 2, 3, 4, 5);

/** All that creating needs of a provider, from node:crypto: independent of the providers under test elsewhere. */
const provider: Pick<CryptoProvider, 'hashes' | 'random'> = {
  random: (length) => new Uint8Array(randomBytes(length)),
  hashes: {
    sha1: hash('sha1', 20),
    sha256: hash('sha256', 32),
    sha384: hash('sha384', 48),
    sha512: hash('sha512', 64),
  },
};

function hash(name: 'sha1' | 'sha256' | 'sha384' | 'sha512', length: number): CryptoProvider['hashes']['sha1'] {
  return {
    name,
    length,
    digest: (message) => new Uint8Array(createHash(name).update(message).digest()),
    start: () => expect.fail('not used'),
    hmac: () => expect.fail('not used'),
  };
}

/** A signer over a node:crypto key. */
function nodeSigner(key: KeyObject, schemes: readonly number[], answer: 'now' | 'later' = 'now'): Signer {
  const publicKey = new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }));
  const make = (scheme: number, message: Uint8Array) => {
    const name = Object.entries(SignatureScheme).find(([, id]) => id === scheme)?.[0] ?? expect.fail('unknown scheme');
    const digest = /sha\d+$/.exec(name)?.[0];
    const pss = name.startsWith('rsa_pss')
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
      : {};
    return new Uint8Array(sign(digest, message, { key, ...pss }));
  };
  return {
    schemes,
    publicKey,
    sign: (scheme, message) => (answer === 'now' ? make(scheme, message) : Promise.resolve(make(scheme, message))),
  };
}

const kinds: ReadonlyMap<string, () => Signer> = new Map([
  ['P-256', () => nodeSigner(ec('P-256'), [SignatureScheme.ecdsa_secp256r1_sha256])],
  ['P-384', () => nodeSigner(ec('P-384'), [SignatureScheme.ecdsa_secp384r1_sha384])],
  ['P-521', () => nodeSigner(ec('P-521'), [SignatureScheme.ecdsa_secp521r1_sha512])],
  ['Ed25519', () => nodeSigner(generateKeyPairSync('ed25519').privateKey, [SignatureScheme.ed25519])],
  ['Ed448', () => nodeSigner(generateKeyPairSync('ed448').privateKey, [SignatureScheme.ed448])],
]);

function ec(namedCurve: string): KeyObject {
  return generateKeyPairSync('ec', { namedCurve }).privateKey;
}

function now(created: ReturnType<typeof createCertificate>): Created {
  return 'der' in created ? created : expect.fail('a synchronous signer was answered later');
}

describe('a chain of three, made with', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const rsaSchemes = Object.entries(SignatureScheme).filter(([name]) =>
    /^rsa_pkcs1_sha(?!1$)\d+$|^rsa_pss_rsae/.test(name),
  );
  const cases: [string, () => Signer][] = [
    ...kinds,
    ...rsaSchemes.map(([name, id]): [string, () => Signer] => [name, () => nodeSigner(rsa, [id])]),
  ];

  test.each(cases)('%s is accepted by node:crypto and openssl verify', (_name, makeSigner) => {
    const [rootSigner, caSigner, leafSigner] = [makeSigner(), makeSigner(), makeSigner()];
    const period = { provider, notBefore: start, notAfter: end };
    const root = now(createCertificate({ ...period, subject: 'Root', signer: rootSigner, isCa: true }));
    const issuing = now(
      createCertificate({
        ...period,
        subject: [
          { type: 'C', value: 'NL' },
          { type: 'O', value: 'Zoë & 🔐' },
          { type: 'CN', value: 'Issuing' },
        ],
        signer: rootSigner,
        issuer: { certificate: root.der },
        ...(caSigner.publicKey && { publicKey: caSigner.publicKey }),
        isCa: true,
        pathLength: 0,
      }),
    );
    const leaf = now(
      createCertificate({
        ...period,
        subject: 'leaf.example',
        signer: caSigner,
        issuer: { certificate: issuing.der },
        ...(leafSigner.publicKey && { publicKey: leafSigner.publicKey }),
        subjectAltNames: { dns: ['leaf.example', '*.leaf.example'], ip: ['127.0.0.1', '2001:db8::7'] },
        extendedKeyUsage: ['serverAuth', 'clientAuth'],
      }),
    );
    const [rootX, issuingX, leafX] = [root, issuing, leaf].map(({ pem }) => new X509Certificate(pem));
    if (rootX === undefined || issuingX === undefined || leafX === undefined) expect.fail();
    expect(rootX.verify(rootX.publicKey)).toBe(true);
    expect(issuingX.verify(rootX.publicKey)).toBe(true);
    expect(leafX.verify(issuingX.publicKey)).toBe(true);
    expect(issuingX.checkIssued(rootX) && leafX.checkIssued(issuingX)).toBe(true);
    expect([rootX.ca, issuingX.ca, leafX.ca]).toEqual([true, true, false]);
    expect(issuingX.subject).toBe('C=NL\nO=Zoë & 🔐\nCN=Issuing');
    expect(leafX.issuer).toBe(issuingX.subject);
    expect(leafX.subjectAltName).toBe(
      'DNS:leaf.example, DNS:*.leaf.example, IP Address:127.0.0.1, IP Address:2001:DB8:0:0:0:0:0:7',
    );
    expect(leafX.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(leafX.validFrom).toBe('Jan  2 03:04:05 2026 GMT');
    expect(leafX.validTo).toBe('Jan  2 03:04:05 2027 GMT');
    if (openssl) expect(opensslVerify(root, issuing, leaf)).toContain('leaf.pem: OK');
  });

  function opensslVerify(root: Created, issuing: Created, leaf: Created): string {
    const folder = mkdtempSync(join(tmpdir(), 'opentls-create-'));
    try {
      const files = { 'root.pem': root, 'issuing.pem': issuing, 'leaf.pem': leaf };
      for (const [name, { pem }] of Object.entries(files)) writeFileSync(join(folder, name), pem);
      const time = String(Math.floor(start / 1000) + 60);
      const strict = ['-x509_strict', '-purpose', 'sslserver', '-verify_hostname', 'www.leaf.example', '-attime', time];
      return execFileSync(
        'openssl',
        ['verify', ...strict, '-CAfile', 'root.pem', '-untrusted', 'issuing.pem', 'leaf.pem'],
        { cwd: folder, encoding: 'utf8' },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
});

describe('what is written', () => {
  let signer: Signer;
  beforeAll(() => {
    signer = kinds.get('P-256')?.() ?? expect.fail();
  });
  const period = { notBefore: start, notAfter: end };

  test('times: UTCTime through 2049, GeneralizedTime from 2050', () => {
    const last = Date.UTC(2049, 11, 31, 23, 59, 59);
    const utc = now(createCertificate({ provider, subject: 'a', signer, notBefore: start, notAfter: last }));
    expect(toHex(utc.der)).toContain(`170d${ascii('260102030405Z')}170d${ascii('491231235959Z')}`);
    const general = now(createCertificate({ provider, subject: 'a', signer, notBefore: last, notAfter: last + 1000 }));
    expect(toHex(general.der)).toContain(`170d${ascii('491231235959Z')}180f${ascii('20500101000000Z')}`);
    const never = Date.UTC(9999, 11, 31, 23, 59, 59);
    const longest = now(createCertificate({ provider, subject: 'a', signer, notBefore: start, notAfter: never }));
    expect(new X509Certificate(longest.der).validTo).toBe('Dec 31 23:59:59 9999 GMT');
  });

  test('serial numbers: minimal and positive, 16 octets by default', () => {
    const made = (serialNumber: bigint) =>
      new X509Certificate(now(createCertificate({ provider, subject: 'a', signer, ...period, serialNumber })).der);
    expect(made(1n).serialNumber).toBe('01');
    expect(made(0x80n).serialNumber).toBe('80');
    expect(made((1n << 159n) - 1n).serialNumber).toBe(`7F${'FF'.repeat(19)}`);
    const random = new X509Certificate(now(createCertificate({ provider, subject: 'a', signer, ...period })).der);
    expect(random.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
    for (const serialNumber of [0n, -1n, 1n << 159n]) {
      expect(() => made(serialNumber)).toThrow(expect.objectContaining({ code: 'ERR_TLS_CONFIG' }));
    }
  });

  test('an empty subject makes subjectAltName critical', () => {
    const san = { dns: ['a.example'] };
    const named = now(createCertificate({ provider, subject: 'a', signer, ...period, subjectAltNames: san }));
    const nameless = now(createCertificate({ provider, subject: [], signer, ...period, subjectAltNames: san }));
    expect(toHex(named.der)).toContain('0603551d11040d');
    expect(toHex(named.der)).not.toContain('0603551d110101ff');
    expect(toHex(nameless.der)).toContain('0603551d110101ff04');
  });

  test('basicConstraints, keyUsage and further extensions are DER', () => {
    const ca = toHex(now(createCertificate({ provider, subject: 'a', signer, ...period, isCa: true })).der);
    expect(ca).toContain('300f0603551d130101ff040530030101ff');
    expect(ca).toContain('300e0603551d0f0101ff040403020106');
    const bounded = createCertificate({ provider, subject: 'a', signer, ...period, isCa: true, pathLength: 2 });
    expect(toHex(now(bounded).der)).toContain('30120603551d130101ff040830060101ff020102');
    const leaf = createCertificate({
      provider,
      subject: 'a',
      signer,
      ...period,
      keyUsage: ['digitalSignature', 'decipherOnly'],
      extensions: [{ oid: '1.3.6.1.4.1.55555.1', critical: true, value: fromHex('0500') }],
    });
    expect(toHex(now(leaf).der)).toContain('0603551d0f0101ff04050303078080');
    expect(toHex(now(leaf).der)).toContain('0101ff04020500');
    const bare = createCertificate({ provider, subject: 'a', signer, ...period, keyUsage: [] });
    expect(toHex(now(bare).der)).not.toContain('0603551d0f');
  });

  test('a large extension keeps its bytes', () => {
    const value = new Uint8Array(100_000).fill(0x5a);
    const { der } = now(
      createCertificate({ provider, subject: 'a', signer, ...period, extensions: [{ oid: '1.2.3.4', value }] }),
    );
    expect(Buffer.from(der).includes(Buffer.from(value))).toBe(true);
    expect(new X509Certificate(der).verify(new X509Certificate(der).publicKey)).toBe(true);
  });

  test('the key identifier is the start of the SHA-256 of the public key bits', () => {
    const { der } = now(createCertificate({ provider, subject: 'a', signer, ...period }));
    // A P-256 SubjectPublicKeyInfo ends in the 65 bytes of the point.
    const id = createHash('sha256')
      .update(signer.publicKey?.subarray(-65) ?? new Uint8Array())
      .digest('hex')
      .slice(0, 40);
    expect(toHex(der)).toContain(`0603551d0e04160414${id}`);
    expect(toHex(der)).not.toContain('0603551d23');
  });

  test.each([
    ['an IP address that is none', { subjectAltNames: { ip: ['1.2.3'] } }],
    ['a host name outside ASCII', { subjectAltNames: { dns: ['zoë.example'] } }],
    ['a country outside PrintableString', { subject: [{ type: 'C', value: 'Ñ' }] }],
    ['a path length for a leaf', { pathLength: 1 }],
    ['an object identifier that is none', { extensions: [{ oid: '3.1', value: new Uint8Array() }] }],
    ['an end before the beginning', { notAfter: start - 1 }],
    ['a time that is none', { notAfter: Number.POSITIVE_INFINITY }],
    ['a year before 1950', { notBefore: Date.UTC(1949, 0) }],
  ] as const)('%s is refused', (_name, change) => {
    expect(() => createCertificate({ provider, subject: 'a', signer, ...period, ...change })).toThrow(
      expect.objectContaining({ code: 'ERR_TLS_CONFIG' }),
    );
  });

  test.each([
    ['::', '0:0:0:0:0:0:0:0'],
    ['::1', '0:0:0:0:0:0:0:1'],
    ['1::', '1:0:0:0:0:0:0:0'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['::ffff:192.0.2.1', '0:0:0:0:0:FFFF:C000:201'],
    ['255.0.10.1', '255.0.10.1'],
  ])('the IP address %s', (ip, read) => {
    const created = createCertificate({ provider, subject: 'a', signer, ...period, subjectAltNames: { ip: [ip] } });
    expect(new X509Certificate(now(created).der).subjectAltName).toBe(`IP Address:${read}`);
  });

  test.each([':::', '1::2::3', '1:2:3:4:5:6:7:8::', '1:2:3:4:5:6:7', '12345::', '256.0.0.1', '01.0.0.0', ''])(
    "'%s' is no IP address",
    (ip) => {
      expect(() =>
        createCertificate({ provider, subject: 'a', signer, ...period, subjectAltNames: { ip: [ip] } }),
      ).toThrow(expect.objectContaining({ code: 'ERR_TLS_CONFIG' }));
    },
  );

  test('an issuer that is no certificate is refused', () => {
    expect(() =>
      createCertificate({
        provider,
        subject: 'a',
        signer,
        ...period,
        publicKey: fromHex('3000'),
        issuer: { certificate: fromHex('3003020101') },
      }),
    ).toThrow(expect.objectContaining({ code: 'INVALID_CERTIFICATE' }));
  });

  test('a scheme that the signer cannot make is refused', () => {
    expect(() =>
      createCertificate({ provider, subject: 'a', signer, ...period, signatureScheme: SignatureScheme.ed25519 }),
    ).toThrow(expect.objectContaining({ code: 'ERR_TLS_UNSUPPORTED_KEY' }));
  });

  test('a signer that answers later is awaited', async () => {
    const late = nodeSigner(ec('P-256'), [SignatureScheme.ecdsa_secp256r1_sha256], 'later');
    const { der } = await createCertificate({ provider, subject: 'a', signer: late, ...period });
    const certificate = new X509Certificate(der);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
  });
});

describe.skipIf(!openssl)('certification requests', () => {
  test.each([...kinds])('%s: openssl req verifies and reads what was asked', (_name, makeSigner) => {
    const created = createCertificateRequest({
      subject: [
        { type: 'O', value: 'Example' },
        { type: 'CN', value: 'req.example' },
      ],
      signer: makeSigner(),
      subjectAltNames: { dns: ['req.example'], email: ['a@req.example'], uri: ['https://req.example/'] },
      extendedKeyUsage: ['serverAuth'],
    });
    const result = spawnSync('openssl', ['req', '-verify', '-noout', '-text'], { input: now(created).pem });
    expect(result.status).toBe(0);
    const text = `${result.stdout}${result.stderr}`;
    expect(text).toContain('Certificate request self-signature verify OK');
    expect(text).toContain('Subject: O = Example, CN = req.example');
    expect(text).toContain('email:a@req.example, DNS:req.example, URI:https://req.example/');
    expect(text).toContain('TLS Web Server Authentication');
  });
});

describe.each([noble, node])('the $name provider signs with keys', (real) => {
  const rsaPss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey;
  const exported = (key: KeyObject) =>
    new Secret('private key', new Uint8Array(key.export({ type: 'pkcs8', format: 'der' })));
  const keys: [string, () => Secret<'private key'>][] = [
    ...(['P-256', 'P-384', 'P-521', 'ed25519', 'ed448'] as const).map((kind): [string, () => Secret<'private key'>] => [
      kind,
      () => generatePrivateKey(kind, real.random),
    ]),
    ['RSA', () => exported(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)],
    ['RSA-PSS', () => exported(rsaPss)],
  ];

  test.each(keys)('%s', async (_name, makeKey) => {
    const signer = real.signer(makeKey());
    for (const signatureScheme of signer.schemes) {
      const { der } = await createCertificate({
        provider: real,
        subject: 'a',
        signer,
        signatureScheme,
        notBefore: start,
        notAfter: end,
      });
      const certificate = new X509Certificate(der);
      expect(certificate.verify(certificate.publicKey)).toBe(true);
    }
  });
});

describe('private keys', () => {
  test.each([
    ['P-256', 'prime256v1'],
    ['P-384', 'secp384r1'],
    ['P-521', 'secp521r1'],
  ] as const)('%s loads in node:crypto', (kind, namedCurve) => {
    const key = createPrivateKey({
      key: Buffer.from(generatePrivateKey(kind, provider.random).expose()),
      format: 'der',
      type: 'pkcs8',
    });
    expect(key.asymmetricKeyDetails).toEqual({ namedCurve });
  });

  test.each(['ed25519', 'ed448'] as const)('%s loads in node:crypto, with the seed as given', (kind) => {
    const seed = randomBytes(kind === 'ed25519' ? 32 : 57);
    const der = Buffer.from(generatePrivateKey(kind, () => new Uint8Array(seed)).expose());
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    expect(key.asymmetricKeyType).toBe(kind);
    expect(key.export({ format: 'jwk' }).d).toBe(seed.toString('base64url'));
  });

  test.each([
    ['P-256', p256.Point.Fn.ORDER],
    ['P-384', p384.Point.Fn.ORDER],
    ['P-521', p521.Point.Fn.ORDER],
  ] as const)('%s: scalars of zero and from the order on are thrown away', (kind, order) => {
    const length = { 'P-256': 32, 'P-384': 48, 'P-521': 66 }[kind];
    const bytes = (value: bigint) => fromHex(value.toString(16).padStart(2 * length, '0'));
    const below = bytes(order - 1n);
    const draws = [bytes(0n), new Uint8Array(length).fill(0xff), bytes(order), below];
    const der = generatePrivateKey(kind, () => (draws.shift() ?? expect.fail('drew once too often')).slice()).expose();
    expect(toHex(der)).toContain(`04${length.toString(16)}${toHex(below)}`);
    expect(draws).toEqual([]);
  });
});

function ascii(text: string): string {
  return Buffer.from(text, 'ascii').toString('hex');
}
