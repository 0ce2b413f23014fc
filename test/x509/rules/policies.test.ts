import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fromHex } from '#opentls/bytes/hex';
import { node } from '#opentls/providers/node';
import { DerError } from '#opentls/x509/asn1/der';
import { parseCertificate } from '#opentls/x509/certificate/certificate';
import {
  anyPolicy,
  parseCertificatePolicies,
  parsePolicyConstraints,
  parsePolicyMappings,
} from '#opentls/x509/certificate/policy-extensions';
import { TrustStore } from '#opentls/x509/path/trust';
import { CheckFailure } from '#opentls/x509/rules/check-failure';
import { checkPolicies, type PolicyCertificate, type PolicyInputs } from '#opentls/x509/rules/policies';
import { rfc5280 } from '#opentls/x509/rules/profile';
import { verifyPeer } from '#opentls/x509/verify/verify';
import { randomNumbers } from '../../kit/random.ts';
import { authority, now, serverLeaf } from '../made/chain.ts';
import { absent, outsideJson, parseGzip, title } from '../suites/limbo.ts';
import type { PkitsFile } from '../suites/pkits.ts';
import { policiesByTree } from './policy-tree.ts';

interface BlobFile {
  readonly files: Readonly<Record<string, readonly { readonly b64: string }[]>>;
}

const { files } = parseGzip<BlobFile>(
  readFileSync(new URL('../../../vectors/x509/boringssl-policies.json.gz', import.meta.url)),
);

describe('policy extensions', () => {
  test.each(Object.entries(files))('of BoringSSL: %s', (name, [blob]) => {
    const parse = () => parseCertificatePolicies(new Uint8Array(Buffer.from(blob?.b64 ?? '', 'base64')));
    if (name.startsWith('invalid-')) expect(parse).toThrow(DerError);
    else expect(parse().length).toBeGreaterThan(0);
  });

  test('empty ones are refused', () => {
    expect(() => parsePolicyConstraints(fromHex('3000'))).toThrow(DerError);
    expect(() => parsePolicyMappings(fromHex('3000'))).toThrow(DerError);
    expect(parsePolicyConstraints(fromHex('3006800100810102'))).toEqual({
      requireExplicitPolicy: 0,
      inhibitPolicyMapping: 2,
    });
  });

  test('a qualifier is DER, whatever it is', () => {
    const withInteger = (der: string) => parseCertificatePolicies(fromHex(`3012301006022a03300a300806022a04${der}`));
    expect(withInteger('02020101')).toHaveLength(1);
    expect(() => withInteger('02020001')).toThrow(DerError);
  });
});

type Said = Partial<Pick<PolicyCertificate, 'policyMappings' | 'policyConstraints' | 'inhibitAnyPolicy'>> & {
  readonly policies?: readonly string[];
  readonly selfIssued?: boolean;
};

let serial = 0;

/** A certificate as far as policies look at it. */
function certificate({ policies, selfIssued = false, ...said }: Said): PolicyCertificate {
  const name = (n: number) => ({ raw: Uint8Array.of(n >> 8, n & 255), rdns: [], key: String(n) });
  serial++;
  const certificatePolicies = policies?.map((policy) => ({ policy, qualifiers: [] }));
  return {
    subject: name(serial),
    issuer: name(selfIssued ? serial : 0),
    certificatePolicies,
    policyMappings: undefined,
    policyConstraints: undefined,
    inhibitAnyPolicy: undefined,
    ...said,
  };
}

/** From the anchor's first child down to the leaf. */
function policiesOf(chain: readonly Said[], inputs: PolicyInputs = {}): readonly string[] | string {
  const path = [{}, ...chain].map(certificate).reverse();
  try {
    return [...checkPolicies(path, inputs)].sort();
  } catch (error) {
    return error instanceof CheckFailure ? error.code : String(error);
  }
}

/** As {@link policiesByTree} puts it. */
function policiesByGraph(path: readonly PolicyCertificate[], inputs: PolicyInputs): readonly string[] | string {
  try {
    return [...checkPolicies(path, inputs)].sort();
  } catch (error) {
    if (error instanceof CheckFailure) return `${error.code}@${error.at}`;
    throw error;
  }
}

describe('the policies of a path', () => {
  const any = { policies: [anyPolicy] };

  test('what all certificates have', () => {
    expect(policiesOf([{ policies: ['1.1', '1.2'] }, { policies: ['1.2', '1.3'] }])).toEqual(['1.2']);
    expect(policiesOf([any, { policies: ['1.2'] }])).toEqual(['1.2']);
    expect(policiesOf([{ policies: ['1.2'] }, any])).toEqual(['1.2']);
    expect(policiesOf([any, any])).toEqual([anyPolicy]);
    expect(policiesOf([any, {}])).toEqual([]);
    expect(policiesOf([{ policies: ['1.1'] }, { policies: ['1.2'] }])).toEqual([]);
  });

  test('what is asked for', () => {
    const chain = [{ policies: ['1.1', '1.2'] }, { policies: ['1.1', '1.2'] }];
    expect(policiesOf(chain, { initialPolicySet: ['1.2'] })).toEqual(['1.2']);
    expect(policiesOf(chain, { initialPolicySet: ['1.3'] })).toEqual([]);
    expect(policiesOf(chain, { initialPolicySet: ['1.3'], explicitPolicy: true })).toBe('NO_EXPLICIT_POLICY');
    expect(policiesOf([any, any], { initialPolicySet: ['1.3'], explicitPolicy: true })).toEqual(['1.3']);
    expect(policiesOf([any, any], { inhibitAnyPolicy: true, explicitPolicy: true })).toBe('NO_EXPLICIT_POLICY');
    expect(policiesOf([{}, {}], { explicitPolicy: true })).toBe('NO_EXPLICIT_POLICY');
  });

  test('mappings speak in the terms of the anchor', () => {
    const mapping = [{ issuerDomainPolicy: '1.1', subjectDomainPolicy: '2.1' }];
    const chain = [{ policies: ['1.1'], policyMappings: mapping }, { policies: ['2.1'] }];
    expect(policiesOf(chain)).toEqual(['1.1']);
    expect(policiesOf(chain, { initialPolicySet: ['1.1'], explicitPolicy: true })).toEqual(['1.1']);
    expect(policiesOf(chain, { initialPolicySet: ['2.1'], explicitPolicy: true })).toBe('NO_EXPLICIT_POLICY');
    expect(policiesOf(chain, { inhibitMapping: true, explicitPolicy: true })).toBe('NO_EXPLICIT_POLICY');
    const throughAny = [{ policies: [anyPolicy], policyMappings: mapping }, { policies: ['2.1'] }];
    expect(policiesOf(throughAny)).toEqual(['1.1']);
  });

  test.each([
    { issuerDomainPolicy: anyPolicy, subjectDomainPolicy: '2.1' },
    { issuerDomainPolicy: '1.1', subjectDomainPolicy: anyPolicy },
  ])('anyPolicy may not be mapped', (mapping) => {
    expect(policiesOf([{ ...any, policyMappings: [mapping] }, any])).toBe('INVALID_POLICY_EXTENSION');
  });

  test('constraints begin after as many certificates as they say', () => {
    const explicit = (n: number) => ({
      ...any,
      policyConstraints: { requireExplicitPolicy: n, inhibitPolicyMapping: undefined },
    });
    expect(policiesOf([explicit(0), any, {}])).toBe('NO_EXPLICIT_POLICY');
    expect(policiesOf([explicit(1), any, {}])).toBe('NO_EXPLICIT_POLICY');
    expect(policiesOf([explicit(2), any, {}])).toBe('NO_EXPLICIT_POLICY');
    expect(policiesOf([explicit(3), any, {}])).toEqual([]);
    expect(policiesOf([explicit(2), { ...any, selfIssued: true }, any, {}])).toBe('NO_EXPLICIT_POLICY');
    expect(policiesOf([{ ...any, inhibitAnyPolicy: 0 }, any], { explicitPolicy: true })).toBe('NO_EXPLICIT_POLICY');
    expect(policiesOf([{ ...any, inhibitAnyPolicy: 1 }, any, { policies: ['1.1'] }])).toEqual(['1.1']);
  });

  test('what an anchor says of itself comes first', () => {
    const under = (anchor: Said, ...chain: readonly Said[]) =>
      policiesByGraph([anchor, ...chain].map(certificate).reverse(), {});
    const explicit = { policyConstraints: { requireExplicitPolicy: 0, inhibitPolicyMapping: undefined } };
    expect(under({ policies: ['1.1'] }, any, any)).toEqual(['1.1']);
    expect(under({ policies: ['1.1'] }, any, { policies: ['1.2'] })).toEqual([]);
    expect(under({ policies: ['1.1'], ...explicit }, any, { policies: ['1.2'] })).toBe('NO_EXPLICIT_POLICY@0');
    expect(under({ ...explicit }, {}, any)).toBe('NO_EXPLICIT_POLICY@1');
    expect(under({ inhibitAnyPolicy: 0 }, any, any)).toEqual([]);
    const mapping = { issuerDomainPolicy: '1.1', subjectDomainPolicy: '2.1' };
    expect(under({ policyMappings: [mapping] }, { policies: ['2.1'] }, any)).toEqual(['1.1']);
    // One that is trusted itself, with nothing below.
    expect(under({ policies: ['1.1'], ...explicit })).toEqual([anyPolicy]);
  });

  test('a tree that would have 100^9 leaves', () => {
    const policies = Array.from({ length: 100 }, (_, n) => `1.${n}`);
    const policyMappings = policies.flatMap((issuerDomainPolicy) =>
      policies.map((subjectDomainPolicy) => ({ issuerDomainPolicy, subjectDomainPolicy })),
    );
    const chain: Said[] = [...Array.from({ length: 8 }, () => ({ policies, policyMappings })), { policies }];
    expect(policiesOf(chain)).toHaveLength(100);
  });
});

describe('the graph of RFC 9618 against the tree of RFC 5280', () => {
  test.each([1, 2, 3, 4])('random paths, seed %i', (seed) => {
    const random = randomNumbers(seed);
    const ends = new Set<string>();
    for (let n = 0; n < 5000; n++) {
      const { path, inputs } = randomPath(random);
      const wanted = policiesByTree(path, inputs);
      expect(policiesByGraph(path, inputs), JSON.stringify({ path, inputs })).toEqual(wanted);
      ends.add(typeof wanted === 'string' ? wanted : wanted.join());
    }
    // Of 32 sets, and two refusals at each depth but that of the leaf, which has one.
    expect(ends.size).toBeGreaterThan(35);
  });
});

const policyNames = [anyPolicy, '1.1', '1.2', '1.3', '2.1'];

function randomPath(random: (bound: number) => number): {
  readonly path: readonly PolicyCertificate[];
  readonly inputs: PolicyInputs;
} {
  const some = (): readonly string[] => policyNames.filter(() => random(2) === 0);
  const named = (): string => policyNames[random(60) === 0 ? 0 : 1 + random(4)] ?? anyPolicy;
  const maybe = (bound: number): number | undefined => (random(2) === 0 ? random(bound) : undefined);
  const said = (): Said => ({
    ...(random(12) > 0 && { policies: some() }),
    selfIssued: random(5) === 0,
    policyMappings:
      random(2) === 0
        ? undefined
        : Array.from({ length: 1 + random(4) }, () => ({ issuerDomainPolicy: named(), subjectDomainPolicy: named() })),
    policyConstraints: random(3) > 0 ? undefined : { requireExplicitPolicy: maybe(4), inhibitPolicyMapping: maybe(3) },
    inhibitAnyPolicy: random(4) > 0 ? undefined : random(3),
  });
  return {
    path: [...Array.from({ length: 1 + random(5) }, said), {}].map(certificate),
    inputs: {
      ...(random(2) === 0 && { initialPolicySet: some() }),
      explicitPolicy: random(3) === 0,
      inhibitMapping: random(6) === 0,
      inhibitAnyPolicy: random(6) === 0,
    },
  };
}

const pkitsName = 'pkits.json.gz';
test.skipIf(absent(pkitsName))(
  `the policy sets of PKITS, of paths that fail otherwise, too: ${title(pkitsName)}`,
  () => {
    const file = outsideJson<PkitsFile>(pkitsName);
    const read = (name: string) => parseCertificate(new Uint8Array(Buffer.from(file.certs[name] ?? '', 'base64')));
    // Each has a certificate whose signature is not whole bytes.
    const unreadable = new Set(['4.1.2', '4.1.6']);
    const given = file.tests.filter(({ id }) => !unreadable.has(id));
    expect(given).toHaveLength(247);
    for (const each of given) {
      const path = [each.target, ...[...each.intermediates].reverse(), each.trustAnchor].map(read);
      const policies = policiesByGraph(path, {
        initialPolicySet: each.initialPolicySet,
        explicitPolicy: each.initialExplicitPolicy,
        inhibitMapping: each.initialPolicyMappingInhibit,
        inhibitAnyPolicy: each.initialInhibitAnyPolicy,
      });
      const wanted = [...(each.expectedUserConstrainedPolicySet ?? [])].sort();
      expect(typeof policies === 'string' ? [] : policies, each.id).toEqual(wanted);
    }
  },
);

describe('a malformed extension is that of the certificate that has it', () => {
  test('it is read once, as many paths may ask for it', () => {
    const { der } = authority('root', undefined, {
      extensions: [{ oid: '2.5.29.32', critical: false, value: fromHex('3000') }],
    });
    const certificate = parseCertificate(der);
    const complaint = (): unknown => {
      try {
        return certificate.certificatePolicies;
      } catch (error) {
        return error;
      }
    };
    expect(complaint()).toBeInstanceOf(DerError);
    expect(complaint()).toBe(complaint());
  });

  test.each([
    ['2.5.29.32', 'certificatePolicies: an empty list of policies'],
    ['2.5.29.33', 'policyMappings: an empty list of policies'],
    ['2.5.29.36', 'policyConstraints: empty policy constraints'],
    ['2.5.29.54', 'inhibitAnyPolicy: tag 0x30 where 0x2 is due'],
  ])('%s', (oid, why) => {
    const extensions = [{ oid, critical: false, value: fromHex('3000') }];
    const root = authority('root');
    const upper = authority('upper', root, { extensions });
    const lower = authority('lower', upper);
    const verdict = verifyPeer(
      [serverLeaf(lower), lower, upper].map(({ der }) => der),
      {
        trust: TrustStore.from([root.der]),
        verifiers: node.verifiers,
        purpose: 'server',
        name: 'any',
        time: now,
        profile: rfc5280,
      },
    );
    if ('then' in verdict || verdict.ok) throw new TypeError('a chain that is good');
    expect(verdict.code).toBe('INVALID_POLICY_EXTENSION');
    expect(verdict.paths[0]?.reason).toBe(`invalid or inconsistent certificate policy extension: ${why}`);
    expect(verdict.paths.map(({ at }) => at)).toEqual([2]);
  });
});
