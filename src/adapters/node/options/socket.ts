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
 * Chooses a server's context by the name that the client asks for, and gives it to the callback. Without a context the
 * server uses its own; an error ends the handshake.
 */
export type SniCallbackFor<TLSSocket extends Socket> = (
  this: TLSSocket,
  servername: string,
  callback: (error: Error | null, context?: unknown) => void,
) => void;

/** Client: called with null, answers key and identity. Server: called with socket and identity, answers the key. */
export type PskCallbackFor<TLSSocket extends Socket> = (
  ...args: readonly [hint: null] | readonly [socket: TLSSocket, identity: string]
) => PskAnswer | NodeJS.ArrayBufferView | null | undefined;

export interface PskAnswer {
  readonly psk: NodeJS.ArrayBufferView;
  readonly identity?: string;
  /** The hash of the suites that the key is for (opentls). Default 'sha256', as in OpenSSL. */
  readonly hash?: 'sha256' | 'sha384' | undefined;
}

/** The `onread` option of `net.Socket`: the socket copies data into the caller's memory, in place of 'data' events. */
export interface OnReadOptions {
  /** The memory, or a function that answers it for each piece. */
  readonly buffer: Uint8Array | (() => Uint8Array);
  /**
   * Called for each piece: its bytes are the first `length` of `buffer`.
   * @returns false to pause until `resume()`
   */
  readonly callback: (length: number, buffer: Uint8Array) => boolean;
}

/**
 * The type of `secureContext`. A socket throws ERR_TLS_INVALID_CONTEXT for an object that `createSecureContext()` has not
 * made.
 */
export interface ContextHolder {
  readonly context: unknown;
}

/** Options of `new TLSSocket(socket, options)`. Generic in the socket of its callbacks. */
export interface SocketOptionsFor<TLSSocket extends Socket> extends SecureContextOptions {
  /** Whether this socket is the server's. Default false. */
  readonly isServer?: boolean | undefined;
  /** Server: the `Server` that the socket belongs to. */
  readonly server?: Server | undefined;
  /** The context, made by `createSecureContext()`. Default: the socket makes one of its options. */
  readonly secureContext?: ContextHolder | undefined;
  /** Server: whether it asks the client for a certificate. Default false. */
  readonly requestCert?: boolean | undefined;
  /** Whether a peer that is not authorized ends the connection. Default: false for a bare socket. */
  readonly rejectUnauthorized?: boolean | undefined;
  /** Protocols, best first. Default: ALPN is not used. */
  readonly ALPNProtocols?: AlpnOption | undefined;
  /** Server: chooses one of the protocols that the client offers; undefined refuses. */
  readonly ALPNCallback?: ((this: TLSSocket, offer: AlpnCallbackArguments) => string | undefined) | undefined;
  /** Server: chooses the context by the name that the client asks for. */
  readonly SNICallback?: SniCallbackFor<TLSSocket> | undefined;
  /** Milliseconds. Default: none. */
  readonly handshakeTimeout?: number | undefined;
  /** Client: the session to offer, from a 'session' event. */
  readonly session?: unknown;
  /**
   * Client: bytes to send as 0-RTT data, if `session` allows it (opentls). The 'earlyData' event says whether the server
   * accepted them; opentls does not send them again.
   */
  readonly earlyData?: Uint8Array | undefined;
  /** Answers an external PSK: a client's by its first argument, a server's by socket and identity. */
  readonly pskCallback?: PskCallbackFor<TLSSocket> | undefined;
  /** Client: whether it asks for a stapled OCSP response, which 'OCSPResponse' brings. Default false. */
  readonly requestOCSP?: boolean | undefined;
  /** Accepted and without effect. */
  readonly enableTrace?: boolean | undefined;
  /** Whether the socket begins paused. Default false. */
  readonly pauseOnConnect?: boolean | undefined;
  /** Whether this side's direction stays open when the peer has ended its own. Default false. */
  readonly allowHalfOpen?: boolean | undefined;
  /** As `net.Socket` has it: bytes. */
  readonly highWaterMark?: number | undefined;
  /** A signal whose abort destroys the socket. */
  readonly signal?: AbortSignal | undefined;
  /** Memory for the data that comes, in place of 'data' events. */
  readonly onread?: OnReadOptions | null | undefined;
  /** As `net.Socket` has it. */
  readonly noDelay?: boolean | undefined;
  /** As `net.Socket` has it. */
  readonly keepAlive?: boolean | undefined;
  /** As `net.Socket` has it: milliseconds. */
  readonly keepAliveInitialDelay?: number | undefined;
  /** As `net.Socket` has it. */
  readonly blockList?: unknown;
  /** @internal A server's reader of 0-RTT data. */
  readonly [earlyReader]?: EarlyReaderFor<TLSSocket> | undefined;
  /** @internal A server's ticket keys. */
  readonly [serverTickets]?: TicketSealer | undefined;
  /** @internal The host that a client means to reach. */
  readonly [expectedHost]?: string | undefined;
  /** @internal A client's check of the host; a truthy answer refuses. */
  readonly [nameCheck]?: ((certificate: DetailedCertificate) => unknown) | undefined;
}

/** The internal option by which a server gives its ticket keys to a socket. */
export const serverTickets: unique symbol = Symbol('serverTickets');

/** Takes a server's 0-RTT data in place of the 'earlyData' event. */
export interface EarlyReaderFor<TLSSocket extends Socket> {
  /** Whether the reader takes 0-RTT data now; if not, the server refuses the data. */
  isListening(): boolean;
  take(socket: TLSSocket, chunk: Buffer): void;
}

/** The internal option by which a server gives its reader of 0-RTT data to a socket. */
export const earlyReader: unique symbol = Symbol('earlyReader');

/** The internal option by which `connect()` gives the host to a socket. */
export const expectedHost: unique symbol = Symbol('expectedHost');

/** The internal option by which `connect()` gives its check of the host to a socket. */
export const nameCheck: unique symbol = Symbol('nameCheck');

/**
 * Whether a peer that is not authorized ends the connection. A bare socket without the option leaves the decision to the
 * application, as in `node:tls`. Where the option is there, every value but false means yes.
 */
export function enforces({ rejectUnauthorized }: Pick<SocketOptionsFor<Socket>, 'rejectUnauthorized'>): boolean {
  return rejectUnauthorized !== undefined && rejectUnauthorized !== false;
}
