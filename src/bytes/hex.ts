const digits = '0123456789abcdef';

export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += digits.charAt(byte >> 4) + digits.charAt(byte & 15);
  return text;
}

/** @throws RangeError where `text` is not an even number of hex digits; white space is skipped. */
export function fromHex(text: string): Uint8Array {
  const packed = text.replace(/\s+/g, '');
  if (packed.length % 2 !== 0 || /[^0-9a-fA-F]/.test(packed)) throw new RangeError('not hexadecimal');
  const bytes = new Uint8Array(packed.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(packed.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
