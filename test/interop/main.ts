// The interop matrix: peer × scenario × role of opentls.
import { parseArgs } from 'node:util';
import { peers, rows, type Selection, selectCells } from './matrix.ts';
import { createRun, type Run } from './run.ts';
import { subjects } from './subjects.ts';
import { printMatrix, type Result } from './table.ts';
import type { Cell } from './types.ts';

const usage = `npm run interop -- [--peer ${peers.map(({ name }) => name).join('|')}]
  [--scenario ${rows.map(({ scenario }) => scenario.name).join('|')}]
  [--role client|server] [--provider ${Object.keys(subjects).join('|')}] [--short] [--json]`;

process.exitCode = await main();

async function main(): Promise<number> {
  const values = readArguments();
  const subject = values && subjects[values.provider];
  const cells = values ? selectCells(values) : [];
  if (values === undefined || subject === undefined || cells.length === 0) {
    console.error(usage);
    return 2;
  }
  const results = await runAll(await createRun(subject), cells);
  console.log(values.json ? JSON.stringify(results, null, 2) : printMatrix(results, subject.name));
  return results.some(({ status }) => status === 'failed') ? 1 : 0;
}

function readArguments(): (Selection & { readonly provider: string; readonly json?: boolean | undefined }) | undefined {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const provider = { ...text, default: 'noble' };
  const options = { peer: text, scenario: text, role: text, provider, short: flag, json: flag };
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return undefined;
  }
}

async function runAll(run: Run, cells: readonly Cell[]): Promise<Result[]> {
  const results: Result[] = [];
  try {
    for (const cell of cells) {
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${results.length}/${cells.length} ${cell.scenario}`);
      results.push(await runOne(run, cell));
    }
  } finally {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    await run.close();
  }
  return results;
}

async function runOne(run: Run, cell: Cell): Promise<Result> {
  const { peer, scenario, role, variant } = cell;
  const named = { peer: peer.name, scenario, role, variant: variant.name };
  const missing = await peer.missing();
  if (missing !== undefined) return { ...named, status: 'missing', reason: missing, milliseconds: 0 };
  const begin = performance.now();
  const [status, reason] = await run.cell(cell).then(
    () => ['passed', undefined] as const,
    (error: unknown) => ['failed', error instanceof Error ? error.message : String(error)] as const,
  );
  return { ...named, status, reason, milliseconds: Math.round(performance.now() - begin) };
}
