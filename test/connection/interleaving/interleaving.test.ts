import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomNumbers } from '../../kit/random.ts';
import { askNames, fates, seen } from './answers.ts';
import { Run } from './run.ts';

// Two connections, all that they may ask for, and everything that may happen to them, in any order.

const RUNS = 300;
const FIRST_SEED = 1;

async function play(index: number): Promise<void> {
  const seed = FIRST_SEED + index;
  const run = new Run(index, randomNumbers(seed));
  try {
    await run.rest();
    const { ask, intervention } = run.plan.trouble;
    if (ask === undefined && intervention === undefined) await run.finish();
    if (ask === undefined && intervention?.kind === 'closeWrite') run.checkHalfClosed();
    await run.bury();
  } catch (cause) {
    const { message } = cause as Error;
    throw new Error(`seed ${seed}, ${JSON.stringify(run.plan)}: ${message}`, { cause });
  }
}

const unhandled: unknown[] = [];
const onUnhandled = (error: unknown): void => void unhandled.push(error);

describe('whatever the order', () => {
  beforeAll(() => void process.on('unhandledRejection', onUnhandled));
  afterAll(() => void process.off('unhandledRejection', onUnhandled));

  test(`${RUNS} runs end well, or in one error, and leave no secret`, async () => {
    for (let index = 0; index < RUNS; index++) {
      await play(index);
      expect(unhandled).toEqual([]);
    }
  }, 60_000);

  test('everything was asked for, and answered in every way', () => {
    const missing = askNames.flatMap((what) =>
      fates.flatMap((fate) => (seen.has(`${what} ${fate}`) ? [] : [`${what} ${fate}`])),
    );
    expect(missing).toEqual([]);
  });
});
