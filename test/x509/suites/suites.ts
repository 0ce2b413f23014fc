import { existsSync, readFileSync } from 'node:fs';
import type { SignatureVerifier } from '#opentls/crypto/provider';
import { withMlDsa } from '#opentls/providers/noble';
import { node } from '#opentls/providers/node';
import { type ChainFile, judgeChain } from './boringssl-chains.ts';
import { type ParseFile, type StatusFile, statusOf, usability } from './crl-suites.ts';
import { limboExpectations, listed, type Outcome, type Reasons } from './expectations.ts';
import { absent, judge, type LimboCase, outsideJson, parseGzip } from './limbo.ts';
import { type OcspFile, statusBy } from './ocsp-suite.ts';
import { judgePkits, type PkitsFile } from './pkits.ts';

/** Cases that others wrote, with what this library says to each. */
export interface Suite {
  readonly name: string;
  readonly file: string;
  readonly cases: number;
  /** Cases that end otherwise here, each with its reason. */
  readonly reasons: Reasons;
  readonly outcomes: () => readonly Outcome[];
}

export interface LimboFile {
  readonly testcases: readonly LimboCase[];
}

export const suites: readonly Suite[] = [
  limboSuite('x509-limbo', 'limbo.json.gz', 444),
  limboSuite('x509-limbo, newer cases', 'limbo-extra.json.gz', 17),
  limboSuite('chains of real sites', 'real-chains.json.gz', 252),
  {
    name: 'NIST PKITS',
    file: 'pkits.json.gz',
    cases: 249,
    reasons: listed('pkits'),
    outcomes: () => pkitsOutcomes(load<PkitsFile>('pkits.json.gz'), node.verifiers),
  },
  {
    name: 'BoringSSL, single chains',
    file: 'boringssl-verify-chain.json.gz',
    cases: 197,
    reasons: listed('verify-chain'),
    outcomes: () => chainOutcomes(load<ChainFile>('boringssl-verify-chain.json.gz')),
  },
  {
    name: 'BoringSSL, revocation lists',
    file: 'boringssl-crl.json.gz',
    cases: 66,
    reasons: listed('crl'),
    outcomes: () => statusOutcomes(load<StatusFile>('boringssl-crl.json.gz')),
  },
  {
    name: 'webpki, revocation lists',
    file: 'webpki-crls.json.gz',
    cases: 31,
    reasons: listed('webpki-crls'),
    outcomes: () => parseOutcomes(load<ParseFile>('webpki-crls.json.gz')),
  },
  {
    name: 'BoringSSL, OCSP responses',
    file: 'boringssl-ocsp.json.gz',
    cases: 36,
    reasons: listed('ocsp'),
    outcomes: () => ocspOutcomes(load<OcspFile>('boringssl-ocsp.json.gz')),
  },
];

/** Whether neither the repository nor what is beside it has the cases. */
export function isMissing({ file }: Suite): boolean {
  return !existsSync(carried(file)) && absent(file);
}

export function limboOutcomes({ testcases }: LimboFile, verifiers: readonly SignatureVerifier[]): readonly Outcome[] {
  return testcases.map((given) => {
    const verdict = judge(given, verifiers);
    const said = verdict.ok ? 'accepted' : `${verdict.code}, ${verdict.reason}`;
    return { id: given.id, conforms: verdict.ok === (given.expected_result === 'SUCCESS'), said };
  });
}

/** With the user-constrained policy set compared. */
export function pkitsOutcomes(file: PkitsFile, verifiers: readonly SignatureVerifier[]): readonly Outcome[] {
  return file.tests.map((given) => {
    const verdict = judgePkits(given, file, verifiers);
    const wanted = [...(given.expectedUserConstrainedPolicySet ?? [])].sort().join();
    const samePolicies = !verdict.ok || [...verdict.peer.policies].sort().join() === wanted;
    const said = verdict.ok ? `accepted for ${verdict.peer.policies.join()}` : `${verdict.code}, ${verdict.reason}`;
    return { id: given.id, conforms: verdict.ok === (given.expected === 'valid') && samePolicies, said };
  });
}

function limboSuite(name: string, file: string, cases: number): Suite {
  const outcomes = (): readonly Outcome[] => limboOutcomes(load<LimboFile>(file), withMlDsa(node).verifiers);
  const ids = (): ReadonlySet<string> => new Set(load<LimboFile>(file).testcases.map(({ id }) => id));
  return {
    name,
    file,
    cases,
    // Three files share the list.
    get reasons(): Reasons {
      const own = ids();
      return Object.fromEntries(Object.entries(limboExpectations).filter(([id]) => own.has(id)));
    },
    outcomes,
  };
}

function chainOutcomes(file: ChainFile): readonly Outcome[] {
  return file.tests.map((given) => {
    const verdict = judgeChain(given, file);
    const conforms = verdict !== undefined && verdict.ok === (given.expected === 'valid');
    const said = verdict === undefined || verdict.ok ? 'accepted' : `${verdict.code}, ${verdict.reason}`;
    return { id: given.id, conforms, said };
  });
}

function statusOutcomes(file: StatusFile): readonly Outcome[] {
  return file.tests.map((given) => {
    const { status, why } = statusOf(given, file);
    return { id: given.id, conforms: status === given.expected, said: why };
  });
}

function parseOutcomes({ crls }: ParseFile): readonly Outcome[] {
  // Where webpki's test names no expectation, the name of the file says whether it is sound.
  const isSound = (id: string, errors: readonly (string | null)[]): boolean =>
    errors.length === 0 ? !/invalid|unknown|explicit/.test(id) : errors.every((error) => error === null);
  return Object.entries(crls).map(([id, { crl, webpkiTests }]) => {
    const errors = webpkiTests.map(({ error }) => error);
    const said = usability(crl);
    return { id, conforms: isSound(id, errors) === (said === 'usable'), said };
  });
}

function ocspOutcomes(file: OcspFile): readonly Outcome[] {
  return file.tests.map((given) => {
    const { status, why } = statusBy(given, file);
    return { id: given.id, conforms: status === given.expectedStatus, said: why };
  });
}

function load<T>(file: string): T {
  return existsSync(carried(file)) ? parseGzip(readFileSync(carried(file))) : outsideJson(file);
}

function carried(file: string): URL {
  return new URL(`../../../vectors/x509/${file}`, import.meta.url);
}
