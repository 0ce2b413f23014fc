// Streams carry whatever is put into them: what bytes are, and what becomes of the rest.
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { fate, joined, read, Way } from './ends.ts';

const six = Uint8Array.from([1, 2, 3, 4, 5, 6]);
const memory = Uint8Array.from([0, 0, ...six, 0, 0]).buffer;
const foreign: ArrayBuffer = runInNewContext('Uint8Array.from([1, 2, 3, 4, 5, 6]).buffer');

const gone = (): Uint8Array => {
  const bytes = new Uint8Array(3);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
};
const others: readonly [string, unknown][] = [
  ['a string', 'hello'],
  ['a number', 7],
  ['null', null],
  ['undefined', undefined],
  ['an array', [1, 2, 3]],
  ['a look-alike', { length: 3, byteLength: 3, [Symbol.toStringTag]: 'ArrayBuffer' }],
  ['shared memory', new SharedArrayBuffer(3)],
  ['memory that was given away', gone()],
];

describe('bytes are taken whatever holds them', () => {
  test.each<[string, ArrayBuffer | ArrayBufferView]>([
    ['a Uint8Array', six],
    ['a Buffer', Buffer.from(six)],
    ['a part of a Uint8Array', new Uint8Array(memory, 2, 6)],
    ['an Int8Array', new Int8Array(memory, 2, 6)],
    ['a Uint16Array', new Uint16Array(memory, 2, 3)],
    ['a DataView', new DataView(memory, 2, 6)],
    ['an ArrayBuffer', six.slice().buffer],
    ['an ArrayBuffer of another realm', foreign],
  ])('%s that is written', async (_, chunk) => {
    const { client, server } = joined();
    const write = client.writable.getWriter().write(chunk);
    expect([...(await read(server.readable, 6))]).toEqual([...six]);
    await write;
  });

  test.each<[string, (chunk: Uint8Array) => unknown]>([
    ['ArrayBuffers', (chunk) => chunk.slice().buffer],
    ['DataViews', ({ buffer, byteOffset, byteLength }) => new DataView(buffer, byteOffset, byteLength)],
    ['Int8Arrays', ({ buffer, byteOffset, byteLength }) => new Int8Array(buffer, byteOffset, byteLength)],
  ])('a transport of %s', async (_, as) => {
    const { client, server } = joined(new Way(1, as));
    expect(await fate(server.opened)).toBe('done');
    const write = client.writable.getWriter().write(six);
    expect([...(await read(server.readable, 6))]).toEqual([...six]);
    await write;
  });
});

describe('what is not bytes is an error, and of nothing else', () => {
  test.each(others)('%s that is written', async (_, chunk) => {
    const { client, server } = joined();
    const writer = client.writable.getWriter();
    writer.closed.catch(() => {});
    const before = writer.write(six);
    const write = writer.write(chunk as Uint8Array);
    await expect(write).rejects.toBeInstanceOf(TypeError);
    await expect(write).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    expect(await fate(before)).toBe('done');
    expect([...(await read(server.readable, 6))]).toEqual([...six]);
    // The other direction is as it was.
    const back = server.writable.getWriter().write(six);
    expect([...(await read(client.readable, 6))]).toEqual([...six]);
    await back;
  });

  test.each(others)('a transport that gives %s', async (_, chunk) => {
    const { client, server } = joined(new Way(1, () => chunk));
    const code = 'ERR_INVALID_ARG_TYPE';
    expect(await fate(server.opened)).toBe(code);
    expect(await fate(server.readable.getReader().read())).toBe(code);
    expect(await fate(server.writable.getWriter().write(six))).toBe(code);
    expect(await fate(client.opened)).toBe('ERR_TLS_TRUNCATED');
  });

  test.each([0, 20])('memory that is given away before it is its turn, after %i ms', async (milliseconds) => {
    const { client, there } = joined();
    there.hold();
    const writer = client.writable.getWriter();
    writer.closed.catch(() => {});
    const bytes = new Uint8Array(100);
    const written = fate(writer.write(bytes));
    if (milliseconds > 0) await new Promise((resolve) => setTimeout(resolve, milliseconds));
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    there.release();
    expect(await written).toBe('ERR_INVALID_ARG_TYPE');
  });
});
