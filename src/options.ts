/**
 * Reads and checks the options of a caller, each once. Properties of `Object.prototype` do not count as options: they may come
 * from other code (prototype pollution).
 */
import { misuse } from './errors.ts';

/**
 * Checks the value of one option.
 * @param name of the option, for the error message
 * @returns the value to use
 * @throws TlsError ERR_TLS_CONFIG for a value that the option cannot have
 */
export type Rule<T> = (value: unknown, name: string) => T;

/** A rule for each option. */
export type Rules<T> = { readonly [K in keyof T]-?: Rule<Exclude<T[K], undefined>> };

/** The value of a property of the object or its classes, but not of `Object.prototype`. Calls a getter once. */
export function own(options: object, key: PropertyKey): unknown {
  for (let at: object | null = options; at !== null; at = Object.getPrototypeOf(at)) {
    if (at !== options && isObjectPrototype(at)) return undefined;
    if (Object.hasOwn(at, key)) return Reflect.get(options, key);
  }
  return undefined;
}

/** Checked options. Options that the caller did not set are absent; `Required` options are there. */
export type Given<T, Required extends keyof T = never> = {
  readonly [K in keyof T]?: Exclude<T[K], undefined>;
} & { readonly [K in Required]-?: Exclude<T[K], undefined> };

/**
 * Checks options.
 * @param name of the whole object, for error messages
 * @param required options that must be there
 * @param others names of options that somebody else checks
 * @returns an object without a prototype
 * @throws TlsError ERR_TLS_CONFIG for the first option that is missing, wrong or unknown
 */
export function settle<T extends object, Required extends keyof T = never>(
  given: unknown,
  rules: Rules<T>,
  name: string,
  required: readonly Required[] = [],
  others: readonly string[] = [],
): Given<T, Required> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) wrongKind(name, 'an object', given);
  const settled: Partial<T> = Object.create(null);
  for (const key of keysOf(rules)) {
    const value = own(given, key);
    if (value !== undefined) settled[key] = rules[key](value, `${name}.${String(key)}`) as T[typeof key];
  }
  for (const key of required)
    if (settled[key] === undefined) misuse('ERR_TLS_CONFIG', `${name}.${String(key)} is missing`);
  for (const key of Object.keys(given)) {
    if (Object.hasOwn(rules, key) || others.includes(key) || own(given, key) === undefined) continue;
    misuse('ERR_TLS_CONFIG', `${name} has no option '${key.slice(0, 40)}'`);
  }
  return Object.freeze(settled) as Given<T, Required>;
}

/** Options within options, by the rules of {@link settle}. */
export function record<T extends object>(rules: Rules<T>, required: readonly (keyof T)[] = []): Rule<T> {
  return (value, name) => settle<T, keyof T>(value, rules, name, required) as T;
}

/** A list whose items `rule` checks. The list is not copied: the caller may change it later. */
export function listOf<T>(rule: Rule<T>, least = 0): Rule<readonly T[]> {
  return (value, name) => {
    if (!Array.isArray(value)) wrongKind(name, 'an array', value);
    if (value.length < least) misuse('ERR_TLS_CONFIG', `${name} must not be empty`);
    for (const [i, item] of value.entries()) rule(item, `${name}[${i}]`);
    return value;
  };
}

export function oneOf<const T extends string | number>(...values: readonly T[]): Rule<T> {
  return (value, name) => {
    const found = values.find((candidate) => candidate === value);
    return found ?? wrong(name, `one of ${values.map(shown).join(', ')}`, value);
  };
}

export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Rule<number> {
  return (value, name) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    return wrong(name, `an integer, ${rangeText(min, max)}`, value);
  };
}

/** A count; Infinity means no limit. */
export const count: Rule<number> = (value, name) =>
  value === Number.POSITIVE_INFINITY ? value : integer(0)(value, name);

/** A duration in milliseconds; Infinity means no limit. */
export const duration: Rule<number> = (value, name) =>
  typeof value === 'number' && value >= 0 ? value : wrong(name, 'a number, 0 or more', value);

export function bytes(min = 0, max: number = Number.MAX_SAFE_INTEGER): Rule<Uint8Array> {
  return (value, name) => {
    if (value instanceof Uint8Array && value.length >= min && value.length <= max) return value;
    return wrong(name, `a Uint8Array${min > 0 ? ` of ${rangeText(min, max)} bytes` : ''}`, value);
  };
}

/** A key of `length` bytes. The error says the length of a wrong value, and nothing else of it. */
export function secretBytes(length: number): Rule<Uint8Array> {
  return (value, name) =>
    value instanceof Uint8Array && value.length === length
      ? value
      : wrongKind(name, `a Uint8Array of ${length} bytes`, value);
}

/** Bounds in words. */
function rangeText(min: number, max: number): string {
  if (max === Number.MAX_SAFE_INTEGER) return `${min} or more`;
  return min === max ? `${min}` : `${min}..${max}`;
}

/** DER bytes. For PEM text or a path, which people give instead, the message says what to do. */
export const derBytes: Rule<Uint8Array> = (value, name) => {
  if (value instanceof Uint8Array) return value;
  const hint = typeof value === 'string' ? ': decodePem() makes DER of the text of a PEM file' : '';
  // The first line of PEM is not secret. Other text may be a key in base64.
  const given = typeof value === 'string' && !value.startsWith('-----BEGIN ') ? kindOf(value) : shown(value);
  return misuse('ERR_TLS_CONFIG', `${name} must be DER bytes (a Uint8Array), not ${given}${hint}`);
};

/** DER bytes that the caller gives, not a peer: bytes of PEM are a mistake of the caller. */
export const ownDer: Rule<Uint8Array> = (value, name) => {
  const der = derBytes(value, name);
  if (isPem(der)) misuse('ERR_TLS_CONFIG', `${name} is PEM: decodePem() makes DER of the text of a PEM file`);
  return der;
};

/** Whether bytes are PEM, which people take for DER. */
export function isPem(bytes: Uint8Array): boolean {
  return pemBegin.every((byte, i) => bytes[i] === byte);
}

/** '-----BEGIN' */
const pemBegin: readonly number[] = [0x2d, 0x2d, 0x2d, 0x2d, 0x2d, 0x42, 0x45, 0x47, 0x49, 0x4e];

type Methods<T> = readonly [keyof T & string, ...(keyof T & string)[]];

/** An object that has these methods. */
export function having<T>(...methods: Methods<T>): Rule<T> {
  return instance<T>(`an object with ${methods.map((method) => `${method}()`).join(', ')}`, ...methods);
}

/** An object that has these methods. @param kind what it is, and where it comes from */
export function instance<T>(kind: string, ...methods: Methods<T>): Rule<T> {
  return (value, name) => {
    const fits = isObject(value) && methods.every((method) => typeof Reflect.get(value, method) === 'function');
    return fits ? (value as T) : wrongKind(name, kind, value);
  };
}

export const flag: Rule<boolean> = (value, name) =>
  typeof value === 'boolean' ? value : wrong(name, 'a boolean', value);

export const text: Rule<string> = (value, name) => (typeof value === 'string' ? value : wrong(name, 'a string', value));

/** A number that is not NaN: a comparison with NaN would refuse nothing. */
export const finite: Rule<number> = (value, name) =>
  typeof value === 'number' && Number.isFinite(value) ? value : wrong(name, 'a finite number', value);

/** Any object. */
export function object<T extends object>(value: unknown, name: string): T {
  return isObject(value) ? (value as T) : wrongKind(name, 'an object', value);
}

/** A function. Its parameters and its result cannot be checked before it is called. */
export function callable<F>(value: unknown, name: string): F {
  return typeof value === 'function' ? (value as F) : wrongKind(name, 'a function', value);
}

/** A clock. Each call of it throws ERR_TLS_CONFIG for an answer that is not a finite number. */
export const clock: Rule<() => number> = (value, name) => {
  const read = callable<() => unknown>(value, name);
  return () => finite(read(), `${name}()`);
};

export function wrong(name: string, expected: string, value: unknown): never {
  return misuse('ERR_TLS_CONFIG', `${name} must be ${expected}, not ${shown(value)}`);
}

/** As {@link wrong}, for a value that may be a secret in the wrong form: the message does not quote it. */
export function wrongKind(name: string, expected: string, value: unknown): never {
  return misuse('ERR_TLS_CONFIG', `${name} must be ${expected}, not ${kindOf(value)}`);
}

/** The kind of a value, without its content. Calls none of its methods. */
export function kindOf(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value === null || value === undefined) return String(value);
  if (value instanceof Date) return 'a Date';
  if (typeof value === 'object') return Array.isArray(value) ? 'an array' : 'an object';
  return `a ${typeof value}`;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function keysOf<T>(rules: Rules<T>): readonly (keyof T)[] {
  return Object.keys(rules) as unknown as readonly (keyof T)[];
}

/** Whether the object is the `Object.prototype` of any realm: no other object has this method of its own. */
function isObjectPrototype(value: object): boolean {
  return Object.hasOwn(value, 'isPrototypeOf');
}

/** The value as an error message shows it. Calls none of its methods: it may be any object. */
function shown(value: unknown): string {
  if (typeof value === 'string') {
    // The first line alone: the next lines of PEM may be a private key.
    const [line = ''] = value.split('\n', 1);
    return JSON.stringify(line.length > 40 || line !== value ? `${line.slice(0, 40)}…` : line);
  }
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  if (value instanceof Date) return 'a Date';
  if (isObject(value)) return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}
