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
import type { ServerEndpoint } from '../terms/endpoint.ts';
import { ask, type Script } from '../terms/script.ts';
import type { ServerSettings, Settings } from '../terms/settings.ts';
import type { Established } from './established.ts';
import { greaseExtension } from './grease.ts';

/** The parts of a handshake that its session tickets are made of. */
type Resumable = Pick<Established, 'facts' | 'resumption' | 'origin'>;

/**
 * Sends the server's NewSessionTickets (RFC 9846 §4.7.1). A ticket that cannot be sealed is not sent, without an error.
 */
export function* issueTickets({ records, config }: ServerEndpoint, established: Resumable): Script<void> {
  const { tickets, ticketCount } = config;
  if (tickets === undefined) return;
  const base = stateBase(config, established);
  for (let nonce = 0; nonce < ticketCount; nonce++) {
    const ticketNonce = nonceOf(nonce);
    const state = stateOf(config, base, established.resumption, ticketNonce);
    if (state === undefined) return;
    const ticket = yield* sealTicket(tickets, state);
    if (ticket !== undefined && isUsable(ticket)) records.send(encodeTicket(config, state, ticketNonce, ticket));
  }
}

/** A ticket is too long to be offered where it holds a long chain of the client's certificates. */
function isUsable({ length }: Uint8Array): boolean {
  return length > 0 && length <= MAX_TICKET;
}

function* sealTicket(tickets: TicketSealer, state: SessionState): Script<Uint8Array | undefined> {
  try {
    return yield* ask('sealTicket', { tickets, state });
  } catch {
    // A store that fails is no reason to end a connection that is up.
    return undefined;
  } finally {
    state.psk.wipe();
  }
}

/**
 * The session of a NewSessionTicket.
 * @returns undefined for a ticket that must be discarded at once (RFC 9846 §4.7.1), or is too long to be offered
 */
export function receiveTicket(
  config: Settings,
  established: Resumable,
  message: NewSessionTicket,
): Session | undefined {
  const { early_data: maxEarlyDataSize = 0, tls_flags: flags } = readExtensions('NST', message.extensions);
  // draft-ietf-tls-tlsflags §2: the sender leaves out trailing zero bytes.
  if (flags?.at(-1) === 0) reject('ERR_TLS_FLAGS_DECODE', 'illegal_parameter', 'tls_flags ends with a byte of zero');
  if (message.ticketLifetime === 0 || !isUsable(message.ticket)) return undefined;
  const now = config.now();
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
  config: ServerSettings,
  base: Base,
  resumption: Resumption,
  ticketNonce: Uint8Array,
): SessionState | undefined {
  const now = config.now();
  // Seven days after a full handshake, the peers authenticate each other again, however often the session was resumed.
  const left = MAX_TICKET_LIFETIME - Math.floor((now - base.authenticatedAt) / 1000);
  const ticketLifetime = Math.min(config.ticketLifetime, left);
  if (ticketLifetime <= 0) return undefined;
  const random = config.provider.random(4);
  return {
    ...base,
    psk: resumption.psk(ticketNonce),
    ticketTime: now,
    ticketLifetime,
    ticketAgeAdd: new DataView(random.buffer).getUint32(0),
    maxEarlyDataSize: config.maxEarlyDataSize,
    acrossNames: config.resumeAcrossNames,
  };
}

type Base = Omit<
  SessionState,
  'psk' | 'ticketTime' | 'ticketLifetime' | 'ticketAgeAdd' | 'maxEarlyDataSize' | 'acrossNames'
>;

function stateBase({ provider }: Settings, { facts, origin }: Resumable): Base {
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
  config: ServerSettings,
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
      ...(config.grease ? [greaseExtension(config.provider)] : []),
    ],
  });
}

/** ticket_nonce, unique among the tickets of a connection (RFC 9846 §4.7.1). */
function nonceOf(index: number): Uint8Array {
  const w = new Writer(4);
  w.u16(index);
  return w.finish();
}
