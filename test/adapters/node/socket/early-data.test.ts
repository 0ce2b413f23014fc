import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import ours, {
  type ConnectionOptions,
  type Server,
  type ServerOptions,
  type TLSSocket,
} from '#opentls/adapters/node/index';
import { fromBlob, toBlob } from '#opentls/adapters/node/support/sessions';
import type { CryptoProvider } from '#opentls/crypto/provider';
import type { EarlyDataPolicy } from '#opentls/handshake/terms/config';
import type { ReplayGuard } from '#opentls/session/replay';
import { provider } from '../../../kit/provider.ts';
import { clientOptions, leaf, listen, root, serverOptions } from '../sides.ts';

const opened: { destroy(): unknown }[] = [];
const servers: Server[] = [];
afterEach(() => {
  for (const socket of opened.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

const admitting: ReplayGuard = { admit: () => true };

interface Running {
  readonly server: Server;
  readonly port: number;
  readonly sockets: TLSSocket[];
}

async function serve(policy: Partial<EarlyDataPolicy> = {}, options: ServerOptions = {}): Promise<Running> {
  const sockets: TLSSocket[] = [];
  const engine = { earlyData: { maxSize: 1000, replay: admitting, ...policy } };
  const server = ours.createServer({ ...serverOptions, engine, ...options }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => socket.write(chunk));
  });
  server.on('connection', (socket) => opened.push(socket));
  servers.push(server);
  return { server, port: await listen(server as never), sockets };
}

function connect(port: number, options: ConnectionOptions = {}): TLSSocket {
  const socket = ours.connect({ ...clientOptions, servername: 'localhost', port, ...options });
  socket.on('error', () => {});
  opened.push(socket);
  return socket;
}

async function sessionOf(port: number, options: ConnectionOptions = {}): Promise<Buffer> {
  const socket = connect(port, options);
  const [session] = await once(socket, 'session');
  socket.destroy();
  return session;
}

/** What a client hears of its 0-RTT data until the connection has carried something both ways. */
async function answersTo(port: number, options: ConnectionOptions): Promise<unknown[]> {
  const socket = connect(port, options);
  const heard: unknown[] = [];
  socket.on('earlyData', (accepted) => heard.push(accepted));
  socket.write('ping');
  await once(socket, 'data');
  await delay(5);
  socket.destroy();
  return heard;
}

/** So that the chain of the session is verified again. */
function withoutSignatures(session: Buffer): Buffer {
  const kept = fromBlob(session) ?? expect.fail('no session');
  return toBlob({ ...kept, peerSignatures: [] });
}

/** How much of what was sent comes back. */
async function echoed(socket: TLSSocket, size: number): Promise<number> {
  let got = 0;
  for await (const chunk of socket) {
    got += chunk.length;
    if (got >= size) break;
  }
  return got;
}

/** Everything that can be verified later is. */
const unhurried: CryptoProvider = {
  ...provider,
  verifiers: provider.verifiers.map((verifier) => ({
    ...verifier,
    verify: async (...args: Parameters<typeof verifier.verify>) => {
      await delay(20);
      return verifier.verify(...args);
    },
  })),
};

describe('accepted 0-RTT data always has a reader', () => {
  const earlyData = Buffer.from('GET /');

  test('where nobody listens, it is refused', async () => {
    const { port, sockets } = await serve();
    const session = await sessionOf(port);
    expect(await answersTo(port, { session, earlyData })).toEqual([false]);
    expect(sockets.at(-1)?.facts).toMatchObject({ resumed: true, earlyData: 'rejected' });
  });

  test.each(['the server', 'the socket'])('it is taken where %s has a listener', async (who) => {
    const { server, port, sockets } = await serve();
    const seen: string[] = [];
    const session = await sessionOf(port);
    if (who === 'the server') server.on('earlyData', (_socket, chunk) => seen.push(String(chunk)));
    else {
      const transports = server.listeners('connection') as ((transport: unknown) => void)[];
      server.removeAllListeners('connection');
      server.on('connection', (transport) => {
        const socket = new ours.TLSSocket(transport, { isServer: true, server, secureContext: server._sharedCreds });
        socket.on('earlyData', (chunk) => seen.push(String(chunk)));
        socket.on('data', (chunk) => socket.write(chunk));
        sockets.push(socket);
        opened.push(transport);
      });
      expect(transports.length).toBeGreaterThan(0);
    }
    expect(await answersTo(port, { session, earlyData })).toEqual([true]);
    expect(seen).toEqual(['GET /']);
    expect(sockets.at(-1)?.facts?.earlyData).toBe('accepted');
  });

  test('and where the last one goes too early, the connection ends', async () => {
    const { server, port } = await serve({ maxSize: 100_000 });
    const session = await sessionOf(port);
    server.once('earlyData', () => {});
    const refused = once(server, 'tlsClientError');
    const socket = connect(port, { session, earlyData: Buffer.alloc(40_000) });
    expect((await refused)[0]).toMatchObject({ message: expect.stringContaining('earlyData') });
    await new Promise((resolve) => socket.once('close', resolve));
  });

  test('what it says is marked as long as it may be a replay', async () => {
    const { server, port, sockets } = await serve();
    const marks: unknown[] = [];
    server.on('earlyData', (socket: TLSSocket) => marks.push(socket.earlyData));
    server.on('secureConnection', (socket: TLSSocket) => marks.push(socket.earlyData));
    const session = await sessionOf(port);
    await answersTo(port, { session, earlyData });
    expect(marks).toEqual([false, true, false]);
    expect(sockets).toHaveLength(2);
  });
});

describe('a client is told once what became of its 0-RTT data, and it is true', () => {
  const sizes = [0, 1, 99, 100, 101, 5000];
  const ways = ['at once', 'after the session was judged', 'without a session', 'of keys that are gone', 'asked again'];
  const cases = ways.flatMap((way) => (way === 'at once' ? sizes : [5]).map((size) => [size, way] as const));
  test.each(cases)('%i bytes, %s', async (size, way) => {
    const policy = { maxSize: 100 };
    const { server, port, sockets } = await serve(policy, way === 'asked again' ? { ecdhCurve: 'P-384' } : {});
    let seen = 0;
    server.on('earlyData', (_socket, chunk) => {
      seen += chunk.length;
    });
    const session = way === 'without a session' ? undefined : await sessionOf(port);
    if (way === 'of keys that are gone') server.setTicketKeys(Buffer.alloc(48, 1));
    const given = way === 'after the session was judged' && session ? withoutSignatures(session) : session;
    const later = way === 'after the session was judged' && {
      secureContext: ours.createSecureContext({ ca: clientOptions.ca, provider: unhurried }),
    };
    const heard = await answersTo(port, { session: given, earlyData: Buffer.alloc(size, 1), ...later });
    const taken = sockets.at(-1)?.facts?.earlyData === 'accepted' && seen === size;
    expect(heard).toEqual([taken]);
    expect(taken).toBe((way === 'at once' || later !== false) && size <= 100);
  });
});

describe('a guard that does not answer yes in time costs 0-RTT data, not the handshake', () => {
  const guards: readonly [string, () => unknown][] = [
    ['never answers', () => new Promise(() => {})],
    ['answers too late', () => delay(300, true)],
    ['rejects', () => Promise.reject(new Error('no store'))],
    ['rejects with nothing', () => Promise.reject()],
    [
      'throws',
      () => {
        throw new Error('no store');
      },
    ],
    [
      'is a thenable that throws',
      () => ({
        // biome-ignore lint/suspicious/noThenProperty: a thenable that is no promise
        then: () => {
          throw new Error('no');
        },
      }),
    ],
    ['answers no', async () => false],
    ['answers nothing', async () => undefined],
  ];
  test.each(guards)('one that %s', async (_, admit) => {
    const { server, port, sockets } = await serve({ replay: { admit } as ReplayGuard, guardTimeout: 40 });
    const seen: unknown[] = [];
    server.on('earlyData', (_socket, chunk) => seen.push(chunk));
    const session = await sessionOf(port);
    expect(await answersTo(port, { session, earlyData: Buffer.from('x') })).toEqual([false]);
    expect([sockets.at(-1)?.facts?.resumed, seen]).toEqual([true, []]);
  });

  test('one that answers yes in time is heard', async () => {
    const { server, port } = await serve({ replay: { admit: () => delay(10, true) } });
    server.on('earlyData', () => {});
    const session = await sessionOf(port);
    expect(await answersTo(port, { session, earlyData: Buffer.from('x') })).toEqual([true]);
  });
});

describe('a late answer wakes whoever waits for room', () => {
  const size = 300_000;
  const late: Readonly<Record<string, ServerOptions>> = {
    SNICallback: { SNICallback: (_name, callback) => void setTimeout(callback, 30, null) },
    'a guard': {},
    'a ticket of a store': {},
  };
  test.each(Object.keys(late))('%s, behind much 0-RTT data', async (what) => {
    const replay = what === 'a guard' ? { admit: () => delay(30, true) } : admitting;
    const { server, port } = await serve({ maxSize: 1_000_000, replay }, late[what]);
    if (what === 'a ticket of a store') {
      const kept = new Map<string, Buffer>();
      server.on('newSession', (id, data, callback) => {
        kept.set(id.toString('hex'), data);
        callback();
      });
      server.on('resumeSession', (id, callback) => {
        setTimeout(callback, 30, null, kept.get(id.toString('hex')) ?? null);
      });
    }
    let seen = 0;
    server.on('earlyData', (_socket, chunk) => {
      seen += chunk.length;
    });
    const session = await sessionOf(port);
    expect(await answersTo(port, { session, earlyData: Buffer.alloc(size, 1) })).toEqual([true]);
    expect(seen).toBe(size);
  });

  test('a judgement of the client, after the handshake, behind much data', async () => {
    const { server, port } = await serve({}, { ca: root.pem, provider: unhurried });
    let answered = false;
    server.on('secureConnection', (socket: TLSSocket) => {
      socket.requestCertificate();
      socket.on('authenticated', () => {
        answered = true;
      });
    });
    const engine = { postHandshakeAuth: true };
    const socket = connect(port, { key: leaf.key, cert: leaf.pem, engine });
    await once(socket, 'secureConnect');
    // The request arrives, its answer goes, and then the rest.
    await delay(30);
    socket.write(Buffer.alloc(size, 1));
    expect(await echoed(socket, size)).toBe(size);
    expect(answered).toBe(true);
  });
});
