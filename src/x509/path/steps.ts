import { type Awaitable, isThenable } from '../../crypto/provider.ts';

/**
 * Work that may have to wait in the middle: a generator that yields each promise that it waits for. Where no answer is a
 * promise, it runs in one go.
 */
export type Steps<T> = Generator<Awaitable<unknown>, T, unknown>;

/** `const answer = yield* wait(question())` */
export function* wait<T>(value: Awaitable<T>): Generator<Awaitable<T>, T, unknown> {
  if (!isThenable(value)) return value;
  return (yield value) as T;
}

/** Runs to the end: at once where no answer was a promise, else the result is a promise. */
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
