import { exchange } from '../../ends/data.ts';
import { open } from '../../ends/pair.ts';
import type { Scenario, Variant } from '../../types.ts';
import { checkGroup, suites } from './handshake.ts';

/** The groups with ML-KEM: a ClientHello of more than one packet. */
export const hybrid: Scenario = {
  name: 'hybrid-groups',
  variants: [
    ...suites.map((suite) => hybridWith('X25519MLKEM768', suite)),
    hybridWith('SecP256r1MLKEM768', suites[0]),
    hybridWith('SecP384r1MLKEM1024', suites[0]),
  ],
};

function hybridWith(group: string, suite: string): Variant {
  return {
    name: `${group} ${suite}`,
    run: async (context) => {
      const groups = [group];
      const pair = await open(context, { client: { groups, suites: [suite] }, server: { groups } });
      checkGroup(context, pair, group);
      await exchange(pair, pair.theirs);
    },
  };
}
