/** Repeatable pseudo-random bytes for tests (xorshift32): a failure names its seed and can be run again. */
export function randomBytes(seed: number): (length: number) => Uint8Array {
  const next = randomNumbers(seed);
  return (length) => Uint8Array.from({ length }, () => next(256));
}

/** Repeatable integers in 0..bound-1. */
export function randomNumbers(seed: number): (bound: number) => number {
  let state = (seed * 0x9e3779b9) >>> 0 || 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % bound;
  };
}
