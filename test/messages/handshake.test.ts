// The whole message of errors of the handshake, each provoked by a peer that breaks one rule.
import { describe, expect, test } from 'vitest';
import type { Event } from '#opentls/connection/connection';
import { Secret } from '#opentls/crypto/secret';
import { AlertDescription } from '#opentls/errors';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import { TicketKeys } from '#opentls/session/tickets';
import {
  CertificateTypeId,
  CipherSuiteId,
  ContentType,
  ExtensionType,
  HandshakeType,
  NamedGroup,
} from '#opentls/wire/enums';
import { type ExtensionValues, writeExtensions } from '#opentls/wire/extensions';
import { encodeMessage } from '#opentls/wire/messages';
import { extension, helloMessage, range } from '../kit/hello-bytes.ts';
import { answerTo, retryRequest, serverExtensions, serverHello, speak } from '../kit/hellos.ts';
import { credential, feed, newClient, newPair, shuttle, trustAnything } from '../kit/pair.ts';
import { Peer } from '../kit/peer.ts';
import { provider } from '../kit/provider.ts';
import { firstSession } from '../kit/sessions.ts';
import { record } from '../record/records.ts';

type Row = readonly [code: string, provoke: () => readonly Event[], alert: string, message: string];

/** A server hears a ClientHello with these extensions behind the usual ones. */
function withExtensions(more: readonly Uint8Array[], config: Partial<ServerConfig> = {}): readonly Event[] {
  return answerTo(helloMessage({ more }), config).events;
}

/** A client hears an honest server up to `count` messages, then this one. */
function serverSays(
  count: number,
  raw: Uint8Array,
  client: Partial<ClientConfig> = {},
  server: Partial<Omit<ServerConfig, 'chooseCredentials' | 'earlyData'>> = {},
): readonly Event[] {
  const common = { provider, serverName: 'localhost', verifyChain: trustAnything };
  const peer = new Peer('server', { ...common, credentials: [credential], ...server });
  const engine = newClient(client);
  peer.play(engine, count);
  peer.inject(engine, raw);
  return peer.events;
}

/** A client hears these records in answer to its ClientHello. */
function clientHears(
  records: (hello: ReturnType<typeof speak>['hello']) => readonly Uint8Array[],
  config: Partial<ClientConfig> = {},
): readonly Event[] {
  const { client, events, hello } = speak(config);
  for (const bytes of records(hello)) feed(client, bytes, events);
  return events;
}

const certificate = (...entries: readonly Uint8Array[]): Uint8Array =>
  encodeMessage(HandshakeType.certificate, {
    certificateRequestContext: new Uint8Array(0),
    certificateList: entries.map((certData) => ({ certData, extensions: [] })),
  });

/** A server accepts the 0-RTT data of a session, with other parameters than it was sent with. */
function acceptsEarlyData(
  server: Partial<Omit<ServerConfig, 'chooseCredentials' | 'earlyData'>>,
  values: ExtensionValues['EE'],
): readonly Event[] {
  const tickets = new TicketKeys(provider);
  const earlyData = { maxSize: 1000, replay: { admit: () => true } };
  const suites = [CipherSuiteId.TLS_AES_128_GCM_SHA256];
  const alpn = [Buffer.from('a'), Buffer.from('b')];
  const session = firstSession({ alpn }, { tickets, ticketCount: 1, suites, earlyData, alpn });
  const raw = encodeMessage(HandshakeType.encrypted_extensions, {
    extensions: writeExtensions('EE', { ...values, early_data: true }),
  });
  const client: Partial<ClientConfig> = { alpn, takeSession: () => session, earlyData: true };
  return serverSays(1, raw, client, { tickets, suites, ...server });
}

/** A ClientHello whose supported_groups has another type: it is the third extension. */
function withoutGroups(): Uint8Array {
  const message = Buffer.from(helloMessage());
  const at = message.indexOf(extension(ExtensionType.supported_groups, Uint8Array.of(0, 2, 0, 23)));
  message.writeUInt16BE(0x5a5a, at);
  return message;
}

const psk = (hash: 'sha256' | 'sha384', length: number) => ({
  identity: Uint8Array.of(1),
  secret: new Secret('psk', new Uint8Array(length).fill(1)),
  hash,
});
const one = Uint8Array.of(1);
const rawKeys = { peerCertificateTypes: ['RawPublicKey'] as const };

const atServer: readonly Row[] = [
  [
    'ERR_TLS_CLIENT_HELLO_DECODE',
    () => answerTo(Uint8Array.of(1, 0, 0, 2, 3, 3)).events,
    'decode_error',
    'client_hello is malformed: 32 bytes wanted, 0 left',
  ],
  ...(
    [
      ['ERR_TLS_ALPN_DECODE', 'application_layer_protocol_negotiation', '2 bytes wanted, 1 left'],
      ['ERR_TLS_COOKIE_DECODE', 'cookie', '2 bytes wanted, 1 left'],
      ['ERR_TLS_STATUS_DECODE', 'status_request', '2 bytes wanted, 0 left'],
      ['ERR_TLS_CERTIFICATE_TYPE_DECODE', 'server_certificate_type', '1 bytes wanted, 0 left'],
    ] as const
  ).map(
    ([code, name, defect]): Row => [
      code,
      () => withExtensions([extension(ExtensionType[name], one)]),
      'decode_error',
      `extension ${name} is malformed: ${defect}`,
    ],
  ),
  [
    'ERR_TLS_SIGNATURE_ALGORITHMS_DECODE',
    () => answerTo(helloMessage({ schemes: [] })).events,
    'decode_error',
    'extension signature_algorithms is malformed: a length of 0 bytes is not within 2..65534',
  ],
  [
    'ERR_TLS_KEY_SHARE_DECODE',
    () => answerTo(helloMessage({ shares: [one] })).events,
    'decode_error',
    'extension key_share is malformed: 2 bytes wanted, 1 left',
  ],
  [
    'ERR_TLS_MISSING_GROUPS',
    () => answerTo(withoutGroups()).events,
    'missing_extension',
    'the ClientHello has no supported_groups',
  ],
  [
    'ERR_TLS_NO_SHARED_CIPHER',
    () =>
      answerTo(helloMessage({ suites: range(0x5000, 8) }), { suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256] }).events,
    'handshake_failure',
    'no cipher suite in common: the client offers 0x5000, 0x5001, 0x5002, 0x5003, 0x5004, 0x5005 and 2 more; the server has ' +
      'TLS_AES_128_GCM_SHA256',
  ],
  [
    'ERR_TLS_NO_SHARED_GROUP',
    () =>
      answerTo(helloMessage({ groups: [NamedGroup.secp521r1], shares: [] }), { groups: [NamedGroup.x25519] }).events,
    'handshake_failure',
    'no key exchange group in common: the client offers secp521r1; the server has x25519',
  ],
  [
    'ERR_TLS_NO_APPLICATION_PROTOCOL',
    () =>
      shuttle(newPair({ alpn: [Buffer.from('a\u001b[2J'.padEnd(60, 'x'))] }, { alpn: [Buffer.from('h2')] }))
        .serverEvents,
    'no_application_protocol',
    `no ALPN protocol in common: the client offers a\\u{1b}[2J${'x'.repeat(35)}; the server has h2`,
  ],
  [
    'ERR_TLS_NO_SHARED_CERTIFICATE_TYPE',
    () =>
      withExtensions([
        extension(ExtensionType.server_certificate_type, Uint8Array.of(1, CertificateTypeId.RawPublicKey)),
      ]),
    'handshake_failure',
    'no credential is of a certificate type that the peer accepts (X.509 or raw public key)',
  ],
  [
    'ERR_TLS_NO_SHARED_PSK_MODE',
    () => {
      const key = psk('sha256', 32);
      const config = { credentials: [], findPsk: () => key, pskModes: ['psk_dhe_ke'] as const };
      return shuttle(newPair({ externalPsks: [key], pskModes: ['psk_ke'] }, config)).serverEvents;
    },
    'handshake_failure',
    'no PSK key exchange mode in common: the client offers psk_ke; the server has psk_dhe_ke',
  ],
  [
    'ERR_TLS_INVALID_TIMESTAMPS',
    () => {
      const credentials = [{ ...credential, timestamps: one }];
      return shuttle(newPair({ requestTimestamps: true }, { credentials })).serverEvents;
    },
    'internal_error',
    'timestamps of the credential is not a SignedCertificateTimestampList (RFC 6962 §3.3)',
  ],
];

const atClient: readonly Row[] = [
  [
    'ERR_TLS_VERSION_CHANGED',
    () => clientHears((hello) => [retryRequest(hello, { cookie: one }), serverHello(hello, { extensions: [] })]),
    'illegal_parameter',
    'the version changed after the HelloRetryRequest',
  ],
  [
    'ERR_TLS_PSK_HASH',
    () =>
      clientHears(
        (hello) => [
          serverHello(hello, {
            cipherSuite: CipherSuiteId.TLS_AES_128_GCM_SHA256,
            extensions: serverExtensions({ pre_shared_key: 0 }),
          }),
        ],
        { externalPsks: [psk('sha384', 48)] },
      ),
    'illegal_parameter',
    'the server selected a PSK that is not of the hash of its suite',
  ],
  [
    'ERR_TLS_EARLY_DATA_CIPHER',
    () => acceptsEarlyData({ suites: [CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256] }, {}),
    'illegal_parameter',
    '0-RTT data was accepted under another cipher suite',
  ],
  [
    'ERR_TLS_EARLY_DATA_ALPN',
    () => acceptsEarlyData({}, { application_layer_protocol_negotiation: [Buffer.from('b')] }),
    'illegal_parameter',
    '0-RTT data was accepted for another ALPN protocol',
  ],
  [
    'ERR_TLS_CERTIFICATE_REQUEST_DECODE',
    () =>
      serverSays(
        2,
        encodeMessage(HandshakeType.certificate_request, {
          certificateRequestContext: new Uint8Array(0),
          extensions: [],
        }),
      ),
    'missing_extension',
    'the CertificateRequest has no signature_algorithms',
  ],
  [
    'ERR_TLS_EMPTY_CERTIFICATE',
    () => serverSays(2, certificate()),
    'decode_error',
    'the server sent an empty Certificate (RFC 9846 §4.5.1.3)',
  ],
  [
    'ERR_TLS_CERTIFICATE_DECODE',
    () => serverSays(2, certificate(new Uint8Array(0))),
    'decode_error',
    'an entry without a certificate or key',
  ],
  [
    'ERR_TLS_RAW_PUBLIC_KEY_EMPTY',
    () =>
      serverSays(2, certificate(new Uint8Array(0)), rawKeys, {
        credentials: [{ chain: [credential.signer.publicKey ?? one], signer: credential.signer, type: 'RawPublicKey' }],
      }),
    'decode_error',
    'an entry without a certificate or key',
  ],
  [
    'ERR_TLS_WRONG_SIGNATURE_SCHEME',
    () =>
      serverSays(
        3,
        encodeMessage(HandshakeType.certificate_verify, { algorithm: 0x0401, signature: new Uint8Array(64) }),
      ),
    'illegal_parameter',
    'the peer signed with rsa_pkcs1_sha256, which it was not offered, or which its key cannot make',
  ],
];

describe.each([
  ['a server', atServer],
  ['a client', atClient],
])('%s', (_end, rows) => {
  test.each(rows)('%s', (code, provoke, alert, message) => {
    expect(provoke().find(({ type }) => type === 'error')).toMatchObject({ error: { code, alert, message } });
  });
});

const hints: Readonly<Record<string, string>> = {
  protocol_version: ': it has no TLS 1.3, and opentls speaks nothing older',
};
const closures: ReadonlySet<string> = new Set(['close_notify', 'user_canceled']);

describe('an alert of the peer', () => {
  test.each(Object.entries(AlertDescription).filter(([name]) => !closures.has(name)))('%s', (name, description) => {
    const { client, events } = speak();
    feed(client, record(ContentType.alert, Uint8Array.of(2, description)), events);
    const code = `ERR_TLS_ALERT_${name.toUpperCase()}`;
    const message = `the peer sent a fatal alert: ${name}${hints[name] ?? ''}`;
    expect(events.find(({ type }) => type === 'error')).toMatchObject({ error: { code, blame: 'peer', message } });
  });

  test('close_notify', () => {
    const { client, events } = speak();
    feed(client, record(ContentType.alert, Uint8Array.of(1, AlertDescription.close_notify)), events);
    const message = 'the peer closed the connection during the handshake';
    expect(events).toMatchObject([{ type: 'error', error: { code: 'ERR_TLS_TRUNCATED', message } }]);
  });
});
