import type { SignatureVerifier } from '#opentls/crypto/provider';
import { TrustStore } from '#opentls/x509/path/trust';
import { rfc5280 } from '#opentls/x509/rules/profile';
import type { Verdict } from '#opentls/x509/verify/verified-peer';
import { verifyPeer } from '#opentls/x509/verify/verify';

/** One of the 249 tests of NIST's PKITS 1.0.1. */
export interface PkitsCase {
  readonly id: string;
  readonly trustAnchor: string;
  readonly intermediates: readonly string[];
  readonly target: string;
  readonly crls: readonly string[];
  readonly time: string;
  readonly initialPolicySet: readonly string[];
  readonly initialExplicitPolicy: boolean;
  readonly initialPolicyMappingInhibit: boolean;
  readonly initialInhibitAnyPolicy: boolean;
  readonly expected: 'valid' | 'invalid';
  readonly expectedUserConstrainedPolicySet: readonly string[] | null;
}

export interface PkitsFile {
  readonly tests: readonly PkitsCase[];
  readonly certs: Readonly<Record<string, string>>;
  readonly crls: Readonly<Record<string, string>>;
}

export function judgePkits(given: PkitsCase, file: PkitsFile, verifiers: readonly SignatureVerifier[]): Verdict {
  const certificate = (name: string): Uint8Array => bytesOf(file.certs, name);
  const verdict = verifyPeer([given.target, ...given.intermediates].map(certificate), {
    trust: TrustStore.from([certificate(given.trustAnchor)]),
    verifiers,
    purpose: 'any',
    time: Date.parse(given.time),
    profile: rfc5280,
    crls: given.crls.map((name) => bytesOf(file.crls, name)),
    revocation: { mode: 'hard' },
    policy: {
      initialPolicySet: given.initialPolicySet,
      explicitPolicy: given.initialExplicitPolicy,
      inhibitMapping: given.initialPolicyMappingInhibit,
      inhibitAnyPolicy: given.initialInhibitAnyPolicy,
    },
  });
  if ('then' in verdict) throw new TypeError('a verdict that is not there at once');
  return verdict;
}

function bytesOf(store: Readonly<Record<string, string>>, name: string): Uint8Array {
  const text = store[name];
  if (text === undefined) throw new RangeError(name);
  return new Uint8Array(Buffer.from(text, 'base64'));
}
