/** 0-RTT data of either side: what a client sends is answered for once, what a server takes is always read. */
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Connection } from '../../../connection/connection.ts';
import { TlsError } from '../../../errors.ts';
import type { EarlyDataPolicy } from '../../../handshake/terms/config.ts';
import { whereRead } from '../../../session/replay.ts';
import type { Session } from '../../../session/session.ts';
import { earlyReader, type SocketOptionsFor } from '../options/socket.ts';

/** Whether the session allows all of it. Part of it is never sent, and none is not offered. */
export function fitsEarly(earlyData: Uint8Array | undefined, session: Session | undefined): boolean {
  return earlyData !== undefined && session !== undefined && earlyData.length <= session.maxEarlyDataSize;
}

/** What a client has to send early. It goes out behind the ClientHello, which may have to wait for an answer. */
export class EarlyOffer {
  readonly #socket: Socket;
  readonly #bytes: Uint8Array;
  #written = false;
  #told = false;

  constructor(socket: Socket, bytes: Uint8Array) {
    this.#socket = socket;
    this.#bytes = bytes;
  }

  /** @returns whether there is something new to send */
  write(connection: Connection): boolean {
    const { earlyRoom } = connection;
    if (this.#written || earlyRoom === undefined || earlyRoom < this.#bytes.length) return false;
    this.#written = true;
    connection.writeEarly(this.#bytes);
    return true;
  }

  /** Tells what became of it: the first that is known counts. */
  tell(accepted: boolean): void {
    if (this.#told) return;
    this.#told = true;
    this.#socket.emit('earlyData', accepted && this.#written);
  }
}

/** The server's policy: nothing is taken, and no client told that it was, where nobody listens. */
export function whereHeard<TLSSocket extends Socket>(
  policy: EarlyDataPolicy,
  socket: TLSSocket,
  options: SocketOptionsFor<TLSSocket>,
): EarlyDataPolicy {
  const isHeard = () => {
    const { [earlyReader]: reader, server } = options;
    return (
      reader?.isThere() ?? (socket.listenerCount('earlyData') > 0 || (server?.listenerCount('earlyData') ?? 0) > 0)
    );
  };
  return { ...policy, replay: whereRead(policy.replay, isHeard) };
}

/**
 * Hands a piece to whoever reads it. It is not part of the stream: who takes it knows that it may have been replayed.
 * Where the last listener has gone since the data was accepted, the connection ends: the client was told otherwise.
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
