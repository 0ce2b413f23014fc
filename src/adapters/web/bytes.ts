/** The chunks that a stream of bytes may carry; Web IDL calls the type BufferSource. */
export type ByteSource = ArrayBuffer | ArrayBufferView;

/**
 * The bytes of `source`, in place.
 * @param what the name of `source` in the error
 * @throws TypeError with the code ERR_INVALID_ARG_TYPE for a value without bytes, and for a detached buffer
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

/** Also for an ArrayBuffer of another realm, which `instanceof` does not recognise. */
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
