/** 0-RTT data of either side: a client hears once whether it was accepted; a server accepts none that nobody reads. */
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Connection } from '../../../connection/connection.ts';
import { TlsError } from '../../../errors.ts';
import type { EarlyDataPolicy } from '../../../handshake/terms/config.ts';
import { whereRead } from '../../../session/replay.ts';
import type { Session } from '../../../session/session.ts';
import { earlyReader, type SocketOptionsFor } from '../options/socket.ts';

/** Whether the session allows that much 0-RTT data. A client sends all of it or none. */
export function fitsEarly(earlyData: Uint8Array | undefined, session: Session | undefined): boolean {
  return earlyData !== undefined && session !== undefined && earlyData.length <= session.maxEarlyDataSize;
}

/** A client's 0-RTT data. It follows the ClientHello, which may wait for an asynchronous answer. */
export class EarlyOffer {
  readonly #socket: Socket;
  readonly #bytes: Uint8Array;
  #written = false;
  #told = false;

  constructor(socket: Socket, bytes: Uint8Array) {
    this.#socket = socket;
    this.#bytes = bytes;
  }

  /** Writes the data, once the engine takes it. @returns whether the engine has new output */
  write(connection: Connection): boolean {
    const { earlyRoom } = connection;
    if (this.#written || earlyRoom === undefined || earlyRoom < this.#bytes.length) return false;
    this.#written = true;
    connection.writeEarly(this.#bytes);
    return true;
  }

  /** Emits 'earlyData', once: true where the server has accepted the data. */
  tell(accepted: boolean): void {
    if (this.#told) return;
    this.#told = true;
    this.#socket.emit('earlyData', accepted && this.#written);
  }
}

/** A server's policy for 0-RTT data, which refuses it where the application has no listener. */
export function onlyWithReader<TLSSocket extends Socket>(
  policy: EarlyDataPolicy,
  socket: TLSSocket,
  options: SocketOptionsFor<TLSSocket>,
): EarlyDataPolicy {
  const hasReader = () => {
    const { [earlyReader]: reader, server } = options;
    return (
      reader?.isListening() ?? (socket.listenerCount('earlyData') > 0 || (server?.listenerCount('earlyData') ?? 0) > 0)
    );
  };
  return { ...policy, replay: whereRead(policy.replay, hasReader) };
}

/**
 * Gives a chunk of 0-RTT data to its reader, or to the listeners of 'earlyData' on the socket, else on the server. The data
 * stays out of the stream, because it may be a replay. Where no listener is left, the connection ends: the server has
 * already told the client that it accepts the data.
 */
export function deliverEarly<TLSSocket extends Socket>(
  socket: TLSSocket & { readonly _tlsOptions: SocketOptionsFor<TLSSocket>; readonly server: unknown },
  connection: Connection,
  chunk: Buffer,
): void {
  const { [earlyReader]: reader } = socket._tlsOptions;
  if (reader !== undefined) return reader.take(socket, chunk);
  if (socket.emit('earlyData', chunk)) return;
  if (socket.server instanceof EventEmitter && socket.server.emit('earlyData', socket, chunk)) return;
  const problem = "nobody listens for 'earlyData' any more, although some was accepted";
  connection.abort(new TlsError('ERR_TLS_INVALID_STATE', problem, { alert: 'internal_error', blame: 'config' }));
}
