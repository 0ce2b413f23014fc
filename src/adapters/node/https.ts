/**
 * `opentls/https`: the surface of `node:https`, over opentls.
 *
 * @module opentls/https
 */

import type http from 'node:http';
import nodeHttps from 'node:https';
import { URL, urlToHttpOptions } from 'node:url';
import { SessionCache } from '../../session/client-sessions.ts';
import type { ConnectionOptions } from './connect.ts';
import { AgentNames } from './http/agent-names.ts';
import { EarlyRequests, markEarly } from './http/early-requests.ts';
import { RequestServer, requestProperties } from './http/request-server.ts';
import { endResponses } from './http/response-end.ts';
import tls from './index.ts';
import type { SecureContextOptions } from './options/context.ts';
import { earlyReader } from './options/socket.ts';
import { TlsServer, type ServerOptions as TlsServerOptions } from './server.ts';
import type { EarlyReader, TLSSocket } from './socket/tls-socket.ts';
import { callable } from './support/callable.ts';
import { invalidArgValue, validateObject } from './support/errors.ts';
import { fromBlob, toBlob } from './support/sessions.ts';

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

class HttpsAgent extends nodeHttps.Agent {
  static {
    Object.defineProperty(HttpsAgent, 'name', { value: 'Agent', configurable: true });
  }

  constructor(options?: AgentOptions) {
    super(options as nodeHttps.AgentOptions);
  }

  /**
   * Opens a connection that resumes a session of an earlier one with the same name ({@link getName}). The agent offers each
   * session once.
   * @param port or the options; host and options may follow
   * @throws ERR_INVALID_ARG_VALUE for `earlyData`: the server would read those bytes ahead of the request
   */
  override createConnection(port?: unknown, host?: unknown, more?: unknown): TLSSocket {
    const options = connectionOptions(port, host, more);
    refuseEarly(options);
    const { sessions } = keptBy(this);
    const key = { host: nameOf(this, options), port: '', alpn: [], identity: '' };
    const kept = sessions.take(key);
    const socket = tls.connect({ ...(kept && { session: toBlob(kept) }), ...options } as ConnectionOptions);
    kept?.psk.wipe();
    endResponses(socket);
    socket.on('session', (blob: Buffer) => {
      const session = fromBlob(blob);
      if (session !== undefined) sessions.put(key, session);
    });
    socket.once('close', (failed: boolean) => {
      if (failed) sessions.delete(key);
    });
    return socket;
  }

  /**
   * Answers the name under which the agent shares connections and sessions: Node's name, and all options that decide how
   * the peer is judged and how this side authenticates itself. Functions and objects of a class are compared by identity:
   * make them once, not per request.
   */
  override getName(options: nodeHttps.RequestOptions = {}): string {
    return nameOf(this, options as ConnectionOptions);
  }
}

export type Agent = HttpsAgent;
/**
 * Keeps and shares connections over opentls, as `https.Agent` does over `node:tls`. It keeps sessions, too. May be called
 * without `new`.
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
export const Agent: typeof HttpsAgent & ((...args: ConstructorParameters<typeof HttpsAgent>) => HttpsAgent) =
  callable(HttpsAgent);

interface Kept {
  readonly sessions: SessionCache;
  readonly names: AgentNames;
}

/** What an agent keeps. Not in the agent itself: others borrow its methods for agents of their own class. */
const keptByAgents = new WeakMap<http.Agent, Kept>();

function keptBy(agent: http.Agent): Kept {
  const known = keptByAgents.get(agent);
  if (known !== undefined) return known;
  // Node takes any value here: what is no number, or negative, means the default.
  const most: unknown = Reflect.get(agent, 'maxCachedSessions');
  const sessions = new SessionCache(typeof most === 'number' && most >= 0 ? Math.ceil(most) : 100);
  const kept = { sessions, names: new AgentNames() };
  keptByAgents.set(agent, kept);
  return kept;
}

function nameOf(agent: http.Agent, options: ConnectionOptions): string {
  const own: string = Reflect.apply(nodeHttps.Agent.prototype.getName, agent, [options]);
  return `${own}:opentls:${keptBy(agent).names.of(options)}`;
}

/** The forms of `createConnection()`: options alone, or behind port and host. */
function connectionOptions(port: unknown, host: unknown, more: unknown): ConnectionOptions {
  if (typeof port === 'object' && port !== null) return port;
  const options = typeof host === 'object' && host !== null ? host : more;
  return {
    ...(typeof options === 'object' && options),
    ...(typeof port === 'number' && { port }),
    ...(typeof host === 'string' && { host }),
  };
}

/** The agent of requests without `agent`. It keeps connections alive, and ends idle ones after 5 seconds. */
export const globalAgent: Agent = new Agent({ keepAlive: true, scheduling: 'lifo', timeout: 5000 });

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

class HttpsServer extends TlsServer {
  static {
    Object.defineProperty(HttpsServer, 'name', { value: 'Server', configurable: true });
  }

  readonly #requests: RequestServer;

  constructor(options?: ServerOptions | http.RequestListener | null, listener?: http.RequestListener) {
    const given = (typeof options === 'function' ? undefined : options) ?? {};
    validateObject(given, 'options');
    const alpn = given.ALPNProtocols || given.ALPNCallback ? {} : { ALPNProtocols: ['http/1.1'] };
    let early: EarlyRequests | undefined;
    const reader: EarlyReader = {
      isListening: () => early?.isListening() ?? false,
      take: (socket, chunk) => early?.take(socket, chunk),
    };
    super({ noDelay: true, ...alpn, ...given, [earlyReader]: reader });
    const requests = new RequestServer(this, given);
    early = new EarlyRequests(this, (socket) => requests.serve(socket));
    this.#requests = requests;
    for (const name of requestProperties) {
      const property = {
        get: () => Reflect.get(requests, name),
        set: (value: unknown) => Reflect.set(requests, name, value),
      };
      if (name in requests) Object.defineProperty(this, name, { ...property, configurable: true, enumerable: true });
    }
    const requestListener = typeof options === 'function' ? options : listener;
    if (requestListener) this.on('request', requestListener);
    this.on('secureConnection', (socket: TLSSocket) => early?.begin(socket));
    this.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      if (!this.emit('clientError', error, socket)) socket.destroy(error);
    });
    this.on('listening', () => requests.start());
  }

  /** Adds `Early-Data: 1` to a request that came as 0-RTT data (RFC 8470 §5.1), and emits as a server does. */
  override emit(event: string, ...args: unknown[]): boolean {
    markEarly(args[0]);
    return super.emit(event, ...args);
  }

  /** Closes all connections, those with a request under way too. */
  closeAllConnections(): void {
    this.#requests.closeAllConnections();
  }

  /** Closes the connections that wait for a request. */
  closeIdleConnections(): void {
    this.#requests.closeIdleConnections();
  }

  /** Sets the milliseconds after which an idle connection is closed, or 'timeout' emitted. @param listener of 'timeout' */
  setTimeout(milliseconds?: number | (() => void), listener?: (socket: TLSSocket) => void): this {
    this.#requests.timeout = typeof milliseconds === 'number' ? milliseconds : 0;
    const heard = typeof milliseconds === 'function' ? milliseconds : listener;
    if (heard !== undefined) this.on('timeout', heard);
    return this;
  }

  /** Stops accepting connections, and closes those that wait for a request. */
  override close(callback?: (error?: Error) => void): this {
    this.#requests.close(() => undefined);
    return super.close(callback);
  }
}

export type Server = HttpsServer;
/** A `Server` of `opentls` that serves HTTP. May be called without `new`. */
export const Server: typeof HttpsServer & ((...args: ConstructorParameters<typeof HttpsServer>) => HttpsServer) =
  callable(HttpsServer);

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
export function createServer(
  options?: ServerOptions | http.RequestListener | null,
  listener?: http.RequestListener,
): Server {
  return new HttpsServer(options, listener);
}

function agentFor(options: nodeHttps.RequestOptions): { readonly agent?: nodeHttps.Agent } {
  const { agent, createConnection } = options;
  if (agent === false) return { agent: new HttpsAgent() };
  if (agent instanceof nodeHttps.Agent && !(agent instanceof HttpsAgent) && !createConnection)
    refuseOwn(options as ConnectionOptions);
  return agent || createConnection ? {} : { agent: https.globalAgent };
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

/** The options of {@link ConnectionOptions} that `node:tls` does not have. */
const ownOptions = ['verification', 'engine', 'signer', 'provider', 'now', 'earlyData'] as const;

function isUrl(value: URL | RequestOptions): value is URL {
  return value instanceof URL;
}

/** The module as one object. A program may assign another `globalAgent`, as with `node:https`. */
export interface HttpsModule {
  /** {@link Agent} */
  Agent: typeof Agent;
  /** {@link Server} */
  Server: typeof Server;
  /** {@link createServer} */
  createServer: typeof createServer;
  /** {@link get} */
  get: typeof get;
  /** The agent of requests without `agent`. */
  globalAgent: nodeHttps.Agent;
  /** {@link request} */
  request: typeof request;
}

/** The module as one object, as the default export of `node:https`. */
const https: HttpsModule = { Agent, Server, createServer, get, globalAgent, request };
export default https;
