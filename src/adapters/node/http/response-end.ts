import { type EventEmitter, errorMonitor } from 'node:events';
import { IncomingMessage } from 'node:http';
import { TlsError } from '../../../errors.ts';
import type { TLSSocket } from '../socket/tls-socket.ts';
import { connectionReset } from '../support/errors.ts';

/**
 * Aborts a response that an attacker may have cut off. A response without Content-Length or chunks ends with its
 * connection, and is complete only where the server has sent close_notify (RFC 9112 §9.8, RFC 9846 §6.1). Node takes any
 * end of the connection for the end of that response. Here it is aborted, as Node aborts one that is shorter than its
 * Content-Length: 'aborted', ECONNRESET, and `complete` stays false.
 * @param socket to which nobody has added listeners yet: the listeners of this function have to run first
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
  // Node's parser hears of the end after this listener, and would set `complete`.
  Object.defineProperty(response, 'complete', { configurable: true, enumerable: true, get: () => false, set() {} });
  // The socket is destroyed before the response: else the request would emit an error as well.
  socket.destroy();
  response.destroy(Object.assign(connectionReset('aborted'), { cause }));
}

function truncated(): TlsError {
  const message = 'the connection ended without close_notify, in the middle of a response';
  return new TlsError('ERR_TLS_TRUNCATED', message, { blame: 'transport' });
}

/** Finds the response that is being read, in the property where `node:http` keeps it. */
function responseOn(socket: TLSSocket): IncomingMessage | undefined {
  const request: unknown = Reflect.get(socket, '_httpMessage');
  const response: unknown = typeof request === 'object' && request !== null ? Reflect.get(request, 'res') : undefined;
  return response instanceof IncomingMessage && !Reflect.get(response, 'upgrade') ? response : undefined;
}
