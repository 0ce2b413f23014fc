// TLS over streams that are no TCP sockets, both ends in one process, and the ends of connections.
import { Duplex, PassThrough } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Behaviour } from '../behaviour.ts';
import type { Trial } from '../trial.ts';

interface Shape {
  readonly allowHalfOpen?: boolean;
  readonly highWaterMark?: number;
}

/** Two streams that are the ends of one pipe. */
function duplexPair({ allowHalfOpen = true, highWaterMark = 16_384 }: Shape = {}): readonly [Duplex, Duplex] {
  const [there, back] = [new PassThrough({ highWaterMark }), new PassThrough({ highWaterMark })];
  const end = (readable: PassThrough, writable: PassThrough): Duplex => {
    const duplex = new Duplex({
      allowHalfOpen,
      highWaterMark,
      read() {
        readable.resume();
      },
      write(chunk, _encoding, callback) {
        writable.write(chunk, callback);
      },
      final(callback) {
        writable.end(callback);
      },
    });
    readable.on('data', (chunk) => {
      if (!duplex.push(chunk)) readable.pause();
    });
    readable.on('end', () => duplex.push(null));
    return duplex;
  };
  return [end(back, there), end(there, back)];
}

/** The server's end of a stream, by the module under test or by `node:tls`. */
function accept(trial: Trial, transport: Duplex, module = trial.nodeTls): TLSSocket {
  const { server } = trial.credentials;
  const socket = new module.TLSSocket(transport, { ...server, isServer: true, minVersion: 'TLSv1.3' });
  trial.defer(() => socket.destroy());
  socket.on('error', (error) => trial.note('server', 'error', error));
  return socket;
}

function client(trial: Trial, transport: Duplex, module: Pick<typeof trial.tls, 'connect'> = trial.tls): TLSSocket {
  const socket = module.connect({ socket: transport, servername: 'localhost', ca: trial.credentials.root.cert });
  trial.defer(() => socket.destroy());
  return socket;
}

/** Not 'finish' and 'session': when a transport takes the last bytes depends on the pieces in which it gets them. */
const events = new Set(['connect', 'secure', 'secureConnect', 'data', 'end', 'error', 'close']);

const shapes: readonly (readonly [name: string, shape: Shape])[] = [
  ['a Duplex', {}],
  ['a Duplex that ends both ways at once', { allowHalfOpen: false }],
  ['a Duplex that takes a byte at a time', { highWaterMark: 1 }],
];

export const behaviours: readonly Behaviour[] = [
  ...shapes.flatMap(([name, shape]): Behaviour[] => [
    {
      name: `a client over ${name}`,
      run: async (trial) => {
        const [near, far] = duplexPair(shape);
        const server = accept(trial, far);
        const socket = client(trial, near);
        trial.watch('client', socket, events);
        socket.resume();
        let heard = 0;
        server.on('data', (chunk: Buffer) => {
          heard += chunk.length;
        });
        server.on('end', () => server.end(Buffer.alloc(100_000)));
        socket.end(Buffer.alloc(200_000));
        await trial.event(socket, 'close');
        trial.note('server', 'heard', heard);
        trial.note(
          'client',
          'after',
          socket.bytesRead,
          socket.bytesWritten,
          socket.readableEnded,
          socket.writableFinished,
        );
      },
    },
    {
      name: `a server over ${name}`,
      run: async (trial) => {
        const [near, far] = duplexPair(shape);
        const server = accept(trial, far, trial.tls);
        trial.watch('server', server, events);
        const socket = client(trial, near, trial.nodeTls);
        let heard = 0;
        socket.on('data', (chunk: Buffer) => {
          heard += chunk.length;
        });
        server.resume();
        server.on('end', () => server.end(Buffer.alloc(100_000)));
        socket.end(Buffer.alloc(200_000));
        await Promise.all([trial.event(server, 'close'), trial.event(socket, 'close')]);
        trial.note('client', 'heard', heard);
        trial.note('server', 'after', server.bytesRead, server.bytesWritten);
      },
    },
    {
      name: `the server ends first over ${name}`,
      run: async (trial) => {
        const [near, far] = duplexPair(shape);
        const server = accept(trial, far);
        const socket = client(trial, near);
        trial.watch('client', socket, events);
        server.end(Buffer.alloc(150_000));
        socket.resume();
        await Promise.race([trial.event(socket, 'close'), trial.settle(2000)]);
        trial.note('client', 'after', socket.bytesRead, socket.writableEnded, socket.destroyed);
      },
    },
    {
      name: `both ends end at once over ${name}`,
      run: async (trial) => {
        const [near, far] = duplexPair(shape);
        const server = accept(trial, far);
        const socket = client(trial, near);
        trial.watch('client', socket, events);
        await Promise.all([trial.event(socket, 'secureConnect'), trial.event(server, 'secure')]);
        for (const end of [server, socket]) {
          end.resume();
          end.end(Buffer.alloc(50_000));
        }
        await trial.event(socket, 'close');
        trial.note('client', 'after', socket.bytesRead);
      },
    },
  ]),
  {
    name: 'a client over the Duplex of web streams',
    run: async (trial) => {
      const [near, far] = duplexPair();
      const server = accept(trial, far);
      const socket = client(trial, Duplex.fromWeb(Duplex.toWeb(near) as never) as Duplex);
      trial.watch('client', socket, events);
      socket.resume();
      server.end(Buffer.alloc(150_000));
      await trial.event(socket, 'close');
      trial.note('client', 'after', socket.bytesRead);
    },
  },
  {
    name: 'a client TLSSocket over a Duplex waits until its owner writes',
    run: async (trial) => {
      const [near, far] = duplexPair();
      const server = accept(trial, far);
      const socket = new trial.tls.TLSSocket(near, { minVersion: 'TLSv1.3' });
      trial.defer(() => socket.destroy());
      trial.watch('client', socket, new Set(['secure', 'secureConnect', 'connect', 'error']));
      await trial.settle(100);
      trial.note('client', 'after 100 ms', socket.connecting, Reflect.get(socket, 'secureConnecting'));
      socket.write('x');
      const [chunk] = (await trial.event(server, 'data')) as [Buffer];
      trial.note('server', 'data', chunk.toString());
      trial.note('client', 'then', socket.authorized, Reflect.get(socket, 'secureConnecting'));
      trial.note('client', 'authorizationError', socket.authorizationError);
    },
    byDesign: {
      'client: authorizationError': 'A bare `TLSSocket` says why the peer is not trusted, too.',
    },
  },
  {
    name: 'a client TLSSocket over a socket that is connected waits until its owner writes',
    run: async (trial) => {
      const server = trial.nodeServer({}, (socket) => socket.on('error', () => undefined).end('hello'));
      const port = await trial.listen(server);
      const { connect } = await import('node:net');
      const raw = connect(port, '127.0.0.1');
      await trial.event(raw, 'connect');
      const socket = new trial.tls.TLSSocket(raw, { minVersion: 'TLSv1.3' });
      trial.defer(() => socket.destroy());
      trial.watch('client', socket, new Set(['secure', 'secureConnect', 'connect', 'error', 'data']));
      socket.resume();
      await trial.settle(100);
      trial.note('client', 'after 100 ms', socket.connecting, Reflect.get(socket, 'secureConnecting'));
      socket.write('x');
      await trial.event(socket, 'end');
    },
  },
  {
    name: 'TLS in TLS',
    run: async (trial) => {
      const inner = trial.nodeServer({}, (socket) => socket.on('error', () => undefined).end('inside'));
      const outer = trial.nodeServer({}, (socket) => {
        socket.on('error', () => undefined);
        inner.emit('connection', socket);
      });
      const port = await trial.listen(outer);
      const first = trial.connect(port);
      await trial.event(first, 'secureConnect');
      const second = client(trial, first);
      trial.watch('client', second, events);
      second.resume();
      await trial.event(second, 'close');
    },
  },
];
