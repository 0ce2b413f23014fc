import { TransformStream } from 'node:stream/web';
import { describe, expect, test } from 'vitest';
import { type ByteTransport, type SecureTransport, wrapClient, wrapServer } from '#opentls/adapters/web/index';
import { credential, sides, trustAnything } from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';

const client = { provider, verifyChain: trustAnything, serverName: 'localhost' };
const server = { provider, verifyChain: trustAnything, credentials: [credential] };
const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
const bytes = (words: string): Uint8Array => new TextEncoder().encode(words);

/** A byte stream that can end, or break, on the way. */
function line() {
  let controller: { terminate(): void; error(reason: unknown): void } | undefined;
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>({
    start: (own) => {
      controller = own;
    },
  });
  const ends = { readable, writable } as unknown as ByteTransport;
  return { ...ends, cut: () => controller?.terminate(), tear: (reason: unknown) => controller?.error(reason) };
}

/** Two ends of TLS, and what there is between them. */
function joined() {
  const [there, back] = [line(), line()];
  const ends = {
    client: wrapClient({ readable: back.readable, writable: there.writable }, client),
    server: wrapServer({ readable: there.readable, writable: back.writable }, server),
  };
  ends.server.opened.catch(() => {});
  return { ...ends, lines: { client: back, server: there } };
}

/** A client whose handshake nobody answers. */
function waiting() {
  const [there, back] = [line(), line()];
  const seen = { closed: false, cancelled: false };
  const reader = there.readable.getReader();
  const drain = async (): Promise<void> => {
    while (!(await reader.read()).done);
    seen.closed = true;
  };
  drain().catch(() => {
    seen.closed = true;
  });
  const writer = back.writable.getWriter();
  writer.closed.catch(() => {
    seen.cancelled = true;
  });
  const end = wrapClient({ readable: back.readable, writable: there.writable }, client);
  return { end, seen, cut: back.cut };
}

/** What becomes of everything that may be waited for: 'pending' is what must not be. */
async function fates(end: SecureTransport, act: (ends: Waits) => unknown): Promise<Record<string, string>> {
  const reader = end.readable.getReader();
  const writer = end.writable.getWriter();
  writer.closed.catch(() => {});
  reader.closed.catch(() => {});
  const all: Record<string, Promise<unknown>> = {
    opened: end.opened,
    read: reader.read(),
    write: writer.write(bytes('x')),
  };
  const close = writer.close();
  all['close'] = close;
  for (const promise of Object.values(all)) promise.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 20));
  await act({ reader, writer });
  const told = Object.entries(all).map(async ([name, promise]) => {
    const late = new Promise<string>((resolve) => setTimeout(resolve, 2000, 'pending'));
    const fate = promise.then(
      () => 'good',
      (error) => String(error.code ?? error.message),
    );
    return [name, await Promise.race([fate, late])] as const;
  });
  return Object.fromEntries(await Promise.all(told));
}

interface Waits {
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly writer: WritableStreamDefaultWriter<Uint8Array>;
}

describe('truncation: a transport that ends without close_notify', () => {
  test.each(sides)('is an error of both streams of a %s', async (role) => {
    const { lines, ...ends } = joined();
    const peer = ends[role === 'client' ? 'server' : 'client'];
    await Promise.all([ends.client.opened, ends.server.opened]);
    const reader = ends[role].readable.getReader();
    const writer = ends[role].writable.getWriter();
    const closed = writer.closed.catch((error) => error.code);
    await peer.writable.getWriter().write(bytes('all of it?'));
    expect(text((await reader.read()).value)).toBe('all of it?');
    const next = reader.read();
    lines[role].cut();
    await expect(next).rejects.toMatchObject({ code: 'ERR_TLS_TRUNCATED', blame: 'transport' });
    await expect(reader.read()).rejects.toMatchObject({ code: 'ERR_TLS_TRUNCATED' });
    expect(await closed).toBe('ERR_TLS_TRUNCATED');
    await expect(writer.write(bytes('more'))).rejects.toMatchObject({ code: 'ERR_TLS_TRUNCATED' });
    await expect(writer.close()).rejects.toBeDefined();
  });

  test('what came before the end is read before the error', async () => {
    const { client, server, lines } = joined();
    const writer = server.writable.getWriter();
    for (const word of ['one', 'two', 'three']) await writer.write(bytes(word));
    lines.client.cut();
    const reader = client.readable.getReader();
    const words: string[] = [];
    const all = async (): Promise<void> => {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        words.push(text(value));
      }
    };
    await expect(all()).rejects.toMatchObject({ code: 'ERR_TLS_TRUNCATED' });
    expect(words).toEqual(['one', 'two', 'three']);
  });

  test('close_notify ends one direction and leaves the other', async () => {
    const { client, server } = joined();
    await server.writable.getWriter().close();
    const reader = client.readable.getReader();
    expect(await reader.read()).toEqual({ done: true, value: undefined });
    const writer = client.writable.getWriter();
    await writer.write(bytes('still here'));
    expect(text((await server.readable.getReader().read()).value)).toBe('still here');
  });

  test('in the handshake nothing stays pending', async () => {
    const { end, cut } = waiting();
    const code = 'ERR_TLS_TRUNCATED';
    expect(await fates(end, cut)).toEqual({ opened: code, read: code, write: code, close: code });
  });

  test('a transport that breaks says why', async () => {
    const { client, lines } = joined();
    await client.opened;
    const next = client.readable.getReader().read();
    lines.client.tear(new Error('torn'));
    await expect(next).rejects.toThrow('torn');
  });
});

describe('who leaves settles what is pending', () => {
  test.each<[string, (ends: Waits) => unknown, string]>([
    ['readable.cancel()', ({ reader }) => reader.cancel(new Error('left')), 'good'],
    ['writable.abort()', ({ writer }) => writer.abort(new Error('left')).catch(() => {}), 'left'],
  ])('%s in the handshake', async (_, leave, read) => {
    const { end, seen } = waiting();
    expect(await fates(end, leave)).toEqual({ opened: 'left', read, write: 'left', close: 'left' });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(seen).toEqual({ closed: true, cancelled: true });
  });

  test('readable.cancel() says goodbye to the peer', async () => {
    const { client, server } = joined();
    await client.opened;
    const reader = server.readable.getReader();
    await client.readable.cancel();
    expect(await reader.read()).toEqual({ done: true, value: undefined });
    await expect(client.writable.getWriter().write(bytes('x'))).rejects.toMatchObject({
      code: 'ERR_TLS_INVALID_STATE',
    });
  });

  test('writable.abort() does not', async () => {
    const { client, server } = joined();
    await client.opened;
    const reader = server.readable.getReader();
    await client.writable.abort(new Error('left'));
    await expect(reader.read()).rejects.toBeDefined();
  });
});
