import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { noble } from '#opentls/providers/noble';
import { node } from '#opentls/providers/node';
import { differences } from './expectations.ts';
import { absent, outsideJson, parseGzip, title } from './limbo.ts';
import { judgePkits, type PkitsFile } from './pkits.ts';

const whole = 'pkits.json.gz';

/** The tests of policies and of names, which need no revocation list of their own kind, are carried along. */
const carried = parseGzip<PkitsFile>(readFileSync(new URL('../../vectors/x509/pkits-subset.json.gz', import.meta.url)));

function outcomes(file: PkitsFile, verifiers = node.verifiers) {
  return file.tests.map((given) => {
    const verdict = judgePkits(given, file, verifiers);
    const wanted = [...(given.expectedUserConstrainedPolicySet ?? [])].sort();
    const samePolicies = !verdict.ok || [...verdict.peer.policies].sort().join() === wanted.join();
    const said = verdict.ok ? `accepted for ${verdict.peer.policies.join()}` : `${verdict.code}, ${verdict.reason}`;
    return { id: given.id, conforms: verdict.ok === (given.expected === 'valid') && samePolicies, said };
  });
}

describe('NIST PKITS, with the user-constrained policy sets', () => {
  test('a subset', () => {
    expect(carried.tests.length).toBeGreaterThan(30);
    for (const { verifiers } of [node, noble]) {
      expect(outcomes(carried, verifiers).filter(({ conforms }) => !conforms)).toEqual([]);
    }
  }, 60_000);

  test.skipIf(absent(whole))(title(whole), () => {
    const file = outsideJson<PkitsFile>(whole);
    expect(file.tests).toHaveLength(249);
    expect(differences('pkits', outcomes(file))).toEqual([]);
  });
});
