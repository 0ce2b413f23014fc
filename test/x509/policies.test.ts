import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { DerError } from '#opentls/x509/der';
import { checkPolicies, type PolicyCertificate, type PolicyInputs } from '#opentls/x509/policies';
import {
  anyPolicy,
  parseCertificatePolicies,
  parsePolicyConstraints,
  parsePolicyMappings,
} from '#opentls/x509/policy-extensions';
import { parseGzip } from './limbo.ts';

interface BlobFile {
  readonly files: Readonly<Record<string, readonly { readonly b64: string }[]>>;
}

const { files } = parseGzip<BlobFile>(
  readFileSync(new URL('../../vectors/x509/boringssl-policies.json.gz', import.meta.url)),
);
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

describe('policy extensions', () => {
  test.each(Object.entries(files))('of BoringSSL: %s', (name, [blob]) => {
    const parse = () => parseCertificatePolicies(new Uint8Array(Buffer.from(blob?.b64 ?? '', 'base64')));
    if (name.startsWith('invalid-')) expect(parse).toThrow(DerError);
    else expect(parse().length).toBeGreaterThan(0);
  });

  test('empty ones are refused', () => {
    expect(() => parsePolicyConstraints(hex('3000'))).toThrow(DerError);
    expect(() => parsePolicyMappings(hex('3000'))).toThrow(DerError);
    expect(parsePolicyConstraints(hex('3006800100810102'))).toEqual({
      requireExplicitPolicy: 0,
      inhibitPolicyMapping: 2,
    });
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
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
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

  test('a tree that would have 100^9 leaves', () => {
    const policies = Array.from({ length: 100 }, (_, n) => `1.${n}`);
    const policyMappings = policies.flatMap((issuerDomainPolicy) =>
      policies.map((subjectDomainPolicy) => ({ issuerDomainPolicy, subjectDomainPolicy })),
    );
    const chain: Said[] = [...Array.from({ length: 8 }, () => ({ policies, policyMappings })), { policies }];
    expect(policiesOf(chain)).toHaveLength(100);
  });
});
