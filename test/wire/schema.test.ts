import { describe, expect, test } from 'vitest';
import { ReadError, Reader } from '#opentls/bytes/reader';
import { Writer } from '#opentls/bytes/writer';
import { Dump } from '#opentls/wire/dump';
import { type Codec, list, opaque, optionalTail, struct, u8, u16, u24, u32 } from '#opentls/wire/schema';

interface Sample {
  readonly small: number;
  readonly medium: number;
  readonly wide: number;
  readonly whole: number;
  readonly fixed: Uint8Array;
  readonly name: Uint8Array;
  readonly items: readonly number[];
}

const Sample: Codec<Sample> = struct<Sample>('Sample', {
  small: u8,
  medium: u16,
  wide: u24,
  whole: u32,
  fixed: opaque(2),
  name: opaque('u8', 1, 4),
  items: list('u16', u16, 2, 6),
});

const value: Sample = {
  small: 0xff,
  medium: 0xfffe,
  wide: 0x010203,
  whole: 0xfffffffd,
  fixed: new Uint8Array([1, 2]),
  name: new Uint8Array([3]),
  items: [0x1234, 0x5678],
};

function encode<T>(codec: Codec<T>, input: T): Uint8Array {
  const w = new Writer(1);
  codec.write(w, input);
  return w.finish();
}

function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const r = new Reader(bytes);
  const result = codec.read(r);
  r.done();
  return result;
}

describe('the presentation language of RFC 9846 §3', () => {
  test('numbers are big-endian and vectors carry their length in bytes', () => {
    const bytes = encode(Sample, value);
    expect(Buffer.from(bytes).toString('hex')).toBe('fffffe010203fffffffd0102010300041234' + '5678');
    expect(decode(Sample, bytes)).toEqual(value);
  });

  test('no prefix of an encoding can be read', () => {
    const bytes = encode(Sample, value);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decode(Sample, bytes.subarray(0, length)), `${length} bytes`).toThrow(ReadError);
    }
  });

  test('bytes left over are refused', () => {
    expect(() => decode(u16, new Uint8Array(3))).toThrow(ReadError);
  });

  test.each([
    ['below the minimum', [0]],
    ['above the maximum', [5, 1, 2, 3, 4, 5]],
  ])('a vector %s is refused', (_, bytes) => {
    expect(() => decode(opaque('u8', 1, 4), new Uint8Array(bytes))).toThrow(ReadError);
  });

  test('an item that crosses the end of its list is refused', () => {
    expect(() => decode(list('u8', u16), new Uint8Array([3, 1, 2, 3]))).toThrow(ReadError);
  });

  test('values that do not fit are not written', () => {
    expect(() => encode(u8, 256)).toThrow(RangeError);
    expect(() => encode(u16, -1)).toThrow(RangeError);
    expect(() => encode(u24, 1.5)).toThrow(RangeError);
    expect(() => encode(opaque(2), new Uint8Array(3))).toThrow(RangeError);
    expect(() => encode(opaque('u8'), new Uint8Array(256))).toThrow(RangeError);
    expect(() => encode(opaque('u8', 1), new Uint8Array(0))).toThrow(RangeError);
    expect(() => encode(list('u8', u8, 0, 3), [1, 2, 3, 4])).toThrow(RangeError);
  });

  test('an optional tail is absent only where nothing follows', () => {
    const codec = optionalTail(u16, 7);
    expect(decode(codec, new Uint8Array(0))).toBe(7);
    expect(decode(codec, new Uint8Array([0, 9]))).toBe(9);
    expect(() => decode(codec, new Uint8Array([0]))).toThrow(ReadError);
  });

  test('a dump shows every byte once, with the name of its field', () => {
    const bytes = encode(Sample, value);
    const dump = new Dump(bytes);
    Sample.describe(dump, new Reader(bytes), '');
    const shown = dump
      .toString()
      .split('\n')
      .map((line) => line.slice(6, 54).replaceAll(' ', ''))
      .join('');
    expect(shown).toBe(Buffer.from(bytes).toString('hex'));
    for (const field of Object.keys(value)) expect(dump.toString()).toContain(field);
  });
});
