import type { AddressInfo, Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { BenchCredentials } from './credentials.ts';
import { message, startChild } from './loopback.ts';
import type { Row } from './report.ts';
import { type StackName, stack, stackNames } from './stacks.ts';

const CONNECTIONS = 2_000;

/** Heap and external memory of a server per idle connection; the clients are node:tls in another process. */
export async function idleMemory(credentials: BenchCredentials): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const name of stackNames) rows.push(await idle(name, credentials));
  return rows;
}

async function idle(name: StackName, credentials: BenchCredentials): Promise<Row> {
  const { tls, options } = stack(name);
  const kept = new Set<Socket>();
  const server = tls.createServer({ ...credentials, ...options, ecdhCurve: 'X25519' }, (socket) => {
    socket.on('error', () => {});
    socket.resume();
    kept.add(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  // The first connections bring what all share: code, tables, pools.
  const first = startChild({ do: 'hold', stack: 'node:tls', credentials, port, count: 100 });
  await message(first);
  const before = settledMemory();
  const second = startChild({ do: 'hold', stack: 'node:tls', credentials, port, count: CONNECTIONS });
  await message(second);
  const after = settledMemory();
  const perConnection = (after - before) / CONNECTIONS / 1024;
  const established = kept.size;
  for (const socket of kept) socket.destroy();
  first.kill();
  second.kill();
  await new Promise((resolve) => server.close(resolve));
  return {
    stack: name,
    connections: String(established),
    'KiB per idle connection': perConnection.toFixed(1),
  };
}

function settledMemory(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 4; i++) collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
