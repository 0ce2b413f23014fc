/** `npm run scores`: how many cases of the suites of others end as those have it, and why the rest does not. */
import Table from 'cli-table3';
import { isMissing, suites } from './suites.ts';

const table = new Table({ head: ['suite', 'cases', 'as the suite has it', 'listed otherwise', 'not listed'] });
const reasons: string[] = [];
for (const suite of suites) {
  if (isMissing(suite)) {
    table.push([suite.name, suite.cases, 'its file is not here', '', '']);
    continue;
  }
  const others = suite.outcomes().filter(({ conforms }) => !conforms);
  const listed = others.filter(({ id }) => id in suite.reasons);
  table.push([suite.name, suite.cases, suite.cases - others.length, listed.length, others.length - listed.length]);
  for (const { id } of listed) reasons.push(`${id}: ${suite.reasons[id]}`);
}
process.stdout.write(`${table.toString()}\n\n${reasons.join('\n')}\n`);
