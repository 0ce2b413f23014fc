import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { take } from '../data.ts';
import { open } from '../pair.ts';
import type { Scenario } from '../types.ts';

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
