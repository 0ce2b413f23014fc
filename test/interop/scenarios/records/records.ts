import { strict as assert } from 'node:assert';
import { ContentType } from '#opentls/wire/enums';
import { download, exchange, upload } from '../../ends/data.ts';
import { open } from '../../ends/pair.ts';
import type { WireRecord } from '../../processes/tap.ts';
import type { Scenario } from '../../types.ts';

/** Both ends send change_cipher_spec before their first protected record: RFC 9846 appendix E.4. */
export const compatibility: Scenario = {
  name: 'compatibility',
  variants: [
    {
      name: 'change_cipher_spec both ways',
      run: async (context) => {
        const pair = await open(context, { tapped: true });
        await exchange(pair, pair.theirs);
        for (const from of ['client', 'server'] as const) {
          const records = recordsFrom(pair.tap, from);
          const first = records.findIndex(({ type }) => type === ContentType.change_cipher_spec);
          assert.ok(first > 0, `no change_cipher_spec from the ${from}`);
          assert.deepEqual(records[first]?.body, Buffer.of(1));
          assert.equal(records.filter(({ type }) => type === ContentType.change_cipher_spec).length, 1);
          assert.ok(first < records.findIndex(({ type }) => type === ContentType.application_data));
        }
      },
    },
  ],
};

/** Small records and padded ones (RFC 9846 §5.1, §5.4). */
export const records: Scenario = {
  name: 'records',
  variants: [
    {
      name: 'the peer sends 512 bytes a record',
      run: async (context) => {
        const pair = await open(context, { theirs: { maxFragment: 512 }, tapped: true });
        const sent = upload(pair.theirs.input, length);
        assert.equal(await download(pair.stream, length), await sent.done);
        checkLengths(recordsFrom(pair.tap, other(context.role)), 512);
      },
    },
    {
      name: 'opentls sends 512 bytes a record',
      run: async (context) => {
        const pair = await open(context, { ours: { maxFragment: 512 }, tapped: true });
        const sent = upload(pair.stream, length);
        assert.equal(await download(pair.theirs.output, length), await sent.done);
        checkLengths(recordsFrom(pair.tap, context.role), 512);
      },
    },
  ],
};

export const padding: Scenario = {
  name: 'padding',
  variants: [512, 4096, 16384].map((block) => ({
    name: `to ${block} bytes`,
    run: async (context) => {
      const pair = await open(context, { theirs: { padding: block }, tapped: true });
      const sent = upload(pair.theirs.input, length);
      assert.equal(await download(pair.stream, length), await sent.done);
      await exchange(pair, pair.theirs);
      const last = recordsFrom(pair.tap, other(context.role)).at(-1);
      // The content type is part of what is padded; the tag is not.
      assert.equal(last?.body.length, block + overhead - 1);
    },
  })),
};

function recordsFrom(
  tap: { readonly records: readonly WireRecord[] } | undefined,
  from: 'client' | 'server',
): WireRecord[] {
  return (tap?.records ?? []).filter((record) => record.from === from);
}

function checkLengths(seen: readonly WireRecord[], limit: number): void {
  // The first ones carry the handshake, which was sent before the limit was set.
  const longest = Math.max(...seen.slice(-100).map(({ body }) => body.length));
  assert.equal(longest, limit + overhead);
}

function other(role: 'client' | 'server'): 'client' | 'server' {
  return role === 'client' ? 'server' : 'client';
}

const length = 200_000;
/** Content type and tag. */
const overhead = 17;
