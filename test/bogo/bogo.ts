// BoringSSL's TLS tests ("BoGo") against opentls. The runner is a program of theirs that is built by hand; it is not
// part of this project.
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const usage = `npm run bogo -- --runner PATH [--cwd FOLDER] [--tests PATTERN[;PATTERN…]] [--provider node|noble]
  [--workers N] [--include-disabled] [--list] [--idle-timeout SECONDS] [--log FILE]
  --cwd   the folder ssl/test/runner of BoringSSL; default: the runner's own
  --list  also the names of unimplemented tests
  --log   where to write what the runner prints`;

const here = dirname(fileURLToPath(import.meta.url));

process.exitCode = await main();

interface Settings {
  readonly runner: string;
  readonly cwd: string;
  readonly tests: string | undefined;
  readonly provider: string;
  readonly workers: string;
  readonly includeDisabled: boolean;
  readonly list: boolean;
  readonly idleTimeout: string;
  readonly log: string | undefined;
}

async function main(): Promise<number> {
  const settings = readArguments();
  if (settings === undefined) {
    console.error(usage);
    return 2;
  }
  const folder = mkdtempSync(join(tmpdir(), 'opentls-bogo-'));
  const daemons = await Promise.all(Array.from({ length: availableParallelism() }, () => startDaemon(settings)));
  try {
    const ports = daemons.map(({ port }) => port).join(' ');
    const output = await run(settings, ports, join(folder, 'results.json'));
    return report(settings, readResults(join(folder, 'results.json')), output);
  } finally {
    for (const { child } of daemons) child.stdin?.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

function readArguments(): Settings | undefined {
  const string = { type: 'string' } as const;
  const boolean = { type: 'boolean', default: false } as const;
  const options = {
    runner: string,
    cwd: string,
    tests: string,
    provider: { ...string, default: 'node' },
    workers: { ...string, default: String(2 * availableParallelism()) },
    'include-disabled': boolean,
    list: boolean,
    'idle-timeout': { ...string, default: '15' },
    log: string,
  };
  try {
    const { values } = parseArgs({ options });
    const { runner, cwd, tests, provider, workers, list, log } = values;
    if (runner === undefined || !['node', 'noble'].includes(provider)) return undefined;
    const path = resolve(runner);
    const [includeDisabled, idleTimeout] = [values['include-disabled'], values['idle-timeout']];
    return {
      runner: path,
      cwd: cwd ?? dirname(path),
      tests,
      provider,
      workers,
      includeDisabled,
      list,
      idleTimeout,
      log,
    };
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return undefined;
  }
}

interface Daemon {
  readonly child: ChildProcess;
  readonly port: number;
}

/** One per core: each runs its share of the tests on one thread. */
async function startDaemon(settings: Settings): Promise<Daemon> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(here, 'daemon.ts')], {
    cwd: resolve(here, '../..'),
    env: { ...process.env, OPENTLS_BOGO_PROVIDER: settings.provider },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((found, failed) => {
    createInterface(child.stdout).once('line', found);
    child.once('exit', () => failed(new Error('the resident process ended')));
  });
  return { child, port: Number(line) };
}

/** @returns what the runner printed */
function run(settings: Settings, ports: string, results: string): Promise<string> {
  const args = ['-shim-path', join(here, 'shim'), '-shim-config', join(here, 'config.json')];
  args.push('-allow-unimplemented', '-json-output', results, '-num-workers', settings.workers);
  args.push('-idle-timeout', `${settings.idleTimeout}s`);
  if (settings.tests !== undefined) args.push('-test', settings.tests);
  if (settings.includeDisabled) args.push('-include-disabled');
  const child = spawn(settings.runner, args, {
    cwd: settings.cwd,
    env: { ...process.env, OPENTLS_BOGO_PORTS: ports },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  if (settings.log !== undefined) {
    const log = createWriteStream(settings.log);
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    child.once('close', () => log.end());
  }
  return new Promise((done, failed) => {
    child.once('error', failed);
    child.once('close', () => done(Buffer.concat(chunks).toString('utf8')));
  });
}

type Results = Readonly<Record<string, { readonly actual: string }>>;

function readResults(path: string): Results {
  const { tests } = JSON.parse(readFileSync(path, 'utf8')) as { readonly tests: Results };
  return tests;
}

function report({ list }: Settings, results: Results, output: string): number {
  const namesOf = (actual: string): string[] =>
    Object.keys(results)
      .filter((name) => results[name]?.actual === actual)
      .sort();
  const passed = namesOf('PASS');
  const unimplemented = namesOf('SKIP');
  const failed = Object.keys(results)
    .filter((name) => !['PASS', 'SKIP'].includes(results[name]?.actual ?? ''))
    .sort();
  const reasons = reasonsOf(output);
  if (list) for (const name of unimplemented) console.log(`unimplemented  ${name}`);
  for (const name of failed) console.log(`failed  ${name}\n${indent(reasons.get(name) ?? 'no reason given')}`);
  if (Object.keys(results).length === 0) console.log(output);
  console.log(`${passed.length} passed, ${failed.length} failed, ${unimplemented.length} unimplemented`);
  return failed.length > 0 ? 1 : 0;
}

/** Before the reason of each failed test the runner prints `FAILED (name)`. */
function reasonsOf(output: string): ReadonlyMap<string, string> {
  const reasons = new Map<string, string>();
  const parts = output.split(/^(FAILED|PASSED|UNIMPLEMENTED|STARTED|DONE) \((.*)\)$/m);
  for (let i = 1; i + 2 < parts.length; i += 3) {
    const [kind, name = '', text = ''] = parts.slice(i, i + 3);
    if (kind === 'FAILED' && text.trim() !== '') reasons.set(name, text.trim());
  }
  return reasons;
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '    ');
}
