/** A bounded set of time spans: where there would be too many, the two closest become one. */
export class Spans {
  readonly #most: number;
  /** In order of time, without overlaps. */
  #spans: readonly Span[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** Adds a span, with both of its ends. */
  add(from: number, to: number): void {
    const separate = this.#spans.filter((span) => span.to < from || span.from > to);
    const joined = this.#spans.filter((span) => !separate.includes(span));
    const low = Math.min(from, ...joined.map((span) => span.from));
    const high = Math.max(to, ...joined.map((span) => span.to));
    this.#spans = [...separate, { from: low, to: high }].sort((a, b) => a.from - b.from);
    if (this.#spans.length > this.#most) this.#joinClosest();
  }

  /** Whether a span has a time in common with this one. */
  overlaps(from: number, to: number): boolean {
    return this.#spans.some((span) => span.from <= to && span.to >= from);
  }

  #joinClosest(): void {
    const gaps = this.#spans.slice(1).map((span, i) => span.from - (this.#spans[i]?.to ?? 0));
    const at = gaps.indexOf(Math.min(...gaps));
    const [first, second] = this.#spans.slice(at, at + 2);
    if (first !== undefined && second !== undefined) {
      this.#spans = [...this.#spans.slice(0, at), { from: first.from, to: second.to }, ...this.#spans.slice(at + 2)];
    }
  }
}

interface Span {
  readonly from: number;
  readonly to: number;
}
