import type { AddressInfo, Server as NetServer } from 'node:net';
import type { Duplex } from 'node:stream';
import nodeTls from 'node:tls';
import type { CryptoProvider } from '#opentls/crypto/provider';
import { noble } from '#opentls/providers/noble';
import type { Scope } from '../processes/scope.ts';
import type { Settings } from '../types.ts';
import { featureOptions } from './feature-options.ts';
import { type NodeOptions, nodeOptions } from './node-options.ts';

/** What the scenarios use of a TLSSocket. */
export interface Socket extends Duplex {
  readonly alpnProtocol: string | false | null;
  readonly servername: string | false | null;
  readonly authorized: boolean;
  /** opentls only. */
  readonly facts?: SocketFacts | undefined;
  getCipher(): { readonly name: string } | null | undefined;
  getProtocol(): string | null;
  getEphemeralKeyInfo(): object | null | undefined;
  getPeerCertificate(): { readonly subject?: object } | null;
  getFinished(): Buffer | null | undefined;
  getPeerFinished(): Buffer | null | undefined;
  isSessionReused(): boolean | null;
  exportKeyingMaterial(length: number, label: string, context?: Buffer): Buffer;
  setMaxSendFragment(size: number): boolean;
  /** opentls only. */
  requestCertificate?(): void;
}

interface SocketFacts {
  readonly group: { readonly name: string } | undefined;
  readonly helloRetryRequest: boolean;
  readonly externalPsk: Uint8Array | undefined;
  readonly earlyData: 'none' | 'accepted' | 'rejected';
  readonly peerSignatureScheme: number | undefined;
  readonly peerTimestamps: Uint8Array | undefined;
}

/** What the scenarios use of the module: the same of `node:tls` and of opentls. */
export interface TlsModule {
  connect(options: NodeOptions & { readonly host: string; readonly port: number }): Socket;
  createServer(options: NodeOptions): NetServer & {
    addContext(name: string, context: NodeOptions): void;
    setTicketKeys(keys: Buffer): void;
  };
}

export interface CodedError extends Error {
  readonly code?: string;
  readonly alert?: string;
}

/** One connection, seen from this side. */
export interface OwnSide {
  /** The socket after the handshake. @throws CodedError */
  readonly opened: Promise<Socket>;
  /** The first error, during the handshake or after it; `undefined` where the connection closes without one. */
  readonly failed: Promise<CodedError | undefined>;
  readonly keylog: readonly string[];
  /** What has come so far. */
  readonly seen: Seen;
}

/** Names of algorithms, one for each certificate; of a server, for all its connections. Opentls only. */
export interface Compressions {
  readonly compressed: string[];
  readonly decompressed: string[];
}

export interface Seen extends Compressions {
  /** Clients: in base64. */
  readonly sessions: string[];
  /** Servers: 0-RTT data. */
  early: string;
  /** Clients: OCSPResponse in base64, null for none. */
  ocspResponse?: string | null;
}

/** A server of ours; it lives until the scope ends. */
export interface OwnServer {
  readonly port: number;
  /** The next connection; to be called before the peer connects. */
  next(): OwnSide;
  setTicketKeys(keys: Buffer): void;
}

export interface Subject {
  readonly name: string;
  /** For what a scenario does without sockets of this subject. */
  readonly provider: CryptoProvider;
  connect(port: number, settings: Settings, scope: Scope): OwnSide;
  listen(settings: Settings, scope: Scope): Promise<OwnServer>;
}

/**
 * What is tested.
 * @param extra options for every context and connection
 */
export function createSubject(name: string, tls: TlsModule, extra: { readonly provider?: CryptoProvider }): Subject {
  return {
    name,
    provider: extra.provider ?? noble,
    connect: (port, settings, scope) => connect(tls, port, settings, extra, scope),
    listen: (settings, scope) => listen(tls, settings, extra, scope),
  };
}

/** `node:tls` in the place of opentls: shows what of a failing cell is the peer's or the harness's doing. */
export const control: Subject = createSubject('node:tls', nodeTls, {});

function connect(tls: TlsModule, port: number, settings: Settings, extra: object, scope: Scope): OwnSide {
  const seen: Seen = { sessions: [], early: '', compressed: [], decompressed: [] };
  const options = { ...nodeOptions('client', settings), ...featureOptions('client', settings, seen) };
  const socket = tls.connect({ host: '127.0.0.1', port, ...options, ...extra });
  scope.defer(() => void socket.destroy());
  const keylog: string[] = [];
  if (settings.keylog) socket.on('keylog', (line: Buffer) => void keylog.push(line.toString().trim()));
  socket.on('session', (session: Buffer) => void seen.sessions.push(session.toString('base64')));
  socket.on('OCSPResponse', (response: Buffer | null) => {
    seen.ocspResponse = response?.toString('base64') ?? null;
  });
  const opened = new Promise<Socket>((resolve, reject) => {
    socket.once('secureConnect', () => resolve(prepare(socket, settings)));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed before the handshake was over')));
  });
  return ownSide(opened, failure(socket), keylog, seen);
}

async function listen(tls: TlsModule, settings: Settings, extra: object, scope: Scope): Promise<OwnServer> {
  const compressions: Compressions = { compressed: [], decompressed: [] };
  const server = tls.createServer({
    ...nodeOptions('server', settings),
    ...featureOptions('server', settings, compressions),
    ...extra,
  });
  const { otherName, ocspResponse } = settings;
  if (otherName) server.addContext(otherName.name, { ...nodeOptions('server', otherName), ...extra });
  if (ocspResponse !== undefined) {
    const response = Buffer.from(ocspResponse, 'base64');
    server.on('OCSPRequest', (_leaf, _issuer, answer) => answer(null, response));
  }
  server.on('connection', (socket: Duplex) => scope.defer(() => void socket.destroy()));
  server.on('secureConnection', (socket: Socket) => scope.defer(() => void socket.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.defer(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return {
    port,
    next: () => accept(server, settings, compressions),
    setTicketKeys: (keys) => server.setTicketKeys(keys),
  };
}

function accept(server: NetServer, settings: Settings, compressions: Compressions): OwnSide {
  const keylog: string[] = [];
  if (settings.keylog) server.on('keylog', (line: Buffer) => void keylog.push(line.toString().trim()));
  const seen: Seen = { sessions: [], early: '', ...compressions };
  server.on('earlyData', (_socket: Socket, chunk: Buffer) => {
    seen.early += chunk.toString();
  });
  const opened = new Promise<Socket>((resolve, reject) => {
    server.once('secureConnection', (socket: Socket) => resolve(prepare(socket, settings)));
    server.once('tlsClientError', reject);
  });
  const failed = new Promise<CodedError | undefined>((resolve) => {
    server.once('tlsClientError', resolve);
    server.once('secureConnection', (socket: Socket) => resolve(failure(socket)));
    // A server may have dropped the client without a word.
    server.once('connection', (socket: Duplex) => {
      socket.once('close', () => setTimeout(() => resolve(undefined), 200).unref());
    });
  });
  return ownSide(opened, failed, keylog, seen);
}

function prepare(socket: Socket, settings: Settings): Socket {
  if (settings.maxFragment !== undefined) socket.setMaxSendFragment(settings.maxFragment);
  return socket;
}

function failure(socket: Socket): Promise<CodedError | undefined> {
  return new Promise((resolve) => {
    socket.on('error', resolve);
    socket.once('close', () => resolve(undefined));
  });
}

function ownSide(opened: Promise<Socket>, failed: OwnSide['failed'], keylog: readonly string[], seen: Seen): OwnSide {
  // Scenarios wait for one of the two; the other's rejection is not news.
  opened.catch(() => undefined);
  return { opened, failed, keylog, seen };
}
