import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { sides } from '../../../kit/pair.ts';
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

const { opentls, node } = modules;

async function pair(
  names: readonly [keyof typeof modules, keyof typeof modules],
  options: object = {},
): Promise<{ client: Socket; socket: Socket; done(): Promise<void> }> {
  const server = modules[names[0]].createServer({ ...serverOptions, ...options });
  const port = await listen(server);
  const client = modules[names[1]].connect({ ...clientOptions, port, ...options });
  const [[socket]] = (await Promise.all([event(server, 'secureConnection'), event(client, 'secureConnect')])) as [
    [TLSSocket],
    unknown,
  ];
  return {
    client,
    socket,
    done: async () => {
      client.destroy();
      socket.destroy();
      await close(server);
    },
  };
}

describe.each(pairings)('%s server, %s client', (...names) => {
  test('4 MiB both ways at once arrive whole', async () => {
    const { client, socket, done } = await pair(names);
    const body = randomBytes(4 << 20);
    const received = [collect(client), collect(socket)];
    client.end(body);
    socket.end(body);
    for (const bytes of await Promise.all(received)) expect(bytes.equals(body)).toBe(true);
    await done();
  });

  test('a reader that pauses stops the writer', async () => {
    const { client, socket, done } = await pair(names);
    const chunk = Buffer.alloc(256 * 1024);
    let written = 0;
    let stopped = false;
    const write = (): void => {
      while (written < 256 && client.write(chunk)) written++;
    };
    client.on('drain', write);
    write();
    for (let before = -1; before !== written; ) {
      before = written;
      await delay(150);
    }
    stopped = written < 256;
    expect(stopped).toBe(true);
    let total = 0;
    socket.on('data', (bytes: Buffer) => {
      total += bytes.length;
    });
    client.off('drain', write);
    client.end();
    await event(socket, 'end');
    expect(total).toBe(client.bytesWritten);
    await done();
  });

  test('half-open: each side ends by itself', async () => {
    const { client, socket, done } = await pair(names, { allowHalfOpen: true });
    const got = collect(socket);
    client.end('question');
    expect((await got).toString()).toBe('question');
    expect([socket.writable, client.readable]).toEqual([true, true]);
    await delay(20);
    const answer = collect(client);
    socket.end('answer');
    expect((await answer).toString()).toBe('answer');
    await done();
  });

  test('writes before the handshake, in order, and end()', async () => {
    const server = modules[names[0]].createServer(serverOptions);
    const received = event(server, 'secureConnection').then(([socket]) => collect(socket as Socket));
    const client = modules[names[1]].connect({ ...clientOptions, port: await listen(server) });
    client.resume();
    client.write('one ');
    client.write('zwei ', 'utf16le');
    client.end('three');
    const text = (await received).toString('latin1');
    expect(text).toBe(`one ${Buffer.from('zwei ', 'utf16le').toString('latin1')}three`);
    await close(server);
  });

  test.each(['the client', 'the server', 'both'] as const)('%s ends as soon as the connection is open', async (who) => {
    const errors: Error[] = [];
    const server = modules[names[0]].createServer(serverOptions, (socket) => {
      socket.on('error', (error) => errors.push(error)).resume();
      if (who !== 'the client') socket.end();
    });
    server.on('tlsClientError', (error) => errors.push(error));
    const closed = event(server, 'secureConnection').then(([socket]) => event(socket as Socket, 'close'));
    const client = modules[names[1]].connect({ ...clientOptions, port: await listen(server) }, () => {
      if (who !== 'the server') client.end();
    });
    client.on('error', (error) => errors.push(error)).resume();
    await Promise.all([event(client, 'end'), event(client, 'close'), closed]);
    expect(errors).toEqual([]);
    await close(server);
  });

  test('cork gathers, and every callback is called', async () => {
    const { client, socket, done } = await pair(names);
    const got: Buffer[] = [];
    socket.on('data', (bytes: Buffer) => got.push(bytes));
    client.cork();
    const callbacks = Array.from({ length: 20 }, (_, i) => new Promise((resolve) => client.write(`${i},`, resolve)));
    client.uncork();
    expect(await Promise.all(callbacks)).toEqual(
      new Array(20).fill(undefined).map(() => expect.toSatisfy((e) => e == null)),
    );
    while (Buffer.concat(got).length < 50) await delay(5);
    expect(Buffer.concat(got).toString()).toBe(Array.from({ length: 20 }, (_, i) => `${i},`).join(''));
    await done();
  });

  test('silence ends in timeout, and traffic puts it off', async () => {
    const { client, socket, done } = await pair(names);
    socket.pipe(socket);
    let timedOut = 0;
    client.setTimeout(120, () => timedOut++);
    client.resume();
    for (let i = 0; i < 6; i++) {
      await delay(40);
      client.write('x');
    }
    expect(timedOut).toBe(0);
    await event(client, 'timeout');
    expect(client.destroyed).toBe(false);
    await done();
  });
});

describe('destroy', () => {
  test.each([0, 1, 2, 3, 5, 8, 13, 21, 34])(
    'after %i ms, at either side: closes once, and nothing is left behind',
    async (time) => {
      for (const at of sides) {
        const server = opentls.createServer(serverOptions, (socket) =>
          socket.on('error', () => {}).end('x'.repeat(100_000)),
        );
        const raws: Socket[] = [];
        server.on('connection', (raw) => raws.push(raw as Socket));
        server.on('tlsClientError', () => {});
        const client = opentls.connect({ ...clientOptions, port: await listen(server) });
        let closes = 0;
        client.on('close', () => closes++);
        client.on('error', () => {});
        client.resume();
        await delay(time);
        if (at === 'client') client.destroy();
        else for (const raw of raws) raw.destroy();
        if (at === 'server' && raws.length === 0) client.destroy();
        if (!client.closed) await event(client, 'close');
        await close(server);
        expect(closes).toBe(1);
      }
    },
  );

  test('with an error: that error, then close(true)', async () => {
    const { client, done } = await pair(['opentls', 'opentls']);
    const events: unknown[] = [];
    client.on('error', (error) => events.push(error.message));
    client.on('close', (hadError) => events.push(hadError));
    client.destroy(new Error('mine'));
    await delay(10);
    expect(events).toEqual(['mine', true]);
    await done();
  });

  test('fails the writes that have not gone out', async () => {
    const server = opentls.createServer(serverOptions);
    const client = opentls.connect({ ...clientOptions, port: await listen(server) });
    const failed = new Promise((resolve) => client.write('never', resolve));
    client.destroy();
    expect(await failed).toBeInstanceOf(Error);
    await close(server);
  });

  test('by an AbortSignal, before and after', async () => {
    const aborted = AbortSignal.abort();
    const server = opentls.createServer(serverOptions);
    const port = await listen(server);
    const early = opentls.connect({ ...clientOptions, port, signal: aborted } as never);
    expect(await event(early, 'error')).toEqual([expect.objectContaining({ name: 'AbortError' })]);
    const controller = new AbortController();
    const late = opentls.connect({ ...clientOptions, port, signal: controller.signal } as never);
    await event(late, 'secureConnect');
    controller.abort();
    expect(await event(late, 'error')).toEqual([expect.objectContaining({ name: 'AbortError' })]);
    await close(server);
  });

  test('resetAndDestroy resets the connection', async () => {
    const { client, socket, done } = await pair(['opentls', 'opentls']);
    const failed = event(socket, 'error');
    socket.resume();
    client.resetAndDestroy();
    expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' });
    await done();
  });
});

describe('details', () => {
  // Node's own client never finishes this handshake.
  test.each(['opentls', 'node'] as const)(
    'end() before the handshake with a server of %s, and nothing else',
    async (name) => {
      let seen: Promise<Buffer> | undefined;
      const server = modules[name].createServer(serverOptions, (socket) => {
        seen = collect(socket);
        socket.end();
      });
      const client = opentls.connect({ ...clientOptions, port: await listen(server) });
      client.resume().end();
      await event(client, 'close');
      expect(await seen).toHaveLength(0);
      await close(server);
    },
  );

  test('setMaxSendFragment bounds the records', async () => {
    const server = node.createServer(serverOptions);
    const sizes: number[] = [];
    server.on('connection', (raw) => {
      const { push } = raw;
      raw.push = push;
    });
    const accepted = event(server, 'secureConnection');
    const client = opentls.connect({ ...clientOptions, port: await listen(server) });
    await event(client, 'secureConnect');
    const [socket] = (await accepted) as [Socket];
    socket.on('data', (bytes: Buffer) => sizes.push(bytes.length));
    expect([client.setMaxSendFragment(511), client.setMaxSendFragment(16_385), client.setMaxSendFragment(512)]).toEqual(
      [false, false, true],
    );
    client.end(Buffer.alloc(5000));
    await event(socket, 'end');
    expect(Math.max(...sizes)).toBe(512);
    expect(sizes.reduce((a, b) => a + b)).toBe(5000);
    await close(server);
  });

  test('onread: into the memory of the caller, with pauses', async () => {
    const body = randomBytes(100_000);
    const server = opentls.createServer(serverOptions, (socket) => socket.end(body));
    const got: Buffer[] = [];
    const buffer = Buffer.alloc(1000);
    const client = opentls.connect({
      ...clientOptions,
      port: await listen(server),
      onread: {
        buffer,
        callback: (length: number, bytes: Uint8Array) => {
          expect(bytes).toBe(buffer);
          got.push(Buffer.from(bytes.subarray(0, length)));
          if (got.length % 30 !== 0) return true;
          setTimeout(() => client.resume(), 1);
          return false;
        },
      },
    } as never);
    await event(client, 'end');
    expect(Buffer.concat(got).equals(body)).toBe(true);
    await close(server);
  });

  test('pauseOnConnect: data waits for resume()', async () => {
    const server = opentls.createServer({ ...serverOptions, pauseOnConnect: true });
    const accepted = event(server, 'secureConnection');
    const client = opentls.connect({ ...clientOptions, port: await listen(server) });
    client.end('data');
    client.resume();
    const [socket] = (await accepted) as [Socket];
    const got: Buffer[] = [];
    socket.on('data', (bytes: Buffer) => got.push(bytes));
    expect(socket.isPaused()).toBe(true);
    await delay(30);
    expect(got).toEqual([]);
    socket.resume();
    await event(socket, 'end');
    expect(Buffer.concat(got).toString()).toBe('data');
    await close(server);
  });

  test('a large write leaves the event loop free', async () => {
    const { client, socket, done } = await pair(['opentls', 'opentls']);
    socket.resume();
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await new Promise((resolve) => client.write(Buffer.alloc(16 << 20), resolve));
    clearInterval(timer);
    expect(turns).toBeGreaterThan(16);
    await done();
  });

  test('a listener that throws, throws where node:tls lets it', async () => {
    const { client, socket, done } = await pair(['opentls', 'opentls']);
    const thrown = new Error('in a listener');
    const caught = event(process, 'uncaughtException');
    const others = process.listeners('uncaughtException').slice(0, -1);
    for (const listener of others) process.off('uncaughtException', listener);
    client.once('data', () => {
      throw thrown;
    });
    socket.write('x');
    expect((await caught)[0]).toBe(thrown);
    for (const listener of others) process.on('uncaughtException', listener);
    await done();
  });
});
