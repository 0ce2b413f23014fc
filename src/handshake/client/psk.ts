import { equal } from '../../bytes/equal.ts';
import type { Custody } from '../../crypto/custody.ts';
import type { CipherSuite, Hash } from '../../crypto/provider.ts';
import type { Secret } from '../../crypto/secret.ts';
import { EarlySecret } from '../../keys/schedule.ts';
import { MAX_TICKET } from '../../limits.ts';
import { isFresh, type Session } from '../../session/session.ts';
import type { PskIdentity } from '../../wire/extensions.ts';
import type { VerifiedPeer } from '../../x509/verify/verified-peer.ts';
import { refuseChain } from '../proof/auth.ts';
import { type BindablePsk, bindable, isOrigin, sessionChain } from '../shared/psk.ts';
import type { ClientConfig } from '../terms/config.ts';
import { enabledSuites } from '../terms/enabled.ts';
import { ask, type Script } from '../terms/script.ts';

/** A PSK of a ClientHello. */
export interface OfferedPsk extends BindablePsk {
  readonly identity: Uint8Array;
  /** Where it comes from a ticket. */
  readonly session: Session | undefined;
  /** The server that the session was made with, judged anew. */
  readonly peer: VerifiedPeer | undefined;
}

/** All that this client can offer: the session first, since only the first may bring 0-RTT data (RFC 9846 §4.3.10). */
export function* gatherPsks(config: ClientConfig, custody: Custody): Script<readonly OfferedPsk[]> {
  const psks: OfferedPsk[] = [];
  const { takeSession, externalPsks = [] } = config;
  const session = takeSession && (yield* ask('takeSession', { take: takeSession }));
  if (session !== undefined) custody.hold(session.psk);
  const resumable = session && (yield* resumablePsk(config, session));
  if (resumable !== undefined) psks.push(resumable);
  for (const external of externalPsks) {
    const hash = enabledHash(config, external.hash);
    if (hash === undefined) continue;
    psks.push({ ...bindable(hash, external), identity: external.identity, session: undefined, peer: undefined });
  }
  for (const { early } of psks) custody.hold(early);
  return psks;
}

/** The suite of 0-RTT data, where it is to be offered: of the session (RFC 9846 §4.3.10). */
export function earlySuite(config: ClientConfig, psks: readonly OfferedPsk[]): CipherSuite | undefined {
  const session = psks[0]?.session;
  if (config.earlyData !== true || session === undefined || session.maxEarlyDataSize === 0) return undefined;
  const { alpn } = session;
  const protocolOffered = alpn === undefined || config.alpn?.some((protocol) => equal(protocol, alpn)) === true;
  return protocolOffered ? enabledSuites(config).find((suite) => suite.id === session.suite) : undefined;
}

/** RFC 9846 §4.3.11.1: the age in milliseconds, added to ticket_age_add modulo 2^32. */
export function pskIdentity(psk: OfferedPsk, now: number): PskIdentity {
  const { identity, session } = psk;
  if (session === undefined) return { identity, obfuscatedTicketAge: 0 };
  const age = Math.max(0, Math.floor(now - session.ticketTime));
  return { identity, obfuscatedTicketAge: (age + session.ticketAgeAdd) % 2 ** 32 };
}

/** A session that does not fit is forgotten: the handshake is a full one then. */
function* resumablePsk(config: ClientConfig, session: Session): Script<OfferedPsk | undefined> {
  const hash = hashOfSuite(config, session.suite);
  const now = (config.now ?? Date.now)();
  const sameName = session.serverName === config.serverName || session.acrossNames;
  const fits = hash !== undefined && isFresh(session, now) && sameName && session.ticket.length <= MAX_TICKET;
  const judged = fits && (yield* judgeAgain(config, session));
  if (!fits || judged === false) {
    session.psk.wipe();
    return undefined;
  }
  const early = takeSecret(hash, session.psk);
  return { kind: 'resumption', hash, identity: session.ticket, early, session, peer: judged };
}

/**
 * What was accepted under another configuration need not be acceptable under this one.
 * @returns false where it is not; undefined where an external PSK stands for the server
 */
function* judgeAgain(config: ClientConfig, session: Session): Script<VerifiedPeer | undefined | false> {
  const { peerChain: chain, externalPsk: origin } = session;
  const { serverName, provider, externalPsks = [] } = config;
  // Without a certificate, an external PSK authenticated the server: no longer than it would again.
  if (origin !== undefined) return externalPsks.some((psk) => isOrigin(provider, psk, origin)) ? undefined : false;
  if (chain.length === 0 || config.requirePsk === true) return false;
  const request = { peer: 'server', serverName, ...sessionChain(config.provider, session) } as const;
  const verdict = yield* ask('verifyChain', { request, verify: config.verifyChain });
  return verdict.ok && verdict.peer;
}

/** Judges the server of a resumed session once more, where it goes on without the 0-RTT data. */
export function* confirmPeer(config: ClientConfig, session: Session | undefined): Script<void> {
  if (session === undefined || session.peerChain.length === 0) return;
  const request = { peer: 'server', serverName: config.serverName, ...sessionChain(config.provider, session) } as const;
  const verdict = yield* ask('verifyChain', { request, verify: config.verifyChain });
  if (!verdict.ok) refuseChain(verdict);
}

function takeSecret(hash: Hash, psk: Secret<'psk'>): EarlySecret {
  const early = EarlySecret.from(hash, psk);
  psk.wipe();
  return early;
}

function hashOfSuite(config: ClientConfig, id: number): Hash | undefined {
  const hash = config.provider.suites.find((suite) => suite.id === id)?.hash;
  return hash && enabledHash(config, hash.name);
}

/** RFC 9846 §4.3.11: a PSK is of use only with a suite of its hash. */
function enabledHash(config: ClientConfig, name: string): Hash | undefined {
  return enabledSuites(config).find(({ hash }) => hash.name === name)?.hash;
}
