/**
 * `npm run parity [-- --node 20,24] [--area NAME] [--only TEXT] [--json]`: compares opentls with `node:tls` on each Node
 * that is here, and prints what differs. Exits with 1 for a difference that no behaviour explains. `--readme` writes the
 * differences that are meant into the page of the adapter instead.
 */
import { parseArgs } from 'node:util';
import { writeDifferences } from './differences.ts';
import { binaries } from './nodes.ts';
import { loadAreas, type Outcome, runArea } from './run.ts';
import { printOutcomes, stale } from './table.ts';

const { values } = parseArgs({
  options: {
    node: { type: 'string' },
    area: { type: 'string' },
    only: { type: 'string' },
    json: { type: 'boolean' },
    readme: { type: 'boolean' },
  },
});

const majors = values.node?.split(',').map(Number);
const { found, missing } = await binaries();
const nodes = found.filter(({ major }) => majors?.includes(major) ?? true);
const areas = (await loadAreas()).filter(({ name }) => values.area === undefined || name === values.area);
if (values.readme === true) {
  writeDifferences(areas);
  process.exit();
}
const outcomes: Outcome[] = [];
for (const area of areas) {
  for (const node of nodes) {
    outcomes.push(...(await runArea(area, node, ({ name }) => name.includes(values.only ?? ''))));
  }
}
if (values.json === true) {
  const rows = outcomes.map(({ area, behaviour: { name }, node, verdict, difference }) => ({
    area,
    name,
    node,
    verdict,
    difference,
  }));
  process.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
} else {
  process.stdout.write(printOutcomes(outcomes));
  for (const reason of missing) process.stdout.write(`missing: ${reason}\n`);
}
const failed = outcomes.some(({ verdict, broken }) => verdict === 'differs' || broken);
process.exitCode = failed || (missing.length === 0 && majors === undefined && stale(outcomes).length > 0) ? 1 : 0;
