// Tickets reach the client, however long a store takes and however soon the server ends; and they outlive a rotation.
import http from 'node:http';
import https from 'node:https';
import type { Server } from 'node:tls';
import { describe, expect, test } from 'vitest';
import ours, { type ServerOptions, type TLSSocket } from '#opentls/adapters/node/index';
import { StoredTickets, type TicketSealer } from '#opentls/session/tickets';
import { provider } from '../../../kit/provider.ts';
import { clientOptions, close, listen, modules, serverOptions } from '../sides.ts';

const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const DELAY = 25;

/** A store that another machine has. */
function remote(): TicketSealer {
  const kept = new Map<string, Uint8Array>();
  return new StoredTickets(
    {
      put: (id, state) => wait(DELAY).then(() => void kept.set(hex(id), state)),
      take: (id) => wait(DELAY).then(() => kept.get(hex(id))),
    },
    provider,
  );
}

function withEvents(server: Server, delay: number | undefined): void {
  const kept = new Map<string, Buffer>();
  server.on('newSession', (id, data, done) => {
    kept.set(hex(id), data);
    if (delay === undefined) done();
    else setTimeout(done, delay);
  });
  server.on('resumeSession', (id, done) => done(null, kept.get(hex(id)) ?? null));
}

type Kind = 'engine.tickets' | 'newSession, later' | 'newSession, at once' | 'ticket keys';
const kinds: readonly Kind[] = ['engine.tickets', 'newSession, later', 'newSession, at once', 'ticket keys'];

function serve(kind: Kind, take: (socket: TLSSocket) => void): Server {
  const options: ServerOptions = {
    ...serverOptions,
    ...(kind === 'engine.tickets' && { engine: { tickets: remote() } }),
  };
  const server = ours.createServer(options, (socket) => {
    socket.on('error', () => {});
    take(socket);
  }) as unknown as Server;
  if (kind === 'newSession, later') withEvents(server, DELAY);
  if (kind === 'newSession, at once') withEvents(server, undefined);
  return server;
}

describe.each(kinds)('%s: a server that ends at once', (kind) => {
  test.each(['node', 'opentls'] as const)('has its sessions resumed by a client of %s', async (client) => {
    const reused: boolean[] = [];
    const server = serve(kind, (socket) => {
      reused.push(socket.isSessionReused() === true);
      socket.end('bye');
    });
    const port = await listen(server);
    let session: Buffer | undefined;
    for (let visit = 0; visit < 4; visit++) {
      const socket = modules[client].connect({ ...clientOptions, servername: 'localhost', port, session });
      socket.on('session', (blob) => {
        session = blob;
      });
      socket.on('end', () => socket.end()).resume();
      await new Promise((resolve) => socket.on('close', resolve));
    }
    await close(server);
    expect(reused).toEqual([false, true, true, true]);
  });

  test('behind Connection: close has its sessions resumed by the agent of node:https', async () => {
    const reused: boolean[] = [];
    const handler = http.createServer((request, response) => {
      reused.push((request.socket as unknown as TLSSocket).isSessionReused() === true);
      response.setHeader('Connection', 'close');
      response.end('bye');
    });
    const server = serve(kind, (socket) => void handler.emit('connection', socket));
    const port = await listen(server);
    const agent = new https.Agent({ ...clientOptions, servername: 'localhost', keepAlive: false });
    for (let visit = 0; visit < 4; visit++) {
      await new Promise((resolve, reject) => {
        const request = https.get({ host: '127.0.0.1', port, agent }, (response) => void response.resume());
        request.on('error', reject).on('close', resolve);
      });
    }
    await close(server);
    expect(reused).toEqual([false, true, true, true]);
  });
});

test('a store that never answers holds neither the data up for long, nor the end', async () => {
  const never: TicketSealer = { seal: () => new Promise(() => {}), open: () => undefined };
  const server = ours.createServer({ ...serverOptions, engine: { tickets: never } }, (socket) => {
    socket.on('error', () => {});
    socket.end('bye');
  });
  const port = await listen(server as never);
  const socket = modules.node.connect({ ...clientOptions, servername: 'localhost', port });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  await new Promise((resolve) => socket.on('close', resolve));
  expect(Buffer.concat(chunks).toString()).toBe('bye');
  await close(server);
}, 20_000);

describe('ticket keys overlap in rotation', () => {
  const [oldKey, newKey, other] = [1, 2, 3].map((byte) => Buffer.alloc(48, byte)) as [Buffer, Buffer, Buffer];

  async function visit(port: number, session?: Buffer): Promise<{ reused: boolean; session: Buffer }> {
    const socket = modules.node.connect({ ...clientOptions, servername: 'localhost', port, session });
    const [blob] = await Promise.all([
      new Promise<Buffer>((resolve) => void socket.once('session', resolve)),
      new Promise((resolve) => void socket.once('data', resolve)),
    ]);
    const reused = socket.isSessionReused();
    socket.destroy();
    return { reused, session: blob };
  }

  test('setTicketKeys([new, old]), and ticketKeys: [new, old]', async () => {
    const start = (ticketKeys: unknown): Server =>
      ours.createServer({ ...serverOptions, ticketKeys } as ServerOptions, (socket) => {
        socket.on('error', () => {});
        socket.write('hello');
      }) as unknown as Server;
    const [rotated, fresh] = [start(oldKey), start([newKey, oldKey])];
    const ports = [await listen(rotated), await listen(fresh)] as const;
    const { session } = await visit(ports[0]);
    expect(await visit(ports[1], session)).toMatchObject({ reused: true });
    rotated.setTicketKeys([newKey, oldKey] as never);
    expect(rotated.getTicketKeys()).toEqual(newKey);
    const next = await visit(ports[0], session);
    expect(next.reused).toBe(true);
    rotated.setTicketKeys(newKey);
    expect(await visit(ports[0], next.session)).toMatchObject({ reused: true });
    expect(await visit(ports[0], session)).toMatchObject({ reused: false });
    for (const server of [rotated, fresh]) await close(server);
  });

  test.each<[string, unknown]>([
    ['none', []],
    ['one that is too short', [newKey, oldKey.subarray(1)]],
    ['what is no key', [newKey, 'x'.repeat(48)]],
    ['a list of lists', [[newKey]]],
  ])('but not with %s', (_, keys) => {
    const server = ours.createServer(serverOptions);
    server.setTicketKeys(other);
    const code = expect.stringMatching(/^ERR_(INVALID_ARG_(TYPE|VALUE)|INTERNAL_ASSERTION)$/) as string;
    expect(() => server.setTicketKeys(keys as never)).toThrow(expect.objectContaining({ code }));
    expect(server.getTicketKeys()).toEqual(other);
    const make = (): unknown => ours.createServer({ ...serverOptions, ticketKeys: keys } as never);
    expect(make).toThrow(expect.objectContaining({ code }));
  });
});
