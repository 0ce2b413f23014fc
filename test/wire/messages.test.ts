import { describe, expect, test } from 'vitest';
import { TlsError } from '#opentls/errors';
import {
  CipherSuiteId,
  ExtensionType,
  HandshakeType,
  NamedGroup,
  ProtocolVersion,
  SignatureScheme,
} from '#opentls/wire/enums';
import { type ExtensionHome, extensionTable, readExtensions, writeExtensions } from '#opentls/wire/extensions';
import { describeMessage, encodeMessage, parseMessage } from '#opentls/wire/messages';
import { randomBytes } from '../kit/random.ts';

const random = randomBytes(1);
const bytes = (length: number) => random(length);

const clientHello = encodeMessage(HandshakeType.client_hello, {
  legacyVersion: ProtocolVersion.TLS12,
  random: bytes(32),
  legacySessionId: bytes(32),
  cipherSuites: [CipherSuiteId.TLS_AES_128_GCM_SHA256, CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256, 0x0a0a],
  legacyCompressionMethods: new Uint8Array(1),
  extensions: [
    ...writeExtensions('CH', {
      server_name: [{ nameType: 0, name: new TextEncoder().encode('a.example') }],
      supported_groups: [NamedGroup.X25519MLKEM768, NamedGroup.x25519],
      signature_algorithms: [SignatureScheme.ecdsa_secp256r1_sha256],
      application_layer_protocol_negotiation: [new TextEncoder().encode('h2')],
      supported_versions: [ProtocolVersion.TLS13],
      cookie: bytes(3),
      psk_key_exchange_modes: [1],
      key_share: [{ group: NamedGroup.x25519, keyExchange: bytes(32) }],
      pre_shared_key: { identities: [{ identity: bytes(9), obfuscatedTicketAge: 0xdeadbeef }], binders: [bytes(32)] },
    }),
    { type: 0x0a0a, data: bytes(2) },
  ],
});

const messages: readonly [string, Uint8Array][] = [
  ['ClientHello', clientHello],
  [
    'ServerHello',
    encodeMessage(HandshakeType.server_hello, {
      legacyVersion: ProtocolVersion.TLS12,
      random: bytes(32),
      legacySessionIdEcho: bytes(32),
      cipherSuite: CipherSuiteId.TLS_AES_128_GCM_SHA256,
      legacyCompressionMethod: 0,
      extensions: writeExtensions('SH', {
        key_share: { group: NamedGroup.x25519, keyExchange: bytes(32) },
        supported_versions: ProtocolVersion.TLS13,
      }),
    }),
  ],
  [
    'EncryptedExtensions',
    encodeMessage(HandshakeType.encrypted_extensions, { extensions: writeExtensions('EE', { server_name: true }) }),
  ],
  [
    'CertificateRequest',
    encodeMessage(HandshakeType.certificate_request, {
      certificateRequestContext: bytes(0),
      extensions: writeExtensions('CR', {
        signature_algorithms: [SignatureScheme.ecdsa_secp256r1_sha256, SignatureScheme.rsa_pss_rsae_sha256],
      }),
    }),
  ],
  [
    'Certificate',
    encodeMessage(HandshakeType.certificate, {
      certificateRequestContext: bytes(0),
      certificateList: [
        {
          certData: bytes(300),
          extensions: writeExtensions('CT', { status_request: { statusType: 1, response: bytes(20) } }),
        },
        { certData: bytes(500), extensions: [] },
      ],
    }),
  ],
  [
    'CertificateVerify',
    encodeMessage(HandshakeType.certificate_verify, {
      algorithm: SignatureScheme.ecdsa_secp256r1_sha256,
      signature: bytes(71),
    }),
  ],
  ['Finished', encodeMessage(HandshakeType.finished, { verifyData: bytes(32) })],
  [
    'NewSessionTicket',
    encodeMessage(HandshakeType.new_session_ticket, {
      ticketLifetime: 604800,
      ticketAgeAdd: 0xffffffff,
      ticketNonce: bytes(1),
      ticket: bytes(100),
      extensions: writeExtensions('NST', { early_data: 0x4000 }),
    }),
  ],
  ['KeyUpdate', encodeMessage(HandshakeType.key_update, { requestUpdate: 1 })],
  ['EndOfEarlyData', encodeMessage(HandshakeType.end_of_early_data, {})],
];

describe.each(messages)('%s', (name, raw) => {
  test('what was parsed is written back byte for byte', () => {
    const message = parseMessage(raw);
    expect(message.raw).toBe(raw);
    expect(encodeMessage(message.type, message.body)).toEqual(raw);
  });

  test('every truncation is a decode_error', () => {
    for (let length = 4; length < raw.length; length++) {
      const short = raw.slice(0, length);
      short[1] = (length - 4) >>> 16;
      short[2] = (length - 4) >>> 8;
      short[3] = length - 4;
      if (name === 'Finished') continue; // its length is judged against the hash, in handshake/finish.ts
      if (name === 'ClientHello' && length === 4 + 2 + 32 + 33 + 8 + 2) continue; // a hello without extensions is legal
      if (name === 'ServerHello' && length === 4 + 2 + 32 + 33 + 3) continue;
      expect(() => parseMessage(short), `${length} bytes`).toThrow(
        expect.objectContaining({ alert: 'decode_error' }) as Error,
      );
    }
  });

  test('the dump names the message and is whole', () => {
    const dump = describeMessage(raw);
    expect(dump).not.toContain('malformed');
    const shown = dump
      .split('\n')
      .map((line) => line.slice(6, 54).replaceAll(' ', ''))
      .join('');
    expect(shown).toBe(Buffer.from(raw).toString('hex'));
  });
});

test('random bytes throw nothing but TlsError', () => {
  for (let i = 0; i < 3000; i++) {
    const raw = bytes(4 + (i % 120));
    raw[0] = [1, 2, 4, 8, 11, 13, 15, 20, 24, 99][i % 10] ?? 0;
    raw[1] = 0;
    raw[2] = 0;
    raw[3] = raw.length - 4;
    try {
      parseMessage(raw);
    } catch (error) {
      expect(error).toBeInstanceOf(TlsError);
    }
  }
});

describe('extensions, RFC 9846 §4.3', () => {
  const homes: readonly ExtensionHome[] = ['CH', 'SH', 'HRR', 'EE', 'CT', 'CR', 'NST'];
  const rows = Object.entries(extensionTable).flatMap(([name, row]) =>
    homes.map((home) => [name, home, home in row] as const),
  );

  test.each(rows.filter(([, , allowed]) => !allowed))('%s is refused in %s', (name, home) => {
    const type = ExtensionType[name as keyof typeof ExtensionType];
    expect(() => readExtensions(home, [{ type, data: new Uint8Array(0) }])).toThrow(
      expect.objectContaining({ code: 'ERR_TLS_UNEXPECTED_EXTENSION', alert: 'illegal_parameter' }) as Error,
    );
  });

  test.each(rows.filter(([, , allowed]) => allowed))('%s unasked in %s is refused', (name, home) => {
    const type = ExtensionType[name as keyof typeof ExtensionType];
    expect(() => readExtensions(home, [{ type, data: new Uint8Array(0) }], new Set())).toThrow(
      expect.objectContaining({ code: 'ERR_TLS_UNSOLICITED_EXTENSION', alert: 'unsupported_extension' }) as Error,
    );
  });

  test('a duplicate is refused, known or not', () => {
    for (const type of [ExtensionType.early_data, 0x7a7a]) {
      const twice = [
        { type, data: new Uint8Array(0) },
        { type, data: new Uint8Array(0) },
      ];
      expect(() => readExtensions('CH', twice)).toThrow(
        expect.objectContaining({ code: 'ERR_TLS_DUPLICATE_EXTENSION', alert: 'decode_error' }) as Error,
      );
    }
  });

  test('trailing bytes and empty data are a decode_error where data is due', () => {
    for (const data of [new Uint8Array(0), new Uint8Array([3, 4, 0])]) {
      expect(() => readExtensions('SH', [{ type: ExtensionType.supported_versions, data }])).toThrow(
        expect.objectContaining({ code: 'ERR_TLS_EXTENSION_DECODE', alert: 'decode_error' }) as Error,
      );
    }
  });

  test('unknown ones are ignored in a ClientHello and unsolicited in an answer', () => {
    const grease = [{ type: 0x1a1a, data: bytes(1) }];
    expect(readExtensions('CH', grease)).toEqual({});
    expect(() => readExtensions('EE', grease, new Set([16]))).toThrow(
      expect.objectContaining({ alert: 'unsupported_extension' }) as Error,
    );
  });
});
