import { equal } from '../../bytes/equal.ts';
import type { CipherSuite, Hash } from '../../crypto/provider.ts';
import type { Secret } from '../../crypto/secret.ts';
import { EarlySecret } from '../../keys/schedule.ts';
import { MAX_TICKET } from '../../limits.ts';
import { isFresh, type Session } from '../../session/session.ts';
import type { PskIdentity } from '../../wire/extensions.ts';
import type { VerifiedPeer } from '../../x509/verify/verified-peer.ts';
import { refuseChain } from '../proof/auth.ts';
import { type BindablePsk, bindable, isOrigin, judgeSession } from '../shared/psk.ts';
import type { ClientEndpoint } from '../terms/endpoint.ts';
import { ask, type Script } from '../terms/script.ts';
import type { ClientSettings } from '../terms/settings.ts';

/** A PSK of a ClientHello. */
export interface OfferedPsk extends BindablePsk {
  readonly identity: Uint8Array;
  /** The session whose ticket the PSK is; undefined for an external PSK. */
  readonly session: Session | undefined;
  /** The server of the session, as verifyChain has judged it again for this handshake. */
  readonly peer: VerifiedPeer | undefined;
}

/** The PSKs to offer: the session's first, since 0-RTT data goes with the first alone (RFC 9846 §4.3.10). */
export function* gatherPsks(endpoint: ClientEndpoint): Script<readonly OfferedPsk[]> {
  const { config, custody } = endpoint;
  const psks: OfferedPsk[] = [];
  const { takeSession, externalPsks } = config;
  const session = takeSession && (yield* ask('takeSession', { take: takeSession }));
  if (session !== undefined) custody.hold(session.psk);
  const resumable = session && (yield* resumablePsk(endpoint, session));
  if (resumable !== undefined) psks.push(resumable);
  for (const external of externalPsks) {
    const hash = enabledHash(config, external.hash);
    if (hash === undefined) continue;
    psks.push({ ...bindable(hash, external), identity: external.identity, session: undefined, peer: undefined });
  }
  for (const { early } of psks) custody.hold(early);
  return psks;
}

/** The suite of the session, where 0-RTT data is offered with it (RFC 9846 §4.3.10). */
export function earlySuite(config: ClientSettings, psks: readonly OfferedPsk[]): CipherSuite | undefined {
  const session = psks[0]?.session;
  if (!config.earlyData || session === undefined || session.maxEarlyDataSize === 0) return undefined;
  const { alpn } = session;
  const protocolOffered = alpn === undefined || config.alpn.some((protocol) => equal(protocol, alpn));
  return protocolOffered ? config.suites.find((suite) => suite.id === session.suite) : undefined;
}

/** RFC 9846 §4.3.11.1: obfuscated_ticket_age is the age in milliseconds plus ticket_age_add, modulo 2^32. */
export function pskIdentity(psk: OfferedPsk, now: number): PskIdentity {
  const { identity, session } = psk;
  if (session === undefined) return { identity, obfuscatedTicketAge: 0 };
  const age = Math.max(0, Math.floor(now - session.ticketTime));
  return { identity, obfuscatedTicketAge: (age + session.ticketAgeAdd) % 2 ** 32 };
}

/** The PSK of a session. One that does not fit this connection is wiped and not offered. */
function* resumablePsk(endpoint: ClientEndpoint, session: Session): Script<OfferedPsk | undefined> {
  const { config } = endpoint;
  const hash = hashOfSuite(config, session.suite);
  const sameName = session.serverName === config.serverName || session.acrossNames;
  const fits = hash !== undefined && isFresh(session, config.now()) && sameName && session.ticket.length <= MAX_TICKET;
  const judged = fits && (yield* judgeServer(endpoint, session));
  if (!fits || judged === false) {
    session.psk.wipe();
    return undefined;
  }
  const early = takeSecret(hash, session.psk);
  return { kind: 'resumption', hash, identity: session.ticket, early, session, peer: judged };
}

/**
 * Whether the server of a session would still be accepted. A session without a certificate goes back to an external
 * PSK: it is offered as long as that PSK is.
 * @returns false where the server would not be accepted; undefined where an external PSK stands for it
 */
function* judgeServer(endpoint: ClientEndpoint, session: Session): Script<VerifiedPeer | undefined | false> {
  const { peerChain: chain, externalPsk: origin } = session;
  const { serverName, provider, externalPsks, requirePsk } = endpoint.config;
  if (origin !== undefined) return externalPsks.some((psk) => isOrigin(provider, psk, origin)) ? undefined : false;
  if (chain.length === 0 || requirePsk) return false;
  const verdict = yield* judgeSession(endpoint, 'server', serverName, session);
  return verdict.ok && verdict.peer;
}

/** Judges the server of a resumed session again, after it has refused 0-RTT data: the first verdict was for that data. */
export function* confirmServer(endpoint: ClientEndpoint, session: Session | undefined): Script<void> {
  if (session === undefined || session.peerChain.length === 0) return;
  const verdict = yield* judgeSession(endpoint, 'server', endpoint.config.serverName, session);
  if (!verdict.ok) refuseChain(verdict);
}

function takeSecret(hash: Hash, psk: Secret<'psk'>): EarlySecret {
  const early = EarlySecret.from(hash, psk);
  psk.wipe();
  return early;
}

function hashOfSuite(config: ClientSettings, id: number): Hash | undefined {
  const hash = config.provider.suites.find((suite) => suite.id === id)?.hash;
  return hash && enabledHash(config, hash.name);
}

/** The hash of a PSK, if a suite with it is enabled: the PSK is of no use with others (RFC 9846 §4.3.11). */
function enabledHash(config: ClientSettings, name: string): Hash | undefined {
  return config.suites.find(({ hash }) => hash.name === name)?.hash;
}
