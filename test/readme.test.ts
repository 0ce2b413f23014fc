import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(`${root}README.md`, 'utf8');

/** Code blocks whose first line is a comment with a file name. */
const programs = new Map(
  [...readme.matchAll(/^```js\n\/\/ (\S+)\n([\s\S]*?)^```$/gm)].map(([, name = '', code = '']) => [name, code]),
);

// Inside the package, so that `import 'opentls'` finds it by its own name.
mkdirSync(`${root}.cache`, { recursive: true });
const folder = mkdtempSync(`${root}.cache/readme-`);
const children: ChildProcess[] = [];

afterAll(() => {
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true, force: true });
});

function start(name: string, port: number): ChildProcess {
  writeFileSync(
    `${folder}/${name}`,
    (programs.get(name) ?? expect.fail(`no ${name}`)).replaceAll('8443', String(port)),
  );
  const child = spawn(process.execPath, [name], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  return child;
}

/** What a program prints until it ends; it fails where the program does. */
async function run(name: string, port: number): Promise<string> {
  const child = start(name, port);
  let output = '';
  child.stdout?.on('data', (bytes: Buffer) => (output += bytes));
  child.stderr?.on('data', (bytes: Buffer) => (output += bytes));
  const [status] = await once(child, 'close');
  return status === 0 ? output : expect.fail(`${name} ended with ${status}: ${output}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

test.each(['client.mjs', 'server.mjs'])('%s has ten lines at most', (name) => {
  expect((programs.get(name) ?? '').trimEnd().split('\n').length).toBeLessThanOrEqual(10);
});

describe('the programs run', () => {
  let port: number;
  beforeAll(async () => {
    port = await freePort();
    await run('certificate.mjs', port);
  });

  test('the client gets its words back from the server', async () => {
    const server = start('server.mjs', port);
    let complaints = '';
    server.stderr?.on('data', (bytes: Buffer) => (complaints += bytes));
    let output = '';
    // The server says nothing when it listens: ask until it answers.
    for (let attempt = 0; attempt < 40 && !output.includes('hello'); attempt++) {
      output = await run('client.mjs', port);
      if (output.includes('ECONNREFUSED')) await new Promise((resolve) => setTimeout(resolve, 100));
      else break;
    }
    expect(output).toBe('TLSv1.3 TLS_CHACHA20_POLY1305_SHA256 true\nhello\n');
    expect(complaints).toBe('');
  });

  test('a certificate by itself', async () => {
    expect(await run('verify.mjs', port)).toBe('1 certificates to the anchor\n');
  });

  test('0-RTT data', async () => {
    expect(await run('early.mjs', await freePort())).toBe('early: GET /\naccepted: true\ndone\n');
  });

  test('a client without the certificate refuses the server', async () => {
    const code = programs.get('client.mjs')?.replace(", ca: readFileSync('cert.pem')", '') ?? '';
    programs.set('stranger.mjs', code);
    expect(await run('stranger.mjs', port)).toContain('DEPTH_ZERO_SELF_SIGNED_CERT');
  });
});

test('what it points to exists', () => {
  const links = [
    ...readme.matchAll(/\]\((?!https?:)([^)#]+)/g),
    ...readme.matchAll(/`((?:src|test|\.ci)\/[\w./-]+)`/g),
  ];
  expect(links.length).toBeGreaterThan(4);
  expect(links.map(([, path = '']) => path).filter((path) => !existsSync(root + path))).toEqual([]);
});

test('every script and entry it names is in package.json', () => {
  const manifest: { scripts: object; exports: object; name: string } = JSON.parse(
    readFileSync(`${root}package.json`, 'utf8'),
  );
  const scripts = [...readme.matchAll(/npm run\s+([\w:]+)/g)].map(([, name = '']) => name);
  expect(scripts.filter((name) => !(name in manifest.scripts))).toEqual([]);
  const entries = Object.keys(manifest.exports).filter((entry) => entry !== './package.json');
  for (const entry of entries) expect(readme).toContain(`| \`${manifest.name}${entry.slice(1)}\` |`);
});
