/** A copy in memory of its own. `slice` would not do: that of a Node `Buffer` returns a view. */
export function copy(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
