import { describe, expect, test } from 'vitest';
import { type ChainFile, judgeChain } from './boringssl-chains.ts';
import { differences } from './expectations.ts';
import { absent, outsideJson, title } from './limbo.ts';

const file = 'boringssl-verify-chain.json.gz';

describe("BoringSSL's single chains", () => {
  test.skipIf(absent(file))(title(file), () => {
    const chains = outsideJson<ChainFile>(file);
    expect(chains.tests).toHaveLength(197);
    const outcomes = chains.tests.map((given) => {
      const verdict = judgeChain(given, chains);
      const conforms = verdict !== undefined && verdict.ok === (given.expected === 'valid');
      const said = verdict === undefined || verdict.ok ? 'accepted' : `${verdict.code}, ${verdict.reason}`;
      return { id: given.id, conforms, said };
    });
    expect(differences('verify-chain', outcomes)).toEqual([]);
  });

  test.skipIf(absent(file))('the user-constrained policy set', () => {
    const chains = outsideJson<ChainFile>(file);
    const given = chains.tests.filter((candidate) => candidate.expectedUserConstrainedPolicySet !== null);
    expect(given.length).toBeGreaterThan(10);
    for (const candidate of given) {
      const verdict = judgeChain(candidate, chains);
      if (verdict?.ok !== true) throw new Error(candidate.id);
      expect([...verdict.peer.policies].sort(), candidate.id).toEqual(
        [...(candidate.expectedUserConstrainedPolicySet ?? [])].sort(),
      );
    }
  });
});
