import { misuse, reject } from '../errors.ts';
import type { Exporter } from '../keys/schedule.ts';

/** The bookkeeping of 0-RTT data, RFC 9846 §4.3.10: what may still be written, what may still come. */
export class EarlyData {
  #writeRoom: number | undefined;
  #readRoom: number | undefined;
  #halfRoundTrip = false;
  #exporter: Exporter<'e exp master'> | undefined;

  /** Bytes that may be written; undefined: none, and never again. */
  get writeRoom(): number | undefined {
    return this.#writeRoom;
  }

  beginWrite(size: number, exporter: Exporter<'e exp master'>): void {
    this.#writeRoom = size;
    this.#exporter = exporter;
  }

  endWrite(): void {
    this.#writeRoom = undefined;
  }

  /** @returns as much of the chunk as the server takes */
  spend(chunk: Uint8Array): Uint8Array {
    const room =
      this.#writeRoom ?? misuse('ERR_TLS_INVALID_STATE', 'writeEarly() when there is no 0-RTT data to write');
    const taken = chunk.subarray(0, room);
    this.#writeRoom = room - taken.length;
    return taken;
  }

  beginRead(size: number, exporter: Exporter<'e exp master'>): void {
    this.#readRoom = size;
    this.#exporter = exporter;
  }

  /** Server: whether application data may be written although the client's Finished has not come (RFC 9846 §2.3). */
  get halfRoundTrip(): boolean {
    return this.#halfRoundTrip;
  }

  allowHalfRoundTrip(): void {
    this.#halfRoundTrip = true;
  }

  /** The key has changed. */
  endRead(): void {
    this.#readRoom = undefined;
  }

  /** @returns false where no 0-RTT data is to be read now @throws ERR_TLS_TOO_MUCH_EARLY_DATA (RFC 9846 §4.3.10) */
  count(length: number): boolean {
    if (this.#readRoom === undefined) return false;
    this.#readRoom -= length;
    if (this.#readRoom < 0) {
      reject('ERR_TLS_TOO_MUCH_EARLY_DATA', 'unexpected_message', 'more 0-RTT data than the ticket allows');
    }
    return true;
  }

  export(label: string, context: Uint8Array, length: number): Uint8Array {
    const exporter = this.#exporter ?? misuse('ERR_TLS_INVALID_STATE', 'there is no 0-RTT data to export keys for');
    return exporter.export(label, context, length);
  }

  wipe(): void {
    this.#writeRoom = undefined;
    this.#readRoom = undefined;
    this.#exporter?.wipe();
    this.#exporter = undefined;
  }
}
