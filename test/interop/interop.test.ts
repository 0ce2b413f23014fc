import { afterAll, describe, test } from 'vitest';
import { peers, type Selection, selectCells } from './matrix.ts';
import { createRun, timeLimit } from './run.ts';
import { subjects } from './subjects.ts';
import type { Cell } from './types.ts';

const missing = new Map(await Promise.all(peers.map(async (peer) => [peer.name, await peer.missing()] as const)));

// Nearly every cell with the default provider; of the other one, what each scenario begins with.
await cellsOf('noble', { sampled: true });
await cellsOf('node', { short: true, sampled: true });

async function cellsOf(provider: string, selection: Selection): Promise<void> {
  const subject = subjects[provider];
  if (subject === undefined) throw new Error(`no provider ${provider}`);
  const run = await createRun(subject);
  describe(`interop, ${provider} provider`, () => {
    for (const cell of selectCells(selection)) {
      // Once in some hundred times tstclnt comes back without its session: what fails twice has failed.
      const retry = cell.peer.name === 'nss' ? 1 : 0;
      test(nameOf(cell), { timeout: timeLimit + 5_000, retry }, async (context) => {
        const reason = missing.get(cell.peer.name);
        context.skip(reason !== undefined, `${cell.peer.name} is missing: ${reason}`);
        await run.cell(cell);
      });
    }
    afterAll(() => run.close());
  });
}

function nameOf({ peer, scenario, role, variant }: Cell): string {
  return `${scenario}, ${role} to ${peer.name}: ${variant.name}`;
}
