/** Chunks as one run of bytes, taken from the front in linear time. */
export class Chunks {
  readonly #chunks: readonly Uint8Array[];
  #index = 0;
  /** How many bytes of the front chunk are taken. */
  #offset = 0;
  #length = 0;

  constructor(chunks: readonly Uint8Array[]) {
    this.#chunks = chunks;
    for (const chunk of chunks) this.#length += chunk.length;
  }

  /** Bytes that are left. */
  get length(): number {
    return this.#length;
  }

  /** The next `count` bytes as views, or all that there are. */
  take(count: number): Uint8Array[] {
    const taken: Uint8Array[] = [];
    for (let missing = count; missing > 0; ) {
      const chunk = this.#chunks[this.#index];
      if (chunk === undefined) {
        // A buffer that was detached meanwhile has no bytes.
        this.#length = 0;
        break;
      }
      const part = chunk.subarray(this.#offset, this.#offset + missing);
      if (part.length > 0) taken.push(part);
      missing -= part.length;
      this.#length -= part.length;
      this.#offset += part.length;
      if (this.#offset >= chunk.length) {
        this.#index++;
        this.#offset = 0;
      }
    }
    return taken;
  }
}
