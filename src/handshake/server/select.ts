import { equal } from '../../bytes/equal.ts';
import type { CipherSuite, Group } from '../../crypto/provider.ts';
import { reject } from '../../errors.ts';
import { CipherSuiteId } from '../../wire/enums.ts';
import type { KeyShareEntry } from '../../wire/extensions.ts';
import type { ServerConfig } from '../terms/config.ts';
import { enabledGroups, enabledSuites } from '../terms/enabled.ts';
import type { Hello } from './client-hello.ts';

/** How keys are exchanged. Without `share` the client has to be asked again for the group. */
export interface GroupChoice {
  readonly group: Group;
  readonly share: KeyShareEntry | undefined;
}

/** The suites in common, best first, by the order of the side that `preferOwnOrder` names. */
export function sharedSuites(config: ServerConfig, hello: Hello): readonly CipherSuite[] {
  const chacha = CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256;
  const suites = ranked(config, enabledSuites(config), hello.body.cipherSuites);
  if (config.prioritizeChaCha !== true || hello.body.cipherSuites.find(isKnownSuite) !== chacha) return suites;
  return [...suites.filter(({ id }) => id === chacha), ...suites.filter(({ id }) => id !== chacha)];
}

/** The group, by the same order; undefined where there is none in common. */
export function chooseGroup(config: ServerConfig, hello: Hello): GroupChoice | undefined {
  const groups = levelled(config.equalGroups ?? [], ranked(config, enabledGroups(config), hello.view.groups), hello);
  const shares = hello.extensions.key_share ?? [];
  const [best] = groups;
  if (config.retryForGroup === true && best !== undefined) {
    return { group: best, share: shares.find((entry) => entry.group === best.id) };
  }
  // A group whose share is there saves a round trip over a group that is merely liked better (RFC 9846 §4.3.8).
  for (const group of groups) {
    const share = shares.find((entry) => entry.group === group.id);
    if (share !== undefined) return { group, share };
  }
  return best && { group: best, share: undefined };
}

/** The second ClientHello may differ from the first only as RFC 9846 §4.2.2 lists. */
export function checkRetriedHello(
  first: Hello,
  second: Hello,
  group: Group,
  cookie: Uint8Array | undefined,
): KeyShareEntry {
  const same =
    equal(first.body.random, second.body.random) &&
    equal(first.body.legacySessionId, second.body.legacySessionId) &&
    sameNumbers(first.body.cipherSuites, second.body.cipherSuites) &&
    sameNumbers(first.view.groups, second.view.groups) &&
    sameNumbers(first.view.signatureSchemes, second.view.signatureSchemes) &&
    sameNumbers(pskModesOf(first), pskModesOf(second)) &&
    first.view.serverName === second.view.serverName;
  if (!same) {
    reject('ERR_TLS_CLIENT_HELLO_CHANGED', 'illegal_parameter', 'the second ClientHello is not the first one retried');
  }
  checkCookie(second.extensions.cookie, cookie);
  return retriedShare(second, group);
}

/** The share that a HelloRetryRequest asked for. */
export function retriedShare({ extensions }: Hello, group: Group): KeyShareEntry {
  const shares = extensions.key_share ?? [];
  const [share] = shares;
  if (share === undefined || shares.length !== 1 || share.group !== group.id) {
    reject(
      'ERR_TLS_WRONG_GROUP',
      'illegal_parameter',
      'the second ClientHello has not the one share that was asked for',
    );
  }
  return share;
}

function checkCookie(received: Uint8Array | undefined, sent: Uint8Array | undefined): void {
  const matches = sent === undefined ? received === undefined : received !== undefined && equal(sent, received);
  if (!matches) reject('ERR_TLS_COOKIE', 'illegal_parameter', 'the cookie of the HelloRetryRequest did not come back');
}

/** What both sides have, in the order of the side that decides. */
function ranked<T extends { readonly id: number }>(
  config: ServerConfig,
  own: readonly T[],
  peer: readonly number[],
): readonly T[] {
  if (config.preferOwnOrder !== false) return own.filter((candidate) => peer.includes(candidate.id));
  return [...new Set(peer)].flatMap((id) => own.filter((candidate) => candidate.id === id));
}

/** The places of `equal` groups stay where they are; who takes which goes by the client's order. */
function levelled(equal: readonly number[], groups: readonly Group[], { view }: Hello): readonly Group[] {
  const rank = ({ id }: Group): number => view.groups.indexOf(id);
  const level = groups.filter(({ id }) => equal.includes(id)).sort((a, b) => rank(a) - rank(b));
  return groups.map((group) => (equal.includes(group.id) ? (level.shift() ?? group) : group));
}

function pskModesOf({ extensions }: Hello): readonly number[] {
  return extensions.psk_key_exchange_modes ?? [];
}

function isKnownSuite(id: number): boolean {
  return Object.values(CipherSuiteId).some((known) => known === id);
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
