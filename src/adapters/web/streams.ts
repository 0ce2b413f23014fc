import { Chunks } from '../../bytes/chunks.ts';
import { Connection } from '../../connection/connection.ts';
import { TlsError } from '../../errors.ts';
import type { ClientConfig, ServerConfig } from '../../handshake/terms/config.ts';
import type { Facts } from '../../handshake/terms/facts.ts';
import { having, object } from '../../options.ts';
import { Pump } from '../pump.ts';
import { type ByteSource, bytesOf } from './bytes.ts';
import { EarlySink } from './early-sink.ts';
import { Outlet } from './outlet.ts';
import { Turns } from './turns.ts';

/** Both directions of a byte stream: a TCP socket of an edge runtime, a WebTransport stream, a WebSocketStream, … */
export interface ByteTransport {
  /** A chunk that is not bytes fails the connection. */
  readonly readable: ReadableStream<ByteSource>;
  readonly writable: WritableStream<Uint8Array>;
}

/**
 * The streams of plaintext, and a promise for the handshake. `readable` ends with the peer's close_notify; where the
 * transport ends without one, both streams fail with a TlsError ERR_TLS_TRUNCATED (RFC 9846 §6.1). Cancelling or aborting
 * either stream leaves the connection: everything that is pending settles with the reason, whatever the transport does.
 */
export interface SecureTransport {
  readonly readable: ReadableStream<Uint8Array>;
  /**
   * A write resolves once the transport has taken all of it. For a chunk that is not bytes it rejects with a TypeError
   * (ERR_INVALID_ARG_TYPE), and the stream takes no more; reading goes on.
   */
  readonly writable: WritableStream<ByteSource>;
  /** Rejects with a TlsError where the handshake fails, or with the reason of an abort. Data written before it waits. */
  readonly opened: Promise<Facts>;
}

/**
 * Begins TLS as a client over `transport`, which belongs to the connection from then on.
 * @throws TlsError ERR_TLS_CONFIG for an option that is not what it must be
 *
 * @example
 * ```js
 * import net from 'node:net';
 * import { Duplex } from 'node:stream';
 * import { noble, verifier, wrapClient } from 'opentls/web';
 * import { TrustStore } from 'opentls/x509';
 *
 * const transport = Duplex.toWeb(net.connect(port, 'localhost')); // or any other { readable, writable } of bytes
 * const verifyChain = verifier({ trust: TrustStore.from(chain), verifiers: noble.verifiers });
 * const client = wrapClient(transport, { provider: noble, serverName: 'localhost', verifyChain });
 * const writer = client.writable.getWriter();
 * await writer.write(new TextEncoder().encode('hello'));
 * await writer.close();
 * for await (const bytes of client.readable) console.log(new TextDecoder().decode(bytes)); // hello
 * ```
 */
export function wrapClient(transport: ByteTransport, config: ClientConfig): SecureTransport {
  checkTransport(transport);
  return new StreamDriver(transport, Connection.client(config), new EarlySink(undefined)).secure;
}

/**
 * Begins TLS as a server over `transport`, which belongs to the connection from then on.
 * @param early takes 0-RTT data, which may be a replay (RFC 9846 §8): `readable` never carries it. The stream is closed when
 *   the handshake is complete, and aborted where the handshake fails. Without `early` the server refuses 0-RTT data
 * @throws TlsError ERR_TLS_CONFIG for an option that is not what it must be
 *
 * @example
 * ```js
 * import { noble, verifier, wrapServer } from 'opentls/web';
 * import { parsePrivateKey, TrustStore } from 'opentls/x509';
 *
 * const [up, down] = [new TransformStream(), new TransformStream()]; // stand for a transport
 * const server = wrapServer(
 *   { readable: up.readable, writable: down.writable },
 *   {
 *     provider: noble,
 *     credentials: [{ chain, signer: noble.signer(parsePrivateKey(key)) }],
 *     verifyChain: verifier({ trust: TrustStore.from([]), verifiers: noble.verifiers }),
 *   },
 * );
 * await up.writable.close(); // a client that says nothing
 * await server.opened.catch((error) => console.log(error.code)); // ERR_TLS_TRUNCATED
 * ```
 */
export function wrapServer(
  transport: ByteTransport,
  config: ServerConfig,
  early?: WritableStream<Uint8Array>,
): SecureTransport {
  checkTransport(transport);
  object(config, 'config');
  if (early !== undefined) having<WritableStream<Uint8Array>>('getWriter')(early, 'early');
  const sink = new EarlySink(early);
  return new StreamDriver(transport, Connection.server(sink.guard(config)), sink).secure;
}

/** @throws TlsError ERR_TLS_CONFIG for a value that is not a pair of WHATWG streams */
function checkTransport(transport: ByteTransport): void {
  const { readable, writable } = object<ByteTransport>(transport, 'transport');
  having<ReadableStream<ByteSource>>('getReader')(readable, 'transport.readable');
  having<WritableStream<Uint8Array>>('getWriter')(writable, 'transport.writable');
}

/** Moves bytes between a pair of streams and a {@link Connection}. */
class StreamDriver {
  readonly secure: SecureTransport;
  readonly #connection: Connection;
  readonly #pump: Pump;
  readonly #early: EarlySink;
  readonly #reader: ReadableStreamDefaultReader<ByteSource>;
  readonly #outlet: Outlet;
  readonly #turns = new Turns();
  #readable: ReadableStreamDefaultController<Uint8Array> | undefined;
  #writable: WritableStreamDefaultController | undefined;
  #opened: { resolve(facts: Facts): void; reject(error: unknown): void } | undefined;
  /** Bytes of answers that the transport has not taken. */
  #unsent = 0;
  /** Wakes the reader of the transport: the engine has room for input again. */
  #wake: (() => void) | undefined;
  /** Why the connection is over. */
  #left: { readonly reason: unknown } | undefined;
  /** Rejects the write or close that is under way. */
  #giveUp: ((reason: unknown) => void) | undefined;

  constructor(transport: ByteTransport, connection: Connection, early: EarlySink) {
    this.#connection = connection;
    this.#early = early;
    this.#reader = transport.readable.getReader();
    this.#outlet = new Outlet(transport.writable);
    this.#pump = new Pump(connection, {
      data: (bytes, early) => (early ? this.#earlyData(bytes) : this.#data(bytes)),
      open: (facts) => this.#open(facts),
      end: (closeNotify) => this.#end(closeNotify),
      error: (error) => this.#fail(error),
      secret: () => {},
      send: (slabs) => this.#send(slabs),
      answered: () => this.#wakeReader(),
      unsent: () => this.#unsent,
      thrown: (error) => this.#fail(error),
    });
    const opened = new Promise<Facts>((resolve, reject) => {
      this.#opened = { resolve, reject };
    });
    // Without a listener for `opened`, the streams report a failure.
    opened.catch(() => {});
    this.secure = { readable: this.#makeReadable(), writable: this.#makeWritable(opened), opened };
    this.#pump.run();
    this.#readTransport().catch((error) => this.#fail(error));
  }

  #makeReadable(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#readable = controller;
        },
        pull: () => {
          this.#pump.resume();
          this.#wakeReader();
        },
        cancel: (reason) => {
          this.#connection.closeWrite();
          this.#pump.run();
          this.#fail(reason ?? gone('cancelled'));
        },
      },
      { highWaterMark: 1 },
    );
  }

  #makeWritable(opened: Promise<Facts>): WritableStream<ByteSource> {
    return new WritableStream<ByteSource>({
      start: (controller) => {
        this.#writable = controller;
        // abort() waits for the write that is under way, which may wait for the peer: the signal comes at once.
        controller.signal.addEventListener('abort', () => this.#abort(controller.signal.reason));
      },
      write: async (chunk) => {
        // The chunk was checked when it was queued, but its buffer may have been detached since.
        bytesOf(chunk, WRITTEN);
        await opened;
        const left = new Chunks([bytesOf(chunk, WRITTEN)]);
        while (left.length > 0) await this.#unlessLeft(() => this.#seal(left));
      },
      close: async () => {
        await opened;
        await this.#unlessLeft(() => this.#close());
      },
    });
  }

  /** Waits for the `work` of a write or close, until the connection is left. */
  #unlessLeft(work: () => Promise<void>): Promise<void> {
    if (this.#left !== undefined) return Promise.reject(this.#left.reason);
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      work().then(resolve, reject);
    });
  }

  /** Seals and sends the data of one turn, and waits until the transport has taken it. */
  async #seal(left: Chunks): Promise<void> {
    const most = this.#connection.bytesPerTurn();
    const before = left.length;
    this.#connection.write(left.take(most));
    // The application's data does not count as an answer: its write waits for the transport.
    const taken = this.#outlet.write(this.#connection.takeOutput());
    taken.catch((error) => this.#fail(error));
    this.#pump.run();
    await taken;
    await this.#turns.spend(before - left.length, most);
  }

  async #close(): Promise<void> {
    await new Promise<void>((resolve) => this.#pump.afterTasks(resolve));
    this.#connection.closeWrite();
    this.#pump.run();
    await this.#outlet.close();
  }

  async #readTransport(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done) {
        this.#connection.receiveEnd();
        this.#pump.run();
        return;
      }
      const bytes = bytesOf(value, 'what the transport gives');
      for (let offset = 0; offset < bytes.length; ) {
        while (this.#connection.inputRoom === 0 || this.#pump.full) await this.#room();
        const part = bytes.subarray(offset, offset + this.#connection.inputRoom);
        this.#connection.receive(part);
        offset += part.length;
        this.#pump.run();
        await this.#turns.spend(part.length, this.#connection.bytesPerTurn());
      }
    }
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #wakeReader(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  #open(facts: Facts): void {
    this.#early.close();
    this.#opened?.resolve(facts);
  }

  /** RFC 9846 §6.1: without close_notify the data may have been cut off. */
  #end(closeNotify: boolean): void {
    if (closeNotify) this.#readable?.close();
    else
      this.#fail(new TlsError('ERR_TLS_TRUNCATED', 'the transport ended without close_notify', { blame: 'transport' }));
  }

  #earlyData(bytes: Uint8Array): true {
    this.#early.write(bytes).catch((error) => this.#fail(error));
    return true;
  }

  #data(bytes: Uint8Array): boolean {
    this.#readable?.enqueue(bytes);
    return (this.#readable?.desiredSize ?? 0) > 0;
  }

  #send(slabs: readonly Uint8Array[]): void {
    for (const slab of slabs) {
      this.#unsent += slab.length;
      this.#outlet
        .write([slab])
        .then(() => {
          this.#unsent -= slab.length;
          this.#pump.run();
          this.#wakeReader();
        })
        .catch((error) => this.#fail(error));
    }
    this.#wakeReader();
  }

  /** Makes both streams fail: the next read or write rejects. */
  #fail(error: unknown): void {
    if (!this.#settle(error)) return;
    this.#writable?.error(error);
    // The alert has been written.
    this.#outlet.leave(error);
    this.#reader.cancel(error).catch(() => {});
  }

  /** Fails all but the writable, which fails by itself. */
  #abort(reason: unknown): void {
    if (!this.#settle(reason ?? gone('aborted'))) return;
    this.#outlet.abort(reason);
    this.#reader.cancel(reason).catch(() => {});
  }

  /**
   * Settles everything that waits on this side of TLS.
   * @returns false where that has happened before
   */
  #settle(reason: unknown): boolean {
    if (this.#left !== undefined) return false;
    this.#left = { reason };
    this.#connection.destroy();
    this.#opened?.reject(reason);
    this.#giveUp?.(reason);
    this.#early.abort(reason);
    this.#readable?.error(reason);
    this.#wakeReader();
    return true;
  }
}

function gone(how: 'cancelled' | 'aborted'): TlsError {
  return new TlsError('ERR_TLS_INVALID_STATE', `the stream was ${how}`, { blame: 'local' });
}

const WRITTEN = 'what is written';
