import { ownDer, text as textRule, wrong } from '../../options.ts';

/** One block of a PEM file (RFC 7468): its label, as 'CERTIFICATE', and its bytes. */
export interface PemBlock {
  readonly label: string;
  readonly der: Uint8Array;
  /** RFC 1421 headers such as `DEK-Info`, which only old encrypted keys carry. */
  readonly headers: string;
}

/** Text that begins as a PEM block and is none. */
export interface BrokenPemBlock {
  readonly label: string;
  readonly problem: string;
}

/**
 * All blocks of a text, in order. Text around them, CRLF and trailing blanks are ignored, as OpenSSL does.
 * @throws RangeError where a block has no end or is not base64
 *
 * @example
 * ```js
 * import { decodePem } from 'opentls/x509';
 *
 * console.log(decodePem(cert + key).map(({ label }) => label)); // [ 'CERTIFICATE', 'PRIVATE KEY' ]
 * ```
 */
export function decodePem(text: string): readonly PemBlock[] {
  if (typeof text !== 'string') wrong('decodePem: text', 'the text of a PEM file', text);
  return readPem(text).map((block) => {
    if ('problem' in block) throw new RangeError(`the PEM block ${block.label} ${block.problem}`);
    return block;
  });
}

/** Reads all blocks as {@link decodePem} does, and describes the broken ones instead of throwing. */
export function readPem(text: string): readonly (PemBlock | BrokenPemBlock)[] {
  return [...text.matchAll(boundary)].map((match) => {
    const [begin = '', label = ''] = match;
    const start = match.index + begin.length;
    const end = text.indexOf(`-----END ${label}-----`, start);
    return end < 0 ? { label, problem: 'has no end' } : decodeBlock(label, text.slice(start, end));
  });
}

/** The bytes of base64 with padding; white space is ignored. @throws RangeError where it is something else */
export function decodeBase64(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, '');
  if (digits.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(digits)) throw new RangeError('not base64');
  const padding = digits.endsWith('==') ? 2 : digits.endsWith('=') ? 1 : 0;
  const bytes = new Uint8Array((digits.length / 4) * 3 - padding);
  for (let i = 0, offset = 0; i < digits.length; i += 4, offset += 3) {
    const group =
      (value(digits, i) << 18) | (value(digits, i + 1) << 12) | (value(digits, i + 2) << 6) | value(digits, i + 3);
    bytes[offset] = group >>> 16;
    if (offset + 1 < bytes.length) bytes[offset + 1] = group >>> 8;
    if (offset + 2 < bytes.length) bytes[offset + 2] = group;
  }
  return bytes;
}

function decodeBlock(label: string, body: string): PemBlock | BrokenPemBlock {
  // RFC 1421 headers end with an empty line.
  const split = /^\s*[A-Za-z0-9-]+:/.test(body) ? /\r?\n[ \t]*\r?\n/.exec(body) : null;
  const headers = split === null ? '' : body.slice(0, split.index).trim();
  const base64 = split === null ? body : body.slice(split.index);
  try {
    return { label, headers, der: decodeBase64(base64) };
  } catch {
    return { label, problem: 'is not base64' };
  }
}

function value(digits: string, index: number): number {
  const code = values[digits.charCodeAt(index)];
  return code ?? 0;
}

const boundary = /-----BEGIN ([A-Z0-9 #]+)-----/g;

const values: readonly number[] = (() => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const table = new Array<number>(128).fill(0);
  for (let i = 0; i < alphabet.length; i++) table[alphabet.charCodeAt(i)] = i;
  return table;
})();

/**
 * Writes DER as PEM (RFC 7468 §2), in lines of 64 characters.
 * @param label like 'CERTIFICATE'
 * @throws TlsError ERR_TLS_CONFIG for a label that is no text, and for what is not DER bytes
 *
 * @example
 * ```js
 * import { encodePem } from 'opentls/x509';
 *
 * console.log(encodePem('CERTIFICATE', chain[0]) === cert); // true
 * ```
 */
export function encodePem(label: string, der: Uint8Array): string {
  textRule(label, 'encodePem: label');
  ownDer(der, 'encodePem: der');
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
