import { describe, expect, test } from 'vitest';
import { StrikeRegister } from '#opentls/session/replay';
import { randomBytes } from '../random.ts';

const bytes = randomBytes(82);
const START = 1_000_000_000;
const window = 20_000;

describe('a ClientHello is admitted once, RFC 9846 §8.2', () => {
  test.each<[string, readonly number[], readonly boolean[]]>([
    ['at once', [0, 0], [true, false]],
    ['as long as it is remembered', [0, 1, window - 1, window], [true, false, false, false]],
    ['until it is too old to be taken', [0, window + 1], [true, true]],
    ['from its first time on: to come again does not prolong it', [0, window - 1, window + 1], [true, false, true]],
    ['and remembered again', [0, window + 1, 2 * window], [true, true, false]],
  ])('%s', (_, times, verdicts) => {
    const register = new StrikeRegister({ window });
    const id = bytes(32);
    expect(times.map((time) => register.admit(id.slice(), START + time))).toEqual(verdicts);
  });

  test('another one is another one', () => {
    const register = new StrikeRegister({ window });
    const id = bytes(32);
    const others = [
      id.map((byte, i) => (i === 31 ? byte ^ 1 : byte)),
      id.subarray(0, 31),
      new Uint8Array(0),
      bytes(48),
    ];
    expect([id, ...others].map((each) => register.admit(each, START))).toEqual([true, true, true, true, true]);
    expect([id, ...others].map((each) => register.admit(each, START))).toEqual([false, false, false, false, false]);
  });

  test('the window is twenty seconds where nothing is said: twice the ten that an age may be wrong by', () => {
    const register = new StrikeRegister();
    const id = bytes(32);
    expect([0, 19_999, 20_001].map((time) => register.admit(id, START + time))).toEqual([true, false, true]);
  });

  test('what it is given may be used again', () => {
    const register = new StrikeRegister({ window });
    const id = bytes(32);
    const copy = id.slice();
    register.admit(id, START);
    id.fill(0);
    expect(register.admit(copy, START)).toBe(false);
  });
});

describe('what it cannot tell it refuses', () => {
  test.each([1, 3])('a register that is full, of %i', (capacity) => {
    const register = new StrikeRegister({ window, capacity });
    const ids = Array.from({ length: capacity + 1 }, () => bytes(32));
    expect(ids.map((id, i) => register.admit(id, START + i))).toEqual(ids.map((_, i) => i < capacity));
    // The first one is forgotten, and the next a little later.
    expect(register.admit(bytes(32), START + window - 1)).toBe(false);
    expect(register.admit(bytes(32), START + window + 1)).toBe(true);
    expect(register.admit(bytes(32), START + window + 2)).toBe(capacity > 1);
  });

  test('a flood is forgotten in time', () => {
    const register = new StrikeRegister({ window, capacity: 1000 });
    for (const round of [0, 1, 2]) {
      const admitted = Array.from({ length: 1500 }, () => register.admit(bytes(16), START + round * (window + 1)));
      expect(admitted.filter(Boolean)).toHaveLength(1000);
    }
  });

  test('what came before it was there, §8.2', () => {
    const register = new StrikeRegister({ window }, START);
    const times = [-1, 0, window - 1, window + 1];
    expect(times.map((time) => register.admit(bytes(32), START + time))).toEqual([false, false, false, true]);
  });
});

describe('a clock that goes forward and back', () => {
  const ahead = START + 100 * window;

  test.each([-window, -1, 0, 1, window - 1])('what it forgot ahead is not new again at %i', (time) => {
    const register = new StrikeRegister({ window });
    const [first, second] = [bytes(32), bytes(32)];
    expect(register.admit(first, START)).toBe(true);
    expect(register.admit(second, ahead)).toBe(true);
    expect(register.admit(first, START + time)).toBe(false);
    expect(register.admit(second, START + time)).toBe(false);
  });

  // As long as it is remembered by a clock that goes on: that is when its age would still pass.
  test('nor at the very end of its window', () => {
    const register = new StrikeRegister({ window });
    const first = bytes(32);
    expect(register.admit(first, START)).toBe(true);
    expect(register.admit(bytes(32), ahead)).toBe(true);
    expect(register.admit(first, START + window)).toBe(false);
  });

  test('what came while it was ahead is remembered until it is there again', () => {
    const register = new StrikeRegister({ window });
    const [first, second, third] = [bytes(32), bytes(32), bytes(32)];
    expect([register.admit(first, ahead), register.admit(second, START), register.admit(third, START + 1)]).toEqual([
      true,
      true,
      true,
    ]);
    for (const time of [START + window, START + 2 * window, ahead, ahead + window]) {
      expect([first, second, third].map((id) => register.admit(id, time))).toEqual([false, false, false]);
    }
    expect(register.admit(first, ahead + window + 1)).toBe(true);
  });
});

describe('a clock that is set back', () => {
  test.each([1, 5000, window, 100 * window])('by %i does not make it forget', (back) => {
    const register = new StrikeRegister({ window });
    const [first, second] = [bytes(32), bytes(32)];
    expect(register.admit(first, START)).toBe(true);
    expect(register.admit(first, START - back)).toBe(false);
    register.admit(second, START - back);
    expect(register.admit(second, START - back)).toBe(false);
    expect(register.admit(first, START - back + window)).toBe(false);
    expect(register.admit(first, START + window - 1)).toBe(false);
    expect(register.admit(first, START + window + 1)).toBe(true);
  });
});
