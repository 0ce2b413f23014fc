import { createServer } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { type ReadableStream, TransformStream, type WritableStream } from 'node:stream/web';
import tls from 'node:tls';
import { describe, expect, test } from 'vitest';
import { type ByteTransport, type SecureTransport, wrapClient, wrapServer } from '#opentls/adapters/web/index';
import { encodePem } from '#opentls/x509/index';
import { credential, trustAnything } from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';
import { randomBytes } from '../../kit/random.ts';

const client = { provider, verifyChain: trustAnything, serverName: 'localhost' };
const server = { provider, verifyChain: trustAnything, credentials: [credential] };

/** Two transports joined back to back. */
function duct(): [ByteTransport, ByteTransport] {
  const there = new TransformStream<Uint8Array, Uint8Array>();
  const back = new TransformStream<Uint8Array, Uint8Array>();
  return [
    { readable: back.readable, writable: there.writable },
    { readable: there.readable, writable: back.writable },
  ] as unknown as [ByteTransport, ByteTransport];
}

async function readAll(readable: SecureTransport['readable']): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const reader = readable.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done || value === undefined) return Buffer.concat(chunks);
    chunks.push(value);
  }
}

async function writeAll(writable: SecureTransport['writable'], bytes: Uint8Array): Promise<void> {
  const writer = writable.getWriter();
  await writer.write(bytes);
  await writer.close();
}

describe('TLS over WHATWG streams', () => {
  test('a megabyte each way, then both ends close', async () => {
    const [a, b] = duct();
    const ends = [wrapClient(a, client), wrapServer(b, server)] as const;
    const sent = randomBytes(1)(1_000_000);
    const [, atServer, , atClient] = await Promise.all([
      writeAll(ends[0].writable, sent),
      readAll(ends[1].readable),
      writeAll(ends[1].writable, sent),
      readAll(ends[0].readable),
    ]);
    expect(atServer.equals(sent)).toBe(true);
    expect(atClient.equals(sent)).toBe(true);
    expect((await ends[0].opened).suite).toEqual((await ends[1].opened).suite);
  });

  test('a refused certificate rejects `opened` and breaks the streams', async () => {
    const [a, b] = duct();
    const refusing = { ...client, verifyChain: () => ({ ok: false, code: 'CERT_REJECTED', reason: 'no' }) as const };
    const ends = [wrapClient(a, refusing), wrapServer(b, server)] as const;
    await expect(ends[0].opened).rejects.toMatchObject({ code: 'CERT_REJECTED' });
    await expect(ends[1].opened).rejects.toMatchObject({ code: 'ERR_TLS_ALERT_BAD_CERTIFICATE' });
    await expect(readAll(ends[0].readable)).rejects.toMatchObject({ code: 'CERT_REJECTED' });
  });

  test('against a client of node:tls', async () => {
    const [leaf = new Uint8Array(0)] = credential.chain;
    const listener = createServer((socket) => {
      const transport = {
        readable: Readable.toWeb(socket),
        writable: Writable.toWeb(socket),
      } as unknown as ByteTransport;
      const { readable, writable } = wrapServer(transport, server);
      (readable as unknown as ReadableStream<Uint8Array>)
        .pipeTo(writable as unknown as WritableStream<Uint8Array>)
        .catch(() => {});
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const { port } = listener.address() as { port: number };
    const sent = randomBytes(2)(200_000);
    const socket = tls.connect({
      port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca: encodePem('CERTIFICATE', leaf),
    });
    socket.end(sent);
    const echoed: Buffer[] = [];
    for await (const chunk of socket) echoed.push(chunk as Buffer);
    listener.close();
    expect(Buffer.concat(echoed).equals(sent)).toBe(true);
  });
});
