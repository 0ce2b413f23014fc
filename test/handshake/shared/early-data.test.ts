// 0-RTT data: what a client may send, what a server takes, and with which PSK.

import { describe, expect, test } from 'vitest';
import { toHex } from '#opentls/bytes/hex';
import type { Event } from '#opentls/connection/connection';
import { Secret } from '#opentls/crypto/secret';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import { StrikeRegister } from '#opentls/session/replay';
import type { Session, SessionState } from '#opentls/session/session';
import { TicketKeys } from '#opentls/session/tickets';
import { CipherSuiteId, ContentType, ExtensionType, HandshakeType, NamedGroup } from '#opentls/wire/enums';
import { readExtensions, writeExtensions } from '#opentls/wire/extensions';
import { answerTo, bodyOf, plainMessages, speak } from '../../kit/hellos.ts';
import { dataOf, type Ends, errorOf, feed, newClient, newPair, newServer, settle, shuttle } from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';
import { externalPsk, type Offered, resumable, withPsks } from '../../kit/psks.ts';
import { randomBytes } from '../../kit/random.ts';
import { copyOf, firstSession } from '../../kit/sessions.ts';
import { recordsOf } from '../../record/records.ts';

const bytes = randomBytes(9846);

describe('0-RTT data that is accepted', () => {
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

describe('0-RTT data, RFC 9846 §4.3.10', () => {
  test('stops at the limit of its key, §5.5', () => {
    const { session } = resumable();
    const suites = provider.suites.map((suite) => ({ ...suite, aead: { ...suite.aead, recordLimit: 3 } }));
    const { client } = speak({ provider: { ...provider, suites }, takeSession: () => session, earlyData: true });
    for (let i = 0; i < 10; i++)
      if (client.earlyRoom !== undefined && client.earlyRoom > 0) client.writeEarly(bytes(1));
    const records = recordsOf(Buffer.concat(client.takeOutput()));
    expect(records.filter(({ type }) => type === ContentType.application_data)).toHaveLength(3);
  });

  test.each([undefined, [NamedGroup.secp256r1]])(
    'refused, it is passed over up to what tickets allow, §4.3.10 (groups %j)',
    (groups) => {
      const earlyData = { maxSize: 100_000, replay: { admit: () => false } };
      const server = {
        tickets: new TicketKeys(provider),
        ticketCount: 1,
        suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256],
        earlyData,
      };
      const session = firstSession({}, server);
      const client = { takeSession: () => session, earlyData: true };
      const ends = newPair(client, { ...server, ...(groups && { groups }) });
      settle(ends.client, ends.clientEvents);
      expect(ends.client.writeEarly(bytes(60_000))).toBe(60_000);
      shuttle(ends);
      expect(errorOf(ends.serverEvents)).toBeUndefined();
      expect(ends.server.phase).toBe('open');
    },
  );

  test('0-RTT data is taken with the first PSK alone', () => {
    const key = bytes(32);
    const psk = (name: string): Offered => ({ kind: 'resumption', identity: Buffer.from(name), age: 1, key });
    const state = (): SessionState => ({
      ...resumable().session,
      psk: new Secret('psk', key.slice()),
      ticketAgeAdd: 0,
      serverName: 'localhost',
    });
    const tickets = {
      seal: () => undefined,
      open: (ticket: Uint8Array) => (Buffer.from(ticket).toString() === 'good' ? state() : undefined),
    };
    const earlyData = { maxSize: 1000, replay: { admit: () => true } };
    const early = writeExtensions('CH', { early_data: true });
    for (const [names, index] of [
      [['good', 'bad'], 0],
      [['bad', 'good'], 1],
    ] as const) {
      const { hello } = speak({ suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256] });
      const message = withPsks({ ...hello, extensions: [...hello.extensions, ...early] }, names.map(psk));
      const { output, events } = answerTo(message, { tickets, earlyData, keylog: true });
      const { extensions } = bodyOf(plainMessages(output), HandshakeType.server_hello);
      expect(readExtensions('SH', extensions).pre_shared_key).toBe(index);
      const labels = events.map((event) => (event.type === 'secret' ? event.label : ''));
      expect(labels.includes('CLIENT_EARLY_TRAFFIC_SECRET')).toBe(index === 0);
    }
  });

  test('0-RTT data is not accepted with any PSK but the first', () => {
    const { session } = resumable();
    const psk = externalPsk();
    const client = { takeSession: () => session, externalPsks: [psk], earlyData: true };
    const early = [{ type: ExtensionType.early_data, data: new Uint8Array(0) }];
    const findPsk: ServerConfig['findPsk'] = (identity) => (toHex(identity) === toHex(psk.identity) ? psk : undefined);
    const ends = shuttle(
      newPair(client, { suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256], findPsk, encryptedExtensions: early }),
    );
    expect(errorOf(ends.clientEvents)).toEqual({ code: 'ERR_TLS_EARLY_DATA', alert: 'illegal_parameter' });
  });
});

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const utf8 = (value: string): Uint8Array => new Uint8Array(Buffer.from(value));

describe('a resumption with 0-RTT data, RFC 9846 §4.3.10', () => {
  function policy(maxSize = 1000): Partial<ServerConfig> {
    return {
      tickets: new TicketKeys(provider),
      earlyData: { maxSize, replay: new StrikeRegister({}, Number.NEGATIVE_INFINITY) },
    };
  }

  interface EarlyEnds extends Ends {
    readonly taken: number;
  }

  function sendEarly(
    data: string,
    server: Partial<ServerConfig>,
    change: {
      readonly client?: Partial<ClientConfig>;
      readonly server?: Partial<ServerConfig>;
      session?: Session;
    } = {},
    first: Partial<ClientConfig> = {},
  ): EarlyEnds {
    const session = change.session ?? firstSession(first, server);
    const client = { ...first, takeSession: () => copyOf(session), earlyData: true, ...change.client };
    const ends = newPair(client, { ...server, ...change.server });
    settle(ends.client, ends.clientEvents);
    const taken = ends.client.earlyRoom === undefined ? 0 : ends.client.writeEarly(utf8(data));
    return { ...shuttle(ends), taken };
  }

  function earlyOf(events: readonly Event[]): string {
    return text(Buffer.concat(events.flatMap((event) => (event.type === 'data' && event.early ? [event.bytes] : []))));
  }

  function outcome({ client, server, clientEvents }: Ends): unknown {
    const event = clientEvents.find(({ type }) => type === 'early');
    return [event?.type === 'early' && event.accepted, client.facts?.earlyData, server.facts?.earlyData];
  }

  test('is taken, marked as early, and the connection goes on', () => {
    const ends = sendEarly('GET /', policy());
    expect(outcome(ends)).toEqual([true, 'accepted', 'accepted']);
    expect(earlyOf(ends.serverEvents)).toBe('GET /');
    ends.serverEvents.length = 0;
    ends.client.write([utf8('more')]);
    shuttle(ends);
    expect(earlyOf(ends.serverEvents)).toBe('');
    expect(text(dataOf(ends.serverEvents))).toBe('more');
  });

  test('the server may answer before the client has finished', () => {
    const server = policy();
    const session = firstSession({}, server);
    const ends = newPair({ takeSession: () => copyOf(session), earlyData: true }, server);
    settle(ends.client, ends.clientEvents);
    ends.client.writeEarly(utf8('ping'));
    for (const slab of ends.client.takeOutput()) ends.server.receive(slab);
    settle(ends.server, ends.serverEvents);
    expect(earlyOf(ends.serverEvents)).toBe('ping');
    expect(ends.server.phase).toBe('handshake');
    expect(ends.server.writable).toBe(true);
    ends.server.write([utf8('pong')]);
    shuttle(ends);
    expect(text(dataOf(ends.clientEvents))).toBe('pong');
    expect(ends.client.facts?.earlyData).toBe('accepted');
  });

  test('both sides export the same early key', () => {
    const ends = sendEarly('x', policy());
    const key = ends.client.exportEarlyKey('label', undefined, 32);
    expect(ends.server.exportEarlyKey('label', new Uint8Array(0), 32)).toEqual(key);
    expect(ends.client.exportKey('label', undefined, 32)).not.toEqual(key);
  });

  test('is not offered without being asked for, nor where the ticket has none', () => {
    expect(sendEarly('x', policy(), { client: { earlyData: false } }).taken).toBe(0);
    expect(sendEarly('x', { tickets: new TicketKeys(provider) }).taken).toBe(0);
  });

  test('no more than the ticket allows is taken from the writer', () => {
    const ends = sendEarly('0123456789abc', policy(10));
    expect(ends.taken).toBe(10);
    expect(earlyOf(ends.serverEvents)).toBe('0123456789');
  });

  test('more than the ticket allows is unexpected_message', () => {
    const server = policy(10);
    const session = { ...firstSession({}, server), maxEarlyDataSize: 11 };
    const ends = sendEarly('0123456789a', server, { session });
    expect(errorOf(ends.serverEvents)).toEqual({ code: 'ERR_TLS_TOO_MUCH_EARLY_DATA', alert: 'unexpected_message' });
  });

  const refused = [false, 'rejected', 'rejected'];

  test.each<[string, Partial<ServerConfig>]>([
    ['a HelloRetryRequest', { groups: [NamedGroup.secp256r1] }],
    ['no policy', { earlyData: undefined }],
    ['an unknown ticket', { tickets: new TicketKeys(provider) }],
    ['another protocol', { alpn: [utf8('b')] }],
    ['another suite of the same hash', { suites: [CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256] }],
    ['a guard that says no', { earlyData: { maxSize: 1000, replay: { admit: () => false } } }],
  ])('is refused after %s, and passed over', (_name, server) => {
    const alpn = [utf8('a'), utf8('b')];
    const first = { ...policy(), alpn: [utf8('a')], suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256] };
    const ends = sendEarly('never seen', first, { server }, { alpn });
    expect(errorOf([...ends.clientEvents, ...ends.serverEvents])).toBeUndefined();
    expect(outcome(ends)).toEqual(refused);
    expect(earlyOf(ends.serverEvents)).toBe('');
    ends.client.write([utf8('seen')]);
    expect(text(dataOf(shuttle(ends).serverEvents))).toBe('seen');
  });

  test('is refused where the ticket is older or younger than the client says', () => {
    let now = 1_000_000;
    const server = { ...policy(), now: () => now };
    const clientClock = now;
    const session = firstSession({ now: () => clientClock }, server);
    const late = { client: { now: () => clientClock }, session };
    now += 10_000;
    expect(outcome(sendEarly('x', server, late))).toEqual([true, 'accepted', 'accepted']);
    now += 1;
    expect(outcome(sendEarly('x', server, late))).toEqual(refused);
  });

  test('a replayed ClientHello is refused', () => {
    const server = policy();
    const session = firstSession({}, server);
    const ends = newPair({ takeSession: () => copyOf(session), earlyData: true }, server);
    settle(ends.client, ends.clientEvents);
    ends.client.writeEarly(utf8('transfer'));
    const flight = ends.client.takeOutput();
    const answers = [newPair({}, server), newPair({}, server)].map(({ server: engine }) => {
      for (const slab of flight) engine.receive(slab);
      return earlyOf(settle(engine));
    });
    expect(answers).toEqual(['transfer', '']);
  });

  test.each([
    [0x4000, undefined],
    [0x4001, { code: 'ERR_TLS_TOO_MUCH_SKIPPED_EARLY_DATA', alert: 'unexpected_message' }],
  ])('of refused data, %i bytes of ciphertext are passed over', (size, error) => {
    const server = policy(100_000);
    // A record of content n takes n + 17 bytes.
    const ends = sendEarly('x'.repeat(size - 17), server, { server: { earlyData: undefined } });
    expect(errorOf(ends.serverEvents)).toEqual(error);
  });

  test('nothing is left to write once it is over', () => {
    const { client } = sendEarly('x', policy());
    expect(client.earlyRoom).toBeUndefined();
    expect(() => client.writeEarly(utf8('late'))).toThrow(expect.objectContaining({ code: 'ERR_TLS_INVALID_STATE' }));
  });
});
