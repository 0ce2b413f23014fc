/** The way to the transport. It knows what the transport has not taken. */
export class Outlet {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #untaken = 0;
  #lastWords: unknown;

  constructor(stream: WritableStream<Uint8Array>) {
    this.#writer = stream.getWriter();
  }

  /** Resolves once the transport has taken it all: how much it queues is its own affair, and may have no bound. */
  async write(slabs: readonly Uint8Array[]): Promise<void> {
    this.#untaken++;
    try {
      await Promise.all(slabs.map((slab) => this.#writer.write(slab)));
    } finally {
      this.#untaken--;
      if (this.#untaken === 0) clearTimeout(this.#lastWords);
    }
  }

  close(): Promise<void> {
    return this.#writer.close();
  }

  /** Ends it after what was written, an alert above all. A transport that does not take that soon is aborted. */
  leave(reason: unknown): void {
    this.#writer.close().catch(() => {});
    if (this.#untaken > 0) this.#lastWords = setTimeout(() => this.abort(reason), LONGEST_GOODBYE);
  }

  abort(reason: unknown): void {
    this.#writer.abort(reason).catch(() => {});
  }
}

/** Milliseconds. */
const LONGEST_GOODBYE = 200;
