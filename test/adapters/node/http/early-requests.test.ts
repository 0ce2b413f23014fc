import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import * as https from '#opentls/adapters/node/https';
import ours, { type ConnectionOptions, type EngineOptions, type TLSSocket } from '#opentls/adapters/node/index';
import { clientOptions, event, listen, root, serverOptions } from '../sides.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const admitting: EngineOptions = { earlyData: { maxSize: 100_000, replay: { admit: () => true } } };

interface Running {
  readonly server: https.Server;
  readonly port: number;
}

async function serve(handler?: http.RequestListener, engine: EngineOptions = admitting): Promise<Running> {
  const server = https.createServer({ ...serverOptions, engine }, handler);
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port: await listen(server as never) };
}

function connect(port: number, options: ConnectionOptions = {}): TLSSocket {
  const socket = ours.connect({
    ...clientOptions,
    servername: 'localhost',
    port,
    ALPNProtocols: ['http/1.1'],
    ...options,
  });
  socket.on('error', () => {});
  closing.push(() => void socket.destroy());
  return socket;
}

async function sessionOf(port: number): Promise<Buffer> {
  const socket = connect(port);
  const [session] = await once(socket, 'session');
  socket.destroy();
  return session;
}

/** What a client sends first of all, and what somebody on the path might keep. */
async function recorded(options: ConnectionOptions): Promise<Buffer> {
  const [near, far] = duplexPair();
  const socket = ours.connect({ ...options, ALPNProtocols: ['http/1.1'], socket: near });
  closing.push(() => void socket.on('error', () => {}).destroy());
  const chunks: Buffer[] = [];
  far.on('data', (chunk) => chunks.push(chunk));
  await delay(20);
  return Buffer.concat(chunks);
}

/** What the client hears of its 0-RTT data, and all that comes until as many answers have come. */
async function answers(socket: TLSSocket, count: number): Promise<readonly [unknown[], string[]]> {
  const heard: unknown[] = [];
  socket.on('earlyData', (accepted) => heard.push(accepted));
  let text = '';
  for await (const chunk of socket) {
    text += chunk;
    if (text.split('HTTP/1.1 ').length > count && text.endsWith('.')) break;
  }
  return [
    heard,
    text
      .split('HTTP/1.1 ')
      .slice(1)
      .map((answer) => `${answer.slice(0, 3)} ${answer.split('\r\n\r\n')[1]}`),
  ];
}

const get = (path: string): Buffer => Buffer.from(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);

/** Says what it knows of a request; what is early and not safe to do twice it does not do. */
function tell(request: http.IncomingMessage, response: http.ServerResponse): void {
  const { earlyData } = request.socket as TLSSocket;
  const distinct = request.headersDistinct['early-data'] ?? [];
  const raw = request.rawHeaders.join(' ').includes('Early-Data 1');
  if (earlyData && request.method !== 'GET') response.statusCode = 425;
  let length = 0;
  request.on('data', (chunk) => {
    length += chunk.length;
  });
  request.on('end', () => {
    const marks = [earlyData, request.headers['early-data'], ...distinct, raw];
    response.end(`${request.method} ${request.url} ${length} ${marks.join(' ')}.`);
  });
}

const early = 'true 1 1 true.';
const confirmed = 'false  false.';

describe('requests in 0-RTT data, RFC 8470', () => {
  test('are answered before the handshake is over, marked; those that come after it are not', async () => {
    const { port, server } = await serve(tell);
    const order: string[] = [];
    server.on('request', (request) => order.push(`${request.url}`));
    server.on('secureConnection', () => order.push('secure'));
    const session = await sessionOf(port);
    const socket = connect(port, { session, earlyData: get('/early') });
    socket.once('secureConnect', () => socket.write(get('/late')));
    expect(await answers(socket, 2)).toEqual([[true], [`200 GET /early 0 ${early}`, `200 GET /late 0 ${confirmed}`]]);
    expect(order).toEqual(['secure', '/early', 'secure', '/late']);
  });

  test('several of them, and one that ends after it', async () => {
    const { port } = await serve(tell);
    const session = await sessionOf(port);
    const all = Buffer.concat([get('/a'), get('/b'), get('/c')]);
    const cut = all.length - 5;
    const socket = connect(port, { session, earlyData: all.subarray(0, cut) });
    socket.once('secureConnect', () => socket.write(all.subarray(cut)));
    expect(await answers(socket, 3)).toEqual([
      [true],
      [`200 GET /a 0 ${early}`, `200 GET /b 0 ${early}`, `200 GET /c 0 ${confirmed}`],
    ]);
  });

  test.each([10, 60_000])(
    'one with %i bytes of content is refused by 425, and taken again on the same connection',
    async (length) => {
      const { port } = await serve(tell);
      const session = await sessionOf(port);
      const head = `POST /pay HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n`;
      const post = Buffer.concat([Buffer.from(head), Buffer.alloc(length, 'x')]);
      const socket = connect(port, { session, earlyData: post });
      socket.once('secureConnect', () => socket.write(post));
      expect(await answers(socket, 2)).toEqual([
        [true],
        [`425 POST /pay ${length} ${early}`, `200 POST /pay ${length} ${confirmed}`],
      ]);
    },
  );

  test('a handler may wait for the handshake: then the client is there', async () => {
    const { port } = await serve(async (request, response) => {
      const socket = request.socket as TLSSocket;
      const before = socket.earlyData;
      if (before) await once(socket, 'secure');
      response.end(`${before} ${socket.earlyData}.`);
    });
    const session = await sessionOf(port);
    const socket = connect(port, { session, earlyData: get('/') });
    expect(await answers(socket, 1)).toEqual([[true], ['200 true false.']]);
  });

  test('every event that brings a request brings the mark', async () => {
    const { port, server } = await serve(tell);
    const seen: unknown[] = [];
    server.on('checkContinue', (request, response) => {
      seen.push(request.headers['early-data']);
      response.writeContinue();
      server.emit('request', request, response);
    });
    server.on('upgrade', (request, socket) => {
      seen.push(request.headers['early-data']);
      socket.end('HTTP/1.1 101 x\r\n\r\n.');
    });
    const session = await sessionOf(port);
    const expects = `PUT / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx`;
    const first = connect(port, { session, earlyData: Buffer.from(expects) });
    expect((await answers(first, 2))[1].at(-1)).toBe(`425 PUT / 1 ${early}`);
    const upgrade = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n';
    const second = connect(port, { session: await sessionOf(port), earlyData: Buffer.from(upgrade) });
    expect(await answers(second, 1)).toEqual([[true], ['101 .']]);
    expect(seen).toEqual(['1', '1']);
  });

  test('are refused where there is nobody to handle them', async () => {
    const { port, server } = await serve();
    const session = await sessionOf(port);
    const socket = connect(port, { session, earlyData: get('/') });
    expect(await once(socket, 'earlyData')).toEqual([false]);
    server.on('request', tell);
    socket.write(get('/again'));
    expect((await answers(socket, 1))[1]).toEqual([`200 GET /again 0 ${confirmed}`]);
  });

  test('that are no requests are refused as those are that come later', async () => {
    const { port } = await serve(tell);
    const session = await sessionOf(port);
    const socket = connect(port, { session, earlyData: Buffer.from('nonsense\r\n\r\n') });
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    await event(socket, 'close');
    expect(text).toContain('HTTP/1.1 400 Bad Request');
  });

  test('a connection that is to be closed is, once the handshake is over', async () => {
    const { port } = await serve(tell);
    const session = await sessionOf(port);
    const once10 = Buffer.from('GET /old HTTP/1.0\r\n\r\n');
    const socket = connect(port, { session, earlyData: once10 });
    expect(await answers(socket, 1)).toEqual([[true], [`200 GET /old 0 ${early}`]]);
    if (!socket.closed) await event(socket, 'close');
  });

  test('a flight that somebody recorded and sends again: served once, and its end does no harm', async () => {
    const seen = new Set<string>();
    const replay = {
      admit(id: Uint8Array) {
        const key = Buffer.from(id).toString('hex');
        return !seen.has(key) && seen.add(key).has(key);
      },
    };
    const engine = { earlyData: { maxSize: 1000, replay } };
    const served: unknown[] = [];
    const { port, server } = await serve((request, response) => {
      served.push((request.socket as TLSSocket).earlyData);
      response.end('.');
    }, engine);
    const session = await sessionOf(port);
    const flight = await recorded({ ...clientOptions, servername: 'localhost', session, earlyData: get('/pay') });
    const errors: unknown[] = [];
    server.on('tlsClientError', (error) => errors.push(error.code));
    for (let i = 0; i < 3; i++) {
      const raw = net.connect(port, '127.0.0.1').on('error', () => {});
      raw.end(flight);
      raw.resume();
      await event(raw, 'close');
    }
    expect(served).toEqual([true]);
    expect(errors).toEqual(['ECONNRESET', 'ECONNRESET', 'ECONNRESET']);
  });

  test('do not disturb a server that resumes without them', async () => {
    const { port } = await serve(tell);
    const agent = new https.Agent({ ca: root.pem });
    for (const path of ['/one', '/two']) {
      const request = https.get({ host: 'localhost', family: 4, port, path, agent });
      const [response] = (await event(request, 'response')) as [http.IncomingMessage];
      let text = '';
      for await (const chunk of response) text += chunk;
      expect(text).toBe(`GET ${path} 0 ${confirmed}`);
    }
  });
});

describe('openssl s_client -early_data', () => {
  const folder = mkdtempSync(join(tmpdir(), 'early-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string): string => join(folder, name);

  function client(port: number, ...more: string[]): ChildProcess {
    const to = ['-connect', `127.0.0.1:${port}`, '-servername', 'localhost', '-tls1_3', '-alpn', 'http/1.1'];
    const child = spawn('openssl', ['s_client', ...to, '-CAfile', file('ca.pem'), ...more], { stdio: 'pipe' });
    closing.push(() => void child.kill());
    return child;
  }

  async function output(child: ChildProcess, until: RegExp): Promise<string> {
    let text = '';
    for await (const chunk of child.stdout ?? []) {
      text += chunk;
      if (until.test(text)) break;
    }
    child.kill();
    return text;
  }

  test.each([
    ['GET', `GET / 0 ${early}`, 'HTTP/1.1 200'],
    ['DELETE', `DELETE / 0 ${early}`, 'HTTP/1.1 425'],
  ])('%s: accepted, and answered as what it is', async (method, content, status) => {
    writeFileSync(file('ca.pem'), root.pem);
    writeFileSync(file('early'), `${method} / HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    const { port } = await serve(tell);
    const first = client(port, '-sess_out', file('session'));
    first.stdin?.write(get('/first'));
    await output(first, /first 0/);
    const second = await output(
      client(port, '-sess_in', file('session'), '-early_data', file('early')),
      /Early data was[\s\S]*true\.|true\.[\s\S]*Early data was/,
    );
    expect(second).toContain('Early data was accepted');
    expect(second).toContain(content);
    expect(second).toContain(status);
  });

  test.each([
    ['accepted', true],
    ['rejected', false],
  ])('%s by a server of tls where somebody listens: %s', async (fate, listens) => {
    writeFileSync(file('ca.pem'), root.pem);
    writeFileSync(file('early'), 'hello');
    const engine = { earlyData: { maxSize: 1000, replay: { admit: () => true } } };
    const server = ours.createServer({ ...serverOptions, engine }, (socket) => {
      socket.on('error', () => {});
      // After the tickets.
      setTimeout(() => socket.write('seen'), 50);
    });
    let heard = '';
    if (listens) {
      server.on('earlyData', (_socket, chunk) => {
        heard += chunk;
      });
    }
    closing.push(() => void server.close());
    const port = await listen(server as never);
    const session = file(`session-${fate}`);
    await output(client(port, '-sess_out', session), /seen/);
    const second = await output(client(port, '-sess_in', session, '-early_data', file('early')), /Early data was/);
    expect(second).toContain(`Early data was ${fate}`);
    expect(heard).toBe(listens ? 'hello' : '');
  });
});
