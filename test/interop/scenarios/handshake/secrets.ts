import { strict as assert } from 'node:assert';
import { exchange } from '../../ends/data.ts';
import { open } from '../../ends/pair.ts';
import type { Scenario } from '../../types.ts';
import { suites } from './handshake.ts';

/** Both sides write the same key log (RFC 9850). */
export const keylog: Scenario = {
  name: 'keylog',
  variants: suites.map((suite) => ({
    name: suite,
    run: async (context) => {
      const both = { keylog: true };
      const pair = await open(context, { client: { ...both, suites: [suite] }, server: both });
      await exchange(pair, pair.theirs);
      const lines = await pair.theirs.keylog();
      assert.equal(lines.length, 5);
      assert.deepEqual([...pair.keylog].sort(), [...lines].sort());
    },
  })),
};

/** Both sides export the same keying material (RFC 9846 §7.5). */
export const exporter: Scenario = {
  name: 'exporter',
  variants: suites.map((suite) => ({
    name: suite,
    run: async (context) => {
      const pair = await open(context, { client: { suites: [suite] }, theirs: { exporter: label } });
      assert.match(pair.facts.exporter ?? '', /^[0-9a-f]{64}$/);
      const ours = pair.socket.exportKeyingMaterial(32, label, Buffer.alloc(0));
      assert.equal(ours.toString('hex'), pair.facts.exporter);
    },
  })),
};

/** Both sides know both Finished messages (`getFinished()`, `getPeerFinished()`). */
export const finished: Scenario = {
  name: 'finished',
  variants: suites.map((suite) => ({
    name: suite,
    run: async (context) => {
      const pair = await open(context, { client: { suites: [suite] } });
      const ours = [pair.socket.getPeerFinished(), pair.socket.getFinished()];
      assert.deepEqual(
        ours.map((bytes) => bytes?.toString('hex')),
        pair.facts.finished,
      );
    },
  })),
};

const label = 'EXPORTER-interop';
