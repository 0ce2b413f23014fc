import { strict as assert } from 'node:assert';
import { until } from '../../ends/data.ts';
import { type Revisit, type RevisitOptions, revisit } from '../../ends/revisit.ts';
import type { Context, Scenario, Settings } from '../../types.ts';
import { suites } from '../handshake/handshake.ts';
import { checkFull, checkResumed } from './resumption.ts';

/** 0-RTT data, RFC 9846 §2.3: taken, or refused while the connection goes on. */
export const earlyData: Scenario = {
  name: 'early-data',
  variants: [
    ...suites.map((suite) => ({
      name: `accepted ${suite}`,
      run: async (context: Context) => {
        const pair = await sendEarly(context, { client: { suites: [suite] }, keys: 'same' });
        checkFate(context, pair, 'accepted');
        await checkResumed(pair);
        await arrives(context, pair);
      },
    })),
    {
      name: 'rejected, the ticket is unknown',
      run: async (context) => {
        const pair = await sendEarly(context, { keys: 'changed' });
        checkFate(context, pair, 'rejected');
        await checkFull(pair);
        assert.equal(pair.seen.early, '');
      },
    },
  ],
};

/**
 * 0-RTT data that comes before a HelloRetryRequest is lost, RFC 9846 §4.3.10. GnuTLS 3.7 cannot: its client protects the
 * second ClientHello as if it were more of the data, its server takes it for that.
 */
export const earlyDataRetry: Scenario = {
  name: 'early-data-retry',
  variants: [
    {
      name: 'rejected',
      run: async (context) => {
        const client = { groups: ['X25519', 'P-384'] };
        const pair = await sendEarly(context, { client, server: { groups: ['P-384'] }, keys: 'same' });
        checkFate(context, pair, 'rejected');
        assert.equal(pair.socket.facts?.helloRetryRequest, true);
        await checkResumed(pair);
        assert.equal(pair.seen.early, '');
      },
    },
  ],
};

function sendEarly(
  context: Context,
  { client, server, keys }: Pick<RevisitOptions, 'client' | 'server' | 'keys'>,
): Promise<Revisit> {
  const takes: Settings = { ...server, takesEarlyData: true };
  // Shared: NSS takes no 0-RTT data in its first ten seconds.
  return revisit(context, {
    client: { ...client },
    server: takes,
    again: { earlyData: text },
    keys,
    shared: true,
  });
}

function checkFate({ role }: Context, { socket, facts }: Revisit, fate: 'accepted' | 'rejected'): void {
  assert.equal(socket.facts?.earlyData, fate);
  if (role === 'server') assert.equal(facts.earlyData, fate);
}

async function arrives({ role }: Context, { seen, theirs }: Revisit): Promise<void> {
  if (role === 'server') await until(() => seen.early === text);
  else await theirs.says(new RegExp(`${text.slice(0, 15)}|decrypted early data with length: ${text.length}`), 1);
}

const text = 'is it too early?\n';
