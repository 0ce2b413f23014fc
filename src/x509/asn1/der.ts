/** The error that the strict DER reader throws; `parse…` functions turn it into a TlsError. */
export class DerError extends Error {}

/** The field of a certificate that holds its key, as {@link FieldError} calls it. */
export const keyField = 'subjectPublicKeyInfo';

/** A {@link DerError} about one field of a certificate, which its message names. */
export class FieldError extends DerError {
  readonly field: string;
  /** The defect, without the name of the field. */
  readonly reason: string;

  constructor(field: string, reason: string) {
    super(`${field}: ${reason}`);
    this.field = field;
    this.reason = reason;
  }
}

/** Universal tags of X.690 §8.1.2, as the identifier octet. */
export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Identifier octets of context-specific tags: [n] primitive (IMPLICIT) and [n] constructed (EXPLICIT or structured). */
export function context(n: number, form: 'primitive' | 'constructed'): number {
  return (form === 'constructed' ? 0xa0 : 0x80) | n;
}

/** One element; its views are made when they are asked for, since most elements are only stepped over or into. */
export class DerElement {
  /** Identifier octet. Tag numbers above 30 are not used in X.509 and are refused. */
  readonly tag: number;
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #contentStart: number;
  readonly #end: number;

  constructor(tag: number, bytes: Uint8Array, start: number, contentStart: number, end: number) {
    this.tag = tag;
    this.#bytes = bytes;
    this.#start = start;
    this.#contentStart = contentStart;
    this.#end = end;
  }

  /** The whole element, header included: a view. */
  get raw(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  get content(): Uint8Array {
    return this.#bytes.subarray(this.#contentStart, this.#end);
  }
}

/** Nesting of elements; a certificate needs about 10. */
export const MAX_DER_DEPTH = 32;

/**
 * A cursor over strict DER (X.690 §10): definite, minimal lengths; minimal INTEGERs; BOOLEAN 00 or ff; nothing left
 * over where the caller says {@link end}. BER that is not DER is refused with {@link DerError}.
 */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #depth: number;
  readonly #end: number;
  #offset: number;
  /** Where the contents begin of the element that was read last. */
  #contentStart = 0;

  /** @param start,end the part of `bytes` to read; default all */
  constructor(bytes: Uint8Array, depth = 0, start = 0, end: number = bytes.length) {
    if (depth > MAX_DER_DEPTH) throw new DerError(`nested deeper than ${MAX_DER_DEPTH}`);
    this.#bytes = bytes;
    this.#depth = depth;
    this.#offset = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#offset === this.#end;
  }

  /** The identifier octet of the next element; undefined at the end. */
  get nextTag(): number | undefined {
    return this.done ? undefined : this.#bytes[this.#offset];
  }

  /** The bytes of all that is left, without consuming it. */
  get rest(): Uint8Array {
    return this.#bytes.subarray(this.#offset, this.#end);
  }

  /** @throws DerError where bytes are left over */
  end(): void {
    if (!this.done) throw new DerError(`${this.#end - this.#offset} bytes left over`);
  }

  /** The next element, of the given tag if one is given. */
  element(tag?: number): DerElement {
    const start = this.#offset;
    const found = this.#step(tag);
    return new DerElement(found, this.#bytes, start, this.#contentStart, this.#offset);
  }

  /** Over the next element, as {@link element} without anything made of it. @returns its tag */
  #step(tag?: number): number {
    const start = this.#offset;
    const found = this.#byte(start);
    if (tag !== undefined && found !== tag) {
      throw new DerError(`tag 0x${found.toString(16)} where 0x${tag.toString(16)} is due`);
    }
    if ((found & 0x1f) === 0x1f) throw new DerError('a tag number above 30');
    // X.690 §8.1.5: end-of-contents belongs to the indefinite form.
    if (found === 0) throw new DerError('end-of-contents octets');
    if (found === 0x0f) throw new DerError('a tag that X.680 §8.4 reserves');
    // X.690 §8.9.1, §8.11.1 and §10.2: of the universal types, SEQUENCE and SET alone are constructed.
    const isList = (found & 0x1e) === 0x10;
    if ((found & 0xc0) === 0 && isList !== ((found & 0x20) !== 0))
      throw new DerError(`a tag 0x${found.toString(16)} of the wrong form`);
    this.#contentStart = start + 1 + this.#lengthBytes(start + 1);
    const end = this.#contentStart + this.#length(start + 1);
    if (end > this.#end) throw new DerError('an element that ends after its container');
    this.#offset = end;
    return found;
  }

  /** The next element if it has this tag. */
  optional(tag: number): DerElement | undefined {
    return this.nextTag === tag ? this.element(tag) : undefined;
  }

  /** A cursor into the next element, which must have this tag. */
  enter(tag: number): DerReader {
    this.#step(tag);
    return new DerReader(this.#bytes, this.#depth + 1, this.#contentStart, this.#offset);
  }

  enterOptional(tag: number): DerReader | undefined {
    return this.nextTag === tag ? this.enter(tag) : undefined;
  }

  sequence(): DerReader {
    return this.enter(Tag.sequence);
  }

  /** A cursor over content that was taken out before, at this reader's depth. */
  within(content: Uint8Array): DerReader {
    return new DerReader(content, this.#depth + 1);
  }

  boolean(): boolean {
    return readBoolean(this.element(Tag.boolean).content);
  }

  /** Big-endian two's complement, minimal: the content octets. */
  integerBytes(): Uint8Array {
    return checkInteger(this.element(Tag.integer).content);
  }

  /** @throws DerError where it is negative or over 2^31 - 1 */
  smallInteger(): number {
    return toSmallInteger(this.integerBytes());
  }

  oid(): string {
    return readOid(this.element(Tag.oid).content);
  }

  octetString(): Uint8Array {
    return this.element(Tag.octetString).content;
  }

  bitString(): BitString {
    return readBitString(this.element(Tag.bitString).content);
  }

  null(): void {
    if (this.element(Tag.null).content.length !== 0) throw new DerError('a NULL with content');
  }

  #byte(offset: number): number {
    const byte = this.#bytes[offset];
    if (byte === undefined || offset >= this.#end) throw new DerError('the bytes end inside an element');
    return byte;
  }

  /** How many bytes the length takes. */
  #lengthBytes(offset: number): number {
    const first = this.#byte(offset);
    return first < 0x80 ? 1 : 1 + (first & 0x7f);
  }

  #length(offset: number): number {
    const first = this.#byte(offset);
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0) throw new DerError('an indefinite length');
    if (count > 4) throw new DerError('a length of more than four bytes');
    let length = 0;
    for (let i = 1; i <= count; i++) length = length * 256 + this.#byte(offset + i);
    if (length < 0x80 || length < 2 ** (8 * (count - 1))) throw new DerError('a length that is not minimal');
    return length;
  }
}

export interface BitString {
  readonly bytes: Uint8Array;
  /** Unused bits of the last byte, 0..7; they are zero. */
  readonly unusedBits: number;
}

export function readBoolean(content: Uint8Array): boolean {
  const [value] = content;
  if (content.length !== 1 || (value !== 0x00 && value !== 0xff)) throw new DerError('a BOOLEAN that is not 00 or ff');
  return value === 0xff;
}

export function checkInteger(content: Uint8Array): Uint8Array {
  const [first, second = 0] = content;
  if (first === undefined) throw new DerError('an INTEGER without content');
  const padded = content.length > 1 && ((first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (padded) throw new DerError('an INTEGER that is not minimal');
  return content;
}

export function toSmallInteger(content: Uint8Array): number {
  checkInteger(content);
  if (content.length > 4 || (content[0] ?? 0) >= 0x80) throw new DerError('an INTEGER out of range');
  let value = 0;
  for (const byte of content) value = value * 256 + byte;
  return value;
}

export function readBitString(content: Uint8Array): BitString {
  const [unusedBits] = content;
  const bytes = content.subarray(1);
  if (unusedBits === undefined || unusedBits > 7 || (bytes.length === 0 && unusedBits > 0)) {
    throw new DerError('a malformed BIT STRING');
  }
  const last = bytes.at(-1) ?? 0;
  if ((last & ((1 << unusedBits) - 1)) !== 0) throw new DerError('a BIT STRING with unused bits that are not zero');
  return { bytes, unusedBits };
}

/** Checks a value that no caller reads: X.690 binds it all the same, as far as its tag tells its type. */
export function checkValue({ tag, content }: DerElement, depth = 0): void {
  if (tag === Tag.boolean) readBoolean(content);
  else if (tag === Tag.integer || tag === Tag.enumerated) checkInteger(content);
  else if (tag === Tag.bitString) readBitString(content);
  else if (tag === Tag.oid) readOid(content);
  else if (tag === Tag.null && content.length > 0) throw new DerError('a NULL with content');
  else if (tag === Tag.utcTime || tag === Tag.generalizedTime) readTime({ tag, content });
  if ((tag & 0x20) === 0) return;
  const inner = new DerReader(content, depth + 1);
  while (!inner.done) checkValue(inner.element(), depth + 1);
}

/** Dotted decimal. Arcs are below 2^53. */
export function readOid(content: Uint8Array): string {
  if (content.length === 0 || (content.at(-1) ?? 0) >= 0x80) throw new DerError('a malformed OBJECT IDENTIFIER');
  let text = '';
  let arc = 0;
  let fresh = true;
  for (const byte of content) {
    if (fresh && byte === 0x80) throw new DerError('an OBJECT IDENTIFIER that is not minimal');
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER) throw new DerError('an OBJECT IDENTIFIER arc out of range');
    fresh = byte < 0x80;
    if (!fresh) continue;
    text += text === '' ? firstArcs(arc) : `.${arc}`;
    arc = 0;
  }
  return text;
}

/** X.690 §8.19.4: the first two arcs share a number. */
function firstArcs(value: number): string {
  const top = value < 40 ? 0 : value < 80 ? 1 : 2;
  return `${top}.${value - 40 * top}`;
}

/**
 * UTCTime or GeneralizedTime in the only forms of RFC 5280 §4.1.2.5: seconds, Zulu, no fractions.
 * @returns milliseconds since 1970
 */
export function readTime(element: Pick<DerElement, 'tag' | 'content'>): number {
  const { tag, content } = element;
  if (tag !== Tag.utcTime && tag !== Tag.generalizedTime) throw new DerError('a time that is none');
  const yearDigits = tag === Tag.utcTime ? 2 : 4;
  if (content.length !== yearDigits + 11 || content[yearDigits + 10] !== 0x5a)
    throw new DerError('not a time of RFC 5280');
  const year = yearDigits === 2 ? centuryOf(digits(content, 0, 2)) : digits(content, 0, 4);
  const [month, day, hour, minute, second] = [0, 2, 4, 6, 8].map((at) => digits(content, yearDigits + at, 2));
  return utcMilliseconds(year, month ?? 0, day ?? 0, hour ?? 0, minute ?? 0, second ?? 0);
}

/** A time as GeneralizedTime that RFC 5280 §4.1.2.5 and §5.1.2.4 have as UTCTime: through the year 2049. */
export function isEarlyGeneralizedTime({ tag, content }: Pick<DerElement, 'tag' | 'content'>): boolean {
  return tag === Tag.generalizedTime && digits(content, 0, 4) < 2050;
}

/** RFC 5280 §4.1.2.5.1: two-digit years are 1950 to 2049. */
function centuryOf(year: number): number {
  return year + (year < 50 ? 2000 : 1900);
}

function digits(content: Uint8Array, start: number, count: number): number {
  let value = 0;
  for (let i = start; i < start + count; i++) {
    const digit = (content[i] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) throw new DerError('a time with something that is no digit');
    value = value * 10 + digit;
  }
  return value;
}

function utcMilliseconds(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const exact = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!exact || hour > 23 || minute > 59 || second > 59) throw new DerError('a time that does not exist');
  return date.setUTCHours(hour, minute, second);
}

/**
 * The first moment after a time that a structure ends at: times have whole seconds, and the last of them belongs to the
 * period (RFC 5280 §4.1.2.5).
 * @param time milliseconds since 1970, as {@link readTime} answers
 */
export function endOf(time: number): number {
  return time + 1000;
}
