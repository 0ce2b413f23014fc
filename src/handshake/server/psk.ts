import { equal, equalOrAbsent } from '../../bytes/equal.ts';
import type { CipherSuite } from '../../crypto/provider.ts';
import { reject } from '../../errors.ts';
import type { ExternalPsk } from '../../keys/importer.ts';
import { EarlySecret } from '../../keys/schedule.ts';
import type { Transcript } from '../../keys/transcript.ts';
import { isFresh, type PskOrigin, type SessionState } from '../../session/session.ts';
import type { TicketSealer } from '../../session/tickets.ts';
import { nameOf } from '../../wire/enums.ts';
import type { VerifiedPeer } from '../../x509/verify/verified-peer.ts';
import { nothingShared } from '../shared/nothing-shared.ts';
import {
  type BindablePsk,
  bindable,
  checkBinder,
  isOrigin,
  judgeSession,
  originOf,
  pskModeIds,
  withTruncated,
} from '../shared/psk.ts';
import type { PskMode } from '../terms/config.ts';
import type { ServerEndpoint } from '../terms/endpoint.ts';
import { ask, type Script } from '../terms/script.ts';
import type { ServerSettings } from '../terms/settings.ts';
import type { Hello } from './client-hello.ts';

/** A PSK of the first ClientHello that the server can go on with. */
export interface FoundPsk extends BindablePsk {
  readonly identity: Uint8Array;
  /** The state of a ticket; undefined for an external PSK. */
  readonly state: SessionState | undefined;
  /** The client of the session, as verifyChain has judged it again for this handshake. */
  readonly peer: VerifiedPeer | undefined;
}

/** A PSK that the server goes on with: its binder was right. */
export interface SelectedPsk extends FoundPsk {
  /** Among the identities offered: selected_identity. */
  readonly index: number;
  readonly binder: Uint8Array;
  /** The external PSK that it is or goes back to. */
  readonly origin: PskOrigin | undefined;
  /** expected_arrival_time of the ClientHello, by the ticket's age as the client tells it (RFC 9846 §8.3). */
  readonly expectedArrival: number;
  /** Milliseconds by which the age that the client tells exceeds the ticket's; of no meaning for an external PSK. */
  readonly ageSkew: number;
}

/** Which clients the server would accept without a session: it resumes the sessions of no others. */
export interface Admission {
  /** Clients with an external PSK. */
  readonly withPsk: boolean;
  /** Clients without one. */
  readonly withoutPsk: boolean;
}

/** An external PSK, with the identity by which the client named it. */
interface NamedPsk {
  readonly identity: Uint8Array;
  readonly psk: ExternalPsk;
}

/** Whether both endpoints use a PSK key exchange mode (RFC 9846 §4.3.9). */
export function sharesMode({ pskModes }: ServerSettings, hello: Hello, mode: PskMode): boolean {
  return pskModes.includes(mode) && (hello.extensions.psk_key_exchange_modes ?? []).includes(pskModeIds[mode]);
}

/**
 * Looks the identities up among the external PSKs, before the suite is chosen, which must have the PSK's hash. Of
 * several PSKs, takes the one with the highest priority; among equals, the one that the client names first.
 */
export function* findExternal(
  { findPsk: find }: ServerSettings,
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
 * Selects the PSK: the external one, or the first good ticket for the suite that the client names before it. A ticket
 * that is forged, expired or not for this server is passed over (RFC 9846 §4.3.11).
 */
export function* findPsk(
  endpoint: ServerEndpoint,
  hello: Hello,
  suite: CipherSuite,
  external: NamedPsk | undefined,
  admission: Admission,
): Script<FoundPsk | undefined> {
  const { tickets } = endpoint.config;
  const { hash } = suite;
  for (const identity of identitiesOf(hello)) {
    if (external !== undefined && equal(identity, external.identity)) {
      return { ...bindable(hash, external.psk), identity, state: undefined, peer: undefined };
    }
    const state = tickets && (yield* openTicket(tickets, identity));
    if (state === undefined) continue;
    try {
      const peer = yield* judgeState(endpoint, hello, suite, state, admission);
      if (peer !== false) {
        return { identity, kind: 'resumption', hash, early: EarlySecret.from(hash, state.psk), state, peer };
      }
    } finally {
      state.psk.wipe();
    }
  }
  return undefined;
}

/** Opens a ticket. A store that fails means a full handshake, not the end of the connection. */
function* openTicket(tickets: TicketSealer, ticket: Uint8Array): Script<SessionState | undefined> {
  try {
    return yield* ask('openTicket', { tickets, ticket });
  } catch {
    return undefined;
  }
}

/**
 * Finds a PSK's place in a ClientHello, and checks its binder.
 * @param hello the first or the second: the second may leave out other PSKs, but not this one (RFC 9846 §4.2.2)
 * @param before the transcript up to this ClientHello
 * @param message the ClientHello, whole
 */
export function bindPsk(
  config: ServerSettings,
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
  return { ...psk, index, binder, origin, expectedArrival, ageSkew: expectedArrival - config.now() };
}

function identitiesOf({ extensions }: Hello): readonly Uint8Array[] {
  return extensions.pre_shared_key?.identities.map(({ identity }) => identity) ?? [];
}

/**
 * Whether a session may be resumed in this handshake.
 * @returns false where it may not; else its client as verifyChain has judged it again, or undefined where the session's
 *   client has no certificate that this server asks for
 */
function* judgeState(
  endpoint: ServerEndpoint,
  hello: Hello,
  suite: CipherSuite,
  state: SessionState,
  admission: Admission,
): Script<VerifiedPeer | undefined | false> {
  const { config } = endpoint;
  const made = config.provider.suites.find(({ id }) => id === state.suite);
  if (made?.hash.name !== suite.hash.name || (config.resumeSameSuite && made !== suite)) return false;
  if (!isFresh(state, config.now())) return false;
  if (state.serverName !== hello.view.serverName && !config.resumeAcrossNames) return false;
  const { externalPsk: origin } = state;
  if (origin !== undefined) return admission.withPsk && (yield* isStillKnown(config, origin)) ? undefined : false;
  if (!admission.withoutPsk) return false;
  if (config.clientCertificate === 'none') return undefined;
  if (state.peerChain.length === 0) return config.clientCertificate === 'required' ? false : undefined;
  const verdict = yield* judgeSession(endpoint, 'client', undefined, state);
  return verdict.ok && verdict.peer;
}

/** Whether the external PSK that a session goes back to is still in use: it may have been withdrawn or replaced. */
function* isStillKnown({ findPsk: find, provider }: ServerSettings, origin: PskOrigin): Script<boolean> {
  if (find === undefined) return false;
  const { identity } = origin;
  const psk = yield* ask('findPsk', { identity, find });
  return psk !== undefined && isOrigin(provider, { ...psk, identity }, origin);
}

/**
 * Ends the handshake where no PSK of the client fits and the server has no other way to authenticate. It ends as with a
 * wrong binder, by the same alert in the same place, so that the client does not learn which identities the server
 * knows (RFC 9846 Appendix F.6).
 * @param usable whether the identities were looked up
 */
export function refusePsks(config: ServerSettings, hello: Hello, usable: boolean): void {
  if (hello.extensions.pre_shared_key === undefined) return;
  const alert = config.boringsslChecks ? 'handshake_failure' : 'decrypt_error';
  if (usable) reject('ERR_TLS_UNKNOWN_PSK', alert, 'the client names no PSK that is known');
  if (!sharesMode(config, hello, 'psk_dhe_ke') && !sharesMode(config, hello, 'psk_ke')) {
    const offered = hello.extensions.psk_key_exchange_modes ?? [];
    const nameOfMode = (id: number): string => nameOf(pskModeIds, id);
    const message = nothingShared('PSK key exchange mode', offered, nameOfMode, config.pskModes);
    reject('ERR_TLS_NO_SHARED_PSK_MODE', 'handshake_failure', message);
  }
}

/**
 * Whether the server accepts 0-RTT data: checks what RFC 9846 §4.3.10 and §8 demand, and asks the replay guard last.
 */
export function* admitsEarlyData(
  config: ServerSettings,
  suite: CipherSuite,
  psk: SelectedPsk,
  alpn: Uint8Array | undefined,
): Script<boolean> {
  const { earlyData: policy } = config;
  const { state } = psk;
  if (policy === undefined || state === undefined || psk.index !== 0) return false;
  if (state.maxEarlyDataSize === 0 || state.suite !== suite.id) return false;
  if (!equalOrAbsent(state.alpn, alpn)) return false;
  const { replay: guard, ageTolerance, guardTimeout: timeout } = policy;
  // The time is read again: the application may have answered asks in between. NaN passes no comparison.
  const now = config.now();
  if (!(Math.abs(psk.expectedArrival - now) <= ageTolerance)) return false;
  // A ClientHello that came as early as the tolerance allows would pass again for 2 × ageTolerance.
  const request = { guard, id: psk.binder, now, window: 2 * ageTolerance, timeout };
  try {
    return (yield* ask('admitEarlyData', request)) === true;
  } catch {
    // A guard that fails is no reason to end the connection.
    return false;
  }
}
