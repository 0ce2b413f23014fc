/** How a flag reads its argument, and what it is worth where it is not given. */
export interface Kind<T> {
  readonly takesArgument: boolean;
  readonly initial: T;
  /** @param before what the flag was worth so far: for those that may repeat */
  read(argument: string, before: T): T;
}

export type Values<Table extends Readonly<Record<string, Kind<unknown>>>> = {
  readonly [Name in keyof Table]: Table[Name]['initial'];
};

export function initialValues<Table extends Readonly<Record<string, Kind<unknown>>>>(table: Table): Values<Table> {
  const entries = Object.entries(table).map(([name, kind]) => [name, kind.initial]);
  return Object.fromEntries(entries) as Values<Table>;
}

/** Given or not. */
export const yes: Kind<boolean> = { takesArgument: false, initial: false, read: () => true };

export const int: Kind<number | undefined> = {
  takesArgument: true,
  initial: undefined,
  read(argument) {
    const value = Number(argument);
    if (argument === '' || !Number.isSafeInteger(value)) throw new RangeError(`${argument} is not an integer`);
    return value;
  },
};

/** A list: each time the flag is given, one more. */
export const ints: Kind<readonly number[]> = {
  takesArgument: true,
  initial: [],
  read: (argument, before) => [...before, int.read(argument, undefined) ?? 0],
};

export const text: Kind<string | undefined> = {
  takesArgument: true,
  initial: undefined,
  read: (argument) => argument,
};

export const base64: Kind<Uint8Array | undefined> = {
  takesArgument: true,
  initial: undefined,
  read: (argument) => new Uint8Array(Buffer.from(argument, 'base64')),
};

/** Says nothing that the shim has to heed. */
export const ignored: Kind<undefined> = { takesArgument: false, initial: undefined, read: () => undefined };
export const ignoredWithArgument: Kind<undefined> = { ...ignored, takesArgument: true };
