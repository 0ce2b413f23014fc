import { type DerElement, DerError, DerReader, Tag } from '../asn1/der.ts';

/** One entry of revokedCertificates (RFC 5280 §5.1.2.6), its date and its extensions unread. */
export interface RawEntry {
  readonly serialNumber: Uint8Array;
  /** revocationDate, a Time: it may name a moment that does not exist. */
  readonly revocationDate: DerElement;
  /** crlEntryExtensions, DER. */
  readonly extensions: Uint8Array | undefined;
}

/**
 * The entries of a revocation list, found by serial number. A list may have hundreds of thousands: nothing is made of
 * an entry before it is asked for. Its form is checked when the index is built.
 */
export class CrlEntries {
  readonly size: number;
  /** Whether a serial number comes twice, as it may only in lists that are indirect. */
  readonly repeats: boolean;
  /** Whether an entry has a critical extension that is not known, or of a list that is indirect where this is none. */
  readonly unhandled: boolean;
  /** Whether an entry has a GeneralizedTime of a year that UTCTime is for (RFC 5280 §5.1.2.6). */
  readonly earlyGeneralizedTime: boolean;
  readonly #bytes: Uint8Array;
  /** Where entries begin, in order. */
  readonly #offsets: Uint32Array;
  readonly #naming: Uint32Array | undefined;
  /** Open addressing, half full at most: numbers of entries plus one, by the hash of the serial number; the last of those that share one. */
  readonly #table: Uint32Array;
  readonly #mask: number;
  /** For each entry the number plus one of the one before it with its serial number; made when there is such a one. */
  #earlier: Uint32Array | undefined;

  /**
   * @param bytes content of revokedCertificates
   * @param version of the list: in version 1, entries have no extensions
   * @param indirect whether entries may name the issuer of their certificate
   * @throws DerError
   */
  constructor(bytes: Uint8Array, version: 1 | 2, indirect: boolean) {
    this.#bytes = bytes;
    const { offsets, unhandled, early, naming } = entryOffsets(bytes, version, indirect);
    this.#offsets = offsets;
    this.#naming = naming;
    this.unhandled = unhandled;
    this.earlyGeneralizedTime = early;
    this.size = this.#offsets.length;
    let slots = 4;
    while (slots < 2 * this.size) slots *= 2;
    this.#table = new Uint32Array(slots);
    this.#mask = slots - 1;
    this.#fill();
    this.repeats = this.#earlier !== undefined;
  }

  /** The numbers of the entries with this serial number, in order: one, but where the list is indirect. */
  find(serialNumber: Uint8Array): readonly number[] {
    const found: number[] = [];
    const home = hashOf(serialNumber, 0, serialNumber.length) & this.#mask;
    const slot = this.#slotOf(serialNumber, 0, serialNumber.length, home);
    for (let entry = this.#table[slot] ?? 0; entry !== 0; entry = this.#earlier?.[entry - 1] ?? 0)
      found.push(entry - 1);
    return found.reverse();
  }

  /** The number of the entry that names the issuer of this one: the last so far that names any (RFC 5280 §5.3.3). */
  issuerNamedBy(index: number): number | undefined {
    const naming = this.#naming?.[index] ?? 0;
    return naming === 0 ? undefined : naming - 1;
  }

  read(index: number): RawEntry {
    const offset = this.#offsets[index];
    if (offset === undefined) throw new RangeError(`no entry ${index}`);
    const entry = new DerReader(this.#bytes, 0, offset).sequence();
    const serialNumber = entry.integerBytes();
    const revocationDate = entry.element();
    const extensions = entry.done ? undefined : entry.element(Tag.sequence).raw;
    return { serialNumber, revocationDate, extensions };
  }

  #fill(): void {
    let steps = 0;
    for (let n = 0; n < this.size; n++) {
      const { start, end } = this.#serialAt(n);
      const home = hashOf(this.#bytes, start, end) & this.#mask;
      const slot = this.#slotOf(this.#bytes, start, end, home);
      steps += (slot - home) & this.#mask;
      if (steps > MAX_STEPS_EACH * (this.size + 64)) throw new DerError('serial numbers that were chosen to collide');
      const same = this.#table[slot] ?? 0;
      if (same !== 0) {
        this.#earlier ??= new Uint32Array(this.size);
        this.#earlier[n] = same;
      }
      this.#table[slot] = n + 1;
    }
  }

  /** Where a serial number is in the table, or would be. */
  #slotOf(serial: Uint8Array, start: number, end: number, home: number): number {
    for (let slot = home; ; slot = (slot + 1) & this.#mask) {
      const entry = this.#table[slot] ?? 0;
      if (entry === 0) return slot;
      const taken = this.#serialAt(entry - 1);
      if (sameRange(serial, start, end, this.#bytes, taken.start, taken.end)) return slot;
    }
  }

  /** Entries were checked: their serial number comes first and is shorter than 128 bytes. */
  #serialAt(n: number): { readonly start: number; readonly end: number } {
    const entry = this.#offsets[n] ?? 0;
    const first = this.#bytes[entry + 1] ?? 0;
    const start = entry + 2 + (first < 0x80 ? 0 : first & 0x7f) + 2;
    return { start, end: start + (this.#bytes[start - 1] ?? 0) };
  }
}

interface Walk {
  readonly offsets: Uint32Array;
  readonly unhandled: boolean;
  readonly early: boolean;
  /** Of an indirect list: for each entry the number plus one of the entry that names its issuer, or 0. */
  readonly naming: Uint32Array | undefined;
}

/** Steps over each entry, its form checked. The loop runs as often as the list has entries: it makes no objects. */
function entryOffsets(bytes: Uint8Array, version: 1 | 2, indirect: boolean): Walk {
  // The smallest entry takes 20 bytes: 30 12 02 01 nn 17 0d and the time.
  const most = Math.floor(bytes.length / 20) + 1;
  const offsets = new Uint32Array(most);
  const naming = indirect ? new Uint32Array(most) : undefined;
  const cursor = new Cursor(bytes);
  let count = 0;
  let found = 0;
  let named = 0;
  while (cursor.offset < bytes.length) {
    offsets[count++] = cursor.offset;
    const end = cursor.enter(Tag.sequence, bytes.length);
    const serialEnd = cursor.enter(Tag.integer, end);
    checkSerial(bytes, cursor.offset, serialEnd);
    cursor.offset = serialEnd;
    const { tag } = cursor;
    if (tag !== Tag.utcTime && tag !== Tag.generalizedTime) throw new DerError('a revocation date that is no time');
    const timeEnd = cursor.enter(tag, end);
    checkTime(bytes, tag, cursor.offset, timeEnd);
    if (tag === Tag.generalizedTime && isBefore2050(bytes, cursor.offset)) found |= EARLY_TIME;
    cursor.offset = timeEnd;
    const extensions = timeEnd < end && version === 2 ? checkExtensions(cursor, end, indirect) : 0;
    found |= extensions;
    if ((extensions & NAMES_ISSUER) !== 0) named = count;
    if (naming !== undefined) naming[count - 1] = named;
    if (cursor.offset !== end) throw new DerError('bytes left over in an entry');
  }
  if (count === 0) throw new DerError('an empty list of entries');
  return {
    offsets: offsets.slice(0, count),
    unhandled: (found & UNHANDLED) !== 0,
    early: (found & EARLY_TIME) !== 0,
    naming: naming?.slice(0, count),
  };
}

/** Findings about an entry's extensions: bits of a mask. */
const UNHANDLED = 1;
const NAMES_ISSUER = 2;
const EARLY_TIME = 4;

/** A position in strict DER. It checks as `DerReader` does, without a reader for each level. */
class Cursor {
  offset = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get tag(): number | undefined {
    return this.#bytes[this.offset];
  }

  /** The last byte, n, where the contents of an OBJECT IDENTIFIER here are 2.5.29.n; else 0. */
  idCe(end: number): number {
    const bytes = this.#bytes;
    const under = end - this.offset === 3 && bytes[this.offset] === 0x55 && bytes[this.offset + 1] === 29;
    return under ? (bytes[this.offset + 2] ?? 0) : 0;
  }

  /** X.690 §11.1 and §11.5: TRUE is ff, and FALSE, the default, is not encoded. */
  stepOverTrue(containerEnd: number): void {
    const end = this.enter(Tag.boolean, containerEnd);
    if (end - this.offset !== 1 || this.#bytes[this.offset] !== 0xff) throw new DerError('a BOOLEAN that is not TRUE');
    this.offset = end;
  }

  /** Moves to the contents of the next element. @returns where they end */
  enter(tag: number, containerEnd: number): number {
    const bytes = this.#bytes;
    if (bytes[this.offset] !== tag) throw new DerError(`no element of tag 0x${tag.toString(16)} where one is due`);
    const first = bytes[this.offset + 1] ?? 0x80;
    let length = first;
    this.offset += 2;
    if (first >= 0x80) {
      const count = first & 0x7f;
      if (count === 0 || count > 3) throw new DerError('a length that is indefinite or out of range');
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + (bytes[this.offset++] ?? 0);
      if (length < 0x80 || length < 2 ** (8 * (count - 1))) throw new DerError('a length that is not minimal');
    }
    const end = this.offset + length;
    if (end > containerEnd) throw new DerError('an element that ends after its container');
    return end;
  }
}

/**
 * Extensions, RFC 5280 §4.1: SEQUENCE OF SEQUENCE { OID, BOOLEAN DEFAULT FALSE, OCTET STRING }; authorities in use
 * write empty ones.
 * @returns UNHANDLED where one is critical and not known, NAMES_ISSUER where one is certificateIssuer, or both
 */
function checkExtensions(cursor: Cursor, entryEnd: number, indirect: boolean): number {
  const end = cursor.enter(Tag.sequence, entryEnd);
  let found = 0;
  while (cursor.offset < end) {
    const extensionEnd = cursor.enter(Tag.sequence, end);
    const oidEnd = cursor.enter(Tag.oid, extensionEnd);
    const id = cursor.idCe(oidEnd);
    const namesIssuer = id === CERTIFICATE_ISSUER && indirect;
    if (namesIssuer) found |= NAMES_ISSUER;
    cursor.offset = oidEnd;
    if (cursor.tag === Tag.boolean) {
      cursor.stepOverTrue(extensionEnd);
      if (id !== REASON_CODE && id !== INVALIDITY_DATE && !namesIssuer) found |= UNHANDLED;
    }
    cursor.offset = cursor.enter(Tag.octetString, extensionEnd);
    if (cursor.offset !== extensionEnd) throw new DerError('bytes left over in an extension');
  }
  return found;
}

/** 2.5.29.n */
const REASON_CODE = 21;
const INVALIDITY_DATE = 24;
const CERTIFICATE_ISSUER = 29;

/** Checks a serial number: minimal, and short enough for a length of one byte. Negative ones exist, against RFC 5280. */
function checkSerial(bytes: Uint8Array, start: number, end: number): void {
  const first = bytes[start] ?? 0;
  const second = bytes[start + 1] ?? 0;
  if (end === start || end - start >= 0x80) throw new DerError('a serial number of no or too many bytes');
  const padded = end - start > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (padded) throw new DerError('a serial number that is not minimal');
}

/** Digits and a Z; whether the time exists is seen when the entry is read. */
function checkTime(bytes: Uint8Array, tag: number, start: number, end: number): void {
  if (end - start !== (tag === Tag.utcTime ? 13 : 15) || bytes[end - 1] !== 0x5a) {
    throw new DerError('not a time of RFC 5280');
  }
  for (let at = start; at < end - 1; at++) {
    const digit = bytes[at] ?? 0;
    if (digit < 0x30 || digit > 0x39) throw new DerError('a time with something that is no digit');
  }
}

/** Whether a time whose year has four digits is before 2050. */
function isBefore2050(bytes: Uint8Array, at: number): boolean {
  const century = 10 * (bytes[at] ?? 0) + (bytes[at + 1] ?? 0) - 11 * 0x30;
  return century < 20 || (century === 20 && (bytes[at + 2] ?? 0) < 0x35);
}

/** Steps past slots that are taken, on average: chance makes half a step where the table is half full. */
const MAX_STEPS_EACH = 8;

/** FNV-1a, 32 bits. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function sameRange(a: Uint8Array, start: number, end: number, b: Uint8Array, bStart: number, bEnd: number): boolean {
  if (end - start !== bEnd - bStart) return false;
  for (let i = 0; i < end - start; i++) if (a[start + i] !== b[bStart + i]) return false;
  return true;
}
