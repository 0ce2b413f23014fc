/** Runs programs of the documents as a user would: in a folder of their own, against the built package. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

export const root: string = fileURLToPath(new URL('../..', import.meta.url));

/** The port that programs of the documents listen on and connect to; each run gets another one. */
const PORT = '8443';

export class Folder {
  readonly path: string;
  readonly #children: ChildProcess[] = [];

  constructor(name: string) {
    // Inside the package, so that `import 'opentls'` finds it by its own name.
    mkdirSync(`${root}test/.programs`, { recursive: true });
    this.path = mkdtempSync(`${root}test/.programs/${name}-`);
  }

  start(name: string, code: string, port: number): ChildProcess {
    writeFileSync(`${this.path}/${name}`, code.replaceAll(PORT, String(port)));
    const child = spawn(process.execPath, [name], { cwd: this.path, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#children.push(child);
    return child;
  }

  /**
   * @returns what the program prints until it ends, errors included
   * @throws an error with that text where it ends with another status than 0
   */
  async run(name: string, code: string, port?: number): Promise<string> {
    const child = this.start(name, code, port ?? (await freePort()));
    let output = '';
    child.stdout?.on('data', (bytes: Buffer) => (output += bytes));
    child.stderr?.on('data', (bytes: Buffer) => (output += bytes));
    const [status] = await once(child, 'close');
    if (status !== 0) throw new Error(`${name} ended with ${status}: ${output}`);
    return output;
  }

  remove(): void {
    for (const child of this.#children) child.kill();
    rmSync(this.path, { recursive: true, force: true });
  }
}

const given = new Set<number>();

/** A port that nothing listens on, below those that the system gives to outgoing connections meanwhile. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    if (given.has(port)) continue;
    given.add(port);
    const server = createServer();
    const taken = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(true));
      server.listen(port, () => resolve(false));
    });
    if (taken) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
