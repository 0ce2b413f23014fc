// What is given to opentls/https is used, or refused: never passed over in silence.
import { once } from 'node:events';
import nodeHttps from 'node:https';
import nodeTls from 'node:tls';
import { describe, expect, test } from 'vitest';
import * as https from '#opentls/adapters/node/https';
import { noble } from '#opentls/providers/noble';
import { close, leaf, listen, root, serverOptions, visitTwice } from '../sides.ts';

const foreign = new nodeHttps.Agent();

describe('an option of opentls that would not be used throws', () => {
  test.each<[string, unknown]>([
    ['verification', { maxDepth: 1 }],
    ['engine', {}],
    ['signer', leaf.signer],
    ['provider', noble],
    ['now', Date.now],
    ['earlyData', Buffer.alloc(1)],
  ])('%s, beside an agent of node:https', (name, value) => {
    const options = { host: '127.0.0.1', port: 1, agent: foreign, [name]: value } as https.RequestOptions;
    const error = { code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining(`options.${name}`) };
    expect(() => https.request(options)).toThrow(expect.objectContaining(error));
  });

  test.each([
    ['of the request', () => https.get({ port: 1, earlyData: Buffer.from('GET /') })],
    ['of the request without an agent', () => https.get({ port: 1, agent: false, earlyData: Buffer.from('GET /') })],
    ['of the agent', () => https.get({ port: 1, agent: new https.Agent({ earlyData: Buffer.from('GET /') }) })],
  ])('earlyData %s', (_, send) => {
    expect(send).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });

  test('none of them: node:https is asked as it is', async () => {
    const request = https.request({ host: '127.0.0.1', port: 1, agent: foreign });
    await expect(once(request, 'response')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

test('events of TLS reach the listeners of an https server', async () => {
  const server = https.createServer(serverOptions, (_, response) => void response.end());
  const store = new Map<string, Buffer>();
  const heard: string[] = [];
  server.on('newSession', (id: Buffer, data: Buffer, answer: () => void) => {
    heard.push('newSession');
    store.set(id.toString('hex'), data);
    answer();
  });
  server.on('resumeSession', (id: Buffer, answer: (error: null, data: Buffer | null) => void) => {
    heard.push('resumeSession');
    answer(null, store.get(id.toString('hex')) ?? null);
  });
  server.on('OCSPRequest', (_certificate: Buffer, _issuer: Buffer | null, answer: (error: null) => void) => {
    heard.push('OCSPRequest');
    answer(null);
  });
  server.on('keylog', () => heard.push('keylog'));
  const port = await listen(server as never);
  const options = { host: '127.0.0.1', port, servername: 'localhost', ca: root.pem, requestOCSP: true };
  const reused = await visitTwice((more) => nodeTls.connect({ ...options, ...more }));
  await close(server);
  expect(reused).toEqual([false, true]);
  expect(new Set(heard)).toEqual(new Set(['OCSPRequest', 'keylog', 'newSession', 'resumeSession']));
});
