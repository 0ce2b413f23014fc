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

/** Timers: of adapters/ alone. */
declare function setTimeout(callback: () => void, milliseconds: number): unknown;
declare function clearTimeout(timer: unknown): void;

/** WHATWG streams, as far as adapters/web uses them. */
interface ReadableStreamReadResult<T> {
  readonly done: boolean;
  readonly value?: T;
}
interface ReadableStreamDefaultReader<T> {
  read(): Promise<ReadableStreamReadResult<T>>;
  cancel(reason?: unknown): Promise<void>;
}
interface ReadableStreamDefaultController<T> {
  readonly desiredSize: number | null;
  enqueue(chunk: T): void;
  close(): void;
  error(reason: unknown): void;
}
declare class ReadableStream<T> {
  constructor(
    source: {
      start?(controller: ReadableStreamDefaultController<T>): void;
      pull?(): void;
      cancel?(reason: unknown): void | Promise<void>;
    },
    strategy?: { readonly highWaterMark: number },
  );
  getReader(): ReadableStreamDefaultReader<T>;
}
interface WritableStreamDefaultWriter<T> {
  /** Null where it has been errored. */
  readonly desiredSize: number | null;
  readonly closed: Promise<void>;
  write(chunk: T): Promise<void>;
  close(): Promise<void>;
  abort(reason?: unknown): Promise<void>;
}
interface WritableStreamDefaultController {
  readonly signal: { readonly reason: unknown; addEventListener(type: 'abort', listener: () => void): void };
  error(reason: unknown): void;
}
declare class WritableStream<T> {
  constructor(sink: {
    start?(controller: WritableStreamDefaultController): void;
    write?(chunk: T): Promise<void>;
    close?(): Promise<void>;
  });
  getWriter(): WritableStreamDefaultWriter<T>;
}
