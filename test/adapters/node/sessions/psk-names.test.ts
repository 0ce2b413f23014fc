// pskCallback answers for names: what is no text is not asked for, as with node:tls.
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { clientOptions, close, collect, listen, modules, serverOptions } from '../sides.ts';

test('a key for every name leaves the tickets of other clients alone', async () => {
  const asked: string[] = [];
  const pskCallback = (_socket: unknown, identity: string): Buffer => {
    asked.push(identity);
    return createHmac('sha256', 'master').update(identity).digest();
  };
  const options = { ...serverOptions, pskCallback, ciphers: 'TLS_AES_128_GCM_SHA256', minVersion: 'TLSv1.3' };
  const server = modules.opentls.createServer(options as never, (socket) => void socket.end('x'));
  const port = await listen(server as never);
  const visit = async (session?: Buffer): Promise<readonly [boolean, Buffer]> => {
    const socket = modules.node.connect({ ...clientOptions, port, ...(session && { session }) });
    const [[ticket]] = await Promise.all([once(socket, 'session'), collect(socket)]);
    const reused = socket.isSessionReused();
    socket.destroy();
    return [reused, ticket];
  };
  const [first, session] = await visit();
  const [second] = await visit(session);
  await close(server);
  expect([first, second, asked]).toEqual([false, true, []]);
});
