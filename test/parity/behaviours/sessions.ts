// Sessions: what sockets tell of them, who is told when one is made or resumed, and which keys seal the tickets.
import { constants } from 'node:crypto';
import type { Server, TLSSocket } from 'node:tls';
import type { Behaviour } from '../behaviour.ts';
import type { Trial } from '../trial.ts';

const anew =
  'A server sends a resumed client new tickets, so that no ticket is used twice (RFC 9846 Appendix C.4); OpenSSL sends none.';

/** Visits a server twice, the second time with the session of the first visit. */
async function visitTwice(
  trial: Trial,
  port: number,
  visit: (client: TLSSocket, at: 'first' | 'second') => Promise<void> | void = () => undefined,
  client: 'connect' | 'nodeConnect' = 'connect',
): Promise<void> {
  let session: Buffer | undefined;
  for (const at of ['first', 'second'] as const) {
    const socket = trial[client](port, { ...(session && { session }) });
    socket.on('session', (blob: Buffer) => {
      session = blob;
    });
    socket.once('secureConnect', () => trial.note('client', at, 'reused', socket.isSessionReused()));
    socket.on('error', (error) => trial.note('client', at, error));
    socket.resume();
    await visit(socket, at);
    await Promise.race([trial.event(socket, 'close'), trial.settle(4000)]);
    socket.destroy();
  }
}

/** A server that says something and ends; its tickets go first. */
function talker(trial: Trial, side: 'server' | 'nodeServer', options = {}): Server {
  return trial[side](options, (socket) => {
    socket.on('error', () => undefined);
    trial.note('server', 'secureConnection', 'reused', socket.isSessionReused());
    setTimeout(() => socket.end('x'), 20);
  });
}

/** A method that the types of Node do not have. */
function method(socket: TLSSocket, name: string): (...args: readonly unknown[]) => unknown {
  return (...args) => Reflect.apply(Reflect.get(socket, name), socket, args);
}

const known = (blob: Buffer | undefined): unknown => Buffer.isBuffer(blob) && blob.length > 0;

export const behaviours: readonly Behaviour[] = [
  {
    name: 'what a client tells of its session, before and after its tickets, and when it resumes',
    run: async (trial) => {
      const port = await trial.listen(trial.nodeServer({}, (socket) => setTimeout(() => socket.end('x'), 20)));
      await visitTwice(trial, port, async (client, at) => {
        const tell = (when: string): void =>
          trial.note(
            'client',
            when,
            known(client.getSession()),
            known(client.getTLSTicket()),
            client.isSessionReused(),
          );
        tell(`${at}: at once`);
        await trial.event(client, 'secureConnect');
        tell(`${at}: secureConnect`);
        await trial.event(client, 'close');
        tell(`${at}: closed`);
      });
    },
  },
  {
    name: 'what a server tells of its session',
    run: async (trial) => {
      const server = trial.server({}, (socket) => {
        const tell = (when: string): void =>
          trial.note('server', when, known(socket.getSession()), socket.getTLSTicket(), socket.isSessionReused());
        tell('secureConnection');
        socket.once('close', () => tell('close'));
        socket.on('error', () => undefined);
        setTimeout(() => socket.end('x'), 20);
      });
      await visitTwice(trial, await trial.listen(server), undefined, 'nodeConnect');
      await trial.settle(20);
    },
  },
  {
    name: 'the session of getSession() on a resumed connection resumes again',
    run: async (trial) => {
      const port = await trial.listen(trial.nodeServer({}, (socket) => setTimeout(() => socket.end('x'), 20)));
      let session: Buffer | undefined;
      await visitTwice(trial, port, async (client) => {
        await trial.event(client, 'secureConnect');
        session = client.getSession();
      });
      const third = trial.connect(port, { ...(session && { session }) });
      await trial.event(third, 'secureConnect');
      trial.note('client', 'third', third.isSessionReused());
    },
  },
  {
    name: 'the session of getSession() before a ticket resumes nothing and does no harm',
    run: async (trial) => {
      const port = await trial.listen(trial.nodeServer());
      const first = trial.connect(port);
      await trial.event(first, 'secureConnect');
      const session = first.getSession();
      const second = trial.connect(port, { ...(session && { session }) });
      await trial.event(second, 'secureConnect');
      trial.note('client', 'second', second.isSessionReused());
    },
  },
  ...['newSession', 'resumeSession', 'both'].map(
    (listened): Behaviour => ({
      name: `a client resumes where the server listens for ${listened}`,
      run: async (trial) => {
        const kept = new Map<string, Buffer>();
        const server = talker(trial, 'server');
        if (listened !== 'resumeSession') {
          server.on('newSession', (id: Buffer, data: Buffer, done: () => void) => {
            trial.note('newSession', 'arguments', id.length, known(data), done);
            kept.set(id.toString('hex'), data);
            done();
          });
        }
        if (listened !== 'newSession') {
          server.on('resumeSession', (id: Buffer, done: (error: Error | null, data: Buffer | null) => void) => {
            trial.note('resumeSession', 'arguments', id.length, done);
            done(null, kept.get(id.toString('hex')) ?? null);
          });
        }
        await visitTwice(trial, await trial.listen(server), undefined, 'nodeConnect');
      },
      byDesign: {
        newSession: anew,
        'resumeSession: arguments':
          '`resumeSession` comes for tickets of this server; `node:tls` emits it for every ClientHello, with an id that it has never given.',
      },
    }),
  ),
  {
    name: 'a newSession listener answers later, and what is written meanwhile waits',
    run: async (trial) => {
      const server = trial.server({}, (socket) => {
        socket.on('error', () => undefined);
        socket.write('x');
      });
      server.on('newSession', (_id: Buffer, _data: Buffer, done: () => void) => setTimeout(done, 60));
      const client = trial.nodeConnect(await trial.listen(server));
      const begin = Date.now();
      await trial.event(client, 'data');
      trial.note('client', 'data comes after the answer', Date.now() - begin > 50);
    },
  },
  {
    name: 'a resumeSession listener that fails ends the handshake with its error',
    run: async (trial) => {
      const server = talker(trial, 'server');
      server.on('newSession', (_id: Buffer, _data: Buffer, done: () => void) => done());
      let refused = false;
      server.on('resumeSession', (_id: Buffer, done: (error: Error | null, data: null) => void) => {
        if (refused) done(new Error('no'), null);
        else done(null, null);
      });
      server.on('tlsClientError', (error) => trial.note('server', 'tlsClientError', error));
      await visitTwice(
        trial,
        await trial.listen(server),
        (_client, at) => {
          refused = at === 'second';
        },
        'nodeConnect',
      );
    },
  },
  {
    name: 'tickets of getTicketKeys() are good on a server that takes the keys over',
    run: async (trial) => {
      const [one, other] = [talker(trial, 'server'), talker(trial, 'server')];
      trial.note('server', 'keys', one.getTicketKeys());
      other.setTicketKeys(one.getTicketKeys());
      trial.note('server', 'equal', one.getTicketKeys().equals(other.getTicketKeys()));
      const ports = [await trial.listen(one), await trial.listen(other)];
      let session: Buffer | undefined;
      for (const port of ports) {
        const client = trial.nodeConnect(port, { ...(session && { session }) });
        client.on('session', (blob: Buffer) => {
          session = blob;
        });
        client.resume();
        await trial.event(client, 'close');
      }
    },
  },
  {
    name: 'wrong arguments of setTicketKeys()',
    run: (trial) => {
      const server = trial.server();
      for (const keys of [undefined, null]) {
        trial.call('server', `${typeof keys}`, server.setTicketKeys.bind(server), keys);
      }
      for (const keys of [Buffer.alloc(47), Buffer.alloc(0), 'x'.repeat(48), 48]) {
        try {
          server.setTicketKeys(keys as Buffer);
        } catch (error) {
          // The texts hold a stack, or the keys.
          trial.note('server', 'refused', error instanceof Error && Reflect.get(error, 'code'));
        }
      }
    },
  },
  {
    name: 'what workers of a cluster share',
    run: (trial) => {
      const server = trial.server() as Server & {
        _getServerData(): { readonly ticketKeys: string };
        _setServerData(data: { readonly ticketKeys: string }): void;
      };
      const data = server._getServerData();
      trial.note('server', 'shared', Object.keys(data), typeof data.ticketKeys, data.ticketKeys.length);
      trial.note('server', 'as the keys', data.ticketKeys === server.getTicketKeys().toString('hex'));
      const ticketKeys = 'ab'.repeat(48);
      trial.note('server', 'set', server._setServerData({ ticketKeys }));
      trial.note('server', 'taken over', server.getTicketKeys().toString('hex') === ticketKeys);
    },
  },
  {
    name: 'a server with SSL_OP_NO_TICKET resumes nothing',
    run: async (trial) => {
      const server = talker(trial, 'server', { secureOptions: constants.SSL_OP_NO_TICKET });
      await visitTwice(trial, await trial.listen(server), undefined, 'nodeConnect');
    },
  },
  {
    name: 'what is no session is no session',
    run: async (trial) => {
      const port = await trial.listen(trial.nodeServer());
      for (const session of [Buffer.alloc(0), Buffer.alloc(2000, 1), null]) {
        const client = trial.connect(port, { session: session as Buffer });
        await Promise.race([trial.event(client, 'secureConnect'), trial.event(client, 'close')]);
        trial.note('client', 'reused', client.isSessionReused());
      }
      for (const session of [5, {}, true]) {
        trial.call('client', `session ${typeof session}`, () => {
          trial.connect(port, { session: session as unknown as Buffer }).destroy();
        });
      }
    },
    from: 24,
  },
  {
    name: 'wrong arguments of setSession() and setServername()',
    run: async (trial) => {
      const { client } = await trial.pair('client');
      trial.call('client', 'setSession number', method(client, 'setSession'), 5);
      trial.call('client', 'setServername number', method(client, 'setServername'), 5);
      const accepted = await trial.pair('server');
      trial.call('server', 'setServername', method(accepted.server, 'setServername'), 'b.example');
    },
  },
  {
    name: 'the session of one name is not offered to another',
    run: async (trial) => {
      const { server, other } = trial.credentials;
      const port = await trial.listen(
        trial.nodeServer(
          {
            SNICallback: (name, done) => {
              const credential = name === 'other.example' ? other : server;
              done(null, trial.nodeTls.createSecureContext({ ...credential, minVersion: 'TLSv1.3' }));
            },
          },
          (socket) => setTimeout(() => socket.end('x'), 20),
        ),
      );
      let session: Buffer | undefined;
      for (const servername of ['localhost', 'other.example']) {
        const client = trial.connect(port, { servername, ...(session && { session }) });
        client.on('session', (blob: Buffer) => {
          session = blob;
        });
        client.on('error', (error) => trial.note('client', servername, error));
        client.once('secureConnect', () =>
          trial.note('client', servername, client.isSessionReused(), client.authorized),
        );
        client.resume();
        await trial.event(client, 'close');
      }
    },
    from: 24,
  },
  {
    name: 'a client that resumes is told of its peer',
    run: async (trial) => {
      const port = await trial.listen(trial.nodeServer({}, (socket) => setTimeout(() => socket.end('x'), 20)));
      await visitTwice(trial, port, async (client, at) => {
        await trial.event(client, 'secureConnect');
        trial.note('client', `${at}: authorized`, client.authorized, client.authorizationError);
        trial.note('client', `${at}: certificate`, client.getPeerCertificate().subject?.CN);
        trial.note('client', `${at}: cipher`, client.getCipher().name, client.getProtocol());
      });
    },
    byDesign: {
      'client: second: certificate':
        'A resumed connection knows the certificate of the session; in `node:tls` a client has lost it.',
    },
  },
];
