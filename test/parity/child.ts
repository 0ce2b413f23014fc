/**
 * Runs behaviours of one file with one module, in a process of its own: `child.ts FILE MODULE CREDENTIALS NAMES`, the
 * last two as files of JSON. Each behaviour prints its notes as a line of JSON.
 */
import { readFileSync } from 'node:fs';
import nodeHttp2 from 'node:http2';
import nodeHttps from 'node:https';
import nodeTls from 'node:tls';
import type { Behaviour, ModuleName } from './behaviour.ts';
import type { Credentials } from './credentials.ts';
import { type Modules, Trial } from './trial.ts';

const TIME_LIMIT = 10_000;

const [file = '', moduleName = 'node:tls', credentialsFile = '', namesFile = ''] = process.argv.slice(2);
const credentials = JSON.parse(readFileSync(credentialsFile, 'utf8')) as Credentials;
const wanted = new Set(JSON.parse(readFileSync(namesFile, 'utf8')) as string[]);
const { behaviours } = (await import(file)) as { readonly behaviours: readonly Behaviour[] };
const modules = await load(moduleName as ModuleName);

for (const { name, run } of behaviours) {
  if (!wanted.has(name)) continue;
  const trial = new Trial(modules, credentials);
  const uncaught = (error: unknown, origin: string): void => trial.note('process', origin, error);
  process.on('uncaughtException', uncaught);
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, TIME_LIMIT, 'did not end');
  });
  try {
    const late = await Promise.race([run(trial), timeout]);
    if (typeof late === 'string') trial.note('trial', late);
  } catch (error) {
    trial.note('trial', 'failed', error);
  }
  clearTimeout(timer);
  trial.end();
  await trial.settle(5);
  process.off('uncaughtException', uncaught);
  process.stdout.write(`${JSON.stringify({ name, notes: trial.notes })}\n`);
}
process.exit();

async function load(name: ModuleName): Promise<Modules> {
  if (name === 'node:tls') return { tls: nodeTls as Modules['tls'], https: nodeHttps, http2: nodeHttp2 };
  const { default: tls } = await import('#opentls/adapters/node/index');
  const https = await import('#opentls/adapters/node/https');
  return { tls, https, http2: nodeHttp2 } as unknown as Modules;
}
