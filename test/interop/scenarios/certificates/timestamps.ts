import { strict as assert } from 'node:assert';
import { serverName } from '../../credentials/certificates.ts';
import { coreCredential, listenCore, trusting } from '../../ends/core.ts';
import { exchange } from '../../ends/data.ts';
import { open } from '../../ends/pair.ts';
import type { Context, Scenario } from '../../types.ts';

/** The server sends Certificate Transparency timestamps with its certificate, RFC 6962 §3.3.1. */
export const timestamps: Scenario = {
  name: 'timestamps',
  variants: [
    {
      name: 'asked for',
      run: async (context) => {
        if (context.role === 'server') return await send(context);
        const pair = await open(context, { client: { timestamps: list }, server: { timestamps: list } });
        assert.equal(Buffer.from(pair.socket.facts?.peerTimestamps ?? []).toString('hex'), list);
        await exchange(pair, pair.theirs);
      },
    },
    {
      name: 'not asked for',
      run: async (context) => {
        if (context.role === 'server') return await keep(context);
        const pair = await open(context, { server: { timestamps: list } });
        assert.equal(pair.socket.facts?.peerTimestamps, undefined);
        await exchange(pair, pair.theirs);
      },
    },
  ],
};

async function send(context: Context): Promise<void> {
  const theirs = await visit(context, list);
  await theirs.says(/Timestamp : Sep 21 14:13:20.000 2026 GMT/, 1);
  await theirs.says(/30:06:02:01:01:02:01:01/, 1);
}

/** It would refuse what it did not ask for. */
async function keep(context: Context): Promise<void> {
  await visit(context, undefined);
}

/** @param timestamps what the client asks for, if anything; the server has them in any case */
async function visit({ certificates, peer, subject, scope }: Context, timestamps: string | undefined) {
  const { provider } = subject;
  const credential = coreCredential(certificates.leaves['P-256'], provider);
  const verifyChain = trusting(certificates.ca, provider);
  const credentials = [{ ...credential, timestamps: new Uint8Array(Buffer.from(list, 'hex')) }];
  const { port, accepted } = await listenCore({ provider, credentials, verifyChain }, scope);
  const theirs = peer.connect(port, { ca: certificates.ca, servername: serverName, timestamps }, scope);
  const [ours] = await Promise.all([accepted, theirs.facts()]);
  await exchange(ours, theirs);
  return theirs;
}

/** One timestamp, by a log that nobody knows, of 1,790,000,000,000 ms; its signature is the smallest that ECDSA has. */
const timestamp = [
  '00',
  Buffer.from(Array.from({ length: 32 }, (_, index) => index)).toString('hex'),
  '000001a0c4506c00',
  '0000',
  '040300083006020101020101',
].join('');
const list = `00390037${timestamp}`;
