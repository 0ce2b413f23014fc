import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientRules, serverRules } from '#opentls/handshake/terms/config-rules';
import { verifyRules } from '#opentls/x509/verify/rules';
import { type Page, pages, programNamed } from './kit/pages.ts';
import { Folder, freePort, root } from './kit/programs.ts';

const top = pages[0] ?? expect.fail('no README');
/** Programs that write what the others read, in order; they run once, and every page gets a copy of their files. */
const makers = ['certificate.mjs', 'issue.mjs'];
/** The two that need each other. */
const pair = ['server.mjs', 'client.mjs'];

describe('the programs', () => {
  const made = new Folder('readme');
  const used: Folder[] = [made];
  const printed = new Map<string, string>();

  beforeAll(async () => {
    for (const name of makers) printed.set(name, await made.run(name, programNamed(name).code));
  });
  afterAll(() => {
    for (const folder of used) folder.remove();
  });

  function folderWithFiles(name: string): Folder {
    const folder = new Folder(name);
    used.push(folder);
    cpSync(made.path, folder.path, { recursive: true });
    return folder;
  }

  test.each(makers)('%s prints what stands behind it', (name) => {
    expect(printed.get(name)).toBe(programNamed(name).output ?? '');
  });

  const others = pages.flatMap(({ path, programs }) =>
    programs.filter(({ name }) => ![...makers, ...pair].includes(name)).map((program) => ({ path, ...program })),
  );
  test.concurrent.each(others)(
    '$path: $name prints what stands behind it',
    async ({ name, code, output }) => {
      expect(output, 'the block behind it').toBeDefined();
      expect(await folderWithFiles(name).run(name, code)).toBe(output);
    },
    60_000,
  );

  test.concurrent('server.mjs gives client.mjs its words back, and a client without the certificate refuses it', async () => {
    const folder = folderWithFiles('pair');
    const port = await freePort();
    const server = folder.start('server.mjs', programNamed('server.mjs').code, port);
    let complaints = '';
    server.stderr?.on('data', (bytes: Buffer) => (complaints += bytes));
    const { code } = programNamed('client.mjs');
    let output = '';
    // The server says nothing when it listens: ask until it answers.
    for (let attempt = 0; attempt < 40 && !output.includes('hello'); attempt++) {
      output = await folder.run('client.mjs', code, port);
      if (!output.includes('ECONNREFUSED')) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(output).toBe('TLSv1.3 TLS_CHACHA20_POLY1305_SHA256 true\nhello\n');
    expect(complaints).toBe('');
    const without = code.replace(", ca: readFileSync('cert.pem')", '');
    expect(without).not.toBe(code);
    expect(await folder.run('stranger.mjs', without, port)).toContain('DEPTH_ZERO_SELF_SIGNED_CERT');
  }, 60_000);

  test.each(pair)('%s has ten lines at most', (name) => {
    expect(programNamed(name).code.trimEnd().split('\n').length).toBeLessThanOrEqual(10);
  });

  test('every block of JavaScript is one', () => {
    for (const { path, text, programs } of pages) {
      expect(text.match(/^```(?:js|javascript|ts|typescript|mjs)$/gm)?.length ?? 0, path).toBe(programs.length);
    }
  });

  test('what writes a file stands before what reads it', () => {
    const names = top.programs.map(({ name }) => name);
    expect(names.indexOf('certificate.mjs')).toBe(0);
  });
});

/** As GitHub makes them of headings. */
function anchorsOf({ text }: Page): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

describe.each(pages)('$path', (page) => {
  const { path, text } = page;
  const folder = dirname(root + path);

  test('links to what exists', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)];
    for (const [link, target = '', anchor] of links) {
      const to = target === '' ? path : relative(root, join(folder, target));
      expect(existsSync(root + to), link).toBe(true);
      const other = pages.find((one) => one.path === to);
      if (anchor !== undefined) expect(other && anchorsOf(other), link).toContain(anchor);
    }
  });

  test('names files that exist', () => {
    const inCode = /`((?:src|test|bench|vectors|docs|\.ci)\/[\w./-]+)`/g;
    const sources = /(?<![\w./-])((?:[\w-]+\/)+[\w.-]+\.ts)\b/g;
    const named = [...text.matchAll(inCode), ...text.matchAll(sources)].map(([, name = '']) => name);
    // Pages in src name files from there, and others from their own folder.
    const places = [root, `${root}src/`, `${folder}/`];
    const missing = named.filter((name) => !places.some((place) => existsSync(place + name)));
    expect(missing.filter((name) => name !== 'docs/api')).toEqual([]);
  });

  test('names commands that exist', () => {
    const scripts: object = manifest.scripts;
    const commands = [...text.matchAll(/npm run\s+([\w:]+)/g)].map(([, name = '']) => name);
    expect(commands.filter((name) => !(name in scripts))).toEqual([]);
    const parts = [...text.matchAll(/npm run bench -- ([a-z ]+)/g)].flatMap(([, words = '']) =>
      words.trim().split(' '),
    );
    const bench = readFileSync(`${root}bench/main.ts`, 'utf8');
    expect(parts.filter((part) => !bench.includes(`\n  ${part}: [`))).toEqual([]);
  });
});

/** Cells of the tables whose first heading is one of `headings`, row by row. */
function rowsOf({ text }: Page, heading: string): string[][] {
  const table = text.match(new RegExp(`^\\| ${heading} \\|.*\\n\\|[-|]+\\n((?:\\|.*\\n)+)`, 'm'))?.[1] ?? '';
  return table
    .trim()
    .split('\n')
    .map((row) =>
      row
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}

/** The first word of each piece of code in a cell: a name of an option, an event, a function. */
function namesIn(cell = ''): string[] {
  return [...cell.matchAll(/`(?:socket\.|engine\.)?(\w+)/g)].map(([, name = '']) => name);
}

const pageAt = (path: string): Page => pages.find((page) => page.path === path) ?? expect.fail(`no ${path}`);

describe('options and names in tables exist', () => {
  test('of verifyPeer', () => {
    const options = rowsOf(pageAt('src/x509/README.md'), 'option').flatMap(([cell]) => namesIn(cell));
    expect(new Set(options)).toEqual(new Set(Object.keys(verifyRules)));
  });

  test('of the features of TLS 1.3', () => {
    const page = pageAt('src/adapters/node/README.md');
    const engine = [...page.text.matchAll(/engine\.(\w+)/g)].map(([, name = '']) => name);
    expect(engine.length).toBeGreaterThan(5);
    const rules = { ...clientRules, ...serverRules };
    expect(engine.filter((name) => !Object.hasOwn(rules, name))).toEqual([]);
    const rows = rowsOf(page, 'feature');
    expect(rows.length).toBeGreaterThan(10);
    const [inNode, inAll] = [wordsOf('adapters/node'), wordsOf('.')];
    const unknown = rows.flatMap(([feature, ours, core]) => [
      ...namesIn(ours).flatMap((name) => (inNode.has(name) ? [] : [`${feature}, with opentls: ${name}`])),
      ...namesIn(core).flatMap((name) => (inAll.has(name) ? [] : [`${feature}, with opentls/core: ${name}`])),
    ]);
    expect(unknown).toEqual([]);
  });
});

/** All words of the declarations that the build made in a folder. */
function wordsOf(folder: string): ReadonlySet<string> {
  const paths = readdirSync(`${root}dist/${folder}`, { recursive: true, encoding: 'utf8' });
  const files = paths.filter((path) => path.endsWith('.d.ts'));
  const texts = files.map((path) => readFileSync(`${root}dist/${folder}/${path}`, 'utf8'));
  return new Set(texts.flatMap((text) => text.match(/\w+/g) ?? []));
}

const manifest: { scripts: object; exports: object; name: string } = JSON.parse(
  readFileSync(`${root}package.json`, 'utf8'),
);

test('the map of the sources has every folder and file', () => {
  const map = pageAt('src/README.md').text.match(/^```\n([\s\S]*?)^```$/m)?.[1] ?? '';
  const named = map
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[0]);
  const entries = readdirSync(`${root}src`, { withFileTypes: true }).filter(
    ({ name }) => !/^README|\.json$|\.d\.ts$/.test(name),
  );
  expect(named.sort()).toEqual(entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort());
});

describe('the first page', () => {
  test('is one screen', () => {
    expect(top.text.split('\n').length).toBeLessThanOrEqual(101);
  });

  test('has every entry point', () => {
    const entries = Object.keys(manifest.exports).filter((entry) => entry !== './package.json');
    for (const entry of entries) expect(top.text).toContain(`| \`${manifest.name}${entry.slice(1)}\` |`);
  });

  test('leads to every other page', () => {
    const seen = new Set<string>();
    const follow = (path: string): void => {
      const page = pages.find((one) => one.path === path);
      if (page === undefined || seen.has(path)) return;
      seen.add(path);
      for (const [, target = ''] of page.text.matchAll(/\]\((?!https?:)([^)#]+)/g)) {
        follow(relative(root, join(dirname(root + path), target)));
      }
    };
    follow(top.path);
    expect(pages.map(({ path }) => path).filter((path) => !seen.has(path))).toEqual([]);
  });
});
