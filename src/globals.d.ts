/** The few globals of every runtime that the core may use; nothing else of the DOM or of Node compiles there. */
declare class TextEncoder {
  encode(text: string): Uint8Array;
}
declare class TextDecoder {
  constructor(encoding: string, options?: { readonly fatal?: boolean });
  decode(bytes: Uint8Array): string;
}
declare class URL {
  constructor(url: string);
  readonly hostname: string;
}
declare const console: { error(...values: readonly unknown[]): void };
