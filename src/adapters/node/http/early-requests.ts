/** Requests in 0-RTT data (RFC 8470): the handler gets them before the handshake is complete, with a header that says so. */
import type { EventEmitter } from 'node:events';
import http from 'node:http';
import type { EarlyReader, TLSSocket } from '../socket/tls-socket.ts';

/** Gives 0-RTT data to the parser of an `http.Server`, ahead of the data that comes after the handshake. */
export class EarlyRequests implements EarlyReader {
  readonly #server: EventEmitter;
  readonly #serve: (socket: TLSSocket) => void;
  readonly #served = new WeakSet<TLSSocket>();

  /** @param serve begins to read requests from a socket */
  constructor(server: EventEmitter, serve: (socket: TLSSocket) => void) {
    this.#server = server;
    this.#serve = serve;
  }

  isListening(): boolean {
    return this.#server.listenerCount('request') > 0;
  }

  take(socket: TLSSocket, chunk: Buffer): void {
    this.begin(socket);
    socket.push(chunk);
  }

  /** Begins to read requests from a socket, once: at its first 0-RTT data, or after the handshake. */
  begin(socket: TLSSocket): void {
    if (this.#served.has(socket)) return;
    this.#served.add(socket);
    this.#serve(socket);
  }
}

/**
 * Adds `Early-Data: 1` (RFC 8470 §5.1) to a request that came before the handshake was complete. A proxy in front of this
 * server may have added it already.
 * @param request the first argument of an event of `http.Server`
 */
export function markEarly(request: unknown): void {
  if (!(request instanceof http.IncomingMessage) || (request.socket as Partial<TLSSocket>).earlyData !== true) return;
  if (request.headers['early-data'] === '1') return;
  request.headers['early-data'] = '1';
  request.headersDistinct['early-data'] = ['1'];
  request.rawHeaders.push('Early-Data', '1');
}
