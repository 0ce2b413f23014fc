/** The documents of the repository, and the programs in them. */
import { readdirSync, readFileSync } from 'node:fs';
import { root } from './programs.ts';

/** A code block that begins with a comment with its file name. */
export interface Program {
  readonly name: string;
  readonly code: string;
  /** What it prints, as the block behind it has it. */
  readonly output: string | undefined;
}

export interface Page {
  /** Relative to the repository. */
  readonly path: string;
  readonly text: string;
  readonly programs: readonly Program[];
}

const folders = ['bench', 'docs', 'src', 'test', 'vectors'];

function readPages(): readonly Page[] {
  const paths = folders.flatMap((folder) =>
    readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('README.md') && !/node_modules|^api/.test(path))
      .map((path) => `${folder}/${path}`),
  );
  return ['README.md', 'SECURITY.md', ...paths.sort()].map((path) => {
    const text = readFileSync(root + path, 'utf8');
    return { path, text, programs: programsOf(text) };
  });
}

function programsOf(text: string): Program[] {
  const block = /^```js\n\/\/ (\S+\.mjs)\n([\s\S]*?)^```$(?:\n\n^```output\n([\s\S]*?)^```$)?/gm;
  return [...text.matchAll(block)].map(([, name = '', code = '', output]) => ({ name, code, output }));
}

export const pages: readonly Page[] = readPages();

export function programNamed(name: string): Program {
  const program = pages.flatMap(({ programs }) => programs).find((one) => one.name === name);
  if (program === undefined) throw new Error(`no document has a program ${name}`);
  return program;
}
