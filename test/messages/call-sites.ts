import { readdirSync, readFileSync } from 'node:fs';

/** A place in src that makes an error: its code, and its message as the source has it. */
export interface CallSite {
  readonly code: string;
  readonly message: string;
}

const root = new URL('../../src/', import.meta.url);
const makers = /\b(?:reject|misuse|ownFault|codedError|new TlsError|new CheckFailure|unknownStatus|refuse)\(/g;

/** A failure as data: code and reason side by side. */
const failures = /\bcode: '([A-Z_]+)',\s+reason: ['`]([^'`]+)['`]/g;

/** Every call in src whose code is a literal, in the order of codes. */
export function callSites(): readonly CallSite[] {
  const found = new Map<string, CallSite>();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const text = withoutComments(readFileSync(`${entry.parentPath}/${entry.name}`, 'utf8'));
    for (const match of text.matchAll(makers)) {
      const site = siteOf(argumentsAt(text, match.index + match[0].length));
      if (site !== undefined) found.set(`${site.code} ${site.message}`, site);
    }
    for (const [, code = '', message = ''] of text.matchAll(failures))
      found.set(`${code} ${message}`, { code, message });
  }
  return [...found.values()].sort((a, b) => compare(a.code, b.code) || compare(a.message, b.message));
}

/** The codes of the unions in src/errors.ts that are written out there. */
export function codesOf(union: 'LocalErrorCode' | 'CertificateErrorCode'): readonly string[] {
  const text = readFileSync(new URL('errors.ts', root), 'utf8');
  const begin = text.indexOf(`export type ${union} =`);
  const members = text.slice(begin, text.indexOf(';', begin));
  return [...members.matchAll(/'([A-Z0-9_]+)'/g)].map(([, code = '']) => code);
}

/** An example in a docstring is no call. */
function withoutComments(text: string): string {
  return text.replaceAll(/^ *(?:\/\/|\/?\*).*$/gm, '');
}

function siteOf(parts: readonly string[]): CallSite | undefined {
  const code = /^'([A-Z][A-Z0-9_]+)'$/.exec(parts[0] ?? '')?.[1];
  const message = parts.slice(1).find((part) => /^['"`].* .*['"`]$/.test(part));
  return code === undefined || message === undefined ? undefined : { code, message: message.slice(1, -1) };
}

/** The arguments of a call as text, white space in a row as one blank. */
function argumentsAt(text: string, start: number): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let quote = '';
  let from = start;
  for (let at = start; at < text.length; at++) {
    const character = text.charAt(at);
    if (quote !== '') {
      if (character === '\\') at++;
      else if (character === quote) quote = '';
    } else if (/['"`]/.test(character)) quote = character;
    else if (/[([{]/.test(character)) depth++;
    else if (depth > 0 && /[)\]}]/.test(character)) depth--;
    else if (depth === 0 && (character === ',' || character === ')')) {
      parts.push(text.slice(from, at).replaceAll(/\s+/g, ' ').trim());
      from = at + 1;
      if (character === ')') break;
    }
  }
  return parts;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
