export function utf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    // Labels are ASCII, and short: an encoder would cost more than this loop.
    if (code >= 0x80) return new TextEncoder().encode(text);
    bytes[i] = code;
  }
  return bytes;
}

/** ASCII only, for labels and names that the caller has checked; other characters become '?'. */
export function ascii(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte < 0x80 ? String.fromCharCode(byte) : '?';
  return text;
}

/** Text of a peer as a terminal may show it: control characters and line separators by their numbers. */
export function visible(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
