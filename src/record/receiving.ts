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

/** Content as the layers above see it: for 'handshake' one whole message, else the content of one record. */
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
  /** A client that fails before it has keys can only send its alert in the clear. */
  #takesPlainAlert: boolean;
  readonly #counters: FloodCounters;
  #maxPadded: number = MAX_PLAINTEXT;
  /** Bytes of refused 0-RTT data that may still be passed over. */
  #skipRoom: number | undefined;
  readonly #boringsslChecks: boolean;

  /** @param boringsslChecks legacy_record_version is looked at, the outer type of a protected record too late */
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
   * Passes over 0-RTT data that was refused (RFC 9846 §4.3.10): until the next key, all of it; under a key, whatever
   * that cannot open, up to the first record that it can.
   * @param size max_early_data_size of the tickets
   */
  skipEarlyData(size: number): void {
    // Ciphertext is longer than what the tickets allow: by 17 bytes and a header for each record.
    this.#skipRoom = this.#roomFor(size);
  }

  /**
   * 0-RTT data comes under the present key. Padding does not count as data (RFC 9846 §4.7.1), but no more of it is taken
   * than would be passed over: no client may depend on that.
   */
  limitEarlyData(size: number): void {
    if (this.#opener !== undefined) this.#opener.room = this.#roomFor(size);
  }

  /** Before the first ClientHello that is seen, what a client sends between two of them (RFC 9846 §5, §4.3.10). */
  expectRetriedHello(size: number): void {
    this.#takesChangeCipherSpec = true;
    this.skipEarlyData(size);
  }

  /** Content bytes per record, padding included, that the peer was told (RFC 8449 §4). */
  limitRecords(content: number): void {
    this.#maxPadded = content;
    // 0-RTT data was sent before the client could know.
    if (this.#opener?.early === false) this.#opener.maxPadded = content;
  }

  /** @returns undefined without a key */
  verifyData(transcriptHash: TranscriptHash): Uint8Array | undefined {
    return this.#opener?.verifyData(transcriptHash);
  }

  /** @throws TlsError ERR_TLS_EXCESS_HANDSHAKE_DATA: what came last is not the end of its record */
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
      // The client has seen the refusal: no 0-RTT data comes any more.
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

  /** RFC 9846 §5: dropped without a look into the state, but for where and what it may be. */
  #dropChangeCipherSpec(body: Uint8Array): undefined {
    const harmless = body.length === 1 && body[0] === 1;
    if (!this.#takesChangeCipherSpec || !harmless || !this.#joiner.empty) {
      reject('ERR_TLS_UNEXPECTED_RECORD', 'unexpected_message', 'an unexpected change_cipher_spec record');
    }
    this.#counters.changeCipherSpec();
  }
}
