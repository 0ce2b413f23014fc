import type { Server, Socket } from 'node:net';
import type { TicketSealer } from '../../../session/tickets.ts';
import type { DetailedCertificate } from '../certificate/legacy.ts';
import type { AlpnOption } from '../support/alpn.ts';
import type { SecureContextOptions } from './context.ts';

export interface AlpnCallbackArguments {
  /** False where the client named none. */
  readonly servername: string | false;
  readonly protocols: readonly string[];
}

/**
 * Chooses a server's context by the name that the client asks for. The callback takes a `SecureContext`; without one the
 * server's own is used, and an error ends the handshake.
 */
export type SniCallbackFor<TLSSocket extends Socket> = (
  this: TLSSocket,
  servername: string,
  callback: (error: Error | null, context?: unknown) => void,
) => void;

/** A client's is given null, and answers key and identity; a server's is given socket and identity. */
export type PskCallbackFor<TLSSocket extends Socket> = (
  ...args: readonly [hint: null] | readonly [socket: TLSSocket, identity: string]
) => PskAnswer | NodeJS.ArrayBufferView | null | undefined;

export interface PskAnswer {
  readonly psk: NodeJS.ArrayBufferView;
  readonly identity?: string;
  /** Of the suites that the key is for (opentls). Default 'sha256', as with OpenSSL. */
  readonly hash?: 'sha256' | 'sha384' | undefined;
}

/** The `onread` option of `net.Socket`: plaintext goes into the caller's own memory instead of 'data' events. */
export interface OnReadOptions {
  /** The memory, or what answers it for each piece. */
  readonly buffer: Uint8Array | (() => Uint8Array);
  /**
   * Hears each piece: so many bytes at the beginning of `buffer`.
   * @returns false to hear no more until `resume()`
   */
  readonly callback: (length: number, buffer: Uint8Array) => boolean;
}

/**
 * What `secureContext` holds: made by `createSecureContext()`. Another one is refused with ERR_TLS_INVALID_CONTEXT when it
 * is used.
 */
export interface ContextHolder {
  readonly context: unknown;
}

/** Options of `new TLSSocket(socket, options)`, for the class of socket that its callbacks are given. */
export interface SocketOptionsFor<TLSSocket extends Socket> extends SecureContextOptions {
  /** Whether this is the server's end. Default false. */
  readonly isServer?: boolean | undefined;
  /** Server: the `Server` that the socket belongs to. */
  readonly server?: Server | undefined;
  /** Made by `createSecureContext()`. Default: made of the other options. */
  readonly secureContext?: ContextHolder | undefined;
  /** Server: ask for a client certificate. */
  readonly requestCert?: boolean | undefined;
  /** Fail over a peer that is not authorized. */
  readonly rejectUnauthorized?: boolean | undefined;
  /** Protocols, best first. Default: ALPN is not used. */
  readonly ALPNProtocols?: AlpnOption | undefined;
  /** Server: chooses the protocol, one of those offered; undefined refuses. */
  readonly ALPNCallback?: ((this: TLSSocket, offer: AlpnCallbackArguments) => string | undefined) | undefined;
  /** Server: chooses the context by the name that the client asks for. */
  readonly SNICallback?: SniCallbackFor<TLSSocket> | undefined;
  /** Milliseconds. Default: none. */
  readonly handshakeTimeout?: number | undefined;
  /** Client: from a 'session' event, to be resumed. */
  readonly session?: unknown;
  /**
   * Client: to be sent as 0-RTT data if `session` allows it (opentls). The 'earlyData' event tells whether it was
   * taken; what was not is not sent again.
   */
  readonly earlyData?: Uint8Array | undefined;
  /** Of both sides; a client answers the hint, which TLS 1.3 has none of, a server the identity. */
  readonly pskCallback?: PskCallbackFor<TLSSocket> | undefined;
  /** Client: ask for an OCSP response, for the 'OCSPResponse' event. */
  readonly requestOCSP?: boolean | undefined;
  /** Accepted and without effect. */
  readonly enableTrace?: boolean | undefined;
  /** Begin paused. Default false. */
  readonly pauseOnConnect?: boolean | undefined;
  /** Keep our direction open when the peer has ended its own. Default false. */
  readonly allowHalfOpen?: boolean | undefined;
  /** As `net.Socket` has it: bytes. */
  readonly highWaterMark?: number | undefined;
  /** Destroys the socket when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Plaintext goes into the caller's own memory instead of 'data' events. */
  readonly onread?: OnReadOptions | null | undefined;
  /** As `net.Socket` has it. */
  readonly noDelay?: boolean | undefined;
  /** As `net.Socket` has it. */
  readonly keepAlive?: boolean | undefined;
  /** As `net.Socket` has it: milliseconds. */
  readonly keepAliveInitialDelay?: number | undefined;
  /** As `net.Socket` has it. */
  readonly blockList?: unknown;
  /** @internal Hands over the reader of 0-RTT data. */
  readonly [earlyReader]?: EarlyReaderFor<TLSSocket> | undefined;
  /** @internal Hands over the keys of tickets. */
  readonly [serverTickets]?: TicketSealer | undefined;
  /** @internal Hands over the host that the peer must be. */
  readonly [expectedHost]?: string | undefined;
  /** @internal Client: checks whether the certificate is for the right host. */
  readonly [identify]?: ((certificate: DetailedCertificate) => unknown) | undefined;
}

/** How a server hands over the keys that were set on it. */
export const serverTickets: unique symbol = Symbol('serverTickets');

/** Takes a server's 0-RTT data in place of the 'earlyData' event. */
export interface EarlyReaderFor<TLSSocket extends Socket> {
  /** Whether it would be read: else it is refused. */
  isThere(): boolean;
  take(socket: TLSSocket, chunk: Buffer): void;
}

/** How a server names the reader. */
export const earlyReader: unique symbol = Symbol('earlyReader');

/** How `connect()` hands over the host that the check of the name is about. */
export const expectedHost: unique symbol = Symbol('expectedHost');

/** How `connect()` hands over the check of the name, which needs the options that only it has. */
export const identify: unique symbol = Symbol('identify');

/**
 * Whether a peer that is not authorized ends the connection. Without a word a bare socket leaves that to its owner, as
 * in `node:tls`; nothing but false is a word against it.
 */
export function enforces({ rejectUnauthorized }: Pick<SocketOptionsFor<Socket>, 'rejectUnauthorized'>): boolean {
  return rejectUnauthorized !== undefined && rejectUnauthorized !== false;
}
