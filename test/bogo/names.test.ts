import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { errorMap } from './names.ts';

interface ShimConfig {
  readonly DisabledTests: Readonly<Record<string, string>>;
  readonly ErrorMap: Readonly<Record<string, readonly string[]>>;
}

const config: ShimConfig = JSON.parse(readFileSync(new URL('config.json', import.meta.url), 'utf8'));

test('the runner is told of each code of ours under one name of theirs', () => {
  expect(config.ErrorMap).toEqual(errorMap());
  const codes = Object.values(config.ErrorMap).flat();
  expect(new Set(codes).size).toBe(codes.length);
  // No code is part of another one either: the runner looks for substrings.
  for (const code of codes) expect(code).toMatch(/^:[A-Z0-9_]+:$/);
});

test('every disabled test says why', () => {
  for (const [pattern, reason] of Object.entries(config.DisabledTests)) expect(reason, pattern).toMatch(/\w/);
});
