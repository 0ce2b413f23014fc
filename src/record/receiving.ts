import { Inbox } from '../bytes/inbox.ts';
import type { CipherSuite } from '../crypto/provider.ts';
import type { Secret, TrafficLabel } from '../crypto/secret.ts';
import { reject } from '../errors.ts';
import type { TranscriptHash } from '../keys/transcript.ts';
import { type Limits, MAX_PLAINTEXT } from '../limits.ts';
import { ContentType } from '../wire/enums.ts';
import { Deframer, type RecordView } from './deframer.ts';
import { FloodCounters } from './flood-counters.ts';
import { Joiner } from './joiner.ts';
import { type Opened, Opener, openPlain } from './opener.ts';

/** Content for the layers above: one whole message for 'handshake', else the content of one record. */
export interface Received {
  readonly type: typeof ContentType.handshake | typeof ContentType.alert | typeof ContentType.application_data;
  readonly bytes: Uint8Array;
}

/** The read half of a connection: chunks of ciphertext in, content out. */
export class Receiving {
  readonly #limits: Limits;
  readonly #inbox = new Inbox();
  readonly #deframer: Deframer;
  readonly #joiner: Joiner;
  #opener: Opener | undefined;
  /** RFC 9846 §5: between the first ClientHello and the peer's Finished. */
  #takesChangeCipherSpec: boolean;
  /** Server: a client that fails before it has keys sends its alert in the clear. */
  #takesPlainAlert: boolean;
  readonly #counters: FloodCounters;
  #maxPadded: number = MAX_PLAINTEXT;
  /** Bytes of refused 0-RTT data that may still be skipped. */
  #skipRoom: number | undefined;
  readonly #boringsslChecks: boolean;

  /** @param boringsslChecks check legacy_record_version, and the outer type only after deprotection, as BoringSSL does */
  constructor(
    limits: Limits,
    role: 'client' | 'server',
    boringsslChecks = false,
    counters: FloodCounters = new FloodCounters(limits),
  ) {
    this.#limits = limits;
    this.#counters = counters;
    this.#boringsslChecks = boringsslChecks;
    this.#deframer = new Deframer(boringsslChecks);
    this.#joiner = new Joiner(limits);
    this.#takesChangeCipherSpec = role === 'client';
    this.#takesPlainAlert = role === 'server';
  }

  /** Bytes taken in and not yet used. */
  get buffered(): number {
    return this.#inbox.length;
  }

  append(chunk: Uint8Array): void {
    this.#inbox.append(chunk);
  }

  /** The next content that is complete; undefined when more bytes are needed. */
  next(): Received | undefined {
    for (;;) {
      const message = this.#joiner.next();
      if (message !== undefined) {
        this.#takesChangeCipherSpec ||= this.#opener === undefined;
        return { type: ContentType.handshake, bytes: message };
      }
      const record = this.#deframer.next(this.#inbox);
      if (record === undefined) return undefined;
      const content = this.#open(record);
      this.#deframer.consume(this.#inbox);
      if (content !== undefined) return content;
    }
  }

  /** @throws TlsError ERR_TLS_EXCESS_HANDSHAKE_DATA: handshake bytes cross the key change (RFC 9846 §5.1) */
  protect(suite: CipherSuite, secret: Secret<TrafficLabel>): void {
    try {
      this.checkAligned();
    } catch (error) {
      secret.wipe();
      throw error;
    }
    this.#opener?.wipe();
    this.#opener = new Opener(suite, secret, this.#boringsslChecks);
    this.#opener.maxPadded = this.#maxPadded;
    this.#skipRoom = undefined;
  }

  /**
   * Skips 0-RTT data that the server has refused (RFC 9846 §4.3.10): all records until the next key; under a key, all records
   * up to the first that the key opens.
   * @param size max_early_data_size of the tickets
   */
  skipEarlyData(size: number): void {
    // max_early_data_size counts plaintext: each record is longer by a header and 17 bytes.
    this.#skipRoom = this.#roomFor(size);
  }

  /**
   * Bounds 0-RTT data, which comes under the present key. Padding does not count as data (RFC 9846 §4.7.1), but together they
   * may take no more than the server would skip.
   */
  limitEarlyData(size: number): void {
    if (this.#opener !== undefined) this.#opener.room = this.#roomFor(size);
  }

  /**
   * For a server that has forgotten its HelloRetryRequest: takes change_cipher_spec and refused 0-RTT data, which a client
   * sends ahead of its second ClientHello (RFC 9846 §5, §4.3.10).
   */
  expectRetriedHello(size: number): void {
    this.#takesChangeCipherSpec = true;
    this.skipEarlyData(size);
  }

  /** Limits records to the size that this side has sent to the peer, padding included (RFC 8449 §4). */
  limitRecords(content: number): void {
    this.#maxPadded = content;
    // The client sends 0-RTT data before it knows the limit.
    if (this.#opener?.early === false) this.#opener.maxPadded = content;
  }

  /** @returns undefined without a key */
  verifyData(transcriptHash: TranscriptHash): Uint8Array | undefined {
    return this.#opener?.verifyData(transcriptHash);
  }

  /** @throws TlsError ERR_TLS_EXCESS_HANDSHAKE_DATA where the last message is not the end of its record */
  checkAligned(): void {
    if (!this.#joiner.empty) {
      reject('ERR_TLS_EXCESS_HANDSHAKE_DATA', 'unexpected_message', 'handshake data runs over a change of keys');
    }
  }

  /** The peer's KeyUpdate has been read (RFC 9846 §4.7.3). */
  updateKey(): void {
    this.checkAligned();
    this.#opener?.update();
  }

  /** From here on change_cipher_spec is an unexpected record (RFC 9846 §5). */
  endHandshake(): void {
    this.#takesChangeCipherSpec = false;
  }

  wipe(): void {
    this.#opener?.wipe();
    this.#inbox.wipe();
    this.#joiner.wipe();
  }

  /** @param size max_early_data_size */
  #roomFor(size: number): number {
    return Math.max(this.#limits.skippedEarlyData, 2 * size);
  }

  #open(record: RecordView): Received | undefined {
    if (record.type === ContentType.change_cipher_spec) return this.#dropChangeCipherSpec(record.body);
    const content = this.#decrypt(record);
    if (content === undefined) return this.#skip(record.body.length);
    if (content.type === ContentType.handshake) {
      this.#joiner.push(content.bytes);
      return undefined;
    }
    if (!this.#joiner.empty) {
      reject('ERR_TLS_UNEXPECTED_RECORD', 'unexpected_message', 'a record of another type inside a handshake message');
    }
    switch (content.type) {
      case ContentType.alert:
        return { type: ContentType.alert, bytes: content.bytes };
      case ContentType.application_data:
        this.#counters.record(content.bytes.length);
        return { type: ContentType.application_data, bytes: content.bytes };
      default:
        return reject('ERR_TLS_UNEXPECTED_RECORD', 'unexpected_message', `a record of content type ${content.type}`);
    }
  }

  /** @returns undefined for refused 0-RTT data */
  #decrypt(record: RecordView): Opened | undefined {
    const opener = this.#opener;
    const skipping = this.#skipRoom !== undefined;
    if (opener === undefined) {
      if (skipping && record.type === ContentType.application_data) return undefined;
      // The client has read the refusal, so no more 0-RTT data comes.
      this.#skipRoom = undefined;
      return openPlain(record);
    }
    if (record.type === ContentType.alert && this.#takesPlainAlert) return openPlain(record);
    const content = skipping ? opener.tryOpen(record) : opener.open(record);
    if (content === undefined) return undefined;
    this.#takesPlainAlert = false;
    this.#skipRoom = undefined;
    return content;
  }

  #skip(length: number): undefined {
    this.#counters.record(length);
    this.#skipRoom = (this.#skipRoom ?? 0) - length;
    if (this.#skipRoom < 0) {
      reject('ERR_TLS_TOO_MUCH_SKIPPED_EARLY_DATA', 'unexpected_message', 'too much 0-RTT data after its refusal');
    }
  }

  /** Drops a change_cipher_spec record, which must have one byte, 1, and come within the handshake (RFC 9846 §5). */
  #dropChangeCipherSpec(body: Uint8Array): undefined {
    const harmless = body.length === 1 && body[0] === 1;
    if (!this.#takesChangeCipherSpec || !harmless || !this.#joiner.empty) {
      reject('ERR_TLS_UNEXPECTED_RECORD', 'unexpected_message', 'an unexpected change_cipher_spec record');
    }
    this.#counters.changeCipherSpec();
  }
}
