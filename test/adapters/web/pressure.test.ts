// How much is let through to a transport, and who else may run meanwhile.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { type ByteTransport, type SecureTransport, wrapClient, wrapServer } from '#opentls/adapters/web/index';
import { clientConfig, fate, joined, read, serverConfig, Way } from './ends.ts';

const CHUNK = 0x4_0000;
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

type Writer = ReturnType<SecureTransport['writable']['getWriter']>;

/** Writes until a write is not done for a while. @returns bytes of the writes that were done, `most` at most */
async function writeUntilStuck(writer: Writer, most: number): Promise<number> {
  writer.closed.catch(() => {});
  for (let done = 0; ; done += CHUNK) {
    const write = writer.write(new Uint8Array(CHUNK));
    write.catch(() => {});
    if (done >= most || (await fate(write, 300)) === 'pending') return done;
  }
}

/** Two sockets, of which the second is read by nobody but who asks. */
async function sockets(): Promise<[Socket, Socket]> {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const near = connect((listener.address() as { port: number }).port, '127.0.0.1');
  const [far] = (await once(listener, 'connection')) as [Socket];
  for (const socket of [near, far]) socket.on('error', () => {});
  closing.push(() => {
    near.destroy();
    far.destroy();
    listener.close();
  });
  return [near, far];
}

const web = (socket: Socket): ByteTransport => Duplex.toWeb(socket) as unknown as ByteTransport;

/** How often the event loop has come round while `work` was done. */
async function roundsDuring(work: () => Promise<unknown>): Promise<number> {
  let rounds = 0;
  let running = true;
  const again = (): void => {
    rounds++;
    if (running) setImmediate(again);
  };
  setImmediate(again);
  await work();
  running = false;
  return rounds;
}

describe('a transport that takes nothing holds the writer back', () => {
  // 16 records of 16,368 bytes at most, and what is put around each of them.
  const turn = 0x4_0000 + 16 * 22;

  test.each([Number.POSITIVE_INFINITY, 16_384, 1])('with a queue of %d chunks', async (highWaterMark) => {
    const { client, server, there } = joined(new Way(highWaterMark));
    await Promise.all([client.opened, server.opened]);
    there.stick();
    there.most = 0;
    expect(await writeUntilStuck(client.writable.getWriter(), 16 * CHUNK)).toBe(0);
    expect(there.most).toBeGreaterThan(0);
    expect(there.most).toBeLessThanOrEqual(turn);
  });

  test('with a queue that is never ready all is written', async () => {
    const { client, server } = joined(new Way(0));
    const writer = client.writable.getWriter();
    expect(await fate(Promise.all([writer.write(new Uint8Array(1_000_000)), read(server.readable, 1_000_000)]))).toBe(
      'done',
    );
  });

  test('a socket whose peer does not read takes no more than a plain one', async () => {
    const most = 0x400_0000;
    const [plain] = await sockets();
    const [near, far] = await sockets();
    const peer = wrapServer(web(far), serverConfig);
    const { writable, opened } = wrapClient(web(near), clientConfig);
    await Promise.all([opened, peer.opened]);
    far.pause();
    const bare = await writeUntilStuck(web(plain).writable.getWriter() as unknown as Writer, most);
    const secured = await writeUntilStuck(writable.getWriter(), most);
    expect(secured).toBeLessThan(most);
    // What the peer's own stream has read ahead of its reader is on top.
    expect(secured).toBeLessThan(bare + 0x100_0000);
  });

  test('both write, and read only while they do', async () => {
    const { client, server } = joined(new Way(1));
    const size = 2_000_000;
    const swap = ({ readable, writable }: SecureTransport): Promise<unknown> =>
      Promise.all([writable.getWriter().write(new Uint8Array(size)), read(readable, size)]);
    expect(await fate(Promise.all([swap(client), swap(server)]), 10_000)).toBe('done');
  });
});

describe('a transport that is always ready lets others run', () => {
  const size = 0x40_0000;

  test.each([0x40_0000, 0x4000])('while it is written to, %d bytes at a time', async (chunk) => {
    const { client, server, there } = joined();
    await Promise.all([client.opened, server.opened]);
    there.hold();
    const writer = client.writable.getWriter();
    const rounds = await roundsDuring(async () => {
      for (let done = 0; done < size; done += chunk) await writer.write(new Uint8Array(chunk));
    });
    expect(rounds).toBeGreaterThan(10);
  });

  test('while it is read from', async () => {
    const { client, server, there } = joined();
    await Promise.all([client.opened, server.opened]);
    there.hold();
    await client.writable.getWriter().write(new Uint8Array(size));
    const rounds = await roundsDuring(async () => {
      there.release();
      expect((await read(server.readable, size)).length).toBe(size);
    });
    expect(rounds).toBeGreaterThan(10);
  });
});
