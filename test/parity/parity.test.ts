// opentls beside node:tls on the Node that runs; `npm run parity` has the newer ones as well.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compare } from './compare.ts';
import { page, withDifferences } from './differences.ts';
import { running } from './nodes.ts';
import { type Area, loadAreas, type Outcome, runArea } from './run.ts';
import { finding } from './table.ts';

const areas = await loadAreas();

describe.each(areas.map((area) => [area.name, area] as const))('%s', (_name, area: Area) => {
  let outcomes: Promise<readonly Outcome[]> | undefined;
  const here = area.behaviours.filter(({ from = 0, to = 999 }) => running.major >= from && running.major <= to);
  test.each(here.map(({ name }) => name))('%s', { timeout: 300_000 }, async (name) => {
    outcomes ??= runArea(area, running);
    const outcome = (await outcomes).find(({ behaviour }) => behaviour.name === name);
    expect(outcome).toBeDefined();
    expect(outcome && finding(outcome)).toBe('');
  });
});

test('the page of the adapter lists what differs on purpose: npm run parity -- --readme', () => {
  const text = readFileSync(page, 'utf8');
  expect(withDifferences(text, areas)).toBe(text);
});

test('no two behaviours of an area have the same name', () => {
  for (const { name: area, behaviours } of areas) {
    expect(new Set(behaviours.map(({ name }) => name)).size, area).toBe(behaviours.length);
  }
});

describe('the comparison', () => {
  const note = (track: string, label: string, text = ''): { track: string; label: string; text: string } => ({
    track,
    label,
    text,
  });

  test('takes each track by itself, in its order', () => {
    const both = [note('client', 'a'), note('server', 'b')];
    expect(compare(both, [...both].reverse()).verdict).toBe('same');
    expect(
      compare([note('client', 'a'), note('client', 'b')], [note('client', 'b'), note('client', 'a')]).verdict,
    ).toBe('differs');
  });

  test('shows what differs', () => {
    const { difference } = compare([note('client', 'a', '1')], [note('client', 'a', '2')]);
    expect(difference).toEqual(['client:', '  - a 1', '  + a 2']);
  });

  test('lets differences pass that are named, and no others', () => {
    const [expected, actual] = [[note('client', 'a', '1')], [note('client', 'a', '2')]];
    expect(compare(expected, actual, { 'client: a': 'a reason' }).verdict).toBe('by design');
    expect(compare(expected, actual, { 'client: b': 'a reason' }).verdict).toBe('differs');
    expect(compare(expected, expected, { 'client: a': 'a reason' }).verdict).toBe('same');
  });

  test('takes a behaviour that failed, or noted nothing, for broken', () => {
    expect(compare([note('trial', 'failed')], [note('trial', 'failed')]).broken).toBe(true);
    expect(compare([], []).broken).toBe(true);
  });
});
