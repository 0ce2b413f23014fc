import { codedError } from './errors.ts';

type Constructor = new (...args: never[]) => object;

/** Makes a class callable without `new`, like the constructors of `node:tls`. */
export function callable<C extends Constructor>(
  Class: C,
): C & ((...args: ConstructorParameters<C>) => InstanceType<C>) {
  return new Proxy(Class, {
    apply: (target, self: unknown, args) => {
      // Classes from before `class` call the constructor on an object of their own, which a class cannot initialise.
      if (self instanceof target) throw codedError('ERR_INVALID_THIS', needsExtends(target.name), undefined, TypeError);
      return Reflect.construct(target, args);
    },
  }) as C & ((...args: ConstructorParameters<C>) => InstanceType<C>);
}

function needsExtends(name: string): string {
  return `${name} cannot be called on an object that exists already: inherit from it with class … extends`;
}
