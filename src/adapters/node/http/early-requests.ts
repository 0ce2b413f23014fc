/** Requests in 0-RTT data, RFC 8470: handed to the handler at once, and marked as what they are. */
import http from 'node:http';
import type { EarlyReader, TLSSocket } from '../socket/tls-socket.ts';

/** Gives 0-RTT data to the parser of an `http.Server`, ahead of what comes when the handshake is over. */
export class EarlyRequests implements EarlyReader {
  readonly #server: http.Server;
  readonly #serve: (socket: TLSSocket) => void;
  readonly #served = new WeakSet<TLSSocket>();

  /** @param serve begins to read requests from a socket */
  constructor(server: http.Server, serve: (socket: TLSSocket) => void) {
    this.#server = server;
    this.#serve = serve;
  }

  isThere(): boolean {
    return this.#server.listenerCount('request') > 0;
  }

  take(socket: TLSSocket, chunk: Buffer): void {
    this.begin(socket);
    socket.push(chunk);
  }

  /** Once for each socket: before the handshake is over where there is 0-RTT data, else after it. */
  begin(socket: TLSSocket): void {
    if (this.#served.has(socket)) return;
    this.#served.add(socket);
    this.#serve(socket);
  }
}

/**
 * What an `http.Server` emits with a request that came before the handshake was over gets the field that RFC 8470 §5.1
 * has for that. A request that a server behind another one gets may have it already.
 */
export function markEarly(request: unknown): void {
  if (!(request instanceof http.IncomingMessage) || (request.socket as Partial<TLSSocket>).earlyData !== true) return;
  if (request.headers['early-data'] === '1') return;
  request.headers['early-data'] = '1';
  request.headersDistinct['early-data'] = ['1'];
  request.rawHeaders.push('Early-Data', '1');
}
