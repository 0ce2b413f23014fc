#!/usr/bin/env node
import { inspect } from './inspect.ts';
import { verify } from './verify.ts';

/** A subcommand: takes the words after its name, prints, and returns the exit code. */
type Command = (args: readonly string[]) => Promise<number>;

const commands: Readonly<Record<string, { readonly run: Command; readonly summary: string }>> = {
  inspect: { run: inspect, summary: 'look at a live TLS server: chain, parameters, timings, verdict' },
  verify: { run: verify, summary: 'judge a certificate chain in files, and say why' },
};

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(usage());
    return 0;
  }
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    process.stderr.write(name === undefined ? usage() : `opentls: there is no command '${name}'\n\n${usage()}`);
    return 2;
  }
  return command.run(rest);
}

function usage(): string {
  const rows = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}\n`);
  return `Usage: opentls COMMAND [OPTIONS]\n\nCommands:\n${rows.join('')}\n'opentls COMMAND --help' tells more.\n`;
}
