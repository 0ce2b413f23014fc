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
 * All that a handshake script may do with its connection. Each call takes effect at once, in the order of the calls.
 * Only {@link verifyData} answers something; {@link protect} and {@link checkAligned} throw where the peer has sent
 * bytes that must not be there.
 */
export interface RecordLayer {
  /** Sends a whole handshake message. Messages that follow one another under one key share records. */
  send(message: Uint8Array): void;
  /** Sends the dummy change_cipher_spec of RFC 9846 Appendix E.4; a second call does nothing. */
  changeCipherSpec(): void;
  /**
   * Switches one direction to a new key, and takes the secret over.
   * @throws TlsError unexpected_message for 'read', where handshake bytes are left under the old key (RFC 9846 §5.1)
   */
  protect(direction: 'read' | 'write', suite: CipherSuite, secret: Secret<TrafficLabel>): void;
  /**
   * The peer may have sent nothing beyond the message read last: what this endpoint sends now decides what follows.
   * @throws TlsError unexpected_message where handshake bytes are left (RFC 9846 §5.1)
   */
  checkAligned(): void;
  /**
   * Server: the first ClientHello may be the second one of a client that another connection has sent a
   * HelloRetryRequest; a change_cipher_spec and up to `size` bytes of 0-RTT data may stand before it.
   */
  expectRetriedHello(size: number): void;
  /** Server: a HelloRetryRequest was sent whose cookie holds all that the server has to remember. */
  retrySent(): void;
  /** The second ClientHello goes out in the clear, although the first was followed by 0-RTT keys. */
  unprotectWrite(): void;
  /** Client: 0-RTT data may be written from here on, up to `size` bytes. */
  allowEarlyWrite(size: number, exporter: Exporter<'e exp master'>): void;
  /** Client: whether the server accepted the 0-RTT data. Where it did not, no more of it may be written. */
  earlyDecided(accepted: boolean): void;
  /** Client: no more 0-RTT data may be written, since EndOfEarlyData follows. */
  endEarlyWrite(): void;
  /** Server: application data under the key in use is 0-RTT data, `size` bytes at most, until the key changes. */
  takeEarlyData(size: number, exporter: Exporter<'e exp master'>): void;
  /** Server: application data may be written before the client's Finished (RFC 9846 §4.5.3, §2.3). */
  allowHalfRoundTrip(): void;
  /**
   * Server: skips up to `size` bytes of 0-RTT data that was refused (RFC 9846 §4.3.10): records that do not open with
   * the key in use, or all application data while there is no key.
   */
  skipEarlyData(size: number): void;
  /** Limits the content bytes per record, from here on, as the peers agreed (RFC 8449, RFC 6066 §4). */
  limitRecords(direction: 'read' | 'write', content: number): void;
  /** Finished.verify_data under the application traffic secret in use (RFC 9846 §4.7.2). */
  verifyData(direction: 'read' | 'write', transcriptHash: TranscriptHash): Uint8Array;
  /** Logs a secret, if the configuration says `keylog`. Call this before {@link protect} takes the secret over. */
  log(label: KeylogLabel, clientRandom: Uint8Array, secret: Secret<TrafficLabel | 'exp master' | 'e exp master'>): void;
}

/** Sends a message and adds it to the transcript (RFC 9846 §4.1). */
export function emit(records: RecordLayer, transcript: Transcript, message: Uint8Array): void {
  transcript.add(message);
  records.send(message);
}
