/**
 * Counts the characters, and the elements of copied or filtered arrays, that some synchronous work goes over. The work
 * treats text with the methods below; each call counts with the length of the text that it may look at.
 */
export function textSteps(work: () => void): number {
  let steps = 0;
  const undo = [
    ...(['toLowerCase', 'normalize', 'trim', 'replace', 'replaceAll', 'split', 'includes'] as const).map((name) =>
      replace(String.prototype, name, (text) => {
        steps += String(text).length;
      }),
    ),
    ...(['startsWith', 'endsWith'] as const).map((name) =>
      replace(String.prototype, name, (text, [wanted]) => {
        steps += String(wanted).length > String(text).length ? 1 : String(wanted).length;
      }),
    ),
    replace(String.prototype, 'charCodeAt', () => {
      steps++;
    }),
    replace(String.prototype, 'indexOf', (text, [, from], found) => {
      const end = found === -1 ? String(text).length : Number(found);
      steps += end - Number(from ?? 0) + 1;
    }),
    replace(Array.prototype, 'filter', (list) => {
      steps += Reflect.get(Object(list), 'length');
    }),
    replace(Array.prototype, Symbol.iterator, (list) => {
      steps += Reflect.get(Object(list), 'length');
    }),
  ];
  try {
    work();
  } finally {
    for (const restore of undo) restore();
  }
  return steps;
}

/** The quotient of the steps for an input of twice the size: about 2 is linear, 4 is quadratic. */
export function growth(size: number, work: (size: number) => () => void): number {
  const [once, twice] = [work(size), work(2 * size)];
  return textSteps(twice) / textSteps(once);
}

type Method = (...args: unknown[]) => unknown;

function replace(
  owner: object,
  name: PropertyKey,
  count: (self: unknown, args: readonly unknown[], result: unknown) => void,
): () => void {
  const original = Object.getOwnPropertyDescriptor(owner, name);
  const method: Method = original?.value;
  const counting = function (this: unknown, ...args: unknown[]): unknown {
    const result = Reflect.apply(method, this, args);
    count(this, args, result);
    return result;
  };
  Object.defineProperty(owner, name, { ...original, value: counting });
  return () => void Object.defineProperty(owner, name, original ?? {});
}
