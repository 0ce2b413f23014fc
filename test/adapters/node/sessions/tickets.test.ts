// More session tickets in a row than there may be other messages: no flood to a client of either.
import { describe, expect, test } from 'vitest';
import { clientOptions, close, collect, listen, modules, serverOptions } from '../sides.ts';

const MANY = 40;

/** A server that gives them all, then some data, and ends. */
async function visit(name: keyof typeof modules, listens: boolean): Promise<{ sessions: number; outcome: string }> {
  const engine = { ticketCount: MANY };
  const server = modules.opentls.createServer({ ...serverOptions, ...{ engine } }, (socket) => {
    socket.on('error', () => {});
    // They are sealed when the handshake is over.
    setTimeout(() => socket.end('data'), 50);
  });
  const client = modules[name].connect({ ...clientOptions, port: await listen(server) });
  let sessions = 0;
  if (listens) client.on('session', () => sessions++);
  const outcome = await collect(client).then(String, ({ code }) => code);
  client.destroy();
  await close(server);
  return { sessions, outcome };
}

describe(`${MANY} tickets in a row`, () => {
  test.each(['opentls', 'node'] as const)('come to the sessions listener of %s', async (name) => {
    expect(await visit(name, true)).toEqual({ sessions: MANY, outcome: 'data' });
  });

  test.each(['opentls', 'node'] as const)('do no harm to %s without a listener', async (name) => {
    expect(await visit(name, false)).toEqual({ sessions: 0, outcome: 'data' });
  });
});
