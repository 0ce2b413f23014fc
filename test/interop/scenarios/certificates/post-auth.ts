import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { exchange } from '../../ends/data.ts';
import { type OpenPair, open } from '../../ends/pair.ts';
import type { Context, Scenario } from '../../types.ts';

/** The server asks for a certificate after the handshake, RFC 9846 §4.7.2. */
export const postHandshakeAuth: Scenario = {
  name: 'post-handshake-auth',
  variants: [{ name: 'given', run: async (context) => exchangeBeside(await ask(context, true)) }],
};

/** The client has none; GnuTLS's server takes no such answer. */
export const postHandshakeAuthNone: Scenario = {
  name: 'post-handshake-auth-none',
  variants: [{ name: 'none sent', run: async (context) => exchangeBeside(await ask(context, false)) }],
};

/** Where one exchange is all, it has the request in its middle. */
async function exchangeBeside(pair: OpenPair): Promise<void> {
  if (!pair.theirs.exchangesOnce) await exchange(pair, pair.theirs);
}

async function ask(context: Context, given: boolean): Promise<OpenPair> {
  const { certificates, role } = context;
  const credential = given ? certificates.client : undefined;
  const pair = await open(context, {
    client: { postHandshakeAuth: true, credential },
    server: {
      ca: certificates.ca,
      ...(!given && { clientCertificateLater: 'optional' as const }),
      ...(role === 'client' && { commands: true }),
    },
  });
  const { socket, theirs } = pair;
  await exchangeBeside(pair);
  if (role === 'client') {
    assert.equal(await theirs.requestCertificate?.(socket), given);
  } else {
    const answered = once(socket, 'authenticated');
    socket.requestCertificate?.();
    await answered;
    await theirs.certificateAsked?.();
    assert.deepEqual({ ...socket.getPeerCertificate()?.subject }, given ? { CN: 'client.test' } : {});
  }
  return pair;
}
