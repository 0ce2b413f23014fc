import type { EventEmitter } from 'node:events';
import http from 'node:http';
import type { TLSSocket } from '../socket/tls-socket.ts';

/**
 * The `http.Server` within a server of TLS: it reads requests from sockets that the other server has accepted, and that
 * server emits its events. It never listens.
 */
export class RequestServer extends http.Server {
  /** The server of TLS: its listeners hear of requests. */
  readonly #outer: EventEmitter;

  /** @param options of both servers: this one takes those of HTTP, and none that holds a key */
  constructor(outer: EventEmitter, options: http.ServerOptions) {
    super(httpOptions(options));
    this.#outer = outer;
    for (const event of forOuter) this.removeAllListeners(event);
  }

  /** Reads requests from a socket. */
  serve(socket: TLSSocket): void {
    super.emit('connection', socket);
    // Node has set the server of HTTP; the application knows the other.
    socket.server = this.#outer;
  }

  /** Watches the time limits of its connections, from the time that the server of TLS listens. */
  start(): void {
    super.emit('listening');
  }

  /** Emits the events of HTTP on the server of TLS. */
  override emit(event: string, ...args: unknown[]): boolean {
    return forOuter.has(event) ? this.#outer.emit(event, ...args) : super.emit(event, ...args);
  }

  /** Counts the listeners of the server of TLS: Node decides by them how a request goes on. */
  override listenerCount(event: string): number {
    return forOuter.has(event) ? this.#outer.listenerCount(event) : super.listenerCount(event);
  }
}

/** The events of `http.Server` that are about requests. */
const forOuter: ReadonlySet<string> = new Set([
  'request',
  'checkContinue',
  'checkExpectation',
  'connect',
  'upgrade',
  'clientError',
  'dropRequest',
]);

/** Properties that applications set on a server: they are the request server's. */
export const requestProperties = [
  'timeout',
  'keepAliveTimeout',
  'keepAliveTimeoutBuffer',
  'headersTimeout',
  'requestTimeout',
  'connectionsCheckingInterval',
  'maxHeadersCount',
  'maxRequestsPerSocket',
  'joinDuplicateHeaders',
  'httpAllowHalfOpen',
] as const;

/** The options that `http.Server` reads. */
const optionNames = [
  'IncomingMessage',
  'ServerResponse',
  'insecureHTTPParser',
  'maxHeaderSize',
  'requireHostHeader',
  'joinDuplicateHeaders',
  'uniqueHeaders',
  'rejectNonStandardBodyWrites',
  'optimizeEmptyRequests',
  'shouldUpgradeCallback',
  'requestTimeout',
  'headersTimeout',
  'keepAliveTimeout',
  'keepAliveTimeoutBuffer',
  'connectionsCheckingInterval',
  'highWaterMark',
] as const;

function httpOptions(options: http.ServerOptions): http.ServerOptions {
  const given = optionNames.flatMap((name) => {
    const value: unknown = Reflect.get(options, name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(given);
}
