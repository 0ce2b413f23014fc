import type { CipherSuite, RecordAead } from '../crypto/provider.ts';
import type { Secret, TrafficLabel } from '../crypto/secret.ts';
import { nextTraffic, trafficKeys, verifyData } from '../keys/schedule.ts';
import type { TranscriptHash } from '../keys/transcript.ts';
import { NonceSequence } from './nonce.ts';

/** The traffic secret of one direction, with the key and the nonces that it gives (RFC 9846 §7.3, §5.3). */
export class TrafficKey {
  readonly suite: CipherSuite;
  #secret: Secret<TrafficLabel>;
  #aead: RecordAead;
  #nonces: NonceSequence;

  /** Takes ownership of `secret`. */
  constructor(suite: CipherSuite, secret: Secret<TrafficLabel>) {
    this.suite = suite;
    this.#secret = secret;
    const { aead, iv } = trafficKeys(suite, secret);
    this.#aead = aead;
    this.#nonces = new NonceSequence(iv);
  }

  get aead(): RecordAead {
    return this.#aead;
  }

  get nonces(): NonceSequence {
    return this.#nonces;
  }

  /** RFC 9846 §7.2 */
  update(): void {
    this.#secret = nextTraffic(this.suite.hash, this.#secret);
    this.#aead.wipe();
    this.#nonces.wipe();
    const { aead, iv } = trafficKeys(this.suite, this.#secret);
    this.#aead = aead;
    this.#nonces = new NonceSequence(iv);
  }

  /** Finished.verify_data with this secret as the base key (RFC 9846 §4.5.3). */
  verifyData(transcriptHash: TranscriptHash): Uint8Array {
    return verifyData(this.suite.hash, this.#secret, transcriptHash);
  }

  wipe(): void {
    this.#secret.wipe();
    this.#aead.wipe();
    this.#nonces.wipe();
  }
}
