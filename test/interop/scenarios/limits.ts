import { strict as assert } from 'node:assert';
import { download, lineToPeer, upload } from '../data.ts';
import { open } from '../pair.ts';
import type { Tap } from '../tap.ts';
import type { Role, Scenario } from '../types.ts';

/** The client asks for short records both ways: max_fragment_length, RFC 6066 §4. */
export const fragmentLength: Scenario = {
  name: 'max_fragment_length',
  variants: ([512, 1024, 2048, 4096] as const).map((length) => ({
    name: String(length),
    run: async (context) => {
      const pair = await open(context, {
        client: { maxFragmentLength: length },
        theirs: { extensions: true },
        tapped: true,
      });
      await pair.theirs.says(new RegExp(`TLS ${context.role} extension "max fragment length"`), 1);
      const sent = upload(pair.theirs.input, total);
      assert.equal(await download(pair.stream, total), await sent.done);
      await lineToPeer(pair, pair.theirs, '.'.repeat(total));
      const theirSide = context.role === 'client' ? 'server' : 'client';
      // Whether the content type counts is told by RFC 9846 §5.4; OpenSSL leaves it out.
      assert.equal(longest(pair.tap, context.role), length + overhead - 1);
      assert.equal(longest(pair.tap, theirSide), length + overhead);
    },
  })),
};

function longest(tap: Tap | undefined, from: Role): number {
  const records = (tap?.records ?? []).filter((record) => record.from === from && record.type === 23);
  return Math.max(...records.map(({ body }) => body.length));
}

const total = 20_000;
/** Content type and tag. */
const overhead = 17;
