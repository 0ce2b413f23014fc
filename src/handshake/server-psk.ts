import { equal } from '../bytes/equal.ts';
import type { CipherSuite } from '../crypto/provider.ts';
import { reject } from '../errors.ts';
import type { ExternalPsk } from '../keys/importer.ts';
import { EarlySecret } from '../keys/schedule.ts';
import type { Transcript } from '../keys/transcript.ts';
import type { Limits } from '../limits.ts';
import { isFresh, type SessionState } from '../session/session.ts';
import type { VerifiedPeer } from '../x509/verify.ts';
import type { PskMode, ServerConfig } from './config.ts';
import { type BindablePsk, checkBinder, pskModeIds, sessionChain, withTruncated } from './psk.ts';
import { ask, type Script } from './script.ts';
import type { Hello } from './select.ts';

/** A PSK of the client that the server goes on with. */
export interface SelectedPsk extends BindablePsk {
  /** Among the identities offered: selected_identity. */
  readonly index: number;
  readonly identity: Uint8Array;
  readonly binder: Uint8Array;
  /** Milliseconds, as the client tells; of tickets. */
  readonly toldAge: number;
  /** Of a ticket. */
  readonly state: SessionState | undefined;
  /** The client that the session was made with, judged anew. */
  readonly peer: VerifiedPeer | undefined;
}

/** An external key that the client named. */
export interface FoundPsk {
  readonly index: number;
  readonly psk: ExternalPsk;
}

/** Whether both sides do a mode (RFC 9846 §4.3.9). */
export function sharesMode(config: ServerConfig, hello: Hello, mode: PskMode): boolean {
  const { pskModes = ['psk_dhe_ke'] } = config;
  return pskModes.includes(mode) && (hello.extensions.psk_key_exchange_modes ?? []).includes(pskModeIds[mode]);
}

/** Looks the identities up among the keys agreed outside of TLS: before the suite, which has to have their hash. */
export function* findExternal(config: ServerConfig, hello: Hello, limits: Limits): Script<FoundPsk | undefined> {
  const { findPsk: find } = config;
  const identities = hello.extensions.pre_shared_key?.identities ?? [];
  if (find === undefined) return undefined;
  for (const [index, { identity }] of identities.slice(0, limits.pskIdentities).entries()) {
    const psk = yield* ask('findPsk', { identity, find });
    if (psk !== undefined) return { index, psk };
  }
  return undefined;
}

/**
 * The PSK to go on with, its binder checked; undefined: a full handshake (RFC 9846 §4.3.11).
 * @param before the transcript up to this ClientHello
 * @param message the ClientHello, whole
 */
export function* selectPsk(
  config: ServerConfig,
  limits: Limits,
  hello: Hello,
  suite: CipherSuite,
  external: FoundPsk | undefined,
  before: Transcript,
  message: Uint8Array,
): Script<SelectedPsk | undefined> {
  const offered = hello.extensions.pre_shared_key;
  if (offered === undefined) return undefined;
  const selected = externalPsk(suite, external) ?? (yield* ticketPsk(config, limits, hello, suite));
  if (selected === undefined) return undefined;
  const { identity = none, obfuscatedTicketAge = 0 } = offered.identities[selected.index] ?? {};
  const binder = offered.binders[selected.index] ?? none;
  const truncated = withTruncated(
    before,
    message,
    offered.binders.reduce((sum, { length }) => sum + 1 + length, 2),
  );
  if (!checkBinder(selected, truncated, binder)) {
    selected.early.wipe();
    reject('ERR_TLS_BAD_BINDER', 'decrypt_error', 'the binder of the PSK does not match the ClientHello');
  }
  const toldAge = (obfuscatedTicketAge - (selected.state?.ticketAgeAdd ?? 0)) >>> 0;
  return { ...selected, identity, binder, toldAge };
}

type Candidate = Pick<SelectedPsk, 'index' | 'kind' | 'hash' | 'early' | 'state' | 'peer'>;

function externalPsk({ hash }: CipherSuite, found: FoundPsk | undefined): Candidate | undefined {
  if (found === undefined || found.psk.hash !== hash.name) return undefined;
  const { index, psk } = found;
  const kind = psk.imported === true ? 'imported' : 'external';
  return { index, kind, hash, early: EarlySecret.from(hash, psk.secret), state: undefined, peer: undefined };
}

/** The first ticket that is good. One that is not is passed over: forged, expired, from elsewhere (RFC 9846 §4.3.11). */
function* ticketPsk(
  config: ServerConfig,
  limits: Limits,
  hello: Hello,
  { hash }: CipherSuite,
): Script<Candidate | undefined> {
  const { tickets } = config;
  const identities = hello.extensions.pre_shared_key?.identities ?? [];
  if (tickets === undefined) return undefined;
  for (const [index, { identity }] of identities.slice(0, limits.pskIdentities).entries()) {
    const state = yield* ask('openTicket', { tickets, ticket: identity });
    if (state === undefined) continue;
    const peer = yield* judgeState(config, hello, hash.name, state);
    if (peer !== false) {
      const early = EarlySecret.from(hash, state.psk);
      state.psk.wipe();
      return { index, kind: 'resumption', hash, early, state, peer };
    }
    state.psk.wipe();
  }
  return undefined;
}

/** @returns false for a session that is not to be resumed here; else the client that it was made with, if known */
function* judgeState(
  config: ServerConfig,
  hello: Hello,
  hash: string,
  state: SessionState,
): Script<VerifiedPeer | undefined | false> {
  const made = config.provider.suites.find(({ id }) => id === state.suite);
  if (made?.hash.name !== hash || !isFresh(state, (config.now ?? Date.now)())) return false;
  if (state.serverName !== hello.view.serverName) return false;
  if (config.clientCertificate === undefined || config.clientCertificate === 'none') return undefined;
  if (state.peerChain.length === 0) return config.clientCertificate === 'required' ? false : undefined;
  const request = { peer: 'client', serverName: undefined, ...sessionChain(state) } as const;
  const verdict = yield* ask('verifyChain', { request, verify: config.verifyChain });
  return verdict.ok && verdict.peer;
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
  const now = (config.now ?? Date.now)();
  const skew = now - state.ticketTime - psk.toldAge;
  if (!sameProtocol || Math.abs(skew) > (policy.ageTolerance ?? AGE_TOLERANCE)) return false;
  return yield* ask('admitEarlyData', { guard: policy.replay, id: psk.binder, now });
}

/** Milliseconds; RFC 9846 §8.3 holds ten seconds reasonable for clients on the Internet. */
const AGE_TOLERANCE = 10_000;
const none = new Uint8Array(0);
