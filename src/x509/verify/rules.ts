/** The rules for the options of a verification: a bound must be a number, a mode one of those that there are. */
import type { Hash, SignatureVerifier } from '../../crypto/provider.ts';
import { misuse } from '../../errors.ts';
import {
  bytes,
  callable,
  count,
  finite,
  flag,
  having,
  instance,
  listOf,
  object,
  oneOf,
  type Rule,
  type Rules,
  record,
  text,
} from '../../options.ts';
import { peerName } from '../certificate/identity.ts';
import type { BudgetLimits } from '../path/build.ts';
import type { SignatureCache } from '../path/signatures.ts';
import type { TrustStore } from '../path/trust.ts';
import type { Hashes } from '../revocation/ocsp-id.ts';
import type { GivenCrl, RevocationOptions } from '../revocation/revocation.ts';
import type { PolicyInputs } from '../rules/policies.ts';
import type { ExtKeyUsageRules, Profile } from '../rules/profile.ts';
import type { CtLog, CtPolicy, TransparencyOptions } from '../transparency/transparency.ts';
import type { VerifyOptions } from './options.ts';

const demand = oneOf('required', 'optional');

const extKeyUsage: Rule<ExtKeyUsageRules> = record<ExtKeyUsageRules>(
  { anyInLeaf: flag, anyInCa: flag, inLeaf: demand, inCa: demand, incompatible: listOf(text) },
  ['anyInLeaf', 'anyInCa', 'inLeaf', 'inCa', 'incompatible'],
);

const profile: Rule<Profile> = record<Profile>(
  {
    name: text,
    minRsaBits: count,
    weakDigests: listOf(oneOf('md5', 'sha1')),
    strict: flag,
    baseline: flag,
    caAsLeaf: flag,
    leafUsage: flag,
    extKeyUsage,
    policies: flag,
    isPublicSuffix: callable,
  },
  ['name', 'minRsaBits', 'weakDigests', 'strict', 'baseline', 'caAsLeaf', 'leafUsage', 'extKeyUsage', 'policies'],
);

const budget: Rule<Partial<BudgetLimits>> = record<BudgetLimits>({
  signatures: count,
  steps: count,
  nameComparisons: count,
  policies: count,
  fetches: count,
});

const policy: Rule<PolicyInputs> = record<PolicyInputs>({
  initialPolicySet: listOf(text),
  explicitPolicy: flag,
  inhibitMapping: flag,
  inhibitAnyPolicy: flag,
});

const revocationRecord: Rule<RevocationOptions> = record<RevocationOptions>({
  mode: oneOf('off', 'soft', 'hard'),
  scope: oneOf('leaf', 'chain'),
  maxAge: finite,
  stapled: listOf((value, name) => (value === undefined ? undefined : bytes()(value, name))),
  fetchOcsp: callable,
  nonce: callable,
  fetchCrl: callable,
  hashes: object<Hashes>,
});

const revocation: Rule<RevocationOptions> = (value, name) => {
  const given = revocationRecord(value, name);
  const { hashes, stapled, fetchOcsp } = given;
  if (hashes === undefined && (stapled ?? fetchOcsp) !== undefined) {
    misuse('ERR_TLS_CONFIG', 'OCSP needs revocation.hashes, those of a provider');
  }
  return given;
};

const log: Rule<CtLog> = record<CtLog>({ key: bytes(1), operator: text, description: text, retiredAt: finite }, [
  'key',
]);

const ctPolicy: Rule<CtPolicy> = record<CtPolicy>({ minimum: callable, operators: count }, ['minimum', 'operators']);

const transparency: Rule<TransparencyOptions> = record<TransparencyOptions>(
  { logs: listOf(log), hash: having<Hash>('digest'), policy: ctPolicy, fromTls: bytes() },
  ['logs', 'hash'],
);

/** The rules for the options that say how a chain is judged, of a client or a server. */
export const judgementRules: Rules<
  Pick<VerifyOptions, 'profile' | 'maxDepth' | 'budget' | 'policy' | 'revocation' | 'transparency' | 'fetchIssuers'>
> = { profile, maxDepth: count, budget, policy, revocation, transparency, fetchIssuers: callable };

const names: Rule<NonNullable<VerifyOptions['name']>> = (value, name) => {
  if (value === 'any') return value;
  return Array.isArray(value) ? listOf(peerName)(value, name) : peerName(value, name);
};

export const verifyRules: Rules<VerifyOptions> = {
  ...judgementRules,
  trust: instance<TrustStore>('a TrustStore, as TrustStore.from() makes it', 'named', 'has', 'distrusts'),
  verifiers: listOf(having<SignatureVerifier>('verify')),
  name: names,
  reliedOn: callable,
  purpose: oneOf('server', 'client', 'email', 'codeSigning', 'timeStamping', 'any'),
  time: finite,
  cache: having<SignatureCache>('has', 'add'),
  remembered: having<SignatureCache>('has', 'add'),
  crls: listOf(object<GivenCrl>),
};
