import net from 'node:net';
import type { Duplex } from 'node:stream';

/** Events of a connecting transport that the TLS socket repeats. It emits 'connect' itself, before the handshake. */
const connectEvents = [
  'lookup',
  'connectionAttempt',
  'connectionAttemptFailed',
  'connectionAttemptTimeout',
  'ready',
] as const;

export interface NewSocketOptions {
  readonly noDelay?: boolean | undefined;
  readonly keepAlive?: boolean | undefined;
  readonly keepAliveInitialDelay?: number | undefined;
  readonly blockList?: unknown;
}

/**
 * A socket whose failed write waits until what the peer has sent is read. A peer that answers early and closes resets the
 * connection over what it has not read; `net.Socket` closes its handle over the failed write, and the answer is lost.
 */
class ReadingSocket extends net.Socket {
  override _write(chunk: unknown, encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    super._write(chunk, encoding, this.#afterReading(callback));
  }

  override _writev(
    chunks: { chunk: unknown; encoding: BufferEncoding }[],
    callback: (error?: Error | null) => void,
  ): void {
    super._writev?.(chunks, this.#afterReading(callback));
  }

  #afterReading(callback: (error?: Error | null) => void): (error?: Error | null) => void {
    return (error) => {
      if (!error || this.readableEnded || this.destroyed) return callback(error);
      const done = (): void => {
        clearTimeout(timer);
        this.off('end', done).off('close', done);
        callback(error);
      };
      const timer = setTimeout(done, LINGER_TIME).unref();
      this.once('end', done).once('close', done);
    };
  }
}

/** Makes an unconnected socket with `allowHalfOpen`: TLS decides when this side ends. */
export function newSocket({ noDelay, keepAlive, keepAliveInitialDelay, blockList }: NewSocketOptions): net.Socket {
  const options = {
    allowHalfOpen: true,
    ...(noDelay !== undefined && { noDelay }),
    ...(keepAlive !== undefined && { keepAlive }),
    ...(keepAliveInitialDelay !== undefined && { keepAliveInitialDelay }),
    ...(blockList !== undefined && { blockList }),
  };
  return new ReadingSocket(options);
}

/** Repeats on `to` the events that `from` emits while it connects. */
export function repeatConnectEvents(from: net.Socket, to: net.Socket): void {
  for (const event of connectEvents) from.on(event, (...args: unknown[]) => void to.emit(event, ...args));
}

/**
 * Makes the bytes of a socket TLS's alone. Its owner may have listened to what came in the clear (STARTTLS): those listeners
 * hear nothing more, as in `node:tls`, which takes the handle. Text in whatever encoding becomes bytes again.
 */
export function takeOver(socket: net.Socket): void {
  socket.removeAllListeners('data');
  socket.removeAllListeners('readable');
  // Each character of latin1 is one byte.
  if (socket.readableEncoding !== null) socket.setEncoding('latin1');
  // Until the handshake begins, the bytes wait.
  socket.pause();
}

/** Whether a 'connect' event has to come before the transport takes bytes. */
export function isConnecting(transport: Duplex): boolean {
  if (transport instanceof net.Socket) return transport.connecting || transport.pending;
  return Reflect.get(transport, 'connecting') === true;
}

/**
 * Writes all slabs, corked.
 * @param done once the transport has taken the last of them
 */
export function writeAll(transport: Duplex, slabs: readonly Uint8Array[], done?: (error?: Error | null) => void): void {
  if (slabs.length > 1) transport.cork();
  slabs.forEach((slab, index) => {
    const bytes = Buffer.from(slab.buffer, slab.byteOffset, slab.length);
    if (index === slabs.length - 1 && done !== undefined) transport.write(bytes, done);
    else transport.write(bytes);
  });
  if (slabs.length > 1) transport.uncork();
}

/**
 * Closes a transport after an alert. The kernel resets a TCP connection that is closed with bytes unread, and the peer might
 * lose the alert: so this side reads and drops what the peer still sends, within bounds.
 */
export function linger(transport: Duplex): void {
  if (!transport.writable) {
    transport.destroy();
    return;
  }
  let left = LINGER_BYTES;
  const timer = setTimeout(() => transport.destroy(), LINGER_TIME).unref();
  const over = (): void => void transport.destroy();
  transport.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) over();
  });
  transport.once('end', over);
  transport.once('close', () => clearTimeout(timer));
  transport.end();
  transport.resume();
}

/** Bytes: more than a peer's flight that is under way when the alert leaves. */
const LINGER_BYTES = 0x4_0000;
/** Milliseconds. */
const LINGER_TIME = 1000;
