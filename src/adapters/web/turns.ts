/**
 * Has the others take their turn: a transport that takes or gives at once settles its promises in microtasks, and those
 * alone let no timer and no socket run for as long as there is work.
 */
export class Turns {
  /** Of this turn; all of it is 1. */
  #spent = 0;
  #next: Promise<void> | undefined;

  /** Call after work on `bytes` of the `most` that a turn is good for. Resolves when there may be more of it. */
  async spend(bytes: number, most: number): Promise<void> {
    this.#next ??= this.#begin();
    this.#spent += bytes / most;
    if (this.#spent >= 1) await this.#next;
  }

  /** Nobody waits who has been waiting for the transport meanwhile. */
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
