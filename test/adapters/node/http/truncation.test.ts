import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ClientRequest, IncomingMessage } from 'node:http';
import nodeHttps from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, describe, expect, test } from 'vitest';
import * as https from '#opentls/adapters/node/https';
import {
  clientOptions,
  close,
  collect,
  event,
  leaf,
  listen,
  modules,
  pairings,
  root,
  serverOptions,
} from '../sides.ts';

type WithNotify = TLSSocket & { readonly closeNotify: boolean | undefined };
type Ending = 'close_notify' | 'end' | 'reset';

const cleanup: (() => void)[] = [];
afterAll(() => {
  for (const step of cleanup) step();
});

/**
 * Somebody on the way from a server to its clients, who can end connections and forge nothing: the record of the
 * server's alert (two bytes, their type and the tag) does not pass, and then comes the end, or a reset.
 */
async function between(port: number, ending: Ending): Promise<number> {
  const proxy = net.createServer((client) => {
    const server = net.connect(port, '127.0.0.1');
    client.on('error', () => server.destroy()).pipe(server);
    const finish = (): void => {
      // A reset overtakes what is not read yet.
      if (ending === 'reset') setTimeout(() => client.resetAndDestroy(), 50);
      else client.end();
    };
    let held = Buffer.alloc(0);
    server.on('data', (chunk) => {
      held = Buffer.concat([held, chunk]);
      while (held.length >= 5 && held.length >= 5 + held.readUInt16BE(3)) {
        const record = held.subarray(0, 5 + held.readUInt16BE(3));
        held = held.subarray(record.length);
        const isAlert = record[0] === 23 && record.length === 24;
        if (ending === 'close_notify' || !isAlert) client.write(record);
        else finish();
      }
    });
    server.on('error', () => {}).on('end', finish);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  cleanup.push(() => proxy.close());
  return (proxy.address() as net.AddressInfo).port;
}

/** Answers every connection with a text and ends it. */
function answering(module: keyof typeof modules, text: string) {
  return async (): Promise<number> => {
    const server = modules[module].createServer(serverOptions, (socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(text));
    });
    cleanup.push(() => server.close());
    return listen(server);
  };
}

/** A server that tells no length: its page ends with the connection. */
async function opensslServer(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'opentls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  writeFileSync(key, leaf.key, { mode: 0o600 });
  writeFileSync(cert, leaf.pem);
  const args = ['s_server', '-accept', '127.0.0.1:0', '-www', '-tls1_3', '-key', key, '-cert', cert];
  const child = spawn('openssl', args, { stdio: ['pipe', 'pipe', 'ignore'] });
  cleanup.push(() => {
    child.kill();
    rmSync(folder, { recursive: true });
  });
  let said = '';
  return new Promise((resolve) => {
    child.stdout.on('data', (chunk) => {
      said += chunk;
      const port = /ACCEPT .*:(\d+)/.exec(said)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
  });
}

const head = 'HTTP/1.1 200 OK\r\nConnection: close\r\n';
const untold = `${head}\r\nDELETE /all?confirm=no`;
const servers: readonly (readonly [name: string, start: () => Promise<number>, body: RegExp])[] = [
  ['opentls', answering('opentls', untold), /=no$/],
  ['node:tls', answering('node', untold), /=no$/],
  ['openssl s_server', opensslServer, /<\/BODY><\/HTML>\s*$/i],
];

interface Outcome {
  readonly body: string;
  /** What was emitted, of the response and of the request. */
  readonly events: readonly string[];
  readonly complete: boolean;
  readonly error: (NodeJS.ErrnoException & { readonly cause?: unknown }) | undefined;
}

async function outcome(request: ClientRequest): Promise<Outcome> {
  const events: string[] = [];
  request.on('error', () => void events.push('request error'));
  const [response] = (await event(request, 'response')) as [IncomingMessage];
  let body = '';
  let error: Error | undefined;
  for (const name of ['aborted', 'error', 'end']) response.on(name, () => void events.push(name));
  response.on('error', (cause) => {
    error = cause;
  });
  response.on('data', (chunk) => {
    body += chunk;
  });
  await new Promise((resolve) => response.once('close', resolve));
  return { body, events, complete: response.complete, error };
}

const to = (port: number, more: object = {}) =>
  ({ host: 'localhost', family: 4, port, ca: root.pem, ...more }) as never;

describe('truncation: a response that ends with its connection', () => {
  test.each(servers)('%s: is whole after close_notify, and aborted without one', async (_, start, body) => {
    const port = await start();
    const whole = await outcome(https.get(to(await between(port, 'close_notify'), { agent: new https.Agent() })));
    expect(whole).toMatchObject({ complete: true, events: ['end'], error: undefined });
    expect(whole.body).toMatch(body);
    for (const ending of ['end', 'reset'] as const) {
      const cut = await between(port, ending);
      // All bytes of it arrive, and node:https takes the end for granted.
      if (ending === 'end') expect((await outcome(nodeHttps.get(to(cut)))).complete).toBe(true);
      const result = await outcome(https.get(to(cut, { agent: new https.Agent() })));
      expect(result.body).toMatch(body);
      expect(result.complete).toBe(false);
      expect(result.events.filter((name) => name !== 'request error')).toEqual(['aborted', 'error']);
      expect(result.error).toMatchObject({
        code: 'ECONNRESET',
        message: 'aborted',
        cause: { code: ending === 'end' ? 'ERR_TLS_TRUNCATED' : 'ECONNRESET' },
      });
      if (ending === 'end') expect(result.events).not.toContain('request error');
    }
  });

  test.each([
    ['Content-Length', `${head}Content-Length: 4\r\n\r\ntext`, 'text'],
    ['chunked', `${head}Transfer-Encoding: chunked\r\n\r\n4\r\ntext\r\n0\r\n\r\n`, 'text'],
    ['no content', `HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n`, ''],
  ])('one whose length is told, by %s, is whole without close_notify', async (_, text, body) => {
    const port = await between(await answering('node', text)(), 'end');
    const result = await outcome(https.get(to(port, { agent: false })));
    expect(result).toEqual({ body, events: ['end'], complete: true, error: undefined });
  });

  test.each([
    ['Content-Length', `${head}Content-Length: 40\r\n\r\ntext`],
    ['chunked', `${head}Transfer-Encoding: chunked\r\n\r\n4\r\ntext\r\n`],
    ['a coding that is not chunked', `${head}Transfer-Encoding: gzip\r\n\r\ntext`],
  ])('one that is cut is aborted, though its length is told by %s', async (_, text) => {
    const port = await between(await answering('node', text)(), 'end');
    const result = await outcome(https.get(to(port, { agent: false })));
    expect(result).toMatchObject({ body: 'text', events: ['aborted', 'error'], complete: false });
  });

  test('who reads it as a stream hears of it; who does not listen is not ended by it', async () => {
    const port = await between(await answering('node', untold)(), 'end');
    const read = async (): Promise<void> => {
      const [response] = await once(https.get(to(port, { agent: new https.Agent({ keepAlive: true }) })), 'response');
      for await (const chunk of response) void chunk;
    };
    await expect(read()).rejects.toMatchObject({ code: 'ECONNRESET' });
    // Node's own request() through our agent, and no listener for errors at all.
    const [quiet] = await once(nodeHttps.get(to(port, { agent: new https.Agent() })), 'response');
    quiet.resume();
    await event(quiet, 'close');
    expect(quiet.complete).toBe(false);
  });

  test('a connection that goes on to be used is not touched', async () => {
    const server = https.createServer(serverOptions, (request, response) => {
      if (request.url === '/last') response.writeHead(200, { connection: 'close' });
      response.end(request.url);
    });
    const port = await between(await listen(server as never), 'end');
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    for (const path of ['/a', '/b', '/last']) {
      expect(await outcome(https.get(to(port, { agent, path })))).toMatchObject({ body: path, complete: true });
    }
    agent.destroy();
    server.closeAllConnections();
    await close(server);
  });
});

describe('truncation: a request, whose length is always told', () => {
  test('that is cut is aborted', async () => {
    const server = https.createServer(serverOptions);
    const port = await listen(server as never);
    const client = modules.node.connect({ ...clientOptions, port, servername: 'localhost' });
    await event(client, 'secureConnect');
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\ntext');
    const [request] = (await event(server, 'request')) as [IncomingMessage];
    const heard: string[] = [];
    for (const name of ['aborted', 'end']) request.on(name, () => void heard.push(name));
    request.on('error', (error: NodeJS.ErrnoException) => void heard.push(String(error.code)));
    request.once('data', () => (Reflect.get(client, '_handle') as { close(): void }).close());
    await new Promise((resolve) => request.once('close', resolve));
    expect(heard).toEqual(['aborted', 'ECONNRESET']);
    expect(request.complete).toBe(false);
    expect((request.socket as WithNotify).closeNotify).toBe(false);
    client.destroy();
    await close(server);
  });
});

describe('truncation: socket.closeNotify', () => {
  /** An opentls socket and its peer, the transport of which can be cut. */
  async function joined(server: keyof typeof modules, client: keyof typeof modules) {
    const accepted: TLSSocket[] = [];
    const listener = modules[server].createServer(serverOptions, (socket) => void accepted.push(socket));
    const port = await listen(listener);
    const raw = net.connect(port, '127.0.0.1');
    const opened = modules[client].connect({ ...clientOptions, socket: raw, servername: 'localhost' });
    await Promise.all([event(opened, 'secureConnect'), event(listener, 'secureConnection')]);
    const [atServer] = accepted;
    if (atServer === undefined) throw new TypeError('nobody came');
    cleanup.push(() => listener.close());
    for (const socket of [opened, atServer]) socket.on('error', () => {});
    return { client: opened, server: atServer, raw };
  }

  const ours = pairings.filter(([, client]) => client === 'opentls');
  test.each(ours)('%s serves %s: true after the close_notify of the server', async (server, client) => {
    const ends = await joined(server, client);
    const socket = ends.client as WithNotify;
    expect(socket.closeNotify).toBeUndefined();
    ends.server.write('last words');
    expect(String((await event(socket, 'data'))[0])).toBe('last words');
    // node:tls of Node 20 loses its close_notify where it ends while a write is under way.
    ends.server.end();
    await event(socket, 'end');
    expect(socket.closeNotify).toBe(true);
  });

  test.each(ours)('%s serves %s: false where the transport ends alone', async (server, client) => {
    const ends = await joined(server, client);
    const socket = ends.client as WithNotify;
    const before: unknown[] = [];
    socket.on('data', () => void before.push(socket.closeNotify));
    ends.server.write('last words');
    await event(socket, 'data');
    ends.raw.emit('end');
    await event(socket, 'end');
    expect([...before, socket.closeNotify]).toEqual([undefined, false]);
  });

  test('of a server: what its clients said', async () => {
    const polite = await joined('opentls', 'node');
    polite.client.end('bye');
    await collect(polite.server);
    expect((polite.server as WithNotify).closeNotify).toBe(true);
    const cut = await joined('opentls', 'opentls');
    cut.raw.end();
    await collect(cut.server);
    expect((cut.server as WithNotify).closeNotify).toBe(false);
    const reset = await joined('opentls', 'opentls');
    reset.raw.resetAndDestroy();
    await event(reset.server, 'error');
    expect((reset.server as WithNotify).closeNotify).toBe(false);
  });

  test('undefined where this side ended it first', async () => {
    const { client } = await joined('node', 'opentls');
    client.destroy();
    await event(client, 'close');
    expect((client as WithNotify).closeNotify).toBeUndefined();
  });
});
