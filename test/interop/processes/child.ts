import { type ChildProcess, spawn } from 'node:child_process';
import { PassThrough, Readable, type Writable } from 'node:stream';
import type { Scope } from './scope.ts';

/** Text that a process prints, and who waits for it. */
export interface Log {
  readonly length: number;
  text(from?: number): string;
  /**
   * Waits until the text after `from` matches, so many times.
   * @returns the last of these matches
   * @throws Error where the process ends before it does
   */
  match(pattern: RegExp, from?: number, times?: number): Promise<RegExpExecArray>;
}

export interface Child {
  readonly stdin: Writable;
  /** A copy: what is printed before somebody reads is kept. */
  readonly stdout: Readable;
  /** What was printed on stderr, on the report channel and, if asked for, on stdout. */
  readonly log: Log;
  /** Exit code, or the name of the signal. */
  readonly exited: Promise<number | string>;
}

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** stdout is a report, too. */
  readonly logStdout?: boolean;
  /** Milliseconds. */
  readonly timeLimit?: number;
}

/** Starts a program that ends with the scope, with this process, or at its time limit, whichever comes first. */
export function start(scope: Scope, command: string, args: readonly string[], options: ChildOptions = {}): Child {
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    timeout: options.timeLimit ?? 60_000,
    killSignal: 'SIGKILL',
  });
  const { stdin, stdout, stderr } = child;
  const report = child.stdio[3];
  if (stdin === null || stdout === null || stderr === null || !(report instanceof Readable))
    throw new Error(`${command} has no pipes`);
  const exited = untilExit(child);
  // A peer that goes away while we write to it is for the scenario to judge, by what it printed.
  stdin.on('error', () => undefined);
  const reports = [stderr, report];
  if (options.logStdout === true) reports.push(stdout);
  running.add(child);
  scope.defer(async () => {
    child.kill('SIGKILL');
    // Unread, it would keep the child from being over.
    stdout.destroy();
    await exited.catch(() => undefined);
    running.delete(child);
  });
  const log = collect(reports, exited);
  scope.witness(() => `${command} ${args[0]} said: …${log.text().slice(-1000)}`);
  return { stdin, stdout: stdout.pipe(new PassThrough()), log, exited };
}

/** As {@link start}, for programs in C: each line comes when it is printed. They may wait long for their turn. */
export function startByLines(
  scope: Scope,
  program: string,
  args: readonly string[],
  options: { readonly logStdout?: boolean; readonly joined?: boolean } = {},
): Child {
  const byLines = ['-oL', program, ...args];
  const settings = { logStdout: options.logStdout === true || options.joined === true, timeLimit: 300_000 };
  if (options.joined !== true) return start(scope, 'stdbuf', byLines, settings);
  // On one pipe, so that what it says stays in order.
  return start(scope, 'sh', ['-c', 'exec stdbuf "$@" 2>&1', 'sh', ...byLines], settings);
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

function untilExit(child: ChildProcess): Promise<number | string> {
  const exited = new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  exited.catch(() => undefined);
  return exited;
}

function collect(sources: readonly Readable[], exited: Promise<unknown>): Log {
  let text = '';
  let over = false;
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const look of [...waiting]) look();
  };
  for (const source of sources) {
    source.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      wake();
    });
  }
  const end = (): void => {
    over = true;
    wake();
  };
  exited.then(end, end);
  return {
    get length() {
      return text.length;
    },
    text: (from = 0) => text.slice(from),
    match: (pattern, from = 0, times = 1) =>
      new Promise((resolve, reject) => {
        const each = new RegExp(pattern, `${pattern.flags}g`);
        const look = (): void => {
          const found = [...text.slice(from).matchAll(each)][times - 1];
          if (found === undefined && !over) return;
          waiting.delete(look);
          if (found !== undefined) resolve(found);
          else reject(new Error(`the peer ended without ${pattern}; it said: ${text.slice(from).slice(-2000)}`));
        };
        waiting.add(look);
        look();
      }),
  };
}
