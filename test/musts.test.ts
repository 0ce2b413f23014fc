// Every demand of RFC 9846 has its test, or a reason to have none: vectors/rfc9846-musts.json is the list.
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

/** A sentence of the RFC with MUST, SHALL or REQUIRED. */
interface Entry {
  /** Section and number of the sentence there; what goes on counting splits a sentence with several demands. */
  readonly id: string;
  readonly section: string;
  readonly role: 'client' | 'server' | 'both' | 'sender' | 'receiver';
  readonly must: string;
  /** `file > part of a title > part of another`; the rows of a `test.each` count as titles. */
  readonly tests?: readonly string[];
  /** Tests of BoringSSL's runner. */
  readonly bogo?: readonly string[];
  /** Why there is no test. */
  readonly reason?: string;
}

interface Musts {
  /** Sentences per section. */
  readonly counts: Readonly<Record<string, number>>;
  readonly entries: readonly Entry[];
}

const root = new URL('../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const { counts, entries } = JSON.parse(read('vectors/rfc9846-musts.json')) as Musts;

describe('the list of demands', () => {
  test('has each one once, under a section of the RFC', () => {
    const ids = entries.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const wrong = entries.filter(({ id, section }) => {
      return !/^(?:[1-9]|1[01]|[A-F])(?:\.[1-9]\d*)*$/.test(section) || !/^-[1-9]\d*$/.test(id.slice(section.length));
    });
    expect(wrong).toEqual([]);
    expect(entries.filter(({ id, section }) => !id.startsWith(section))).toEqual([]);
  });

  test('leaves none out: each section has as many as the RFC has sentences', () => {
    const missing = Object.entries(counts).flatMap(([section, count]) => {
      const numbers = Array.from({ length: count }, (_, i) => `${section}-${i + 1}`);
      return numbers.filter((wanted) => !entries.some(({ id }) => id === wanted));
    });
    expect(missing).toEqual([]);
    expect(entries.filter(({ section }) => !(section in counts))).toEqual([]);
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(332);
  });

  test('says of each whom it binds and what it asks, in short', () => {
    const roles = ['client', 'server', 'both', 'sender', 'receiver'];
    const wrong = entries.filter(({ role, must }) => !roles.includes(role) || must.length < 3 || must.length > 140);
    expect(wrong).toEqual([]);
  });

  test('has tests, or a reason, and not both', () => {
    const wrong = entries.filter(({ tests = [], bogo = [], reason }) => {
      return tests.length + bogo.length > 0 ? reason !== undefined : (reason ?? '').trim().length < 20;
    });
    expect(wrong).toEqual([]);
  });
});

describe('what is cited', () => {
  test('are tests that there are', () => {
    const missing = entries.flatMap(({ id, tests = [] }) =>
      tests.filter((cited) => !isThere(cited)).map((cited) => `${id}: ${cited}`),
    );
    expect(missing).toEqual([]);
  });

  const tsv = '../shared/bogo/tests-tls13.tsv';
  const absent = !existsSync(new URL(tsv, root));
  const title = 'are tests of BoringSSL’s runner that are not disabled';
  test.skipIf(absent)(absent ? `${title} (skipped: their names are not beside the repository)` : title, () => {
    const names = new Set(
      read(tsv)
        .split('\n')
        .map((line) => line.split('\t')[0]),
    );
    const { DisabledTests } = JSON.parse(read('test/bogo/config.json')) as { DisabledTests: Record<string, string> };
    const disabled = Object.keys(DisabledTests).map(expressionOf);
    const wrong = entries.flatMap(({ id, bogo = [] }) => {
      const unknown = bogo.filter((name) => !names.has(name)).map((name) => `${id}: ${name} is none`);
      const off = bogo.filter((name) => disabled.some((pattern) => pattern.test(name)));
      return [...unknown, ...off.map((name) => `${id}: ${name} is disabled`)];
    });
    expect(wrong).toEqual([]);
  });
});

const literals = new Map<string, readonly string[]>();

/** Whether each part of the citation stands in a string of that file: titles are strings there, whole. */
function isThere(cited: string): boolean {
  const [file = '', ...titles] = cited.split(' > ');
  if (!/^test\/[\w/-]+\.test\.ts$/.test(file) || !existsSync(new URL(file, root)) || titles.length === 0) return false;
  const strings = literals.get(file) ?? stringsOf(read(file));
  literals.set(file, strings);
  return titles.every((part) => part.length > 0 && strings.some((text) => text.includes(part)));
}

function stringsOf(source: string): string[] {
  const quoted = /'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g;
  return [...source.matchAll(quoted)].map(([, single, double, template]) => single ?? double ?? template ?? '');
}

/** As Go's `filepath.Match` has it. */
function expressionOf(glob: string): RegExp {
  const escaped = glob.replace(/[.+^${}()|\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}
