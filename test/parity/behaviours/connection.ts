// A connection from its first event to its last, at either end.
import type { Behaviour } from '../behaviour.ts';
import { serverEvents } from '../trial.ts';

export const behaviours: readonly Behaviour[] = [
  {
    name: 'a client meets a server, says something, and both end',
    run: async (trial) => {
      const server = trial.nodeServer({}, (socket) => socket.on('error', () => undefined).end('hello'));
      const client = trial.connect(await trial.listen(server));
      trial.watch('client', client);
      client.resume();
      client.end('bye');
      await trial.event(client, 'close');
    },
  },
  {
    name: 'a server meets a client, hears something, and both end',
    run: async (trial) => {
      let closed: Promise<unknown> | undefined;
      const server = trial.server({}, (socket) => {
        trial.watch('socket', socket);
        closed = trial.event(socket, 'close');
        socket.on('data', () => undefined);
        socket.end('hello');
      });
      trial.watch('server', server, serverEvents);
      const client = trial.nodeConnect(await trial.listen(server));
      client.resume();
      client.end('bye');
      await trial.event(client, 'close');
      server.close();
      await trial.event(server, 'close');
      await closed;
    },
  },
  ...(
    [
      ['a self-signed certificate', 'selfSigned', []],
      ['an unknown root that is sent', 'leafOfStranger', ['stranger']],
      ['an intermediate that is not sent', 'leafOfIntermediate', []],
      ['an expired certificate', 'expired', []],
      ['the name of another server', 'other', []],
    ] as const
  ).map(
    ([what, leaf, more]): Behaviour => ({
      name: `a client meets ${what}`,
      run: async (trial) => {
        const { credentials } = trial;
        const cert = [leaf, ...more].map((name) => credentials[name].cert).join('');
        const port = await trial.listen(trial.nodeServer({ key: credentials[leaf].key, cert }));
        for (const rejectUnauthorized of [true, false]) {
          const client = trial.connect(port, { rejectUnauthorized });
          client.on('error', (error) => trial.note('client', 'error', error));
          client.on('secureConnect', () => trial.note('client', 'secureConnect'));
          await Promise.race([trial.event(client, 'close'), trial.event(client, 'secureConnect')]);
          trial.note('client', 'authorized', client.authorized, client.authorizationError);
        }
      },
    }),
  ),
  {
    name: 'the lines of the key log come in an order',
    run: async (trial) => {
      const client = trial.connect(await trial.listen(trial.nodeServer()));
      trial.watch('client', client, new Set(['keylog', 'secure']));
      await trial.event(client, 'secureConnect');
    },
    byDesign: {
      'client: keylog': 'The lines of the key log come in the order in which the key schedule derives the secrets.',
    },
  },
  {
    name: 'a client does not trust the server',
    run: async (trial) => {
      const server = trial.nodeServer(trial.credentials.leafOfStranger);
      const client = trial.connect(await trial.listen(server));
      trial.watch('client', client);
      await trial.event(client, 'close');
      trial.note('client', 'after', client.authorized, client.authorizationError, client.destroyed);
    },
    byDesign: {
      'client: secure':
        'A client judges the certificate of the server before it answers: after a refusal there is no `secure`.',
    },
  },
];
