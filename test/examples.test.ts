/**
 * Runs each `@example` of `src` as a module of its own against the built package, all in one process, and compares what
 * `console.log(…)` prints with the comment behind it.
 *
 * An example may use these names without a declaration:
 * - `key`, `cert`: a private key and its self-signed certificate for localhost, PEM; the certificate is its own anchor
 * - `chain`: the certificate as a list of DER, leaf first
 * - `port`, `httpsPort`: where servers on localhost with that certificate listen: an echo over TLS, and `hello` over HTTPS
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Folder, root } from './kit/programs.ts';

const prelude = `
import { once } from 'node:events';
import { noble } from 'opentls/crypto/noble';
import { node } from 'opentls/crypto/node';
import { createServer } from 'opentls';
import * as https from 'opentls/https';
import { createCertificate, encodePem, generatePrivateKey } from 'opentls/x509';

const privateKey = generatePrivateKey('P-256', noble.random);
const key = encodePem('PRIVATE KEY', privateKey.expose());
const certificate = await createCertificate({
  provider: noble,
  signer: noble.signer(privateKey),
  subject: 'localhost',
  subjectAltNames: { dns: ['localhost'] },
  notBefore: Date.now() - 60_000,
  notAfter: Date.now() + 600_000,
});
const cert = certificate.pem;
const echo = createServer({ key, cert, provider: node }, (socket) => socket.pipe(socket)).listen(0);
const web = https.createServer({ key, cert, provider: node }, (request, response) => response.end('hello')).listen(0);
await Promise.all([once(echo, 'listening'), once(web, 'listening')]);
const ports = { port: echo.address().port, httpsPort: web.address().port };
Object.assign(globalThis, { key, cert, chain: [certificate.der], ...ports });
`;

/** Runs the examples one after another, prints one line of JSON, and leaves: whatever still listens is no matter. */
const driver = `
import { inspect } from 'node:util';
import './prelude.mjs';

const { log } = console;
const results = {};
for (const file of process.argv.slice(2)) {
  const lines = [];
  console.log = (...values) => lines.push(values.map((value) => (typeof value === 'string' ? value : inspect(value))).join(' '));
  try {
    await Promise.race([
      import(\`./\${file}\`),
      new Promise((_, reject) => setTimeout(reject, 10_000, new Error('does not come to its end')).unref()),
    ]);
    results[file] = lines;
  } catch (error) {
    results[file] = [...lines, inspect(error)];
  }
}
log(JSON.stringify(results));
process.exit();
`;

interface Example {
  /** File and export that it belongs to. */
  readonly of: string;
  readonly file: string;
  readonly code: string;
}

const sources = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
const examples: Example[] = sources.sort().flatMap((path) => {
  const text = readFileSync(`${root}src/${path}`, 'utf8');
  const found = text.matchAll(/@example\n *\* ```js\n([\s\S]*?)\n *\* ```\n(?: *\*.*\n)*? *\*\/\n(.*)/g);
  return [...found].map(([, code = '', declaration = ''], at) => ({
    of: `${path}: ${declaration.match(/(?:function|class|const|static|interface) (\w+)/)?.[1]}`,
    file: `${path.replaceAll(/[/.]/g, '-')}-${at}.mjs`,
    code: code.replaceAll(/^ *\* ?/gm, ''),
  }));
});

/** What the comments behind its `console.log(…)` say. */
const expectedOf = (code: string): string[] =>
  [...code.matchAll(/console\.log\(.*\);? \/\/ (.*)$/gm)].map(([, line = '']) => line);

const folder = new Folder('examples');
let results: Readonly<Record<string, readonly string[]>> = {};

beforeAll(async () => {
  writeFileSync(`${folder.path}/prelude.mjs`, prelude);
  for (const { file, code } of examples) writeFileSync(`${folder.path}/${file}`, code);
  const run = `process.argv.push(...${JSON.stringify(examples.map(({ file }) => file))});\n`;
  writeFileSync(`${folder.path}/driver.mjs`, driver);
  const output = await folder.run('main.mjs', `${run}await import('./driver.mjs');\n`);
  results = JSON.parse(output.trim().split('\n').at(-1) ?? '');
});
afterAll(() => folder.remove());

test('every example is found', () => {
  const written = sources.map((path) => readFileSync(`${root}src/${path}`, 'utf8').match(/@example/g)?.length ?? 0);
  expect(examples.length).toBe(written.reduce((sum, count) => sum + count, 0));
  expect(examples.length).toBeGreaterThan(35);
});

test.each(examples)('$of', ({ file, code }) => {
  expect(results[file]).toEqual(expectedOf(code));
});

/** What a reader meets first. */
const main = [
  ...[
    'connect',
    'createServer',
    'createSecureContext',
    'TLSSocket',
    'Agent',
    'request',
    'get',
    'wrapClient',
    'wrapServer',
  ],
  ...[
    'ClientConfig',
    'ServerConfig',
    'perform',
    'verifier',
    'StrikeRegister',
    'TicketKeys',
    'StoredTickets',
    'SessionCache',
    'CookieKeys',
  ],
  ...[
    'importPsk',
    'noble',
    'node',
    'withMlDsa',
    'fastGcmSuites',
    'verifyPeer',
    'from',
    'parseCertificate',
    'showCertificate',
  ],
  ...[
    'createCertificate',
    'createCertificateRequest',
    'generatePrivateKey',
    'parsePrivateKey',
    'decodePem',
    'encodePem',
  ],
];

test('the main exports have one', () => {
  const names = examples.map(({ of }) => of.split(': ')[1]);
  expect(main.filter((name) => !names.includes(name))).toEqual([]);
});
