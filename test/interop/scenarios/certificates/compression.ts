import { strict as assert } from 'node:assert';
import { certificateCompression } from 'opentls';
import { exchange } from '../../ends/data.ts';
import { open } from '../../ends/pair.ts';
import type { Scenario } from '../../types.ts';

/** Both certificates go compressed, RFC 8879. zstd is left out where the Node that runs opentls has none. */
export const compression: Scenario = {
  name: 'certificate-compression',
  variants: [
    ...(['zlib', 'brotli', 'zstd'] as const)
      .filter((name) => certificateCompression[name] !== undefined)
      .map((name) => ({ name, run: meet(name) })),
    {
      name: 'none in common',
      run: async (context) => {
        const { seen, ...pair } = await open(context, {
          ours: { compressions: ['zlib'] },
          theirs: { compressions: ['brotli'] },
        });
        assert.deepEqual([seen.compressed, seen.decompressed], [[], []]);
        await exchange(pair, pair.theirs);
      },
    },
  ],
};

function meet(name: 'zlib' | 'brotli' | 'zstd'): Scenario['variants'][number]['run'] {
  return async (context) => {
    const { ca, client } = context.certificates;
    const compressions = [name];
    const { seen, ...pair } = await open(context, {
      client: { compressions, credential: client },
      server: { compressions, clientCertificate: 'required', ca },
    });
    assert.equal(pair.socket.authorized, true);
    assert.deepEqual([seen.compressed, seen.decompressed], [[name], [name]]);
    await exchange(pair, pair.theirs);
  };
}
