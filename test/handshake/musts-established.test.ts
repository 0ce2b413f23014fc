// What RFC 9846 demands of 0-RTT data, what follows the handshake, and alerts and no other test is about: vectors/rfc9846-musts.json.

import { describe, expect, test } from 'vitest';
import { toHex } from '#opentls/bytes/hex';
import type { Event } from '#opentls/connection/connection';
import { Secret } from '#opentls/crypto/secret';
import { perform } from '#opentls/handshake/terms/script';
import { Opener } from '#opentls/record/opener';
import type { SessionState } from '#opentls/session/session';
import { ContentType, HandshakeType } from '#opentls/wire/enums';
import { readExtensions } from '#opentls/wire/extensions';
import { parseMessage } from '#opentls/wire/messages';
import {
  credential,
  dataOf,
  errorOf,
  feed,
  newClient,
  newPair,
  newServer,
  openPair,
  settle,
  shuttle,
  trustAnything,
} from '../kit/pair.ts';
import { Peer } from '../kit/peer.ts';
import { provider } from '../kit/provider.ts';
import { record, recordsOf, suiteOf } from '../record/records.ts';
import { bodyOf, bytes, encodeHello, plainMessages, resumable, speak } from './musts.ts';

describe('0-RTT data that was accepted', () => {
  function sendEarly(replay: (id: Uint8Array) => void = () => {}) {
    const { session, server } = resumable();
    const { client, events } = { client: newClient({ takeSession: () => session, earlyData: true }), events: [] };
    settle(client, events);
    client.writeEarly(bytes(10));
    const guard = {
      admit(id: Uint8Array) {
        replay(id);
        return true;
      },
    };
    const config = { ...server, earlyData: { maxSize: 1000, replay: guard } };
    return { client, flight: Buffer.concat(client.takeOutput()), server: newServer(config) };
  }

  test('a record of it that does not open is bad_record_mac', () => {
    const { flight, server } = sendEarly();
    flight[flight.length - 1] = (flight.at(-1) ?? 0) ^ 1;
    const events: Event[] = [];
    feed(server, flight, events);
    expect(errorOf(events)).toMatchObject({ alert: 'bad_record_mac' });
  });

  test('is remembered by the binder, which is validated by then', () => {
    const ids: string[] = [];
    const { flight, server } = sendEarly((id) => ids.push(toHex(id)));
    settle(server);
    feed(server, flight, []);
    const hello = bodyOf(plainMessages([flight]), HandshakeType.client_hello);
    const binders = readExtensions('CH', hello.extensions).pre_shared_key?.binders ?? [];
    expect(ids).toEqual(binders.map(toHex));
    const forged = sendEarly((id) => ids.push(toHex(id)));
    const [first] = recordsOf(forged.flight);
    const at = 5 + (first?.body.length ?? 0) - 1;
    forged.flight[at] = (forged.flight[at] ?? 0) ^ 1;
    const events: Event[] = [];
    feed(forged.server, forged.flight, events);
    expect(errorOf(events)).toMatchObject({ alert: 'decrypt_error' });
    expect(ids).toHaveLength(1);
  });

  test('does not wait for EndOfEarlyData: the flight of the server goes out at once', () => {
    const { flight, server } = sendEarly();
    feed(server, flight, []);
    expect(plainMessages(server.takeOutput().slice(0, 1))).toHaveLength(1);
    expect(server.phase).toBe('handshake');
    expect(server.writable).toBe(true);
  });
});

describe('after the handshake', () => {
  test('tickets live for seven days at most, each with a ticket_age_add of its own', () => {
    const states: SessionState[] = [];
    const tickets = { seal: (state: SessionState) => void states.push(state), open: () => undefined };
    shuttle(newPair({}, { tickets, ticketCount: 5, ticketLifetime: 10_000_000 }));
    expect(states.map(({ ticketLifetime }) => ticketLifetime)).toEqual(Array(5).fill(604_800));
    expect(new Set(states.map(({ ticketAgeAdd }) => ticketAgeAdd)).size).toBe(5);
  });

  /** Everything that the server says under its application keys. */
  function serverMessages(
    output: readonly Uint8Array[],
    secret: Uint8Array,
    suite: number,
  ): ReturnType<typeof parseMessage>[] {
    const opener = new Opener(suiteOf(provider, suite), new Secret('s ap traffic', secret.slice()));
    return recordsOf(Buffer.concat(output)).map((view) => parseMessage(opener.open(view).bytes));
  }

  test('a certificate_request_context is never used again', () => {
    const ends = newPair({ postHandshakeAuth: true }, { keylog: true });
    shuttle(ends);
    const logged = ends.serverEvents.find(
      (event) => event.type === 'secret' && event.label === 'SERVER_TRAFFIC_SECRET_0',
    );
    if (logged?.type !== 'secret') return expect.fail('no secret was logged');
    const output: Uint8Array[] = [];
    for (let i = 0; i < 3; i++) {
      ends.server.requestCertificate();
      shuttle(ends, (from, slab) => {
        if (from === 'server') output.push(slab);
        return [slab];
      });
    }
    const messages = serverMessages(output, logged.secret, ends.server.facts?.suite.id ?? 0);
    const contexts = messages.map(({ body }) =>
      'certificateRequestContext' in body ? toHex(body.certificateRequestContext) : '',
    );
    expect(new Set(contexts).size).toBe(3);
    expect(contexts).not.toContain('');
  });

  test('a client answers with consecutive messages, and the server waits through others', () => {
    const ends = openPair({ postHandshakeAuth: true, credentials: [credential] }, { clientCertificate: 'required' });
    ends.server.requestCertificate();
    settle(ends.server, ends.serverEvents);
    for (const slab of ends.server.takeOutput()) ends.client.receive(slab);
    const asked = ends.client.poll();
    if (asked?.type !== 'ask') return expect.fail('the client need not sign');
    expect(asked.ask.request.ask).toBe('sign');
    // Nothing goes out before all of it can.
    expect(ends.client.takeOutput()).toEqual([]);
    ends.client.write([Buffer.from('one ')]);
    for (const slab of ends.client.takeOutput()) feed(ends.server, slab, ends.serverEvents);
    ends.client.updateKeys();
    ends.client.write([Buffer.from('two')]);
    for (const slab of ends.client.takeOutput()) feed(ends.server, slab, ends.serverEvents);
    ends.client.answer(asked.ask, perform(asked.ask.request) as never);
    shuttle(ends);
    expect(Buffer.from(dataOf(ends.serverEvents)).toString()).toBe('one two');
    expect(ends.serverEvents.map(({ type }) => type)).toEqual(['data', 'data', 'authenticated']);
  });

  test('a client without a certificate answers with an empty one', () => {
    const ends = openPair({ postHandshakeAuth: true });
    ends.server.requestCertificate();
    shuttle(ends);
    expect(ends.serverEvents).toMatchObject([{ type: 'authenticated', facts: { peer: undefined } }]);
    expect([ends.client.phase, ends.server.phase]).toEqual(['open', 'open']);
  });

  test('a client that did not offer it is not asked', () => {
    const { server } = openPair({ credentials: [credential] });
    const misuse = expect.objectContaining({ code: 'ERR_TLS_INVALID_STATE' });
    expect(() => server.requestCertificate()).toThrow(misuse);
  });
});

describe('alerts, §6', () => {
  const openPeer = () => {
    const peer = new Peer('server', { provider, verifyChain: trustAnything, credentials: [credential] });
    const client = newClient();
    peer.play(client, 5);
    client.takeOutput();
    return { peer, client };
  };

  test.each([
    ['an error of level warning', [1, 40], 'ERR_TLS_ALERT_HANDSHAKE_FAILURE'],
    ['an error of level fatal', [2, 40], 'ERR_TLS_ALERT_HANDSHAKE_FAILURE'],
    ['an unknown alert of level warning', [1, 200], 'ERR_TLS_UNKNOWN_ALERT'],
  ])('%s ends the connection: no data goes in or out', (_, alert, code) => {
    const { peer, client } = openPeer();
    peer.say(client, ContentType.alert, new Uint8Array(alert));
    expect(errorOf(peer.events)?.code).toBe(code);
    const known = peer.events.length;
    peer.say(client, ContentType.application_data, bytes(3));
    expect(peer.events).toHaveLength(known);
    expect(client.takeOutput()).toEqual([]);
    expect(client.phase).toBe('failed');
    expect(() => client.exportKey('x', undefined, 1)).toThrow();
    for (const use of [() => client.write([bytes(1)]), () => client.updateKeys(), () => client.closeWrite()]) {
      try {
        use();
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_TLS_INVALID_STATE' });
      }
      expect(client.takeOutput()).toEqual([]);
    }
  });

  test('an error of our own goes out once, as fatal, and is the end', () => {
    const server = newServer();
    const events = settle(server);
    feed(server, record(ContentType.handshake, new Uint8Array([1, 0, 0, 1, 0])), events);
    expect(toHex(Buffer.concat(server.takeOutput()))).toBe('15030300020232');
    feed(server, record(ContentType.handshake, encodeHello(speak().hello)), events);
    expect(server.takeOutput()).toEqual([]);
    expect(events.map(({ type }) => type)).toEqual(['error']);
    expect(() => server.write([bytes(1)])).toThrow(expect.objectContaining({ code: 'ERR_TLS_INVALID_STATE' }));
    expect(() => server.exportKey('x', undefined, 1)).toThrow(
      expect.objectContaining({ code: 'ERR_TLS_INVALID_STATE' }),
    );
  });

  test('closure goes out as a warning, close_notify after user_canceled', () => {
    const { client } = speak();
    client.closeWrite();
    expect(toHex(Buffer.concat(client.takeOutput()))).toBe(`${'1503030002015a'}${'15030300020100'}`);
  });

  test.each(['CA_MD_TOO_WEAK', 'CERT_SIGNATURE_FAILURE'] as const)('%s is bad_certificate', (code) => {
    const ends = shuttle(newPair({ verifyChain: () => ({ ok: false, code, reason: 'test' }) }));
    expect(errorOf(ends.clientEvents)).toEqual({ code, alert: 'bad_certificate' });
  });
});
