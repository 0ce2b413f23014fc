import { spawn } from 'node:child_process';
import net from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ContentType } from '#opentls/wire/enums';
import { openssl } from '../../../kit/openssl.ts';
import { clientOptions, close, collect, event, leaf, listen, modules, root, serverOptions } from '../sides.ts';

const server = modules.opentls.createServer({ ...serverOptions, handshakeTimeout: 300 }, (socket) =>
  socket.end('served'),
);
let port = 0;

beforeAll(async () => {
  port = await listen(server);
});
afterAll(() => close(server));

interface Told {
  readonly error: Error & { readonly code?: string; readonly alert?: string };
  readonly address: unknown;
  /** What the peer was sent. */
  readonly answer: string;
}

/** Sends bytes in place of TLS. */
async function send(bytes: Uint8Array, then?: (socket: net.Socket) => void): Promise<Told> {
  const told = new Promise<Omit<Told, 'answer'>>((resolve) => {
    server.once('tlsClientError', (error, socket) => {
      const address = socket.remoteAddress;
      // A peer that just leaves is told of while its socket closes.
      if (socket.closed) resolve({ error, address });
      else socket.once('close', () => resolve({ error, address }));
    });
  });
  const peer = net.connect(port, '127.0.0.1');
  const received: Buffer[] = [];
  peer.on('data', (chunk) => received.push(chunk));
  peer.on('error', () => {});
  peer.write(bytes, () => then?.(peer));
  const { error, address } = await told;
  if (!peer.closed) await event(peer, 'close');
  return { error, address, answer: Buffer.concat(received).toString('hex') };
}

/** The server is none the worse for it. */
async function serves(): Promise<void> {
  const client = modules.node.connect({ ...clientOptions, port });
  expect((await collect(client)).toString()).toBe('served');
}

function record(type: number, body: Uint8Array, length = body.length): Buffer {
  return Buffer.concat([Buffer.of(type, 3, 1, length >> 8, length & 0xff), body]);
}

function clientHello(): Buffer {
  const chunks: Buffer[] = [];
  const transport = new net.Socket();
  const client = modules.opentls.connect({ ...clientOptions, socket: transport });
  client.on('error', () => {});
  transport.write = (chunk: string | Uint8Array): boolean => chunks.push(Buffer.from(chunk)) > 0;
  transport.emit('connect');
  client.destroy();
  return Buffer.concat(chunks);
}

/** A fatal alert in the clear. */
const alert = (description: number): string => `150303000202${description.toString(16).padStart(2, '0')}`;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

describe('what is not a ClientHello ends in tlsClientError, and the next client is served', () => {
  const cases: readonly [string, Uint8Array, { code: string; alert: string }, string][] = [
    [
      'garbage',
      Buffer.from('\x00\x01garbage, and more of it'),
      { code: 'ERR_SSL_WRONG_VERSION_NUMBER', alert: 'unexpected_message' },
      alert(10),
    ],
    [
      'an HTTP request',
      Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
      { code: 'ERR_SSL_HTTP_REQUEST', alert: 'unexpected_message' },
      alert(10),
    ],
    [
      'a proxy request',
      Buffer.from('CONNECT a:443 HTTP/1.1\r\n\r\n'),
      { code: 'ERR_SSL_HTTPS_PROXY_REQUEST', alert: 'unexpected_message' },
      alert(10),
    ],
    [
      'a record over the limit',
      record(ContentType.handshake, Buffer.alloc(16), 0x4200),
      { code: 'ERR_SSL_ENCRYPTED_LENGTH_TOO_LONG', alert: 'record_overflow' },
      alert(22),
    ],
    [
      'application data first',
      record(ContentType.application_data, Buffer.from('data')),
      { code: 'ERR_SSL_UNEXPECTED_RECORD', alert: 'unexpected_message' },
      alert(10),
    ],
    [
      'another handshake message',
      record(ContentType.handshake, Buffer.from('14000000', 'hex')),
      { code: 'ERR_SSL_UNEXPECTED_MESSAGE', alert: 'unexpected_message' },
      alert(10),
    ],
    [
      'a message over the limit',
      record(ContentType.handshake, Buffer.from('01ffffff', 'hex')),
      { code: 'ERR_SSL_EXCESSIVE_MESSAGE_SIZE', alert: 'decode_error' },
      alert(50),
    ],
  ];

  test.each(cases)('%s', async (_name, bytes, expected, answer) => {
    const told = await send(bytes);
    expect({ code: told.error.code, alert: told.error.alert }).toEqual(expected);
    expect(told.address).toBe('127.0.0.1');
    expect(told.answer).toBe(answer);
    await serves();
  });

  test('an SSLv2 ClientHello', async () => {
    const told = await send(
      Buffer.from(`802e0100020015000000100100800200800300800400800500800600400700c0${'00'.repeat(16)}`, 'hex'),
    );
    expect(told.error.alert).toBe('protocol_version');
    await serves();
  });

  test('empty records without end', async () => {
    const told = await send(Buffer.concat(new Array<Buffer>(40).fill(record(ContentType.handshake, Buffer.alloc(0)))));
    expect(told.error).toBeInstanceOf(Error);
    await serves();
  });

  test('a client that only speaks TLS 1.2', async () => {
    const told = event(server, 'tlsClientError');
    const client = modules.node.connect({ ...clientOptions, port, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' });
    const [error] = await event(client, 'error');
    expect(error).toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
    expect((await told)[0]).toMatchObject({ code: 'ERR_SSL_UNSUPPORTED_PROTOCOL' });
    await serves();
  });

  test.skipIf(!openssl)('openssl s_client -tls1_2', async () => {
    const told = event(server, 'tlsClientError');
    const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_2'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = collect(client.stderr);
    client.stdout.resume();
    expect((await told)[0]).toMatchObject({ code: 'ERR_SSL_UNSUPPORTED_PROTOCOL' });
    expect((await output).toString()).toMatch(/alert protocol version/i);
    await serves();
  });
});

describe('a client that leaves, or stays and says nothing', () => {
  const hello = clientHello();

  test('FIN inside the ClientHello', async () => {
    const told = await send(hello.subarray(0, 40), (peer) => peer.end());
    expect(told.error).toMatchObject({ code: 'ECONNRESET', message: 'socket hang up' });
    await serves();
  });

  test('FIN instead of the Finished', async () => {
    const told = await send(hello, (peer) => setTimeout(() => peer.end(), 50));
    expect(told.error).toMatchObject({ code: 'ECONNRESET', message: 'socket hang up' });
    await serves();
  });

  test('RST in the handshake', async () => {
    const told = await send(hello.subarray(0, 40), (peer) => setTimeout(() => peer.resetAndDestroy(), 30));
    expect(told.error).toMatchObject({ code: 'ECONNRESET', syscall: 'read' });
    await serves();
  });

  test('silence', async () => {
    const told = await send(hello.subarray(0, 40));
    expect(told.error).toMatchObject({ code: 'ERR_TLS_HANDSHAKE_TIMEOUT', message: 'TLS handshake timeout' });
    expect(told.address).toBe('127.0.0.1');
    await serves();
  });

  test('one byte at a time is too slow as well', async () => {
    let timer: NodeJS.Timeout | undefined;
    let sent = 1;
    const told = await send(hello.subarray(0, 1), (peer) => {
      timer = setInterval(() => peer.write(hello.subarray(sent, ++sent)), 20);
    });
    clearInterval(timer);
    expect(told.error).toMatchObject({ code: 'ERR_TLS_HANDSHAKE_TIMEOUT' });
    await serves();
  });
});

describe('too much of a good thing', () => {
  const long = leaf.pem + root.pem.repeat(299);

  test('a chain of 300 certificates from a server of node:tls', async () => {
    const server = modules.node.createServer({ ...serverOptions, cert: long });
    server.on('secureConnection', (socket) => socket.on('error', () => {}));
    const refused = event(server, 'tlsClientError');
    const client = modules.opentls.connect({ ...clientOptions, port: await listen(server) });
    const [[error]] = await Promise.all([event(client, 'error'), event(client, 'close')]);
    expect(error).toMatchObject({ code: 'CERT_CHAIN_TOO_LONG', alert: 'bad_certificate' });
    expect((await refused)[0]).toMatchObject({ code: 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE' });
    await close(server);
  });

  test('a chain of 300 certificates from a client of node:tls', async () => {
    const server = modules.opentls.createServer({ ...serverOptions, ca: root.pem, requestCert: true });
    const refused = event(server, 'tlsClientError');
    const client = modules.node.connect({ ...clientOptions, port: await listen(server), key: leaf.key, cert: long });
    const heard = event(client, 'error');
    expect((await refused)[0]).toMatchObject({ code: 'CERT_CHAIN_TOO_LONG', alert: 'bad_certificate' });
    expect((await heard)[0]).toMatchObject({ code: 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE' });
    await close(server);
  });
});

test('what bad clients took is given back', async () => {
  const bad = Buffer.concat([clientHello(), record(ContentType.application_data, Buffer.alloc(300))]);
  const settled = (): number => {
    for (let i = 0; i < 3; i++) collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  for (let i = 0; i < 100; i++) await send(bad);
  const before = settled();
  for (let i = 0; i < 500; i++) await send(bad);
  // One that is kept has 9 KiB and more (`npm run bench -- memory`).
  expect((settled() - before) / 500).toBeLessThan(4096);
  await serves();
}, 60_000);

describe('bad input at a client', () => {
  const cases: readonly [string, Uint8Array, object][] = [
    ['an HTTP answer', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), { code: 'ERR_SSL_WRONG_VERSION_NUMBER' }],
    [
      'an alert',
      Buffer.from(alert(40), 'hex'),
      { code: 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', alert: 'handshake_failure' },
    ],
    [
      'nothing, and FIN',
      Buffer.alloc(0),
      {
        code: 'ECONNRESET',
        message: 'Client network socket disconnected before secure TLS connection was established',
      },
    ],
  ];

  test.each(cases)('%s', async (_name, bytes, expected) => {
    const peer = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(bytes));
    });
    await new Promise<void>((resolve) => peer.listen(0, '127.0.0.1', resolve));
    const { port: at } = peer.address() as net.AddressInfo;
    const client = modules.opentls.connect({ ...clientOptions, port: at });
    const [[error]] = await Promise.all([event(client, 'error'), event(client, 'close')]);
    expect(error).toMatchObject(expected);
    if (bytes.length === 0) expect(error).toMatchObject({ host: '127.0.0.1', port: at });
    await close(peer);
  });
});
