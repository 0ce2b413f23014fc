import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { exchange, take } from '../../ends/data.ts';
import { open } from '../../ends/pair.ts';
import type { Scenario } from '../../types.ts';

/** The last thing said is close_notify (RFC 9846 §6.1): the peer can tell the end from a cut. */
export const close: Scenario = {
  name: 'close',
  variants: [
    {
      name: 'opentls ends',
      run: async (context) => {
        const { stream, theirs, tap } = await open(context, { tapped: true });
        await exchange({ stream }, theirs);
        stream.end();
        await theirs.ended();
        const last = tap?.records.filter(({ from }) => from === context.role).at(-1);
        // Level, description, content type and tag.
        assert.equal(last?.body.length, 2 + 1 + 16);
      },
    },
  ],
};

/** close_notify closes one direction; the other goes on (RFC 9846 §6.1). */
export const halfClose: Scenario = {
  name: 'half-close',
  variants: [
    {
      name: 'opentls ends first',
      run: async (context) => {
        const { stream, theirs } = await open(context, { client: { halfOpen: true }, server: { halfOpen: true } });
        stream.end('question');
        assert.equal((await take(theirs.output, 8)).toString(), 'question');
        await theirs.ended();
        theirs.input.end('answer');
        assert.equal((await take(stream, 6)).toString(), 'answer');
        await endOf(stream);
      },
    },
    {
      name: 'the peer ends first',
      run: async (context) => {
        const { stream, theirs } = await open(context, { client: { halfOpen: true }, server: { halfOpen: true } });
        theirs.input.end('question');
        assert.equal((await take(stream, 8)).toString(), 'question');
        await endOf(stream);
        assert.ok(stream.writable);
        stream.end('answer');
        assert.equal((await take(theirs.output, 6)).toString(), 'answer');
        await theirs.ended();
      },
    },
  ],
};

async function endOf(stream: NodeJS.ReadableStream): Promise<void> {
  const ended = once(stream, 'end');
  stream.resume();
  await ended;
}
