/** Bytes in memory of their own. Not by `slice`: that of a Node `Buffer` answers a view. */
export function copy(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
