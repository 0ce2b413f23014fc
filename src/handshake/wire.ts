import type { CipherSuite } from '../crypto/provider.ts';
import type { Secret, TrafficLabel } from '../crypto/secret.ts';
import type { Transcript } from '../keys/transcript.ts';

/** Labels of SSLKEYLOGFILE lines (RFC 9850 §2). */
export type KeylogLabel =
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
  /** Key logging; does nothing unless it was asked for. Call before the secret is given to {@link protect}. */
  log(label: KeylogLabel, clientRandom: Uint8Array, secret: Secret<TrafficLabel | 'exp master'>): void;
}

/** Sends a message and takes it into the transcript (RFC 9846 §4.1). */
export function emit(wire: Wire, transcript: Transcript, message: Uint8Array): void {
  transcript.add(message);
  wire.send(message);
}
