import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Run } from './runner.ts';

/**
 * Prints every failed test with its reason, and the sums.
 * @param everything a run of all tests that there are, disabled or not, for the reasons; undefined where nobody wants
 * to know
 * @param list name the unimplemented tests too
 * @returns the exit code
 */
export function printReport(run: Run, everything: Run | undefined, list: boolean): number {
  const names = [...run.results.keys()].sort();
  const unimplemented = names.filter((name) => run.results.get(name) === 'SKIP');
  const failed = names.filter((name) => !['PASS', 'SKIP'].includes(run.results.get(name) ?? ''));
  const passed = names.length - unimplemented.length - failed.length;
  if (list) for (const name of unimplemented) console.log(`unimplemented  ${name}`);
  for (const name of failed) console.log(`failed  ${name}\n${indent(run.reasons.get(name) ?? 'no reason given')}`);
  const disabled = [...(everything?.results.keys() ?? [])].filter((name) => !run.results.has(name));
  for (const [reason, count] of countReasons(disabled)) console.log(`disabled  ${count} ${reason}`);
  const rest = `${run.total - names.length} ${run.selected ? 'disabled or not asked for' : 'disabled'}`;
  console.log(`${passed} passed, ${failed.length} failed, ${rest}, ${unimplemented.length} unimplemented`);
  return failed.length > 0 ? 1 : 0;
}

/** By the reasons of config.json, most first; what two patterns match counts for the first one. */
function countReasons(names: readonly string[]): (readonly [string, number])[] {
  const config = JSON.parse(readFileSync(join(import.meta.dirname, '../config.json'), 'utf8')) as {
    readonly DisabledTests: Readonly<Record<string, string>>;
  };
  const patterns = Object.entries(config.DisabledTests).map(([glob, reason]) => [expressionOf(glob), reason] as const);
  const counts = new Map<string, number>();
  for (const name of names) {
    const reason = patterns.find(([expression]) => expression.test(name))?.[1] ?? 'not by config.json';
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a);
}

/** As Go's `filepath.Match` has it: names of tests hold no slash. */
function expressionOf(glob: string): RegExp {
  const escaped = glob.replace(/[.+^${}()|\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '    ');
}
