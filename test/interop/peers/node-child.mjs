// node:tls as a filter: stdin → TLS → stdout. What happens is reported on descriptor 3, one JSON object a line, with the
// number of the connection that it happened to.
// Argument: { role, port, options, otherName?, exporter?, keylog? }; runs under any Node that has TLS 1.3.
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import tls from 'node:tls';

const settings = JSON.parse(process.argv[2]);
const output = new Socket({ fd: 1, readable: false, writable: true });
const keylog = (line) => report('keylog', connection, { line: line.toString().trim() });
let connection = 1;

function report(event, on, detail = {}) {
  writeSync(3, `${JSON.stringify({ event, connection: on, ...detail })}\n`);
}

function serve(socket) {
  watch(socket, connection);
  report('open', connection, {
    suite: socket.getCipher().name,
    group: socket.getEphemeralKeyInfo()?.name,
    alpn: socket.alpnProtocol,
    servername: socket.servername,
    exporter: settings.exporter && socket.exportKeyingMaterial(32, settings.exporter, Buffer.alloc(0)).toString('hex'),
  });
  if (settings.maxFragment) socket.setMaxSendFragment(settings.maxFragment);
  socket.pipe(output, { end: false });
  process.stdin.pipe(socket);
}

function watch(socket, on) {
  socket.on('end', () => report('end', on));
  socket.on('error', (error) => failed(error, on));
  socket.on('close', () => report('close', on));
}

function failed({ code, message }, on) {
  report('error', on, { code, message });
}

// The starter went away.
process.stdin.on('close', () => setTimeout(() => process.exit(), 5000).unref());

if (settings.role === 'client') {
  const socket = tls.connect({ host: '127.0.0.1', port: settings.port, ...settings.options });
  socket.on('secureConnect', () => serve(socket));
  // Before the handshake is over there is no session to watch yet.
  socket.on('error', (error) => socket.secureConnecting && failed(error, 1));
  if (settings.keylog) socket.on('keylog', keylog);
} else {
  connection = 0;
  const server = tls.createServer(settings.options, serve);
  if (settings.otherName) server.addContext(settings.otherName.name, settings.otherName.options);
  if (settings.keylog) server.on('keylog', keylog);
  server.on('connection', () => report('connection', ++connection));
  server.on('tlsClientError', (error) => failed(error, connection));
  server.listen(settings.port, '127.0.0.1', () => report('listening', 0, { port: server.address().port }));
}
