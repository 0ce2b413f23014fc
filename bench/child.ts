/** The far end of a loopback bench: a process of its own, told what to do by one message. */
import type { AddressInfo, Socket } from 'node:net';
import type { BenchCredentials } from './credentials.ts';
import { type StackName, stack } from './stacks.ts';

export type Order =
  /** Listen; of each connection take in `bytes` bytes, then answer with one. */
  | { readonly do: 'sink'; readonly stack: StackName; readonly credentials: BenchCredentials; readonly bytes: number }
  /** Open `count` connections to `port`, one after another, and keep them. */
  | {
      readonly do: 'hold';
      readonly stack: StackName;
      readonly credentials: BenchCredentials;
      readonly port: number;
      readonly count: number;
    };

process.once('message', (order: Order) => {
  (order.do === 'sink' ? sink(order) : hold(order)).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  });
});

async function sink({ stack: name, credentials, bytes }: Extract<Order, { do: 'sink' }>): Promise<void> {
  const { tls, options } = stack(name);
  const server = tls.createServer({ ...credentials, ...options }, (socket) => {
    let left = bytes;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      left -= chunk.length;
      if (left <= 0) socket.end('.');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.send?.({ port: (server.address() as AddressInfo).port });
}

async function hold({ stack: name, credentials, port, count }: Extract<Order, { do: 'hold' }>): Promise<void> {
  const { tls, options } = stack(name);
  const kept: Socket[] = [];
  for (let i = 0; i < count; i++) {
    await new Promise<void>((resolve, reject) => {
      const socket = tls.connect(
        { port, host: '127.0.0.1', servername: 'localhost', ca: credentials.ca, ...options },
        resolve,
      );
      socket.once('error', reject);
      kept.push(socket);
    });
  }
  process.send?.({ held: kept.length });
}
