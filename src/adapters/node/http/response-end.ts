import { type EventEmitter, errorMonitor } from 'node:events';
import { IncomingMessage } from 'node:http';
import { TlsError } from '../../../errors.ts';
import type { TLSSocket } from '../socket/tls-socket.ts';
import { connectionReset } from '../support/errors.ts';

/**
 * A response whose length nothing tells ends with its connection, and is whole only if the server has said that this is
 * the end: with close_notify (RFC 9112 §9.8, RFC 9846 §6.1). Node takes whatever ends a connection for the end of such
 * a response. Here one that was cut is aborted, as Node aborts those whose Content-Length shows it: 'aborted',
 * ECONNRESET, and never `complete`.
 * @param socket before anybody else listens to it
 */
export function endResponses(socket: TLSSocket): void {
  const events: EventEmitter = socket;
  events.on('end', () => {
    if (socket.closeNotify !== true) abort(socket, truncated());
  });
  events.on(errorMonitor, (error: Error) => abort(socket, error));
  events.on('close', () => abort(socket, truncated()));
}

function abort(socket: TLSSocket, cause: Error): void {
  const response = responseOn(socket);
  if (response === undefined || response.complete) return;
  // Node's parser is told of the end after us, and would set it.
  Object.defineProperty(response, 'complete', { configurable: true, enumerable: true, get: () => false, set() {} });
  // First, or the request would hear of an error besides.
  socket.destroy();
  response.destroy(Object.assign(connectionReset('aborted'), { cause }));
}

function truncated(): TlsError {
  const message = 'the connection ended without close_notify, in the middle of a response';
  return new TlsError('ERR_TLS_TRUNCATED', message, { blame: 'transport' });
}

/** The response that is being read: where `http` keeps it. */
function responseOn(socket: TLSSocket): IncomingMessage | undefined {
  const request: unknown = Reflect.get(socket, '_httpMessage');
  const response: unknown = typeof request === 'object' && request !== null ? Reflect.get(request, 'res') : undefined;
  return response instanceof IncomingMessage && !Reflect.get(response, 'upgrade') ? response : undefined;
}
