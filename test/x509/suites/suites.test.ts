import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { noble } from '#opentls/providers/noble';
import { node } from '#opentls/providers/node';
import { type ChainFile, judgeChain } from './boringssl-chains.ts';
import { differences, limboExpectations } from './expectations.ts';
import { absent, outsideJson, parseGzip, title } from './limbo.ts';
import type { PkitsFile } from './pkits.ts';
import { isMissing, type LimboFile, limboOutcomes, pkitsOutcomes, suites } from './suites.ts';

const carried = <T>(name: string): T =>
  parseGzip(readFileSync(new URL(`../../../vectors/x509/${name}`, import.meta.url)));

describe('suites of others', () => {
  for (const suite of suites) {
    const missing = isMissing(suite);
    test.skipIf(missing)(missing ? `${suite.name}: ${title(suite.file)}` : suite.name, () => {
      const outcomes = suite.outcomes();
      expect(outcomes).toHaveLength(suite.cases);
      expect(differences(suite.reasons, outcomes)).toEqual([]);
    });
  }

  const limbo = ['limbo.json.gz', 'limbo-extra.json.gz', 'real-chains.json.gz'];
  test.skipIf(limbo.some(absent))('every difference that is listed for x509-limbo names a case', () => {
    const ids = new Set(limbo.flatMap((file) => outsideJson<LimboFile>(file).testcases.map(({ id }) => id)));
    expect(Object.keys(limboExpectations).filter((id) => !ids.has(id))).toEqual([]);
  });

  test.skipIf(absent('limbo.json.gz'))('nothing of importance is wrongly accepted, nothing of the web refused', () => {
    const cases = limbo.flatMap((file) => outsideJson<LimboFile>(file).testcases);
    const wrong = cases.filter(({ id }) => id in limboExpectations);
    const grave = wrong.filter(({ importance }) => ['medium', 'high', 'critical'].includes(importance));
    expect(grave.map(({ id }) => id)).toEqual([]);
    expect(wrong.filter(({ expected_result }) => expected_result === 'SUCCESS').map(({ id }) => id)).toEqual([]);
    expect(wrong.filter(({ id }) => /^(?:online|real|bettertls)::/.test(id)).map(({ id }) => id)).toEqual([]);
  });
});

describe('what is carried along of them, with each provider', () => {
  const file = carried<LimboFile>('limbo-core.json.gz');
  const pkits = carried<PkitsFile>('pkits-subset.json.gz');
  const own = Object.fromEntries(
    Object.entries(limboExpectations).filter(([id]) => file.testcases.some((given) => given.id === id)),
  );

  test.each([noble, node])(
    '$name',
    ({ verifiers }) => {
      expect(file.testcases).toHaveLength(86);
      expect(differences(own, limboOutcomes(file, verifiers))).toEqual([]);
      expect(pkits.tests).toHaveLength(40);
      expect(differences({}, pkitsOutcomes(pkits, verifiers))).toEqual([]);
    },
    60_000,
  );
});

const chains = 'boringssl-verify-chain.json.gz';
test.skipIf(absent(chains))("the user-constrained policy set of BoringSSL's chains", () => {
  const whole = outsideJson<ChainFile>(chains);
  const given = whole.tests.filter((candidate) => candidate.expectedUserConstrainedPolicySet !== null);
  expect(given.length).toBeGreaterThan(10);
  for (const candidate of given) {
    const verdict = judgeChain(candidate, whole);
    if (verdict?.ok !== true) throw new Error(candidate.id);
    const wanted = [...(candidate.expectedUserConstrainedPolicySet ?? [])].sort();
    expect([...verdict.peer.policies].sort(), candidate.id).toEqual(wanted);
  }
});
