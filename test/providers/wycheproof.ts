import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** A Wycheproof test, whatever its schema; values are hex. */
export interface WycheproofTest {
  readonly tcId: number;
  readonly comment: string;
  readonly flags?: readonly string[];
  readonly result: 'valid' | 'invalid' | 'acceptable';
  readonly [field: string]: unknown;
}

export interface WycheproofGroup {
  readonly tests: readonly WycheproofTest[];
  readonly [field: string]: unknown;
}

/** Test vectors that are too many to carry along live beside the repository. */
const folder = new URL('../../../shared/vectors/wycheproof/', import.meta.url);

/** For `test.skipIf`: the optional data folder is absent. */
export function absent(file: string): boolean {
  return !existsSync(new URL(`${file}.json.gz`, folder));
}

/** The name of a test over a Wycheproof file; it tells why it is skipped. */
export function title(file: string): string {
  return absent(file) ? `${file} (skipped: the Wycheproof files are not beside the repository)` : file;
}

export function groupsOf(file: string): readonly WycheproofGroup[] {
  const text = gunzipSync(readFileSync(new URL(`${file}.json.gz`, folder))).toString('utf8');
  return (JSON.parse(text) as { testGroups: WycheproofGroup[] }).testGroups;
}

/** A hex field. */
export function bytes(holder: WycheproofTest | WycheproofGroup, field: string): Uint8Array {
  const value = holder[field];
  if (typeof value !== 'string') throw new TypeError(`no hex in ${field}`);
  return new Uint8Array(Buffer.from(value, 'hex'));
}

/** The tests whose outcome is not the expected one, named; a good run gives []. */
export function mismatches(
  file: string,
  outcome: (test: WycheproofTest, group: WycheproofGroup) => boolean | undefined,
): { readonly wrong: readonly string[]; readonly ran: number } {
  const wrong: string[] = [];
  let ran = 0;
  for (const group of groupsOf(file)) {
    for (const test of group.tests) {
      const right = outcome(test, group);
      if (right === undefined) continue;
      ran++;
      if (!right) wrong.push(`${file} ${test.tcId}: ${test.comment} (${test.result}; ${test.flags?.join(' ')})`);
    }
  }
  return { wrong, ran };
}
