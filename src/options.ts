/**
 * Options as they are taken at a door: each is read once, is the caller's own word, and is what it must be. What stands
 * on `Object.prototype` was put there by somebody else, so it is no option of anybody.
 */
import { misuse } from './errors.ts';

/**
 * What an option must be.
 * @returns the value, settled
 * @throws TlsError ERR_TLS_CONFIG where it is something else
 */
export type Rule<T> = (value: unknown, name: string) => T;

/** One rule for each option that there is. */
export type Rules<T> = { readonly [K in keyof T]-?: Rule<Exclude<T[K], undefined>> };

/** What the caller set, by himself or by a class of his; the getters of it are called once. */
export function own(options: object, key: PropertyKey): unknown {
  for (let at: object | null = options; at !== null; at = Object.getPrototypeOf(at)) {
    if (at !== options && isObjectPrototype(at)) return undefined;
    if (Object.hasOwn(at, key)) return Reflect.get(options, key);
  }
  return undefined;
}

/**
 * The options that have a rule, checked, in an object without a prototype; others are left behind.
 * @throws TlsError ERR_TLS_CONFIG for the first that is not what it must be
 */
export function settle<T extends object>(given: unknown, rules: Rules<T>, name: string): Partial<T> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) wrong(name, 'an object', given);
  const settled: Partial<T> = Object.create(null);
  for (const key of keysOf(rules)) {
    const value = own(given, key);
    if (value !== undefined) settled[key] = rules[key](value, `${name}.${String(key)}`) as T[typeof key];
  }
  return Object.freeze(settled);
}

/** As {@link settle}, where a name that is no option is a mistake, and those that are required are there. */
export function record<T extends object>(rules: Rules<T>, required: readonly (keyof T)[] = []): Rule<T> {
  return (value, name) => {
    const settled = settle<T>(value, rules, name);
    const known = new Set<string>(Object.keys(rules));
    for (const [key, other] of Object.entries(value as object)) {
      if (!known.has(key) && other !== undefined) misuse('ERR_TLS_CONFIG', `${name} has no option '${key}'`);
    }
    for (const key of required) if (settled[key] === undefined) wrong(`${name}.${String(key)}`, 'given', undefined);
    return settled as T;
  };
}

/** Each for itself by `rule`. The list stays the caller's, who may change what is in it. */
export function listOf<T>(rule: Rule<T>, least = 0): Rule<readonly T[]> {
  return (value, name) => {
    if (!Array.isArray(value)) wrong(name, 'an array', value);
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
    return wrong(name, `an integer, ${min}..${max}`, value);
  };
}

/** How many there may be. Infinity is no limit, said aloud. */
export const count: Rule<number> = (value, name) =>
  value === Number.POSITIVE_INFINITY ? value : integer(0)(value, name);

/** How long it may last, milliseconds. Infinity is no limit, said aloud. */
export const duration: Rule<number> = (value, name) =>
  typeof value === 'number' && value >= 0 ? value : wrong(name, 'a number, 0 or more', value);

export function bytes(min = 0, max: number = Number.MAX_SAFE_INTEGER): Rule<Uint8Array> {
  return (value, name) => {
    if (value instanceof Uint8Array && value.length >= min && value.length <= max) return value;
    return wrong(name, `a Uint8Array${min > 0 ? ` of ${min}..${max} bytes` : ''}`, value);
  };
}

/** An object of the caller's, taken as it is, that can do this. */
export function having<T>(...methods: readonly [keyof T & string, ...(keyof T & string)[]]): Rule<T> {
  return (value, name) => {
    const fits = isObject(value) && methods.every((method) => typeof Reflect.get(value, method) === 'function');
    return fits
      ? (value as T)
      : wrong(name, `an object with ${methods.map((method) => `${method}()`).join(', ')}`, value);
  };
}

export const flag: Rule<boolean> = (value, name) =>
  typeof value === 'boolean' ? value : wrong(name, 'a boolean', value);

export const text: Rule<string> = (value, name) => (typeof value === 'string' ? value : wrong(name, 'a string', value));

/** A comparison with NaN refuses nothing. */
export const finite: Rule<number> = (value, name) =>
  typeof value === 'number' && Number.isFinite(value) ? value : wrong(name, 'a finite number', value);

/** An object of the caller's, taken as it is. */
export function object<T extends object>(value: unknown, name: string): T {
  return isObject(value) ? (value as T) : wrong(name, 'an object', value);
}

/** What it takes and answers cannot be looked at before it is called. */
export function callable<F>(value: unknown, name: string): F {
  return typeof value === 'function' ? (value as F) : wrong(name, 'a function', value);
}

/** A clock whose answers are times. @throws TlsError ERR_TLS_CONFIG when it is called, where they are not */
export const clock: Rule<() => number> = (value, name) => {
  const read = callable<() => unknown>(value, name);
  return () => finite(read(), `${name}()`);
};

export function wrong(name: string, expected: string, value: unknown): never {
  return misuse('ERR_TLS_CONFIG', `${name} must be ${expected}, not ${shown(value)}`);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function keysOf<T>(rules: Rules<T>): readonly (keyof T)[] {
  return Object.keys(rules) as unknown as readonly (keyof T)[];
}

/** Of any realm: nothing else has this method by itself. */
function isObjectPrototype(value: object): boolean {
  return Object.hasOwn(value, 'isPrototypeOf');
}

/** No method of the value is called: it may be anything. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  if (isObject(value)) return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}
