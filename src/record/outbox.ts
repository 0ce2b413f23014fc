/** Slabs of records on their way out, in order. Each is given away once and never written to again. */
export class Outbox {
  #slabs: Uint8Array[] = [];
  #length = 0;

  /** Bytes waiting. */
  get length(): number {
    return this.#length;
  }

  push(slab: Uint8Array): void {
    this.#slabs.push(slab);
    this.#length += slab.length;
  }

  take(): Uint8Array[] {
    const slabs = this.#slabs;
    if (slabs.length > 0) this.#slabs = [];
    this.#length = 0;
    return slabs;
  }
}
