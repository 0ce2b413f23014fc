import { concat } from '../../bytes/concat.ts';
import type { Hash, SignatureAlgorithm } from '../../crypto/provider.ts';
import { context, DerError, DerReader, Tag } from '../asn1/der.ts';
import { element } from '../asn1/der-write.ts';
import type { Certificate } from '../certificate/certificate.ts';
import { ExtensionOid } from '../certificate/extensions.ts';

/** SignedCertificateTimestamp, RFC 6962 §3.2: a log's promise to have a certificate in it. */
export interface Sct {
  /** SHA-256 of the log's SubjectPublicKeyInfo, 32 bytes. */
  readonly logId: Uint8Array;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly extensions: Uint8Array;
  /** Undefined for an algorithm that RFC 6962 §2.1.4 does not allow. */
  readonly algorithm: SignatureAlgorithm | undefined;
  readonly signature: Uint8Array;
}

/**
 * Timestamps of a SignedCertificateTimestampList (RFC 6962 §3.3); versions that are not known are passed over.
 * @throws DerError for a malformed list
 */
export function parseScts(list: Uint8Array): readonly Sct[] {
  const outer = new Cursor(list);
  const items = new Cursor(outer.opaque16());
  outer.end();
  const scts: Sct[] = [];
  while (!items.done) {
    const item = new Cursor(items.opaque16());
    if (item.take(1)[0] === 0) scts.push(parseV1(item));
  }
  return scts;
}

function parseV1(cursor: Cursor): Sct {
  const logId = cursor.take(32);
  const timestamp = cursor.take(8).reduce((value, byte) => value * 256 + byte, 0);
  const extensions = cursor.opaque16();
  const [hash = 0, algorithm = 0] = cursor.take(2);
  const signature = cursor.opaque16();
  cursor.end();
  return { logId, timestamp, extensions, algorithm: algorithms.get(`${hash} ${algorithm}`), signature };
}

/** SignatureAndHashAlgorithm of TLS 1.2: SHA-256 with ECDSA or RSA (RFC 6962 §2.1.4). */
const algorithms: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  ['4 3', 'ecdsa_sha256'],
  ['4 1', 'rsa_pkcs1_sha256'],
]);

/** The bytes that a log signs for a certificate that was handed to it whole (RFC 6962 §3.2, x509_entry). */
export function certificateEntry({ raw }: Certificate): Uint8Array {
  return concat([Uint8Array.of(0, 0), uint24(raw.length), raw]);
}

/** The bytes that a log signs before the certificate is issued: without the timestamps that it will carry (precert_entry). */
export function precertificateEntry(leaf: Certificate, issuer: Certificate, sha256: Hash): Uint8Array {
  const tbs = withoutScts(leaf.tbs);
  return concat([Uint8Array.of(0, 1), sha256.digest(issuer.spki), uint24(tbs.length), tbs]);
}

/** The digitally-signed struct of RFC 6962 §3.2. */
export function signedMessage({ timestamp, extensions }: Sct, entry: Uint8Array): Uint8Array {
  const head = new Uint8Array(10);
  const view = new DataView(head.buffer);
  // Version v1 and SignatureType certificate_timestamp are zero, both.
  view.setUint32(2, Math.floor(timestamp / 2 ** 32));
  view.setUint32(6, timestamp >>> 0);
  return concat([head, entry, Uint8Array.of(extensions.length >> 8, extensions.length & 255), extensions]);
}

/** TBSCertificate with the extension of the timestamps left out, encoded anew. */
function withoutScts(tbs: Uint8Array): Uint8Array {
  const reader = new DerReader(tbs).sequence();
  const fields: Uint8Array[] = [];
  while (!reader.done) {
    const field = reader.element();
    fields.push(field.tag === context(3, 'constructed') ? filterExtensions(field.content) : field.raw);
  }
  return element(Tag.sequence, ...fields);
}

function filterExtensions(wrapped: Uint8Array): Uint8Array {
  const list = new DerReader(wrapped).sequence();
  const kept: Uint8Array[] = [];
  while (!list.done) {
    const { raw, content } = list.element(Tag.sequence);
    if (new DerReader(content).oid() !== ExtensionOid.sctList) kept.push(raw);
  }
  return kept.length === 0 ? new Uint8Array(0) : element(context(3, 'constructed'), element(Tag.sequence, ...kept));
}

function uint24(value: number): Uint8Array {
  return Uint8Array.of(value >> 16, (value >> 8) & 255, value & 255);
}

/** The few structures of TLS's presentation language that timestamps have. */
class Cursor {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#offset === this.#bytes.length;
  }

  take(count: number): Uint8Array {
    const taken = this.#bytes.subarray(this.#offset, this.#offset + count);
    if (taken.length < count) throw new DerError('a timestamp that is cut off');
    this.#offset += count;
    return taken;
  }

  opaque16(): Uint8Array {
    const [high = 0, low = 0] = this.take(2);
    return this.take(high * 256 + low);
  }

  end(): void {
    if (!this.done) throw new DerError('bytes left over after a timestamp');
  }
}
