import type { CipherSuite } from '../crypto/provider.ts';
import type { Secret, TrafficLabel } from '../crypto/secret.ts';
import { misuse } from '../errors.ts';
import type { TranscriptHash } from '../keys/transcript.ts';
import { MAX_PLAINTEXT, MIN_RECORD_SIZE_LIMIT } from '../limits.ts';
import { ContentType } from '../wire/enums.ts';
import { INITIAL_VERSION, RECORD_VERSION } from './header.ts';
import { Outbox } from './outbox.ts';
import { ALIGNED_FRAGMENT, PlainSealer, recordsPerTurn, Sealer, type SealerOptions } from './sealer.ts';

/** The write half of a connection: makes records of messages, alerts and data, in the order of the calls. */
export class Sending {
  readonly #outbox = new Outbox();
  #options: SealerOptions;
  #sealer: PlainSealer | Sealer;
  /** Handshake messages under the current key that have not become records yet. */
  #flight: Uint8Array[] = [];
  #ccsSent = false;

  /** @throws TlsError ERR_TLS_CONFIG for a maxFragment out of its bounds */
  constructor(role: 'client' | 'server', options: SealerOptions) {
    const { maxFragment = ALIGNED_FRAGMENT } = options;
    if (!Number.isInteger(maxFragment) || maxFragment < MIN_RECORD_SIZE_LIMIT || maxFragment > MAX_PLAINTEXT) {
      misuse('ERR_TLS_CONFIG', `maxFragment is ${maxFragment}, not ${MIN_RECORD_SIZE_LIMIT}..${MAX_PLAINTEXT}`);
    }
    this.#options = options;
    this.#sealer = new PlainSealer(role === 'client' ? INITIAL_VERSION : RECORD_VERSION, options);
  }

  /** Bytes that wait to be taken, with the messages that are not records yet. */
  get length(): number {
    return this.#flight.reduce((sum, { length }) => sum + length, this.#outbox.length);
  }

  /** Whether the key has reached its limit (RFC 9846 §5.5). */
  get needsUpdate(): boolean {
    return this.#sealer instanceof Sealer && this.#sealer.needsUpdate;
  }

  /** Content bytes for one turn of an event loop, in records of `fragment` bytes or of the size that is configured. */
  bytesPerTurn(fragment: number = ALIGNED_FRAGMENT): number {
    const { maxFragment = fragment, padding, maxPadded = MAX_PLAINTEXT } = this.#options;
    const content = Math.min(fragment, maxFragment);
    return content * recordsPerTurn(padding === undefined ? content : maxPadded);
  }

  handshake(message: Uint8Array): void {
    this.#flight.push(message);
  }

  data(chunks: readonly Uint8Array[]): void {
    this.#seal(ContentType.application_data, chunks);
  }

  /** One alert, one record (RFC 9846 §5.1). */
  alert(level: number, description: number): void {
    this.#seal(ContentType.alert, [new Uint8Array([level, description])]);
  }

  /** RFC 9846 Appendix E.4: once, and never protected. */
  changeCipherSpec(): void {
    if (this.#ccsSent) return;
    this.#ccsSent = true;
    this.flush();
    this.#outbox.push(new Uint8Array([ContentType.change_cipher_spec, 3, 3, 0, 1, 1]));
  }

  /** Messages before a key change end their record (RFC 9846 §5.1). */
  protect(suite: CipherSuite, secret: Secret<TrafficLabel>): void {
    try {
      this.flush();
    } catch (error) {
      secret.wipe();
      throw error;
    }
    this.#sealer.wipe();
    this.#sealer = new Sealer(suite, secret, this.#options);
  }

  /** Returns to records without protection, for a second ClientHello after refused 0-RTT data. */
  unprotect(): void {
    this.flush();
    this.#sealer.wipe();
    this.#sealer = new PlainSealer(RECORD_VERSION, this.#options);
  }

  /** Limits the content of records to what the peer takes, or to the configured size where that is less. */
  limitRecords(content: number): void {
    const { maxFragment = content } = this.#options;
    this.#options = { ...this.#options, maxFragment: Math.min(maxFragment, content), maxPadded: content };
    this.#sealer.options = this.#options;
  }

  /** @returns undefined without a key */
  verifyData(transcriptHash: TranscriptHash): Uint8Array | undefined {
    return this.#sealer instanceof Sealer ? this.#sealer.verifyData(transcriptHash) : undefined;
  }

  /** The KeyUpdate message goes out under the old key, all after it under the new (RFC 9846 §4.7.3). */
  updateKey(message: Uint8Array): void {
    this.handshake(message);
    this.flush();
    if (this.#sealer instanceof Sealer) this.#sealer.update();
  }

  /** Turns the gathered handshake messages into records: as few as they fit in. */
  flush(): void {
    if (this.#flight.length === 0) return;
    const flight = this.#flight;
    this.#flight = [];
    this.#sealer.seal(ContentType.handshake, flight, this.#outbox);
  }

  take(): Uint8Array[] {
    this.flush();
    return this.#outbox.take();
  }

  /** Drops the key. The outbox keeps its records. */
  wipe(): void {
    this.#flight = [];
    this.#sealer.wipe();
  }

  #seal(type: number, chunks: readonly Uint8Array[]): void {
    this.flush();
    this.#sealer.seal(type, chunks, this.#outbox);
  }
}
