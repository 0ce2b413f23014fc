import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

/** The resident processes. */
export interface Daemons {
  /** Where they listen, with blanks between: what `shim` wants in its environment. */
  readonly ports: string;
  stop(): void;
}

/** Each runs its share of the tests on one thread. */
export async function startDaemons(provider: string, count: number): Promise<Daemons> {
  const started = await Promise.all(Array.from({ length: count }, () => start(provider)));
  return {
    ports: started.map(({ port }) => port).join(' '),
    stop() {
      for (const { child } of started) child.stdin.end();
    },
  };
}

async function start(
  provider: string,
): Promise<{ readonly child: ReturnType<typeof spawnDaemon>; readonly port: string }> {
  const child = spawnDaemon(provider);
  const port = await new Promise<string>((found, failed) => {
    createInterface(child.stdout).once('line', found);
    child.once('exit', () => failed(new Error('a resident process ended before it began')));
  });
  return { child, port };
}

function spawnDaemon(provider: string) {
  return spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, '../shim-process/daemon.ts')], {
    cwd: resolve(import.meta.dirname, '../../..'),
    env: { ...process.env, OPENTLS_BOGO_PROVIDER: provider },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}
