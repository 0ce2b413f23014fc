import type { Note } from './behaviour.ts';

export interface Comparison {
  readonly verdict: 'same' | 'by design' | 'differs';
  /** Lines of `node:tls` after `-` and of opentls after `+`, for each track that differs. */
  readonly difference: readonly string[];
  /** Whether the behaviour itself failed: then both may be wrong alike. */
  readonly broken: boolean;
}

/** Compares what was noted of `node:tls` with what was noted of opentls, track by track. */
export function compare(
  expected: readonly Note[],
  actual: readonly Note[],
  byDesign: Readonly<Record<string, string>> = {},
): Comparison {
  const meant = ({ track, label }: Note): boolean => track in byDesign || `${track}: ${label}` in byDesign;
  const without = (notes: readonly Note[]): readonly Note[] => notes.filter((note) => !meant(note));
  const difference = differences(without(expected), without(actual));
  const broken = [...expected, ...actual].some(({ track }) => track === 'trial') || expected.length === 0;
  if (difference.length > 0) return { verdict: 'differs', difference, broken };
  const full = differences(expected, actual);
  return { verdict: full.length > 0 ? 'by design' : 'same', difference: full, broken };
}

function differences(expected: readonly Note[], actual: readonly Note[]): readonly string[] {
  const tracks = new Set([...expected, ...actual].map(({ track }) => track));
  return [...tracks].flatMap((track) => {
    const [left, right] = [lines(expected, track), lines(actual, track)];
    if (left.join('\n') === right.join('\n')) return [];
    return [`${track}:`, ...changed('-', left, right), ...changed('+', right, left)];
  });
}

function lines(notes: readonly Note[], track: string): readonly string[] {
  return notes.filter((note) => note.track === track).map(({ label, text }) => `${label} ${text}`.trimEnd());
}

/** The lines from the first to the last that the other side does not have in the same place. */
function changed(sign: string, own: readonly string[], other: readonly string[]): readonly string[] {
  let start = 0;
  while (start < own.length && own[start] === other[start]) start++;
  let end = 0;
  while (end < own.length - start && end < other.length - start && own.at(-1 - end) === other.at(-1 - end)) end++;
  return own.slice(start, own.length - end).map((line) => `  ${sign} ${line}`);
}
