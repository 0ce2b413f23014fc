import { strict as assert } from 'node:assert';
import { factsAfterData } from '../../ends/pair.ts';
import { type Revisit, revisit } from '../../ends/revisit.ts';
import type { Context, Scenario, Settings, Variant } from '../../types.ts';
import { suites } from '../handshake/handshake.ts';

/** Session tickets, RFC 9846 §2.2 and §4.7.1: both sides say that the second connection resumes the first. */
export const resumption: Scenario = {
  name: 'resumption',
  variants: suites.map((suite) => resumed(suite, { suites: [suite] })),
};

/** A resumed session without a new key exchange: psk_ke, RFC 9846 §4.3.9. */
export const pskKe: Scenario = {
  name: 'psk_ke',
  variants: suites.map((suite) => ({
    name: suite,
    run: async (context) => {
      const both = { pskOnly: true };
      const pair = await revisit(context, {
        client: { ...both, suites: [suite] },
        server: { ...both, reports: true },
        keys: 'same',
      });
      await checkResumed(pair);
      assert.equal(pair.socket.facts?.group, undefined);
      assert.equal(pair.facts.group, undefined);
    },
  })),
};

/** A ticket that the server cannot read is no error: the handshake is a full one. */
export const unknownTicket: Scenario = {
  name: 'unknown-ticket',
  variants: [
    {
      name: 'full handshake',
      run: async (context) => {
        const pair = await revisit(context, { server: { reports: true }, keys: 'changed' });
        await checkFull(pair);
      },
    },
  ],
};

function resumed(name: string, client: Settings): Variant {
  return {
    name,
    run: async (context) => {
      const label = 'EXPORTER-resumed';
      const pair = await revisit(context, {
        client: { ...client, ...(context.role === 'server' && { exporter: label }) },
        server: { reports: true, ...(context.role === 'client' && { exporter: label }) },
        keys: 'same',
      });
      const exported = pair.socket.exportKeyingMaterial(32, label, Buffer.alloc(0)).toString('hex');
      assert.equal(exported, pair.facts.exporter);
      await checkResumed(pair);
      checkPeer(context, pair);
    },
  };
}

export async function checkResumed(pair: Revisit): Promise<void> {
  assert.equal(pair.socket.isSessionReused(), true);
  assert.equal((await factsAfterData(pair)).reused, true);
}

export async function checkFull(pair: Revisit): Promise<void> {
  assert.equal(pair.socket.isSessionReused(), false);
  assert.equal((await factsAfterData(pair)).reused, false);
}

/** The client still knows whom it talks to. */
function checkPeer({ role }: Context, { socket }: Revisit): void {
  if (role === 'client') assert.equal(socket.authorized, true);
}
