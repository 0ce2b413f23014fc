// pskCallback answers for names: what is no text is not asked for, as with node:tls.
import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { clientOptions, close, collect, listen, modules, serverOptions, visitTwice } from '../sides.ts';

test('a key for every name leaves the tickets of other clients alone', async () => {
  const asked: string[] = [];
  const pskCallback = (_socket: unknown, identity: string): Buffer => {
    asked.push(identity);
    return createHmac('sha256', 'master').update(identity).digest();
  };
  const options = { ...serverOptions, pskCallback, ciphers: 'TLS_AES_128_GCM_SHA256', minVersion: 'TLSv1.3' };
  const server = modules.opentls.createServer(options as never, (socket) => void socket.end('x'));
  const port = await listen(server as never);
  const reused = await visitTwice((more) => modules.node.connect({ ...clientOptions, port, ...more }), collect);
  await close(server);
  expect([reused, asked]).toEqual([[false, true], []]);
});
