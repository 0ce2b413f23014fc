// https: the shape of the module, its servers and its agents.
import type { IncomingMessage, Server } from 'node:http';
import type { AgentOptions, RequestOptions } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { Behaviour } from '../behaviour.ts';
import { serverEvents, type Trial } from '../trial.ts';

/** An HTTPS server of the module under test. */
async function serve(
  trial: Trial,
  options: object = {},
  listener: (request: IncomingMessage, response: import('node:http').ServerResponse) => void = (_request, response) =>
    void response.end('hello'),
): Promise<{ readonly server: Server & import('node:https').Server; readonly port: number }> {
  const server = trial.https.createServer({ ...trial.credentials.server, ...options }, listener);
  trial.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port: await trial.listen(server) };
}

/** Sends a request and notes the answer. */
function ask(
  trial: Trial,
  track: string,
  options: RequestOptions,
  body?: Buffer,
): Promise<IncomingMessage | undefined> {
  return new Promise((resolve) => {
    const request = trial.https.request(
      { host: '127.0.0.1', servername: 'localhost', ca: trial.credentials.root.cert, agent: false, ...options },
      (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => {
          trial.note(track, 'response', response.statusCode, text, response.complete);
          resolve(response);
        });
      },
    );
    request.on('error', (error) => {
      trial.note(track, 'error', error);
      resolve(undefined);
    });
    request.end(body);
  });
}

/** As JavaScript may call it. */
const make = (Class: unknown, ...args: readonly unknown[]): unknown =>
  Reflect.construct(Class as new () => unknown, args);

const properties = [
  'timeout',
  'keepAliveTimeout',
  'headersTimeout',
  'requestTimeout',
  'maxHeadersCount',
  'httpAllowHalfOpen',
  'requestCert',
  'rejectUnauthorized',
] as const;

const named =
  'The name of `https.Agent.getName()` has all options that decide how the peer is judged; requests that differ in one share no connection.';

export const behaviours: readonly Behaviour[] = [
  {
    name: 'classes may be called without new, and are of the classes below them',
    run: (trial) => {
      const { https, tls, credentials } = trial;
      const server = Reflect.apply(https.Server as unknown as () => Server, undefined, [credentials.server]);
      trial.note('server', 'instances', server instanceof https.Server, server instanceof tls.Server);
      trial.note('server', 'names', server.constructor.name, https.Server.name, https.createServer.length);
      const agent = Reflect.apply(https.Agent as unknown as () => object, undefined, []);
      trial.note('agent', 'instances', agent instanceof https.Agent, agent.constructor.name);
      const { keepAlive, scheduling, timeout } = https.globalAgent.options;
      trial.note('agent', 'global', keepAlive, scheduling, timeout, https.globalAgent instanceof https.Agent);
    },
  },
  {
    name: 'wrong arguments of a server',
    run: (trial) => {
      for (const options of ['foo', 42, true, [], null, undefined]) {
        try {
          const made = make(trial.https.Server, options);
          trial.note('server', String(options), made instanceof trial.https.Server);
        } catch (error) {
          trial.note('server', String(options), error);
        }
      }
    },
  },
  {
    name: 'properties of a server',
    run: (trial) => {
      const server = trial.https.createServer({ ...trial.credentials.server, requestCert: true });
      for (const name of properties) trial.note('server', name, Reflect.get(server, name));
      server.keepAliveTimeout = 1234;
      trial.note('server', 'set', server.keepAliveTimeout);
      trial.note('server', 'ALPN', String(Reflect.get(server, 'ALPNProtocols')));
      const own = trial.https.createServer({ ...trial.credentials.server, keepAliveTimeout: 77, ALPNProtocols: ['x'] });
      trial.note('own', 'options', own.keepAliveTimeout, String(Reflect.get(own, 'ALPNProtocols')));
      trial.note('server', 'setTimeout', server.setTimeout(99) === server, server.timeout);
    },
  },
  {
    name: 'a request and its response',
    run: async (trial) => {
      const { server, port } = await serve(trial, {}, (request, response) => {
        const socket = request.socket as TLSSocket;
        trial.note('request', 'socket', socket.encrypted, socket.authorized, Reflect.get(socket, 'server') === server);
        trial.note('request', 'request', request.method, request.url, request.httpVersion);
        response.setHeader('x-a', 'b');
        response.end('hello');
      });
      trial.watch('server', server, new Set([...serverEvents, 'request']));
      const response = await ask(trial, 'client', { port, path: '/path' });
      trial.note('client', 'header', response?.headers['x-a'], (response?.socket as TLSSocket | undefined)?.encrypted);
    },
  },
  {
    name: 'the client certificate of a request',
    run: async (trial) => {
      const { client, root } = trial.credentials;
      const options = { requestCert: true, rejectUnauthorized: false, ca: root.cert };
      const { port } = await serve(trial, options, (request, response) => {
        const socket = request.socket as TLSSocket;
        response.end(`${socket.authorized} ${socket.getPeerCertificate().subject?.CN}`);
      });
      await ask(trial, 'with', { port, ...client });
      await ask(trial, 'without', { port });
    },
  },
  {
    name: 'a server whose clients are refused',
    run: async (trial) => {
      const { server, port } = await serve(trial, { requestCert: true, ca: trial.credentials.root.cert });
      trial.watch('server', server, new Set(['tlsClientError', 'clientError', 'secureConnection']));
      server.on('clientError', () => undefined);
      await ask(trial, 'client', { port });
      await trial.settle(20);
    },
  },
  {
    name: 'what is no request is a clientError',
    run: async (trial) => {
      const { server, port } = await serve(trial);
      server.on('clientError', (error, socket) => {
        trial.note('server', 'clientError', error, socket.writable);
        socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      });
      const client = trial.nodeConnect(port);
      client.write('nonsense\r\n\r\n');
      client.on('data', (chunk) => trial.note('client', 'data', String(chunk)));
      await trial.event(client, 'close');
    },
  },
  {
    name: 'events of the handshake are heard on the server of HTTP',
    run: async (trial) => {
      const { server, port } = await serve(trial);
      const kept = new Map<string, Buffer>();
      for (const event of ['keylog', 'secureConnection', 'connection']) {
        server.once(event, () => trial.note('server', event));
      }
      server.on('newSession', (id, data, done) => {
        kept.set(id.toString('hex'), data);
        trial.note('sessions', 'newSession', id.length);
        done();
      });
      server.on('OCSPRequest', (_certificate, _issuer, done) => {
        trial.note('ocsp', 'OCSPRequest');
        done(null, Buffer.from('staple'));
      });
      const client = trial.nodeConnect(port, { requestOCSP: true } as object);
      client.on('OCSPResponse', (response) => trial.note('client', 'OCSPResponse', String(response)));
      client.end('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
      client.resume();
      await trial.event(client, 'close');
    },
  },
  {
    name: 'an upgrade, a CONNECT, and Expect: 100-continue',
    run: async (trial) => {
      const { server, port } = await serve(trial, {}, (request, response) => {
        request.resume();
        response.end('plain');
      });
      const say = async (track: string, text: string): Promise<void> => {
        const client = trial.nodeConnect(port);
        client.write(text);
        let answer = '';
        client.on('data', (chunk) => {
          answer += chunk;
        });
        await Promise.race([trial.event(client, 'close'), trial.settle(1000)]);
        trial.note(track, 'answer', answer.split('\r\n')[0]);
        client.destroy();
      };
      const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';
      const expecting = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n';
      await say('upgrade, no listener', upgrade);
      await say('expect, no listener', expecting);
      server.on('upgrade', (request, socket, head) => {
        trial.note('server', 'upgrade', request.url, head.length);
        socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
      });
      server.on('connect', (_request, socket) => socket.end('HTTP/1.1 200 Connected\r\n\r\n'));
      server.on('checkContinue', (_request, response) => {
        trial.note('server', 'checkContinue');
        response.writeContinue();
        response.end();
      });
      await say('upgrade', upgrade);
      await say('connect', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n');
      await say('expect', expecting);
    },
  },
  {
    name: 'closing a server ends idle connections, and closeAllConnections() all of them',
    run: async (trial) => {
      const { server, port } = await serve(trial, {}, (request, response) => {
        if (request.url === '/slow') response.write('x');
        else response.end('hello');
      });
      const agent = new trial.https.Agent({ keepAlive: true });
      await ask(trial, 'idle', { port, agent });
      const slow = trial.nodeConnect(port);
      slow.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
      await trial.event(slow, 'data');
      const count = (): Promise<number> => new Promise((resolve) => server.getConnections((_error, n) => resolve(n)));
      trial.note('server', 'before', await count());
      const closed = trial.event(server, 'close');
      server.close((error) => trial.note('server', 'closed', error ?? null));
      await trial.settle(50);
      trial.note('server', 'after close()', await count());
      server.closeAllConnections();
      await closed;
      agent.destroy();
    },
  },
  {
    name: 'forms of Agent.createConnection()',
    run: async (trial) => {
      const { port } = await serve(trial);
      const agent = new trial.https.Agent();
      const options = { servername: 'localhost', ca: trial.credentials.root.cert };
      const forms: readonly (readonly unknown[])[] = [
        [{ port, host: '127.0.0.1', ...options }],
        [port, '127.0.0.1', options],
        [port, { host: '127.0.0.1', ...options }],
      ];
      for (const [index, form] of forms.entries()) {
        const create = Reflect.get(agent, 'createConnection') as (...args: readonly unknown[]) => TLSSocket;
        const socket = Reflect.apply(create, agent, form);
        await trial.event(socket, 'secureConnect');
        trial.note('client', `form ${index}`, socket.authorized, socket.encrypted);
        socket.destroy();
      }
    },
  },
  {
    name: 'methods of Agent that another class borrows',
    run: async (trial) => {
      const { port } = await serve(trial);
      const { Agent } = await import('node:http');
      class Borrower extends Agent {
        readonly defaultPort = 443;
        readonly protocol = 'https:';
        readonly maxCachedSessions = 10;
        readonly _sessionCache = { map: {}, list: [] };
      }
      for (const name of ['createConnection', 'getName', '_getSession', '_cacheSession', '_evictSession']) {
        const method: unknown = Reflect.get(trial.https.Agent.prototype, name);
        if (method !== undefined) Object.defineProperty(Borrower.prototype, name, { value: method });
      }
      const agent = new Borrower({ keepAlive: true }) as unknown as import('node:https').Agent;
      for (const visit of ['first', 'second']) await ask(trial, visit, { port, agent });
      agent.destroy();
    },
  },
  {
    name: 'an agent resumes sessions, and names connections by their options',
    run: async (trial) => {
      const { port } = await serve(trial);
      const agent = new trial.https.Agent({ maxCachedSessions: 5 } as AgentOptions);
      for (const visit of ['first', 'second']) {
        const response = await ask(trial, visit, { port, agent });
        trial.note('client', visit, (response?.socket as TLSSocket | undefined)?.isSessionReused());
        await trial.settle(30);
      }
      const name = (options: AgentOptions): string => agent.getName(options as never);
      trial.note('agent', 'differs', name({ ca: 'a' }) !== name({ ca: 'b' }));
      trial.note(
        'agent',
        'name',
        name({ host: 'h', port: 1 } as never).slice(0, 6),
        Reflect.get(agent, 'maxCachedSessions'),
      );
      trial.note('agent', 'length', name({}));
    },
    byDesign: { 'agent: length': named },
  },
  {
    name: 'an untrusted server, a wrong name, a port where nobody listens',
    run: async (trial) => {
      const strange = await serve(trial, trial.credentials.leafOfStranger);
      await ask(trial, 'untrusted', { port: strange.port });
      await ask(trial, 'forgiven', { port: strange.port, rejectUnauthorized: false });
      const other = await serve(trial, trial.credentials.other);
      await ask(trial, 'other name', { port: other.port });
      const { createServer } = await import('node:net');
      const gone = createServer();
      const port = await trial.listen(gone);
      gone.close();
      await trial.event(gone, 'close');
      await ask(trial, 'nobody', { port });
    },
  },
];
