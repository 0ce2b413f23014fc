import type { Facts } from './messages.ts';

/** Where to fetch from, and what to trust. */
export interface Target {
  readonly port: number;
  /** PEM; a file of it for the programs. */
  readonly ca: string;
  readonly caFile: string;
}

export interface Download {
  readonly bytes: Uint8Array;
  /** From the response's first bytes to its last. */
  readonly ms: number;
  /** From the TCP connection to the end of the client's handshake, where the client can tell. */
  readonly handshakeMs: number | undefined;
  /** As the client sees it; the programs leave it to the server. */
  readonly facts: Partial<Facts>;
}

export interface Client {
  readonly name: string;
  /** Why it cannot be used here. */
  readonly missing: string | undefined;
  /** Fetches a path over a connection of its own; rejects where the certificate does not verify. */
  fetch(target: Target, path: string): Promise<Download>;
  /** Connects without the CA. @returns the code it refused the certificate with, `undefined` if it did not refuse */
  refusal(target: Target): Promise<string | undefined>;
}
