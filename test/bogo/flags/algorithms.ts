// Suites, groups and signature schemes: what the tests take for granted, what their flags say, and what the policies
// of the reference come down to.

import type { ServerConfig } from '#opentls/handshake/terms/config';
import { CipherSuiteId, NamedGroup, SignatureScheme } from '#opentls/wire/enums';
import { provider } from './credentials.ts';
import type { Options } from './flags.ts';

type Algorithms = Readonly<Record<'suites' | 'groups' | 'signatureSchemes', readonly number[]>>;

/** Flags that stand for a choice of algorithms, and have the last word on it. */
const policies = {
  'fips-202205': {
    suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256, CipherSuiteId.TLS_AES_256_GCM_SHA384],
    groups: [NamedGroup.secp256r1, NamedGroup.secp384r1],
    signatureSchemes: [
      SignatureScheme.ecdsa_secp256r1_sha256,
      SignatureScheme.rsa_pss_rsae_sha256,
      SignatureScheme.rsa_pkcs1_sha256,
      SignatureScheme.ecdsa_secp384r1_sha384,
      SignatureScheme.rsa_pss_rsae_sha384,
      SignatureScheme.rsa_pkcs1_sha384,
      SignatureScheme.rsa_pss_rsae_sha512,
      SignatureScheme.rsa_pkcs1_sha512,
    ],
  },
  'wpa-202304': {
    suites: [CipherSuiteId.TLS_AES_256_GCM_SHA384],
    groups: [NamedGroup.secp384r1],
    signatureSchemes: [
      SignatureScheme.ecdsa_secp384r1_sha384,
      SignatureScheme.rsa_pss_rsae_sha384,
      SignatureScheme.rsa_pkcs1_sha384,
      SignatureScheme.rsa_pss_rsae_sha512,
      SignatureScheme.rsa_pkcs1_sha512,
    ],
  },
  'cnsa1-202603': {
    suites: [CipherSuiteId.TLS_AES_256_GCM_SHA384],
    groups: [NamedGroup.MLKEM1024, NamedGroup.secp384r1],
    signatureSchemes: [
      SignatureScheme.ecdsa_secp384r1_sha384,
      SignatureScheme.rsa_pss_rsae_sha384,
      SignatureScheme.rsa_pkcs1_sha384,
    ],
  },
  'cnsa2-202603': {
    suites: [CipherSuiteId.TLS_AES_256_GCM_SHA384],
    groups: [NamedGroup.MLKEM1024],
    signatureSchemes: [
      SignatureScheme.ecdsa_secp384r1_sha384,
      SignatureScheme.rsa_pss_rsae_sha384,
      SignatureScheme.rsa_pkcs1_sha384,
    ],
  },
  // Says nothing but which suite is liked best.
  'cnsa-202407': {
    suites: [
      CipherSuiteId.TLS_AES_256_GCM_SHA384,
      CipherSuiteId.TLS_AES_128_GCM_SHA256,
      CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256,
    ],
  },
} as const satisfies Readonly<Record<string, Partial<Algorithms>>>;

export function algorithmsOf(options: Options): Algorithms {
  const { curves: groups, 'verify-prefs': schemes } = options;
  return {
    suites: provider.suites.map(({ id }) => id).filter((id) => defaultSuites.includes(id)),
    groups: groups.length > 0 ? groups : defaultGroups,
    signatureSchemes: schemes.length > 0 ? schemes : defaultSchemes,
    ...policyOf(options),
  };
}

/** The schemes that a key may be used with; empty where nothing is said. */
export function ownSchemes(options: Options): readonly number[] {
  return policyOf(options)?.signatureSchemes ?? [];
}

/** A policy that names suites has them in its own order, whatever the client has no hardware for. */
export function prefersChaCha(options: Options): boolean {
  return policyOf(options) === undefined;
}

/**
 * Where the groups of the server are known beforehand, one share will do: for the first group of ours that it has.
 * @returns undefined where the default is as good
 */
export function keySharesOf(options: Options): readonly number[] | undefined {
  const { 'key-shares': shares, 'server-supported-groups-hint': hint } = options;
  const predicted = algorithmsOf(options).groups.find((id) => hint.includes(id));
  if (predicted !== undefined) return [predicted];
  return options['no-key-shares'] ? [] : shares.length > 0 ? shares : undefined;
}

/** Runs of groups of which each is marked as of equal preference with the next one. */
export function equalClasses(options: Options): readonly (readonly number[])[] {
  const { curves, 'curves-flags': flags } = options;
  const classes: number[][] = [];
  for (const [i, id] of curves.entries()) {
    const last = classes.at(-1);
    if (i > 0 && last !== undefined && ((flags[i - 1] ?? 0) & EQUAL_WITH_NEXT) !== 0) last.push(id);
    else classes.push([id]);
  }
  return classes.filter(({ length }) => length > 1);
}

export function equalGroups(options: Options): Pick<ServerConfig, 'equalGroups'> {
  const [groups] = equalClasses(options);
  return groups === undefined ? {} : { equalGroups: groups };
}

function policyOf(options: Options): Partial<Algorithms> | undefined {
  for (const [flag, policy] of Object.entries(policies)) if (options[flag as keyof typeof policies]) return policy;
  return undefined;
}

const EQUAL_WITH_NEXT = 1;

/** What the tests take for granted (SHIM-SPEC §8 and §10). The provider's own lists are longer. */
const defaultSuites: readonly number[] = [
  CipherSuiteId.TLS_AES_128_GCM_SHA256,
  CipherSuiteId.TLS_AES_256_GCM_SHA384,
  CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256,
];
const defaultGroups: readonly number[] = [
  NamedGroup.X25519MLKEM768,
  NamedGroup.x25519,
  NamedGroup.secp256r1,
  NamedGroup.secp384r1,
];
const defaultSchemes: readonly number[] = [
  SignatureScheme.ecdsa_secp256r1_sha256,
  SignatureScheme.rsa_pss_rsae_sha256,
  SignatureScheme.rsa_pkcs1_sha256,
  SignatureScheme.ecdsa_secp384r1_sha384,
  SignatureScheme.rsa_pss_rsae_sha384,
  SignatureScheme.rsa_pkcs1_sha384,
  SignatureScheme.rsa_pss_rsae_sha512,
  SignatureScheme.rsa_pkcs1_sha512,
  SignatureScheme.rsa_pkcs1_sha1,
];
