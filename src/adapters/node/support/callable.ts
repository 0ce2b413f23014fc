type Constructor = new (...args: never[]) => object;

/** Makes a class callable without `new`, like the constructors of `node:tls`. */
export function callable<C extends Constructor>(
  Class: C,
): C & ((...args: ConstructorParameters<C>) => InstanceType<C>) {
  return new Proxy(Class, {
    apply: (target, _self, args) => Reflect.construct(target, args),
  }) as C & ((...args: ConstructorParameters<C>) => InstanceType<C>);
}
