/** The error of a {@link Reader} whose bytes run out or are left over; its caller turns it into a TlsError. */
export class ReadError extends Error {}

/** A bounded cursor over bytes it does not own. Big-endian, as all of TLS (RFC 9846 §3.3). */
export class Reader {
  readonly bytes: Uint8Array;
  #offset: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.#offset = start;
    this.#end = end;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#end - this.#offset;
  }

  u8(): number {
    const at = this.#advance(1);
    return this.bytes[at] ?? 0;
  }

  u16(): number {
    const at = this.#advance(2);
    return ((this.bytes[at] ?? 0) << 8) | (this.bytes[at + 1] ?? 0);
  }

  u24(): number {
    return (this.u8() << 16) | this.u16();
  }

  u32(): number {
    return this.u16() * 0x1_0000 + this.u16();
  }

  /** The next `length` bytes as a view, not a copy. */
  take(length: number): Uint8Array {
    const at = this.#advance(length);
    return this.bytes.subarray(at, at + length);
  }

  /** A cursor over the next `length` bytes. */
  sub(length: number): Reader {
    const at = this.#advance(length);
    return new Reader(this.bytes, at, at + length);
  }

  rest(): Uint8Array {
    return this.take(this.remaining);
  }

  /** @throws ReadError where bytes are left over */
  done(): void {
    if (this.remaining !== 0) throw new ReadError(`${this.remaining} bytes left over`);
  }

  #advance(length: number): number {
    const at = this.#offset;
    if (length > this.#end - at) throw new ReadError(`${length} bytes wanted, ${this.#end - at} left`);
    this.#offset = at + length;
    return at;
  }
}
