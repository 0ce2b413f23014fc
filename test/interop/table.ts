import Table from 'cli-table3';
import colors from 'picocolors';
import { peers, roles } from './matrix.ts';

export interface Result {
  readonly peer: string;
  readonly scenario: string;
  readonly role: string;
  readonly variant: string;
  readonly status: 'passed' | 'failed' | 'missing';
  /** Why it failed, or why the peer is missing. */
  readonly reason?: string | undefined;
  readonly milliseconds: number;
}

/** Scenarios down, peers and the role of opentls across. */
export function printMatrix(results: readonly Result[], title: string): string {
  const columns = peers.flatMap(({ name }) => roles.map((role) => ({ peer: name, role })));
  const used = columns.filter((column) => results.some((result) => isIn(result, column)));
  const head = [title, ...used.map(({ peer, role }) => `${role} to\n${peer}`)];
  const table = new Table({
    head: head.map((text) => colors.bold(text)),
    colAligns: ['left', ...used.map(() => 'right' as const)],
    style: { head: [], border: [], compact: true },
  });
  for (const scenario of new Set(results.map((result) => result.scenario))) {
    const row = results.filter((result) => result.scenario === scenario);
    table.push([scenario, ...used.map((column) => square(row.filter((result) => isIn(result, column))))]);
  }
  return `${table.toString()}\n${failures(results)}${absences(results)}${summary(results)}`;
}

function isIn(result: Result, column: { readonly peer: string; readonly role: string }): boolean {
  return result.peer === column.peer && result.role === column.role;
}

function square(results: readonly Result[]): string {
  if (results.length === 0) return '';
  if (results.every(({ status }) => status === 'missing')) return colors.yellow('missing');
  const passed = results.filter(({ status }) => status === 'passed').length;
  const text = `${passed}/${results.length}`;
  return passed === results.length ? colors.green(text) : colors.red(text);
}

function failures(results: readonly Result[]): string {
  return results
    .filter(({ status }) => status === 'failed')
    .map(
      ({ peer, scenario, role, variant, reason }) =>
        `${colors.red('failed')} ${scenario}, ${role} to ${peer}, ${variant}: ${reason}\n`,
    )
    .join('');
}

/** Each peer once. */
function absences(results: readonly Result[]): string {
  const missing = results.filter(({ status }) => status === 'missing');
  const lines = missing.map(({ peer, reason }) => `${colors.yellow('missing')} ${peer}: ${reason}\n`);
  return [...new Set(lines)].join('');
}

function summary(results: readonly Result[]): string {
  const count = (status: Result['status']): number => results.filter((result) => result.status === status).length;
  const seconds = results.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / 1000;
  return `${count('passed')} passed, ${count('failed')} failed, ${count('missing')} missing in ${seconds.toFixed(1)} s`;
}
