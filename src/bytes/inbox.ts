/** The buffer that is kept when empty, so that small records do not allocate each time. */
const KEPT = 2048;

/**
 * The growable receive buffer: bytes are copied in once, and consumed from the front. Views from {@link peek} are valid
 * until the next `append`, `consume` or `wipe`.
 */
export class Inbox {
  #bytes: Uint8Array = nothing;
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  append(chunk: Uint8Array): void {
    this.#makeRoom(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The next `length` bytes as a view; undefined when there are fewer. */
  peek(length: number): Uint8Array | undefined {
    if (this.length < length) return undefined;
    return this.#bytes.subarray(this.#start, this.#start + length);
  }

  consume(length: number): void {
    this.#start += length;
    if (this.#start < this.#end) return;
    this.#start = 0;
    this.#end = 0;
    if (this.#bytes.length > KEPT) this.#bytes = nothing;
  }

  wipe(): void {
    this.#bytes = nothing;
    this.#start = 0;
    this.#end = 0;
  }

  /**
   * Makes room: moves the bytes to the front where half of the buffer is free, else into a buffer of twice the size needed.
   * That takes linear time, and a stream of chunks that end amid a record needs one buffer.
   */
  #makeRoom(extra: number): void {
    if (this.#end + extra <= this.#bytes.length) return;
    const needed = this.length + extra;
    const reuse = needed <= this.#bytes.length / 2;
    const target = reuse ? this.#bytes : new Uint8Array(this.length === 0 ? needed : 2 * needed);
    target.set(this.#bytes.subarray(this.#start, this.#end));
    this.#bytes = target;
    this.#end = this.length;
    this.#start = 0;
  }
}

const nothing: Uint8Array = new Uint8Array(0);
