import { once } from 'node:events';
import type { ConnectionOptions } from 'node:tls';
import { describe, expect, test } from 'vitest';
import ours, { certificateCompression, type ServerOptions, type TLSSocket } from '#opentls/adapters/node/index';
import type { CertificateCompression } from '#opentls/handshake/terms/credential';
import { StrikeRegister } from '#opentls/session/replay';
import { clientOptions, close, event, leaf, listen, modules, pairings, type Socket, serverOptions } from '../sides.ts';

/** One connection: waits for its tickets, then ends. */
async function visit(client: keyof typeof modules, port: number, options: object, tickets = 2): Promise<Visit> {
  const socket = modules[client].connect({ ...clientOptions, servername: 'localhost', port, ...options });
  const sessions: Buffer[] = [];
  socket.on('session', (session) => sessions.push(session));
  const order: string[] = [];
  for (const name of ['secureConnect', 'session', 'OCSPResponse']) socket.on(name, () => order.push(name));
  await event(socket, 'secureConnect');
  while (sessions.length < tickets) await event(socket, 'session');
  const seen = {
    reused: socket.isSessionReused(),
    authorized: socket.authorized,
    subject: socket.getPeerCertificate().subject?.CN,
  };
  socket.resume();
  socket.end();
  await event(socket, 'close');
  return { ...seen, session: sessions.at(-1), sessions: sessions.length, order };
}

interface Visit {
  readonly reused: boolean;
  readonly authorized: boolean;
  readonly subject: unknown;
  readonly session: Buffer | undefined;
  readonly sessions: number;
  readonly order: readonly string[];
}

interface Running {
  readonly port: number;
  readonly reused: boolean[];
  readonly server: import('node:tls').Server;
}

async function serve(name: keyof typeof modules, options: object = {}): Promise<Running> {
  const reused: boolean[] = [];
  const server = modules[name].createServer({ ...serverOptions, ...options }, (socket: Socket) => {
    reused.push(socket.isSessionReused());
    socket.on('error', () => {});
    socket.resume();
  });
  return { port: await listen(server), reused, server };
}

describe.each(pairings)('sessions: server %s, client %s', (serverName, clientName) => {
  test('are resumed', async () => {
    const { port, reused, server } = await serve(serverName);
    const first = await visit(clientName, port, {});
    const second = await visit(clientName, port, { session: first.session }, 0);
    expect([first.reused, second.reused]).toEqual([false, true]);
    expect(reused).toEqual([false, true]);
    expect([first.authorized, second.authorized]).toEqual([true, true]);
    // Node has none on a resumed connection.
    if (clientName === 'opentls') expect(second.subject).toBe('localhost');
    expect(first.order).toEqual(['secureConnect', 'session', 'session']);
    await close(server);
  });

  test('are not resumed by a server with other keys', async () => {
    const one = await serve(serverName);
    const other = await serve(serverName);
    const { session } = await visit(clientName, one.port, {});
    expect((await visit(clientName, other.port, { session }, 0)).reused).toBe(false);
    await close(one.server);
    await close(other.server);
  });

  test('are resumed by another server with the same keys', async () => {
    const one = await serve(serverName);
    const other = await serve(serverName);
    other.server.setTicketKeys(one.server.getTicketKeys());
    const { session } = await visit(clientName, one.port, {});
    expect((await visit(clientName, other.port, { session }, 0)).reused).toBe(true);
    await close(one.server);
    await close(other.server);
  });

  test('of ticketKeys in the options', async () => {
    const ticketKeys = Buffer.alloc(48, 7);
    const one = await serve(serverName, { ticketKeys });
    const other = await serve(serverName, { ticketKeys });
    expect(other.server.getTicketKeys()).toEqual(ticketKeys);
    const { session } = await visit(clientName, one.port, {});
    expect((await visit(clientName, other.port, { session }, 0)).reused).toBe(true);
    await close(one.server);
    await close(other.server);
  });

  test('nonsense is no session', async () => {
    const { port, server } = await serve(serverName);
    expect((await visit(clientName, port, { session: Buffer.from('nonsense') }, 0)).reused).toBe(false);
    await close(server);
  });

  test('a staple that the server was asked for', async () => {
    const { port, server } = await serve(serverName);
    const asked: boolean[] = [];
    server.on('OCSPRequest', (certificate, _issuer, callback) => {
      asked.push(certificate.length > 0);
      callback(null, Buffer.from('response'));
    });
    const socket = modules[clientName].connect({
      ...clientOptions,
      servername: 'localhost',
      port,
      requestOCSP: true,
    } as ConnectionOptions);
    const [response] = await event(socket, 'OCSPResponse');
    expect(String(response)).toBe('response');
    expect(asked).toEqual([true]);
    socket.destroy();
    await close(server);
  });

  test('a PSK in place of a certificate', async () => {
    const key = Buffer.alloc(32, 3);
    const identities: string[] = [];
    const server = modules[serverName].createServer(
      {
        minVersion: 'TLSv1.3',
        ciphers: 'TLS_AES_128_GCM_SHA256',
        pskCallback(_socket, identity) {
          identities.push(identity);
          return key;
        },
      },
      (socket: Socket) => void socket.end('ok'),
    );
    const port = await listen(server);
    const socket = modules[clientName].connect({
      host: '127.0.0.1',
      port,
      minVersion: 'TLSv1.3',
      ciphers: 'TLS_AES_128_GCM_SHA256',
      pskCallback: () => ({ psk: key, identity: 'Client_identity' }),
      checkServerIdentity: () => undefined,
    });
    const [data] = await event(socket, 'data');
    expect(String(data)).toBe('ok');
    expect(identities[0]).toBe('Client_identity');
    socket.destroy();
    await close(server);
  });
});

describe('a session of ours', () => {
  test('made without authorisation is not resumed with it', async () => {
    const { port, reused, server } = await serve('opentls');
    const lax = { ca: undefined, rejectUnauthorized: false };
    const { session } = await visit('opentls', port, lax);
    const error = new Promise((resolve) => {
      const socket = ours.connect({ ...clientOptions, ca: undefined, servername: 'localhost', port, session });
      socket.on('error', resolve);
    });
    expect(await error).toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    expect((await visit('opentls', port, { ...lax, session }, 0)).reused).toBe(true);
    expect((await visit('opentls', port, { ...lax, session }, 0)).authorized).toBe(false);
    expect(reused).toEqual([false, true, true]);
    await close(server);
  });

  test('is kept by the listeners of the server, once', async () => {
    const { port, server } = await serve('opentls');
    const kept = new Map<string, Buffer>();
    server.on('newSession', (id, data, callback) => {
      kept.set(id.toString('hex'), data);
      setImmediate(callback);
    });
    server.on('resumeSession', (id, callback) => {
      const data = kept.get(id.toString('hex')) ?? null;
      kept.delete(id.toString('hex'));
      setImmediate(callback, null, data);
    });
    const { session } = await visit('opentls', port, {});
    expect((await visit('opentls', port, { session }, 0)).reused).toBe(true);
    expect((await visit('opentls', port, { session }, 0)).reused).toBe(false);
    await close(server);
  });

  test('has a lifetime, and a ticket', async () => {
    const { port, server } = await serve('opentls', { sessionTimeout: 1 });
    const socket = ours.connect({ ...clientOptions, servername: 'localhost', port });
    await event(socket, 'session');
    expect(socket.getSession()).toBeInstanceOf(Buffer);
    expect(socket.getTLSTicket()?.length).toBeGreaterThan(100);
    const session = socket.getSession();
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect((await visit('opentls', port, { session }, 0)).reused).toBe(false);
    await close(server);
  });

  test('SSL_OP_NO_TICKET: none', async () => {
    const { port, server } = await serve('opentls', { secureOptions: 0x4000 });
    expect((await visit('opentls', port, {}, 0)).sessions).toBe(0);
    await close(server);
  });

  test('of another sessionIdContext is not resumed', async () => {
    const ticketKeys = Buffer.alloc(48, 7);
    const one = await serve('opentls', { ticketKeys, sessionIdContext: 'one' });
    const other = await serve('opentls', { ticketKeys, sessionIdContext: 'other' });
    const { session } = await visit('opentls', one.port, {});
    expect((await visit('opentls', other.port, { session }, 0)).reused).toBe(false);
    await close(one.server);
    await close(other.server);
  });
});

describe('0-RTT data by options and events', () => {
  async function start(
    options: ServerOptions = {},
  ): Promise<{ port: number; early: string[]; server: Running['server'] }> {
    const early: string[] = [];
    const server = ours.createServer(
      {
        ...serverOptions,
        engine: { earlyData: { maxSize: 1000, replay: new StrikeRegister({}, Number.NEGATIVE_INFINITY) } },
        ...options,
      },
      (socket) => {
        socket.on('data', (chunk) => socket.write(`late ${chunk}`));
        socket.on('error', () => {});
      },
    );
    server.on('earlyData', (socket: TLSSocket, chunk: Buffer) => {
      early.push(String(chunk));
      socket.write(`early ${chunk}`);
    });
    return { port: await listen(server as never), early, server: server as never };
  }

  test('is taken, and answered before the handshake is over', async () => {
    const { port, early, server } = await start();
    const { session } = await visit('opentls', port, {});
    const earlyData = Buffer.from('GET /');
    const socket = ours.connect({ ...clientOptions, servername: 'localhost', port, session, earlyData });
    const [[accepted], [answer]] = await Promise.all([once(socket, 'earlyData'), once(socket, 'data')]);
    expect(accepted).toBe(true);
    expect(String(answer)).toBe('early GET /');
    expect(early).toEqual(['GET /']);
    socket.write('x');
    expect(String((await once(socket, 'data'))[0])).toBe('late x');
    socket.destroy();
    await close(server);
  });

  test('is said to be refused where there was nothing to send it under', async () => {
    const { port, early, server } = await start();
    const earlyData = Buffer.from('GET /');
    const socket = ours.connect({ ...clientOptions, servername: 'localhost', port, earlyData });
    expect(await once(socket, 'earlyData')).toEqual([false]);
    expect(early).toEqual([]);
    socket.destroy();
    await close(server);
  });
});

test('a certificate after the handshake', async () => {
  const server = ours.createServer({ ...serverOptions, ca: clientOptions.ca }, (socket) => {
    socket.on('error', () => {});
    socket.requestCertificate();
    socket.on('authenticated', () => socket.end(String(socket.getPeerCertificate()?.subject?.['CN'])));
  });
  const port = await listen(server as never);
  const socket = ours.connect({
    ...clientOptions,
    servername: 'localhost',
    port,
    key: leaf.key,
    cert: leaf.pem,
    engine: { postHandshakeAuth: true },
  });
  expect(String((await once(socket, 'data'))[0])).toBe('localhost');
  await close(server);
});

test.each(['zlib', 'brotli'] as const)('certificates compressed with %s', async (name) => {
  const server = ours.createServer({ ...serverOptions, certificateCompression: [name] }, (socket) => {
    socket.end('ok');
  });
  const port = await listen(server as never);
  const algorithm = certificateCompression[name];
  const seen: number[] = [];
  const counting: CertificateCompression = {
    ...algorithm,
    decompress: (compressed, length) => {
      seen.push(length);
      return algorithm.decompress?.(compressed, length) ?? compressed;
    },
  };
  const socket = ours.connect({
    ...clientOptions,
    servername: 'localhost',
    port,
    certificateCompression: [counting],
  });
  expect(String((await once(socket, 'data'))[0])).toBe('ok');
  expect(seen).toHaveLength(1);
  await close(server);
});
