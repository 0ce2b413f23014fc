import { toHex } from '../bytes/hex.ts';
import type { Reader } from '../bytes/reader.ts';

const BYTES_PER_LINE = 16;

/** Collects annotated hex, one field a line: offset, bytes, meaning. {@link Codec.describe} fills it. */
export class Dump {
  readonly #source: Uint8Array;
  readonly #lines: string[] = [];
  #depth = 0;

  constructor(source: Uint8Array) {
    this.#source = source;
  }

  /** A note without bytes of its own. */
  heading(offset: number, text: string): void {
    this.#push(offset, '', text);
  }

  /** The bytes from `start` to `end`, on one line with their meaning. */
  line(start: number, end: number, text: string): void {
    this.#push(start, spaced(this.#source.subarray(start, end)), text);
  }

  /** A run of opaque bytes, sixteen a line. */
  bytes(offset: number, bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i += BYTES_PER_LINE) {
      this.#push(offset + i, spaced(bytes.subarray(i, i + BYTES_PER_LINE)), '');
    }
  }

  nest(body: () => void): void {
    this.#depth++;
    body();
    this.#depth--;
  }

  toString(): string {
    return this.#lines.join('\n');
  }

  #push(offset: number, hex: string, text: string): void {
    const note = text === '' ? '' : `${'  '.repeat(this.#depth)}${text}`;
    this.#lines.push(`${offset.toString(16).padStart(4, '0')}  ${hex.padEnd(3 * BYTES_PER_LINE)} ${note}`.trimEnd());
  }
}

/** The bytes left in `r` after a field that could not be read. */
export function dumpRest(d: Dump, r: Reader, text: string): void {
  d.heading(r.offset, text);
  d.bytes(r.offset, r.rest());
}

function spaced(bytes: Uint8Array): string {
  return (toHex(bytes).match(/../g) ?? []).join(' ');
}
