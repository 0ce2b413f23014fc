import { fromBER } from 'asn1js';
import { describe, expect, test } from 'vitest';
import { fromHex } from '#opentls/bytes/hex';
import { context, DerError, DerReader, MAX_DER_DEPTH, readTime, Tag } from '#opentls/x509/asn1/der';
import { decodeString } from '#opentls/x509/certificate/names';
import { randomBytes, randomNumbers } from '../../kit/random.ts';

const read = (hex: string) => new DerReader(fromHex(hex));

/** Walks everything there is: constructed elements are entered, known primitives are read strictly. */
function walk(reader: DerReader): void {
  while (!reader.done) {
    const tag = reader.nextTag ?? 0;
    if ((tag & 0x20) !== 0) {
      walk(reader.enter(tag));
      continue;
    }
    switch (tag) {
      case Tag.boolean:
        reader.boolean();
        break;
      case Tag.integer:
        reader.integerBytes();
        break;
      case Tag.oid:
        reader.oid();
        break;
      case Tag.bitString:
        reader.bitString();
        break;
      case Tag.null:
        reader.null();
        break;
      case Tag.utcTime:
      case Tag.generalizedTime:
        readTime(reader.element());
        break;
      default:
        // Universal types that X.509 does not use are nobody's business here.
        if (tag < 0x40 && !Object.values<number>(Tag).includes(tag)) throw new DerError('an unknown type');
        decodeString(tag, reader.element().content);
    }
  }
}

describe('BER that is not DER is refused (X.690 §10, §11)', () => {
  test.each([
    ['indefinite length', '3080020101 0000'],
    ['a long form where the short one fits', '30810302010 1'],
    ['a length with leading zeros', '308200030201 01'],
    ['a length of five bytes', '3085000000000 3020101'],
    ['BOOLEAN 01', '010101'],
    ['BOOLEAN of two bytes', '0102ffff'],
    ['INTEGER 00 01', '02020001'],
    ['INTEGER ff ff', '0202ffff'],
    ['INTEGER without content', '0200'],
    ['NULL with content', '050100'],
    ['BIT STRING with 8 unused bits', '03020800'],
    ['BIT STRING with unused bits set', '03020101'],
    ['BIT STRING of unused bits alone', '030101'],
    ['BIT STRING without content', '0300'],
    ['OID without content', '0600'],
    ['OID with a leading 80', '06028001'],
    ['OID that is cut off', '060181'],
    ['a high tag number', '1f8100'],
    ['an element longer than its container', '3003020201'],
    ['a header alone', '30'],
  ])('%s', (_, hex) => {
    expect(() => walk(read(hex.replaceAll(' ', '')))).toThrow(DerError);
  });

  test('nesting is bounded', () => {
    const nested = (depth: number) => {
      let bytes = new Uint8Array(0);
      for (let i = 0; i < depth; i++) bytes = Uint8Array.from([0x30, ...lengthOf(bytes.length), ...bytes]);
      return bytes;
    };
    expect(() => walk(new DerReader(nested(MAX_DER_DEPTH)))).not.toThrow();
    expect(() => walk(new DerReader(nested(MAX_DER_DEPTH + 1)))).toThrow(DerError);
  });
});

function lengthOf(length: number): number[] {
  return length < 0x80 ? [length] : [0x81, length];
}

describe('values', () => {
  test.each([
    ['2a864886f70d01010b', '1.2.840.113549.1.1.11'],
    ['550403', '2.5.4.3'],
    ['8837', '2.999'],
    ['2b6570', '1.3.101.112'],
  ])('OID %s is %s', (hex, oid) => {
    expect(read(`06${(hex.length / 2).toString(16).padStart(2, '0')}${hex}`).oid()).toBe(oid);
  });

  test('small integers have a range', () => {
    expect(read('02020100').smallInteger()).toBe(256);
    expect(() => read('0201ff').smallInteger()).toThrow(DerError);
    expect(() => read('02050100000000').smallInteger()).toThrow(DerError);
  });

  const time = (tag: number, text: string) => {
    const content = new TextEncoder().encode(text);
    return readTime({ tag, content });
  };

  test.each([
    [Tag.utcTime, '491231235959Z', '2049-12-31T23:59:59Z'],
    [Tag.utcTime, '500101000000Z', '1950-01-01T00:00:00Z'],
    [Tag.generalizedTime, '20500101000000Z', '2050-01-01T00:00:00Z'],
    [Tag.generalizedTime, '20240229120000Z', '2024-02-29T12:00:00Z'],
  ])('time %i %s', (tag, text, iso) => {
    expect(time(tag, text)).toBe(Date.parse(iso));
  });

  test.each([
    [Tag.utcTime, '4912312359Z'],
    [Tag.utcTime, '491231235959+0000'],
    [Tag.utcTime, '490230000000Z'],
    [Tag.utcTime, '491231240000Z'],
    [Tag.generalizedTime, '20230229000000Z'],
    [Tag.generalizedTime, '20500101000000.5Z'],
    [Tag.generalizedTime, '20501301000000Z'],
  ])('time %i %s is refused', (tag, text) => {
    expect(() => time(tag, text)).toThrow(DerError);
  });

  test('context tags', () => {
    expect(context(0, 'constructed')).toBe(0xa0);
    expect(context(2, 'primitive')).toBe(0x82);
    expect(read('a003020105').enterOptional(0xa0)?.smallInteger()).toBe(5);
    expect(read('020105').enterOptional(0xa0)).toBeUndefined();
  });
});

test('what the cursor takes from mutated DER, asn1js takes too', () => {
  const seed = fromHex(
    '302e301306072a8648ce3d020106082a8648ce3d030107031700040102030405060708090a0b0c0d0e0f101112131415',
  );
  const number = randomNumbers(11);
  const bytes = randomBytes(12);
  let accepted = 0;
  for (let i = 0; i < 20_000; i++) {
    const mutated = seed.slice();
    for (let j = 0; j <= number(3); j++) mutated[number(mutated.length)] = bytes(1)[0] ?? 0;
    try {
      const outer = new DerReader(mutated);
      outer.element();
      outer.end();
      walk(new DerReader(mutated));
    } catch (error) {
      expect(error).toBeInstanceOf(DerError);
      continue;
    }
    accepted++;
    const { offset } = fromBER(mutated.slice().buffer);
    expect(offset, Buffer.from(mutated).toString('hex')).toBe(mutated.length);
  }
  expect(accepted).toBeGreaterThan(1000);
});
