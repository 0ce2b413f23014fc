// One test in a process of its own, for a look at a single one: what `shim` does without a resident process.
import { runTest } from './run.ts';

const args = process.argv.slice(2);
if (args.includes('-is-handshaker-supported')) {
  console.log('No');
} else {
  const { code, text } = await runTest(args, new AbortController().signal);
  process.stderr.write(text);
  process.exitCode = code;
}
