/** What a stream may carry: every view of memory, and memory itself. The W3C's name of it is BufferSource. */
export type ByteSource = ArrayBuffer | ArrayBufferView;

/**
 * The bytes of `source`, in place.
 * @param what names it in the error
 * @throws TypeError with the code ERR_INVALID_ARG_TYPE for what has no bytes, or has given its memory away
 */
export function bytesOf(source: unknown, what: string): Uint8Array {
  try {
    if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
    if (isArrayBuffer(source)) return new Uint8Array(source);
  } catch {
    throw notBytes(what, 'memory that was given away');
  }
  throw notBytes(what, source === null ? 'null' : typeof source);
}

function notBytes(what: string, given: string): TypeError {
  const error = new TypeError(`${what} must be an ArrayBuffer or a view of one, not ${given}`);
  return Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' });
}

/** It may come from another realm, where `instanceof` does not know it. */
function isArrayBuffer(value: unknown): value is ArrayBuffer {
  try {
    return byteLength?.call(value) !== undefined;
  } catch {
    return false;
  }
}

const byteLength: (() => unknown) | undefined = Object.getOwnPropertyDescriptor(
  ArrayBuffer.prototype,
  'byteLength',
)?.get;
