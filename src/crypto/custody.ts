/** Something that holds secret bytes. */
export interface Wipeable {
  wipe(): void;
}

/**
 * Holds the secrets of a handshake while it runs. When the handshake ends, however it ends, those that are still held are
 * wiped.
 */
export class Custody {
  readonly #held = new Set<Wipeable>();

  hold<T extends Wipeable>(secret: T): T {
    this.#held.add(secret);
    return secret;
  }

  /** Gives a secret away: the receiver wipes it. */
  give<T extends Wipeable>(secret: T): T {
    this.#held.delete(secret);
    return secret;
  }

  wipe(): void {
    for (const secret of this.#held) secret.wipe();
    this.#held.clear();
  }
}
