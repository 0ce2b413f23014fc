/**
 * Writes the DER that keys, OCSP requests and providers need, without a library: the caller can wipe what goes in and what
 * comes out, and a provider does not pull in a builder of certificates. `asn1js.ts` writes all other DER, which is public:
 * certificates, requests, names and extensions.
 */
import { concat } from '../../bytes/concat.ts';
import { Tag } from './der.ts';

/** One element: identifier octet, minimal length, contents. */
export function element(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const content of contents) length += content.length;
  return concat([new Uint8Array([tag, ...encodeLength(length)]), ...contents]);
}

/** A non-negative INTEGER from its big-endian bytes, padded or not. */
export function unsignedInteger(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? new Uint8Array(1) : bytes.subarray(first);
  const sign = (digits[0] ?? 0) >= 0x80 ? new Uint8Array(1) : new Uint8Array(0);
  return element(Tag.integer, sign, digits);
}

/** A BIT STRING of whole bytes. */
export function wholeBits(bytes: Uint8Array): Uint8Array {
  return element(Tag.bitString, new Uint8Array(1), bytes);
}

function encodeLength(length: number): readonly number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}
