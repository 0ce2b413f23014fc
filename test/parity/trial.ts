import { type EventEmitter, once } from 'node:events';
import type http2 from 'node:http2';
import type https from 'node:https';
import type { AddressInfo, Server as NetServer } from 'node:net';
import nodeTls, { type ConnectionOptions, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import type { Note } from './behaviour.ts';
import type { Credentials } from './credentials.ts';
import { describe } from './describe.ts';

/** The modules under test: those of Node, or of opentls. */
export interface Modules {
  /** With what Node exports and does not document. */
  readonly tls: typeof nodeTls & {
    convertALPNProtocols(protocols: unknown, out: { ALPNProtocols?: Buffer }): void;
  };
  readonly https: typeof https;
  readonly http2: Pick<typeof http2, 'connect' | 'createSecureServer'>;
}

/** What a behaviour works with: the modules under test, credentials, and the notes that are compared. */
export class Trial {
  readonly tls: Modules['tls'];
  readonly https: Modules['https'];
  readonly http2: Modules['http2'];
  /** Node's own module in both runs: for the other end of a connection. */
  readonly nodeTls: typeof nodeTls = nodeTls;
  readonly credentials: Credentials;
  readonly notes: Note[] = [];
  /** The major version of the Node that runs. */
  readonly major: number = Number(process.versions.node.split('.', 1)[0]);
  readonly #aliases = new Map<unknown, string>();
  readonly #cleanups: (() => void)[] = [];
  #silent = false;

  constructor(modules: Modules, credentials: Credentials) {
    this.tls = modules.tls;
    this.https = modules.https;
    this.http2 = modules.http2;
    this.credentials = credentials;
  }

  /** Notes values for the comparison, in the order of the calls for one track. */
  note(track: string, label: string, ...values: readonly unknown[]): void {
    if (this.#silent) return;
    const text = values.map((value) => describe(value, this.#aliases)).join(' ');
    this.notes.push({ track, label, text });
  }

  /** Shows a value that differs from run to run under a name. */
  alias(value: unknown, name: string): void {
    this.#aliases.set(value, name);
  }

  /**
   * Notes the events of an emitter in their order with their arguments, those that have a listener: Node leaves out some
   * that nobody hears. Events that a listener does not change get one. Pieces of data that follow each other are noted as
   * one.
   */
  watch(track: string, emitter: EventEmitter, names: ReadonlySet<string> = socketEvents): void {
    const { emit } = emitter;
    let data: Note | undefined;
    let received = 0;
    for (const name of harmless) if (names.has(name)) emitter.on(name, () => undefined);
    emitter.emit = (name: string | symbol, ...args: unknown[]) => {
      if (typeof name === 'string' && names.has(name) && emitter.listenerCount(name) > 0) {
        const [chunk] = args;
        if (name === 'data' && (Buffer.isBuffer(chunk) || typeof chunk === 'string')) {
          if (data !== undefined && this.notes.filter((note) => note.track === track).at(-1) === data) {
            this.notes.splice(this.notes.indexOf(data), 1);
          } else received = 0;
          received += chunk.length;
          this.note(track, 'data', received);
          data = this.notes.at(-1);
        } else this.note(track, name, ...args.map((value) => told(name, value)));
      }
      return Reflect.apply(emit, emitter, [name, ...args]);
    };
  }

  /**
   * Notes what a call returns or throws.
   * @param args as JavaScript may give them, whatever the types say
   */
  call(track: string, label: string, run: unknown, ...args: readonly unknown[]): unknown {
    try {
      const value: unknown = Reflect.apply(run as () => unknown, undefined, args);
      this.note(track, `${label} returns`, value);
      return value;
    } catch (error) {
      this.note(track, `${label} throws`, error);
      return undefined;
    }
  }

  /** A server of the module under test, with the credential `server` and TLS 1.3 alone. */
  server(options: TlsOptions = {}, onConnection?: (socket: TLSSocket) => void): Server {
    const { server } = this.credentials;
    return this.#owned(this.tls.createServer({ ...server, minVersion: 'TLSv1.3', ...options }, onConnection));
  }

  /** As {@link server}, of `node:tls` in both runs. */
  nodeServer(options: TlsOptions = {}, onConnection?: (socket: TLSSocket) => void): Server {
    const { server } = this.credentials;
    return this.#owned(nodeTls.createServer({ ...server, minVersion: 'TLSv1.3', ...options }, onConnection));
  }

  /** A client of the module under test that trusts `root` and asks for localhost. */
  connect(port: number, options: ConnectionOptions = {}, onSecure?: () => void): TLSSocket {
    return this.#owned(this.tls.connect({ port, ...this.#clientOptions, ...options }, onSecure));
  }

  /** As {@link connect}, of `node:tls` in both runs. */
  nodeConnect(port: number, options: ConnectionOptions = {}, onSecure?: () => void): TLSSocket {
    return this.#owned(nodeTls.connect({ port, ...this.#clientOptions, ...options }, onSecure));
  }

  get #clientOptions(): ConnectionOptions {
    return { host: '127.0.0.1', servername: 'localhost', ca: this.credentials.root.cert, minVersion: 'TLSv1.3' };
  }

  /** @returns the port, which notes show as PORT */
  async listen(server: NetServer): Promise<number> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    this.alias(port, 'PORT');
    this.defer(() => server.close());
    return port;
  }

  /** A client of the module under test and a server of `node:tls`, or the other way round, connected to each other. */
  async pair(
    role: 'client' | 'server',
    options: { readonly client?: ConnectionOptions; readonly server?: TlsOptions } = {},
  ): Promise<{ readonly client: TLSSocket; readonly server: TLSSocket; readonly subject: TLSSocket }> {
    const listener = role === 'server' ? this.server(options.server) : this.nodeServer(options.server);
    const port = await this.listen(listener);
    const accepted = this.event(listener, 'secureConnection');
    const client = role === 'client' ? this.connect(port, options.client) : this.nodeConnect(port, options.client);
    await this.event(client, 'secureConnect');
    const [server] = (await accepted) as [TLSSocket];
    this.defer(() => server.destroy());
    return { client, server, subject: role === 'client' ? client : server };
  }

  /** Resolves with the arguments of an event; an 'error' that comes first is no reason to reject. */
  event(emitter: EventEmitter, name: string): Promise<unknown[]> {
    return new Promise((resolve) => void emitter.once(name, (...args: unknown[]) => resolve(args)));
  }

  /** Waits for what a fast machine does at once: use it only where nothing announces the end. */
  settle(milliseconds = 50): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, milliseconds));
  }

  /** Runs when the behaviour is over. */
  defer(cleanup: () => void): void {
    this.#cleanups.push(cleanup);
  }

  /** Ends what the behaviour left, and notes nothing more. */
  end(): void {
    this.#silent = true;
    for (const cleanup of this.#cleanups.reverse()) {
      try {
        cleanup();
      } catch {
        // Was closed by the behaviour.
      }
    }
  }

  #owned<T extends Server | TLSSocket>(made: T): T {
    this.defer(() => ('destroy' in made ? made.destroy() : made.close()));
    // What nobody listens to must not end the process; 'error' is noted where the emitter is watched.
    if ('destroy' in made) made.on('error', () => undefined);
    else made.on('tlsClientError', () => undefined);
    return made;
  }
}

/** A value that {@link Trial.watch} notes: of a line of the key log its label, of sessions nothing but that they are bytes. */
function told(event: string, value: unknown): unknown {
  if (!Buffer.isBuffer(value)) return value;
  return event === 'keylog' ? value.toString('latin1').split(' ', 1)[0] : 'bytes';
}

/** The events that {@link Trial.watch} notes of a socket: not those that depend on how the network cuts the bytes. */
export const socketEvents: ReadonlySet<string> = new Set([
  'lookup',
  'connect',
  'ready',
  'secure',
  'secureConnect',
  'session',
  'OCSPResponse',
  'data',
  'end',
  'finish',
  'timeout',
  'error',
  'close',
]);

/** Events that come whether or not somebody listens, or change nothing where somebody does. */
const harmless = [
  'lookup',
  'connect',
  'ready',
  'secure',
  'secureConnect',
  'session',
  'keylog',
  'OCSPResponse',
  'end',
  'finish',
  'timeout',
  'close',
  'listening',
  'connection',
  'secureConnection',
];

/** The events that {@link Trial.watch} notes of a server. */
export const serverEvents: ReadonlySet<string> = new Set([
  'listening',
  'connection',
  'secureConnection',
  'tlsClientError',
  'newSession',
  'resumeSession',
  'OCSPRequest',
  'error',
  'close',
]);
