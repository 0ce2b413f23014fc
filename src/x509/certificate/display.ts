import { TlsError } from '../../errors.ts';
import { derBytes } from '../../options.ts';
import {
  checkInteger,
  context,
  type DerElement,
  DerError,
  DerReader,
  MAX_DER_DEPTH,
  readTime,
  Tag,
} from '../asn1/der.ts';
import { element } from '../asn1/der-write.ts';
import {
  MAX_CERTIFICATE,
  parseCertificate,
  parseVersion,
  readUniqueId,
  type ShownCertificate,
  shown,
  type UnreadableField,
} from './certificate.ts';
import { type CertificateExtension, readExtension } from './extensions.ts';
import { parseName, readableName } from './names.ts';
import { readSignature } from './signed-object.ts';

/**
 * Reads a certificate for display. One that {@link parseCertificate} refuses is read field by field, as BER where it is not
 * DER, and `unreadable` lists what is wrong. Nothing may be judged by the result except its key.
 * @param der one certificate; kept, not copied
 * @throws TlsError INVALID_CERTIFICATE for what does not even have the fields of a certificate
 *
 * @example
 * ```js
 * import { showCertificate } from 'opentls/x509';
 *
 * const certificate = showCertificate(chain[0]);
 * console.log(certificate.unreadable.length); // 0
 * ```
 */
export function showCertificate(der: Uint8Array): ShownCertificate {
  derBytes(der, 'the certificate');
  try {
    return shown(parseCertificate(der));
  } catch (error) {
    if (!(error instanceof TlsError)) throw error;
    const fields = der.length > MAX_CERTIFICATE ? undefined : orElse(() => readLoosely(der), undefined);
    if (fields === undefined) throw error;
    const reason = error.cause instanceof Error ? error.cause.message : error.message;
    return shown(fields.known, [{ field: 'certificate', reason }, ...fields.unreadable]);
  }
}

interface Loose {
  readonly known: Parameters<typeof shown>[0];
  readonly unreadable: readonly UnreadableField[];
}

function readLoosely(raw: Uint8Array): Loose {
  const unreadable: UnreadableField[] = [];
  const [tbs, algorithm, signature] = elementsOf(toDer(raw));
  if (tbs === undefined || algorithm === undefined || signature === undefined) throw new DerError('no certificate');
  const all = elementsOf(tbs.raw);
  const hasVersion = all[0]?.tag === context(0, 'constructed');
  const [serial, , issuer, validity, subject, spki, ...more] = hasVersion ? all.slice(1) : all;
  if (!(serial && issuer && validity && subject && spki)) throw new DerError('no certificate');
  const [from, to] = orElse(() => elementsOf(validity.raw), []);
  const optional = (n: number, form: 'primitive' | 'constructed'): DerElement | undefined =>
    more.find(({ tag }) => tag === context(n, form));
  const known = {
    raw,
    tbs: tbs.raw,
    version: read('version', () => parseVersion(new DerReader(tbs.content)), 3),
    serialNumber: read('serialNumber', () => checkInteger(serial.content), serial.content),
    issuer: read('issuer', () => parseName(issuer.raw), readableName(issuer.raw)),
    subject: read('subject', () => parseName(subject.raw), readableName(subject.raw)),
    // A time that cannot be read makes the certificate never valid.
    notBefore: read('notBefore', () => readTime(present(from)), Number.POSITIVE_INFINITY),
    notAfter: read('notAfter', () => readTime(present(to)), Number.NEGATIVE_INFINITY),
    earlyGeneralizedTime: false,
    spki: spki.raw,
    signature: read('signature', () => readSignature(algorithm.raw, signature.content.subarray(1)), unsigned),
    issuerUniqueId: read('issuerUniqueId', () => readUniqueId(optional(1, 'primitive')), undefined),
    subjectUniqueId: read('subjectUniqueId', () => readUniqueId(optional(2, 'primitive')), undefined),
    extensions: readExtensions(optional(3, 'constructed')),
  } as const;
  return { known, unreadable };

  function read<T>(field: string, attempt: () => T, instead: T): T {
    return orElse(attempt, instead, (reason) => {
      // A certificate may hold ten thousand broken extensions: the field is listed once.
      if (unreadable.every((known) => known.field !== field)) unreadable.push({ field, reason });
    });
  }

  /** Each by itself, the first of its kind. */
  function readExtensions(wrapper: DerElement | undefined): readonly CertificateExtension[] {
    const [list] = wrapper === undefined ? [] : read('extensions', () => elementsOf(wrapper.raw), []);
    const items = list === undefined ? [] : read('extensions', () => elementsOf(list.raw), []);
    const found = new Map<string, CertificateExtension>();
    for (const { raw: item } of items) {
      read(
        'extensions',
        () => {
          const extension = readExtension(new DerReader(item));
          if (found.has(extension.oid)) throw new DerError(`${extension.oid} twice`);
          found.set(extension.oid, { ...extension, critical: extension.critical === true });
        },
        undefined,
      );
    }
    return [...found.values()];
  }
}

/** The elements inside of one constructed element. */
function elementsOf(der: Uint8Array): readonly DerElement[] {
  const [tag] = der;
  const inside = new DerReader(der).enter(tag === context(3, 'constructed') ? tag : Tag.sequence);
  const elements: DerElement[] = [];
  while (!inside.done) elements.push(inside.element());
  return elements;
}

function present(element: DerElement | undefined): DerElement {
  if (element === undefined) throw new DerError('it is missing');
  return element;
}

function orElse<T, U>(read: () => T, instead: U, note: (reason: string) => void = () => undefined): T | U {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    note(error.message);
    return instead;
  }
}

/**
 * BER with its lengths and BOOLEANs as DER has them (X.690 §8.1.3, §10.1, §11.1). What is inside of an OCTET STRING
 * stays as it is.
 */
function toDer(ber: Uint8Array): Uint8Array {
  const { der, end } = transcode(ber, 0, 0);
  if (end !== ber.length) throw new DerError(`${ber.length - end} bytes left over`);
  return der;
}

interface Transcoded {
  readonly der: Uint8Array;
  /** Where the element ended in the source. */
  readonly end: number;
}

function transcode(ber: Uint8Array, at: number, depth: number): Transcoded {
  if (depth > MAX_DER_DEPTH) throw new DerError(`nested deeper than ${MAX_DER_DEPTH}`);
  const { tag, start, end } = readHeader(ber, at);
  if ((tag & 0x20) === 0) {
    if (end === undefined) throw new DerError('an indefinite length of what is not constructed');
    const content = ber.subarray(start, end);
    const truth = tag === Tag.boolean && content.length === 1 && content[0] !== 0;
    return { der: element(tag, truth ? Uint8Array.of(0xff) : content), end };
  }
  const children: Uint8Array[] = [];
  let next = start;
  // X.690 §8.1.5: of an indefinite length two zero bytes are the end.
  while (end === undefined ? ber[next] !== 0 || ber[next + 1] !== 0 : next < end) {
    const child = transcode(ber, next, depth + 1);
    children.push(child.der);
    next = child.end;
  }
  if (end !== undefined && next !== end) throw new DerError('an element that ends after its container');
  return { der: element(tag, ...children), end: end ?? next + 2 };
}

/** @returns `end`: undefined where the length is indefinite */
function readHeader(ber: Uint8Array, at: number): { tag: number; start: number; end: number | undefined } {
  const [tag, first] = ber.subarray(at, at + 2);
  if (tag === undefined || first === undefined) throw new DerError('the bytes end inside an element');
  if ((tag & 0x1f) === 0x1f) throw new DerError('a tag number above 30');
  if (first === 0x80) return { tag, start: at + 2, end: undefined };
  const digits = first < 0x80 ? 0 : first & 0x7f;
  const start = at + 2 + digits;
  let length = digits === 0 ? first : 0;
  for (const byte of ber.subarray(at + 2, start)) length = length * 256 + byte;
  if (start + length > ber.length) throw new DerError('an element that ends after its container');
  return { tag, start, end: start + length };
}

const unsigned = { oid: '', algorithm: undefined, bytes: new Uint8Array(0) } as const;
