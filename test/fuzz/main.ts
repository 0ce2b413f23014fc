/**
 * `npm run fuzz -- PART [--runs N] [--seed S]`. Parts: x509 (`--chains N`), records, certificates (`--every N`: so many
 * inputs to one handshake). Exits with 1 where anything was found.
 */
import { parseArgs } from 'node:util';
import { fuzzCertificates } from './certificates/certificates.ts';
import { fuzzRecords } from './records/records.ts';
import { fuzzBytes } from './x509/bytes.ts';
import { fuzzChains } from './x509/chains.ts';
import { loadSeeds } from './x509/seeds.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string' },
    chains: { type: 'string' },
    every: { type: 'string' },
    seed: { type: 'string' },
  },
});
const runs = Number(values.runs ?? 1_000_000);
const chains = Number(values.chains ?? 2_000);
const seed = Number(values.seed ?? Date.now() % 1_000_000);

/** Each prints its figures, and answers what it found. */
const parts: Readonly<Record<string, () => readonly string[] | Promise<readonly string[]>>> = {
  x509: () => {
    const bytes = fuzzBytes(seed, runs, loadSeeds());
    say(`bytes: ${bytes.runs} mutated inputs, ${bytes.accepted} accepted, ${bytes.findings.length} findings`);
    const judged = fuzzChains(seed, chains);
    say(`chains: ${judged.runs} judged, ${judged.agreed} as openssl verify does`);
    for (const [why, count] of Object.entries(judged.known)) say(`  ${count} otherwise: ${why}`);
    return [...bytes.findings, ...judged.findings];
  },
  records: () => {
    const before = memory();
    const { connections, kinds, mostUnsent, findings } = fuzzRecords(seed, runs);
    say(`records: ${runs} inputs to ${connections} connections, ${findings.length} findings`);
    for (const [name, count] of Object.entries(kinds)) say(`  ${count} ${name}`);
    say(`at most ${mostUnsent} bytes unsent; memory ${before} MiB before, ${memory()} MiB after`);
    return findings;
  },
  certificates: async () => {
    // What throws where nobody can catch it is the worst to find.
    const uncaught: string[] = [];
    process.on('uncaughtException', (error) => uncaught.push(String(error.stack)));
    const { good, refused, handshakes, reached, x509, findings } = await fuzzCertificates(
      seed,
      runs,
      Number(values.every ?? 10),
    );
    const all = [...findings, ...uncaught];
    say(`certificates: ${runs} mutated chains, ${good} good, ${refused} refused, ${all.length} findings`);
    say(`  ${handshakes} shown in a handshake, ${reached} of them to an application, ${x509} of those OpenSSL reads`);
    return all;
  },
};

const [part = 'x509'] = positionals;
const found = parts[part];
if (found === undefined) throw new Error(`no such part: ${part}; there are ${Object.keys(parts).join(', ')}`);
say(`seed ${seed}`);
const findings = await found();
for (const finding of findings) say(`FOUND ${finding}`);
process.exitCode = findings.length > 0 ? 1 : 0;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function memory(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return Math.round((heapUsed + arrayBuffers) / 2 ** 20);
}
