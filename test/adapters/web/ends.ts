import { type ByteTransport, type SecureTransport, wrapClient, wrapServer } from '#opentls/adapters/web/index';
import { credential, trustAnything } from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';

export const clientConfig = { provider, verifyChain: trustAnything, serverName: 'localhost' };
export const serverConfig = { provider, verifyChain: trustAnything, credentials: [credential] };

/** One direction: a queue without a bound that can be told to take nothing. */
export class Way {
  /** What was written and not taken, in bytes; and the most that it was. */
  untaken = 0;
  most = 0;
  /** Chunks that were taken while it was held. */
  readonly kept: Uint8Array[] = [];
  /** Why it was aborted. */
  aborted: unknown;
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  #feed: ReadableStreamDefaultController<unknown> | undefined;
  #stuck = false;
  #held = false;
  readonly #as: (chunk: Uint8Array) => unknown;

  /**
   * @param highWaterMark of what is written: how the transport of that moment says that it is ready
   * @param as what the reader is given instead of each chunk
   */
  constructor(highWaterMark: number = Number.POSITIVE_INFINITY, as: (chunk: Uint8Array) => unknown = (chunk) => chunk) {
    this.#as = as;
    this.readable = new ReadableStream({
      start: (controller) => {
        this.#feed = controller;
      },
    });
    const writable = new WritableStream<Uint8Array>(
      {
        start: (controller) => {
          const { signal } = controller as unknown as { signal: AbortSignal };
          signal.addEventListener('abort', () => {
            this.aborted = signal.reason;
          });
        },
        write: (chunk) => this.#take(chunk),
        close: () => this.#feed?.close(),
        abort: (reason) => this.#feed?.error(reason),
      },
      { highWaterMark },
    );
    // The bytes of a whole turn are written at once; the stream itself does not show them.
    const getWriter = (): unknown => {
      const writer = writable.getWriter();
      const write = writer.write.bind(writer);
      writer.write = (chunk: Uint8Array) => {
        this.untaken += chunk.length;
        this.most = Math.max(this.most, this.untaken);
        const taken = write(chunk);
        const settle = (): void => {
          this.untaken -= chunk.length;
        };
        taken.then(settle, settle);
        return taken;
      };
      return writer;
    };
    this.writable = { getWriter } as unknown as WritableStream<Uint8Array>;
  }

  #take(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#stuck) return new Promise(() => {});
    if (this.#held) this.kept.push(chunk);
    else this.#feed?.enqueue(this.#as(chunk));
    return undefined;
  }

  /** Nothing is taken any more. */
  stick(): void {
    this.#stuck = true;
  }

  /** All is taken and nobody is given it before {@link release}. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    for (const chunk of this.kept.splice(0)) this.#feed?.enqueue(this.#as(chunk));
  }
}

export interface Ends {
  readonly client: SecureTransport;
  readonly server: SecureTransport;
  /** From the client. */
  readonly there: Way;
  readonly back: Way;
}

/** @param there as the client's way to the server is to be */
export function joined(there: Way = new Way()): Ends {
  const back = new Way();
  const near = { readable: back.readable, writable: there.writable } as unknown as ByteTransport;
  const far = { readable: there.readable, writable: back.writable } as unknown as ByteTransport;
  const ends = { client: wrapClient(near, clientConfig), server: wrapServer(far, serverConfig), there, back };
  ends.client.opened.catch(() => {});
  ends.server.opened.catch(() => {});
  return ends;
}

/** How it ended: 'done', the code or the message of the error, or 'pending' after `patience` milliseconds. */
export async function fate(work: Promise<unknown>, patience = 1000): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, patience, 'pending');
  });
  const told = work.then(
    () => 'done',
    (error) => String(error?.code ?? error?.message),
  );
  return Promise.race([told, late]).finally(() => clearTimeout(timer));
}

/** Reads until there are `length` bytes. */
export async function read(readable: SecureTransport['readable'], length: number): Promise<Buffer> {
  const reader = readable.getReader();
  const chunks: Uint8Array[] = [];
  for (let left = length; left > 0; ) {
    const { done, value } = await reader.read();
    if (done || value === undefined) break;
    chunks.push(value);
    left -= value.length;
  }
  reader.releaseLock();
  return Buffer.concat(chunks);
}
