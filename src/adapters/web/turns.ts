/**
 * Lets timers and sockets run between pieces of work. A transport that takes or gives at once settles its promises in
 * microtasks, which come before all timers and sockets.
 */
export class Turns {
  /** The part of this turn that is spent; 1 is all of it. */
  #spent = 0;
  #next: Promise<void> | undefined;

  /** To be called after work on `bytes` of the `most` that a turn allows. Resolves when more work may be done. */
  async spend(bytes: number, most: number): Promise<void> {
    this.#next ??= this.#begin();
    this.#spent += bytes / most;
    if (this.#spent >= 1) await this.#next;
  }

  /** Resolves with the next turn of the event loop. */
  #begin(): Promise<void> {
    return new Promise((resolve) => {
      setTimeout(() => {
        this.#spent = 0;
        this.#next = undefined;
        resolve();
      }, 0);
    });
  }
}
