import { relativeImports } from './rules.ts';
import type { Source } from './source.ts';

/**
 * Groups of files each of which leads to each other by imports, type imports included: Tarjan's strongly connected
 * components of more than one file. Paths are sorted.
 */
export function circles(sources: readonly Source[]): string[][] {
  const targets = new Map(sources.map((source) => [source.path, relativeImports(source).map(({ target }) => target)]));
  const number = new Map<string, number>();
  const low = new Map<string, number>();
  const open: string[] = [];
  const found: string[][] = [];

  function visit(path: string): number {
    const own = number.size;
    number.set(path, own);
    low.set(path, own);
    open.push(path);
    for (const target of targets.get(path) ?? []) {
      if (!targets.has(target)) continue;
      if (!number.has(target)) visit(target);
      else if (!open.includes(target)) continue;
      low.set(path, Math.min(low.get(path) ?? own, low.get(target) ?? own));
    }
    if (low.get(path) === own) {
      const group = open.splice(open.indexOf(path));
      if (group.length > 1 || targets.get(path)?.includes(path)) found.push(group.sort());
    }
    return own;
  }

  for (const path of targets.keys()) if (!number.has(path)) visit(path);
  return found;
}
