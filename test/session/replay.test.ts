import { describe, expect, test } from 'vitest';
import { StrikeRegister } from '#opentls/session/replay';
import { randomBytes } from '../kit/random.ts';

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
    const register = new StrikeRegister({}, Number.NEGATIVE_INFINITY);
    const id = bytes(32);
    expect(times.map((time) => register.admit(id.slice(), START + time, window))).toEqual(verdicts);
  });

  test('another one is another one', () => {
    const register = new StrikeRegister({}, Number.NEGATIVE_INFINITY);
    const id = bytes(32);
    const others = [
      id.map((byte, i) => (i === 31 ? byte ^ 1 : byte)),
      id.subarray(0, 31),
      new Uint8Array(0),
      bytes(48),
    ];
    expect([id, ...others].map((each) => register.admit(each, START, window))).toEqual([true, true, true, true, true]);
    expect([id, ...others].map((each) => register.admit(each, START, window))).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  test('the window is twenty seconds where nothing is said: twice the ten that an age may be wrong by', () => {
    const register = new StrikeRegister({}, Number.NEGATIVE_INFINITY);
    const id = bytes(32);
    expect([0, 19_999, 20_001].map((time) => register.admit(id, START + time, window))).toEqual([true, false, true]);
  });

  test('what it is given may be used again', () => {
    const register = new StrikeRegister({}, Number.NEGATIVE_INFINITY);
    const id = bytes(32);
    const copy = id.slice();
    register.admit(id, START, window);
    id.fill(0);
    expect(register.admit(copy, START, window)).toBe(false);
  });
});

describe('what it cannot tell it refuses', () => {
  test.each([1, 3])('a register that is full, of %i', (capacity) => {
    const register = new StrikeRegister({ capacity }, Number.NEGATIVE_INFINITY);
    const ids = Array.from({ length: capacity + 1 }, () => bytes(32));
    expect(ids.map((id, i) => register.admit(id, START + i, window))).toEqual(ids.map((_, i) => i < capacity));
    // The first one is forgotten, and the next a little later.
    expect(register.admit(bytes(32), START + window - 1, window)).toBe(false);
    expect(register.admit(bytes(32), START + window + 1, window)).toBe(true);
    expect(register.admit(bytes(32), START + window + 2, window)).toBe(capacity > 1);
  });

  test('a flood is forgotten in time', () => {
    const register = new StrikeRegister({ capacity: 1000 }, Number.NEGATIVE_INFINITY);
    for (const round of [0, 1, 2]) {
      const admitted = Array.from({ length: 1500 }, () =>
        register.admit(bytes(16), START + round * (window + 1), window),
      );
      expect(admitted.filter(Boolean)).toHaveLength(1000);
    }
  });

  test('what came before it was there, §8.2', () => {
    const register = new StrikeRegister({}, START);
    const times = [-1, 0, window - 1, window + 1];
    expect(times.map((time) => register.admit(bytes(32), START + time, window))).toEqual([false, false, false, true]);
  });
});

describe('a register that has just been made', () => {
  test.each([
    ['the system', 0],
    ['another clock, ahead', 400 * 86_400_000],
    ['another clock, behind', -400 * 86_400_000],
  ])('refuses until its window has passed, by the clock of %s', (_, offset) => {
    const register = new StrikeRegister();
    const now = Date.now() + offset;
    const times = [0, 1, window - 1000, window + 1, window + 2];
    expect(times.map((time) => register.admit(bytes(32), now + time, window))).toEqual([
      false,
      false,
      false,
      true,
      true,
    ]);
  });

  test('the window that counts is that of the ClientHello', () => {
    const register = new StrikeRegister({}, START);
    expect(register.admit(bytes(32), START + 1001, 1001)).toBe(false);
    expect(register.admit(bytes(32), START + 1001, 1000)).toBe(true);
  });
});

describe('it remembers for as long as it is told', () => {
  test.each([0, 1, 20_000, 120_000, 604_800_000])('a window of %i ms', (wide) => {
    const register = new StrikeRegister({}, Number.NEGATIVE_INFINITY);
    const id = bytes(32);
    const times = [0, wide / 2, wide, wide + 1];
    expect(times.map((time) => register.admit(id, START + time, wide))).toEqual([true, false, false, true]);
  });

  test.each([
    [1000, 60_000],
    [60_000, 1000],
  ])('where one server says %i, and another %i', (one, other) => {
    const register = new StrikeRegister({}, Number.NEGATIVE_INFINITY);
    const id = bytes(32);
    expect(register.admit(id, START, one)).toBe(true);
    // Others come and go, so that what is old is forgotten.
    for (let time = 0; time <= 60_000; time += 500) {
      register.admit(bytes(32), START + time, one);
      expect(register.admit(id, START + time, other) && time <= other).toBe(false);
    }
  });

  test.each([
    [Number.NaN, window],
    [START, Number.NaN],
    [START, Number.POSITIVE_INFINITY],
    [START, -1],
    [Number.POSITIVE_INFINITY, window],
  ])('at %s for %s: what cannot be reckoned with is refused', (now, odd) => {
    const register = new StrikeRegister({}, Number.NEGATIVE_INFINITY);
    expect([register.admit(bytes(32), now, odd), register.admit(bytes(32), now, odd)]).toEqual([false, false]);
    expect(register.admit(bytes(32), START, window)).toBe(true);
  });
});

test.each([
  [{ capacity: Number.NaN }, 0],
  [{ capacity: -1 }, 0],
  [{ capacity: '10' }, 0],
  [{}, Number.NaN],
  [{}, '0'],
  [{}, null],
])('%j, knowing since %j: what cannot be compared is refused at the door', (options, knowsSince) => {
  expect(() => new StrikeRegister(options as never, knowsSince as never)).toThrow(
    expect.objectContaining({ code: 'ERR_TLS_CONFIG' }),
  );
});

describe('a clock that was ahead and is set right', () => {
  const day = 86_400_000;

  function afterwards(capacity: number): { register: StrikeRegister; taken: Uint8Array[] } {
    const register = new StrikeRegister({ capacity }, Number.NEGATIVE_INFINITY);
    const taken = Array.from({ length: capacity }, () => bytes(32));
    // All of it within one window, and without a break.
    for (const id of taken) expect(register.admit(id, START + 3 * day, window)).toBe(true);
    expect(register.admit(bytes(32), START + 3 * day, window)).toBe(false);
    return { register, taken };
  }

  test('leaves no register full', () => {
    const { register } = afterwards(100);
    const admitted = Array.from({ length: 100 }, (_, i) => register.admit(bytes(32), START + i, window));
    expect(admitted.every(Boolean)).toBe(true);
  });

  test('nor one that refuses for days what it forgot ahead', () => {
    const { register } = afterwards(100);
    // A window later all of that is forgotten.
    expect(register.admit(bytes(32), START + 3 * day + window + 1, window)).toBe(true);
    expect(register.admit(bytes(32), START, window)).toBe(true);
  });

  test('and what it took then is not taken when that time comes', () => {
    const { register, taken } = afterwards(100);
    for (let time = 0; time < 3 * day - window; time += day / 4) {
      expect(register.admit(bytes(32), START + time, window)).toBe(true);
      for (let i = 0; i < 100; i++) register.admit(bytes(32), START + time, window);
    }
    for (const time of [-window, -1, 0, 1, window]) {
      expect(taken.some((id) => register.admit(id, START + 3 * day + time, window))).toBe(false);
    }
    expect(register.admit(bytes(32), START + 3 * day + window + 1, window)).toBe(true);
  });

  test('again and again: it keeps to what it may not take', () => {
    const register = new StrikeRegister({ capacity: 10 }, Number.NEGATIVE_INFINITY);
    const taken: [Uint8Array, number][] = [];
    for (let round = 0; round < 40; round++) {
      for (const time of [START + round * 60_000, START + (1 + ((round * 7) % 11)) * day + round]) {
        for (let i = 0; i < 12; i++) {
          const id = bytes(32);
          if (register.admit(id, time, window)) taken.push([id, time]);
        }
      }
    }
    expect(taken.length).toBeGreaterThan(100);
    for (const [id, time] of taken) expect(register.admit(id, time, window)).toBe(false);
  });
});

describe('a clock that goes forward and back', () => {
  const ahead = START + 100 * window;

  test.each([-window, -1, 0, 1, window - 1])('what it forgot ahead is not new again at %i', (time) => {
    const register = new StrikeRegister({}, Number.NEGATIVE_INFINITY);
    const [first, second] = [bytes(32), bytes(32)];
    expect(register.admit(first, START, window)).toBe(true);
    expect(register.admit(second, ahead, window)).toBe(true);
    expect(register.admit(first, START + time, window)).toBe(false);
    expect(register.admit(second, START + time, window)).toBe(false);
  });

  // As long as it is remembered by a clock that goes on: that is when its age would still pass.
  test('nor at the very end of its window', () => {
    const register = new StrikeRegister({}, Number.NEGATIVE_INFINITY);
    const first = bytes(32);
    expect(register.admit(first, START, window)).toBe(true);
    expect(register.admit(bytes(32), ahead, window)).toBe(true);
    expect(register.admit(first, START + window, window)).toBe(false);
  });

  test('what came while it was ahead is remembered until it is there again', () => {
    const register = new StrikeRegister({}, Number.NEGATIVE_INFINITY);
    const [first, second, third] = [bytes(32), bytes(32), bytes(32)];
    expect([
      register.admit(first, ahead, window),
      register.admit(second, START, window),
      register.admit(third, START + 1, window),
    ]).toEqual([true, true, true]);
    for (const time of [START + window, START + 2 * window, ahead, ahead + window]) {
      expect([first, second, third].map((id) => register.admit(id, time, window))).toEqual([false, false, false]);
    }
    expect(register.admit(first, ahead + window + 1, window)).toBe(true);
  });
});

describe('a clock that is set back', () => {
  test.each([1, 5000, window, 100 * window])('by %i does not make it forget', (back) => {
    const register = new StrikeRegister({}, Number.NEGATIVE_INFINITY);
    const [first, second] = [bytes(32), bytes(32)];
    expect(register.admit(first, START, window)).toBe(true);
    expect(register.admit(first, START - back, window)).toBe(false);
    register.admit(second, START - back, window);
    expect(register.admit(second, START - back, window)).toBe(false);
    expect(register.admit(first, START - back + window, window)).toBe(false);
    expect(register.admit(first, START + window - 1, window)).toBe(false);
    expect(register.admit(first, START + window + 1, window)).toBe(true);
  });
});
