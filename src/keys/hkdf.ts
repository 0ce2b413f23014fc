import { utf8 } from '../bytes/utf8.ts';
import { wipe } from '../bytes/wipe.ts';
import type { Hash } from '../crypto/provider.ts';

/** HKDF-Extract, RFC 5869 §2.2. */
export function extract(hash: Hash, salt: Uint8Array, ikm: Uint8Array): Uint8Array {
  return hash.hmac(salt, ikm);
}

/**
 * HKDF-Expand-Label, RFC 9846 §7.1.
 * @param label at most 249 bytes in UTF-8, without the `tls13 ` prefix
 * @param context at most 255 bytes
 * @param length at most 255 hash lengths (RFC 5869 §2.3)
 * @throws RangeError for a label, context or length above these bounds
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
  // RFC 9846 §7.1 says label<7..255>; other implementations export with an empty label too.
  if (name.length > 255) throw new RangeError(`a label of ${name.length - 6} bytes`);
  if (context.length > 255) throw new RangeError(`a context of ${context.length} bytes`);
  // HkdfLabel, with a last byte of room for the counter of HKDF-Expand.
  const info = new Uint8Array(name.length + context.length + 5);
  info.set([length >>> 8, length, name.length]);
  info.set(name, 3);
  info[name.length + 3] = context.length;
  info.set(context, name.length + 4);
  return expand(hash, secret, info, length);
}

/** Derive-Secret, RFC 9846 §7.1, over a transcript hash that is known already. */
export function deriveSecret(hash: Hash, secret: Uint8Array, label: string, transcriptHash: Uint8Array): Uint8Array {
  return expandLabel(hash, secret, label, transcriptHash, hash.length);
}

/** HKDF-Expand, RFC 5869 §2.3; the last byte of `info` is the counter's. */
function expand(hash: Hash, prk: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  info[info.length - 1] = 1;
  let block = hash.hmac(prk, info);
  if (block.length === length) return block;
  const okm = new Uint8Array(length);
  okm.set(block.subarray(0, length));
  for (let offset = hash.length, counter = 2; offset < length; offset += hash.length, counter++) {
    info[info.length - 1] = counter;
    const next = hash.hmac(prk, block, info);
    wipe(block);
    block = next;
    okm.set(block.subarray(0, length - offset), offset);
  }
  wipe(block);
  return okm;
}
