/**
 * `npm run fuzz -- PART [--runs N] [--chains N] [--seed S]`. Parts: x509. Exits with 1 where anything was found.
 */
import { parseArgs } from 'node:util';
import { loadSeeds } from './seeds.ts';
import { fuzzBytes } from './x509-bytes.ts';
import { fuzzChains } from './x509-chains.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string' }, chains: { type: 'string' }, seed: { type: 'string' } },
});
const [part = 'x509'] = positionals;
if (part !== 'x509') throw new Error(`no such part: ${part}; there is x509`);
const runs = Number(values.runs ?? 1_000_000);
const chains = Number(values.chains ?? 2_000);
const seed = Number(values.seed ?? Date.now() % 1_000_000);

process.stdout.write(`seed ${seed}\n`);
const bytes = fuzzBytes(seed, runs, loadSeeds());
process.stdout.write(
  `bytes: ${bytes.runs} mutated inputs, ${bytes.accepted} accepted, ${bytes.findings.length} findings\n`,
);
const judged = fuzzChains(seed, chains);
process.stdout.write(`chains: ${judged.runs} judged, ${judged.agreed} as openssl verify does\n`);
for (const [why, count] of Object.entries(judged.known)) process.stdout.write(`  ${count} otherwise: ${why}\n`);
for (const finding of [...bytes.findings, ...judged.findings]) process.stdout.write(`FOUND ${finding}\n`);
process.exitCode = bytes.findings.length + judged.findings.length > 0 ? 1 : 0;
