import type { CipherSuite } from '../../crypto/provider.ts';
import type { Secret, TrafficLabel } from '../../crypto/secret.ts';
import type { Exporter } from '../../keys/schedule.ts';
import type { Transcript, TranscriptHash } from '../../keys/transcript.ts';

/** Labels of SSLKEYLOGFILE lines (RFC 9850 §2). */
export type KeylogLabel =
  | 'CLIENT_EARLY_TRAFFIC_SECRET'
  | 'EARLY_EXPORTER_SECRET'
  | 'CLIENT_HANDSHAKE_TRAFFIC_SECRET'
  | 'SERVER_HANDSHAKE_TRAFFIC_SECRET'
  | 'CLIENT_TRAFFIC_SECRET_0'
  | 'SERVER_TRAFFIC_SECRET_0'
  | 'EXPORTER_SECRET';

/**
 * What a handshake tells its record layer, and all it may tell it. Each call takes effect at once and in order;
 * none answers.
 */
export interface Wire {
  /** A whole handshake message; neighbours under one key share records. */
  send(message: Uint8Array): void;
  /** The dummy change_cipher_spec of RFC 9846 Appendix E.4; sent once at most. */
  changeCipherSpec(): void;
  /**
   * Switches one direction to a new key and takes ownership of the secret. For 'read' the handshake must stand at a
   * record boundary (RFC 9846 §5.1), else unexpected_message.
   */
  protect(direction: 'read' | 'write', suite: CipherSuite, secret: Secret<TrafficLabel>): void;
  /** Nothing may have come yet beyond the message read last: what is sent now changes what has to follow it. */
  checkAligned(): void;
  /** Server: what comes first may be what follows a HelloRetryRequest of another connection. */
  expectRetriedHello(size: number): void;
  /** Server: a HelloRetryRequest was sent whose cookie says all. */
  retrySent(): void;
  /** The second ClientHello goes out in the clear, although the first was followed by 0-RTT keys. */
  unprotectWrite(): void;
  /** Client: 0-RTT data may be written from here on, up to `size` bytes. */
  allowEarlyWrite(size: number, exporter: Exporter<'e exp master'>): void;
  /** Client: what became of it; on refusal nothing more is taken. */
  earlyDecided(accepted: boolean): void;
  /** Client: ends what was accepted, before EndOfEarlyData. */
  endEarlyWrite(): void;
  /** Server: application data under the key in use is 0-RTT data, `size` bytes at most, until the key changes. */
  takeEarlyData(size: number, exporter: Exporter<'e exp master'>): void;
  /** Server: application data may be written before the client's Finished (RFC 9846 §4.5.3, §2.3). */
  allowHalfRoundTrip(): void;
  /**
   * Server: 0-RTT data was refused, and has to be passed over (RFC 9846 §4.3.10): records that cannot be read with
   * the key in use, or all application data while there is none.
   */
  skipEarlyData(size: number): void;
  /** Content bytes per record, from here on, as the peers agreed (RFC 8449, RFC 6066 §4). */
  limitRecords(direction: 'read' | 'write', content: number): void;
  /** Finished.verify_data under the application traffic secret in use (RFC 9846 §4.7.2). */
  verifyData(direction: 'read' | 'write', transcriptHash: TranscriptHash): Uint8Array;
  /** Key logging; does nothing unless it was asked for. Call before the secret is given to {@link protect}. */
  log(label: KeylogLabel, clientRandom: Uint8Array, secret: Secret<TrafficLabel | 'exp master' | 'e exp master'>): void;
}

/** Sends a message and takes it into the transcript (RFC 9846 §4.1). */
export function emit(wire: Wire, transcript: Transcript, message: Uint8Array): void {
  transcript.add(message);
  wire.send(message);
}
