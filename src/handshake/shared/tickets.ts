import { Writer } from '../../bytes/writer.ts';
import { reject } from '../../errors.ts';
import type { Resumption } from '../../keys/schedule.ts';
import { MAX_TICKET, MAX_TICKET_LIFETIME } from '../../limits.ts';
import type { Session, SessionState } from '../../session/session.ts';
import type { TicketSealer } from '../../session/tickets.ts';
import { HandshakeType } from '../../wire/enums.ts';
import { readExtensions, writeExtensions } from '../../wire/extensions.ts';
import { encodeMessage, type NewSessionTicket } from '../../wire/messages.ts';
import { pathSignatures } from '../../x509/path/signatures.ts';
import type { CommonConfig, ServerConfig } from '../terms/config.ts';
import { ask, type Script } from '../terms/script.ts';
import type { Wire } from '../terms/wire.ts';
import type { Established } from './finish.ts';
import { greaseExtension } from './grease.ts';

/** What of a handshake a later one can go on from. */
type Resumable = Pick<Established, 'facts' | 'resumption' | 'origin'>;

/** The server's NewSessionTickets, RFC 9846 §4.7.1. What cannot be sealed is not issued: the connection goes on. */
export function* issueTickets(wire: Wire, config: ServerConfig, established: Resumable): Script<void> {
  const { tickets, ticketCount = DEFAULT_TICKETS } = config;
  if (tickets === undefined) return;
  const base = stateBase(config, established);
  for (let nonce = 0; nonce < ticketCount; nonce++) {
    const ticketNonce = nonceOf(nonce);
    const state = stateOf(config, base, established.resumption, ticketNonce);
    if (state === undefined) return;
    const ticket = yield* sealTicket(tickets, state);
    if (ticket !== undefined && isUsable(ticket)) wire.send(encodeTicket(config, state, ticketNonce, ticket));
  }
}

/** As long chains of clients make them. */
function isUsable({ length }: Uint8Array): boolean {
  return length > 0 && length <= MAX_TICKET;
}

function* sealTicket(tickets: TicketSealer, state: SessionState): Script<Uint8Array | undefined> {
  try {
    return yield* ask('sealTicket', { tickets, state });
  } catch {
    // A store that is away is no reason to end a connection that is up.
    return undefined;
  } finally {
    state.psk.wipe();
  }
}

/**
 * The session of a NewSessionTicket.
 * @returns undefined for a ticket that is to be discarded at once (RFC 9846 §4.7.1), or is too long to be offered
 */
export function receiveTicket(
  config: CommonConfig,
  established: Resumable,
  message: NewSessionTicket,
): Session | undefined {
  const { early_data: maxEarlyDataSize = 0, tls_flags: flags } = readExtensions('NST', message.extensions);
  // draft-ietf-tls-tlsflags §2: as short as can be.
  if (flags?.at(-1) === 0) reject('ERR_TLS_FLAGS_DECODE', 'illegal_parameter', 'tls_flags ends with a byte of zero');
  if (message.ticketLifetime === 0 || !isUsable(message.ticket)) return undefined;
  const now = (config.now ?? Date.now)();
  return {
    ...stateBase(config, established),
    psk: established.resumption.psk(message.ticketNonce),
    ticketTime: now,
    ticketLifetime: Math.min(message.ticketLifetime, MAX_TICKET_LIFETIME),
    ticketAgeAdd: message.ticketAgeAdd,
    maxEarlyDataSize,
    acrossNames: ((flags?.[1] ?? 0) & 1) === 1,
    ticket: message.ticket.slice(),
  };
}

function stateOf(
  config: ServerConfig,
  base: Base,
  resumption: Resumption,
  ticketNonce: Uint8Array,
): SessionState | undefined {
  const now = (config.now ?? Date.now)();
  // However often it is resumed, after seven days the peers authenticate each other again.
  const left = MAX_TICKET_LIFETIME - Math.floor((now - base.authenticatedAt) / 1000);
  const ticketLifetime = Math.min(config.ticketLifetime ?? DEFAULT_LIFETIME, left);
  if (ticketLifetime <= 0) return undefined;
  const random = config.provider.random(4);
  return {
    ...base,
    psk: resumption.psk(ticketNonce),
    ticketTime: now,
    ticketLifetime,
    ticketAgeAdd: new DataView(random.buffer).getUint32(0),
    maxEarlyDataSize: config.earlyData?.maxSize ?? 0,
    acrossNames: config.resumeAcrossNames === true,
  };
}

type Base = Omit<
  SessionState,
  'psk' | 'ticketTime' | 'ticketLifetime' | 'ticketAgeAdd' | 'maxEarlyDataSize' | 'acrossNames'
>;

function stateBase({ provider }: CommonConfig, { facts, origin }: Resumable): Base {
  const { suite, alpn, serverName, peer, peerChain, peerOcspResponse, peerTimestamps, authenticatedAt } = facts;
  return {
    suite: suite.id,
    alpn,
    serverName,
    peerChain,
    peerChainType: facts.peerCertificateType,
    peerSignatures: peer?.verified ? pathSignatures(peer.certificates, provider.hashes.sha256) : [],
    peerOcspResponse,
    peerTimestamps,
    externalPsk: origin,
    authenticatedAt,
  };
}

function encodeTicket(
  config: ServerConfig,
  state: SessionState,
  ticketNonce: Uint8Array,
  ticket: Uint8Array,
): Uint8Array {
  const { ticketLifetime, ticketAgeAdd, maxEarlyDataSize, acrossNames } = state;
  return encodeMessage(HandshakeType.new_session_ticket, {
    ticketLifetime,
    ticketAgeAdd,
    ticketNonce,
    ticket,
    extensions: [
      ...writeExtensions('NST', {
        ...(maxEarlyDataSize > 0 && { early_data: maxEarlyDataSize }),
        // Flag 8: resumption_across_names.
        ...(acrossNames && { tls_flags: new Uint8Array([0, 1]) }),
      }),
      ...(config.grease === true ? [greaseExtension(config.provider)] : []),
    ],
  });
}

/** Unique among the tickets of a connection. */
function nonceOf(index: number): Uint8Array {
  const w = new Writer(4);
  w.u16(index);
  return w.finish();
}

const DEFAULT_TICKETS = 2;
/** Seconds: two hours, as OpenSSL. */
const DEFAULT_LIFETIME = 7200;
