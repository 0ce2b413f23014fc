import type { CipherSuite } from '../crypto/provider.ts';
import type { Secret, TrafficLabel } from '../crypto/secret.ts';
import { reject } from '../errors.ts';
import { MAX_PLAINTEXT } from '../limits.ts';
import { ContentType } from '../wire/enums.ts';
import type { RecordView } from './deframer.ts';
import { TrafficKey } from './traffic-key.ts';

/** The content of a record, in fresh memory of about its size. */
export interface Opened {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** A record before there are keys: TLSPlaintext, RFC 9846 §5.1. */
export function openPlain(record: RecordView): Opened {
  if (record.type === ContentType.application_data) {
    reject('ERR_TLS_UNEXPECTED_RECORD', 'unexpected_message', 'application data before there are keys');
  }
  if (record.body.length > MAX_PLAINTEXT) {
    reject('ERR_TLS_RECORD_OVERFLOW', 'record_overflow', `a record of ${record.body.length} bytes`);
  }
  checkNotEmpty(record.type, record.body.length);
  return { type: record.type, bytes: record.body.slice() };
}

/** The read half of one key: TLSCiphertext, RFC 9846 §5.2. */
export class Opener extends TrafficKey {
  readonly #label: TrafficLabel;
  readonly #opensAnyType: boolean;
  /** Content and padding bytes that a record may hold. */
  maxPadded: number = MAX_PLAINTEXT;
  /** Content and padding bytes that all records together may still hold. */
  room: number = Number.POSITIVE_INFINITY;

  /**
   * Takes ownership of `secret`.
   * @param opensAnyType whether to deprotect a record before its outer type is checked
   */
  constructor(suite: CipherSuite, secret: Secret<TrafficLabel>, opensAnyType = false) {
    super(suite, secret);
    this.#label = secret.label;
    this.#opensAnyType = opensAnyType;
  }

  open(record: RecordView): Opened {
    const opened = this.tryOpen(record);
    if (opened !== undefined) return opened;
    if (this.#mayBeOfOtherKey) {
      reject('ERR_TLS_WRONG_KEY', 'bad_record_mac', `a record that is not protected with the key of '${this.#label}'`);
    }
    return reject('ERR_TLS_BAD_RECORD_MAC', 'bad_record_mac', 'a record that cannot be deprotected');
  }

  /**
   * Tries to open a record. One that cannot be deprotected takes no sequence number (RFC 9846 §4.3.10).
   * @returns undefined for such a record
   * @throws TlsError ERR_TLS_INVALID_OUTER_RECORD_TYPE for a record whose type is not application_data
   */
  tryOpen(record: RecordView): Opened | undefined {
    if (!this.#opensAnyType) checkOuterType(record.type);
    // A record without a whole tag cannot be deprotected.
    const length = record.body.length - this.suite.aead.tagLength;
    if (length < 0) return undefined;
    const inner = new Uint8Array(length);
    const { nonces, aead } = this;
    if (!aead.open(nonces.next(), record.header, record.body, inner)) {
      nonces.back();
      return undefined;
    }
    checkOuterType(record.type);
    this.room -= length - 1;
    if (this.room < 0) {
      reject('ERR_TLS_TOO_MUCH_EARLY_DATA', 'unexpected_message', 'more padding of 0-RTT data than is taken');
    }
    return unpad(inner, this.maxPadded);
  }

  /** Whether the key is for 0-RTT data. */
  get early(): boolean {
    return this.#label === 'c e traffic';
  }

  /** Whether the peer may have used another key: at the end of 0-RTT data, and after the server's Finished. */
  get #mayBeOfOtherKey(): boolean {
    return this.early || (this.#label === 's ap traffic' && this.nonces.count === 0);
  }
}

/** RFC 9846 §5.2: a protected record has opaque_type application_data; another one is unexpected (§5). */
function checkOuterType(type: number): void {
  if (type === ContentType.application_data) return;
  const problem = `an unprotected record of type ${type}, where all have to be protected`;
  reject('ERR_TLS_INVALID_OUTER_RECORD_TYPE', 'unexpected_message', problem);
}

/** TLSInnerPlaintext: the last byte that is not zero is the content type (RFC 9846 §5.4). */
function unpad(inner: Uint8Array, maxPadded: number): Opened {
  if (inner.length > maxPadded + 1) {
    reject('ERR_TLS_PLAINTEXT_OVERFLOW', 'record_overflow', `a record that holds ${inner.length - 1} bytes`);
  }
  let end = inner.length - 1;
  while (end >= 0 && inner[end] === 0) end--;
  const type = inner[end];
  if (type === undefined) {
    reject('ERR_TLS_NO_CONTENT_TYPE', 'unexpected_message', 'a record of padding alone, without a content type');
  }
  checkNotEmpty(type, end);
  // The caller counts bytes of content: a view must not keep far more bytes of padding alive.
  const wide = inner.length > 2 * end;
  return { type, bytes: wide ? inner.slice(0, end) : inner.subarray(0, end) };
}

/** RFC 9846 §5.4: a handshake or alert record has content, padded or not. */
function checkNotEmpty(type: number, length: number): void {
  if (length === 0 && (type === ContentType.handshake || type === ContentType.alert)) {
    reject('ERR_TLS_UNEXPECTED_RECORD', 'unexpected_message', 'an empty handshake or alert record');
  }
}
