import { ExtensionType } from '#opentls/wire/enums';
import type { Extension } from '#opentls/wire/extensions';
import type { Place } from './places.ts';
import { encoded, homesOf, type Name, vectors } from './samples.ts';

// What is done to one row of the extension table in a message: the extensions that come of it.

/** What is done to the row in question. */
export type Change = 'as it is' | 'absent' | 'duplicated' | 'misplaced' | 'unsolicited' | Malformation;

/** Bytes that are not what the declaration says; undefined where there is nothing to break like that. */
export const malformations = {
  empty: (data: Uint8Array) => (data.length === 0 ? undefined : new Uint8Array(0)),
  'one byte short': (data: Uint8Array) => (data.length < 2 ? undefined : data.subarray(0, -1)),
  'one byte long': (data: Uint8Array) => Uint8Array.from([...data, 0]),
  'with a byte of garbage inside': (data: Uint8Array, width: number) => {
    const at = vectorAt(data, width);
    if (at === undefined) return undefined;
    return Uint8Array.from([
      ...data.subarray(0, at),
      ...uint(data.length - at - width + 1, width),
      ...data.subarray(at + width),
      0,
    ]);
  },
  'with nothing inside': (data: Uint8Array, width: number) => {
    const at = vectorAt(data, width);
    if (at === undefined || at + width === data.length) return undefined;
    return Uint8Array.from([...data.subarray(0, at), ...uint(0, width)]);
  },
} as const;
export type Malformation = keyof typeof malformations;

function uint(value: number, width: number): number[] {
  return Array.from({ length: width }, (_, i) => (value >>> (8 * (width - 1 - i))) & 255);
}

/** Where the vector begins that takes all bytes to the end. */
function vectorAt(data: Uint8Array, width: number): number | undefined {
  for (let at = 0; width > 0 && at + width <= data.length; at++) {
    const prefix = data.subarray(at, at + width).reduce((sum, byte) => sum * 256 + byte, 0);
    if (prefix === data.length - at - width) return at;
  }
  if (width > 0) throw new Error(`no vector of width ${width} in ${Buffer.from(data).toString('hex')}`);
  return undefined;
}

/** The extensions of the message, with the row in question changed; undefined where that cannot be done to it. */
export function message({ home, beside }: Place, name: Name, change: Change): readonly Extension[] | undefined {
  const others = beside.filter((other) => other !== name).map((other) => encoded(other, home));
  const pskLast = (extensions: readonly Extension[]) =>
    home === 'CH' ? [...extensions].sort((a, b) => Number(isPsk(a)) - Number(isPsk(b))) : extensions;
  if (change === 'absent') return others;
  if (change === 'misplaced') {
    const [elsewhere] = homesOf(name);
    if (elsewhere === undefined) throw new Error(`${name} stands nowhere`);
    return [encoded(name, elsewhere), ...others];
  }
  const { type, data } = encoded(name, home);
  if (change === 'as it is' || change === 'unsolicited') return pskLast([...others, { type, data }]);
  if (change === 'duplicated') return pskLast([...others, { type, data }, { type, data }]);
  const broken = malformations[change](data, (vectors[home] as Record<string, number>)[name] ?? 0);
  return broken && pskLast([...others, { type, data: broken }]);
}

function isPsk({ type }: Extension): boolean {
  return type === ExtensionType.pre_shared_key;
}

export function changesOf({ home }: Place, name: Name): Change[] {
  if (!homesOf(name).includes(home)) return ['misplaced'];
  const answers = home === 'SH' || home === 'HRR' || home === 'EE' || home === 'CT';
  return [
    'as it is',
    'absent',
    'duplicated',
    ...(answers ? (['unsolicited'] as const) : []),
    ...(Object.keys(malformations) as Malformation[]),
  ];
}
