/**
 * Makes a throw-away CA and a certificate, starts an HTTPS server on loopback, fetches from it with everything at
 * hand, and prints what each connection came to. Exits with 1 where anything went wrong.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { noble } from 'opentls/crypto/noble';
import { node } from 'opentls/crypto/node';
import { createCertificate, generatePrivateKey } from 'opentls/x509';
import colors from 'picocolors';
import type { Client, Download, Target } from './demo/client.ts';
import { nodeTlsClient, opentlsClient } from './demo/in-process.ts';
import type { Accepted, Facts, Ready, ServerName, Start } from './demo/messages.ts';
import { curl, sClient } from './demo/programs.ts';

const ours = [opentlsClient('opentls/noble', noble), opentlsClient('opentls/node', node)];
const others = [nodeTlsClient, sClient, curl];
const cells: readonly { readonly server: ServerName; readonly client: Client }[] = [
  ...[...ours, ...others].map((client) => ({ server: 'opentls/noble' as const, client })),
  ...[...ours, ...others].map((client) => ({ server: 'opentls/node' as const, client })),
  ...ours.map((client) => ({ server: 'node:tls' as const, client })),
];

process.exitCode = await main();

async function main(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'opentls-demo-'));
  const server = fork(fileURLToPath(new URL('./demo/server.ts', import.meta.url)));
  try {
    const { ca, credentials } = await makeCertificates();
    const caFile = join(folder, 'ca.pem');
    writeFileSync(caFile, ca);
    server.send(credentials);
    const ready = await answer<Ready>(server, 'ready');
    const rows: Row[] = [];
    for (const { server: name, client } of cells) {
      rows.push(await runCell(name, client, { port: ready.ports[name], ca, caFile }, server, ready));
    }
    console.log(render(rows));
    return rows.some((row) => row.failure !== undefined) ? 1 : 0;
  } finally {
    server.disconnect();
    rmSync(folder, { recursive: true });
  }
}

async function makeCertificates(): Promise<{ readonly ca: string; readonly credentials: Start }> {
  const [caKey, leafKey] = [generatePrivateKey('P-256', noble.random), generatePrivateKey('P-256', noble.random)];
  const key = pem('PRIVATE KEY', leafKey.expose());
  const [caSigner, leafSigner] = [noble.signer(caKey), noble.signer(leafKey)];
  const day = 86_400_000;
  const period = { provider: noble, notBefore: Date.now() - day, notAfter: Date.now() + day };
  const ca = await createCertificate({ ...period, subject: 'opentls demo CA', signer: caSigner, isCa: true });
  const leaf = await createCertificate({
    ...period,
    subject: 'localhost',
    signer: caSigner,
    issuer: { certificate: ca.der },
    publicKey: leafSigner.publicKey,
    subjectAltNames: { dns: ['localhost'], ip: ['127.0.0.1'] },
    extendedKeyUsage: ['serverAuth'],
  });
  return { ca: ca.pem, credentials: { key, cert: leaf.pem } };
}

interface Row {
  readonly server: ServerName;
  readonly client: string;
  readonly missing?: string;
  readonly failure?: string;
  readonly result?: { readonly facts: Facts; readonly handshakeMs: number; readonly megabytesPerSecond: number };
}

async function runCell(
  server: ServerName,
  client: Client,
  target: Target,
  child: ChildProcess,
  expected: Ready,
): Promise<Row> {
  const row = { server, client: client.name };
  if (client.missing !== undefined) return { ...row, missing: client.missing };
  try {
    const [page, served] = await fetchFrom(server, client, target, '/', child);
    const [body] = await fetchFrom(server, client, target, '/body', child);
    if (sha256(page.bytes) !== expected.page) throw new Error('the page has other bytes');
    if (sha256(body.bytes) !== expected.body) throw new Error('the body has other bytes');
    if ((await client.refusal(target)) === undefined) throw new Error('without the CA it still takes the certificate');
    const facts = agree(served?.facts, page.facts);
    const handshakeMs = page.handshakeMs ?? served?.handshakeMs ?? Number.NaN;
    return { ...row, result: { facts, handshakeMs, megabytesPerSecond: body.bytes.length / 1000 / body.ms } };
  } catch (error) {
    return {
      ...row,
      failure: error instanceof Error ? `${'code' in error ? `${error.code}: ` : ''}${error.message}` : String(error),
    };
  }
}

/** A download, and what the server tells of its connection: waited for here, lest it be taken for the next one's. */
async function fetchFrom(
  server: ServerName,
  client: Client,
  target: Target,
  path: string,
  child: ChildProcess,
): Promise<[download: Download, served: Accepted | undefined]> {
  const accepted = server === 'node:tls' ? undefined : answer<Accepted>(child, 'accepted');
  return Promise.all([client.fetch(target, path), accepted]);
}

/** What both ends tell must be the same; between them they must tell everything. */
function agree(served: Facts | undefined, seen: Partial<Facts>): Facts {
  const merged = { ...seen, ...served };
  for (const name of ['suite', 'group', 'signature', 'alpn'] as const) {
    const here = seen[name];
    if (here !== undefined && here !== merged[name]) throw new Error(`${name}: ${here} here, ${merged[name]} there`);
  }
  const { suite, group, signature, alpn } = merged;
  if (suite === undefined || group === undefined || signature === undefined || alpn === undefined) {
    throw new Error('neither end told all that was negotiated');
  }
  return { suite, group, signature, alpn };
}

async function answer<T extends Ready | Accepted>(child: ChildProcess, type: T['type']): Promise<T> {
  const signal = AbortSignal.timeout(30_000);
  try {
    for (;;) {
      const [message] = (await once(child, 'message', { signal })) as [Ready | Accepted];
      if (message.type === type) return message as T;
    }
  } catch (error) {
    throw signal.aborted ? new Error(`the server did not say '${type}' within 30 s`) : error;
  }
}

function render(rows: readonly Row[]): string {
  const head = ['server', 'client', 'suite', 'group', 'signature', 'ALPN', 'certificate', 'handshake ms', 'MB/s'];
  const lit = colors.isColorSupported;
  const table = new Table({
    head,
    style: { head: lit ? ['bold'] : [], border: lit ? ['gray'] : [], compact: true },
    colAligns: [...head.slice(2).map(() => 'left' as const), 'right', 'right'],
  });
  for (const row of rows) {
    const peers = [row.server, row.client];
    if (row.missing !== undefined) table.push([...peers, { colSpan: 7, content: colors.dim(row.missing) }]);
    else if (row.result === undefined)
      table.push([...peers, { colSpan: 7, content: colors.red(`FAILED  ${row.failure}`) }]);
    else table.push([...peers, ...resultCells(row.result)]);
  }
  const count = (test: (row: Row) => boolean) => rows.filter(test).length;
  const failed = count((row) => row.failure !== undefined);
  return [
    table.toString(),
    'Every row: a page and a 32 MiB body, both checked by SHA-256; the certificate verified against the CA, and refused',
    'without it. Handshake as the client measures it; for s_client, as the server does. Server and client are processes.',
    `${count((row) => row.result !== undefined)} passed, ${failed > 0 ? colors.red(`${failed} failed`) : '0 failed'}, ${count((row) => row.missing !== undefined)} missing`,
  ].join('\n');
}

function resultCells({ facts, handshakeMs, megabytesPerSecond }: NonNullable<Row['result']>): readonly string[] {
  const suite = facts.suite.replace(/^TLS_/, '');
  const figures = [handshakeMs.toFixed(1), megabytesPerSecond.toFixed(0)];
  return [suite, facts.group, facts.signature, facts.alpn, colors.green('verified'), ...figures];
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function pem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der)
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----\n`;
}
