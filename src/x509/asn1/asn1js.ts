/**
 * Builds the DER of certificates and requests with asn1js; the only file that imports it (`der-write.ts` writes that of
 * keys). Bytes in, bytes out: an element is its own encoding, so DER
 * made elsewhere (an issuer's name, a public key) goes into a larger structure untouched.
 */
import * as asn1js from 'asn1js';
import { concat } from '../../bytes/concat.ts';
import { compare } from '../../bytes/equal.ts';
import { misuse } from '../../errors.ts';

export function sequence(...items: readonly Uint8Array[]): Uint8Array {
  return constructed(UNIVERSAL, 16, items);
}

/** SET OF: the items are put in DER's order (X.690 §11.6). */
export function setOf(...items: readonly Uint8Array[]): Uint8Array {
  return constructed(UNIVERSAL, 17, [...items].sort(compare));
}

/** `[tag]` around whole elements: EXPLICIT tagging, or IMPLICIT over a SEQUENCE's or SET's items. */
export function tagged(tag: number, ...items: readonly Uint8Array[]): Uint8Array {
  return constructed(CONTEXT, tag, items);
}

/** `[tag] IMPLICIT` over a primitive type, given as its contents. */
export function taggedContents(tag: number, contents: Uint8Array): Uint8Array {
  return encode(new asn1js.Primitive({ idBlock: { tagClass: CONTEXT, tagNumber: tag }, valueHex: owned(contents) }));
}

export function integer(value: number | bigint): Uint8Array {
  return encode(asn1js.Integer.fromBigInt(value));
}

export function boolean(value: boolean): Uint8Array {
  return encode(new asn1js.Boolean({ value }));
}

export function nullValue(): Uint8Array {
  return encode(new asn1js.Null());
}

/**
 * @param dotted like '2.5.29.17'
 * @throws TlsError ERR_TLS_CONFIG where it is no object identifier
 */
export function objectIdentifier(dotted: string): Uint8Array {
  if (!/^(?:[01]\.[1-3]?\d|2\.(?:0|[1-9]\d{0,8}))(?:\.(?:0|[1-9]\d{0,8}))*$/.test(dotted)) {
    misuse('ERR_TLS_CONFIG', `'${dotted}' is not an object identifier`);
  }
  return encode(new asn1js.ObjectIdentifier({ value: dotted }));
}

export function octetString(contents: Uint8Array): Uint8Array {
  return encode(new asn1js.OctetString({ valueHex: owned(contents) }));
}

export function bitString(contents: Uint8Array, unusedBits = 0): Uint8Array {
  return encode(new asn1js.BitString({ valueHex: owned(contents), unusedBits }));
}

/** A BIT STRING with named bits: trailing zero bits are left out (X.690 §11.2.2). */
export function namedBits(bits: Iterable<number>): Uint8Array {
  const set = [...bits];
  if (set.length === 0) return bitString(new Uint8Array(0));
  const last = Math.max(...set);
  const contents = new Uint8Array((last >> 3) + 1);
  for (const bit of set) contents[bit >> 3] = (contents[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return bitString(contents, 7 - (last & 7));
}

export function utf8String(text: string): Uint8Array {
  return encode(new asn1js.Utf8String({ value: text }));
}

/** @throws TlsError ERR_TLS_CONFIG for a character outside the type (X.680 §41.4) */
export function printableString(text: string): Uint8Array {
  if (!/^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text)) {
    misuse('ERR_TLS_CONFIG', `'${text}' does not fit a PrintableString`);
  }
  return encode(new asn1js.PrintableString({ value: text }));
}

/** @throws TlsError ERR_TLS_CONFIG for a character that is not ASCII */
export function ia5String(text: string): Uint8Array {
  return encode(new asn1js.IA5String({ value: asciiOnly(text) }));
}

/** @throws TlsError ERR_TLS_CONFIG for a character that is not ASCII */
export function asciiOnly(text: string): string {
  for (const character of text) {
    if ((character.codePointAt(0) ?? 0x80) > 0x7f) misuse('ERR_TLS_CONFIG', `'${text}' is not ASCII`);
  }
  return text;
}

/**
 * Time, RFC 5280 §4.1.2.5: UTCTime through the year 2049, GeneralizedTime from 2050 on; whole seconds, in UTC.
 * @param time milliseconds since 1970; a fraction of a second is dropped
 * @throws TlsError ERR_TLS_CONFIG before 1950 or after 9999
 */
export function time(time: number): Uint8Array {
  const date = new Date(time);
  const year = date.getUTCFullYear();
  if (!(year >= 1950 && year <= 9999)) misuse('ERR_TLS_CONFIG', 'a certificate takes times from 1950 to 9999');
  // YYYY-MM-DDTHH:MM:SS.mmmZ
  const digits = `${date.toISOString().slice(0, 19).replace(/[-T:]/g, '')}Z`;
  if (year < 2050) return encode(new asn1js.UTCTime({ value: digits.slice(2) }));
  return encode(new asn1js.GeneralizedTime({ value: digits }));
}

function constructed(tagClass: number, tagNumber: number, items: readonly Uint8Array[]): Uint8Array {
  const block = new asn1js.Primitive({ idBlock: { tagClass, tagNumber }, valueHex: owned(concat(items)) });
  block.idBlock.isConstructed = true;
  return encode(block);
}

function encode(block: asn1js.BaseBlock): Uint8Array {
  return new Uint8Array(block.toBER());
}

/** asn1js takes the whole of an ArrayBuffer, not a view into one. */
function owned(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}

const UNIVERSAL = 1;
const CONTEXT = 3;
