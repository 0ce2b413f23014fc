import { type Awaitable, isThenable } from '../../crypto/provider.ts';

/**
 * Work that may have to wait in the middle: a generator that yields what it waits for. Written in order, it runs in one
 * go where nothing is late.
 */
export type Steps<T> = Generator<Awaitable<unknown>, T, unknown>;

/** `const answer = yield* wait(question())` */
export function* wait<T>(value: Awaitable<T>): Generator<Awaitable<T>, T, unknown> {
  if (!isThenable(value)) return value;
  return (yield value) as T;
}

/** Runs to the end: at once where nothing had to be waited for, later where something had. */
export function run<T>(steps: Steps<T>): Awaitable<T> {
  return advance(steps, steps.next());
}

function advance<T>(steps: Steps<T>, step: IteratorResult<Awaitable<unknown>, T>): Awaitable<T> {
  let current = step;
  while (current.done !== true) {
    const { value } = current;
    if (isThenable(value)) {
      return value.then(
        (answer) => advance(steps, steps.next(answer)),
        (error) => advance(steps, steps.throw(error)),
      );
    }
    current = steps.next(value);
  }
  return current.value;
}
