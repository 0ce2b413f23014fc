// What a peer may not say at any time, and by which name it is refused.
import { describe, expect, test } from 'vitest';
import type { ClientConfig } from '#opentls/handshake/terms/config';
import { TicketKeys } from '#opentls/session/tickets';
import { ContentType, HandshakeType, NamedGroup } from '#opentls/wire/enums';
import type { Extension } from '#opentls/wire/extensions';
import { encodeMessage } from '#opentls/wire/messages';
import { rawExtension } from '../kit/flight.ts';
import {
  credential,
  type Ends,
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
import { randomBytes } from '../kit/random.ts';
import { record, recordsOf } from '../record/records.ts';

const bytes = randomBytes(6);
const config = { provider, groups: [NamedGroup.x25519], credentials: [credential], verifyChain: trustAnything };

/** A client with a scripted server that has sent so many messages; after five it is open. */
function played(count: number, client: Partial<ClientConfig> = {}) {
  const peer = new Peer('server', config);
  const engine = newClient({ groups: [NamedGroup.x25519], ...client });
  peer.play(engine, count);
  return { peer, engine };
}

describe('alerts, RFC 9846 §6', () => {
  const levels = [0, 3, 255].flatMap((level) => [0, 40, 90].map((description) => [level, description] as const));
  const refusal = { code: 'ERR_TLS_ALERT_LEVEL', alert: 'illegal_parameter' };

  test.each(levels)('of level %i, %i: illegal_parameter, open or not', (level, description) => {
    for (const count of [1, 5]) {
      const { peer, engine } = played(count);
      peer.say(engine, ContentType.alert, Uint8Array.of(level, description));
      expect(errorOf(peer.events)).toEqual(refusal);
    }
    const server = newServer();
    const events = settle(server);
    feed(server, record(ContentType.alert, Uint8Array.of(level, description)), events);
    expect(errorOf(events)).toEqual(refusal);
    expect(Buffer.concat(server.takeOutput()).toString('hex')).toBe('1503030002022f');
  });

  // The _RESERVED ones of Appendix B.2: of older versions, and errors like any other.
  const reserved = [
    [21, 'ERR_TLS_ALERT_DECRYPTION_FAILED'],
    [30, 'ERR_TLS_ALERT_DECOMPRESSION_FAILURE'],
    [41, 'ERR_TLS_ALERT_NO_CERTIFICATE'],
    [60, 'ERR_TLS_ALERT_EXPORT_RESTRICTION'],
    [100, 'ERR_TLS_ALERT_NO_RENEGOTIATION'],
    [31, 'ERR_TLS_UNKNOWN_ALERT'],
  ] as const;
  test.each(reserved.flatMap(([id, code]) => [1, 2].map((level) => [id, level, code] as const)))(
    '%i of level %i is the end: %s',
    (id, level, code) => {
      const { peer, engine } = played(5);
      engine.takeOutput();
      peer.say(engine, ContentType.alert, Uint8Array.of(level, id));
      expect(errorOf(peer.events)).toEqual({ code, alert: undefined });
      // It is not answered.
      expect([engine.takeOutput(), engine.phase]).toEqual([[], 'failed']);
    },
  );
});

describe('tls_flags of a NewSessionTicket, RFC 9846 §4.7.1', () => {
  function ticket(...data: readonly number[]) {
    const { peer, engine } = played(5);
    const extensions = [{ type: rawExtension('tls_flags').type, data: Uint8Array.from(data) }];
    const body = { ticketLifetime: 100, ticketAgeAdd: 1, ticketNonce: bytes(1), ticket: bytes(9), extensions };
    const refusal = peer.inject(engine, encodeMessage(HandshakeType.new_session_ticket, body));
    return refusal ?? peer.events.flatMap((event) => (event.type === 'session' ? [event.session.acrossNames] : []));
  }

  test.each<[string, readonly number[], boolean]>([
    ['flag 8', [2, 0, 1], true],
    ['flag 8 among others', [3, 0xff, 0xff, 0x80], true],
    ['others', [2, 0xff, 0xfe], false],
    ['short of flag 8', [1, 1], false],
  ])('%s', (_, data, acrossNames) => {
    expect(ticket(...data)).toEqual([acrossNames]);
  });

  test.each<[string, readonly number[], string]>([
    ['nothing', [], 'decode_error'],
    ['no flags', [0], 'decode_error'],
    ['fewer than it says', [2, 1], 'decode_error'],
    ['more than it says', [1, 1, 1], 'decode_error'],
    // draft-ietf-tls-tlsflags §2: as short as can be.
    ['a flag with a byte of none behind it', [2, 1, 0], 'illegal_parameter'],
    ['a byte of none', [1, 0], 'illegal_parameter'],
  ])('that hold %s are refused', (_, data, alert) => {
    expect(ticket(...data)).toEqual({ code: 'ERR_TLS_FLAGS_DECODE', alert });
  });
});

describe('extensions that TLS 1.3 left behind, in EncryptedExtensions', () => {
  const legacy: readonly (readonly [string, Extension])[] = [
    ['extended_main_secret', rawExtension('extended_main_secret')],
    ['renegotiation_info', rawExtension('renegotiation_info', 0)],
    ['ec_point_formats', rawExtension('ec_point_formats', 1, 0)],
    ['session_ticket', rawExtension('session_ticket')],
  ];

  const saying = (extension: Extension): Partial<ClientConfig> => ({
    shapeClientHello: (hello) => ({ ...hello, extensions: [...hello.extensions, extension] }),
  });

  test.each(legacy)('%s is unsupported_extension, offered or not', (_, extension) => {
    for (const client of [{}, saying(extension)]) {
      const { peer, engine } = played(1, client);
      const raw = encodeMessage(HandshakeType.encrypted_extensions, { extensions: [extension] });
      const refusal = { code: 'ERR_TLS_LEGACY_EXTENSION', alert: 'unsupported_extension' };
      expect(peer.inject(engine, raw)).toEqual(refusal);
    }
  });

  test.each(legacy)('%s in a ClientHello is passed over', (_, extension) => {
    expect(openPair(saying(extension)).server.phase).toBe('open');
  });
});

describe('a record that does not open is bad_record_mac, RFC 9846 §5.2', () => {
  const wrongKey = { code: 'ERR_TLS_WRONG_KEY', alert: 'bad_record_mac' };
  const badMac = { code: 'ERR_TLS_BAD_RECORD_MAC', alert: 'bad_record_mac' };
  const forged = (): Uint8Array => record(ContentType.application_data, bytes(40));

  test.each([
    ['in the handshake', 1, badMac],
    ['first behind the server’s Finished: of another key, perhaps', 5, wrongKey],
  ] as const)('to a client, %s', (_, count, refusal) => {
    const { engine } = played(count);
    const events = settle(engine);
    feed(engine, forged(), events);
    expect(errorOf(events)).toEqual(refusal);
  });

  test('to a client, later', () => {
    const ends = openPair();
    ends.server.write([bytes(1)]);
    shuttle(ends);
    feed(ends.client, forged(), ends.clientEvents);
    expect(errorOf(ends.clientEvents)).toEqual(badMac);
  });

  test('to a server that is open', () => {
    const ends = openPair();
    feed(ends.server, forged(), ends.serverEvents);
    expect(errorOf(ends.serverEvents)).toEqual(badMac);
  });

  /** 0-RTT data that was taken, up to but without what the client says next. */
  function early(): { readonly ends: Ends; readonly next: readonly Uint8Array[] } {
    const server = { tickets: new TicketKeys(provider), earlyData: { maxSize: 100, replay: { admit: () => true } } };
    const event = shuttle(newPair({}, server)).clientEvents.find(({ type }) => type === 'session');
    const takeSession = () => (event?.type === 'session' ? event.session : undefined);
    const ends = newPair({ takeSession, earlyData: true, middleboxCompatibility: false }, server);
    settle(ends.client, ends.clientEvents);
    ends.client.writeEarly(bytes(10));
    for (const slab of ends.client.takeOutput()) feed(ends.server, slab, ends.serverEvents);
    for (const slab of ends.server.takeOutput()) feed(ends.client, slab, ends.clientEvents);
    const next = recordsOf(Buffer.concat(ends.client.takeOutput()));
    return { ends, next: next.map(({ header, body }) => Buffer.concat([header, body])) };
  }

  test('to a server that takes 0-RTT data: a client that forgets EndOfEarlyData', () => {
    const { ends, next } = early();
    const [, finished = bytes(1)] = next;
    expect(next).toHaveLength(2);
    feed(ends.server, finished, ends.serverEvents);
    expect(errorOf(ends.serverEvents)).toEqual(wrongKey);
    const honest = early();
    for (const part of honest.next) feed(honest.ends.server, part, honest.ends.serverEvents);
    expect(honest.ends.server.phase).toBe('open');
  });

  test('and one that ends it twice', () => {
    const { ends, next } = early();
    const [end = bytes(1)] = next;
    feed(ends.server, end, ends.serverEvents);
    feed(ends.server, end, ends.serverEvents);
    expect(errorOf(ends.serverEvents)).toEqual(badMac);
  });
});
