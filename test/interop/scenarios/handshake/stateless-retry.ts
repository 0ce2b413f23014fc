import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Connection } from '#opentls/connection/connection';
import type { ServerConfig } from '#opentls/handshake/terms/config';
import { perform } from '#opentls/handshake/terms/script';
import { CookieKeys } from '#opentls/session/retry-cookies';
import { NamedGroup } from '#opentls/wire/enums';
import { serverName } from '../../credentials/certificates.ts';
import { coreCredential, listenCore, trusting } from '../../ends/core.ts';
import { exchange } from '../../ends/data.ts';
import type { Scenario } from '../../types.ts';

/** An engine sends a HelloRetryRequest and is gone; another goes on from the client's cookie, RFC 9846 §4.3.2. */
export const statelessRetry: Scenario = {
  name: 'stateless-retry',
  variants: [
    {
      name: 'P-256',
      run: async ({ certificates, peer, subject, scope }) => {
        const { provider } = subject;
        const config: ServerConfig = {
          provider,
          groups: [NamedGroup.secp256r1],
          credentials: [coreCredential(certificates.leaves['P-256'], provider)],
          verifyChain: trusting(certificates.ca, provider),
          retryCookies: new CookieKeys(provider),
        };
        const { port, accepted } = await listenCore(config, scope, (socket) => askAgain(socket, config));
        const client = { ca: certificates.ca, servername: serverName, groups: ['X25519', 'P-256'] };
        const theirs = peer.connect(port, client, scope);
        const [ours] = await Promise.all([accepted, theirs.facts()]);
        assert.equal(ours.facts.helloRetryRequest, true);
        await exchange(ours, theirs);
      },
    },
  ],
};

/** The first ClientHello and its answer. */
async function askAgain(socket: Socket, config: ServerConfig): Promise<void> {
  const engine = Connection.server(config);
  for (let asked = false; !asked; ) {
    const [chunk] = await once(socket, 'data');
    engine.receive(chunk);
    for (let event = engine.poll(); event !== undefined; event = engine.poll()) {
      if (event.type === 'ask') engine.answer(event.ask, await perform(event.ask.request));
      if (event.type === 'error') throw event.error;
      asked ||= event.type === 'retry';
    }
  }
  for (const slab of engine.takeOutput()) socket.write(slab);
  engine.destroy();
}
