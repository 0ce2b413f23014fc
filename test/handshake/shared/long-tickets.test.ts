// A ticket that does not fit into a message, or into a ClientHello later, is not issued: the connection goes on.

import { describe, expect, test } from 'vitest';
import type { ClientConfig } from '#opentls/handshake/terms/config';
import { MAX_TICKET } from '#opentls/limits';
import { TicketKeys, type TicketSealer } from '#opentls/session/tickets';
import { credential, dataOf, errorOf, newPair, openPair, shuttle } from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';
import { sessionsOf } from '../../kit/sessions.ts';

/** A server whose tickets have this length: each opens as what was sealed last. */
function ofLength(length: number): TicketSealer {
  const keys = new TicketKeys(provider);
  let sealed = new Uint8Array(0);
  return {
    seal: (state) => {
      sealed = new Uint8Array(keys.seal(state));
      return new Uint8Array(length);
    },
    open: () => keys.open(sealed),
  };
}

describe('a ticket of', () => {
  test.each([0, MAX_TICKET + 1, 0xffff, 0x1_0000, 0x2_0000])('%i bytes is not issued', (length) => {
    const ends = shuttle(newPair({}, { tickets: ofLength(length) }));
    expect([errorOf(ends.serverEvents), errorOf(ends.clientEvents)]).toEqual([undefined, undefined]);
    expect(sessionsOf(ends.clientEvents)).toEqual([]);
    ends.server.write([new Uint8Array(5)]);
    expect(dataOf(shuttle(ends).clientEvents)).toHaveLength(5);
  });

  test('as many bytes as there may be is issued, and resumed', () => {
    const tickets = ofLength(MAX_TICKET);
    // The largest ClientHello: all groups, a hybrid share among those sent.
    const client: Partial<ClientConfig> = {
      groups: provider.groups.map(({ id }) => id),
      keyShares: provider.groups.slice(0, 2).map(({ id }) => id),
      alpn: [new Uint8Array(255)],
    };
    const server = { tickets, groups: provider.groups.map(({ id }) => id) };
    const session = sessionsOf(shuttle(newPair(client, server)).clientEvents).at(-1) ?? expect.fail('no ticket came');
    expect(session.ticket).toHaveLength(MAX_TICKET);
    const again = openPair({ ...client, takeSession: () => session }, server);
    expect([again.client.facts?.resumed, again.server.facts?.resumed]).toEqual([true, true]);
  });
});

test('a session whose ticket is too long is not offered', () => {
  const tickets = new TicketKeys(provider);
  const session = sessionsOf(shuttle(newPair({}, { tickets })).clientEvents)[0] ?? expect.fail('no ticket came');
  const long = { ...session, ticket: new Uint8Array(0xffff) };
  const ends = openPair({ takeSession: () => long }, { tickets });
  expect(ends.client.facts?.resumed).toBe(false);
});

test('so it is with a client that shows a long chain', () => {
  const [leaf = new Uint8Array(0)] = credential.chain;
  const chain = [leaf, ...Array.from({ length: 20 }, () => new Uint8Array(4000).fill(0x30))];
  const server = { tickets: new TicketKeys(provider), clientCertificate: 'required' } as const;
  const ends = openPair({ credentials: [{ ...credential, chain }] }, server);
  expect(ends.server.facts?.peerChain).toHaveLength(21);
  expect(errorOf(shuttle(ends).serverEvents)).toBeUndefined();
  expect(sessionsOf(ends.clientEvents)).toEqual([]);
});
