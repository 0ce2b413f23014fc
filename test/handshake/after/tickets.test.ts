// NewSessionTicket, RFC 9846 §4.7.1.

import { describe, expect, test } from 'vitest';
import type { SessionState } from '#opentls/session/session';
import { HandshakeType } from '#opentls/wire/enums';
import { encodeMessage } from '#opentls/wire/messages';
import { credential, newClient, newPair, shuttle, trustAnything } from '../../kit/pair.ts';
import { Peer } from '../../kit/peer.ts';
import { provider } from '../../kit/provider.ts';
import { randomBytes } from '../../kit/random.ts';

const bytes = randomBytes(9846);

describe('a NewSessionTicket, RFC 9846 §4.7.1', () => {
  test('tickets live for seven days at most, each with a ticket_age_add of its own', () => {
    const states: SessionState[] = [];
    const tickets = { seal: (state: SessionState) => void states.push(state), open: () => undefined };
    shuttle(newPair({}, { tickets, ticketCount: 5, ticketLifetime: 10_000_000 }));
    expect(states.map(({ ticketLifetime }) => ticketLifetime)).toEqual(Array(5).fill(604_800));
    expect(new Set(states.map(({ ticketAgeAdd }) => ticketAgeAdd)).size).toBe(5);
  });

  test('unknown extensions of a NewSessionTicket are ignored', () => {
    const peer = new Peer('server', { provider, verifyChain: trustAnything, credentials: [credential] });
    const client = newClient();
    peer.play(client, 5);
    const ticket = encodeMessage(HandshakeType.new_session_ticket, {
      ticketLifetime: 1,
      ticketAgeAdd: 1,
      ticketNonce: bytes(1),
      ticket: bytes(8),
      extensions: [{ type: 0x7a7a, data: bytes(3) }],
    });
    expect(peer.inject(client, ticket)).toBeUndefined();
    expect(peer.events.at(-1)?.type).toBe('session');
  });
});
