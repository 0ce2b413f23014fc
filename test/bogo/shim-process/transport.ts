import { connect, type Socket } from 'node:net';
import { ShimError } from '../names.ts';

/** How long the runner may take to close its end once ours is closed, milliseconds. */
const DRAIN_LIMIT = 5_000;

/** The TCP connection to the runner, read by asking. */
export class Transport {
  readonly #socket: Socket;
  readonly #chunks: Uint8Array[] = [];
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  /** Connects and says which test this is: always as TCP client, whatever the role in TLS. */
  static async connect(port: number, ipv6: boolean, shimId: string, signal: AbortSignal): Promise<Transport> {
    const socket = connect({ port, host: ipv6 ? '::1' : '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const transport = new Transport(socket, signal);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('close', () => reject(new ShimError('SHIM_TRANSPORT', 'no connection')));
    });
    const id = Buffer.alloc(8);
    id.writeBigUInt64LE(BigInt(shimId));
    socket.write(id);
    return transport;
  }

  private constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    socket.on('data', (chunk: Uint8Array) => {
      this.#chunks.push(chunk);
      this.#wake?.();
    });
    socket.on('end', () => this.#end());
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end());
    const stop = (): void => void socket.destroy();
    signal.addEventListener('abort', stop);
    socket.once('close', () => signal.removeEventListener('abort', stop));
    if (signal.aborted) stop();
  }

  /**
   * @returns undefined at the end
   * @throws ShimError where the connection broke
   */
  async read(): Promise<Uint8Array | undefined> {
    while (this.#chunks.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const chunk = this.#chunks.shift();
    if (chunk === undefined && this.#error !== undefined) throw new ShimError('SHIM_TRANSPORT', this.#error.message);
    return chunk;
  }

  write(slabs: readonly Uint8Array[]): void {
    if (this.#socket.writable) for (const slab of slabs) this.#socket.write(slab);
  }

  /** Half-closes and reads on to the end: a reset could destroy an alert that the runner has yet to read. */
  async finish(): Promise<void> {
    const socket = this.#socket;
    if (socket.closed) return;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    const timer = setTimeout(() => socket.destroy(), DRAIN_LIMIT);
    socket.end();
    await closed;
    clearTimeout(timer);
  }

  #end(error?: Error): void {
    this.#ended = true;
    this.#error ??= error;
    this.#wake?.();
  }
}
