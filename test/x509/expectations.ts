import { readFileSync } from 'node:fs';

export interface Outcome {
  readonly id: string;
  readonly conforms: boolean;
  readonly said: string;
}

const listed: Readonly<Record<string, Readonly<Record<string, string>>>> = JSON.parse(
  readFileSync(new URL('../../vectors/x509-expectations.json', import.meta.url), 'utf8'),
);

/**
 * Cases of a suite that neither end as it has them nor are listed with a reason, and those that are listed without
 * need.
 */
export function differences(suite: string, outcomes: readonly Outcome[]): string[] {
  const reasons = listed[suite] ?? {};
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
