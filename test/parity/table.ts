import Table from 'cli-table3';
import colors from 'picocolors';
import type { Outcome } from './run.ts';

/** The differences, then areas down and versions of Node across, then the sum. */
export function printOutcomes(outcomes: readonly Outcome[]): string {
  const nodes = [...new Set(outcomes.map(({ node }) => node))];
  const table = new Table({
    head: ['area', ...nodes.map((node) => `Node ${node}`)],
    style: { head: [], border: [], compact: true },
  });
  for (const area of new Set(outcomes.map((outcome) => outcome.area))) {
    const cells = nodes.map((node) => cell(outcomes.filter((each) => each.area === area && each.node === node)));
    table.push([area, ...cells]);
  }
  const outdated = stale(outcomes).map(({ area, behaviour }) => `no longer differs: ${area}: ${behaviour.name}\n`);
  return `${findings(outcomes)}${outdated.join('')}${table.toString()}\n${sum(outcomes)}\n`;
}

/** Behaviours that name a difference and show it in no version of Node that was tried. */
export function stale(outcomes: readonly Outcome[]): readonly Outcome[] {
  const shown = new Set(outcomes.filter(({ verdict }) => verdict === 'by design').map(({ behaviour }) => behaviour));
  const named = outcomes.filter(({ behaviour }) => behaviour.byDesign !== undefined && !shown.has(behaviour));
  return named.filter((outcome, at) => named.findIndex(({ behaviour }) => behaviour === outcome.behaviour) === at);
}

/** The findings, those that are the same on several Nodes once. */
function findings(outcomes: readonly Outcome[]): string {
  const nodes = new Map<string, number[]>();
  for (const outcome of outcomes) {
    const text = finding(outcome);
    if (text !== '') nodes.set(text, [...(nodes.get(text) ?? []), outcome.node]);
  }
  return [...nodes].map(([text, versions]) => `Node ${versions.join(', ')}: ${text}`).join('');
}

/** What a reader has to see of an outcome: nothing where both are the same. */
export function finding({ area, behaviour, verdict, difference, broken }: Outcome): string {
  const title = `${area}: ${behaviour.name}`;
  if (verdict === 'differs') return `${colors.red('differs')} ${title}\n${difference.join('\n')}\n`;
  return broken ? `${colors.red('failed')} ${title}\n` : '';
}

function cell(outcomes: readonly Outcome[]): string {
  if (outcomes.length === 0) return '';
  const differing = count(outcomes, 'differs');
  const text = `${outcomes.length - differing}/${outcomes.length}`;
  return differing === 0 ? colors.green(text) : colors.red(text);
}

function sum(outcomes: readonly Outcome[]): string {
  const behaviours = new Set(outcomes.map(({ behaviour }) => behaviour)).size;
  const parts = (['same', 'by design', 'differs'] as const).map((verdict) => `${count(outcomes, verdict)} ${verdict}`);
  return `${behaviours} behaviours: ${parts.join(', ')}`;
}

function count(outcomes: readonly Outcome[], verdict: Outcome['verdict']): number {
  return outcomes.filter((outcome) => outcome.verdict === verdict).length;
}
