// A peer that makes the stream answer and takes none of it, as in test/adapters/node/socket/answers.test.ts.

import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type ByteTransport, type SecureTransport, wrapClient, wrapServer } from '#opentls/adapters/web/index';
import { NamedGroup } from '#opentls/wire/enums';
import { Forger } from '../../kit/forger.ts';
import { credential, trustAnything } from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';
import { flood, until } from '../../kit/unread.ts';

const ROUNDS = 1000;

/** A transport that a test holds the other end of; it can be told to take nothing. */
class Valve {
  readonly out: Uint8Array[] = [];
  /** Bytes that were written and not taken. */
  unsent = 0;
  /** Chunks that nobody has read yet. */
  unread = 0;
  #stuck: PromiseWithResolvers | undefined;
  #feed: ReadableStreamDefaultController<Uint8Array> | undefined;
  readonly transport: ByteTransport;

  constructor() {
    const readable = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#feed = controller;
      },
    });
    // As far as an adapter looks at one: the queue of a real stream cannot be seen from outside.
    const writable = {
      getWriter: () => ({
        ready: Promise.resolve(),
        close: async () => {},
        abort: async () => {},
        write: async (chunk: Uint8Array) => {
          this.unsent += chunk.length;
          await this.#stuck?.promise;
          this.unsent -= chunk.length;
          this.out.push(chunk);
        },
      }),
    };
    this.transport = { readable, writable: writable as unknown as ByteTransport['writable'] };
  }

  push(bytes: Uint8Array): void {
    this.#feed?.enqueue(bytes);
    this.unread = 1 - (this.#feed?.desiredSize ?? 0);
  }

  stick(): void {
    this.#stuck = resolvers();
  }

  release(): void {
    this.#stuck?.resolve();
    this.#stuck = undefined;
  }

  takeOut(): Uint8Array {
    return Buffer.concat(this.out.splice(0));
  }
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function resolvers(): PromiseWithResolvers {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

interface Scene {
  readonly valve: Valve;
  readonly forger: Forger;
  readonly secure: SecureTransport;
  received(): number;
}

async function scene(role: 'client' | 'server'): Promise<Scene> {
  const valve = new Valve();
  const forger = new Forger(role === 'client' ? 'server' : 'client');
  const config = { provider, verifyChain: trustAnything, credentials: [credential], serverName: 'localhost' };
  const secure =
    role === 'client'
      ? wrapClient(valve.transport, {
          ...config,
          postHandshakeAuth: true,
          groups: [NamedGroup.x25519],
          keyShares: [NamedGroup.x25519],
        })
      : wrapServer(valve.transport, config);
  let received = 0;
  const reader = secure.readable.getReader();
  const read = async (): Promise<void> => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || value === undefined) return;
      received += value.length;
    }
  };
  read().catch(() => {});
  let open = false;
  secure.opened.then(
    () => {
      open = true;
    },
    () => {},
  );
  for (let left = 200; left > 0 && !(open && forger.connection.facts !== undefined); left--) {
    const answer = forger.hear(valve.takeOut());
    if (answer.length > 0) valve.push(answer);
    await turn();
  }
  for (let i = 0; i < 5; i++) await turn();
  valve.takeOut();
  valve.stick();
  return { valve, forger, secure, received: () => received };
}

describe('a peer that reads nothing', () => {
  test('KeyUpdates to a server: it reads on, and owes one', async () => {
    const at = await scene('server');
    const { most, sent } = await flood(at.valve, at.forger, ROUNDS, () => at.forger.keyUpdate());
    expect(most).toBe(27);
    await until(() => at.received() === sent);
    expect(at.received()).toBe(sent);
    at.valve.release();
    await until(() => at.valve.out.length > 1);
    expect(at.valve.out.map(({ length }) => length)).toEqual([27, 27]);
  });

  test('CertificateRequests to a client: it stops to read, and goes on where it was', async () => {
    const at = await scene('client');
    const { most, sent } = await flood(at.valve, at.forger, ROUNDS, (index) => at.forger.certificateRequest(index));
    expect(most).toBeLessThan(3 * 0x2_0000);
    expect(at.valve.unread).toBeGreaterThan(10);
    at.valve.release();
    await until(() => at.received() === sent);
    expect(at.received()).toBe(sent);
  });

  test('what the application writes does not stop it from reading', async () => {
    const at = await scene('server');
    const writer = at.secure.writable.getWriter();
    writer.write(new Uint8Array(1 << 20)).catch(() => {});
    for (let i = 0; i < 20; i++) at.valve.push(at.forger.data(16_384));
    await until(() => at.received() === 20 * 16_384);
    expect(at.valve.unsent).toBeGreaterThan(0x2_0000);
    expect(at.received()).toBe(20 * 16_384);
  });
});
