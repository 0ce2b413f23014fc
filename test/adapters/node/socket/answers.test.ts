// A peer that makes the socket answer and takes none of it: what is unsent does not grow with what it sends, and nobody
// waits for ever.

import type net from 'node:net';
import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Forger } from '../../../kit/forger.ts';
import { provider } from '../../../kit/provider.ts';
import { flood, until } from '../../../kit/unread.ts';
import { clientOptions, collect, event, modules, type Socket, serverOptions } from '../sides.ts';

const ROUNDS = 1500;

/** A transport that can be told to take nothing, as a TCP socket whose peer does not read. */
class Valve extends Duplex {
  stuck = false;
  readonly out: Buffer[] = [];
  #waiting: (() => void) | undefined;

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.out.push(chunk);
    if (this.stuck) this.#waiting = callback;
    else callback();
  }

  release(): void {
    this.stuck = false;
    this.#waiting?.();
  }

  get unsent(): number {
    return this.writableLength;
  }

  takeOut(): Buffer {
    return Buffer.concat(this.out.splice(0));
  }
}

interface Scene {
  readonly transport: Valve;
  readonly socket: Socket;
  readonly forger: Forger;
  received(): number;
}

/** A socket of `module` whose peer is a forger, open, with a transport that takes nothing any more. */
async function scene(name: keyof typeof modules, role: 'client' | 'server'): Promise<Scene> {
  const { TLSSocket, createSecureContext, connect } = modules[name];
  const transport = new Valve();
  const forger = new Forger(role === 'client' ? 'server' : 'client');
  const socket =
    role === 'server'
      ? new TLSSocket(transport as unknown as net.Socket, {
          isServer: true,
          secureContext: createSecureContext(serverOptions),
        })
      : connect({
          ...clientOptions,
          ...serverOptions,
          socket: transport,
          rejectUnauthorized: false,
          ...{ engine: { postHandshakeAuth: true } },
        });
  let received = 0;
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  let open = false;
  socket.once(role === 'client' ? 'secureConnect' : 'secure', () => {
    open = true;
  });
  for (let left = 200; left > 0 && !(open && forger.connection.facts !== undefined); left--) {
    const answer = forger.hear(transport.takeOut());
    if (answer.length > 0) transport.push(answer);
    await turn();
  }
  for (let i = 0; i < 5; i++) await turn();
  transport.takeOut();
  transport.stuck = true;
  return { transport, socket, forger, received: () => received };
}

describe('a peer that reads nothing', () => {
  test.each(['opentls', 'node'] as const)('KeyUpdates to a server of %s: it reads on, and owes one', async (name) => {
    const at = await scene(name, 'server');
    const { most, sent } = await flood(at.transport, at.forger, ROUNDS, () => at.forger.keyUpdate());
    expect(most).toBeLessThan(100);
    await until(() => at.received() === sent);
    expect(at.received()).toBe(sent);
    at.transport.takeOut();
    at.transport.release();
    at.socket.write('x');
    await until(() => at.transport.out.length > 0);
    expect(at.transport.takeOut().length).toBeGreaterThan(0);
    at.socket.destroy();
  });

  test('a KeyUpdate that was owed goes out by itself, once what was before it has', async () => {
    const at = await scene('opentls', 'server');
    at.transport.push(at.forger.keyUpdate());
    await turn();
    // The first is on its way, the transport takes its time; there is a second one to be answered.
    at.transport.push(at.forger.keyUpdate());
    for (let i = 0; i < 5; i++) await turn();
    expect(at.transport.takeOut()).toHaveLength(27);
    at.transport.release();
    await until(() => at.transport.out.length > 0);
    expect(at.transport.takeOut()).toHaveLength(27);
    at.socket.destroy();
  });

  test('CertificateRequests to a client: it stops to read, and goes on where it was', async () => {
    const at = await scene('opentls', 'client');
    let error: Error | undefined;
    at.socket.on('error', (cause) => {
      error = cause;
    });
    const { most, sent } = await flood(at.transport, at.forger, ROUNDS, (index) => at.forger.certificateRequest(index));
    expect(most).toBeLessThan(3 * 0x2_0000);
    expect(at.transport.isPaused()).toBe(true);
    expect(at.received()).toBeLessThan(sent);
    at.transport.release();
    await until(() => at.received() === sent);
    expect(error).toBeUndefined();
    expect(at.received()).toBe(sent);
    at.socket.destroy();
  });

  test('after our end of the connection, KeyUpdates are owed no more', async () => {
    const at = await scene('opentls', 'server');
    at.transport.release();
    at.socket.end();
    await turn();
    at.transport.takeOut();
    const { most, sent } = await flood(at.transport, at.forger, ROUNDS, () => at.forger.keyUpdate());
    expect(most).toBe(0);
    expect(at.transport.takeOut()).toHaveLength(0);
    await until(() => at.received() === sent);
    expect(at.received()).toBe(sent);
    at.socket.destroy();
  });

  test('nor is anything gathered for an application that reads nothing', async () => {
    const at = await scene('opentls', 'server');
    at.socket.pause();
    const { sent } = await flood(at.transport, at.forger, ROUNDS, () => at.forger.keyUpdate());
    expect(at.socket.readableLength).toBeLessThan(3 * at.socket.readableHighWaterMark);
    expect(at.transport.isPaused()).toBe(true);
    at.socket.resume();
    await until(() => at.received() === sent);
    expect(at.received()).toBe(sent);
    at.socket.destroy();
  });
});

describe('two ends that do not wait for each other', () => {
  const suites = provider.suites.map((suite) => ({ ...suite, aead: { ...suite.aead, recordLimit: 2 } }));

  /** Keys wear out after two records: each turn of the writer sends a KeyUpdate. */
  test.each(['opentls', 'node'] as const)('both write far more than the pipe holds (server of %s)', async (name) => {
    const { TLSSocket, createSecureContext } = modules[name];
    const [a, b] = narrowPipe();
    const wearing = { provider: { ...provider, suites } };
    const secureContext = createSecureContext({ ...serverOptions, ...(name === 'opentls' && wearing) });
    const server = new TLSSocket(b as net.Socket, { isServer: true, secureContext });
    const client = modules.opentls.connect({ ...clientOptions, ...wearing, socket: a });
    const body = Buffer.alloc(1 << 20, 1);
    await event(client, 'secureConnect');
    const received = [collect(client), collect(server)];
    client.end(body);
    server.end(body);
    for (const bytes of await Promise.all(received)) expect(bytes.length).toBe(body.length);
  });
});

/** Two ends of a pipe that delivers a write when the reader has taken the one before. */
function narrowPipe(): [Duplex, Duplex] {
  const ends: Duplex[] = [];
  const waiting: ((() => void) | undefined)[] = [];
  const end = (index: number): Duplex =>
    new Duplex({
      readableHighWaterMark: 1024,
      writableHighWaterMark: 1024,
      read() {
        const taken = waiting[index];
        waiting[index] = undefined;
        taken?.();
      },
      write(chunk, _encoding, callback) {
        const other = 1 - index;
        if (ends[other]?.push(chunk) === true) setImmediate(callback);
        else waiting[other] = callback;
      },
      final(callback) {
        ends[1 - index]?.push(null);
        callback();
      },
    });
  const pair: [Duplex, Duplex] = [end(0), end(1)];
  ends.push(...pair);
  return pair;
}
