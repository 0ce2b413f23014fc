import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TlsOptions } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { Signer } from '#opentls/crypto/provider';
import { node } from '#opentls/providers/node';
import { encodePem } from '#opentls/x509/asn1/pem';
import { type CertificateOptions, type Created, createCertificate } from '#opentls/x509/create/create';
import { generatePrivateKey } from '#opentls/x509/private-key/generate';
import { openssl } from '../kit/openssl.ts';
import { oddLeaves, root as oddRoot, plain } from '../x509/made/odd-leaves.ts';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const day = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), 'opentls-inspect-'));
const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Identity extends Created {
  readonly signer: Signer;
  /** The private key, PKCS#8. */
  readonly keyPem: string;
}

type Wishes = Partial<Omit<CertificateOptions, 'signer' | 'issuer'>> & { readonly by?: Identity };

async function identity(wishes: Wishes): Promise<Identity> {
  const key = generatePrivateKey('P-256', node.random);
  const base64 = Buffer.from(key.expose()).toString('base64').replace(/.{64}/g, '$&\n');
  const keyPem = `-----BEGIN PRIVATE KEY-----\n${base64}\n-----END PRIVATE KEY-----\n`;
  const signer = node.signer(key);
  const { by, ...rest } = wishes;
  const created = await createCertificate({
    provider: node,
    subject: 'localhost',
    notBefore: Date.now() - 10 * day,
    notAfter: Date.now() + 10 * day,
    signer: by?.signer ?? signer,
    publicKey: signer.publicKey,
    issuer: by && { certificate: by.der },
    ...rest,
  });
  return { ...created, signer, keyPem };
}

const root = await identity({ subject: 'Test Root', isCa: true });
const issuing = await identity({ subject: [{ type: 'O', value: 'Test' }], isCa: true, by: root });
const names = { dns: ['localhost'], ip: ['127.0.0.1'] };
const leaf = await identity({ subjectAltNames: names, by: issuing });
const caFile = file('root.pem', root.pem);

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function present(leafIdentity: Identity, ...chain: readonly Created[]): { key: string; cert: string } {
  return { key: leafIdentity.keyPem, cert: [leafIdentity, ...chain].map(({ pem }) => pem).join('') };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function nodeServer(options: TlsOptions): Promise<number> {
  const server = createServer({ ...options, minVersion: 'TLSv1.3' }, (socket) => {
    socket.on('error', () => undefined);
    socket.end();
  });
  server.on('tlsClientError', () => undefined);
  return listen(server);
}

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(...args: readonly string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, NODE_EXTRA_CA_CERTS: '' } });
  const text = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.stderr += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...text };
}

/** Runs once for text and once for JSON: both must come to the same exit code. */
async function inspect(...args: readonly string[]) {
  const text = await run('inspect', ...args);
  const json = await run('inspect', ...args, '--json');
  expect(json.code).toBe(text.code);
  return { code: text.code, text: text.stdout, report: JSON.parse(json.stdout) };
}

describe('a server that verifies', () => {
  const expected = {
    verified: true,
    verification: {
      chain: { ok: true, path: ['CN=localhost', 'O=Test', 'CN=Test Root'] },
      name: { ok: true },
      trust: { source: caFile, certificates: 1 },
    },
    chain: [
      {
        details: {
          subject: 'CN=localhost',
          issuer: 'O=Test',
          isCa: false,
          subjectAltNames: ['DNS:localhost', 'IP:127.0.0.1'],
        },
      },
      {
        details: {
          subject: 'O=Test',
          issuer: 'CN=Test Root',
          isCa: true,
          key: { type: 'ec', curve: 'P-256', bits: 256 },
        },
      },
    ],
  };

  test('node:tls, with ALPN', async () => {
    const port = await nodeServer({ ...present(leaf, issuing), ALPNProtocols: ['http/1.1'], ecdhCurve: 'X25519' });
    const { code, text, report } = await inspect(`localhost:${port}`, '--ca', caFile, '--alpn', 'h2,http/1.1');
    expect(report).toMatchObject(expected);
    expect(code).toBe(0);
    expect(report.chain).toHaveLength(2);
    expect(report.error).toBeUndefined();
    expect(report.target).toEqual({ host: 'localhost', port, servername: 'localhost', address: '127.0.0.1' });
    expect(report.negotiated).toMatchObject({
      version: 'TLSv1.3',
      suite: expect.stringMatching(/^TLS_(AES|CHACHA20)/),
      group: 'x25519',
      signatureScheme: 'ecdsa_secp256r1_sha256',
      alpn: 'http/1.1',
    });
    for (const timing of [report.timings.tcp, report.timings.tls]) expect(timing).toBeGreaterThan(0);
    expect(text).toMatch(/^Verified +yes$/m);
    expect(text).toMatch(/^ +group +x25519$/m);
    expect(text).toMatch(/^ +signature +ecdsa_secp256r1_sha256$/m);
    expect(text).toMatch(/^ +ALPN +http\/1\.1$/m);
    expect(text).toMatch(/^ +0 +subject +CN=localhost$/m);
    expect(text).toMatch(/^ +names +DNS:localhost, IP:127\.0\.0\.1$/m);
    expect(text).toMatch(/^ +valid .*\(9 days left\)$/m);
  });

  test.skipIf(!openssl)('openssl s_server', async () => {
    const files = {
      '-key': file('key.pem', leaf.keyPem),
      '-cert': file('leaf.pem', leaf.pem),
      '-cert_chain': file('issuing.pem', issuing.pem),
    };
    const flags = ['-tls1_3', '-groups', 'P-384', '-ciphersuites', 'TLS_AES_128_GCM_SHA256', '-naccept', '2'];
    const server = spawn('openssl', ['s_server', '-accept', '127.0.0.1:0', ...flags, ...Object.entries(files).flat()]);
    closers.push(() => server.kill());
    const port = await new Promise<string>((resolve) => {
      let seen = '';
      server.stdout.on('data', (chunk: Buffer) => {
        seen += chunk.toString();
        const match = /ACCEPT 127\.0\.0\.1:(\d+)/.exec(seen);
        if (match?.[1] !== undefined) resolve(match[1]);
      });
    });
    const { code, report } = await inspect(`127.0.0.1:${port}`, '--ca', caFile);
    expect(report).toMatchObject(expected);
    expect(code).toBe(0);
    expect(report.negotiated).toEqual({
      version: 'TLSv1.3',
      suite: 'TLS_AES_128_GCM_SHA256',
      group: 'secp384r1',
      signatureScheme: 'ecdsa_secp256r1_sha256',
      helloRetryRequest: true,
    });
  });
});

describe('a server that does not verify', () => {
  async function verdicts(server: { key: string; cert: string }, ...args: readonly string[]) {
    const port = await nodeServer(server);
    const { code, text, report } = await inspect(`localhost:${port}`, ...args);
    expect(code).toBe(1);
    expect(report.verified).toBe(false);
    expect(report.error).toBeUndefined();
    expect(text).toMatch(/^Verified +NO$/m);
    return { ...report.verification, text };
  }

  test('expired', async () => {
    const old = await identity({ subjectAltNames: names, by: root, notAfter: Date.now() - 2 * day - 1000 });
    const { chain, name, text } = await verdicts(present(old), '--ca', caFile);
    expect(chain).toMatchObject({ ok: false, code: 'CERT_HAS_EXPIRED' });
    expect(name).toEqual({ ok: true, name: 'localhost' });
    expect(text).toMatch(/^ +chain +failed: CERT_HAS_EXPIRED, \S/m);
    expect(text).toMatch(/^ +tried CN=localhost <- CN=Test Root: CERT_HAS_EXPIRED at number 0$/m);
    expect(text).toMatch(/\(expired 2 days ago\)/);
  });

  test('self-signed', async () => {
    const selfSigned = await identity({ subjectAltNames: names });
    const { chain, name } = await verdicts(present(selfSigned), '--ca', caFile);
    expect(chain).toMatchObject({ ok: false, code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(name).toEqual({ ok: true, name: 'localhost' });
  });

  test('issuer unknown to the default roots', async () => {
    const { chain, trust, text } = await verdicts(present(leaf, issuing));
    expect(chain).toMatchObject({ ok: false, code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' });
    expect(trust.source).toBe('default roots');
    expect(trust.certificates).toBeGreaterThan(100);
    expect(text).toMatch(/^ +trust +default roots, \d+ certificates$/m);
  });

  test('wrong name', async () => {
    const { chain, name, text } = await verdicts(present(leaf, issuing), '--ca', caFile, '--servername', 'a.example');
    expect(chain.ok).toBe(true);
    expect(name).toMatchObject({ ok: false, name: 'a.example', code: 'HOSTNAME_MISMATCH' });
    expect(text).toMatch(/^ +name +failed: HOSTNAME_MISMATCH, .*: a\.example$/m);
  });

  test.each([
    ['version 4', 'certificate version 4'],
    ['a time that is none', 'notAfter: not a time of RFC 5280'],
    ['an iPAddress of 5 bytes', 'subjectAltName: an iPAddress of 5 bytes'],
    ['a keyUsage without digitalSignature', undefined],
  ])('%s: it is shown as far as it can be read', async (name, complaint) => {
    const odd = oddLeaves.find((each) => each.name === name) ?? expect.fail('it is gone');
    const cert = encodePem('CERTIFICATE', odd.der);
    const port = await nodeServer({ key: plain.key, cert });
    const { text, report } = await inspect(`localhost:${port}`, '--ca', file('odd-root.pem', oddRoot.pem));
    expect(report.error).toBeUndefined();
    expect(report.verified).toBe(false);
    expect(text).toMatch(/^ +0 +subject +CN=localhost$/m);
    if (complaint !== undefined)
      expect(text).toContain(`odd: ${complaint.includes(':') ? '' : 'certificate: '}${complaint}`);
  });

  test('a name that would steer the terminal is printed as text', async () => {
    const evil = await identity({ subject: 'a\x1b[2J\u202eb', subjectAltNames: names });
    const { text } = await verdicts(present(evil), '--ca', caFile);
    expect(text).not.toMatch(/[^\P{C}\n]/u);
    expect(text).toContain('CN=a\\u{1b}[2J\\u{202e}b\n');
  });
});

describe('no TLS connection', () => {
  test('nothing listening', async () => {
    const server = createTcpServer();
    const port = await listen(server);
    server.close();
    const { code, text, report } = await inspect(`127.0.0.1:${port}`);
    expect(code).toBe(2);
    expect(report.error).toMatchObject({ stage: 'tcp', code: 'ECONNREFUSED' });
    expect(report.chain).toEqual([]);
    expect(text).toMatch(/^No TCP connection: ECONNREFUSED/m);
    expect(text).toMatch(/^ +tls +not reached$/m);
  });

  test('a server that speaks something else', async () => {
    const port = await listen(
      createTcpServer((socket) => {
        socket.on('error', () => undefined);
        socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      }),
    );
    const { code, text, report } = await inspect(`127.0.0.1:${port}`);
    expect(code).toBe(2);
    expect(report.error).toMatchObject({ stage: 'tls', code: 'ERR_TLS_NOT_TLS' });
    expect(text).toMatch(/^No TLS connection: ERR_TLS_NOT_TLS/m);
  });

  test('a server of TLS 1.2', async () => {
    const server = createServer({ ...present(leaf, issuing), maxVersion: 'TLSv1.2' });
    server.on('tlsClientError', () => undefined);
    const { code, report } = await inspect(`127.0.0.1:${await listen(server)}`);
    expect(code).toBe(2);
    expect(report.error).toMatchObject({ stage: 'tls', code: 'ERR_TLS_ALERT_PROTOCOL_VERSION' });
  });

  test('a server that says nothing', async () => {
    const sockets = new Set<{ destroy(): unknown }>();
    closers.push(() => {
      for (const socket of sockets) socket.destroy();
    });
    const port = await listen(createTcpServer((socket) => sockets.add(socket.on('error', () => undefined))));
    const { code, report } = await inspect(`127.0.0.1:${port}`, '--timeout', '300');
    expect(code).toBe(2);
    expect(report.error).toMatchObject({ stage: 'tls', code: 'ETIMEDOUT' });
  });
});

describe('usage', () => {
  test('--help', async () => {
    const outcome = await run('inspect', '--help');
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(outcome.stdout).toMatch(/^Usage: opentls inspect HOST/);
    expect(await run('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('inspect'), stderr: '' });
  });

  test.each([
    [[], 'Usage'],
    [['look'], "there is no command 'look'"],
    [['inspect'], 'HOST:PORT is missing'],
    [['inspect', 'a:b:c'], 'is not HOST:PORT'],
    [['inspect', 'a:65536'], 'is not HOST:PORT'],
    [['inspect', 'a', 'b'], 'one argument too many'],
    [['inspect', 'a', '--ca', join(folder, 'absent.pem')], 'ENOENT'],
    [['inspect', 'a', '--ca', main], 'holds no certificate'],
    [['inspect', 'a', '--timeout', '0'], 'whole number'],
    [['inspect', 'a', '--nonsense'], '--nonsense'],
  ])('%j is refused with exit code 2', async (args, message) => {
    const outcome = await run(...args);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toContain(message);
  });
});
