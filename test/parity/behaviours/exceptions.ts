// What becomes of an exception in the application's code, and what listeners of failures know.
import type { ConnectionOptions, Server, TLSSocket, TlsOptions } from 'node:tls';
import type { Behaviour } from '../behaviour.ts';
import type { Trial } from '../trial.ts';

const alert =
  'A handshake that fails ends with an alert, which the peer hears of; `node:tls` closes the connection without one.';

/** A server of the module under test, with a listener or option that throws, and a client of `node:tls`. */
function atServer(
  name: string,
  options: TlsOptions,
  prepare: (trial: Trial, server: Server) => void = () => {},
): Behaviour {
  return {
    name: `an exception in ${name}`,
    run: async (trial) => {
      const server = trial.server(options, (socket) => {
        socket.on('error', (error) => trial.note('socket', 'error', error));
        socket.end('x');
      });
      server.on('tlsClientError', (error, socket) => {
        trial.note('server', 'tlsClientError', error, socket.servername, socket.destroyed);
      });
      prepare(trial, server);
      const client = trial.nodeConnect(await trial.listen(server), {
        ...asking,
        ALPNProtocols: ['a', 'b'],
        servername: 'a.example',
      });
      client.on('error', (error) => trial.note('client', 'error', error));
      client.on('secureConnect', () => trial.note('client', 'secureConnect'));
      client.resume();
      await Promise.race([trial.event(client, 'close'), trial.settle(3000)]);
      await trial.settle(20);
    },
  };
}

/** A client of the module under test, with a listener or option that throws, and a server of `node:tls`. */
function atClient(
  name: string,
  prepare: (trial: Trial, client: TLSSocket) => void,
  options: ConnectionOptions = {},
  server: TlsOptions = {},
): Behaviour {
  return {
    name: `an exception in ${name}`,
    run: async (trial) => {
      const listener = trial.nodeServer(server, (socket) => {
        socket.on('error', () => undefined);
        setTimeout(() => socket.end('x'), 20);
      });
      const client = trial.connect(await trial.listen(listener), { ...asking, ...options });
      trial.watch('client', client);
      prepare(trial, client);
      await Promise.race([trial.event(client, 'close'), trial.settle(3000)]);
    },
  };
}

/** Node's types do not have the option. */
const asking = { requestOCSP: true } as ConnectionOptions;

const boom = (): never => {
  throw new Error('boom');
};

const clientEvents = [
  'secureConnect',
  'session',
  'keylog',
  'OCSPResponse',
  'data',
  'end',
  'connect',
  'ready',
  'secure',
];

/** The same, with what differs on purpose. */
function but(byDesign: NonNullable<Behaviour['byDesign']>, behaviour: Behaviour): Behaviour {
  return { ...behaviour, byDesign };
}

/** The client of a handshake that fails at the server hears why. */
const toldClient = { 'client: error': alert };

const lateEvents =
  'The exception of a listener for `secureConnect` does not hurt the connection; `node:tls` leaves it half established.';

export const behaviours: readonly Behaviour[] = [
  ...clientEvents.map((event) => {
    const behaviour = atClient(`a client's listener for ${event}`, (_trial, client) => {
      client.on(event, boom);
      client.resume();
    });
    return event === 'secureConnect' ? but({ client: lateEvents }, behaviour) : behaviour;
  }),
  atClient('pskCallback of a client', () => undefined, { pskCallback: boom }),
  atServer("a server's listener for secureConnection", {}, (_trial, server) => server.on('secureConnection', boom)),
  atServer("a server's listener for connection", {}, (_trial, server) => server.on('connection', boom)),
  atServer("a server's listener for keylog", {}, (_trial, server) => server.on('keylog', boom)),
  atServer("a server's listener for newSession", {}, (_trial, server) => server.on('newSession', boom)),
  but(
    {
      ...toldClient,
      process: 'An exception in a listener for `OCSPRequest` or `resumeSession` ends its connection, as in Node 24.',
      'server: tlsClientError':
        'The error of a listener for `OCSPRequest` or `resumeSession` is that of `tlsClientError`, as in Node 24.',
    },
    atServer("a server's listener for OCSPRequest", {}, (_trial, server) => server.on('OCSPRequest', boom)),
  ),
  but(toldClient, atServer('SNICallback', { SNICallback: boom })),
  but(toldClient, atServer('ALPNCallback', { ALPNCallback: boom })),
  atServer('pskCallback of a server without a PSK', { pskCallback: boom }),
  but(
    toldClient,
    atServer('SNICallback that answers an error', { SNICallback: (_name, done) => done(new Error('no such name')) }),
  ),
  but(
    {
      ...toldClient,
      'server: tlsClientError':
        'The error for an answer of `SNICallback` that is no context has a code, and says what is wanted.',
    },
    atServer('SNICallback that answers another object', { SNICallback: (_name, done) => done(null, {} as never) }),
  ),
  but(toldClient, atServer('ALPNCallback that answers another protocol', { ALPNCallback: () => 'c' })),
  atServer('ALPNCallback that answers nothing', { ALPNCallback: () => undefined }),
  atServer('ALPN without a protocol in common', { ALPNProtocols: ['c'] }),
  but(
    toldClient,
    atServer('OCSPRequest that answers an error', {}, (_trial, server) => {
      server.on('OCSPRequest', (_certificate: Buffer, _issuer: Buffer, done: (error: Error) => void) => {
        done(new Error('no response'));
      });
    }),
  ),
  {
    name: 'OCSPRequest answers twice',
    run: async (trial) => {
      const server = trial.server();
      server.on('OCSPRequest', (_certificate: Buffer, _issuer: Buffer, done: (error: null, response: null) => void) => {
        done(null, null);
        done(null, null);
      });
      const failed = trial.event(server, 'tlsClientError');
      // Whether the client sees the end of the handshake before that of the connection is left to the network.
      trial.nodeConnect(await trial.listen(server), asking);
      const [error] = await failed;
      trial.note('server', 'tlsClientError', error);
    },
  },
  atServer('a client certificate that is missing', { requestCert: true }),
];
