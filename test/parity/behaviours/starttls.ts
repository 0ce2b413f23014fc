// TLS over a socket that has spoken in the clear.
import net from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Behaviour } from '../behaviour.ts';
import type { Trial } from '../trial.ts';

/** A server that greets in the clear, and starts TLS when it reads a line. @param extra sent right behind the answer */
function greeter(trial: Trial, side: 'node' | 'subject', onSecure: (socket: TLSSocket) => void): net.Server {
  const module = side === 'node' ? trial.nodeTls : trial.tls;
  return net.createServer((raw) => {
    raw.on('error', () => undefined);
    raw.write('hello\r\n');
    raw.once('data', () => {
      raw.write('go\r\n');
      const socket = new module.TLSSocket(raw, {
        ...trial.credentials.server,
        isServer: true,
        minVersion: 'TLSv1.3',
      });
      trial.defer(() => socket.destroy());
      socket.on('error', (error) => trial.note('server', 'error', error));
      socket.once('secure', () => onSecure(socket));
    });
  });
}

/** What an application does with its socket before it starts TLS. */
const uses: readonly (readonly [name: string, use: (raw: net.Socket, heard: (text: string) => void) => void])[] = [
  ["a 'data' listener that stays", (raw, heard) => raw.on('data', (chunk) => heard(String(chunk)))],
  ['setEncoding()', (raw, heard) => raw.setEncoding('utf8').on('data', heard)],
  [
    "a 'readable' listener",
    (raw, heard) =>
      raw.on('readable', () => {
        for (let chunk = raw.read(); chunk !== null; chunk = raw.read()) heard(String(chunk));
      }),
  ],
  ['once() for each line', (raw, heard) => raw.once('data', (chunk) => heard(String(chunk)))],
];

/** When the server's socket closes is left to the network. */
const serverEvents = new Set(['secure', 'data', 'end', 'error']);
const removed =
  'The listeners for `data` and `readable` of a socket that TLS takes over are removed; in `node:tls` they stay and hear nothing.';
const clientEvents = new Set(['secure', 'secureConnect', 'data', 'end', 'error', 'close']);

export const behaviours: readonly Behaviour[] = [
  ...uses.flatMap(([name, use]): Behaviour[] => [
    {
      name: `a client that upgrades a socket with ${name}`,
      run: async (trial) => {
        const port = await trial.listen(greeter(trial, 'node', (socket) => socket.end('secret')));
        const raw = net.connect(port, '127.0.0.1');
        trial.defer(() => raw.destroy());
        raw.on('error', (error) => trial.note('raw', 'error', error));
        let upgraded = false;
        const upgrade = new Promise<void>((resolve) => {
          use(raw, (text) => {
            trial.note('raw', upgraded ? 'heard late' : 'heard', upgraded ? text.length : text);
            if (text.startsWith('hello')) {
              raw.write('STARTTLS\r\n');
              if (name.startsWith('once')) raw.once('data', (chunk) => finish(String(chunk)));
            }
            finish(text);
          });
          const finish = (text: string): void => {
            if (text.includes('go')) resolve();
          };
        });
        await upgrade;
        upgraded = true;
        const client = trial.tls.connect({ socket: raw, servername: 'localhost', ca: trial.credentials.root.cert });
        trial.defer(() => client.destroy());
        trial.watch('client', client, clientEvents);
        client.resume();
        await Promise.race([trial.event(client, 'close'), trial.settle(3000)]);
        trial.note('raw', 'listeners', raw.listenerCount('readable'));
      },
      ...(name.includes('readable') && { byDesign: { 'raw: listeners': removed } }),
    },
    {
      name: `a server that upgrades a socket with ${name}`,
      run: async (trial) => {
        const listener = net.createServer((raw) => {
          raw.on('error', () => undefined);
          let upgraded = false;
          use(raw, (text) => {
            trial.note('raw', upgraded ? 'heard late' : 'heard', upgraded ? text.length : text);
            if (!text.startsWith('STARTTLS')) return;
            upgraded = true;
            raw.write('go\r\n');
            const socket = new trial.tls.TLSSocket(raw, {
              ...trial.credentials.server,
              isServer: true,
              minVersion: 'TLSv1.3',
            });
            trial.defer(() => socket.destroy());
            trial.watch('server', socket, serverEvents);
            socket.on('error', () => undefined);
            socket.resume();
            socket.once('secure', () => socket.end('secret'));
          });
        });
        const raw = net.connect(await trial.listen(listener), '127.0.0.1');
        trial.defer(() => raw.destroy());
        raw.on('error', () => undefined);
        raw.write('STARTTLS\r\n');
        await trial.event(raw, 'data');
        const client = trial.nodeTls.connect({ socket: raw, servername: 'localhost', ca: trial.credentials.root.cert });
        trial.defer(() => client.destroy());
        client.on('error', (error) => trial.note('client', 'error', error));
        client.on('data', (chunk) => trial.note('client', 'data', String(chunk)));
        client.end('x');
        await Promise.race([trial.event(client, 'close'), trial.settle(3000)]);
      },
    },
  ]),
  {
    name: 'a client whose socket holds the first bytes of the server already',
    run: async (trial) => {
      // The server speaks TLS at once; its bytes cannot come before the ClientHello, but the application may have paused.
      const port = await trial.listen(trial.nodeServer({}, (socket) => socket.on('error', () => undefined).end('hi')));
      const raw = net.connect(port, '127.0.0.1');
      raw.pause();
      await trial.event(raw, 'connect');
      const client = trial.tls.connect({ socket: raw, servername: 'localhost', ca: trial.credentials.root.cert });
      trial.defer(() => client.destroy());
      trial.watch('client', client, clientEvents);
      client.resume();
      await trial.event(client, 'close');
    },
  },
  {
    name: 'a server whose socket holds the ClientHello already',
    run: async (trial) => {
      const listener = net.createServer((raw) => {
        raw.on('error', () => undefined);
        raw.pause();
        raw.once('readable', () => {
          const first = raw.read() as Buffer;
          raw.unshift(first);
          const socket = new trial.tls.TLSSocket(raw, {
            ...trial.credentials.server,
            isServer: true,
            minVersion: 'TLSv1.3',
          });
          trial.defer(() => socket.destroy());
          trial.watch('server', socket, serverEvents);
          socket.on('error', () => undefined);
          socket.resume();
          socket.end('hello');
        });
      });
      const client = trial.nodeConnect(await trial.listen(listener));
      client.on('data', (chunk) => trial.note('client', 'data', String(chunk)));
      client.end();
      await Promise.race([trial.event(client, 'close'), trial.settle(3000)]);
    },
  },
  {
    name: '_start() begins a handshake, and ssl.verifyError() tells its verdict',
    run: async (trial) => {
      const port = await trial.listen(greeter(trial, 'node', (socket) => socket.end('secret')));
      for (const ca of [trial.credentials.root.cert, trial.credentials.stranger.cert]) {
        const raw = net.connect(port, '127.0.0.1');
        raw.on('error', () => undefined);
        await trial.event(raw, 'data');
        raw.write('STARTTLS\r\n');
        await trial.event(raw, 'data');
        raw.removeAllListeners('data');
        const client = new trial.tls.TLSSocket(raw, {
          requestCert: true,
          secureContext: trial.tls.createSecureContext({ ca }),
          isServer: false,
        });
        trial.defer(() => client.destroy());
        client.on('error', (error) => trial.note('client', 'error', error));
        trial.call('client', '_start', Reflect.get(client, '_start').bind(client));
        await trial.event(client, 'secure');
        const { ssl } = client as unknown as { readonly ssl: { verifyError(): Error | null } };
        const error = ssl.verifyError();
        trial.note('client', 'verifyError', error === null ? null : Reflect.get(error, 'code'));
        client.destroy();
        trial.note('client', 'ssl', Reflect.get(client, 'ssl'));
      }
    },
  },
];
