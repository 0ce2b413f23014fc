import type { SecretEvent } from '../../../connection/connection.ts';

/** A line of SSLKEYLOGFILE (RFC 9850 §2). */
export function keylogLine({ label, clientRandom, secret }: SecretEvent): Buffer {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  return Buffer.from(`${label} ${hex(clientRandom)} ${hex(secret)}\n`);
}
