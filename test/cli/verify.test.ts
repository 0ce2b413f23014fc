import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { parseCertificate } from '#opentls/x509/certificate/certificate';
import { authority, type Holder, now, serverLeaf } from '../x509/made/chain.ts';
import { makeCrl } from '../x509/revocation/make-crl.ts';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'opentls-verify-'));
afterAll(() => rmSync(folder, { recursive: true }));

function opentls(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'verify', ...args], {
    encoding: 'utf8',
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { status, stdout, stderr };
}

function save(name: string, ...texts: readonly string[]): void {
  writeFileSync(join(folder, name), texts.join(''));
}

const root = authority('root');
const middle = authority('middle', root);
const leaf = serverLeaf(middle);
const list = (holder: Holder, ...revoked: readonly Holder[]): string =>
  makeCrl({
    issuer: parseCertificate(holder.der).subject.raw,
    key: holder.key,
    revoked: revoked.map(({ der }) => parseCertificate(der).serialNumber),
  });
save('root.pem', root.pem);
save('chain.pem', leaf.pem, middle.pem);
save('leaf.pem', leaf.pem);
save('middle.pem', middle.pem);
save('good.crl', list(root), list(middle));
save('bad.crl', list(root), list(middle, leaf));
writeFileSync(join(folder, 'leaf.der'), leaf.der);

describe('opentls verify', () => {
  test('a good chain, from one file or several', () => {
    for (const files of [['chain.pem'], ['leaf.pem', 'middle.pem'], ['leaf.der', 'middle.pem']]) {
      const { status, stdout } = opentls(...files, '--ca', 'root.pem', '--name', 'server.test');
      expect(stdout).toContain('Verified        yes');
      expect(stdout).toContain('CN=leaf <- CN=middle <- CN=root');
      expect(status).toBe(0);
    }
  });

  test.each([
    [['--name', 'other.test'], 'HOSTNAME_MISMATCH'],
    [['--email', 'a@server.test'], 'HOSTNAME_MISMATCH'],
    [['--purpose', 'client'], 'INVALID_PURPOSE'],
    [['--time', new Date(now + 3 * 86_400_000).toISOString()], 'CERT_HAS_EXPIRED'],
    [['--max-depth', '0'], 'CERT_CHAIN_TOO_LONG'],
    [['--crl', 'bad.crl'], 'CERT_REVOKED'],
    [['--revocation', 'hard'], 'UNABLE_TO_GET_CRL'],
    [['--policy', '1.2.3', '--explicit-policy'], 'NO_EXPLICIT_POLICY'],
    [['--ocsp', 'root.pem'], 'INVALID_OCSP_RESPONSE'],
  ])('%s is refused: %s', (args, code) => {
    const { status, stdout } = opentls('chain.pem', '--ca', 'root.pem', ...args);
    expect(stdout).toContain(code);
    expect(status).toBe(1);
  });

  test.each([
    [['--crl', 'good.crl']],
    [['--revocation', 'soft']],
    [['--crl', 'bad.crl', '--revocation', 'off']],
    [['--profile', 'node']],
    [['--profile', 'rfc5280', '--purpose', 'any', '--sha1', '--md5']],
    [['--name', 'other.test', '--name', 'server.test']],
  ])('%s passes', (args) => {
    expect(opentls('chain.pem', '--ca', 'root.pem', ...args).status).toBe(0);
  });

  test('an intermediate as anchor, with --partial', () => {
    expect(opentls('leaf.pem', '--ca', 'middle.pem').status).toBe(1);
    expect(opentls('leaf.pem', '--ca', 'middle.pem', '--partial').status).toBe(0);
  });

  test('JSON', () => {
    const { stdout } = opentls('chain.pem', '--json', '--time', '2026-01-01T00:00:00Z');
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      profile: 'webpki',
      purpose: 'server',
      time: '2026-01-01T00:00:00.000Z',
      trust: 'default roots',
      policies: [],
      paths: [{ path: ['CN=leaf', 'CN=middle'] }],
    });
  });

  test('wrong usage', () => {
    for (const args of [
      [],
      ['nothing.pem'],
      ['chain.pem', '--profile', 'x'],
      ['chain.pem', '--time', 'x'],
      ['chain.pem', '--crl', 'root.pem'],
    ]) {
      const { status, stderr } = opentls(...args);
      expect(stderr).toContain('Usage: opentls verify');
      expect(status).toBe(2);
    }
    expect(opentls('--help')).toMatchObject({ status: 0, stderr: '' });
  });
});
