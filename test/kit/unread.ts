// A peer that sends and takes nothing, for the tests of the adapters.

import { setImmediate as turn } from 'node:timers/promises';
import { defaultLimits } from '#opentls/limits';
import type { Forger } from './forger.ts';

/** The bytes of application data that pay for one message after the handshake. */
const price = defaultLimits.postHandshakeBytes;

/** The transport of the end under test. */
export interface StuckTransport {
  push(bytes: Uint8Array): void;
  /** Bytes that the end under test has written and its peer has not taken. */
  readonly unsent: number;
}

/**
 * Sends `message` and as much data as pays for it, `rounds` times.
 * @returns the most bytes that were unsent at a time, and how many bytes of data went out
 */
export async function flood(
  transport: StuckTransport,
  forger: Forger,
  rounds: number,
  message: (index: number) => Uint8Array,
): Promise<{ readonly most: number; readonly sent: number }> {
  let most = 0;
  for (let i = 0; i < rounds; i++) {
    transport.push(Buffer.concat([message(i), forger.data(price)]));
    await turn();
    most = Math.max(most, transport.unsent);
  }
  return { most, sent: rounds * price };
}

/** Lets the event loop turn until `condition` holds, or for a long time. */
export async function until(condition: () => boolean): Promise<void> {
  for (let left = 2000; left > 0 && !condition(); left--) await turn();
}
