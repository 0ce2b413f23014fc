// Whoever leaves is not made to wait for a transport that takes nothing.
import { describe, expect, test } from 'vitest';
import { type Ends, fate, joined } from './ends.ts';

const reason = new Error('left');

/** Open, and the client's writes get nowhere from here. */
async function stuck(): Promise<Ends> {
  const ends = joined();
  await Promise.all([ends.client.opened, ends.server.opened]);
  ends.there.stick();
  return ends;
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('who leaves a transport that takes nothing leaves nothing pending', () => {
  test.each(['abort', 'cancel'] as const)('%s: writes, the end, and the transport', async (how) => {
    const { client, there } = await stuck();
    const writer = client.writable.getWriter();
    const all = [writer.write(new Uint8Array(500_000)), writer.write(new Uint8Array(1)), writer.close(), writer.closed];
    const fates = Promise.all(all.map((work) => fate(work)));
    await pause(20);
    const written = there.untaken;
    expect(await fate(how === 'abort' ? writer.abort(reason) : client.readable.cancel(reason))).toBe('done');
    // An alert for who aborts would be more than is said: RFC 9846 §6.1 has close_notify for who ends in order.
    expect(there.untaken - written).toBe(how === 'abort' ? 0 : 24);
    expect(await fates).toEqual(['left', 'left', 'left', 'left']);
    await pause(300);
    expect(there.aborted).toBe(reason);
  });

  test.each(['abort', 'cancel'] as const)('%s: an end that is under way', async (how) => {
    const { client, there } = await stuck();
    const writer = client.writable.getWriter();
    const all = [writer.close(), writer.closed];
    const fates = Promise.all(all.map((work) => fate(work)));
    await pause(20);
    expect(await fate(how === 'abort' ? writer.abort(reason) : client.readable.cancel(reason))).not.toBe('pending');
    expect(await fates).toEqual(['left', 'left']);
    await pause(300);
    expect(there.aborted).toBe(reason);
  });

  test('what is piped in ends with it', async () => {
    const { client } = await stuck();
    let cancelled: unknown;
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
      cancel: (why) => {
        cancelled = why;
      },
    });
    const pipe = fate(source.pipeTo(client.writable as unknown as WritableStream<Uint8Array>));
    await pause(20);
    await client.readable.cancel(reason);
    expect(await pipe).toBe('left');
    expect(cancelled).toBe(reason);
  });

  test('a failure is told, and the transport aborted', async () => {
    const { client, server, there } = await stuck();
    const writer = client.writable.getWriter();
    const write = fate(writer.write(new Uint8Array(500_000)));
    await pause(20);
    await server.writable.abort(reason);
    expect(await write).not.toBe('pending');
    expect(await fate(writer.closed)).not.toBe('pending');
    await pause(300);
    expect(there.aborted).toBeDefined();
  });

  test('one that takes what is said is closed, and not aborted', async () => {
    const { client, server, there } = joined();
    await Promise.all([client.opened, server.opened]);
    await client.readable.cancel(reason);
    expect(await server.readable.getReader().read()).toEqual({ done: true, value: undefined });
    await pause(300);
    expect(there.aborted).toBeUndefined();
  });
});
