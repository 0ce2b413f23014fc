import type { ServerOpts, Socket } from 'node:net';
import type { AlpnOption } from '../support/alpn.ts';
import type { SecureContextOptions } from './context.ts';
import type { EarlyReaderFor, earlyReader, PskCallbackFor, SniCallbackFor, SocketOptionsFor } from './socket.ts';

/** Options of `createServer()`, for the class of socket that its callbacks are given: of the context, of the sockets, and of `net.Server`. */
export interface ServerOptionsFor<TLSSocket extends Socket> extends SecureContextOptions, ServerOpts {
  /** Ask clients for a certificate. Default false. */
  readonly requestCert?: boolean | undefined;
  /** End the connection of a client without a trusted certificate, where `requestCert` asks for one. Default true. */
  readonly rejectUnauthorized?: boolean | undefined;
  /** Protocols, best first. Default: ALPN is not answered. */
  readonly ALPNProtocols?: AlpnOption | undefined;
  /** Chooses the protocol, one of those that the client offers; undefined refuses. Not together with `ALPNProtocols`. */
  readonly ALPNCallback?: SocketOptionsFor<TLSSocket>['ALPNCallback'];
  /** Chooses the context by the name that the client asks for. Default: the contexts of `addContext()`. */
  readonly SNICallback?: SniCallbackFor<TLSSocket> | undefined;
  /** Milliseconds. Default 120000. */
  readonly handshakeTimeout?: number | undefined;
  /** Accepted and without effect. */
  readonly enableTrace?: boolean | undefined;
  /** The key of an identity, for suites with SHA-256; null: none. */
  readonly pskCallback?: PskCallbackFor<TLSSocket> | undefined;
  /** Accepted; TLS 1.3 has no hint. */
  readonly pskIdentityHint?: string | undefined;
  readonly [earlyReader]?: EarlyReaderFor<TLSSocket> | undefined;
}
