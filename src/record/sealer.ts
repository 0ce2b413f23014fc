import { Chunks } from '../bytes/chunks.ts';
import type { CipherSuite } from '../crypto/provider.ts';
import type { Secret, TrafficLabel } from '../crypto/secret.ts';
import { misuse } from '../errors.ts';
import { MAX_PLAINTEXT, RECORD_HEADER } from '../limits.ts';
import { ContentType } from '../wire/enums.ts';
import { INITIAL_VERSION, RECORD_VERSION, writeHeader } from './header.ts';
import type { Outbox } from './outbox.ts';
import { TrafficKey } from './traffic-key.ts';

/**
 * Content bytes of a record that is not the last of its slab. With the 5-byte header, the content type and a 16-byte tag,
 * 16,382 makes the record a multiple of four long, so that in a slab that begins at offset 3 every body is 4-byte aligned:
 * 14–18 % faster in ciphers that work on 32-bit words.
 */
export const ALIGNED_FRAGMENT = 16_382;
const SLAB_START = 3;

/**
 * How many records of `length` bytes of content and padding one turn of an event loop should seal: 16 full ones, about
 * 2.3 ms of pure-JavaScript ChaCha20-Poly1305, or some 250 small ones.
 */
export function recordsPerTurn(length: number): number {
  return Math.max(1, Math.floor((16 * (MAX_PLAINTEXT + RECORD_COST)) / (length + RECORD_COST)));
}

/** The cost of a record besides its content, in bytes of content. */
const RECORD_COST = 1024;

export interface SealerOptions {
  /** Content bytes per record, 1..2^14. Default: 16,382, and up to 2^14 in the last record of a call. */
  readonly maxFragment?: number | undefined;
  /** Content and padding bytes per record, 1..2^14. Default 2^14. */
  readonly maxPadded?: number | undefined;
  /** How many bytes of padding to add to a record; the record takes as many as fit. */
  readonly padding?: ((contentType: number, length: number) => number) | undefined;
}

/** The write half before there are keys: TLSPlaintext, RFC 9846 §5.1. */
export class PlainSealer {
  options: SealerOptions;
  #version: number;

  /**
   * @param firstVersion legacy_record_version of the first record: {@link INITIAL_VERSION} for an initial ClientHello, else
   * {@link RECORD_VERSION} (RFC 9846 §5.1)
   */
  constructor(firstVersion: number, options: SealerOptions = {}) {
    this.#version = firstVersion;
    this.options = options;
  }

  seal(type: number, chunks: readonly Uint8Array[], outbox: Outbox): void {
    const { maxFragment = MAX_PLAINTEXT } = this.options;
    const source = new Chunks(chunks);
    while (source.length > 0) {
      const length = Math.min(source.length, maxFragment);
      const record = new Uint8Array(RECORD_HEADER + length);
      writeHeader(record, 0, type, this.#version, length);
      fill(record, RECORD_HEADER, source.take(length));
      outbox.push(record);
    }
    this.#version = RECORD_VERSION;
  }

  wipe(): void {}
}

/** The write half of one key: TLSCiphertext, RFC 9846 §5.2. */
export class Sealer extends TrafficKey {
  options: SealerOptions;
  readonly #aad = new Uint8Array(RECORD_HEADER);

  /** Takes ownership of `secret`. */
  constructor(suite: CipherSuite, secret: Secret<TrafficLabel>, options: SealerOptions = {}) {
    super(suite, secret);
    this.options = options;
  }

  /** Whether the key has protected as many records as it may (RFC 9846 §5.5). */
  get needsUpdate(): boolean {
    return this.nonces.count >= this.suite.aead.recordLimit;
  }

  /** Seals all of `chunks` as one run of content into one slab: full records, and one for the rest. */
  seal(type: number, chunks: readonly Uint8Array[], outbox: Outbox): void {
    const source = new Chunks(chunks);
    if (source.length === 0) return;
    const sizes = this.#plan(type, source.length);
    let total = 0;
    for (const { length, padding } of sizes) total += this.#recordLength(length, padding);
    const slab = new Uint8Array(SLAB_START + total);
    let offset = SLAB_START;
    for (const { length, padding } of sizes) {
      fill(slab, offset + RECORD_HEADER, source.take(length));
      this.#protect(slab, offset, type, length, padding);
      offset += this.#recordLength(length, padding);
    }
    outbox.push(slab.subarray(SLAB_START));
  }

  #plan(type: number, total: number): { readonly length: number; readonly padding: number }[] {
    const { maxFragment: fragment = ALIGNED_FRAGMENT, maxFragment: lastFragment = MAX_PLAINTEXT } = this.options;
    const records = [];
    let left = total;
    while (left > 0) {
      // No record follows the last one, so alignment does not matter: 2^14 bytes go out as one record.
      const length = left <= lastFragment ? left : fragment;
      records.push({ length, padding: this.#paddingOf(type, length) });
      left -= length;
    }
    return records;
  }

  /** RFC 9846 §5.4: content, type and padding together take 2^14 + 1 bytes at most. */
  #paddingOf(type: number, length: number): number {
    const { padding, maxPadded = MAX_PLAINTEXT } = this.options;
    if (padding === undefined) return 0;
    const wanted = padding(type, length);
    if (!Number.isInteger(wanted) || wanted < 0)
      misuse('ERR_TLS_CONFIG', `padding() must answer a number of bytes, 0 or more, not ${wanted}`);
    return Math.min(wanted, maxPadded - length);
  }

  #recordLength(length: number, padding: number): number {
    return RECORD_HEADER + length + 1 + padding + this.suite.aead.tagLength;
  }

  /** TLSInnerPlaintext in place → TLSCiphertext; the content is already there, the padding is zero as allocated. */
  #protect(slab: Uint8Array, offset: number, type: number, length: number, padding: number): void {
    const inner = length + 1 + padding;
    const sealed = inner + this.suite.aead.tagLength;
    writeHeader(slab, offset, ContentType.application_data, RECORD_VERSION, sealed);
    writeHeader(this.#aad, 0, ContentType.application_data, RECORD_VERSION, sealed);
    const start = offset + RECORD_HEADER;
    slab[start + length] = type;
    this.aead.seal(this.nonces.next(), this.#aad, slab.subarray(start, start + sealed), inner);
  }
}

function fill(target: Uint8Array, at: number, parts: readonly Uint8Array[]): void {
  let offset = at;
  for (const part of parts) {
    target.set(part, offset);
    offset += part.length;
  }
}
