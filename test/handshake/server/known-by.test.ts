// A session goes on for as long as the handshake that it stands for would: it remembers how the peers knew each other.

import { describe, expect, test } from 'vitest';
import { toHex } from '#opentls/bytes/hex';
import { Secret } from '#opentls/crypto/secret';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import { type ExternalPsk, importPsk } from '#opentls/keys/importer';
import { decodeSession, encodeSession, type Session } from '#opentls/session/session';
import { StoredTickets, TicketKeys, type TicketSealer } from '#opentls/session/tickets';
import { credential, type Ends, errorOf, newPair, shuttle } from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';
import { randomBytes } from '../../kit/random.ts';

const bytes = randomBytes(9257);

function newPsk(identity: Uint8Array = bytes(10), hash: ExternalPsk['hash'] = 'sha256'): ExternalPsk {
  return { identity, secret: new Secret('psk', bytes(32)), hash };
}

/** A server's keys: all of them, and no others. */
function knowing(...known: readonly ExternalPsk[]): Pick<ServerConfig, 'findPsk'> {
  return { findPsk: (identity) => known.find((candidate) => toHex(candidate.identity) === toHex(identity)) };
}

function sessionOf({ clientEvents }: Ends): Session {
  const sessions = clientEvents.flatMap((event) => (event.type === 'session' ? [event.session] : []));
  return sessions.at(-1) ?? expect.fail('no ticket came');
}

/** As it comes out of a file. */
function offering(session: Session): Pick<ClientConfig, 'takeSession'> {
  return { takeSession: () => decodeSession(encodeSession(session)) };
}

function connect(client: Partial<ClientConfig>, server: Partial<ServerConfig>): Ends {
  return shuttle(newPair(client, server));
}

/** What both sides say: whether they resumed, and by whose key. */
function told({ client, server }: Ends): unknown {
  const of = ({ facts }: Ends['client']): unknown =>
    facts && [facts.resumed, facts.externalPsk === undefined ? undefined : toHex(facts.externalPsk)];
  expect(of(client)).toEqual(of(server));
  return of(server);
}

function stored(): TicketSealer {
  const kept = new Map<string, Uint8Array>();
  const take = (id: Uint8Array): Uint8Array | undefined => {
    const state = kept.get(toHex(id));
    kept.delete(toHex(id));
    return state;
  };
  return new StoredTickets({ put: (id, state) => void kept.set(toHex(id), state), take }, provider);
}

const bare: Partial<ServerConfig> = { credentials: [] };

describe('a session under a key agreed elsewhere', () => {
  const key = newPsk();
  const other = newPsk();
  const imported = importPsk(newPsk(), bytes(4), provider.hashes)[0] ?? expect.fail('no key');
  const resumed = [true, toHex(key.identity)];

  test.each<[string, ExternalPsk, () => TicketSealer]>([
    ['sealed', key, () => new TicketKeys(provider)],
    ['stored', key, stored],
    ['of SHA-384', newPsk(bytes(5), 'sha384'), () => new TicketKeys(provider)],
    ['of an imported key', imported, () => new TicketKeys(provider)],
  ])('says whose key it was, over generations: %s', (_, psk, tickets) => {
    const server = { ...bare, ...knowing(psk), tickets: tickets() };
    const client = { externalPsks: [psk], requirePsk: true };
    let ends = connect(client, server);
    expect(told(ends)).toEqual([false, toHex(psk.identity)]);
    for (let generation = 0; generation < 3; generation++) {
      ends = connect({ ...client, ...offering(sessionOf(ends)) }, server);
      expect(told(ends)).toEqual([true, toHex(psk.identity)]);
    }
    expect(ends.server.facts).toMatchObject({ peer: undefined, peerChain: [] });
  });

  const tickets = new TicketKeys(provider);
  const session = sessionOf(connect({ externalPsks: [key] }, { ...bare, ...knowing(key), tickets }));
  const client = { externalPsks: [key], ...offering(session) };
  const again = { ...key, secret: new Secret('psk', bytes(32)) };

  test.each<[string, Partial<ServerConfig>]>([
    ['withdrawn', knowing(other)],
    ['not looked for any more', {}],
    ['not wanted where there is a certificate', { ...knowing(key), preferCertificate: true }],
  ])('is not resumed by a server where the key is %s', (_, server) => {
    // Its client takes a certificate, too.
    const ends = connect(client, { tickets, ...server });
    expect(told(ends)).toEqual([false, undefined]);
    expect(ends.server.facts?.localChain).toEqual(credential.chain);
  });

  test('is not resumed where there is nothing else, either', () => {
    const ends = connect({ ...client, requirePsk: true }, { ...bare, ...knowing(other), tickets });
    expect(errorOf(ends.serverEvents)).toMatchObject({ code: 'ERR_TLS_UNKNOWN_PSK' });
  });

  test('is not resumed where the key has been replaced under the same identity', () => {
    const server = { ...bare, ...knowing(again), tickets };
    expect(errorOf(connect(client, server).serverEvents)).toMatchObject({ code: 'ERR_TLS_BAD_BINDER' });
    expect(told(connect({ ...client, externalPsks: [again] }, server))).toEqual([false, toHex(key.identity)]);
  });

  test.each<[string, Partial<ClientConfig>]>([
    ['has another key', { externalPsks: [other] }],
    ['has the key no more', { externalPsks: [] }],
    ['has another one of the same identity', { externalPsks: [again] }],
  ])('is not offered by a client that %s', (_, change) => {
    const opened: string[] = [];
    const open = (ticket: Uint8Array): undefined => void opened.push(toHex(ticket));
    const seal = (): undefined => undefined;
    connect({ ...client, ...change }, { tickets: { seal, open } });
    expect(opened).not.toContain(toHex(session.ticket));
    connect(client, { tickets: { seal, open } });
    expect(opened).toContain(toHex(session.ticket));
  });

  test('is resumed by whoever knows the key still, whatever else is asked of clients', () => {
    for (const clientCertificate of ['none', 'optional', 'required'] as const) {
      const ends = connect(client, { ...knowing(other, key), tickets, clientCertificate });
      expect(told(ends)).toEqual(resumed);
    }
  });

  test('is no reason to ask for a certificate later, RFC 9846 §4.4.2', () => {
    const { server } = connect({ ...client, postHandshakeAuth: true }, { ...bare, ...knowing(key), tickets });
    expect(() => server.requestCertificate()).toThrow(expect.objectContaining({ code: 'ERR_TLS_INVALID_STATE' }));
  });
});

describe('a session of somebody who is not known', () => {
  const tickets = new TicketKeys(provider);
  const key = newPsk();
  const session = sessionOf(connect({}, { tickets }));
  const client = offering(session);

  test('is resumed where anybody gets in', () => {
    for (const server of [{}, knowing(key), { clientCertificate: 'optional' as const }]) {
      expect(told(connect(client, { tickets, ...server }))).toEqual([true, undefined]);
    }
  });

  test('is not resumed with the same ticket keys where one needs a key', () => {
    const server = { ...bare, ...knowing(key), tickets };
    expect(errorOf(connect(client, server).serverEvents)).toMatchObject({ alert: expect.any(String) as string });
    expect(told(connect({ ...client, externalPsks: [key] }, server))).toEqual([false, toHex(key.identity)]);
  });

  test('is not resumed with the same ticket keys where one needs a certificate', () => {
    const server = { tickets, clientCertificate: 'required' } as const;
    expect(errorOf(connect(client, server).serverEvents)).toMatchObject({ code: 'ERR_TLS_CERTIFICATE_REQUIRED' });
    expect(told(connect({ ...client, credentials: [credential] }, server))).toEqual([false, undefined]);
  });
});

test('a certificate is no key: its session is not resumed where one needs a key', () => {
  const tickets = new TicketKeys(provider);
  const client = { credentials: [credential] };
  const session = sessionOf(connect(client, { tickets, clientCertificate: 'required' }));
  const server = { ...bare, ...knowing(newPsk()), tickets };
  for (const clientCertificate of ['none', 'optional', 'required'] as const) {
    const ends = connect({ ...client, ...offering(session) }, { ...server, clientCertificate });
    expect(errorOf(ends.serverEvents)?.alert).toEqual(expect.any(String));
  }
});
