import type { CryptoProvider, Group } from '../../crypto/provider.ts';
import { misuse } from '../../errors.ts';
import { CipherSuiteId, NamedGroup } from '../../wire/enums.ts';
import type { ClientConfig, CommonConfig } from './config.ts';

/** The suites this side may use, best first. */
export function enabledSuites(config: CommonConfig): CryptoProvider['suites'] {
  const { suites } = config.provider;
  // CCM only on demand: it is slow, and CCM_8 has a short tag.
  return pick(suites, config.suites) ?? suites.filter((suite) => suite.id < CipherSuiteId.TLS_AES_128_CCM_SHA256);
}

/** The groups this side may use, best first. */
export function enabledGroups(config: CommonConfig): readonly Group[] {
  return pick(config.provider.groups, config.groups) ?? config.provider.groups;
}

/** One post-quantum share and one classical one: no peer of today then needs a HelloRetryRequest. */
export function shareGroups(config: ClientConfig): readonly Group[] {
  const groups = enabledGroups(config);
  // RFC 9846 §4.3.8: shares in the order of supported_groups.
  const { keyShares } = config;
  if (keyShares !== undefined) return groups.filter(({ id }) => keyShares.includes(id));
  const postQuantum = groups.find((group) => postQuantumGroups.has(group.id));
  const classical = groups.find((group) => !postQuantumGroups.has(group.id));
  return groups.filter((group) => group === postQuantum || group === classical);
}

export function groupById(provider: CryptoProvider, id: number): Group {
  const group = provider.groups.find((candidate) => candidate.id === id);
  return group ?? misuse('ERR_TLS_CONFIG', `the provider ${provider.name} has no group ${id}`);
}

function pick<T extends { readonly id: number }>(known: readonly T[], wanted?: readonly number[]): T[] | undefined {
  return wanted && [...new Set(wanted)].flatMap((id) => known.filter((candidate) => candidate.id === id));
}

const postQuantumGroups: ReadonlySet<number> = new Set([
  NamedGroup.MLKEM768,
  NamedGroup.MLKEM1024,
  NamedGroup.X25519MLKEM768,
  NamedGroup.SecP256r1MLKEM768,
  NamedGroup.SecP384r1MLKEM1024,
]);
