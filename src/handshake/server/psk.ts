import { equal } from '../../bytes/equal.ts';
import type { CipherSuite } from '../../crypto/provider.ts';
import { reject } from '../../errors.ts';
import type { ExternalPsk } from '../../keys/importer.ts';
import { EarlySecret } from '../../keys/schedule.ts';
import type { Transcript } from '../../keys/transcript.ts';
import { isFresh, type PskOrigin, type SessionState } from '../../session/session.ts';
import type { TicketSealer } from '../../session/tickets.ts';
import type { VerifiedPeer } from '../../x509/verify/verified-peer.ts';
import {
  type BindablePsk,
  bindable,
  checkBinder,
  isOrigin,
  originOf,
  pskModeIds,
  sessionChain,
  withTruncated,
} from '../shared/psk.ts';
import type { PskMode, ServerConfig } from '../terms/config.ts';
import { ask, type Script } from '../terms/script.ts';
import type { Hello } from './client-hello.ts';

/** A PSK of the first ClientHello that the server can go on with. */
export interface FoundPsk extends BindablePsk {
  readonly identity: Uint8Array;
  /** Of a ticket. */
  readonly state: SessionState | undefined;
  /** The client that the session was made with, judged anew. */
  readonly peer: VerifiedPeer | undefined;
}

/** A PSK that the server goes on with: its binder was right. */
export interface SelectedPsk extends FoundPsk {
  /** Among the identities offered: selected_identity. */
  readonly index: number;
  readonly binder: Uint8Array;
  /** The external PSK that it is or goes back to. */
  readonly origin: PskOrigin | undefined;
  /** By the age that the client tells of its ticket, when its ClientHello should come: expected_arrival_time (§8.3). */
  readonly expectedArrival: number;
  /** Milliseconds by which the client tells more than the ticket's age; of tickets. */
  readonly ageSkew: number;
}

/** Whose sessions are resumed: of those who would get in without one. */
export interface Admission {
  /** Who has an external PSK. */
  readonly byPsk: boolean;
  /** Who has none. */
  readonly otherwise: boolean;
}

/** An external key that the client named. */
interface NamedPsk {
  readonly identity: Uint8Array;
  readonly psk: ExternalPsk;
}

/** Whether both sides do a mode (RFC 9846 §4.3.9). */
export function sharesMode(config: ServerConfig, hello: Hello, mode: PskMode): boolean {
  const { pskModes = ['psk_dhe_ke'] } = config;
  return pskModes.includes(mode) && (hello.extensions.psk_key_exchange_modes ?? []).includes(pskModeIds[mode]);
}

/**
 * Looks the identities up among the keys agreed outside of TLS: before the suite, which has to have their hash. Of
 * several, the one that the server rates highest; else the first that the client names.
 */
export function* findExternal(
  { findPsk: find }: ServerConfig,
  hello: Hello,
  suites: readonly CipherSuite[],
): Script<NamedPsk | undefined> {
  if (find === undefined) return undefined;
  let best: NamedPsk | undefined;
  for (const identity of identitiesOf(hello)) {
    const psk = yield* ask('findPsk', { identity, find });
    if (psk === undefined || !suites.some(({ hash }) => hash.name === psk.hash)) continue;
    if (best === undefined || (psk.priority ?? 0) > (best.psk.priority ?? 0)) best = { identity, psk };
  }
  return best;
}

/**
 * The PSK to go on with, of those for the suite: the external one, or a ticket that the client names before it. A
 * ticket that is not good is passed over: forged, expired, from elsewhere (RFC 9846 §4.3.11).
 */
export function* findPsk(
  config: ServerConfig,
  hello: Hello,
  suite: CipherSuite,
  external: NamedPsk | undefined,
  admission: Admission,
): Script<FoundPsk | undefined> {
  const { tickets } = config;
  const { hash } = suite;
  for (const identity of identitiesOf(hello)) {
    if (external !== undefined && equal(identity, external.identity)) {
      return { ...bindable(hash, external.psk), identity, state: undefined, peer: undefined };
    }
    const state = tickets && (yield* openTicket(tickets, identity));
    if (state === undefined) continue;
    try {
      const peer = yield* judgeState(config, hello, suite, state, admission);
      if (peer !== false) {
        return { identity, kind: 'resumption', hash, early: EarlySecret.from(hash, state.psk), state, peer };
      }
    } finally {
      state.psk.wipe();
    }
  }
  return undefined;
}

/** A store that is away means a full handshake, not the end of the connection. */
function* openTicket(tickets: TicketSealer, ticket: Uint8Array): Script<SessionState | undefined> {
  try {
    return yield* ask('openTicket', { tickets, ticket });
  } catch {
    return undefined;
  }
}

/**
 * Takes the PSK into use: it has to be there, with the right binder.
 * @param hello first or second: the client may have left out others, not this one (RFC 9846 §4.2.2)
 * @param before the transcript up to this ClientHello
 * @param message the ClientHello, whole
 */
export function bindPsk(
  config: ServerConfig,
  psk: FoundPsk,
  hello: Hello,
  before: Transcript,
  message: Uint8Array,
): SelectedPsk {
  const offered = hello.extensions.pre_shared_key;
  if (offered === undefined) {
    reject('ERR_TLS_MISSING_EXTENSION', 'missing_extension', 'the second ClientHello has no pre_shared_key any more');
  }
  const index = offered.identities.findIndex(({ identity }) => equal(identity, psk.identity));
  const { obfuscatedTicketAge = 0 } = offered.identities[index] ?? {};
  const binder = offered.binders[index];
  if (binder === undefined) {
    reject('ERR_TLS_UNKNOWN_PSK', 'illegal_parameter', 'the second ClientHello does not name the PSK any more');
  }
  if (!checkBinder(psk, withTruncated(before, message, hello.bindersLength), binder)) {
    reject('ERR_TLS_BAD_BINDER', 'decrypt_error', 'the binder of the PSK does not match the ClientHello');
  }
  const toldAge = (obfuscatedTicketAge - (psk.state?.ticketAgeAdd ?? 0)) >>> 0;
  const expectedArrival = (psk.state?.ticketTime ?? 0) + toldAge;
  const origin = originOf(psk, psk.state);
  return { ...psk, index, binder, origin, expectedArrival, ageSkew: expectedArrival - (config.now ?? Date.now)() };
}

function identitiesOf({ extensions }: Hello): readonly Uint8Array[] {
  return extensions.pre_shared_key?.identities.map(({ identity }) => identity) ?? [];
}

/** @returns false for a session that is not to be resumed here; else the client that it was made with, if known */
function* judgeState(
  config: ServerConfig,
  hello: Hello,
  suite: CipherSuite,
  state: SessionState,
  admission: Admission,
): Script<VerifiedPeer | undefined | false> {
  const made = config.provider.suites.find(({ id }) => id === state.suite);
  if (made?.hash.name !== suite.hash.name || (config.resumeSameSuite === true && made !== suite)) return false;
  if (!isFresh(state, (config.now ?? Date.now)())) return false;
  if (state.serverName !== hello.view.serverName && config.resumeAcrossNames !== true) return false;
  const { externalPsk: origin } = state;
  if (origin !== undefined) return admission.byPsk && (yield* isStillKnown(config, origin)) ? undefined : false;
  if (!admission.otherwise) return false;
  if (config.clientCertificate === undefined || config.clientCertificate === 'none') return undefined;
  if (state.peerChain.length === 0) return config.clientCertificate === 'required' ? false : undefined;
  const request = { peer: 'client', serverName: undefined, ...sessionChain(config.provider, state) } as const;
  const verdict = yield* ask('verifyChain', { request, verify: config.verifyChain });
  return verdict.ok && verdict.peer;
}

/** The PSK that a session goes back to may have been withdrawn since, or replaced. */
function* isStillKnown({ findPsk: find, provider }: ServerConfig, origin: PskOrigin): Script<boolean> {
  if (find === undefined) return false;
  const { identity } = origin;
  const psk = yield* ask('findPsk', { identity, find });
  return psk !== undefined && isOrigin(provider, { ...psk, identity }, origin);
}

/**
 * Why the PSKs of a client do not do, where the server has nothing else to authenticate with. Nobody learns which
 * identities it knows: it ends as with a wrong binder, by the same alert in the same place (RFC 9846 Appendix F.6).
 * @param usable whether the identities were looked up
 */
export function refusePsks(config: ServerConfig, hello: Hello, usable: boolean): void {
  if (hello.extensions.pre_shared_key === undefined) return;
  const alert = config.boringsslChecks === true ? 'handshake_failure' : 'decrypt_error';
  if (usable) reject('ERR_TLS_UNKNOWN_PSK', alert, 'the client names no PSK that is known');
  if (!sharesMode(config, hello, 'psk_dhe_ke') && !sharesMode(config, hello, 'psk_ke')) {
    reject('ERR_TLS_NO_SHARED_PSK_MODE', 'handshake_failure', 'no PSK key exchange mode in common');
  }
}

/** Whether 0-RTT data is taken: all that RFC 9846 §4.3.10 and §8 ask for, the memory of the guard last. */
export function* admitsEarlyData(
  config: ServerConfig,
  suite: CipherSuite,
  psk: SelectedPsk,
  alpn: Uint8Array | undefined,
): Script<boolean> {
  const { earlyData: policy } = config;
  const { state } = psk;
  if (policy === undefined || state === undefined || psk.index !== 0) return false;
  if (state.maxEarlyDataSize === 0 || state.suite !== suite.id) return false;
  const sameProtocol = state.alpn === undefined ? alpn === undefined : alpn !== undefined && equal(state.alpn, alpn);
  if (!sameProtocol) return false;
  const { replay: guard, ageTolerance = AGE_TOLERANCE, guardTimeout: timeout = GUARD_TIMEOUT } = policy;
  // Of now: the application may have taken its time. What is no number passes nothing.
  const now = (config.now ?? Date.now)();
  if (!(Math.abs(psk.expectedArrival - now) <= ageTolerance)) return false;
  // It passes once more until 2 × ageTolerance later, if it came as early as could be.
  const request = { guard, id: psk.binder, now, window: 2 * ageTolerance, timeout };
  try {
    return (yield* ask('admitEarlyData', request)) === true;
  } catch {
    // A store that is away is no reason to end a connection.
    return false;
  }
}

/** Milliseconds; RFC 9846 §8.3 holds ten seconds reasonable for clients on the Internet. */
const AGE_TOLERANCE = 10_000;
/** Milliseconds: longer than a store next door takes, shorter than a client notices much. */
const GUARD_TIMEOUT = 1000;
