/**
 * `opentls/https`: the surface of `node:https`, over opentls.
 *
 * @module opentls/https
 */

import http from 'node:http';
import nodeHttps from 'node:https';
import { URL, urlToHttpOptions } from 'node:url';
import { SessionCache } from '../../session/client-sessions.ts';
import type { ConnectionOptions } from './connect.ts';
import type { SecureContext } from './context/context.ts';
import { AgentNames } from './http/agent-names.ts';
import { EarlyRequests, markEarly } from './http/early-requests.ts';
import { endResponses } from './http/response-end.ts';
import tls from './index.ts';
import type { SecureContextOptions } from './options/context.ts';
import { earlyReader } from './options/socket.ts';
import { Server as TlsServer, type ServerOptions as TlsServerOptions } from './server.ts';
import type { TLSSocket } from './socket/tls-socket.ts';
import { invalidArgValue } from './support/errors.ts';
import { fromBlob, type TicketKeyInput, toBlob } from './support/sessions.ts';

/** Options of {@link Agent}: those of `http.Agent`, and those of `connect()` for every connection that it makes. */
export interface AgentOptions
  extends http.AgentOptions,
    Omit<ConnectionOptions, keyof http.AgentOptions | 'socket' | 'path'> {
  /** How many names the agent keeps sessions for. Default 100; 0: it keeps none. */
  readonly maxCachedSessions?: number | undefined;
}

/** Options of `http.request()`, and of the connection that it makes. */
export interface RequestOptions
  extends Omit<http.RequestOptions, keyof SecureContextOptions>,
    Omit<ConnectionOptions, keyof http.RequestOptions> {}

/** Options of {@link createServer}: those of `http.createServer()` and those of `createServer()` of `opentls`. */
export type ServerOptions = http.ServerOptions & TlsServerOptions;
/** Called with the response, like the callback of `https.request()`. */
export type ResponseListener = (response: http.IncomingMessage) => void;

/**
 * Keeps and shares connections over opentls, as `https.Agent` does over `node:tls`. It keeps sessions, too.
 *
 * @example
 * ```js
 * import { once } from 'node:events';
 * import { Agent, get } from 'opentls/https';
 *
 * const agent = new Agent({ ca: cert, keepAlive: true });
 * const [response] = await once(get(`https://localhost:${httpsPort}/`, { agent }), 'response');
 * for await (const bytes of response) console.log(bytes.toString()); // hello
 * agent.destroy();
 * ```
 */
export class Agent extends nodeHttps.Agent {
  readonly #sessions: SessionCache;
  readonly #names = new AgentNames();

  constructor(options?: AgentOptions) {
    super(options as nodeHttps.AgentOptions);
    // Node takes any value here: what is no number, or negative, means the default.
    const most = options?.maxCachedSessions;
    this.#sessions = new SessionCache(typeof most === 'number' && most >= 0 ? Math.ceil(most) : 100);
  }

  /**
   * Opens a connection that resumes a session of an earlier one with the same name ({@link getName}). The agent offers each
   * session once.
   * @throws ERR_INVALID_ARG_VALUE for `earlyData`: the server would read those bytes ahead of the request
   */
  override createConnection(options: nodeHttps.RequestOptions): TLSSocket {
    refuseEarly(options as ConnectionOptions);
    const key = { host: this.getName(options), port: '', alpn: [], identity: '' };
    const kept = this.#sessions.take(key);
    const socket = tls.connect({ ...(kept && { session: toBlob(kept) }), ...options } as ConnectionOptions);
    kept?.psk.wipe();
    endResponses(socket);
    socket.on('session', (blob: Buffer) => {
      const session = fromBlob(blob);
      if (session !== undefined) this.#sessions.put(key, session);
    });
    socket.once('close', (failed: boolean) => {
      if (failed) this.#sessions.delete(key);
    });
    return socket;
  }

  /**
   * Answers the name under which the agent shares connections and sessions: Node's name, and all options that decide how
   * the peer is judged and how this side authenticates itself. Functions and objects of a class are compared by identity:
   * make them once, not per request.
   */
  override getName(options: nodeHttps.RequestOptions = {}): string {
    return `${super.getName(options)}:opentls:${this.#names.of(options as ConnectionOptions)}`;
  }
}

/** The agent of requests without `agent`. It keeps connections alive, and ends idle ones after 5 seconds. */
export const globalAgent: Agent = new Agent({ keepAlive: true, timeout: 5000 });

/**
 * Sends a request, as `https.request()` does. A request without `agent` goes through {@link globalAgent}.
 * @throws ERR_INVALID_ARG_VALUE for an option that only opentls has, beside an agent of `node:https`: that agent would
 * ignore it
 *
 * @example
 * ```js
 * import { once } from 'node:events';
 * import { request } from 'opentls/https';
 *
 * const sent = request(`https://localhost:${httpsPort}/`, { method: 'POST', ca: cert, agent: false });
 * sent.end('body');
 * const [response] = await once(sent, 'response');
 * console.log(response.statusCode, response.socket.getProtocol()); // 200 TLSv1.3
 * response.resume();
 * ```
 */
export function request(
  url: string | URL | RequestOptions,
  options?: RequestOptions | ResponseListener,
  listener?: ResponseListener,
): http.ClientRequest {
  const given = typeof url === 'string' ? urlToHttpOptions(new URL(url)) : isUrl(url) ? urlToHttpOptions(url) : url;
  const more = typeof options === 'function' ? undefined : options;
  const merged = { ...given, ...more } as nodeHttps.RequestOptions;
  const own = typeof options === 'function' ? options : listener;
  return nodeHttps.request({ ...merged, ...agentFor(merged) } as nodeHttps.RequestOptions, own);
}

/**
 * Sends a request without a body, as {@link request} does, and ends it.
 *
 * @example
 * ```js
 * import { once } from 'node:events';
 * import { get } from 'opentls/https';
 *
 * const [response] = await once(get(`https://localhost:${httpsPort}/`, { ca: cert, agent: false }), 'response');
 * for await (const bytes of response) console.log(bytes.toString()); // hello
 * ```
 */
export function get(
  url: string | URL | RequestOptions,
  options?: RequestOptions | ResponseListener,
  listener?: ResponseListener,
): http.ClientRequest {
  const sent = request(url, options, listener);
  sent.end();
  return sent;
}

/** An `http.Server` that serves the connections of a TLS server within. */
export class Server extends http.Server {
  readonly #tls: TlsServer;

  constructor(options: ServerOptions | http.RequestListener = {}, listener?: http.RequestListener) {
    const given = typeof options === 'function' ? {} : options;
    super({ noDelay: true, ...given }, typeof options === 'function' ? options : listener);
    const alpn = given.ALPNProtocols || given.ALPNCallback ? {} : { ALPNProtocols: ['http/1.1'] };
    // The listeners with which the `http.Server` takes plain connections: here they take secure ones.
    const serve = this.listeners('connection') as ((this: this, socket: TLSSocket) => void)[];
    const requests = new EarlyRequests(this, (socket) => {
      for (const listen of serve) listen.call(this, socket);
    });
    this.#tls = new TlsServer({ ...alpn, ...given, [earlyReader]: requests });
    this.removeAllListeners('connection');
    this.on('connection', (transport) => void this.#tls.emit('connection', transport));
    this.on('secureConnection', (socket: TLSSocket) => requests.begin(socket));
    this.#tls.on('secureConnection', (socket: TLSSocket) => void this.emit('secureConnection', socket));
    this.#tls.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      this.emit('tlsClientError', error, socket);
      if (!this.emit('clientError', error, socket)) socket.destroy(error);
    });
    // The TLS server emits these events only where it has a listener: it gets one when the application adds one here.
    this.on('newListener', (event: string) => {
      if (!passedOn.has(event) || this.#tls.listenerCount(event) > 0) return;
      this.#tls.on(event, (...args: unknown[]) => void this.emit(event, ...args));
    });
  }

  /** Adds `Early-Data: 1` to a request that came as 0-RTT data (RFC 8470 §5.1), and emits as `http.Server` does. */
  override emit(event: string, ...args: unknown[]): boolean {
    markEarly(args[0]);
    return super.emit(event, ...args);
  }

  /** Adds a context for clients that ask for `servername`; the `*` in `*.example.com` stands for one label. */
  addContext(servername: string, context: SecureContext | SecureContextOptions): void {
    this.#tls.addContext(servername, context);
  }

  /** Replaces the whole context for connections that are accepted from now on. */
  setSecureContext(options: SecureContextOptions): void {
    this.#tls.setSecureContext(options);
  }

  /** A copy of the key that seals session tickets: 48 bytes, a secret. */
  getTicketKeys(): Buffer {
    return this.#tls.getTicketKeys();
  }

  /** Sets the keys of session tickets: 48 bytes, or several keys. The server seals with the first and opens with each. */
  setTicketKeys(keys: TicketKeyInput): void {
    this.#tls.setTicketKeys(keys);
  }
}

/**
 * Makes an HTTPS server over opentls, as `https.createServer()` does.
 * @throws what `createServer()` of `opentls` throws
 *
 * @example
 * ```js
 * import { once } from 'node:events';
 * import { createServer, get } from 'opentls/https';
 *
 * const server = createServer({ key, cert }, (request, response) => response.end(request.url));
 * await once(server.listen(0), 'listening');
 * const url = `https://localhost:${server.address().port}/path`;
 * const [response] = await once(get(url, { ca: cert, agent: false }), 'response');
 * for await (const bytes of response) console.log(bytes.toString()); // /path
 * server.close();
 * ```
 */
export function createServer(options?: ServerOptions | http.RequestListener, listener?: http.RequestListener): Server {
  return new Server(options, listener);
}

function agentFor(options: nodeHttps.RequestOptions): { readonly agent?: Agent } {
  const { agent, createConnection } = options;
  if (agent === false) return { agent: new Agent() };
  if (agent instanceof nodeHttps.Agent && !(agent instanceof Agent) && !createConnection)
    refuseOwn(options as ConnectionOptions);
  return agent || createConnection ? {} : { agent: globalAgent };
}

/** Refuses an option that an agent of `node:https` would ignore: it may decide whether the peer is trusted. */
function refuseOwn(options: ConnectionOptions): void {
  const ignored = ownOptions.find((name) => options[name] !== undefined && options[name] !== null);
  if (ignored === undefined) return;
  throw invalidArgValue(`options.${ignored}`, options[ignored], "is unknown to an agent of 'node:https'");
}

function refuseEarly({ earlyData }: ConnectionOptions): void {
  if (earlyData === undefined) return;
  throw invalidArgValue('options.earlyData', earlyData, 'is for connect(): an agent does not send a request early');
}

/** Events of the TLS server that the application may listen for on this one. */
const passedOn: ReadonlySet<string> = new Set(['keylog', 'newSession', 'resumeSession', 'OCSPRequest']);

/** The options of {@link ConnectionOptions} that `node:tls` does not have. */
const ownOptions = ['verification', 'engine', 'signer', 'provider', 'now', 'earlyData'] as const;

function isUrl(value: URL | RequestOptions): value is URL {
  return value instanceof URL;
}
