import { once } from 'node:events';
import { createServer } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { TransformStream, WritableStream } from 'node:stream/web';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import tls, { type TLSSocket } from '#opentls/adapters/node/index';
import { type ByteTransport, TicketKeys, wrapServer } from '#opentls/adapters/web/index';
import type { ServerConfig } from '#opentls/handshake/terms/config';
import type { Facts } from '#opentls/handshake/terms/facts';
import { encodePem } from '#opentls/x509/index';
import { credential, trustAnything } from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';

const [leaf = new Uint8Array(0)] = credential.chain;
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

type Sink = Parameters<typeof wrapServer>[2];

interface Served {
  readonly opened: Promise<Facts>;
  /** What came by `readable`. */
  text: string;
}

/** A server on web streams; each connection is given what `sink` makes. */
async function serve(more: Partial<ServerConfig>, sink: () => Sink): Promise<{ port: number; served: Served[] }> {
  const served: Served[] = [];
  const config = {
    provider,
    verifyChain: trustAnything,
    credentials: [credential],
    tickets: new TicketKeys(provider),
    earlyData: { maxSize: 1_000_000, replay: { admit: () => true } },
    ...more,
  };
  const listener = createServer((socket) => {
    socket.on('error', () => {});
    closing.push(() => void socket.destroy());
    const streams = { readable: Readable.toWeb(socket), writable: Writable.toWeb(socket) };
    const { readable, writable, opened } = wrapServer(streams as unknown as ByteTransport, config, sink());
    const connection: Served = { opened, text: '' };
    served.push(connection);
    const writer = writable.getWriter();
    const reader = readable.getReader();
    const echo = async () => {
      for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
        connection.text += Buffer.from(value ?? []).toString();
        await writer.write(value ?? new Uint8Array(0));
      }
    };
    echo().catch(() => {});
  });
  closing.push(() => void listener.close());
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return { port: (listener.address() as { port: number }).port, served };
}

function connect(port: number, options: object = {}): TLSSocket {
  const ca = encodePem('CERTIFICATE', leaf);
  const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca, provider, ...options });
  socket.on('error', () => {});
  closing.push(() => void socket.destroy());
  return socket;
}

/** The second connection of a client. */
async function comeBack(port: number, earlyData: Buffer): Promise<TLSSocket> {
  const first = connect(port);
  const [session] = await once(first, 'session');
  first.destroy();
  return connect(port, { session, earlyData });
}

/** Sends `earlyData` in a second connection, and then 'late'. */
async function sendEarly(port: number, earlyData: Buffer): Promise<unknown> {
  const socket = await comeBack(port, earlyData);
  const heard: unknown[] = [];
  socket.on('earlyData', (accepted) => heard.push(accepted));
  socket.write('late');
  expect(String((await once(socket, 'data'))[0])).toBe('late');
  return heard;
}

/** A sink that keeps what comes, and how it ended. */
function keeping(): { sink: Sink; bytes: Buffer[]; ends: unknown[] } {
  const bytes: Buffer[] = [];
  const ends: unknown[] = [];
  const sink = new WritableStream<Uint8Array>({
    write: (chunk) => void bytes.push(Buffer.from(chunk)),
    close: () => void ends.push('closed'),
    abort: (reason) => void ends.push(reason),
  });
  return { sink: sink as unknown as Sink, bytes, ends };
}

describe('0-RTT data is never among what was confirmed', () => {
  test('without a stream of its own it is refused', async () => {
    const { port, served } = await serve({}, () => undefined);
    expect(await sendEarly(port, Buffer.from('early'))).toEqual([false]);
    expect(served.at(-1)?.text).toBe('late');
    expect(await served.at(-1)?.opened).toMatchObject({ resumed: true, earlyData: 'rejected' });
  });

  test.each([1, 300_000])('with one, %i bytes come there, and it ends with the handshake', async (size) => {
    const kept: ReturnType<typeof keeping>[] = [];
    const { port, served } = await serve({}, () => {
      kept.push(keeping());
      return kept.at(-1)?.sink;
    });
    expect(await sendEarly(port, Buffer.alloc(size, 'x'))).toEqual([true]);
    expect(served.at(-1)?.text).toBe('late');
    const { bytes = [], ends } = kept.at(-1) ?? {};
    expect(Buffer.concat(bytes).equals(Buffer.alloc(size, 'x'))).toBe(true);
    expect(ends).toEqual(['closed']);
  });

  test.each<[string, () => WritableStream<Uint8Array>]>([
    [
      'that nobody reads any more',
      () => {
        const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
        readable.cancel();
        return writable;
      },
    ],
    [
      'that is closed',
      () => {
        const closed = new WritableStream<Uint8Array>();
        closed.close();
        return closed;
      },
    ],
    [
      'that is aborted',
      () => {
        const aborted = new WritableStream<Uint8Array>();
        aborted.abort(new Error('no more'));
        return aborted;
      },
    ],
  ])('with one %s it is refused', async (_, sink) => {
    const { port, served } = await serve({}, () => sink() as unknown as Sink);
    expect(await sendEarly(port, Buffer.from('early'))).toEqual([false]);
    expect(served.at(-1)?.text).toBe('late');
  });

  test('a reader that leaves later ends the connection', async () => {
    const leaving = () => new WritableStream({ write: () => Promise.reject(new Error('gone')) }) as unknown as Sink;
    const { port, served } = await serve({}, leaving);
    const socket = await comeBack(port, Buffer.from('early'));
    await new Promise((resolve) => socket.resume().once('close', resolve));
    await expect(served.at(-1)?.opened).rejects.toThrow('gone');
  });

  test('a handshake that fails aborts it', async () => {
    const { sink, ends } = keeping();
    const { port, served } = await serve({}, () => sink);
    const socket = connect(port, { ca: undefined });
    await new Promise((resolve) => socket.once('close', resolve));
    await expect(served[0]?.opened).rejects.toThrow();
    expect(ends).toMatchObject([{ code: expect.stringContaining('ERR_TLS_ALERT') }]);
  });
});

describe('a late answer wakes whoever waits for room', () => {
  const kinds: Readonly<Record<string, Partial<ServerConfig>>> = {
    credentials: { chooseCredentials: () => delay(30, undefined) },
    'a guard': { earlyData: { maxSize: 1_000_000, replay: { admit: () => delay(30, true) } } },
  };
  test.each(Object.keys(kinds))('%s, behind much 0-RTT data', async (kind) => {
    const { sink, bytes } = keeping();
    let first = true;
    const { port } = await serve(kinds[kind] ?? {}, () => {
      if (!first) return sink;
      first = false;
      return undefined;
    });
    expect(await sendEarly(port, Buffer.alloc(300_000, 'x'))).toEqual([true]);
    expect(Buffer.concat(bytes)).toHaveLength(300_000);
  });

  test('a guard that never answers', async () => {
    const earlyData = { maxSize: 1_000_000, replay: { admit: () => new Promise<boolean>(() => {}) }, guardTimeout: 30 };
    const { port } = await serve({ earlyData }, () => keeping().sink);
    expect(await sendEarly(port, Buffer.alloc(300_000, 'x'))).toEqual([false]);
  });
});
