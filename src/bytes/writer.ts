/** A growing buffer with back-patched length prefixes. Big-endian. */
export class Writer {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    const at = this.#reserve(1);
    this.#bytes[at] = value;
  }

  u16(value: number): void {
    const at = this.#reserve(2);
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
  }

  u24(value: number): void {
    const at = this.#reserve(3);
    this.#bytes[at] = value >>> 16;
    this.#bytes[at + 1] = value >>> 8;
    this.#bytes[at + 2] = value;
  }

  u32(value: number): void {
    this.u16(Math.floor(value / 0x1_0000));
    this.u16(value % 0x1_0000);
  }

  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Leaves room for a length prefix of `width` bytes. @returns a mark for {@link close} */
  open(width: 1 | 2 | 3): number {
    return this.#reserve(width);
  }

  /**
   * Fills the prefix left by {@link open} with the number of bytes written since.
   * @throws RangeError where they do not fit
   */
  close(mark: number, width: 1 | 2 | 3): number {
    const length = this.#length - mark - width;
    if (length >= 2 ** (8 * width)) throw new RangeError(`${length} bytes do not fit a ${width}-byte length`);
    for (let i = 0; i < width; i++) this.#bytes[mark + i] = length >>> (8 * (width - 1 - i));
    return length;
  }

  /** A view of the bytes so far, valid until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** The bytes, with the writer's memory: the writer must not be used after. */
  finish(): Uint8Array {
    const bytes = this.view();
    this.#bytes = nothing;
    this.#length = 0;
    return bytes;
  }

  #reserve(count: number): number {
    const at = this.#length;
    const needed = at + count;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      grown.set(this.view());
      // The old buffer may hold a secret.
      this.#bytes.fill(0);
      this.#bytes = grown;
    }
    this.#length = needed;
    return at;
  }
}

const nothing: Uint8Array = new Uint8Array(0);
