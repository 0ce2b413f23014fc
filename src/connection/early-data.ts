import { misuse, reject } from '../errors.ts';
import type { Exporter } from '../keys/schedule.ts';

/** Counts 0-RTT data (RFC 9846 §4.3.10): how much may still be written, and how much may still come. */
export class EarlyData {
  #writeRoom: number | undefined;
  #readRoom: number | undefined;
  #halfRoundTrip = false;
  #exporter: Exporter<'e exp master'> | undefined;

  /** Bytes of 0-RTT data that may be written; undefined where there can be no more. */
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

  /** @returns the part of the chunk that the server takes */
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

  /** Ends 0-RTT data: the read key has changed. */
  endRead(): void {
    this.#readRoom = undefined;
  }

  /**
   * Counts data of the peer.
   * @returns false where the peer's data is not 0-RTT data
   * @throws TlsError ERR_TLS_TOO_MUCH_EARLY_DATA (RFC 9846 §4.3.10)
   */
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
