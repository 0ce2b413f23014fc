/** Writes to the transport, and counts the bytes that the transport has not taken. */
export class Outlet {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #untaken = 0;
  #abortTimer: unknown;

  constructor(stream: WritableStream<Uint8Array>) {
    this.#writer = stream.getWriter();
  }

  /** Resolves once the transport has taken all of it. The transport decides how much it queues. */
  async write(slabs: readonly Uint8Array[]): Promise<void> {
    this.#untaken++;
    try {
      await Promise.all(slabs.map((slab) => this.#writer.write(slab)));
    } finally {
      this.#untaken--;
      if (this.#untaken === 0) clearTimeout(this.#abortTimer);
    }
  }

  close(): Promise<void> {
    return this.#writer.close();
  }

  /** Ends the transport after what was written, such as an alert. A transport that does not take it in time is aborted. */
  leave(reason: unknown): void {
    this.#writer.close().catch(() => {});
    if (this.#untaken > 0) this.#abortTimer = setTimeout(() => this.abort(reason), LEAVE_TIMEOUT);
  }

  abort(reason: unknown): void {
    this.#writer.abort(reason).catch(() => {});
  }
}

/** Milliseconds until {@link Outlet.leave} aborts the transport. */
const LEAVE_TIMEOUT = 200;
