import { concat } from '../bytes/concat.ts';
import type { Hash, RunningHash } from '../crypto/provider.ts';
import { HandshakeType } from '../wire/enums.ts';

declare const transcriptBrand: unique symbol;

/** The hash of all handshake messages up to a point (RFC 9846 §4.1); only a {@link Transcript} makes one. */
export type TranscriptHash = Uint8Array & { readonly [transcriptBrand]: true };

/** The running hash over whole handshake messages, headers included. */
export class Transcript {
  readonly #hash: Hash;
  readonly #running: RunningHash;

  static from(hash: Hash): Transcript {
    return new Transcript(hash, hash.start());
  }

  private constructor(hash: Hash, running: RunningHash) {
    this.#hash = hash;
    this.#running = running;
  }

  add(message: Uint8Array): void {
    this.#running.update(message);
  }

  hash(): TranscriptHash {
    return this.#running.digest() as TranscriptHash;
  }

  /** A transcript that goes on separately: each post-handshake authentication needs its own (RFC 9846 §4.7.2). */
  fork(): Transcript {
    return new Transcript(this.#hash, this.#running.fork());
  }

  /** For a HelloRetryRequest: turns a transcript that holds ClientHello1 alone into one that begins with its message_hash. */
  intoRetry(): Transcript {
    const transcript = Transcript.from(this.#hash);
    transcript.add(messageHash(this.hash()));
    return transcript;
  }
}

/** The synthetic message that stands for ClientHello1, RFC 9846 §4.1. */
export function messageHash(clientHello1Hash: Uint8Array): Uint8Array {
  return concat([new Uint8Array([HandshakeType.message_hash, 0, 0, clientHello1Hash.length]), clientHello1Hash]);
}
