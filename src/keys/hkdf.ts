import { concat } from '../bytes/concat.ts';
import { utf8 } from '../bytes/utf8.ts';
import { wipe } from '../bytes/wipe.ts';
import type { Hash } from '../crypto/provider.ts';

/** HKDF-Extract, RFC 5869 §2.2. */
export function extract(hash: Hash, salt: Uint8Array, ikm: Uint8Array): Uint8Array {
  return hash.hmac(salt, ikm);
}

/**
 * HKDF-Expand-Label, RFC 9846 §7.1.
 * @param label 1 to 249 bytes in UTF-8, without the `tls13 ` prefix
 * @param context at most 255 bytes
 * @param length at most 255 hash lengths (RFC 5869 §2.3)
 * @throws RangeError where one of them is not
 */
export function expandLabel(
  hash: Hash,
  secret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number,
): Uint8Array {
  if (length > 255 * hash.length) throw new RangeError(`HKDF cannot expand to ${length} bytes`);
  const name = utf8(`tls13 ${label}`);
  if (name.length < 7 || name.length > 255) throw new RangeError(`a label of ${name.length - 6} bytes`);
  if (context.length > 255) throw new RangeError(`a context of ${context.length} bytes`);
  const info = concat([
    new Uint8Array([length >>> 8, length & 0xff, name.length]),
    name,
    new Uint8Array([context.length]),
    context,
  ]);
  return expand(hash, secret, info, length);
}

/** Derive-Secret, RFC 9846 §7.1, over a transcript hash that is known already. */
export function deriveSecret(hash: Hash, secret: Uint8Array, label: string, transcriptHash: Uint8Array): Uint8Array {
  return expandLabel(hash, secret, label, transcriptHash, hash.length);
}

/** HKDF-Expand, RFC 5869 §2.3. */
function expand(hash: Hash, prk: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  const okm = new Uint8Array(length);
  let block: Uint8Array = new Uint8Array(0);
  for (let offset = 0, counter = 1; offset < length; offset += hash.length, counter++) {
    const next = hash.hmac(prk, block, info, new Uint8Array([counter]));
    wipe(block);
    block = next;
    okm.set(block.subarray(0, length - offset), offset);
  }
  wipe(block);
  return okm;
}
