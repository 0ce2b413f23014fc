import { exchange } from '../data.ts';
import { open } from '../pair.ts';
import type { Scenario } from '../types.ts';
import { checkGroup, suites } from './handshake.ts';

/** X25519MLKEM768: a ClientHello of more than one packet. */
export const hybrid: Scenario = {
  name: 'x25519mlkem768',
  variants: suites.map((suite) => ({
    name: suite,
    run: async (context) => {
      const groups = ['X25519MLKEM768'];
      const pair = await open(context, { client: { groups, suites: [suite] }, server: { groups } });
      checkGroup(context, pair, 'X25519MLKEM768');
      await exchange(pair, pair.theirs);
    },
  })),
};
