import { serverName } from '../../credentials/certificates.ts';
import { type CoreSide, connectCore, coreCredential, listenCore, trusting } from '../../ends/core.ts';
import { exchange, lineFromPeer, lineToPeer } from '../../ends/data.ts';
import { open } from '../../ends/pair.ts';
import type { Context, PeerSession, Scenario, Variant } from '../../types.ts';

/** The peer changes its keys, and asks for the same in return (RFC 9846 §4.7.3). */
export const keyUpdate: Scenario = {
  name: 'key-update',
  variants: [updates('k', 'not requested'), updates('K', 'requested')],
};

function updates(command: 'k' | 'K', name: string): Variant {
  return {
    name,
    run: async (context) => {
      const pair = await open(context, { theirs: { commands: true } });
      await exchange(pair, pair.theirs);
      for (const round of [1, 2, 3]) {
        pair.theirs.input.write(`${command}\n`);
        await pair.theirs.says(/write (?:client|server) key update/, round);
        // Under the new keys; when it is there, the request before it has been read, and what follows answers it.
        await lineFromPeer(pair, pair.theirs, `after ${round}`);
        await lineToPeer(pair, pair.theirs, `after ${round}`);
        if (command === 'K') await pair.theirs.says(/read (?:client|server) key update/, round);
      }
    },
  };
}

/** The same the other way round. */
export const ownKeyUpdate: Scenario = {
  name: 'key-update-own',
  variants: [false, true].map((requested) => ({
    name: requested ? 'requested' : 'not requested',
    run: async (context) => {
      const { ours, theirs } = await meet(context);
      await exchange(ours, theirs);
      for (const round of [1, 2, 3]) {
        ours.connection.updateKeys(requested);
        ours.flush();
        await lineToPeer(ours, theirs, `after ${round}`);
        await theirs.says(/read (?:client|server) key update/, round);
        await lineFromPeer(ours, theirs, `after ${round}`);
        if (requested) await theirs.says(/write (?:client|server) key update/, round);
      }
    },
  })),
};

async function meet({
  role,
  peer,
  subject,
  certificates,
  scope,
}: Context): Promise<{ ours: CoreSide; theirs: PeerSession }> {
  const { provider } = subject;
  const verifyChain = trusting(certificates.ca, provider);
  const credential = certificates.leaves['P-256'];
  if (role === 'client') {
    const listener = await peer.listen({ credential }, scope);
    const theirs = listener.session();
    return { ours: await connectCore(listener.port, { provider, serverName, verifyChain }, scope), theirs };
  }
  const credentials = [coreCredential(credential, provider)];
  const { port, accepted } = await listenCore({ provider, credentials, verifyChain }, scope);
  const theirs = peer.connect(port, { ca: certificates.ca, servername: serverName }, scope);
  return { ours: await accepted, theirs };
}
