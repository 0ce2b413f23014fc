import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import type { Client, Target } from './client.ts';

export const sClient: Client = {
  name: 'openssl s_client',
  missing: missingOption('openssl', ['s_client', '-help'], '-tls1_3'),
  async fetch(target, path) {
    const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
    const { code, stdout, stderr, ms } = await run('openssl', sClientArgs(target, true), request);
    if (code !== 0) throw new Error(`openssl s_client ended with ${code}: ${lastLine(stderr)}`);
    const headEnd = stdout.indexOf('\r\n\r\n');
    if (headEnd < 0) throw new Error('openssl s_client printed no HTTP response');
    return { bytes: stdout.subarray(headEnd + 4), ms, handshakeMs: undefined, facts: {} };
  },
  async refusal(target) {
    const { code, stderr } = await run('openssl', sClientArgs(target, false), '');
    return code === 0 ? undefined : /verify error:num=\d+:(.*)/.exec(stderr)?.[1];
  },
};

export const curl: Client = {
  name: 'curl',
  missing: missingOption('curl', ['--help', 'all'], '--tlsv1.3'),
  async fetch(target, path) {
    const { code, stdout, stderr, ms } = await run('curl', curlArgs(target, path, ['--cacert', target.caFile]), '');
    if (code !== 0) throw new Error(`curl ended with ${code}: ${lastLine(stderr)}`);
    const [connected = Number.NaN, secure = Number.NaN] = lastLine(stderr).split(' ').map(Number);
    return { bytes: stdout, ms, handshakeMs: 1000 * (secure - connected), facts: {} };
  },
  async refusal(target) {
    const { code } = await run('curl', curlArgs(target, '/', []), '');
    // CURLE_PEER_FAILED_VERIFICATION
    return code === 60 ? 'CURLE_PEER_FAILED_VERIFICATION' : undefined;
  },
};

function sClientArgs(target: Target, trusting: boolean): readonly string[] {
  const verification = ['-verify_return_error', '-verify_hostname', 'localhost'];
  const trust = trusting ? ['-CAfile', target.caFile] : ['-no-CAfile', '-no-CApath'];
  const address = ['-connect', `127.0.0.1:${target.port}`, '-servername', 'localhost', '-alpn', 'http/1.1'];
  return ['s_client', '-quiet', '-tls1_3', ...address, ...verification, ...trust];
}

function curlArgs(target: Target, path: string, trust: readonly string[]): readonly string[] {
  const times = ['--write-out', '%{stderr}%{time_connect} %{time_appconnect}\n'];
  const address = ['--noproxy', '*', '--resolve', `localhost:${target.port}:127.0.0.1`];
  const quiet = ['--disable', '--silent', '--show-error', '--max-time', '60', '--tlsv1.3'];
  return [...quiet, ...times, ...address, ...trust, `https://localhost:${target.port}${path}`];
}

interface Outcome {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** From the first byte on stdout to the last. */
  readonly ms: number;
}

async function run(program: string, args: readonly string[], input: string): Promise<Outcome> {
  const child = spawn(program, args);
  const chunks: Buffer[] = [];
  let stderr = '';
  let first: number | undefined;
  let last = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    last = performance.now();
    first ??= last;
    chunks.push(chunk);
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  // A program that ends first breaks the pipe: its exit code tells.
  child.stdin.on('error', () => undefined);
  if (input === '') child.stdin.end();
  else child.stdin.write(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout: Buffer.concat(chunks), stderr, ms: last - (first ?? last) };
}

function missingOption(program: string, help: readonly string[], option: string): string | undefined {
  const { error, stdout, stderr } = spawnSync(program, help, { encoding: 'utf8' });
  if (error !== undefined) return 'missing';
  return `${stdout}${stderr}`.includes(option) ? undefined : 'missing: this one has no TLS 1.3';
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
