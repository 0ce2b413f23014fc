import { randomBytes } from 'node:crypto';
import http, { type IncomingMessage } from 'node:http';
import http2 from 'node:http2';
import nodeHttps from 'node:https';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as https from '#opentls/adapters/node/https';
import { clientOptions, close, collect, event, listen, modules, root, serverOptions } from '../sides.ts';

const { opentls } = modules;
const body = randomBytes(2 << 20);

function handle(request: IncomingMessage, response: http.ServerResponse): void {
  const { encrypted, alpnProtocol } = request.socket as TLSSocket;
  if (request.url === '/large') {
    response.end(body);
    return;
  }
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
  });
  request.on('end', () => response.end(JSON.stringify({ url: request.url, length, encrypted, alpnProtocol })));
}

interface Sent {
  readonly status: number | undefined;
  readonly body: Buffer;
}

async function send(request: http.ClientRequest, content?: Buffer): Promise<Sent> {
  request.end(content);
  const [response] = (await event(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode, body: await collect(response) };
}

async function json(request: http.ClientRequest, content?: Buffer): Promise<unknown> {
  return JSON.parse((await send(request, content)).body.toString());
}

const place = { host: 'localhost', family: 4, ca: root.pem };

describe('http.Server over opentls sockets', () => {
  const plain = http.createServer(handle);
  const server = opentls.createServer(serverOptions, (socket) => void plain.emit('connection', socket));
  let port = 0;
  beforeAll(async () => {
    port = await listen(server);
  });
  afterAll(async () => {
    plain.closeAllConnections();
    await close(server);
  });

  test('serves node:https, kept alive', async () => {
    const agent = new nodeHttps.Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<unknown>();
    for (const path of ['/a', '/b', '/c']) {
      const request = nodeHttps.request({ ...place, port, path, agent });
      request.on('socket', (socket) => socket.once('secureConnect', () => ports.add(socket.localPort)));
      expect(await json(request)).toMatchObject({ url: path, encrypted: true });
    }
    expect(ports.size).toBe(1);
    agent.destroy();
  });

  test('large bodies, both ways', async () => {
    const agent = new nodeHttps.Agent();
    const down = await send(nodeHttps.request({ ...place, port, path: '/large', agent }));
    expect(down.body.equals(body)).toBe(true);
    const up = await json(nodeHttps.request({ ...place, port, path: '/', method: 'POST', agent }), body);
    expect(up).toMatchObject({ length: body.length });
  });

  test('http.request over a connection of opentls', async () => {
    const createConnection = (): Duplex => opentls.connect({ ...clientOptions, port, ALPNProtocols: ['http/1.1'] });
    const request = http.request({ host: 'localhost', port, path: '/own', createConnection });
    expect(await json(request)).toMatchObject({ url: '/own', encrypted: true });
  });
});

describe('opentls/https', () => {
  const server = https.createServer(serverOptions, handle);
  let port = 0;
  beforeAll(async () => {
    port = await listen(server as never);
  });
  afterAll(async () => {
    server.closeAllConnections();
    https.globalAgent.destroy();
    await close(server);
  });

  test('request by options, by URL, and get', async () => {
    const options = { ...place, port, path: '/options' } as https.RequestOptions;
    expect(await json(https.request(options))).toMatchObject({ url: '/options', encrypted: true });
    const more = { ca: root.pem, family: 4 };
    expect(await json(https.request(`https://localhost:${port}/text`, more))).toMatchObject({ url: '/text' });
    const answered = new Promise<IncomingMessage>((resolve) => {
      https.get(new URL(`https://localhost:${port}/url`), more, resolve);
    });
    expect(JSON.parse((await collect(await answered)).toString())).toMatchObject({ url: '/url' });
  });

  test('connections are those of opentls, and shared', async () => {
    const agent = new https.Agent({ keepAlive: true });
    const sockets = new Set<unknown>();
    for (let i = 0; i < 3; i++) {
      const request = https.request({ ...place, port, path: '/', agent } as https.RequestOptions);
      request.on('socket', (socket) => sockets.add(socket));
      await send(request);
    }
    expect(sockets.size).toBe(1);
    expect([...sockets][0]).toBeInstanceOf(opentls.TLSSocket);
    agent.destroy();
  });

  test.each([
    [100, [false, true, true]],
    [0, [false, false, false]],
  ])('an agent that keeps %i sessions resumes them', async (maxCachedSessions, expected) => {
    const agent = new https.Agent({ maxCachedSessions });
    const reused: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      const request = https.request({ ...place, port, path: '/', agent } as https.RequestOptions);
      let socket: TLSSocket | undefined;
      request.on('socket', (used) => {
        socket = used as TLSSocket;
      });
      await send(request);
      reused.push(socket?.isSessionReused());
    }
    expect(reused).toEqual(expected);
    // Who trusts otherwise has no part in them.
    const stranger = https.request({ ...place, ca: [], port, path: '/', agent } as https.RequestOptions);
    stranger.end();
    const [refusal] = await event(stranger, 'error');
    expect(refusal).toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  });

  test('agent: false makes a connection of its own', async () => {
    const request = https.request({ ...place, port, path: '/', agent: false } as https.RequestOptions);
    const [socket] = await event(
      request.on('socket', () => {}),
      'socket',
    ).then((args) => {
      request.end();
      return args;
    });
    expect(socket).toBeInstanceOf(opentls.TLSSocket);
    const [response] = (await event(request, 'response')) as [IncomingMessage];
    await collect(response);
  });

  test('offers http/1.1, and takes other names of its own', async () => {
    const client = modules.node.connect({ ...clientOptions, port, ALPNProtocols: ['http/1.1'] });
    await event(client, 'secureConnect');
    expect(client.alpnProtocol).toBe('http/1.1');
    client.destroy();
  });

  test('a client that fails is told to clientError', async () => {
    const codes: unknown[] = [];
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      codes.push(error.code);
      socket.destroy();
    });
    const client = modules.node.connect({ port, host: '127.0.0.1', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' });
    await event(client, 'error');
    expect(codes).toContain('ERR_SSL_UNSUPPORTED_PROTOCOL');
    server.removeAllListeners('clientError');
  });

  test('serves node:https', async () => {
    expect(await json(nodeHttps.request({ ...place, port, path: '/node', agent: false }))).toMatchObject({
      url: '/node',
    });
  });

  test('an untrusted server is an error of the request', async () => {
    const request = https.request({ host: 'localhost', family: 4, port, ca: [], agent: false } as https.RequestOptions);
    request.end();
    expect((await event(request, 'error'))[0]).toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  });
});

describe('http2', () => {
  test('a client over opentls, at a server over opentls', async () => {
    const sessions = http2.createServer((_request, response) => void response.end('h2'));
    const server = opentls.createServer({ ...serverOptions, ALPNProtocols: ['h2'] }, (socket) => {
      expect(socket.alpnProtocol).toBe('h2');
      sessions.emit('connection', socket);
    });
    const port = await listen(server);
    const client = http2.connect(`https://localhost:${port}`, {
      createConnection: () =>
        opentls.connect({ ...clientOptions, port, ALPNProtocols: ['h2'], servername: 'localhost' }),
    });
    const stream = client.request({ ':path': '/' });
    stream.end();
    expect((await collect(stream)).toString()).toBe('h2');
    client.close();
    await event(client, 'close');
    await close(server);
  });
});
