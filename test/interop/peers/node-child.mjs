// node:tls as a filter: stdin → TLS → stdout. What happens is reported on descriptor 3, one JSON object a line, with the
// number of the connection that it happened to.
// Argument: { role, port, options, otherName?, exporter?, keylog?, session?, ticketKeys?, psk?, ocspResponse? }; runs
// under any Node that has TLS 1.3.
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import tls from 'node:tls';

const settings = JSON.parse(process.argv[2]);
const output = new Socket({ fd: 1, readable: false, writable: true });
const keylog = (line) => report('keylog', connection, { line: line.toString().trim() });
const hex = (bytes) => bytes?.toString('hex');
let connection = 1;
const options = { ...settings.options };
if (settings.session !== undefined) options.session = Buffer.from(settings.session, 'base64');
if (settings.ticketKeys !== undefined) options.ticketKeys = Buffer.from(settings.ticketKeys, 'hex');
if (settings.psk !== undefined) {
  const { identity, key } = settings.psk;
  const psk = Buffer.from(key, 'hex');
  options.pskCallback =
    settings.role === 'client' ? () => ({ psk, identity }) : (_socket, asked) => (asked === identity ? psk : null);
  // There is no certificate to look at.
  options.checkServerIdentity = () => undefined;
}

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
    exporter: settings.exporter && hex(socket.exportKeyingMaterial(32, settings.exporter, Buffer.alloc(0))),
    clientSubject: settings.role === 'server' ? socket.getPeerCertificate()?.subject?.CN : undefined,
    clientCertified: settings.role === 'server' && socket.getPeerCertificate()?.subject !== undefined,
    reused: socket.isSessionReused(),
    finished: [hex(socket.getFinished()), hex(socket.getPeerFinished())],
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
  const socket = tls.connect({ host: '127.0.0.1', port: settings.port, ...options });
  socket.on('session', (session) => report('session', 1, { session: session.toString('base64') }));
  socket.on('OCSPResponse', (response) => report('ocsp', 1, { response: response?.toString('base64') }));
  socket.on('secureConnect', () => serve(socket));
  // Before the handshake is over there is no session to watch yet.
  socket.on('error', (error) => socket.secureConnecting && failed(error, 1));
  if (settings.keylog) socket.on('keylog', keylog);
} else {
  connection = 0;
  const server = tls.createServer(options, serve);
  if (settings.ocspResponse !== undefined) {
    server.on('OCSPRequest', (_leaf, _issuer, answer) => answer(null, Buffer.from(settings.ocspResponse, 'base64')));
  }
  if (settings.otherName) server.addContext(settings.otherName.name, settings.otherName.options);
  if (settings.keylog) server.on('keylog', keylog);
  server.on('connection', () => report('connection', ++connection));
  server.on('tlsClientError', (error) => failed(error, connection));
  server.listen(settings.port, '127.0.0.1', () => report('listening', 0, { port: server.address().port }));
}
