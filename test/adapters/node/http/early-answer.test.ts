// A server that answers an upload early and closes: the answer is heard, and the rest of the upload is no error.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as https from '#opentls/adapters/node/https';
import { connect } from '#opentls/adapters/node/index';
import { provider } from '../../../kit/provider.ts';
import { clientOptions, serverOptions } from '../sides.ts';

/** Node's own server in a thread of its own: it closes while the client is busy sealing. */
const code = `
  const { parentPort, workerData } = require('node:worker_threads');
  const server = require('node:https').createServer(workerData, (request, response) => {
    response.writeHead(413, { connection: 'close' });
    response.end('too large');
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;
let worker: Worker;
let port = 0;

beforeAll(async () => {
  worker = new Worker(code, { eval: true, workerData: serverOptions });
  [port] = await once(worker, 'message');
});

afterAll(() => worker.terminate());

test.each([
  ['1 MiB at once', 1, 2 ** 20],
  ['16 pieces of 64 KiB', 16, 2 ** 16],
  ['8 MiB at once', 1, 2 ** 23],
])('%s', async (_name, pieces, size) => {
  for (let run = 0; run < 5; run++) expect(await upload(pieces, Buffer.alloc(size))).toBe('413 too large');
});

test('without HTTP: the socket closes without an error, the write does not succeed', async () => {
  const socket = connect({ ...clientOptions, provider, port, servername: 'localhost' });
  const errors: unknown[] = [];
  socket.on('error', (error) => errors.push(error));
  const written = new Promise((resolve) => {
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n');
    socket.write(Buffer.alloc(2 ** 25), resolve);
  });
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  const [hadError] = await once(socket, 'close');
  expect([answer.slice(0, 12), hadError, errors, socket.closeNotify]).toEqual(['HTTP/1.1 413', false, [], true]);
  expect(await written).toBeInstanceOf(Error);
});

function upload(pieces: number, piece: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      ...clientOptions,
      provider,
      port,
      servername: 'localhost',
      method: 'POST',
      agent: false as const,
    };
    const request = https.request(options, async (response) => {
      let body = '';
      for await (const chunk of response) body += chunk;
      answer = `${response.statusCode} ${body}`;
    });
    let answer: string | undefined;
    request.on('error', reject);
    request.on('close', () => setImmediate(() => resolve(String(answer))));
    for (let i = 0; i < pieces; i++) request.write(piece);
    request.end();
  });
}
