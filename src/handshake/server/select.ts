import type { CipherSuite, Group } from '../../crypto/provider.ts';
import { CipherSuiteId } from '../../wire/enums.ts';
import type { KeyShareEntry } from '../../wire/extensions.ts';
import type { ServerSettings } from '../terms/settings.ts';
import type { Hello } from './client-hello.ts';
import type { FoundPsk } from './psk.ts';

/** What the server has chosen after the first ClientHello. */
export interface Plan {
  readonly suite: CipherSuite;
  /** Undefined where the PSK is used alone. */
  readonly choice: GroupChoice | undefined;
  readonly psk: FoundPsk | undefined;
}

/** The group of the key exchange. */
export interface GroupChoice {
  readonly group: Group;
  /** The client's share; undefined where a HelloRetryRequest has to ask for it (retry.ts). */
  readonly share: KeyShareEntry | undefined;
}

/** The suites in common, best first, in the order of the endpoint that `preferOwnOrder` names. */
export function sharedSuites(config: ServerSettings, hello: Hello): readonly CipherSuite[] {
  const chacha = CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256;
  const suites = ranked(config, config.suites, hello.body.cipherSuites);
  if (!config.prioritizeChaCha || hello.body.cipherSuites.find(isKnownSuite) !== chacha) return suites;
  return [...suites.filter(({ id }) => id === chacha), ...suites.filter(({ id }) => id !== chacha)];
}

/**
 * Chooses the group, and with it whether a HelloRetryRequest is sent (RFC 9846 §4.2.4): it is where the choice has no
 * share. retry.ts does the rest.
 * @returns undefined where there is no group in common
 */
export function chooseGroup(config: ServerSettings, hello: Hello): GroupChoice | undefined {
  const groups = equalByClientOrder(config.equalGroups, ranked(config, config.groups, hello.view.groups), hello);
  const shares = hello.extensions.key_share ?? [];
  const [best] = groups;
  if (config.retryForGroup && best !== undefined) {
    return { group: best, share: shares.find((entry) => entry.group === best.id) };
  }
  // A group whose share is there saves a round trip, so it is taken before a better one without (RFC 9846 §4.3.8).
  for (const group of groups) {
    const share = shares.find((entry) => entry.group === group.id);
    if (share !== undefined) return { group, share };
  }
  return best && { group: best, share: undefined };
}

/** What both endpoints have, in the order of the one that decides. */
function ranked<T extends { readonly id: number }>(
  config: ServerSettings,
  own: readonly T[],
  peer: readonly number[],
): readonly T[] {
  if (config.preferOwnOrder) return own.filter((candidate) => peer.includes(candidate.id));
  return [...new Set(peer)].flatMap((id) => own.filter((candidate) => candidate.id === id));
}

/** Puts the groups of `equal` into the client's order, within the places that they have together in `groups`. */
function equalByClientOrder(equal: readonly number[], groups: readonly Group[], { view }: Hello): readonly Group[] {
  const rank = ({ id }: Group): number => view.groups.indexOf(id);
  const reordered = groups.filter(({ id }) => equal.includes(id)).sort((a, b) => rank(a) - rank(b));
  return groups.map((group) => (equal.includes(group.id) ? (reordered.shift() ?? group) : group));
}

function isKnownSuite(id: number): boolean {
  return Object.values(CipherSuiteId).some((known) => known === id);
}
