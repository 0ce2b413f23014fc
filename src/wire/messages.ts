import { equal } from '../bytes/equal.ts';
import { ReadError, Reader } from '../bytes/reader.ts';
import { Writer } from '../bytes/writer.ts';
import { reject } from '../errors.ts';
import { bytes } from '../options.ts';
import { Dump } from './dump.ts';
import { CipherSuiteId, HandshakeType, KeyUpdateRequest, nameOf, SignatureScheme } from './enums.ts';
import { type Extension, extensionList } from './extensions.ts';
import { type Codec, code, list, opaque, optionalTail, rest, struct, u8, u16, u24, u32 } from './schema.ts';

/**
 * struct {
 *     ProtocolVersion legacy_version = 0x0303;
 *     Random random;
 *     opaque legacy_session_id<0..32>;
 *     CipherSuite cipher_suites<2..2^16-2>;
 *     opaque legacy_compression_methods<1..2^8-1>;
 *     Extension extensions<7..2^16-1>;
 * } ClientHello;  RFC 9846 §4.2.2
 */
export interface ClientHello {
  readonly legacyVersion: number;
  readonly random: Uint8Array;
  readonly legacySessionId: Uint8Array;
  readonly cipherSuites: readonly number[];
  readonly legacyCompressionMethods: Uint8Array;
  readonly extensions: readonly Extension[];
}

/**
 * struct {
 *     ProtocolVersion legacy_version = 0x0303;
 *     Random random;
 *     opaque legacy_session_id_echo<0..32>;
 *     CipherSuite cipher_suite;
 *     uint8 legacy_compression_method = 0;
 *     Extension extensions<6..2^16-1>;
 * } ServerHello;  RFC 9846 §4.2.3
 */
export interface ServerHello {
  readonly legacyVersion: number;
  readonly random: Uint8Array;
  readonly legacySessionIdEcho: Uint8Array;
  readonly cipherSuite: number;
  readonly legacyCompressionMethod: number;
  readonly extensions: readonly Extension[];
}

/** struct { Extension extensions<0..2^16-1>; } EncryptedExtensions;  RFC 9846 §4.4.1 */
export interface EncryptedExtensions {
  readonly extensions: readonly Extension[];
}

/** struct { opaque certificate_request_context<0..2^8-1>; Extension extensions<0..2^16-1>; } CertificateRequest;  §4.4.2 */
export interface CertificateRequest {
  readonly certificateRequestContext: Uint8Array;
  readonly extensions: readonly Extension[];
}

/** struct { opaque cert_data<1..2^24-1>; Extension extensions<0..2^16-1>; } CertificateEntry;  RFC 9846 §4.5.1 */
export interface CertificateEntry {
  readonly certData: Uint8Array;
  readonly extensions: readonly Extension[];
}

/** struct { opaque certificate_request_context<0..2^8-1>; CertificateEntry certificate_list<0..2^24-1>; } Certificate;  §4.5.1 */
export interface Certificate {
  readonly certificateRequestContext: Uint8Array;
  readonly certificateList: readonly CertificateEntry[];
}

/** struct { SignatureScheme algorithm; opaque signature<0..2^16-1>; } CertificateVerify;  RFC 9846 §4.5.2 */
export interface CertificateVerify {
  readonly algorithm: number;
  readonly signature: Uint8Array;
}

/** struct { opaque verify_data[Hash.length]; } Finished;  RFC 9846 §4.5.3 */
export interface Finished {
  readonly verifyData: Uint8Array;
}

/** struct {} EndOfEarlyData;  RFC 9846 §4.6 */
export type EndOfEarlyData = Readonly<Record<never, never>>;

/**
 * struct {
 *     uint32 ticket_lifetime;
 *     uint32 ticket_age_add;
 *     opaque ticket_nonce<0..255>;
 *     opaque ticket<1..2^16-1>;
 *     Extension extensions<0..2^16-1>;
 * } NewSessionTicket;  RFC 9846 §4.7.1
 */
export interface NewSessionTicket {
  readonly ticketLifetime: number;
  readonly ticketAgeAdd: number;
  readonly ticketNonce: Uint8Array;
  readonly ticket: Uint8Array;
  readonly extensions: readonly Extension[];
}

/** struct { KeyUpdateRequest request_update; } KeyUpdate;  RFC 9846 §4.7.3 */
export interface KeyUpdate {
  readonly requestUpdate: number;
}

/**
 * struct {
 *     CertificateCompressionAlgorithm algorithm;
 *     uint24 uncompressed_length;
 *     opaque compressed_certificate_message<1..2^24-1>;
 * } CompressedCertificate;  RFC 8879 §4
 */
export interface CompressedCertificate {
  readonly algorithm: number;
  readonly uncompressedLength: number;
  readonly compressedCertificateMessage: Uint8Array;
}

export interface MessageBodies {
  readonly [HandshakeType.client_hello]: ClientHello;
  readonly [HandshakeType.server_hello]: ServerHello;
  readonly [HandshakeType.new_session_ticket]: NewSessionTicket;
  readonly [HandshakeType.end_of_early_data]: EndOfEarlyData;
  readonly [HandshakeType.encrypted_extensions]: EncryptedExtensions;
  readonly [HandshakeType.certificate]: Certificate;
  readonly [HandshakeType.certificate_request]: CertificateRequest;
  readonly [HandshakeType.certificate_verify]: CertificateVerify;
  readonly [HandshakeType.finished]: Finished;
  readonly [HandshakeType.key_update]: KeyUpdate;
  readonly [HandshakeType.compressed_certificate]: CompressedCertificate;
}

/** The handshake types this library reads and writes. */
export type MessageType = keyof MessageBodies;

/** A whole handshake message: parsed, and its bytes as they enter the transcript (RFC 9846 §4.1). */
export interface MessageOf<T extends HandshakeType> {
  readonly type: T;
  readonly body: T extends MessageType ? MessageBodies[T] : never;
  readonly raw: Uint8Array;
}

export type HandshakeMessage = { [T in MessageType]: MessageOf<T> }[MessageType];

/** RFC 9846 §4.2.3: the Random of a ServerHello that is a HelloRetryRequest, SHA-256 of "HelloRetryRequest". */
export const helloRetryRequestRandom: Uint8Array = new Uint8Array([
  0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
  0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
]);

/** A HelloRetryRequest differs from a ServerHello in the contents of its extensions (RFC 9846 §4.2.4). */
function serverHello(home: 'SH' | 'HRR'): Codec<ServerHello> {
  return struct<ServerHello>(home === 'SH' ? 'ServerHello' : 'HelloRetryRequest', {
    legacyVersion: u16,
    random: opaque(32),
    legacySessionIdEcho: opaque('u8', 0, 32),
    cipherSuite: code(2, CipherSuiteId),
    legacyCompressionMethod: u8,
    // A ServerHello of TLS 1.2 may end here.
    extensions: optionalTail(extensionList(home), []),
  });
}

const codecs: { readonly [T in MessageType]: Codec<MessageBodies[T]> } = {
  [HandshakeType.client_hello]: struct<ClientHello>('ClientHello', {
    legacyVersion: u16,
    random: opaque(32),
    legacySessionId: opaque('u8', 0, 32),
    cipherSuites: list('u16', code(2, CipherSuiteId), 2, 0xfffe),
    legacyCompressionMethods: opaque('u8', 1),
    // A ClientHello of TLS 1.2 may end here (RFC 5246 §7.4.1.2). The server has to read it to answer protocol_version.
    extensions: optionalTail(extensionList('CH'), []),
  }),
  [HandshakeType.server_hello]: serverHello('SH'),
  [HandshakeType.new_session_ticket]: struct<NewSessionTicket>('NewSessionTicket', {
    ticketLifetime: u32,
    ticketAgeAdd: u32,
    ticketNonce: opaque('u8'),
    ticket: opaque('u16', 1),
    extensions: extensionList('NST'),
  }),
  [HandshakeType.end_of_early_data]: struct<EndOfEarlyData>('EndOfEarlyData', {}),
  [HandshakeType.encrypted_extensions]: struct<EncryptedExtensions>('EncryptedExtensions', {
    extensions: extensionList('EE'),
  }),
  [HandshakeType.certificate]: struct<Certificate>('Certificate', {
    certificateRequestContext: opaque('u8'),
    certificateList: list(
      'u24',
      struct<CertificateEntry>('CertificateEntry', { certData: opaque('u24'), extensions: extensionList('CT') }),
    ),
  }),
  [HandshakeType.certificate_request]: struct<CertificateRequest>('CertificateRequest', {
    certificateRequestContext: opaque('u8'),
    extensions: extensionList('CR'),
  }),
  [HandshakeType.certificate_verify]: struct<CertificateVerify>('CertificateVerify', {
    algorithm: code(2, SignatureScheme),
    signature: opaque('u16'),
  }),
  [HandshakeType.finished]: struct<Finished>('Finished', { verifyData: rest }),
  [HandshakeType.compressed_certificate]: struct<CompressedCertificate>('CompressedCertificate', {
    algorithm: u16,
    uncompressedLength: u24,
    compressedCertificateMessage: opaque('u24', 1),
  }),
  [HandshakeType.key_update]: struct<KeyUpdate>('KeyUpdate', { requestUpdate: code(1, KeyUpdateRequest) }),
};

export function isMessageType(type: number): type is MessageType {
  return type in codecs;
}

/**
 * @param raw the whole message with its 4-byte header; kept, not copied
 * @throws TlsError ERR_TLS_DECODE (decode_error), ERR_TLS_CLIENT_HELLO_DECODE for a ClientHello,
 * ERR_TLS_UNEXPECTED_MESSAGE for a type that this library does not know
 */
export function parseMessage(raw: Uint8Array): HandshakeMessage {
  const r = new Reader(raw);
  const type = r.u8();
  if (!isMessageType(type)) {
    reject('ERR_TLS_UNEXPECTED_MESSAGE', 'unexpected_message', `handshake message of unknown type ${type}`);
  }
  try {
    const inner = r.sub(r.u24());
    r.done();
    const body = codecs[type].read(inner);
    inner.done();
    return { type, body, raw } as HandshakeMessage;
  } catch (error) {
    if (!(error instanceof ReadError)) throw error;
    const malformed = type === HandshakeType.client_hello ? 'ERR_TLS_CLIENT_HELLO_DECODE' : 'ERR_TLS_DECODE';
    return reject(malformed, 'decode_error', `${nameOf(HandshakeType, type)} is malformed: ${error.message}`);
  }
}

/** A message made of its type and body. @throws what {@link parseMessage} throws */
export function messageFrom<T extends MessageType>(type: T, body: Uint8Array): MessageOf<T> {
  const w = new Writer(4 + body.length);
  w.u8(type);
  w.u24(body.length);
  w.raw(body);
  return parseMessage(w.finish()) as MessageOf<T>;
}

/**
 * struct { HandshakeType msg_type; uint24 length; … } Handshake;  RFC 9846 §4
 * @param capacity bytes of the body, if the caller can tell: a guess that is too low costs time only
 */
export function encodeMessage<T extends MessageType>(type: T, body: MessageBodies[T], capacity = 512): Uint8Array {
  const w = new Writer(capacity);
  w.u8(type);
  const mark = w.open(3);
  codecs[type].write(w, body);
  w.close(mark, 3);
  return w.finish();
}

/**
 * Writes a handshake message as annotated hex, for people. It shows malformed input up to the first error.
 *
 * @example
 * ```js
 * import { describeMessage } from 'opentls/core';
 *
 * const endOfEarlyData = new Uint8Array([5, 0, 0, 0]);
 * console.log(describeMessage(endOfEarlyData).includes('end_of_early_data')); // true
 * ```
 * @throws TlsError ERR_TLS_CONFIG for a value that is not a Uint8Array
 */
export function describeMessage(raw: Uint8Array): string {
  bytes()(raw, 'describeMessage: raw');
  const d = new Dump(raw);
  const r = new Reader(raw);
  try {
    const type = r.u8();
    d.line(0, 1, `msg_type = ${nameOf(HandshakeType, type)}`);
    const length = r.u24();
    d.line(1, 4, `length = ${length}`);
    if (isHelloRetryRequest(type, raw)) serverHello('HRR').describe(d, r, '');
    else if (isMessageType(type)) codecs[type].describe(d, r, '');
    else rest.describe(d, r, 'body');
  } catch (error) {
    if (!(error instanceof ReadError)) throw error;
    d.heading(r.offset, `malformed: ${error.message}`);
  }
  return d.toString();
}

function isHelloRetryRequest(type: number, raw: Uint8Array): boolean {
  return type === HandshakeType.server_hello && equal(raw.subarray(6, 38), helloRetryRequestRandom);
}
