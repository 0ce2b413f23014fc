import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Order } from './child.ts';
import type { BenchCredentials } from './credentials.ts';
import { median } from './measure.ts';
import type { Row } from './report.ts';
import { type StackName, stack, stackNames } from './stacks.ts';

const BULK = 48 * 1024 * 1024;
const CHUNK = 256 * 1024;
const ROUNDS = 3;
const HANDSHAKES = 60;

/** One way over loopback, the receiver in a process of its own; rounds turn and turn about. */
export async function bulk(credentials: BenchCredentials): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const ciphers of ['TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256']) {
    const rates = await rounds((name) => bulkRate(name, credentials, ciphers));
    const base = rates.get('node:tls') ?? Number.NaN;
    for (const [name, rate] of rates) {
      rows.push({ stack: name, suite: ciphers, 'MB/s': rate.toFixed(0), 'of node:tls': (rate / base).toFixed(3) });
    }
  }
  return rows;
}

/** One handshake after another, each end on a core of its own. */
export async function handshakeRate(credentials: BenchCredentials): Promise<readonly Row[]> {
  const rates = await rounds((name) => handshakesPerSecond(name, credentials));
  const base = rates.get('node:tls') ?? Number.NaN;
  return [...rates].map(([name, rate]) => ({
    stack: name,
    'handshakes/s': rate.toFixed(0),
    'of node:tls': (rate / base).toFixed(3),
  }));
}

async function rounds(measure: (name: StackName) => Promise<number>): Promise<ReadonlyMap<StackName, number>> {
  const samples = new Map<StackName, number[]>(stackNames.map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of stackNames) samples.get(name)?.push(await measure(name));
  }
  return new Map([...samples].map(([name, values]) => [name, median(values)]));
}

async function bulkRate(name: StackName, credentials: BenchCredentials, ciphers: string): Promise<number> {
  const { child, port } = await startSink(name, credentials, BULK);
  const start = { time: 0 };
  await new Promise<void>((resolve, reject) => {
    const socket = open(name, credentials, port, { ciphers });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      start.time = performance.now();
      send(BULK);
    });
    socket.once('data', () => {
      socket.destroy();
      resolve();
    });
    const chunk = Buffer.alloc(CHUNK, 7);
    function send(left: number): void {
      if (left > 0) socket.write(chunk, () => send(left - CHUNK));
    }
  });
  const seconds = (performance.now() - start.time) / 1000;
  child.kill();
  return BULK / 1e6 / seconds;
}

async function handshakesPerSecond(name: StackName, credentials: BenchCredentials): Promise<number> {
  const { child, port } = await startSink(name, credentials, 1);
  const once = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = open(name, credentials, port, { ecdhCurve: 'X25519' });
      socket.once('error', reject);
      socket.once('secureConnect', () => socket.destroy());
      socket.once('close', () => resolve());
    });
  for (let i = 0; i < HANDSHAKES / 2; i++) await once();
  const start = performance.now();
  for (let i = 0; i < HANDSHAKES; i++) await once();
  const seconds = (performance.now() - start) / 1000;
  child.kill();
  return HANDSHAKES / seconds;
}

function open(name: StackName, credentials: BenchCredentials, port: number, extra: object) {
  const { tls, options } = stack(name);
  return tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca: credentials.ca, ...options, ...extra });
}

async function startSink(name: StackName, credentials: BenchCredentials, bytes: number) {
  const child = startChild({ do: 'sink', stack: name, credentials, bytes });
  const { port } = await message<{ port: number }>(child);
  return { child, port };
}

export function startChild(order: Order): ChildProcess {
  const child = fork(fileURLToPath(new URL('child.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] });
  child.send(order);
  return child;
}

export function message<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (value) => resolve(value as T));
    child.once('exit', (code) => reject(new Error(`the child process ended with ${code}`)));
  });
}
