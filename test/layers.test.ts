import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { circles } from './layers/circles.ts';
import { relativeImports, rules } from './layers/rules.ts';
import { importsOf, parseSource, type Source } from './layers/source.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

function filesOf(folder: string, suffix: RegExp): string[] {
  return readdirSync(`${root}${folder}`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && suffix.test(entry.name))
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(root.length))
    .sort();
}

const sources = filesOf('src', /(?<!\.d)\.ts$/).map((path) =>
  parseSource(path.slice('src/'.length), readFileSync(`${root}${path}`, 'utf8')),
);

describe('src keeps its layers', () => {
  test.each(Object.entries(rules))('%s', (_name, rule) => {
    expect(sources.length).toBeGreaterThan(20);
    expect(sources.flatMap((source) => rule(source).map((complaint) => `src/${source.path} ${complaint}`))).toEqual([]);
  });
});

/** Folders with more than `most` files of their own, those in their subfolders not counted. */
function crowded(paths: readonly string[], most = 14): string[] {
  const counts = new Map<string, number>();
  for (const path of paths) {
    const folder = path.slice(0, path.lastIndexOf('/'));
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count > most).map(([folder, count]) => `${folder}: ${count}`);
}

describe('no folder of more than 14 files', () => {
  test('in src', () => {
    expect(crowded(filesOf('src', /\.ts$/))).toEqual([]);
  });
  test('one would be found, and none that holds 14 and a subfolder', () => {
    const files = (folder: string, count: number) => Array.from({ length: count }, (_, i) => `${folder}/${i}.ts`);
    expect(crowded([...files('src/a', 15), ...files('src/b', 14), ...files('src/b/c', 2)])).toEqual(['src/a: 15']);
  });
});

describe('no import circle', () => {
  test('in src, type imports included', () => {
    expect(circles(sources)).toEqual([]);
  });
  test('one would be found, and nothing else', () => {
    const files = [
      parseSource('a.ts', "import './b/c.ts';"),
      parseSource('b/c.ts', "export type { D } from '../d.ts';"),
      parseSource('d.ts', "import type { A } from './a.ts';\nimport './e.ts';"),
      parseSource('e.ts', "import './f.ts';"),
      parseSource('f.ts', 'x;'),
      parseSource('self.ts', "import './self.ts';"),
    ];
    expect(circles(files)).toEqual([['a.ts', 'b/c.ts', 'd.ts'], ['self.ts']]);
  });
});

interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}
const manifest: Manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

/** Files of src that an entry point of the package leads to. */
function reachable(entries: readonly string[], all: readonly Source[]): Set<string> {
  const byPath = new Map(all.map((source) => [source.path, source]));
  const seen = new Set(entries);
  for (const path of seen) {
    const source = byPath.get(path);
    if (source !== undefined) for (const { target } of relativeImports(source)) seen.add(target);
  }
  return seen;
}

describe('nothing is left over', () => {
  const entries = [...JSON.stringify([manifest.exports, manifest.bin]).matchAll(/\.\/dist\/([\w/-]+)\.js/g)].map(
    ([, path]) => `${path}.ts`,
  );
  test('every file is reached from an entry point', () => {
    const seen = reachable(entries, sources);
    expect(sources.map(({ path }) => path).filter((path) => !seen.has(path))).toEqual([]);
  });
  test('an orphan would be found', () => {
    const chain = [parseSource('a.ts', "import './b/c.ts';"), parseSource('b/c.ts', "export * from '../d.ts';")];
    expect([...reachable(['a.ts'], chain)]).toEqual(['a.ts', 'b/c.ts', 'd.ts']);
  });
  test('every dependency is imported, and nothing but those', () => {
    const packages = sources
      .flatMap((source) => importsOf(source))
      .map(({ specifier }) => /^(?:@[\w-]+\/)?[\w-]+(?=\/|$)/.exec(specifier)?.[0])
      .filter((name) => name !== undefined);
    expect([...new Set(packages)].sort()).toEqual(Object.keys(manifest.dependencies).sort());
  });
});

interface Example {
  readonly rule: string;
  readonly path: string;
  readonly code: string;
}

const bad: readonly Example[] = [
  { rule: 'imports point down', path: 'bytes/reader.ts', code: "import { reject } from '../errors.ts';" },
  { rule: 'imports point down', path: 'record/opener.ts', code: "import { f } from '../handshake/client.ts';" },
  { rule: 'imports point down', path: 'handshake/client.ts', code: "export * from '../record/opener.ts';" },
  { rule: 'imports point down', path: 'x509/verify/verify.ts', code: "import { W } from '../../wire/schema.ts';" },
  { rule: 'imports point down', path: 'wire/schema.ts', code: "type T = import('../keys/hkdf.ts').T;" },
  {
    rule: 'imports point down',
    path: 'connection/connection.ts',
    code: "import { noble } from '../providers/noble.ts';",
  },
  { rule: 'imports point down', path: 'providers/noble.ts', code: "import { f } from '../x509/verify/verify.ts';" },
  { rule: 'imports point down', path: 'adapters/pump.ts', code: "import { f } from './node/server.ts';" },
  { rule: 'imports point down', path: 'adapters/web/index.ts', code: "import { f } from '../node/server.ts';" },
  { rule: 'imports point down', path: 'unknown/thing.ts', code: "import { f } from '../errors.ts';" },
  {
    rule: 'folders of a room keep their floors',
    path: 'x509/path/build.ts',
    code: "import type { Verdict } from '../verify/verify.ts';",
  },
  { rule: 'folders of a room keep their floors', path: 'x509/path/build.ts', code: "import { f } from '../index.ts';" },
  { rule: 'relative imports name the file', path: 'keys/hkdf.ts', code: "import { concat } from '../bytes/concat';" },
  { rule: 'packages have one door each', path: 'x509/asn1/der.ts', code: "import { fromBER } from 'asn1js';" },
  { rule: 'packages have one door each', path: 'keys/hkdf.ts', code: "import { hkdf } from '@noble/hashes/hkdf.js';" },
  { rule: 'packages have one door each', path: 'providers/node.ts', code: "import '@noble/hashes/hkdf.js';" },
  {
    rule: 'packages have one door each',
    path: 'connection/connection.ts',
    code: "import { Duplex } from 'node:stream';",
  },
  { rule: 'packages have one door each', path: 'adapters/web/index.ts', code: "await import('node:net');" },
  { rule: 'packages have one door each', path: 'cli/main.ts', code: "import chalk from 'chalk';" },
  { rule: 'nothing of Node in the core', path: 'bytes/hex.ts', code: "const b = Buffer.from('00', 'hex');" },
  { rule: 'nothing of Node in the core', path: 'connection/connection.ts', code: 'if (process.env.DEBUG) log();' },
  { rule: 'nothing of Node in the core', path: 'connection/connection.ts', code: 'const s = `${process.version}`;' },
  {
    rule: 'no timers outside the adapters',
    path: 'connection/connection.ts',
    code: 'setTimeout(() => this.fail(), 100);',
  },
  { rule: 'no timers outside the adapters', path: 'providers/node.ts', code: 'queueMicrotask(run);' },
  { rule: 'no promises in the core', path: 'handshake/client.ts', code: 'async function f() {}' },
  { rule: 'no promises in the core', path: 'handshake/client.ts', code: 'const x = await f();' },
  { rule: 'no promises in the core', path: 'x509/path/build.ts', code: 'return f().then(g);' },
  { rule: 'no promises in the core', path: 'keys/hkdf.ts', code: 'return new Promise(run);' },
  { rule: 'no promises in the core', path: 'handshake/terms/script.ts', code: 'return Promise.all([a, b]);' },
  { rule: 'secrets are exposed in keys and providers only', path: 'record/sealer.ts', code: 'use(secret.expose());' },
  {
    rule: 'secrets are exposed in keys and providers only',
    path: 'connection/connection.ts',
    code: 'const { expose } = secret;',
  },
  { rule: 'no file over 450 lines', path: 'wire/enums.ts', code: 'x;\n'.repeat(451) },
];

const fine: readonly Example[] = [
  {
    rule: 'imports point down',
    path: 'adapters/node/connect.ts',
    code: "import { f } from '../../providers/noble.ts';",
  },
  {
    rule: 'imports point down',
    path: 'x509/create/create.ts',
    code: "import { SignatureScheme } from '../../wire/enums.ts';",
  },
  { rule: 'imports point down', path: 'bytes/hex.ts', code: "// import { f } from '../errors.ts';" },
  { rule: 'nothing of Node in the core', path: 'bytes/hex.ts', code: "/* Buffer */ const s = 'Buffer'; // process" },
  { rule: 'nothing of Node in the core', path: 'wire/dump.ts', code: 'const s = `the process of ${name}`;' },
  { rule: 'nothing of Node in the core', path: 'adapters/node/server.ts', code: 'process.emitWarning(text);' },
  {
    rule: 'no promises in the core',
    path: 'handshake/terms/script.ts',
    code: 'return isThenable(a) ? a.then(f) : f(a);',
  },
  { rule: 'no file over 450 lines', path: 'wire/enums.ts', code: 'x;\n'.repeat(450) },
];

describe('each rule can fail', () => {
  test('each rule has an example', () => {
    expect([...new Set(bad.map(({ rule }) => rule))].sort()).toEqual(Object.keys(rules).sort());
  });
  test.each(bad)('$rule: $path $code', ({ rule, path, code }) => {
    expect(rules[rule]?.(parseSource(path, code))).toHaveLength(1);
  });
  test.each(fine)('holds: $rule: $path $code', ({ rule, path, code }) => {
    expect(rules[rule]?.(parseSource(path, code))).toEqual([]);
  });
});

describe('the source parser', () => {
  test('finds every form of import, and the line of each', () => {
    const text = [
      "import a from 'a';",
      "import type { B } from 'b';",
      'import {',
      '  c,',
      "} from 'c';",
      "export * from 'd';",
      "export { e } from 'e';",
      "import 'f';",
      "const g = import('g');",
      "const s = 'import x from'; // import h from 'h'",
      'const t = `import i from ${b} "i"`;',
      "const r = /['\"]/; type J = import('j').J;",
    ].join('\n');
    expect(importsOf(parseSource('x.ts', text)).map(({ specifier, line }) => `${specifier}${line}`)).toEqual([
      'a1',
      'b2',
      'c3',
      'd6',
      'e7',
      'f8',
      'g9',
      'j12',
    ]);
  });
  test('reads code inside templates and nothing else of them', () => {
    const { code } = parseSource('x.ts', 'const a = `one ${two({ x: `three ${four}` })} five` + six;');
    expect(code.match(/\w+/g)).toEqual(['const', 'a', 'two', 'x', 'four', 'six']);
  });
  test('tells division from a regular expression', () => {
    expect(parseSource('x.ts', "const a = b / c; const d = 'e' / f;").strings).toEqual(['e']);
  });
});

/** The project speaks of itself alone, and names no host that packages come from. */
const foreign = /\bregistry\.[a-z]+\.[a-z]{2,}|\bnpmjs\b|\/work\/|\bissue \d|\bhelper session/i;

describe('text of the project', () => {
  const texts = [
    ...['src', 'test', 'bench', '.ci'].flatMap((folder) => filesOf(folder, /./)),
    ...readdirSync(root, { withFileTypes: true })
      // In a worktree, .git is a file.
      .filter((entry) => entry.isFile() && entry.name !== '.git' && !entry.name.endsWith('.tgz'))
      .map((entry) => entry.name),
  ];
  test('holds nothing foreign', () => {
    expect(texts.filter((path) => foreign.test(readFileSync(`${root}${path}`, 'utf8')))).toEqual([]);
  });
  test.each([
    ['fetch from registry.', 'example.org'],
    ['see ', '/work', '/main'],
    ['as issue', ' 2 says'],
  ])('would be found: %s%s', (...parts) => {
    expect(parts.join('')).toMatch(foreign);
  });
  test('no test or bench over 500 lines', () => {
    const long = texts.filter(
      (path) => path.endsWith('.ts') && readFileSync(`${root}${path}`, 'utf8').trimEnd().split('\n').length > 500,
    );
    expect(long).toEqual([]);
  });
});
