import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface RunnerOptions {
  readonly runner: string;
  readonly cwd: string;
  readonly tests?: string | undefined;
  readonly workers: string;
  readonly idleTimeout: string;
  readonly includeDisabled: boolean;
  readonly log?: string | undefined;
}

export interface Run {
  /** Each test that was run, with what became of it: PASS, SKIP where it is unimplemented, else a failure. */
  readonly results: ReadonlyMap<string, string>;
  /** Why, of those that failed. */
  readonly reasons: ReadonlyMap<string, string>;
  /** How many tests the runner has, disabled or not asked for among them. */
  readonly total: number;
  /** Whether only some of them were asked for. */
  readonly selected: boolean;
}

/**
 * @param ports of the resident processes; 'none': every test is unimplemented
 * @throws Error where the runner does not get to its end
 */
export async function runTests(options: RunnerOptions, ports: string): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'opentls-bogo-'));
  try {
    const path = join(folder, 'results.json');
    const output = await spawnRunner(options, ports, path);
    if (options.log !== undefined) writeFileSync(options.log, output);
    const selected = options.tests !== undefined;
    return { results: readResults(path, output), reasons: reasonsOf(output), total: totalOf(output), selected };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function spawnRunner(options: RunnerOptions, ports: string, results: string): Promise<string> {
  const here = join(import.meta.dirname, '..');
  const args = ['-shim-path', join(here, 'shim'), '-shim-config', join(here, 'config.json'), '-json-output', results];
  args.push('-allow-unimplemented', '-num-workers', options.workers, '-idle-timeout', `${options.idleTimeout}s`);
  // As on a terminal: only so it says how many tests there are.
  args.push('-pipe=false');
  if (options.tests !== undefined) args.push('-test', options.tests);
  if (options.includeDisabled) args.push('-include-disabled');
  const child = spawn(options.runner, args, {
    cwd: options.cwd,
    env: { ...process.env, OPENTLS_BOGO_PORTS: ports },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((done, failed) => {
    child.once('error', failed);
    child.once('close', () => done(Buffer.concat(chunks).toString('utf8')));
  });
}

function readResults(path: string, output: string): ReadonlyMap<string, string> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new Error(`the runner has left no results; it printed:\n${output.slice(-2_000)}`);
  }
  const { tests } = JSON.parse(text) as { readonly tests: Readonly<Record<string, { readonly actual: string }>> };
  return new Map(Object.entries(tests).map(([name, { actual }]) => [name, actual]));
}

/** What the runner counts as it goes, each time over what stood there: failed, unimplemented, done, started, all. */
const status = /[\b ]*\d+\/\d+\/\d+\/\d+\/(\d+)[\b ]*/g;

function totalOf(output: string): number {
  const last = [...output.matchAll(status)].at(-1);
  if (last === undefined) throw new Error('the runner has not said how many tests it has');
  return Number(last[1]);
}

/** Before the reason of each failed test the runner prints `FAILED (name)`. */
function reasonsOf(output: string): ReadonlyMap<string, string> {
  const [, ...parts] = output.replaceAll(status, '').split(/^FAILED \((.*)\)$/m);
  const reasons = new Map<string, string>();
  for (let i = 0; i + 1 < parts.length; i += 2) reasons.set(parts[i] ?? '', (parts[i + 1] ?? '').trim());
  return reasons;
}
