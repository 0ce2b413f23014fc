import { strict as assert } from 'node:assert';
import { otherServerName, serverName } from '../../credentials/certificates.ts';
import { factsAfterData, open } from '../../ends/pair.ts';
import type { Scenario, Variant } from '../../types.ts';

/** Server Name Indication, RFC 6066 §3: a server with two certificates shows the one that was asked for. */
export const sni: Scenario = {
  name: 'sni',
  variants: [asks(serverName), asks(otherServerName)],
};

function asks(name: string): Variant {
  return {
    name,
    run: async (context) => {
      const otherName = { name: otherServerName, credential: context.certificates.otherName };
      // That the client accepts what it is shown is the proof: each certificate is good for its one name.
      const pair = await open(context, { client: { servername: name }, server: { otherName } });
      const { servername } = await factsAfterData(pair);
      assert.equal(context.role === 'client' ? servername : pair.socket.servername, name);
    },
  };
}
