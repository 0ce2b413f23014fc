import { readFileSync } from 'node:fs';

export interface Outcome {
  readonly id: string;
  readonly conforms: boolean;
  readonly said: string;
}

/** Why a case ends otherwise here, by its name. */
export type Reasons = Readonly<Record<string, string>>;

export const limboExpectations: Reasons = json('limbo-expectations.json');
const expectations: Readonly<Record<string, Reasons>> = json('x509-expectations.json');

/** The listed cases of a suite. */
export function listed(suite: string): Reasons {
  return expectations[suite] ?? {};
}

/**
 * Cases of a suite that neither end as it has them nor are listed with a reason, and those that are listed without
 * need.
 */
export function differences(reasons: Reasons, outcomes: readonly Outcome[]): string[] {
  const ids = new Set(outcomes.map(({ id }) => id));
  const unknown = Object.keys(reasons).filter((id) => !ids.has(id));
  return [
    ...unknown.map((id) => `${id}: listed, yet no case`),
    ...outcomes.flatMap(({ id, conforms, said }) => {
      if (conforms === id in reasons) return [`${id}: ${conforms ? 'conforms, yet is listed as different' : said}`];
      return [];
    }),
  ];
}

function json<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../../vectors/${name}`, import.meta.url), 'utf8'));
}
