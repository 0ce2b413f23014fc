import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { equal } from '../../../bytes/equal.ts';
import { type Awaitable, isThenable } from '../../../crypto/provider.ts';
import { compression } from '../../../handshake/terms/config-rules.ts';
import type { CertificateCompression } from '../../../handshake/terms/credential.ts';
import { codedError, invalidArgType, invalidArgValue } from '../support/errors.ts';

type Deflate = (input: Uint8Array, options: object) => Promise<Uint8Array>;
/** With `info`, `engine.bytesWritten` says how much of the input zlib has used. */
type Inflate = (
  input: Uint8Array,
  options: { readonly maxOutputLength: number; readonly info: true },
) => Promise<{ readonly buffer: Uint8Array; readonly engine: { readonly bytesWritten: number } }>;

/**
 * Certificate compression (RFC 8879) by `node:zlib`, for `certificateCompression` of `opentls/core`.
 * `zstd` is undefined where the runtime does not have it. Decompressing fails for output that is longer than the peer
 * declared, and for bytes behind the end of the compressed data.
 */
export const certificateCompression: {
  readonly zlib: CertificateCompression;
  readonly brotli: CertificateCompression;
  readonly zstd: CertificateCompression | undefined;
} = {
  zlib: algorithmOf(1, promisify(zlib.deflate) as Deflate, promisify(zlib.inflate) as unknown as Inflate),
  brotli: algorithmOf(
    2,
    promisify(zlib.brotliCompress) as Deflate,
    promisify(zlib.brotliDecompress) as unknown as Inflate,
  ),
  zstd: zstd(),
};

/** Lists the algorithms that this runtime has, as `tls.getCertificateCompressionAlgorithms()` does. */
export function getCertificateCompressionAlgorithms(): string[] {
  return names.filter((name) => certificateCompression[name] !== undefined);
}

/**
 * Reads the option `certificateCompression`: the algorithms that a peer may use, and that this side prefers in their order.
 * It leaves out an algorithm that the runtime does not have.
 * @throws ERR_INVALID_ARG_TYPE; ERR_INVALID_ARG_VALUE for an unknown name or more than three;
 * ERR_CRYPTO_OPERATION_FAILED for an algorithm that is named twice
 */
export function compressionsOf(option: unknown): readonly CertificateCompression[] {
  if (option === undefined || option === null) return [];
  const name = 'options.certificateCompression';
  if (!Array.isArray(option)) throw invalidArgType(name, 'an instance of Array', option);
  if (option.length > MAX_ALGORITHMS) {
    throw invalidArgValue(name, option, `can specify at most ${MAX_ALGORITHMS} algorithms`);
  }
  const algorithms = option.map((input, index) => compressionOf(input, `${name}[${index}]`));
  const known = algorithms.filter((algorithm) => algorithm !== undefined).map(compressingOnce);
  if (new Set(known.map(({ id }) => id)).size < known.length) {
    throw codedError('ERR_CRYPTO_OPERATION_FAILED', 'Failed to set certificate compression preference');
  }
  return known;
}

function compressionOf(input: unknown, name: string): CertificateCompression | undefined {
  const known = names.find((candidate) => candidate === input);
  if (known !== undefined) return certificateCompression[known];
  if (typeof input === 'object' && input !== null) return compression(input, name);
  throw invalidArgValue(name, input, "must be 'zlib', 'brotli', or 'zstd'");
}

/** Compresses each message once: a context sends the same few Certificate messages in all its handshakes. */
function compressingOnce(algorithm: CertificateCompression): CertificateCompression {
  const { id } = algorithm;
  const compress = algorithm.compress?.bind(algorithm);
  const decompress = algorithm.decompress?.bind(algorithm);
  return { id, ...(compress && { compress: remembering(compress) }), ...(decompress && { decompress }) };
}

type Compress = NonNullable<CertificateCompression['compress']>;

function remembering(compress: Compress): Compress {
  const kept: { readonly message: Uint8Array; readonly compressed: Awaitable<Uint8Array> }[] = [];
  return (message) => {
    const known = kept.find((entry) => equal(entry.message, message));
    if (known !== undefined) return known.compressed;
    const compressed = compress(message);
    // A message with a certificate_request_context is for one request alone (RFC 9846 §4.5.1).
    if (message[0] !== 0) return compressed;
    const entry = { message: message.slice(), compressed };
    kept.unshift(entry);
    kept.splice(MAX_KEPT);
    const forget = (): void => {
      if (kept.includes(entry)) kept.splice(kept.indexOf(entry), 1);
    };
    // A compression that failed is tried again for the next handshake.
    if (isThenable(compressed)) compressed.then(undefined, forget);
    return compressed;
  };
}

function zstd(): CertificateCompression | undefined {
  const compress: unknown = Reflect.get(zlib, 'zstdCompress');
  const decompress: unknown = Reflect.get(zlib, 'zstdDecompress');
  if (typeof compress !== 'function' || typeof decompress !== 'function') return undefined;
  type Callback = Parameters<typeof promisify>[0];
  return algorithmOf(3, promisify(compress as Callback) as Deflate, promisify(decompress as Callback) as Inflate);
}

function algorithmOf(id: number, deflate: Deflate, inflate: Inflate): CertificateCompression {
  return {
    id,
    compress: (message) => deflate(message, {}),
    async decompress(compressed, length) {
      const { buffer, engine } = await inflate(compressed, { maxOutputLength: Math.max(length, 1), info: true });
      // node:zlib ignores bytes behind the end of a stream.
      const left = compressed.length - engine.bytesWritten;
      if (left !== 0) throw new RangeError(`${left} bytes behind the end of what was compressed`);
      return buffer;
    },
  };
}

const names = ['zlib', 'brotli', 'zstd'] as const;
/** Messages: a chain or two, each with and without OCSP responses and timestamps. */
const MAX_KEPT = 8;
/** As many as RFC 8879 §7.3 registers; Node has the same limit. */
const MAX_ALGORITHMS = 3;
