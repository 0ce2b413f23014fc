import { reject, TlsError } from '../../errors.ts';
import { HandshakeType } from '../../wire/enums.ts';
import { encodeMessage, type MessageOf, messageFrom } from '../../wire/messages.ts';
import type { Decompressor } from '../terms/credential.ts';
import type { Endpoint } from '../terms/endpoint.ts';
import { ask, type Script } from '../terms/script.ts';

/** compress_certificate of our own messages: the algorithms that the peer may compress its Certificate with. */
export function acceptedCompressions({ config }: Endpoint): number[] {
  return config.decompressors.map(({ id }) => id);
}

/** The peer's compress_certificate must name each algorithm once, as supported_groups must each group. */
export function checkCompressions(accepted: readonly number[] = []): void {
  if (new Set(accepted).size === accepted.length) return;
  reject('ERR_TLS_EXTENSION_DECODE', 'illegal_parameter', 'compress_certificate names an algorithm twice');
}

/** The Certificate message as it is sent: compressed with the first of our algorithms that the peer accepts, if any. */
export function* compressCertificate(
  { config }: Endpoint,
  accepted: readonly number[],
  message: Uint8Array,
): Script<Uint8Array> {
  const algorithm = config.compressors.find(({ id }) => accepted.includes(id));
  if (algorithm === undefined) return message;
  const body = message.subarray(HEADER);
  const compressed = checkCompressed(yield* ask('compress', { algorithm, message: body }), algorithm.id);
  return encodeMessage(HandshakeType.compressed_certificate, {
    algorithm: algorithm.id,
    uncompressedLength: body.length,
    compressedCertificateMessage: compressed,
  });
}

/**
 * The Certificate inside a CompressedCertificate, RFC 8879 §4: bad_certificate for a message that does not decompress.
 */
export function* decompressCertificate(
  { config }: Endpoint,
  { body, raw }: MessageOf<typeof HandshakeType.compressed_certificate>,
): Script<MessageOf<typeof HandshakeType.certificate>> {
  const { algorithm: id, uncompressedLength, compressedCertificateMessage } = body;
  const algorithm = config.decompressors.find((own) => own.id === id);
  if (algorithm === undefined) {
    reject('ERR_TLS_UNKNOWN_CERTIFICATE_COMPRESSION', 'illegal_parameter', `compression ${id} was not offered`);
  }
  if (uncompressedLength > config.limits.certificateMessage) {
    reject('ERR_TLS_CERTIFICATE_TOO_LARGE', 'bad_certificate', `a Certificate of ${uncompressedLength} bytes`);
  }
  const message = yield* inflate(algorithm, compressedCertificateMessage, uncompressedLength);
  if (message?.length !== uncompressedLength) {
    reject('ERR_TLS_CERTIFICATE_DECOMPRESSION', 'bad_certificate', 'a Certificate that does not decompress');
  }
  return { ...messageFrom(HandshakeType.certificate, message), raw };
}

/** RFC 8879 §4: the compressed message has one byte at least, and fits its field. */
function checkCompressed(compressed: unknown, id: number): Uint8Array {
  if (!isBytes(compressed)) throw wrongAnswer('compress', id, 'is no Uint8Array');
  if (compressed.length === 0) throw wrongAnswer('compress', id, 'is empty');
  if (compressed.length > MAX_COMPRESSED) throw wrongAnswer('compress', id, `has ${compressed.length} bytes`);
  return compressed;
}

/** The application's algorithm answered something impossible: this endpoint is at fault, not the peer. */
function wrongAnswer(name: 'compress' | 'decompress', id: number, problem: string): TlsError {
  const message = `what certificateCompression answers to ${name} with algorithm ${id} ${problem}`;
  return new TlsError('ERR_TLS_CONFIG', message, { alert: 'internal_error', blame: 'config' });
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

/** @returns undefined for input that is malformed */
function* inflate(algorithm: Decompressor, compressed: Uint8Array, length: number): Script<Uint8Array | undefined> {
  let message: unknown;
  try {
    message = yield* ask('decompress', { algorithm, compressed, length });
  } catch {
    return undefined;
  }
  if (!isBytes(message)) throw wrongAnswer('decompress', algorithm.id, 'is no Uint8Array');
  return message;
}

/** HandshakeType and uint24 length, RFC 9846 §4. */
const HEADER = 4;
/** In an opaque<1..2^24-1> of a message of 2^24-1 bytes, behind algorithm and lengths. */
const MAX_COMPRESSED = 0xff_ffff - 8;
