import { strict as assert } from 'node:assert';
import { ContentType } from '#opentls/wire/enums';
import { download, lineToPeer, take, upload } from '../../ends/data.ts';
import { open } from '../../ends/pair.ts';
import type { Tap } from '../../processes/tap.ts';
import type { Role, Scenario } from '../../types.ts';

const ownLimit = 600;
const theirLimit = 701;

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

/** Each side tells how long the other's records may be, content type included: record_size_limit, RFC 8449. */
export const recordSizeLimit: Scenario = {
  name: 'record_size_limit',
  variants: [
    {
      name: `${ownLimit} and ${theirLimit}`,
      run: async (context) => {
        // GnuTLS does not count the content type.
        const theirs = { recordSizeLimit: theirLimit - 1 };
        const pair = await open(context, { ours: { recordSizeLimit: ownLimit }, theirs, tapped: true });
        await pair.theirs.says(/Parsing extension 'Record Size Limit\/28'/, 1);
        const line = `${'.'.repeat(2000)}\n`;
        if (pair.theirs.exchange) {
          await pair.theirs.exchange(pair.stream, line);
        } else {
          await lineToPeer(pair, pair.theirs, line);
          pair.theirs.input.write(line);
          // What does not fit into one record, gnutls-cli loses.
          assert.equal((await take(pair.stream, ownLimit - 1)).toString(), line.slice(0, ownLimit - 1));
        }
        const theirSide = context.role === 'client' ? 'server' : 'client';
        assert.equal(longest(pair.tap, context.role), theirLimit + tag);
        assert.equal(longest(pair.tap, theirSide), ownLimit + tag);
      },
    },
  ],
};

/** Only our side tells. What NSS would tell cannot be chosen. */
export const ownRecordSizeLimit: Scenario = {
  name: 'record_size_limit-own',
  variants: [
    {
      name: String(ownLimit),
      run: async (context) => {
        const pair = await open(context, { ours: { recordSizeLimit: ownLimit }, tapped: true });
        const line = `${'.'.repeat(2000)}\n`;
        if (pair.theirs.exchange) {
          await pair.theirs.exchange(pair.stream, line);
        } else {
          pair.theirs.input.write(line);
          assert.equal((await take(pair.stream, line.length)).toString(), line);
        }
        const theirSide = context.role === 'client' ? 'server' : 'client';
        assert.equal(longest(pair.tap, theirSide), ownLimit + tag);
      },
    },
  ],
};

function longest(tap: Tap | undefined, from: Role): number {
  const records = (tap?.records ?? []).filter(
    (record) => record.from === from && record.type === ContentType.application_data,
  );
  return Math.max(...records.map(({ body }) => body.length));
}

const total = 20_000;
const tag = 16;
/** Content type and tag. */
const overhead = 1 + tag;
