import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const manifest: Manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
const entries = Object.keys(manifest.exports)
  .filter((entry) => entry !== './package.json')
  .map((entry) => manifest.name + entry.slice(1));

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

const folder = mkdtempSync(join(tmpdir(), 'opentls-package-'));
const consumer = join(folder, 'consumer');
let packed: Packed;

/** npm as a user calls it: without what `npm test` says about this package in the environment. */
async function npm(cwd: string, ...args: readonly string[]): Promise<string> {
  const own = /^npm_(?:package_|lifecycle_|command$|config_local_prefix$)/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
  return (await run('npm', args, { cwd, env })).stdout;
}

async function node(file: string, source: string): Promise<unknown> {
  writeFileSync(join(consumer, file), source);
  return JSON.parse((await run(process.execPath, [file], { cwd: consumer })).stdout);
}

beforeAll(async () => {
  // What `npm test` has just built is what is packed.
  const [answer] = JSON.parse(await npm(root, 'pack', '--json', '--ignore-scripts', '--pack-destination', folder));
  packed = answer;
  mkdirSync(consumer);
  writeFileSync(join(consumer, 'package.json'), '{ "private": true }');
  await npm(consumer, 'install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, packed.filename));
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the tarball', () => {
  test('holds what a user needs and nothing else', () => {
    const paths = packed.files.map(({ path }) => path);
    for (const path of ['package.json', 'README.md', 'LICENSE', 'SECURITY.md', 'src/connection/connection.ts']) {
      expect(paths).toContain(path);
    }
    const expected =
      /^(?:package\.json|README\.md|LICENSE|SECURITY\.md|src\/(?:.*\/)?README\.md|src\/.*\.ts|dist\/.*\.(?:js|d\.ts)(?:\.map)?)$/;
    expect(paths.filter((path) => !expected.test(path))).toEqual([]);
  });

  test('was built from these sources only', () => {
    const paths = new Set(packed.files.map(({ path }) => path));
    const built = [...paths].filter((path) => /^dist\/.*\.js$/.test(path));
    expect(built.length).toBeGreaterThan(40);
    expect(built.filter((path) => !paths.has(path.replace('dist/', 'src/').replace(/\.js$/, '.ts')))).toEqual([]);
  });

  test('stays small', () => {
    expect(packed.size).toBeLessThan(900_000);
    expect(packed.unpackedSize).toBeLessThan(4_000_000);
  });

  test('pins what it depends on exactly', () => {
    const docs: Manifest = JSON.parse(readFileSync(`${root}docs/package.json`, 'utf8'));
    const versions = Object.values({ ...manifest.dependencies, ...manifest.devDependencies, ...docs.devDependencies });
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  test('passes publint', async () => {
    const { stdout } = await run('node_modules/.bin/publint', ['run', join(folder, packed.filename), '--strict'], {
      cwd: root,
    });
    expect(stdout).toContain('All good!');
  });

  test('has types that resolve', async () => {
    const args = [join(folder, packed.filename), '--profile', 'esm-only', '--format', 'ascii'];
    const { stdout } = await run('node_modules/.bin/attw', args, { cwd: root });
    const resolved = stdout.match(/^node16 \(from ESM\): 🟢/gm) ?? [];
    expect(resolved).toHaveLength(Object.keys(manifest.exports).length);
  });
});

/** The same use of the package for both ways of loading it: a certificate, a server, a client, an echo. */
const use = `
  async function main() {
    const { noble } = nobleEntry;
    const key = x509.generatePrivateKey('P-256', noble.random);
    const keyPem = x509.encodePem('PRIVATE KEY', key.expose());
    const { pem } = await x509.createCertificate({
      provider: noble, signer: noble.signer(key), subject: 'localhost', subjectAltNames: { dns: ['localhost'] },
      notBefore: Date.now() - 60_000, notAfter: Date.now() + 60_000,
    });
    const answer = { same: tls.connect === tls.default.connect, core: typeof core.Connection, https: typeof https.request };
    for (const provider of [noble, nodeEntry.node]) {
      const server = tls.createServer({ key: keyPem, cert: pem, provider }, (socket) => socket.pipe(socket));
      await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
      const { port } = server.address();
      const socket = tls.connect({ host: '127.0.0.1', servername: 'localhost', port, ca: pem, provider });
      socket.end('over ' + provider.name);
      answer[provider.name] = '';
      for await (const bytes of socket) answer[provider.name] += bytes;
      server.close();
    }
    console.log(JSON.stringify(answer));
  }
  main();
`;
const expected = { same: true, core: 'function', https: 'function', noble: 'over noble', node: 'over node' };

describe('installed in an empty folder', () => {
  test('is alone with its dependencies', async () => {
    const { dependencies } = JSON.parse(await npm(consumer, 'ls', '--json'));
    expect(Object.keys(dependencies)).toEqual([manifest.name]);
  });

  test('every entry is there for import', async () => {
    const source = `const names = {};
      for (const entry of ${JSON.stringify(entries)}) names[entry] = Object.keys(await import(entry)).length;
      console.log(JSON.stringify(names));`;
    const names = await node('entries.mjs', source);
    expect(Object.keys(names ?? {})).toEqual(entries);
    expect(Object.values(names ?? {}).filter((count) => count === 0)).toEqual([]);
  });

  test('works through import', async () => {
    const source = `
      import * as tls from 'opentls';
      import * as core from 'opentls/core';
      import * as https from 'opentls/https';
      import * as x509 from 'opentls/x509';
      import * as nobleEntry from 'opentls/crypto/noble';
      import * as nodeEntry from 'opentls/crypto/node';
      ${use}`;
    expect(await node('consumer.mjs', source)).toEqual(expected);
  });

  test('works through require', async () => {
    const source = `
      const tls = require('opentls');
      const core = require('opentls/core');
      const https = require('opentls/https');
      const x509 = require('opentls/x509');
      const nobleEntry = require('opentls/crypto/noble');
      const nodeEntry = require('opentls/crypto/node');
      ${use}`;
    expect(await node('consumer.cjs', source)).toEqual(expected);
  });

  test('has its command', async () => {
    const { stdout } = await run('node_modules/.bin/opentls', ['--help'], { cwd: consumer });
    expect(stdout).toContain('inspect');
  });
});

describe('types', () => {
  const imports = entries.map((entry, index) => `import * as entry${index} from '${entry}';`).join('\n');
  const uses = entries.map((_, index) => `entry${index}`).join(', ');
  const program = `${imports}
    import tls from 'opentls';
    import { connect, type TLSSocket } from 'opentls';
    import { noble } from 'opentls/crypto/noble';
    export const entries: readonly object[] = [${uses}];
    export const socket: TLSSocket = connect({ host: 'localhost', port: 443, provider: noble });
    export const same: typeof connect = tls.connect;
    // @ts-expect-error a port is a number
    connect({ port: true });
  `;

  async function check(file: string, source: string, options: object): Promise<string> {
    writeFileSync(join(consumer, file), source);
    const shared = { strict: true, exactOptionalPropertyTypes: true, noEmit: true, target: 'es2022', lib: ['es2023'] };
    const types = { types: ['node'], typeRoots: [`${root}node_modules/@types`] };
    const config = { compilerOptions: { ...shared, ...types, ...options }, files: [file] };
    writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify(config));
    return run(`${root}node_modules/.bin/tsc`, ['-p', '.'], { cwd: consumer }).then(
      ({ stdout }) => stdout,
      (error: { readonly stdout?: string }) => error.stdout ?? String(error),
    );
  }

  test.each([
    { file: 'nodenext.mts', options: { module: 'nodenext' } },
    { file: 'bundler.ts', options: { module: 'esnext', moduleResolution: 'bundler', customConditions: ['node'] } },
  ])('hold in $file', async ({ file, options }) => {
    expect(await check(file, program, options)).toBe('');
  });

  test('hold for require', async () => {
    const source = `import tls = require('opentls');
      export const port: number | undefined = tls.connect({ port: 443 }).remotePort;`;
    expect(await check('require.cts', source, { module: 'nodenext' })).toBe('');
  });

  test('a mistake is found', async () => {
    const source = "import { connect } from 'opentls';\nexport const wrong: number = connect({ port: 443 });";
    expect(await check('wrong.mts', source, { module: 'nodenext' })).toContain('TS2322');
  });
});
