/**
 * The demo's server, a process of its own so that each end has its thread: Node's http handler over opentls, once on
 * each provider, and over node:tls. Tells its parent what each opentls connection came to.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { performance } from 'node:perf_hooks';
import tls, { type TLSSocket } from 'opentls';
import { noble } from 'opentls/crypto/noble';
import { node } from 'opentls/crypto/node';
import { factsOf } from './facts.ts';
import type { Accepted, Ready, Start } from './messages.ts';

const page = Buffer.from('<!doctype html>\n<title>opentls</title>\n<p>Served over TLS 1.3.</p>\n');
const body = randomBytes(32 * 1024 * 1024);
const http = createHttpServer(serve);

process.once('message', (message: Start) => {
  void start(message).then(tellParent);
});
process.once('disconnect', () => process.exit());

async function start(credentials: Start): Promise<Ready> {
  const [overNoble, overNode, overNodeTls] = await Promise.all([
    listen(opentlsServer(credentials, noble)),
    listen(opentlsServer(credentials, node)),
    listen(createHttpsServer({ ...credentials, minVersion: 'TLSv1.3', ALPNProtocols: ['http/1.1'] }, serve)),
  ]);
  const ports = { 'opentls/noble': overNoble, 'opentls/node': overNode, 'node:tls': overNodeTls };
  return { type: 'ready', ports, page: sha256(page), body: sha256(body) };
}

function opentlsServer(credentials: Start, provider: typeof noble): Server {
  const accepted = new Map<number | undefined, number>();
  const server = tls.createServer({ ...credentials, provider, ALPNProtocols: ['http/1.1'] }, (socket: TLSSocket) => {
    const began = accepted.get(socket.remotePort) ?? Number.NaN;
    accepted.delete(socket.remotePort);
    tellParent({ type: 'accepted', facts: factsOf(socket), handshakeMs: performance.now() - began });
    http.emit('connection', socket);
  });
  server.on('connection', (socket) => accepted.set(socket.remotePort, performance.now()));
  // A client that refuses the certificate, as the demo makes each do once.
  server.on('tlsClientError', () => undefined);
  return server;
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  const content = request.url === '/body' ? body : page;
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': content.length });
  response.end(content);
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function tellParent(message: Ready | Accepted): void {
  process.send?.(message);
}
