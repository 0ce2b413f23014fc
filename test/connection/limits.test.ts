import { describe, expect, test } from 'vitest';
import { Secret } from '#opentls/crypto/secret';
import { AlertDescription } from '#opentls/errors';
import { defaultLimits } from '#opentls/limits';
import { ContentType, ExtensionType, HandshakeType } from '#opentls/wire/enums';
import { readExtensions } from '#opentls/wire/extensions';
import { encodeMessage, parseMessage } from '#opentls/wire/messages';
import {
  credential,
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

const config = { provider, verifyChain: trustAnything, credentials: [credential] };

function record(type: number, body: Uint8Array, length = body.length): Uint8Array {
  return Buffer.concat([new Uint8Array([type, 3, 3, length >>> 8, length & 0xff]), body]);
}

/** The bytes of an honest ClientHello message. */
function honestHello(): Uint8Array {
  const client = newClient();
  settle(client);
  const [slab] = client.takeOutput();
  return (slab ?? new Uint8Array(0)).slice(5);
}

/** A vector with a 16-bit length in front, and more at its end. */
function grown(data: Uint8Array, more: readonly number[]): Uint8Array {
  const length = data.length - 2 + more.length;
  return new Uint8Array([length >> 8, length & 0xff, ...data.subarray(2), ...more]);
}

function serverSays(...records: readonly Uint8Array[]): ReturnType<typeof errorOf> {
  const server = newServer();
  const events = settle(server);
  for (const bytes of records) feed(server, bytes, events);
  return errorOf(events);
}

describe('what is not TLS 1.3', () => {
  const text = (words: string) => new TextEncoder().encode(words);
  test.each([
    ['an HTTP request', text('GET / HTTP/1.1\r\n'), 'ERR_TLS_HTTP_REQUEST', 'unexpected_message'],
    ['an HTTP proxy request', text('CONNECT a:443 HTTP/1.1\r\n'), 'ERR_TLS_HTTPS_PROXY_REQUEST', 'unexpected_message'],
    ['an SSH banner', text('SSH-2.0-OpenSSH'), 'ERR_TLS_NOT_TLS', 'unexpected_message'],
    ['an SSLv2 hello', new Uint8Array([0x80, 0x2e, 1, 3, 1]), 'ERR_TLS_UNSUPPORTED_PROTOCOL', 'protocol_version'],
    ['zeros', new Uint8Array(32), 'ERR_TLS_NOT_TLS', 'unexpected_message'],
    [
      'early application data',
      record(ContentType.application_data, new Uint8Array(20)),
      'ERR_TLS_UNEXPECTED_RECORD',
      'unexpected_message',
    ],
    [
      'a change_cipher_spec first',
      record(ContentType.change_cipher_spec, new Uint8Array([1])),
      'ERR_TLS_UNEXPECTED_RECORD',
      'unexpected_message',
    ],
    [
      'an empty handshake record',
      record(ContentType.handshake, new Uint8Array(0)),
      'ERR_TLS_UNEXPECTED_RECORD',
      'unexpected_message',
    ],
    ['an alert of three bytes', record(ContentType.alert, new Uint8Array(3)), 'ERR_TLS_BAD_ALERT', 'decode_error'],
  ])('%s', (_, bytes, code, alert) => {
    expect(serverSays(bytes)).toEqual({ code, alert });
  });

  test('a TLS 1.2 ClientHello', () => {
    const { body } = parseMessage(honestHello()) as ReturnType<typeof parseMessage> & { type: 1 };
    const extensions = body.extensions.filter(({ type }) => type !== 43);
    for (const hello of [
      { ...body, extensions },
      { ...body, extensions: [] },
    ]) {
      expect(serverSays(record(ContentType.handshake, encodeMessage(HandshakeType.client_hello, hello)))).toEqual({
        code: 'ERR_TLS_UNSUPPORTED_PROTOCOL',
        alert: 'protocol_version',
      });
    }
  });
});

describe('bounds, at n and n+1', () => {
  test('a record before there are keys: 2^14', () => {
    const hello = new Uint8Array(0x4000);
    hello.set([1, 0, 0xff, 0xff]);
    expect(serverSays(record(ContentType.handshake, hello))).toBeUndefined();
    expect(serverSays(record(ContentType.handshake, Buffer.concat([hello, new Uint8Array(1)])))).toMatchObject({
      code: 'ERR_TLS_RECORD_OVERFLOW',
      alert: 'record_overflow',
    });
  });

  test('a record at all: 2^14 + 256, said as soon as its header is there', () => {
    expect(serverSays(record(ContentType.handshake, new Uint8Array(0), 0x4100))).toBeUndefined();
    expect(serverSays(record(ContentType.handshake, new Uint8Array(0), 0x4101))).toMatchObject({
      code: 'ERR_TLS_RECORD_OVERFLOW',
    });
  });

  test('a handshake message: the largest ClientHello of RFC 9846 §4.2.2, said from its header', () => {
    const header = (length: number) =>
      record(ContentType.handshake, new Uint8Array([1, length >>> 16, length >>> 8, length]));
    expect(serverSays(header(defaultLimits.handshakeMessage))).toBeUndefined();
    expect(serverSays(header(defaultLimits.handshakeMessage + 1))).toMatchObject({
      code: 'ERR_TLS_MESSAGE_TOO_LARGE',
      alert: 'decode_error',
    });
  });

  test('key shares in a ClientHello', () => {
    const { body } = parseMessage(honestHello()) as ReturnType<typeof parseMessage> & { type: 1 };
    const shares = readExtensions('CH', body.extensions).key_share ?? [];
    const hello = (count: number) => {
      const more = Array.from({ length: count - shares.length }, (_, i) => 0x4000 + i);
      const grow = (type: number, data: Uint8Array): Uint8Array => {
        if (type === ExtensionType.supported_groups)
          return grown(
            data,
            more.flatMap((id) => [id >> 8, id & 0xff]),
          );
        if (type === ExtensionType.key_share)
          return grown(
            data,
            more.flatMap((id) => [id >> 8, id & 0xff, 0, 1, 1]),
          );
        return data;
      };
      const extensions = body.extensions.map(({ type, data }) => ({ type, data: grow(type, data) }));
      return record(ContentType.handshake, encodeMessage(HandshakeType.client_hello, { ...body, extensions }));
    };
    expect(serverSays(hello(defaultLimits.keyShares))).toBeUndefined();
    expect(serverSays(hello(defaultLimits.keyShares + 1))).toEqual({
      code: 'ERR_TLS_EXTENSION_DECODE',
      alert: 'illegal_parameter',
    });
  });

  test('PSK identities in a ClientHello: the others are not looked at', () => {
    for (const extra of [0, 1]) {
      const externalPsks = Array.from({ length: defaultLimits.pskIdentities + extra }, (_, i) => ({
        identity: new Uint8Array([i]),
        secret: new Secret('psk', new Uint8Array(32).fill(i)),
        hash: 'sha256' as const,
      }));
      const last = externalPsks.at(-1);
      const findPsk = ([first]: Uint8Array) => (first === last?.identity[0] ? last : undefined);
      const { server } = openPair({ externalPsks }, { findPsk });
      expect(server.facts?.externalPsk).toEqual(extra === 0 ? last?.identity : undefined);
    }
  });

  test('a certificate chain', () => {
    const [leaf] = credential.chain;
    const chain = (length: number) => [
      { chain: Array.from({ length }, () => leaf ?? new Uint8Array(1)), signer: credential.signer },
    ];
    expect(
      errorOf(shuttle(newPair({}, { credentials: chain(defaultLimits.chainLength) })).clientEvents),
    ).toBeUndefined();
    const long = shuttle(newPair({}, { credentials: chain(defaultLimits.chainLength + 1) }));
    expect(errorOf(long.clientEvents)).toEqual({ code: 'CERT_CHAIN_TOO_LONG', alert: 'bad_certificate' });
    expect(errorOf(long.serverEvents)).toMatchObject({ code: 'ERR_TLS_ALERT_BAD_CERTIFICATE' });
  });

  test('change_cipher_spec records', () => {
    const ccs = record(ContentType.change_cipher_spec, new Uint8Array([1]));
    const hello = record(ContentType.handshake, honestHello());
    const times = (count: number) => serverSays(hello, ...Array.from({ length: count }, () => ccs));
    expect(times(defaultLimits.changeCipherSpecs)).toBeUndefined();
    expect(times(defaultLimits.changeCipherSpecs + 1)).toMatchObject({ code: 'ERR_TLS_TOO_MANY_CHANGE_CIPHER_SPEC' });
  });

  test('empty records in a row', () => {
    for (const extra of [0, 1]) {
      const peer = new Peer('server', config);
      const client = newClient();
      peer.play(client, 5);
      for (let i = 0; i < defaultLimits.emptyRecords + extra; i++) peer.sayEmpty(client, ContentType.application_data);
      expect(errorOf(peer.events)?.code).toBe(extra === 0 ? undefined : 'ERR_TLS_TOO_MANY_EMPTY_RECORDS');
    }
  });

  test('KeyUpdates in a row without data', () => {
    for (const extra of [0, 1]) {
      const { client, server, serverEvents } = openPair();
      for (let i = 0; i < defaultLimits.postHandshakeMessages + extra; i++) client.updateKeys();
      for (const slab of client.takeOutput()) feed(server, slab, serverEvents);
      expect(errorOf(serverEvents)?.code).toBe(extra === 0 ? undefined : 'ERR_TLS_TOO_MANY_KEY_UPDATES');
    }
  });

  test('input that nobody polls for is refused, not gathered', () => {
    const server = newServer();
    server.receive(new Uint8Array(server.inputRoom));
    expect(server.inputRoom).toBe(0);
    expect(() => server.receive(new Uint8Array(1))).toThrow(
      expect.objectContaining({ code: 'ERR_TLS_INVALID_STATE' }) as Error,
    );
  });

  test('user_canceled alerts', () => {
    for (const extra of [0, 1]) {
      const peer = new Peer('server', config);
      const client = newClient();
      peer.play(client, 5);
      for (let i = 0; i < defaultLimits.warnings + extra; i++) {
        peer.say(client, ContentType.alert, new Uint8Array([1, AlertDescription.user_canceled]));
      }
      expect(errorOf(peer.events)?.code).toBe(extra === 0 ? undefined : 'ERR_TLS_TOO_MANY_WARNINGS');
    }
  });

  test('handshake bytes before Finished', () => {
    const total = (handshakeTotal: number) => {
      const server = newServer({ limits: { handshakeTotal } });
      const events = settle(server);
      feed(server, record(ContentType.handshake, hello), events);
      return errorOf(events);
    };
    const hello = honestHello();
    expect(total(hello.length)).toBeUndefined();
    expect(total(hello.length - 1)).toEqual({ code: 'ERR_TLS_HANDSHAKE_TOO_LARGE', alert: 'decode_error' });
  });

  test('post-handshake messages in a row without data, tickets among them', () => {
    const ticket = encodeMessage(HandshakeType.new_session_ticket, {
      ticketLifetime: 1,
      ticketAgeAdd: 1,
      ticketNonce: new Uint8Array(1),
      ticket: new Uint8Array(1),
      extensions: [],
    });
    for (const extra of [0, 1]) {
      const peer = new Peer('server', config);
      const client = newClient();
      peer.play(client, 5);
      for (let i = 0; i < defaultLimits.postHandshakeMessages + extra; i++) peer.inject(client, ticket);
      expect(errorOf(peer.events)?.code).toBe(extra === 0 ? undefined : 'ERR_TLS_TOO_MANY_MESSAGES');
    }
  });

  test('output that nobody takes: write() says when it is time to send', () => {
    const { client } = openPair({ limits: { outbox: 2000 } });
    const overhead = 5 + 1 + 16;
    expect(client.write([new Uint8Array(1999 - overhead)])).toBe(true);
    expect(client.write([new Uint8Array(1)])).toBe(false);
    client.takeOutput();
    expect(client.write([new Uint8Array(2000 - overhead)])).toBe(false);
  });
});
