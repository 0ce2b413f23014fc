import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import nodeTls from 'node:tls';
import ours from '#opentls/adapters/node/index';
import { provider } from '../../kit/provider.ts';
import { authority, serverLeaf } from '../../x509/made/chain.ts';

/** What the tests use of either module; they hand both the same options. */
export type Tls = typeof nodeTls;
export type Socket = nodeTls.TLSSocket;

export const modules: Readonly<Record<'opentls' | 'node', Tls>> = {
  opentls: ours as unknown as Tls,
  node: nodeTls,
};

// Contexts are made through the default export, which reads what is assigned to it: so the other provider gets in.
const makeContext = ours.createSecureContext;
ours.createSecureContext = (options) => makeContext({ provider, ...options });

/** Which module is at which end. */
export const pairings: readonly (readonly [server: keyof typeof modules, client: keyof typeof modules])[] = [
  ['opentls', 'opentls'],
  ['opentls', 'node'],
  ['node', 'opentls'],
];

export const root: ReturnType<typeof authority> = authority('root');
export const leaf: ReturnType<typeof serverLeaf> = serverLeaf(root, {
  subject: 'localhost',
  subjectAltNames: { dns: ['localhost', 'a.example'], ip: ['127.0.0.1'] },
  extendedKeyUsage: ['serverAuth', 'clientAuth'],
});

export const serverOptions: { key: string; cert: string; minVersion: 'TLSv1.3' } = {
  key: leaf.key,
  cert: leaf.pem,
  minVersion: 'TLSv1.3',
};

export const clientOptions: { ca: string; host: string; minVersion: 'TLSv1.3' } = {
  ca: root.pem,
  host: '127.0.0.1',
  minVersion: 'TLSv1.3',
};

export async function listen(server: nodeTls.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

export async function close(server: { close(done: () => void): unknown }): Promise<void> {
  await new Promise<void>((resolve) => void server.close(() => resolve()));
}

/** Resolves with the arguments of an event. */
export function event(emitter: NodeJS.EventEmitter, name: string): Promise<unknown[]> {
  return new Promise((resolve) => void emitter.once(name, (...args) => resolve(args)));
}

/** All that can be read; unlike an async iterator it leaves the stream as it is. */
export async function collect(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve, reject) => stream.once('end', resolve).once('error', reject));
  return Buffer.concat(chunks);
}

/**
 * Visits a server twice, the second time with the session of the first visit.
 * @param rest what is waited for besides the session
 * @returns for each visit whether it resumed a session
 */
export async function visitTwice(
  visit: (more: { readonly session?: Buffer }) => Socket,
  rest: (socket: Socket) => Promise<unknown> = async () => {},
): Promise<readonly boolean[]> {
  const reused: boolean[] = [];
  let more: { readonly session?: Buffer } = {};
  while (reused.length < 2) {
    const socket = visit(more);
    const [[session]] = await Promise.all([once(socket, 'session'), rest(socket)]);
    reused.push(socket.isSessionReused());
    socket.destroy();
    more = { session };
  }
  return reused;
}
