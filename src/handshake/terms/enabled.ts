import type { CipherSuite, CryptoProvider, Group } from '../../crypto/provider.ts';
import { misuse } from '../../errors.ts';
import { CipherSuiteId, NamedGroup } from '../../wire/enums.ts';

/** The suites this endpoint may use, best first. */
export function enabledSuites({ suites }: CryptoProvider, wanted?: readonly number[]): readonly CipherSuite[] {
  // CCM only where it is named: it is slow, and CCM_8 has a short tag.
  return pick(suites, wanted) ?? suites.filter((suite) => suite.id < CipherSuiteId.TLS_AES_128_CCM_SHA256);
}

/** The groups this endpoint may use, best first. */
export function enabledGroups({ groups }: CryptoProvider, wanted?: readonly number[]): readonly Group[] {
  return pick(groups, wanted) ?? groups;
}

/**
 * The groups of `enabled` that the first ClientHello has shares for, in the same order (RFC 9846 §4.3.8). By default
 * they are one post-quantum and one classical group, so that no peer of today needs a HelloRetryRequest.
 */
export function shareGroups(enabled: readonly Group[], wanted?: readonly number[]): readonly Group[] {
  if (wanted !== undefined) return enabled.filter(({ id }) => wanted.includes(id));
  const postQuantum = enabled.find((group) => postQuantumGroups.has(group.id));
  const classical = enabled.find((group) => !postQuantumGroups.has(group.id));
  return enabled.filter((group) => group === postQuantum || group === classical);
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
