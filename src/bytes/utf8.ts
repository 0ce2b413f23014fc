export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** ASCII only, for labels and names that the caller has checked; other characters become '?'. */
export function ascii(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte < 0x80 ? String.fromCharCode(byte) : '?';
  return text;
}
