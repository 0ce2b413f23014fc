import { describe, expect, test } from 'vitest';
import { defaultLimits } from '#opentls/limits';
import {
  CipherSuiteId,
  ContentType,
  ExtensionType,
  HandshakeType,
  NamedGroup,
  ProtocolVersion,
} from '#opentls/wire/enums';
import { type ExtensionValues, writeExtensions } from '#opentls/wire/extensions';
import {
  type ClientHello,
  encodeMessage,
  helloRetryRequestRandom,
  parseMessage,
  type ServerHello,
} from '#opentls/wire/messages';
import { retryFields, serverExtensions, serverHello, speak } from '../../kit/hellos.ts';
import { errorOf, feed, newServer, settle } from '../../kit/pair.ts';
import { randomBytes } from '../../kit/random.ts';
import { record } from '../../record/records.ts';

type Fields = Partial<ServerHello>;
const bytes = randomBytes(31);
/** One more than a ClientHello may have shares for. */
const manyGroups = [NamedGroup.x25519, ...Array.from({ length: defaultLimits.keyShares }, (_, i) => 0x4000 + i)];

/** What the client makes of a ServerHello that is right but for `change`; several are sent one after another. */
function answerWith(...changes: readonly ((sent: ClientHello) => Fields)[]): ReturnType<typeof errorOf> {
  const { client, events, hello } = speak();
  for (const change of changes) {
    feed(client, serverHello(hello, change(hello)), events);
    client.takeOutput();
  }
  return errorOf(events);
}

const sentinel = (last: number) => Uint8Array.from([...bytes(24), 0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, last]);

describe('a ServerHello, RFC 9846 §4.2.3', () => {
  test('the one the others differ from is taken', () => {
    expect(answerWith(() => ({}))).toBeUndefined();
  });

  const cases: readonly (readonly [string, (sent: ClientHello) => Fields, string, string])[] = [
    ['of TLS 1.2', () => ({ extensions: [] }), 'ERR_TLS_UNSUPPORTED_PROTOCOL', 'protocol_version'],
    [
      'of TLS 1.2 with the downgrade sentinel',
      () => ({ extensions: [], random: sentinel(1) }),
      'ERR_TLS_DOWNGRADE',
      'illegal_parameter',
    ],
    [
      'of TLS 1.1 with the downgrade sentinel',
      () => ({ extensions: [], random: sentinel(0) }),
      'ERR_TLS_DOWNGRADE',
      'illegal_parameter',
    ],
    [
      'with another selected version',
      () => ({ extensions: serverExtensions({ supported_versions: ProtocolVersion.TLS12 }) }),
      'ERR_TLS_WRONG_VERSION',
      'illegal_parameter',
    ],
    ['with another legacy_version', () => ({ legacyVersion: 0x0302 }), 'ERR_TLS_WRONG_VERSION', 'protocol_version'],
    [
      'with another session id',
      () => ({ legacySessionIdEcho: bytes(32) }),
      'ERR_TLS_SESSION_ID_MISMATCH',
      'illegal_parameter',
    ],
    [
      'with a suite that was not offered',
      () => ({ cipherSuite: CipherSuiteId.TLS_AES_128_CCM_SHA256 }),
      'ERR_TLS_WRONG_CIPHER',
      'illegal_parameter',
    ],
    ['with compression', () => ({ legacyCompressionMethod: 1 }), 'ERR_TLS_LEGACY_FIELD', 'illegal_parameter'],
    [
      'without key_share',
      () => ({ extensions: writeExtensions('SH', { supported_versions: ProtocolVersion.TLS13 }) }),
      'ERR_TLS_MISSING_KEY_SHARE',
      'missing_extension',
    ],
    [
      'in a group without a share',
      () => ({ extensions: serverExtensions({ key_share: { group: NamedGroup.secp256r1, keyExchange: bytes(65) } }) }),
      'ERR_TLS_WRONG_GROUP',
      'illegal_parameter',
    ],
    [
      'with a share that is too short',
      () => ({ extensions: serverExtensions({ key_share: { group: NamedGroup.x25519, keyExchange: bytes(31) } }) }),
      'ERR_TLS_INVALID_KEY_SHARE',
      'illegal_parameter',
    ],
    [
      'with a share of zeros',
      () => ({
        extensions: serverExtensions({ key_share: { group: NamedGroup.x25519, keyExchange: new Uint8Array(32) } }),
      }),
      'ERR_TLS_INVALID_KEY_SHARE',
      'illegal_parameter',
    ],
    [
      'with a PSK that was not offered',
      () => ({ extensions: serverExtensions({ pre_shared_key: 0 }) }),
      'ERR_TLS_UNSOLICITED_EXTENSION',
      'unsupported_extension',
    ],
    [
      'with an extension of EncryptedExtensions',
      () => ({ extensions: [...serverExtensions(), { type: ExtensionType.server_name, data: bytes(0) }] }),
      'ERR_TLS_UNEXPECTED_EXTENSION',
      'illegal_parameter',
    ],
  ];
  test.each(cases)('%s', (_, change, code, alert) => {
    expect(answerWith(change)).toEqual({ code, alert });
  });
});

describe('a HelloRetryRequest, RFC 9846 §4.2.4', () => {
  test('for another group, or for a cookie, is taken', () => {
    expect(answerWith(() => retryFields({ key_share: NamedGroup.secp256r1 }))).toBeUndefined();
    expect(answerWith(() => retryFields({ cookie: bytes(10) }))).toBeUndefined();
  });

  const cases: readonly (readonly [string, readonly ((sent: ClientHello) => Fields)[], string, string])[] = [
    ['that changes nothing', [() => retryFields({})], 'ERR_TLS_EMPTY_HELLO_RETRY_REQUEST', 'illegal_parameter'],
    [
      'for a group that was not offered',
      [() => retryFields({ key_share: NamedGroup.secp384r1 })],
      'ERR_TLS_WRONG_GROUP',
      'illegal_parameter',
    ],
    [
      'for a group whose share was sent',
      [() => retryFields({ key_share: NamedGroup.x25519 })],
      'ERR_TLS_WRONG_GROUP',
      'illegal_parameter',
    ],
    [
      'that comes twice',
      [() => retryFields({ cookie: bytes(3) }), () => retryFields({ cookie: bytes(3) })],
      'ERR_TLS_UNEXPECTED_MESSAGE',
      'unexpected_message',
    ],
    [
      'with an unknown extension',
      [
        () => ({
          random: helloRetryRequestRandom,
          extensions: [
            ...writeExtensions('HRR', { supported_versions: ProtocolVersion.TLS13 }),
            { type: 0x7777, data: bytes(1) },
          ],
        }),
      ],
      'ERR_TLS_UNSOLICITED_EXTENSION',
      'unsupported_extension',
    ],
    [
      'followed by another suite',
      [() => retryFields({ cookie: bytes(3) }), (sent) => ({ cipherSuite: sent.cipherSuites[1] ?? 0 })],
      'ERR_TLS_WRONG_CIPHER',
      'illegal_parameter',
    ],
    [
      'followed by another group',
      [() => retryFields({ key_share: NamedGroup.secp256r1 }), () => ({})],
      'ERR_TLS_WRONG_GROUP',
      'illegal_parameter',
    ],
  ];
  test.each(cases)('%s', (_, changes, code, alert) => {
    expect(answerWith(...changes)).toEqual({ code, alert });
  });
});

describe('a ClientHello, RFC 9846 §4.2.2 and §9.2', () => {
  /** What a server makes of an honest ClientHello that was changed; a second one after a HelloRetryRequest, if given. */
  function offer(
    change: (hello: ClientHello) => Partial<ClientHello>,
    second?: typeof change,
  ): ReturnType<typeof errorOf> {
    const { client, hello } = speak();
    const server = newServer(second === undefined ? {} : { groups: [NamedGroup.secp256r1] });
    const events = settle(server);
    feed(
      server,
      record(ContentType.handshake, encodeMessage(HandshakeType.client_hello, { ...hello, ...change(hello) })),
      events,
    );
    if (second === undefined) return errorOf(events);
    for (const slab of server.takeOutput()) feed(client, slab, []);
    const [, retried = new Uint8Array(0)] = splitRecords(Buffer.concat(client.takeOutput()));
    const { body } = parseMessage(retried.slice(5)) as { body: ClientHello } & ReturnType<typeof parseMessage>;
    feed(
      server,
      record(ContentType.handshake, encodeMessage(HandshakeType.client_hello, { ...body, ...second(body) })),
      events,
    );
    return errorOf(events);
  }

  function splitRecords(wire: Uint8Array): Uint8Array[] {
    const records: Uint8Array[] = [];
    for (let offset = 0; offset < wire.length; ) {
      const end = offset + 5 + (((wire[offset + 3] ?? 0) << 8) | (wire[offset + 4] ?? 0));
      records.push(wire.subarray(offset, end));
      offset = end;
    }
    return records;
  }

  const without = (name: keyof typeof ExtensionType) => (hello: ClientHello) => ({
    extensions: hello.extensions.filter(({ type }) => type !== ExtensionType[name]),
  });
  const put = (values: ExtensionValues['CH']) => (hello: ClientHello) => {
    const added = writeExtensions('CH', values);
    const kept = hello.extensions.filter(({ type }) => !added.some((extension) => extension.type === type));
    return { extensions: [...kept, ...added] };
  };
  const share = (group: number, length = 32) => ({ group, keyExchange: bytes(length) });
  const psk = { identities: [{ identity: bytes(8), obfuscatedTicketAge: 1 }], binders: [bytes(32)] };

  const cases: readonly (readonly [string, (hello: ClientHello) => Partial<ClientHello>, string, string])[] = [
    ['without supported_versions', without('supported_versions'), 'ERR_TLS_UNSUPPORTED_PROTOCOL', 'protocol_version'],
    [
      'of versions we do not know',
      put({ supported_versions: [ProtocolVersion.TLS12, 0x7f1c] }),
      'ERR_TLS_UNSUPPORTED_PROTOCOL',
      'protocol_version',
    ],
    [
      'with another legacy_version',
      () => ({ legacyVersion: ProtocolVersion.TLS13 }),
      'ERR_TLS_WRONG_VERSION',
      'protocol_version',
    ],
    [
      'with compression',
      () => ({ legacyCompressionMethods: new Uint8Array([0, 1]) }),
      'ERR_TLS_COMPRESSION',
      'illegal_parameter',
    ],
    ['without supported_groups', without('supported_groups'), 'ERR_TLS_MISSING_GROUPS', 'missing_extension'],
    ['without key_share', without('key_share'), 'ERR_TLS_MISSING_KEY_SHARE', 'missing_extension'],
    [
      'without signature_algorithms',
      without('signature_algorithms'),
      'ERR_TLS_MISSING_SIGNATURE_ALGORITHMS',
      'missing_extension',
    ],
    [
      'with two shares for a group',
      put({ key_share: [share(NamedGroup.x25519), share(NamedGroup.x25519)] }),
      'ERR_TLS_DUPLICATE_KEY_SHARE',
      'illegal_parameter',
    ],
    [
      'with a share for a group it does not list',
      put({ key_share: [share(NamedGroup.x25519), share(NamedGroup.secp521r1)] }),
      'ERR_TLS_WRONG_GROUP',
      'illegal_parameter',
    ],
    [
      'with too many shares',
      put({
        supported_groups: manyGroups,
        key_share: manyGroups.map((group) => share(group)),
      }),
      'ERR_TLS_EXTENSION_DECODE',
      'illegal_parameter',
    ],
    [
      'with a share off the curve',
      put({ key_share: [share(NamedGroup.secp256r1, 65)] }),
      'ERR_TLS_INVALID_KEY_SHARE',
      'illegal_parameter',
    ],
    ['with a cookie that nobody gave', put({ cookie: bytes(4) }), 'ERR_TLS_COOKIE', 'illegal_parameter'],
    [
      'with pre_shared_key in the middle',
      (hello) => ({
        extensions: [...writeExtensions('CH', { pre_shared_key: psk }), ...hello.extensions],
      }),
      'ERR_TLS_PSK_NOT_LAST',
      'illegal_parameter',
    ],
    [
      'with pre_shared_key without its modes',
      (hello) => ({
        extensions: [
          ...without('psk_key_exchange_modes')(hello).extensions,
          ...writeExtensions('CH', { pre_shared_key: psk }),
        ],
      }),
      'ERR_TLS_MISSING_EXTENSION',
      'missing_extension',
    ],
    [
      'with fewer binders than identities',
      put({ psk_key_exchange_modes: [1], pre_shared_key: { ...psk, binders: [bytes(32), bytes(32)] } }),
      'ERR_TLS_PSK',
      'illegal_parameter',
    ],
    [
      'with two host names',
      put({
        server_name: [
          { nameType: 0, name: bytes(3).fill(97) },
          { nameType: 0, name: bytes(3).fill(98) },
        ],
      }),
      'ERR_TLS_EXTENSION_DECODE',
      'illegal_parameter',
    ],
    [
      'with a host name that is not ASCII',
      put({ server_name: [{ nameType: 0, name: new Uint8Array([97, 0, 98]) }] }),
      'ERR_TLS_EXTENSION_DECODE',
      'illegal_parameter',
    ],
  ];
  test.each(cases)('%s', (_, change, code, alert) => {
    expect(offer(change)).toEqual({ code, alert });
  });

  test('with a PSK, which this server does not know, is a full handshake', () => {
    expect(offer(put({ psk_key_exchange_modes: [1], pre_shared_key: psk }))).toBeUndefined();
  });

  const retried: readonly (readonly [string, (hello: ClientHello) => Partial<ClientHello>, string, string])[] = [
    ['with another random', () => ({ random: bytes(32) }), 'ERR_TLS_CLIENT_HELLO_CHANGED', 'illegal_parameter'],
    [
      'with other suites',
      () => ({ cipherSuites: [CipherSuiteId.TLS_AES_128_GCM_SHA256] }),
      'ERR_TLS_CLIENT_HELLO_CHANGED',
      'illegal_parameter',
    ],
    [
      'for another name',
      put({ server_name: [{ nameType: 0, name: bytes(3).fill(97) }] }),
      'ERR_TLS_CLIENT_HELLO_CHANGED',
      'illegal_parameter',
    ],
    ['with the old share', put({ key_share: [share(NamedGroup.x25519)] }), 'ERR_TLS_WRONG_GROUP', 'illegal_parameter'],
    ['with no share', put({ key_share: [] }), 'ERR_TLS_WRONG_GROUP', 'illegal_parameter'],
    ['with a cookie that nobody gave', put({ cookie: bytes(4) }), 'ERR_TLS_COOKIE', 'illegal_parameter'],
  ];
  test.each(retried)('retried %s', (_, change, code, alert) => {
    expect(offer(() => ({}), change)).toEqual({ code, alert });
  });

  test('retried as it should be is taken', () => {
    expect(
      offer(
        () => ({}),
        () => ({}),
      ),
    ).toBeUndefined();
  });
});
