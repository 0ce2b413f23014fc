import { types } from 'node:util';

/** Values that differ from run to run, with the name that stands for them. */
export type Aliases = ReadonlyMap<unknown, string>;

/**
 * Writes a value so that two runs can be compared: bytes by their number, functions by their parameters, objects by their
 * class, plain objects by their properties, errors by class, code and message.
 * @param depth how far into plain objects and arrays
 */
export function describe(value: unknown, aliases: Aliases = new Map(), depth = 3): string {
  const alias = aliases.get(value);
  if (alias !== undefined) return alias;
  if (typeof value === 'string') return JSON.stringify(renamed(value, aliases));
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return `function of ${value.length}`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (types.isUint8Array(value)) return `${value.constructor.name}(${value.length})`;
  if (value instanceof Error) return describeError(value, aliases);
  if (Array.isArray(value)) {
    return depth === 0 ? 'array' : `[${value.map((item) => describe(item, aliases, depth - 1)).join(', ')}]`;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return className(value);
  if (depth === 0) return 'object';
  const entries = Object.entries(value).map(([key, item]) => `${key}: ${describe(item, aliases, depth - 1)}`);
  return `${prototype === null ? 'null prototype ' : ''}{ ${entries.join(', ')} }`;
}

function describeError(error: Error, aliases: Aliases): string {
  const code = 'code' in error ? String(error.code) : 'no code';
  // The text of OpenSSL's errors holds thread ids, file names and lines of C.
  const fromOpenSsl = /^(ERR_SSL|ERR_OSSL|EPROTO)/.test(code);
  return fromOpenSsl
    ? `${className(error)} ${code}`
    : `${className(error)} ${code}: ${renamed(error.message, aliases)}`;
}

function className(value: object): string {
  const made = value as { readonly constructor?: { readonly name?: unknown } };
  return String(made.constructor?.name ?? 'object');
}

/** The text with port numbers and the like replaced. */
function renamed(text: string, aliases: Aliases): string {
  let result = text;
  for (const [value, name] of aliases) {
    if (typeof value === 'number' && value > 1023) result = result.replaceAll(new RegExp(`\\b${value}\\b`, 'g'), name);
  }
  return result;
}
