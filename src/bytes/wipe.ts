/** Overwrites secret bytes. Best effort: copies made by the engine or the collector are out of reach. */
export function wipe(...arrays: readonly (Uint8Array | undefined)[]): void {
  for (const array of arrays) array?.fill(0);
}
