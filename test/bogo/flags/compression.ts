// The certificate compressions that the runner knows (SHIM-SPEC §8): toys under code points for private use.
import { concat } from '#opentls/bytes/concat';
import { equal } from '#opentls/bytes/equal';
import type { CertificateCompression } from '#opentls/handshake/terms/credential';
import { provider } from './credentials.ts';

export const toyCompressions: readonly CertificateCompression[] = [
  prefixing(0xff02, () => new Uint8Array([1, 2, 3, 4]), 4, true),
  {
    // Shrinks: a Certificate begins with an empty context and a list of less than 64 KiB.
    id: 0xff01,
    compress(message) {
      if (message[0] !== 0 || message[1] !== 0) throw new RangeError('no two zero bytes to drop');
      return message.slice(2);
    },
    decompress: (compressed) => concat([new Uint8Array(2), compressed]),
  },
  prefixing(0xff03, () => provider.random(1), 1, false),
];

function prefixing(id: number, prefix: () => Uint8Array, length: number, known: boolean): CertificateCompression {
  return {
    id,
    compress: (message) => concat([prefix(), message]),
    decompress(compressed) {
      const begins = compressed.length >= length && (!known || equal(compressed.subarray(0, length), prefix()));
      if (!begins) throw new RangeError('not the prefix');
      return compressed.slice(length);
    },
  };
}
