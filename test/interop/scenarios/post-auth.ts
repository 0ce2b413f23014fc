import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { exchange } from '../data.ts';
import { type OpenPair, open } from '../pair.ts';
import type { Context, Scenario } from '../types.ts';

/** The server asks for a certificate after the handshake, RFC 9846 §4.7.2. */
export const postHandshakeAuth: Scenario = {
  name: 'post-handshake-auth',
  variants: [
    {
      name: 'given',
      run: async (context) => {
        const pair = await ask(context, true);
        await exchange(pair, pair.theirs);
      },
    },
    {
      name: 'none sent',
      run: async (context) => {
        const pair = await ask(context, false);
        await exchange(pair, pair.theirs);
      },
    },
  ],
};

async function ask(context: Context, given: boolean): Promise<OpenPair> {
  const { certificates, role } = context;
  const credential = given ? certificates.client : undefined;
  const pair = await open(context, {
    client: { postHandshakeAuth: true, credential },
    server: { ca: certificates.ca, ...(role === 'client' && { commands: true }) },
  });
  const { socket, theirs } = pair;
  await exchange(pair, theirs);
  if (role === 'client') {
    theirs.input.write('c\n');
    await theirs.says(/write certificate request/, 1);
    await theirs.says(/read client certificate/, 1);
    if (given) await theirs.says(/read certificate verify/, 1);
    await theirs.says(/read finished/, 2);
  } else {
    const answered = once(socket, 'authenticated');
    socket.requestCertificate?.();
    await answered;
    await theirs.says(/read server certificate request/, 1);
    assert.deepEqual({ ...socket.getPeerCertificate()?.subject }, given ? { CN: 'client.test' } : {});
  }
  return pair;
}
