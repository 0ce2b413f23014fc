import type { ServerOpts, Socket } from 'node:net';
import type { AlpnOption } from '../support/alpn.ts';
import type { SecureContextOptions } from './context.ts';
import type { EarlyReaderFor, earlyReader, PskCallbackFor, SniCallbackFor, SocketOptionsFor } from './socket.ts';

/** Options of `createServer()`: of the context, of the sockets, and of `net.Server`. Generic in the socket of its callbacks. */
export interface ServerOptionsFor<TLSSocket extends Socket> extends SecureContextOptions, ServerOpts {
  /** Whether the server asks clients for a certificate. Default false. */
  readonly requestCert?: boolean | undefined;
  /** With `requestCert`: whether a client without a trusted certificate is refused. Default true. */
  readonly rejectUnauthorized?: boolean | undefined;
  /** Protocols, best first. Default: ALPN is not answered. */
  readonly ALPNProtocols?: AlpnOption | undefined;
  /** Chooses one of the protocols that the client offers; undefined refuses. Not together with `ALPNProtocols`. */
  readonly ALPNCallback?: SocketOptionsFor<TLSSocket>['ALPNCallback'];
  /** Chooses the context by the name that the client asks for. Default: the contexts of `addContext()`. */
  readonly SNICallback?: SniCallbackFor<TLSSocket> | undefined;
  /** Milliseconds. Default 120000. */
  readonly handshakeTimeout?: number | undefined;
  /** Accepted and without effect. */
  readonly enableTrace?: boolean | undefined;
  /** Answers the key of a PSK identity, or null. The key is for suites with SHA-256, unless the answer has a `hash`. */
  readonly pskCallback?: PskCallbackFor<TLSSocket> | undefined;
  /** Accepted; TLS 1.3 has no hint. */
  readonly pskIdentityHint?: string | undefined;
  readonly [earlyReader]?: EarlyReaderFor<TLSSocket> | undefined;
}
