// BoringSSL's TLS tests ("BoGo") against opentls. The runner is a program of theirs that is built by hand; it is not
// part of this project.
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startDaemons } from './runner/daemons.ts';
import { printReport } from './runner/report.ts';
import { type RunnerOptions, runTests } from './runner/runner.ts';

const usage = `npm run bogo -- --runner PATH [--cwd FOLDER] [--tests PATTERN[;PATTERN…]] [--provider node|noble]
  [--workers N] [--idle-timeout SECONDS] [--include-disabled] [--count-disabled] [--list] [--log FILE]
  --cwd             the folder ssl/test/runner of BoringSSL; default: the runner's own
  --count-disabled  the reasons of what config.json disables, with counts: asks the runner for all its names
  --list            also the names of unimplemented tests
  --log             where to write what the runner prints`;

process.exitCode = await main();

interface Settings extends RunnerOptions {
  readonly provider: 'node' | 'noble';
  readonly countDisabled: boolean;
  readonly list: boolean;
}

async function main(): Promise<number> {
  const settings = readArguments();
  if (settings === undefined) {
    console.error(usage);
    return 2;
  }
  const daemons = await startDaemons(settings.provider, availableParallelism());
  try {
    const run = await runTests(settings, daemons.ports);
    const everything = settings.countDisabled
      ? await runTests({ ...settings, includeDisabled: true, log: undefined }, 'none')
      : undefined;
    return printReport(run, everything, settings.list);
  } finally {
    daemons.stop();
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
    'idle-timeout': { ...string, default: '15' },
    'include-disabled': boolean,
    'count-disabled': boolean,
    list: boolean,
    log: string,
  };
  try {
    const { runner, cwd, provider, ...values } = parseArgs({ options }).values;
    if (runner === undefined || (provider !== 'node' && provider !== 'noble')) return undefined;
    return {
      ...values,
      runner: resolve(runner),
      cwd: cwd ?? dirname(resolve(runner)),
      provider,
      idleTimeout: values['idle-timeout'],
      includeDisabled: values['include-disabled'],
      countDisabled: values['count-disabled'],
    };
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return undefined;
  }
}
