/** Something that holds secret bytes. */
export interface Wipeable {
  wipe(): void;
}

/**
 * The secrets that a handshake owns while it goes on. Whatever is still held when it ends, well or badly or given up,
 * is wiped.
 */
export class Custody {
  readonly #held = new Set<Wipeable>();

  hold<T extends Wipeable>(secret: T): T {
    this.#held.add(secret);
    return secret;
  }

  /** From here on the receiver sees to it. */
  give<T extends Wipeable>(secret: T): T {
    this.#held.delete(secret);
    return secret;
  }

  wipe(): void {
    for (const secret of this.#held) secret.wipe();
    this.#held.clear();
  }
}
