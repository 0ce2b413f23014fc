import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Behaviour, ModuleName, Note } from './behaviour.ts';
import { type Comparison, compare } from './compare.ts';
import { makeCredentials } from './credentials.ts';

/** A behaviour on one version of Node. */
export interface Outcome extends Comparison {
  readonly area: string;
  readonly behaviour: Behaviour;
  readonly node: number;
}

export interface NodeBinary {
  readonly major: number;
  readonly path: string;
}

/** The behaviours of one file. */
export interface Area {
  readonly name: string;
  readonly url: string;
  readonly behaviours: readonly Behaviour[];
}

const folder = new URL('behaviours/', import.meta.url);

export async function loadAreas(): Promise<readonly Area[]> {
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts'));
  return Promise.all(
    files.sort().map(async (file) => {
      const { href } = new URL(file, folder);
      const { behaviours } = (await import(href)) as { readonly behaviours: readonly Behaviour[] };
      return { name: file.slice(0, -'.ts'.length), url: href, behaviours };
    }),
  );
}

/** Runs behaviours of one area with both modules on one Node. */
export async function runArea(
  { name: area, url, behaviours }: Area,
  node: NodeBinary,
  wanted: (behaviour: Behaviour) => boolean = () => true,
): Promise<readonly Outcome[]> {
  const here = behaviours.filter(
    (behaviour) => wanted(behaviour) && node.major >= (behaviour.from ?? 0) && node.major <= (behaviour.to ?? 999),
  );
  const work = mkdtempSync(join(tmpdir(), 'opentls-parity-'));
  try {
    const credentials = join(work, 'credentials.json');
    writeFileSync(credentials, JSON.stringify(makeCredentials()));
    const outcomes: Outcome[] = [];
    for (const group of groups(here)) {
      const names = join(work, 'names.json');
      writeFileSync(names, JSON.stringify(group.map(({ name }) => name)));
      const run = (module: ModuleName): Promise<Notes> => runChild(node, url, module, credentials, names, group[0]);
      const [expected, actual] = await Promise.all([run('node:tls'), run('opentls')]);
      for (const behaviour of group) {
        const comparison = compare(expected(behaviour.name), actual(behaviour.name), behaviour.byDesign);
        outcomes.push({ area, behaviour, node: node.major, ...comparison });
      }
    }
    return outcomes;
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** Behaviours that need flags or an environment have a process each; the others share one. */
function groups(behaviours: readonly Behaviour[]): readonly (readonly Behaviour[])[] {
  const special = ({ flags, env }: Behaviour): boolean => flags !== undefined || env !== undefined;
  const shared = behaviours.filter((behaviour) => !special(behaviour));
  const apart = behaviours.filter(special).map((behaviour) => [behaviour]);
  return shared.length === 0 ? apart : [shared, ...apart];
}

type Notes = (name: string) => readonly Note[];

const child = fileURLToPath(new URL('child.ts', import.meta.url));
const tsx = import.meta.resolve('tsx');

function runChild(
  { path }: NodeBinary,
  url: string,
  module: ModuleName,
  credentials: string,
  names: string,
  { flags = [], env = {} }: Partial<Behaviour> = {},
): Promise<Notes> {
  const args = ['--no-warnings', ...flags, '--import', tsx, child, url, module, credentials, names];
  return new Promise((resolve, reject) => {
    // A folder of its own, for behaviours that write files.
    const cwd = mkdtempSync(join(dirname(credentials), 'child-'));
    const options = { cwd, timeout: 240_000, maxBuffer: 64 << 20, env: { ...process.env, ...env } };
    execFile(path, args, options, (error, stdout, stderr) => {
      if (error !== null) return reject(new Error(`${module} ${pathToFileURL(path)}: ${error.message}\n${stderr}`));
      const all = new Map<string, readonly Note[]>();
      for (const line of stdout.split('\n')) {
        if (!line.startsWith('{"name":')) continue;
        const { name, notes } = JSON.parse(line) as { readonly name: string; readonly notes: readonly Note[] };
        all.set(name, notes);
      }
      return resolve((name) => all.get(name) ?? [{ track: 'trial', label: 'did not run', text: '' }]);
    });
  });
}
