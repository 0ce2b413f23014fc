import net from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { clientOptions, close, collect, event, listen, modules, type Socket, serverOptions } from '../sides.ts';

const { opentls, node } = modules;
const secureContext = opentls.createSecureContext(serverOptions);

/** Two ends of a pipe in memory. */
function pipe(): [Duplex, Duplex] {
  const there = new PassThrough();
  const back = new PassThrough();
  return [Duplex.from({ readable: back, writable: there }), Duplex.from({ readable: there, writable: back })];
}

/** Two ends of one that delivers within write(). @param failure of the second one's end */
function pipeAtOnce(failure: Error | null = null): [Duplex, Duplex] {
  const ends: Duplex[] = [];
  const end = (index: number): Duplex =>
    new Duplex({
      read() {},
      write(chunk, _encoding, callback) {
        ends[1 - index]?.push(chunk);
        callback();
      },
      final(callback) {
        ends[1 - index]?.push(null);
        callback(index === 1 ? failure : null);
      },
    });
  const pair: [Duplex, Duplex] = [end(0), end(1)];
  ends.push(...pair);
  return pair;
}

/** Greets, echoes, and is done when the peer is. */
function echo(socket: Duplex): void {
  socket.on('error', () => {});
  socket.pipe(socket);
}

async function echoed(socket: Socket, text: string): Promise<string> {
  const answer = collect(socket);
  socket.end(text);
  return (await answer).toString();
}

describe('over what is not a socket', () => {
  test('a pipe in memory, both ends', async () => {
    const [a, b] = pipe();
    echo(new opentls.TLSSocket(b as net.Socket, { isServer: true, secureContext }));
    const client = opentls.connect({ ...clientOptions, socket: a });
    expect(await echoed(client, 'over a pipe')).toBe('over a pipe');
    expect(client.remoteAddress).toBeUndefined();
    expect([client.address(), client.setNoDelay(), client.setKeepAlive(true), client.ref(), client.unref()]).toEqual([
      {},
      client,
      client,
      client,
      client,
    ]);
  });

  test("with node:tls at the other end, through the server's 'connection' event", async () => {
    const server = opentls.createServer(serverOptions, echo);
    const [a, b] = pipe();
    server.emit('connection', b);
    const client = node.connect({ ...clientOptions, socket: a });
    expect(await echoed(client, 'by emit')).toBe('by emit');
  });

  test('a transport that delivers at once, within write()', async () => {
    const [a, b] = pipeAtOnce();
    echo(new opentls.TLSSocket(b as net.Socket, { isServer: true, secureContext }));
    const client = opentls.connect({ ...clientOptions, socket: a });
    const text = 'x'.repeat(300_000);
    expect(await echoed(client, text)).toBe(text);
  });

  test('one that breaks when both directions are closed does no harm', async () => {
    const [a, b] = pipeAtOnce(new Error('broken pipe'));
    const server = new opentls.TLSSocket(b as net.Socket, { isServer: true, secureContext });
    const errors: Error[] = [];
    server.on('error', (error) => errors.push(error)).resume();
    server.on('end', () => server.end());
    const closed = event(server, 'close');
    const client = opentls.connect({ ...clientOptions, socket: a });
    client.resume().end('the last word');
    expect(await closed).toEqual([false]);
    expect(errors).toEqual([]);
  });

  test('chunks larger than the engine takes at a time', async () => {
    const [a, b] = pipe();
    const gathered = new PassThrough({ highWaterMark: 1 << 24 });
    let held: Buffer[] = [];
    b.on('data', (chunk: Buffer) => {
      held.push(chunk);
      setTimeout(() => {
        if (held.length > 0) gathered.write(Buffer.concat(held));
        held = [];
      }, 20);
    });
    b.on('end', () => setTimeout(() => gathered.end(), 40));
    const server = new opentls.TLSSocket(Duplex.from({ readable: gathered, writable: b }) as net.Socket, {
      isServer: true,
      secureContext,
    });
    const received = collect(server);
    const client = opentls.connect({ ...clientOptions, socket: a });
    client.end(Buffer.alloc(700_000, 1));
    expect((await received).length).toBe(700_000);
    client.destroy();
  });
});

describe('over sockets', () => {
  test('one that is not connected yet', async () => {
    const server = node.createServer(serverOptions, echo);
    const port = await listen(server);
    const raw = new net.Socket();
    const client = opentls.connect({ ...clientOptions, socket: raw });
    expect(client.connecting).toBe(true);
    raw.connect(port, '127.0.0.1');
    expect(await echoed(client, 'late')).toBe('late');
    await close(server);
  });

  test('one with bytes in its buffer', async () => {
    const plain = net.createServer((raw) => {
      raw.once('readable', () => {
        // The ClientHello is there before TLS is.
        expect(raw.readableLength).toBeGreaterThan(0);
        setTimeout(() => echo(new opentls.TLSSocket(raw, { isServer: true, secureContext })), 20);
      });
    });
    const port = await listen(plain as never);
    expect(await echoed(node.connect({ ...clientOptions, port }), 'buffered')).toBe('buffered');
    await close(plain);
  });

  test('one in use: STARTTLS', async () => {
    const plain = net.createServer((raw) => {
      raw.once('data', (line) => {
        raw.write(`go ${line}`);
        echo(new opentls.TLSSocket(raw, { isServer: true, secureContext }));
      });
    });
    const port = await listen(plain as never);
    const raw = net.connect(port, '127.0.0.1');
    raw.write('STARTTLS');
    const [line] = await event(raw, 'data');
    expect(String(line)).toBe('go STARTTLS');
    raw.removeAllListeners('data');
    expect(await echoed(opentls.connect({ ...clientOptions, socket: raw }), 'upgraded')).toBe('upgraded');
    await close(plain);
  });

  test('TLS in TLS', async () => {
    const inner = opentls.createServer(serverOptions, echo);
    const outer = opentls.createServer(serverOptions, (socket) => void inner.emit('connection', socket));
    const port = await listen(outer);
    const tunnel = opentls.connect({ ...clientOptions, port });
    const client = opentls.connect({ ...clientOptions, socket: tunnel });
    await event(client, 'secureConnect');
    expect(client.remotePort).toBe(port);
    expect(await echoed(client, 'inside')).toBe('inside');
    await close(outer);
  });

  test('new TLSSocket().connect()', async () => {
    const server = node.createServer(serverOptions, echo);
    const port = await listen(server);
    const client = new opentls.TLSSocket(undefined as never, { secureContext: opentls.createSecureContext() });
    let connected = false;
    client.connect(port, '127.0.0.1', () => {
      connected = true;
    });
    const secure = event(client, 'secure');
    const answer = echoed(client, 'by itself');
    await secure;
    expect(connected).toBe(true);
    expect(client.authorized).toBe(false);
    expect(await answer).toBe('by itself');
    await close(server);
  });

  test('is a net.Socket, and its server a net.Server', async () => {
    const make = opentls.Server as unknown as typeof opentls.createServer;
    const server = make(serverOptions);
    expect(server).toBeInstanceOf(net.Server);
    expect(server).toBeInstanceOf(opentls.Server);
    const accepted = event(server, 'secureConnection');
    const client = opentls.connect({ ...clientOptions, port: await listen(server) });
    const [socket] = (await accepted) as [TLSSocket];
    for (const end of [client, socket]) {
      expect(end).toBeInstanceOf(net.Socket);
      expect(end).toBeInstanceOf(opentls.TLSSocket);
      expect((end as unknown as { _handle: unknown })._handle ?? null).toBeNull();
    }
    client.destroy();
    await close(server);
  });

  test('a Unix domain socket', async () => {
    const path = `\0opentls-test-${process.pid}`;
    if (process.platform !== 'linux') return;
    const server = opentls.createServer(serverOptions, echo);
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const client = opentls.connect({ path, ca: clientOptions.ca, servername: 'localhost' });
    expect(await echoed(client, 'local')).toBe('local');
    await close(server);
  });
});

describe('the forms of connect()', () => {
  test('all reach the server', async () => {
    const server = opentls.createServer(serverOptions, (socket) => socket.end('hi'));
    const port = await listen(server);
    const { ca } = clientOptions;
    let secured = 0;
    const listener = (): void => void secured++;
    const sockets = [
      opentls.connect({ port, host: '127.0.0.1', ca }, listener),
      opentls.connect(port, '127.0.0.1', { ca }, listener),
      opentls.connect(port, { host: '127.0.0.1', ca }, listener),
      opentls.connect(port, 'nowhere.invalid', { host: '127.0.0.1', ca }, listener),
      opentls.connect(String(port) as never, '127.0.0.1', { ca }, listener),
    ];
    for (const socket of sockets) expect((await collect(socket)).toString()).toBe('hi');
    expect(secured).toBe(sockets.length);
    await close(server);
  });
});
