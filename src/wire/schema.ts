import { ReadError, Reader } from '../bytes/reader.ts';
import type { Writer } from '../bytes/writer.ts';
import type { Dump } from './dump.ts';
import { nameOf } from './enums.ts';

/**
 * Declares a wire structure in the manner of RFC 9846 §3. One declaration reads, writes and describes it.
 *
 * `read` throws {@link ReadError} for bytes that do not fit the declaration; `write` throws RangeError for a value
 * that does not.
 */
export interface Codec<T> {
  read(r: Reader): T;
  write(w: Writer, value: T): void;
  /** Reads a value and writes the meaning of each byte to the dump; `field` is its name in the enclosing struct. */
  describe(d: Dump, r: Reader, field: string): void;
}

/** The width of a length prefix. */
export type Len = 'u8' | 'u16' | 'u24';

export const u8: Codec<number> = uint(1);
export const u16: Codec<number> = uint(2);
export const u24: Codec<number> = uint(3);
export const u32: Codec<number> = uint(4);

/** A code point: a number with names for people. Any value passes: RFC 9846 §3.5 leaves the check to the field. */
export function code(width: 1 | 2, names: Readonly<Record<string, number>>): Codec<number> {
  const plain = uint(width);
  return {
    read: plain.read,
    write: plain.write,
    describe(d, r, field) {
      const start = r.offset;
      const value = plain.read(r);
      d.line(start, r.offset, `${field} = ${nameOf(names, value)}`);
    },
  };
}

/** `opaque field[n]` where `length` is a number, `opaque field<min..max>` where it is a prefix. */
export function opaque(length: Len | number, min = 0, max: number = Number.POSITIVE_INFINITY): Codec<Uint8Array> {
  if (typeof length === 'number') return fixed(length);
  const prefix = prefixes[length];
  return {
    read: (r) => r.take(readLength(r, prefix, min, max)),
    write(w, value) {
      checkLength(value.length, min, max);
      const mark = w.open(prefix);
      w.raw(value);
      w.close(mark, prefix);
    },
    describe(d, r, field) {
      const start = r.offset;
      const count = readLength(r, prefix, min, max);
      d.line(start, r.offset, `${field}: ${count} bytes`);
      if (count > 0) d.bytes(r.offset, r.take(count));
    },
  };
}

/** `Item field<min..max>`: bounds are bytes, as in the RFC. */
export function list<T>(
  length: Len,
  item: Codec<T>,
  min = 0,
  max: number = Number.POSITIVE_INFINITY,
): Codec<readonly T[]> {
  const prefix = prefixes[length];
  return {
    read(r) {
      const inner = r.sub(readLength(r, prefix, min, max));
      const items: T[] = [];
      while (inner.remaining > 0) items.push(item.read(inner));
      return items;
    },
    write(w, values) {
      const mark = w.open(prefix);
      for (const value of values) item.write(w, value);
      checkLength(w.close(mark, prefix), min, max);
    },
    describe(d, r, field) {
      const start = r.offset;
      const count = readLength(r, prefix, min, max);
      d.line(start, r.offset, `${field}: ${count} bytes`);
      const inner = r.sub(count);
      d.nest(() => {
        for (let i = 0; inner.remaining > 0; i++) item.describe(d, inner, `[${i}]`);
      });
    },
  };
}

/** Fields in wire order. The type parameter makes the compiler check that none is missing. */
export function struct<T extends object>(name: string, fields: { readonly [K in keyof T]-?: Codec<T[K]> }): Codec<T> {
  const entries = Object.entries(fields) as [string & keyof T, Codec<T[keyof T]>][];
  return {
    read(r) {
      const value: Record<string, unknown> = {};
      for (const [key, codec] of entries) value[key] = codec.read(r);
      return value as T;
    },
    write(w, value) {
      for (const [key, codec] of entries) codec.write(w, value[key]);
    },
    describe(d, r, field) {
      d.heading(r.offset, field === '' ? name : `${field}: ${name}`);
      d.nest(() => {
        for (const [key, codec] of entries) codec.describe(d, r, key);
      });
    },
  };
}

/** A structure without bytes, such as an empty extension_data. */
export const empty: Codec<true> = { read: () => true, write: () => {}, describe: () => {} };

/** Reads a value that takes all of the bytes. @returns undefined for other bytes */
export function readExactly<T>(codec: Codec<T>, bytes: Uint8Array): T | undefined {
  try {
    const r = new Reader(bytes);
    const value = codec.read(r);
    r.done();
    return value;
  } catch (error) {
    if (error instanceof ReadError) return undefined;
    throw error;
  }
}

/** All bytes up to the end of the enclosing vector. */
export const rest: Codec<Uint8Array> = {
  read: (r) => r.rest(),
  write: (w, value) => w.raw(value),
  describe(d, r, field) {
    const start = r.offset;
    d.line(start, start, `${field}: ${r.remaining} bytes`);
    if (r.remaining > 0) d.bytes(start, r.rest());
  },
};

/** Checks that the bytes that are left have a form, and returns them unread. */
export function keepingBytes(form: Codec<unknown>): Codec<Uint8Array> {
  return {
    read(r) {
      const bytes = r.rest();
      const inner = new Reader(bytes);
      form.read(inner);
      inner.done();
      return bytes;
    },
    write: (w, value) => w.raw(value),
    describe: form.describe,
  };
}

/** A last field that older versions leave out: where no bytes are left, its value is `absent`. */
export function optionalTail<T>(codec: Codec<T>, absent: T): Codec<T> {
  return {
    read: (r) => (r.remaining === 0 ? absent : codec.read(r)),
    write: codec.write,
    describe(d, r, field) {
      if (r.remaining > 0) codec.describe(d, r, field);
    },
  };
}

function uint(width: 1 | 2 | 3 | 4): Codec<number> {
  const method = `u${width * 8}` as 'u8' | 'u16' | 'u24' | 'u32';
  return {
    read: (r) => r[method](),
    write(w, value) {
      if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * width))
        throw new RangeError(`${value} is no ${method}`);
      w[method](value);
    },
    describe(d, r, field) {
      const start = r.offset;
      d.line(start, r.offset + width, `${field} = ${r[method]()}`);
    },
  };
}

function fixed(length: number): Codec<Uint8Array> {
  return {
    read: (r) => r.take(length),
    write(w, value) {
      checkLength(value.length, length, length);
      w.raw(value);
    },
    describe(d, r, field) {
      d.line(r.offset, r.offset, `${field}: ${length} bytes`);
      d.bytes(r.offset, r.take(length));
    },
  };
}

function readLength(r: Reader, prefix: 1 | 2 | 3, min: number, max: number): number {
  const length = prefix === 1 ? r.u8() : prefix === 2 ? r.u16() : r.u24();
  if (length < min || length > max) throw new ReadError(`a length of ${length} bytes is not within ${min}..${max}`);
  return length;
}

function checkLength(length: number, min: number, max: number): void {
  if (length < min || length > max) throw new RangeError(`${length} bytes are not within ${min}..${max}`);
}

const prefixes = { u8: 1, u16: 2, u24: 3 } as const;
