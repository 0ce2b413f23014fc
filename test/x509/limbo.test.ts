import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { SignatureVerifier } from '#opentls/crypto/provider';
import { mlDsaVerifiers, noble } from '#opentls/providers/noble';
import { node } from '#opentls/providers/node';
import { absent, judge, type LimboCase, outsideJson, parseGzip, title } from './limbo.ts';

interface LimboFile {
  readonly testcases: readonly LimboCase[];
}

const carried = (name: string): Buffer => readFileSync(new URL(`../../vectors/x509/${name}`, import.meta.url));

/** Cases that do not end as the suite has it, each with the reason. */
const expectations: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(new URL('../../vectors/limbo-expectations.json', import.meta.url), 'utf8'),
);

/** Cases whose verdict is not the expected one, with what was said; a verdict that is listed as different is no miss. */
function misses(
  { testcases }: LimboFile,
  verifiers: readonly SignatureVerifier[] = [...node.verifiers, ...mlDsaVerifiers],
): string[] {
  return testcases.flatMap((given) => {
    const verdict = judge(given, verifiers);
    const conforms = verdict.ok === (given.expected_result === 'SUCCESS');
    if (conforms !== given.id in expectations) return [];
    if (conforms) return [`${given.id}: conforms, yet is listed as different`];
    return [`${given.id}: ${verdict.ok ? 'accepted' : `${verdict.code}, ${verdict.reason}`}`];
  });
}

const files = [
  ['limbo.json.gz', 444],
  ['limbo-extra.json.gz', 17],
  ['real-chains.json.gz', 252],
] as const;

describe('x509-limbo', () => {
  test('path validation by RFC 5280 and the web PKI', () => {
    const file = parseGzip<LimboFile>(carried('limbo-core.json.gz'));
    expect(file.testcases).toHaveLength(86);
    expect(misses(file)).toEqual([]);
    expect(misses(file, noble.verifiers)).toEqual([]);
  }, 60_000);

  for (const [file, count] of files) {
    test.skipIf(absent(file))(title(file), () => {
      const whole = outsideJson<LimboFile>(file);
      expect(whole.testcases).toHaveLength(count);
      expect(misses(whole)).toEqual([]);
    });
  }

  test.skipIf(files.some(([file]) => absent(file)))('every listed difference names a case', () => {
    const ids = new Set(files.flatMap(([file]) => outsideJson<LimboFile>(file).testcases.map(({ id }) => id)));
    expect(Object.keys(expectations).filter((id) => !ids.has(id))).toEqual([]);
  });

  test('the hostile chains end soon', { skip: absent('limbo.json.gz') }, () => {
    const { testcases } = outsideJson<LimboFile>('limbo.json.gz');
    const hostile = testcases.filter(({ id }) => id.startsWith('pathological::'));
    expect(hostile.length).toBeGreaterThan(3);
    for (const given of hostile) {
      const start = performance.now();
      judge(given, node.verifiers);
      expect(performance.now() - start, given.id).toBeLessThan(1_000);
    }
  });
});
