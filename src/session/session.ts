import { copy } from '../bytes/copy.ts';
import { ascii, utf8 } from '../bytes/utf8.ts';
import { wipe } from '../bytes/wipe.ts';
import { Writer } from '../bytes/writer.ts';
import { Secret } from '../crypto/secret.ts';
import { revealForStorage } from '../keys/schedule.ts';
import { MAX_TICKET_LIFETIME } from '../limits.ts';
import { bytes, object, wrongKind } from '../options.ts';
import { CertificateTypeId, CipherSuiteId } from '../wire/enums.ts';
import { type Codec, code, list, opaque, readExactly, struct, u8, u32 } from '../wire/schema.ts';

/** The state of a connection that an endpoint keeps so that a later handshake can resume it (RFC 9846 §4.7.1). */
export interface SessionState {
  /** The suite of the first handshake: a resumed handshake may use another suite with the same hash. */
  readonly suite: number;
  /** For one use: the handshake that resumes wipes it. */
  readonly psk: Secret<'psk'>;
  /** When the ticket was made or received, milliseconds since 1970. */
  readonly ticketTime: number;
  /** Seconds. */
  readonly ticketLifetime: number;
  readonly ticketAgeAdd: number;
  /** Bytes of 0-RTT data that the ticket allows; 0: none. */
  readonly maxEarlyDataSize: number;
  readonly alpn: Uint8Array | undefined;
  readonly serverName: string | undefined;
  /** Client: the server accepts the ticket under its other names too (draft-ietf-tls-cross-sni-resumption). */
  readonly acrossNames: boolean;
  /** The peer's chain, DER; empty where it sent none. A client verifies it again before it offers the session. */
  readonly peerChain: readonly Uint8Array[];
  /** Whether the chain is of certificates, or one raw public key. */
  readonly peerChainType: CertificateType;
  /** SHA-256 digests of the valid signatures on the chain's path; none where nobody has verified the path. */
  readonly peerSignatures: readonly Uint8Array[];
  /** The OCSP response that was stapled to the chain, for the next verification. */
  readonly peerOcspResponse: Uint8Array | undefined;
  readonly peerTimestamps: Uint8Array | undefined;
  /** The external PSK that the first handshake used: the session is valid for as long as that PSK is. */
  readonly externalPsk: PskOrigin | undefined;
  /** When the peers last authenticated each other in full, milliseconds since 1970. */
  readonly authenticatedAt: number;
}

/** An external PSK, as a session remembers it. */
export interface PskOrigin {
  readonly identity: Uint8Array;
  /** Tells the key from other keys of the same identity. It is not the key, but needs the same care. */
  readonly proof: Uint8Array;
}

/** RFC 7250 §3 */
export type CertificateType = 'X509' | 'RawPublicKey';

/** A client's session: single use (RFC 9846 Appendix C.4). */
export interface Session extends SessionState {
  readonly ticket: Uint8Array;
}

/** Whether the ticket is within its lifetime, and no older than seven days (RFC 9846 §4.7.1). */
export function isFresh(state: SessionState, now: number): boolean {
  const age = now - state.ticketTime;
  const lifetime = Math.min(state.ticketLifetime, MAX_TICKET_LIFETIME) * 1000;
  return age >= -CLOCK_SKEW && age < lifetime && now - state.authenticatedAt < MAX_TICKET_LIFETIME * 1000;
}

/** Milliseconds that the clock may have been set back since the ticket came. */
const CLOCK_SKEW = 10_000;

/**
 * Writes a session as bytes, for a file or a database. The bytes hold the secret: keep them like a key.
 * @throws TlsError ERR_TLS_CONFIG for a value that is not a session, ERR_TLS_SECRET_WIPED for a session that was used
 */
export function encodeSession(session: Session): Uint8Array {
  const { psk, ticket } = object<Session>(session, 'encodeSession: session');
  if (!(psk instanceof Secret)) wrongKind('encodeSession: session.psk', "a Secret 'psk'", psk);
  bytes()(ticket, 'encodeSession: session.ticket');
  return encode(session, (w, state) => StoredSession.write(w, { state, ticket: session.ticket }));
}

/**
 * Reads a session that {@link encodeSession} wrote.
 * @returns undefined for all other bytes, also for those of another version of opentls
 * @throws TlsError ERR_TLS_CONFIG for a value that is not a Uint8Array
 */
export function decodeSession(encoded: Uint8Array): Session | undefined {
  // A session holds a secret, so the message does not quote it.
  if (!(encoded instanceof Uint8Array)) wrongKind('decodeSession: encoded', 'a Uint8Array', encoded);
  const stored = readExactly(StoredSession, encoded);
  const state = stored && fromStored(stored.state);
  return state && { ...state, ticket: copy(stored.ticket) };
}

/** Writes a state for a server's ticket or store. The bytes hold the secret. */
export function encodeState(state: SessionState): Uint8Array {
  return encode(state, (w, stored) => StoredState.write(w, stored));
}

function encode(state: SessionState, write: (w: Writer, stored: StoredState) => void): Uint8Array {
  const w = new Writer(1024);
  const stored = toStored(state);
  try {
    write(w, stored);
  } finally {
    wipe(stored.psk);
  }
  // A copy of the right length, because a store keeps it.
  const bytes = copy(w.view());
  wipe(w.finish());
  return bytes;
}

export function decodeState(bytes: Uint8Array): SessionState | undefined {
  const stored = readExactly(StoredState, bytes);
  return stored && fromStored(stored);
}

interface StoredState {
  readonly version: number;
  readonly suite: number;
  readonly psk: Uint8Array;
  readonly ticketTime: number;
  readonly ticketLifetime: number;
  readonly ticketAgeAdd: number;
  readonly maxEarlyDataSize: number;
  readonly alpn: Uint8Array;
  readonly serverName: Uint8Array;
  readonly acrossNames: number;
  readonly peerChain: readonly Uint8Array[];
  readonly peerChainType: number;
  readonly peerSignatures: readonly Uint8Array[];
  readonly peerOcspResponse: Uint8Array;
  readonly peerTimestamps: Uint8Array;
  /** Empty where the session has no external PSK: an identity has at least one byte. */
  readonly pskIdentity: Uint8Array;
  readonly pskProof: Uint8Array;
  readonly authenticatedAt: number;
}

const FORMAT = 3;

/** Milliseconds since 1970 take more than 32 bits. */
const time: Codec<number> = {
  read: (r) => r.u16() * 2 ** 32 + r.u32(),
  write(w, value) {
    w.u16(Math.floor(value / 2 ** 32));
    w.u32(value >>> 0);
  },
  describe(d, r, field) {
    const start = r.offset;
    d.line(start, start + 6, `${field} = ${time.read(r)}`);
  },
};

const StoredState = struct<StoredState>('SessionState', {
  version: u8,
  suite: code(2, CipherSuiteId),
  psk: opaque('u8', 1),
  ticketTime: time,
  ticketLifetime: u32,
  ticketAgeAdd: u32,
  maxEarlyDataSize: u32,
  alpn: opaque('u8'),
  serverName: opaque('u16'),
  acrossNames: u8,
  peerChain: list('u24', opaque('u24', 1)),
  peerChainType: u8,
  peerSignatures: list('u16', opaque('u8', 1)),
  peerOcspResponse: opaque('u24'),
  peerTimestamps: opaque('u16'),
  pskIdentity: opaque('u16'),
  pskProof: opaque('u8'),
  authenticatedAt: time,
});

const StoredSession = struct<{ readonly state: StoredState; readonly ticket: Uint8Array }>('Session', {
  state: StoredState,
  ticket: opaque('u16', 1),
});

function toStored(state: SessionState): StoredState {
  return {
    version: FORMAT,
    suite: state.suite,
    psk: revealForStorage(state.psk),
    ticketTime: Math.max(0, Math.floor(state.ticketTime)),
    ticketLifetime: state.ticketLifetime,
    ticketAgeAdd: state.ticketAgeAdd,
    maxEarlyDataSize: state.maxEarlyDataSize,
    alpn: state.alpn ?? new Uint8Array(0),
    serverName: utf8(state.serverName ?? ''),
    acrossNames: state.acrossNames ? 1 : 0,
    peerChain: state.peerChain,
    peerChainType: CertificateTypeId[state.peerChainType],
    peerSignatures: state.peerSignatures,
    peerOcspResponse: state.peerOcspResponse ?? new Uint8Array(0),
    peerTimestamps: state.peerTimestamps ?? new Uint8Array(0),
    pskIdentity: state.externalPsk?.identity ?? new Uint8Array(0),
    pskProof: state.externalPsk?.proof ?? new Uint8Array(0),
    authenticatedAt: Math.max(0, Math.floor(state.authenticatedAt)),
  };
}

/** Copies each field: the caller wipes the bytes, and they may be a view of a larger buffer. */
function fromStored(stored: StoredState): SessionState | undefined {
  if (stored.version !== FORMAT) return undefined;
  const copies = (list: readonly Uint8Array[]): Uint8Array[] => list.map(copy);
  const unlessEmpty = (bytes: Uint8Array): Uint8Array | undefined => (bytes.length > 0 ? copy(bytes) : undefined);
  const identity = unlessEmpty(stored.pskIdentity);
  return {
    suite: stored.suite,
    psk: new Secret('psk', copy(stored.psk)),
    ticketTime: stored.ticketTime,
    ticketLifetime: stored.ticketLifetime,
    ticketAgeAdd: stored.ticketAgeAdd,
    maxEarlyDataSize: stored.maxEarlyDataSize,
    alpn: unlessEmpty(stored.alpn),
    serverName: stored.serverName.length > 0 ? ascii(stored.serverName) : undefined,
    acrossNames: stored.acrossNames === 1,
    peerChain: copies(stored.peerChain),
    peerChainType: stored.peerChainType === CertificateTypeId.RawPublicKey ? 'RawPublicKey' : 'X509',
    peerSignatures: copies(stored.peerSignatures),
    peerOcspResponse: unlessEmpty(stored.peerOcspResponse),
    peerTimestamps: unlessEmpty(stored.peerTimestamps),
    externalPsk: identity && { identity, proof: copy(stored.pskProof) },
    authenticatedAt: stored.authenticatedAt,
  };
}
