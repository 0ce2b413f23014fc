import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Area } from './run.ts';

/** The page that lists what differs from `node:tls`. */
export const page: string = fileURLToPath(new URL('../../src/adapters/node/README.md', import.meta.url));

const HEADING = '### Differences that the comparison shows\n';
const INTRODUCTION =
  '\n[`npm run parity`](../../../test/parity/README.md) compares opentls with `node:tls` behaviour by behaviour. These notes\n' +
  'differ on purpose; the list is made from the behaviours.\n\n';

/** The reasons of all behaviours that differ on purpose, each once. */
export function reasons(areas: readonly Area[]): readonly string[] {
  const all = areas.flatMap(({ behaviours }) => behaviours.flatMap(({ byDesign = {} }) => Object.values(byDesign)));
  return [...new Set(all)];
}

/** The page with the list as the behaviours have it. */
export function withDifferences(text: string, areas: readonly Area[]): string {
  const start = text.indexOf(HEADING) + HEADING.length;
  const end = text.indexOf('\n## ', start);
  if (start < HEADING.length || end < 0) throw new Error('the page has no section for the differences');
  const list = reasons(areas).map((reason) => `- ${reason}\n`);
  return text.slice(0, start) + INTRODUCTION + list.join('') + text.slice(end);
}

/** Writes the list into the page. */
export function writeDifferences(areas: readonly Area[]): void {
  writeFileSync(page, withDifferences(readFileSync(page, 'utf8'), areas));
}
