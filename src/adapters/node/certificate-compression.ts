import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type { CertificateCompression } from '../../handshake/compression.ts';

type Algorithm = (input: Uint8Array, options: object) => Promise<Uint8Array>;

/**
 * Certificate compression (RFC 8879) by `node:zlib`, for {@link EngineOptions.certificateCompression}. `zstd` is there
 * where the runtime has it. Nothing decompresses to more than the peer declared.
 */
export const certificateCompression: {
  readonly zlib: CertificateCompression;
  readonly brotli: CertificateCompression;
  readonly zstd: CertificateCompression | undefined;
} = {
  zlib: algorithmOf(1, promisify(zlib.deflate) as Algorithm, promisify(zlib.inflate) as Algorithm),
  brotli: algorithmOf(2, promisify(zlib.brotliCompress) as Algorithm, promisify(zlib.brotliDecompress) as Algorithm),
  zstd: zstd(),
};

function zstd(): CertificateCompression | undefined {
  const compress: unknown = Reflect.get(zlib, 'zstdCompress');
  const decompress: unknown = Reflect.get(zlib, 'zstdDecompress');
  if (typeof compress !== 'function' || typeof decompress !== 'function') return undefined;
  type Callback = Parameters<typeof promisify>[0];
  return algorithmOf(3, promisify(compress as Callback) as Algorithm, promisify(decompress as Callback) as Algorithm);
}

function algorithmOf(id: number, compress: Algorithm, decompress: Algorithm): CertificateCompression {
  return {
    id,
    compress: (message) => compress(message, {}),
    decompress: (compressed, length) => decompress(compressed, { maxOutputLength: Math.max(length, 1) }),
  };
}
