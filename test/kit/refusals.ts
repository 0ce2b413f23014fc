import { expect } from 'vitest';
import { TlsError } from '#opentls/errors';

/** Returns what `operation` throws, undefined where it returns. */
export function thrownBy(operation: () => unknown): unknown {
  try {
    operation();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Expects that `operation` throws a {@link TlsError} with these properties. */
export function expectRefusal(
  operation: () => unknown,
  expected: Partial<Pick<TlsError, 'code' | 'alert' | 'blame'>>,
): void {
  const thrown = thrownBy(operation);
  expect(thrown).toBeInstanceOf(TlsError);
  expect(thrown).toMatchObject(expected);
}
