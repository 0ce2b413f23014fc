type Constructor = new (...args: never[]) => object;

/** A class that may be called without `new`, as the constructors of `node:tls` may. */
export function callable<C extends Constructor>(
  Class: C,
): C & ((...args: ConstructorParameters<C>) => InstanceType<C>) {
  return new Proxy(Class, {
    apply: (target, _self, args) => Reflect.construct(target, args),
  }) as C & ((...args: ConstructorParameters<C>) => InstanceType<C>);
}
