import { describe, expect, test } from 'vitest';
import { Secret } from '#opentls/crypto/secret';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import { decodeSession, encodeSession, type Session } from '#opentls/session/session';
import { type ServerSessionStore, StoredTickets, TicketKeys } from '#opentls/session/tickets';
import { CipherSuiteId, NamedGroup } from '#opentls/wire/enums';
import { dangerouslyTrust } from '#opentls/x509/verify/verify';
import { credential, dataOf, type Ends, errorOf, newPair, shuttle, trustAnything } from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';
import { copyOf, firstSession, sessionsOf } from '../../kit/sessions.ts';

const sha256Suite = CipherSuiteId.TLS_AES_128_GCM_SHA256;
const sha384Suite = CipherSuiteId.TLS_AES_256_GCM_SHA384;
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const bytes = (value: string): Uint8Array => new Uint8Array(Buffer.from(value));

function offer(session: Session): Pick<ClientConfig, 'takeSession'> {
  return { takeSession: () => copyOf(session) };
}

/** A handshake that offers the session of an earlier one. */
function resume(
  server: Partial<ServerConfig>,
  client: Partial<ClientConfig> = {},
  change: { readonly client?: Partial<ClientConfig>; readonly server?: Partial<ServerConfig> } = {},
): Ends {
  const session = firstSession(client, server);
  return shuttle(newPair({ ...client, ...offer(session), ...change.client }, { ...server, ...change.server }));
}

function resumedOf({ client, server }: Ends): readonly [boolean | undefined, boolean | undefined] {
  return [client.facts?.resumed, server.facts?.resumed];
}

const full = [false, false];
const resumed = [true, true];

/** The tickets of one server. */
function withTickets(): { readonly tickets: TicketKeys } {
  return { tickets: new TicketKeys(provider) };
}

describe('tickets, RFC 9846 §4.7.1', () => {
  test.each([0, 1, 2, 5])('a server issues %i', (ticketCount) => {
    const { clientEvents } = shuttle(newPair({}, { ...withTickets(), ticketCount }));
    const sessions = sessionsOf(clientEvents);
    expect(sessions).toHaveLength(ticketCount);
    expect(new Set(sessions.map(({ ticket }) => text(ticket))).size).toBe(ticketCount);
    expect(sessions.every(({ ticketLifetime }) => ticketLifetime === 7200)).toBe(true);
  });

  test('two, where nothing is said; none without keys', () => {
    expect(sessionsOf(shuttle(newPair({}, withTickets())).clientEvents)).toHaveLength(2);
    expect(sessionsOf(shuttle(newPair()).clientEvents)).toHaveLength(0);
  });

  test('a session is resumed, with the peer of the first handshake and without certificates', () => {
    const ends = resume(withTickets());
    expect(resumedOf(ends)).toEqual(resumed);
    expect(ends.client.facts).toMatchObject({ peerSignatureScheme: undefined, group: { id: NamedGroup.x25519 } });
    expect(ends.client.facts?.peer?.certificates[0]?.raw).toEqual(credential.chain[0]);
    expect(sessionsOf(ends.clientEvents)).toHaveLength(2);
    ends.client.write([bytes('ping')]);
    expect(text(dataOf(shuttle(ends).serverEvents))).toBe('ping');
  });

  test('a resumed session gives tickets that can be resumed, and keeps the time of the first', () => {
    const server = withTickets();
    let now = 1_000_000;
    const clock = { now: () => now };
    const first = firstSession(clock, { ...server, ...clock });
    now += 1000;
    const ends = shuttle(newPair({ ...clock, ...offer(first) }, { ...server, ...clock }));
    const [second] = sessionsOf(ends.clientEvents);
    expect(second?.authenticatedAt).toBe(first.authenticatedAt);
    expect(second?.ticketTime).toBe(first.ticketTime + 1000);
  });

  test('over a HelloRetryRequest', () => {
    const ends = resume(withTickets(), {}, { server: { groups: [NamedGroup.secp256r1] } });
    expect(resumedOf(ends)).toEqual(resumed);
    expect(ends.client.facts).toMatchObject({ helloRetryRequest: true, group: { id: NamedGroup.secp256r1 } });
  });

  test('with another suite of the same hash, but not of another', () => {
    const server = { ...withTickets(), suites: [sha256Suite] };
    expect(resumedOf(resume(server, {}, { server: { suites: [CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256] } }))).toEqual(
      resumed,
    );
    expect(resumedOf(resume(server, {}, { server: { suites: [sha384Suite] } }))).toEqual(full);
  });

  test('in psk_ke mode there is no key exchange', () => {
    const pskModes = ['psk_ke'] as const;
    const ends = resume({ ...withTickets(), pskModes }, { pskModes });
    expect(resumedOf(ends)).toEqual(resumed);
    expect(ends.client.facts?.group).toBeUndefined();
    ends.server.write([bytes('pong')]);
    expect(text(dataOf(shuttle(ends).clientEvents))).toBe('pong');
  });

  test('a mode that the server does not do means a full handshake', () => {
    const tickets = withTickets();
    expect(resumedOf(resume(tickets, {}, { server: { pskModes: ['psk_ke'] } }))).toEqual(full);
  });

  test('a client that cannot use tickets is sent none, RFC 9846 §4.3.9', () => {
    const { clientEvents } = shuttle(newPair({}, { ...withTickets(), pskModes: ['psk_ke'] }));
    expect(sessionsOf(clientEvents)).toHaveLength(0);
  });
});

describe('a ticket that is not good leads to a full handshake', () => {
  function present(ticket: (session: Session) => Uint8Array, server: Partial<ServerConfig> = withTickets()): Ends {
    const session = firstSession({}, server);
    const takeSession = (): Session => ({ ...copyOf(session), ticket: ticket(session) });
    return shuttle(newPair({ takeSession }, server));
  }

  test.each([
    ['forged', (ticket: Uint8Array) => ticket.map((byte, i) => (i === 40 ? byte ^ 1 : byte))],
    ['with a forged tag', (ticket: Uint8Array) => ticket.map((byte, i) => (i === ticket.length - 1 ? byte ^ 1 : byte))],
    ['truncated', (ticket: Uint8Array) => ticket.subarray(0, ticket.length - 1)],
    ['of the name alone', (ticket: Uint8Array) => ticket.subarray(0, 16)],
    ['of one byte', () => new Uint8Array(1)],
    ['too long', (ticket: Uint8Array) => Buffer.concat([ticket, Buffer.alloc(1)])],
    ['random', (ticket: Uint8Array) => provider.random(ticket.length)],
  ])('%s', (_name, change) => {
    const ends = present(({ ticket }) => change(ticket));
    expect(resumedOf(ends)).toEqual(full);
    expect(errorOf([...ends.clientEvents, ...ends.serverEvents])).toBeUndefined();
  });

  test('of another key', () => {
    expect(resumedOf(resume(withTickets(), {}, { server: withTickets() }))).toEqual(full);
  });

  test('of another server name', () => {
    const server = withTickets();
    const session = firstSession({ serverName: 'one.example' }, server);
    const renamed = (): Session => ({ ...copyOf(session), serverName: 'two.example' });
    expect(resumedOf(shuttle(newPair({ serverName: 'two.example', takeSession: renamed }, server)))).toEqual(full);
  });

  test('expired on the server', () => {
    let now = 1_000_000_000;
    const clock = { now: () => now };
    const server = { ...withTickets(), ...clock, ticketLifetime: 100 };
    const session = firstSession(clock, server);
    const again = (): Ends => shuttle(newPair({ ...clock, ...offer({ ...session, ticketTime: now }) }, server));
    now += 99_999;
    expect(resumedOf(again())).toEqual(resumed);
    now += 1;
    expect(resumedOf(again())).toEqual(full);
  });

  test('older than seven days since the peers authenticated each other', () => {
    const day = 86_400_000;
    let now = 1_000_000_000;
    const clock = { now: () => now };
    const server = { ...withTickets(), ...clock, ticketLifetime: 604_800 };
    let session = firstSession(clock, server);
    for (let days = 0; days < 6; days++) {
      now += day;
      const ends = shuttle(newPair({ ...clock, ...offer(session) }, server));
      expect(resumedOf(ends)).toEqual(resumed);
      session = sessionsOf(ends.clientEvents)[0] ?? session;
      expect(session.ticketLifetime).toBe((6 - days) * 86_400);
    }
    now += day;
    expect(resumedOf(shuttle(newPair({ ...clock, ...offer(session) }, server)))).toEqual(full);
  });

  test('a wrong binder is decrypt_error', () => {
    const server = withTickets();
    const session = firstSession({}, server);
    const takeSession = (): Session => ({ ...copyOf(session), psk: new Secret('psk', new Uint8Array(32).fill(1)) });
    const ends = shuttle(newPair({ takeSession }, server));
    expect(errorOf(ends.serverEvents)).toEqual({ code: 'ERR_TLS_BAD_BINDER', alert: 'decrypt_error' });
    expect(errorOf(ends.clientEvents)).toMatchObject({ code: 'ERR_TLS_ALERT_DECRYPT_ERROR' });
  });
});

describe('a client offers only what is good', () => {
  function offered(session: Session, client: Partial<ClientConfig> = {}): boolean {
    let seen = false;
    const tickets = {
      seal: () => undefined,
      open() {
        seen = true;
        return undefined;
      },
    };
    shuttle(newPair({ ...client, takeSession: () => copyOf(session) }, { tickets }));
    return seen;
  }

  test('nothing expired, for another name, or of a hash it does not do', () => {
    const session = firstSession({}, { ...withTickets(), suites: [sha256Suite] });
    expect(offered(session)).toBe(true);
    expect(offered({ ...session, ticketTime: session.ticketTime - 7_200_001 })).toBe(false);
    expect(offered({ ...session, authenticatedAt: session.ticketTime - 604_800_000 })).toBe(false);
    expect(offered(session, { serverName: 'other.example' })).toBe(false);
    expect(offered(session, { suites: [sha384Suite] })).toBe(false);
  });

  test('nothing that its verifier no longer accepts', () => {
    const session = firstSession({}, withTickets());
    const asked: boolean[] = [];
    const verifyChain: ClientConfig['verifyChain'] = (request) => {
      asked.push(request.resumed);
      return request.resumed ? { ok: false, code: 'CERT_HAS_EXPIRED', reason: 'expired' } : trustAnything(request);
    };
    expect(offered(session, { verifyChain })).toBe(false);
    expect(asked).toEqual([true, false]);
  });

  test('a ticket of lifetime 0 is discarded, a longer one than seven days is cut', () => {
    const server = withTickets();
    expect(sessionsOf(shuttle(newPair({}, { ...server, ticketLifetime: 0 })).clientEvents)).toHaveLength(0);
    expect(firstSession({}, { ...server, ticketLifetime: 10_000_000 }).ticketLifetime).toBe(604_800);
  });

  test('the secret is wiped after use, used or not', () => {
    const server = withTickets();
    const good = copyOf(firstSession({}, server));
    shuttle(newPair({ takeSession: () => good }, server));
    expect(good.psk.wiped).toBe(true);
    const stale = { ...copyOf(firstSession({}, server)), ticketTime: 0 };
    shuttle(newPair({ takeSession: () => stale }, server));
    expect(stale.psk.wiped).toBe(true);
  });
});

describe('client certificates in sessions', () => {
  const client = { credentials: [credential] };

  test('the client of the first handshake is the one of the second', () => {
    const ends = resume({ ...withTickets(), clientCertificate: 'required' }, client);
    expect(resumedOf(ends)).toEqual(resumed);
    expect(ends.server.facts?.peer?.certificates[0]?.raw).toEqual(credential.chain[0]);
  });

  test('a session without one is not resumed where one is required', () => {
    const ends = resume(withTickets(), client, { server: { clientCertificate: 'required' } });
    expect(resumedOf(ends)).toEqual(full);
    expect(ends.server.facts?.peer).toBeDefined();
  });

  test('one that is no longer accepted is not resumed', () => {
    const verifyChain: ServerConfig['verifyChain'] = (request) =>
      request.resumed ? { ok: false, code: 'CERT_REVOKED', reason: 'revoked' } : trustAnything(request);
    const ends = resume({ ...withTickets(), clientCertificate: 'required', verifyChain }, client);
    expect(resumedOf(ends)).toEqual(full);
  });

  test('without asking for one, the server sees none', () => {
    const ends = resume({ ...withTickets(), clientCertificate: 'optional' }, client, {
      server: { clientCertificate: 'none' },
    });
    expect(resumedOf(ends)).toEqual(resumed);
    expect(ends.server.facts?.peer).toBeUndefined();
  });
});

describe('stateful tickets', () => {
  function storeOf(): { readonly store: ServerSessionStore; readonly kept: Map<string, Uint8Array> } {
    const kept = new Map<string, Uint8Array>();
    const key = (id: Uint8Array): string => Buffer.from(id).toString('hex');
    const store: ServerSessionStore = {
      put: (id, state) => void kept.set(key(id), state),
      take(id) {
        const state = kept.get(key(id));
        kept.delete(key(id));
        return state;
      },
    };
    return { store, kept };
  }

  test('are good for one resumption', () => {
    const { store, kept } = storeOf();
    const server = { tickets: new StoredTickets(store, provider), ticketCount: 1 };
    const session = firstSession({}, server);
    expect(kept.size).toBe(1);
    expect(resumedOf(shuttle(newPair(offer(session), server)))).toEqual(resumed);
    expect(resumedOf(shuttle(newPair(offer(session), server)))).toEqual(full);
  });

  test('a store that fails to keep one costs the ticket, not the connection', () => {
    const store: ServerSessionStore = {
      put: () => {
        throw new Error('out of space');
      },
      take: () => undefined,
    };
    const ends = shuttle(newPair({}, { tickets: new StoredTickets(store, provider) }));
    expect(sessionsOf(ends.clientEvents)).toEqual([]);
    expect([ends.client.phase, ends.server.phase]).toEqual(['open', 'open']);
  });
});

test('sessions survive being stored, and nothing else is taken for one', () => {
  const session = firstSession({ alpn: [bytes('h2')] }, { ...withTickets(), alpn: [bytes('h2')] });
  const stored = encodeSession(session);
  expect(encodeSession(copyOf(session))).toEqual(stored);
  for (let length = 0; length < stored.length; length++)
    expect(decodeSession(stored.subarray(0, length))).toBeUndefined();
  expect(decodeSession(Buffer.concat([stored, Buffer.alloc(1)]))).toBeUndefined();
  expect(JSON.stringify(session)).not.toContain(Buffer.from(stored.subarray(4, 36)).toString('hex'));
});

test('the peer of a session is judged from what was presented', () => {
  const session = firstSession({}, withTickets());
  expect(session.peerChain).toEqual(credential.chain);
  expect(dangerouslyTrust(session.peerChain).verified).toBe(false);
});
