/** Slabs of records on their way out, in order. The outbox hands over each slab once and never writes to it again. */
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
