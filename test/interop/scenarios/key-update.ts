import { exchange, lineFromPeer, lineToPeer } from '../data.ts';
import { open } from '../pair.ts';
import type { Scenario, Variant } from '../types.ts';

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
