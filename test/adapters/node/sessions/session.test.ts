import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import {
  clientOptions,
  close,
  collect,
  event,
  listen,
  modules,
  pairings,
  type Socket,
  serverOptions,
} from '../sides.ts';

const watched = ['connect', 'ready', 'secureConnect', 'secure', 'data', 'end', 'finish', 'close', 'error', 'timeout'];

interface Observed {
  readonly client: string[];
  readonly server: string[];
  readonly early: object;
  readonly open: object;
  readonly closed: object;
  readonly atServer: object;
  readonly keylog: { readonly client: string[]; readonly server: string[] };
}

/** One session: the client writes, the server answers, the client ends. */
async function session(serverName: keyof typeof modules, clientName: keyof typeof modules): Promise<Observed> {
  const log = { client: [] as string[], server: [] as string[] };
  const keylog = { client: [] as string[], server: [] as string[] };
  let atServer = {};
  const options = {
    ...serverOptions,
    ALPNProtocols: ['h2', 'x'],
    ecdhCurve: 'X25519',
    requestCert: true,
    rejectUnauthorized: false,
  };
  const server = modules[serverName].createServer(options, (socket) => {
    watch(socket, log.server);
    atServer = describeSocket(socket);
    socket.on('data', () => socket.write('answer'));
  });
  server.on('keylog', (line: Buffer) => keylog.server.push(label(line)));
  const port = await listen(server);
  const client = modules[clientName].connect({
    ...clientOptions,
    port,
    servername: 'localhost',
    ALPNProtocols: ['x'],
    ecdhCurve: 'X25519',
  });
  const early = describeSocket(client);
  watch(client, log.client);
  client.on('keylog', (line: Buffer) => keylog.client.push(label(line)));
  await event(client, 'secureConnect');
  const open = describeSocket(client);
  client.write('question');
  await event(client, 'data');
  client.end();
  await event(client, 'close');
  await close(server);
  return { ...log, early, open, closed: describeSocket(client), atServer, keylog };
}

function watch(socket: Socket, log: string[]): void {
  for (const name of watched) {
    socket.on(name, (...args) => log.push(name === 'close' ? `close ${args[0]}` : name));
  }
}

function label(line: Buffer): string {
  return /^(\S+) [0-9a-f]{64} [0-9a-f]{64,96}\n$/.exec(line.toString())?.[1] ?? 'malformed';
}

function describeSocket(socket: Socket): object {
  const { encrypted, authorized, authorizationError, alpnProtocol, servername, connecting, pending, readyState } =
    socket;
  return {
    values: { encrypted, authorized, authorizationError, alpnProtocol, servername, connecting, pending, readyState },
    protocol: socket.getProtocol(),
    cipherVersion: socket.getCipher()?.version,
    // Node 24 does not survive the question before the handshake.
    group: socket.getCipher() && socket.getEphemeralKeyInfo(),
    reused: socket.isSessionReused(),
    finished: [socket.getFinished()?.length !== undefined, socket.getPeerFinished()?.length !== undefined],
    // Later versions of Node list what is not there.
    peer: socket.getPeerCertificate() && JSON.parse(JSON.stringify(socket.getPeerCertificate())),
    own: socket.getCertificate(),
    x509: socket.getPeerX509Certificate()?.subject,
    ticket: socket.getTLSTicket() === undefined,
    bytes: [socket.bytesRead, socket.bytesWritten],
    bufferSize: socket.bufferSize,
    address: Object.keys(socket.address() ?? {}).sort(),
    remote: socket.remoteFamily,
  };
}

describe('a session looks as with node:tls', async () => {
  const expected = await session('node', 'node');

  describe.each(pairings)('%s server, %s client', async (serverName, clientName) => {
    const actual = await session(serverName, clientName);

    test('events of the client, in order', () => expect(actual.client).toEqual(expected.client));
    test('events of the server, in order', () => expect(actual.server).toEqual(expected.server));
    test('before the handshake', () => expect(actual.early).toEqual(expected.early));
    test('after it', () => expect(actual.open).toEqual(expected.open));
    test('after it, at the server', () => expect(actual.atServer).toEqual(expected.atServer));
    test('after the close', () => {
      // Where the peer was is not forgotten.
      const { remote: _, ...rest } = actual.closed as { remote: unknown };
      const { remote: __, ...known } = expected.closed as { remote: unknown };
      expect(rest).toEqual(known);
    });
    test('key log lines', () => {
      expect(actual.keylog.client.sort()).toEqual(expected.keylog.client.sort());
      expect(actual.keylog.server.sort()).toEqual(expected.keylog.server.sort());
    });
  });
});

describe.each(pairings)('%s server, %s client', (serverName, clientName) => {
  test('both sides derive the same keying material', async () => {
    const server = modules[serverName].createServer(serverOptions);
    const port = await listen(server);
    const client = modules[clientName].connect({ ...clientOptions, port });
    expect(() => client.exportKeyingMaterial(32, 'EXPERIMENTAL-test', Buffer.from('context'))).toThrow(
      expect.objectContaining({ code: 'ERR_TLS_INVALID_STATE' }),
    );
    const [[accepted]] = await Promise.all([event(server, 'secureConnection'), event(client, 'secureConnect')]);
    const exported = [client, accepted as Socket].map((socket) => [
      socket.exportKeyingMaterial(48, 'EXPERIMENTAL-test', Buffer.from('context')).toString('hex'),
      socket.getFinished()?.toString('hex'),
      socket.getPeerFinished()?.toString('hex'),
    ]);
    expect(exported[0]?.[0]).toBe(exported[1]?.[0]);
    expect(exported[0]?.[1]).toBe(exported[1]?.[2]);
    expect(exported[0]?.[2]).toBe(exported[1]?.[1]);
    client.destroy();
    await close(server);
  });

  test('ports and addresses agree', async () => {
    const server = modules[serverName].createServer(serverOptions);
    const port = await listen(server);
    const client = modules[clientName].connect({ ...clientOptions, port });
    const [[accepted]] = await Promise.all([event(server, 'secureConnection'), event(client, 'secureConnect')]);
    const socket = accepted as Socket;
    expect([client.remotePort, client.remoteAddress]).toEqual([port, '127.0.0.1']);
    expect([socket.remotePort, socket.localPort]).toEqual([client.localPort, port]);
    expect((client.address() as AddressInfo).port).toBe(client.localPort);
    client.destroy();
    await close(server);
  });

  test('SNI chooses among contexts, the last that fits', async () => {
    const options = { ...serverOptions };
    const server = modules[serverName].createServer(options);
    server.addContext('*.example', { ...options });
    server.addContext('other.*', { ...options });
    const port = await listen(server);
    server.on('secureConnection', (socket) => socket.end(String(socket.servername)));
    for (const [servername, answer] of [
      ['a.example', 'a.example'],
      [undefined, 'false'],
    ] as const) {
      const client = modules[clientName].connect({ ...clientOptions, port, ...(servername && { servername }) });
      expect((await collect(client)).toString()).toBe(answer);
    }
    await close(server);
  });
});
