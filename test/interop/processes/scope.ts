/** Things to be undone, last first. */
export interface Scope {
  defer(undo: () => void | Promise<void>): void;
  /** Somebody who can tell what went on here. */
  witness(tell: () => string): void;
  testimony(): string;
  close(): Promise<void>;
}

export function createScope(): Scope {
  const undos: (() => void | Promise<void>)[] = [];
  const witnesses: (() => string)[] = [];
  return {
    witness: (tell) => {
      witnesses.push(tell);
    },
    testimony: () => witnesses.map((tell) => tell()).join('\n'),
    defer: (undo) => {
      undos.push(undo);
    },
    close: async () => {
      for (let undo = undos.pop(); undo !== undefined; undo = undos.pop()) await undo();
    },
  };
}
