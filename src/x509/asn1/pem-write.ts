/**
 * Writes DER as PEM (RFC 7468 §2), in lines of 64 characters.
 * @param label like 'CERTIFICATE'
 *
 * @example
 * ```js
 * import { encodePem } from 'opentls/x509';
 *
 * console.log(encodePem('CERTIFICATE', chain[0]) === cert); // true
 * ```
 */
export function encodePem(label: string, der: Uint8Array): string {
  const lines = base64(der).replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

/** RFC 4648 §4 */
function base64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    for (let shift = 18; shift >= 0; shift -= 6) text += alphabet.charAt((group >> shift) & 63);
  }
  const padding = (3 - (bytes.length % 3)) % 3;
  return text.slice(0, text.length - padding) + '='.repeat(padding);
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
