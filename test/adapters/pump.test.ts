import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Pump, type PumpHandlers } from '#opentls/adapters/pump';
import { Connection } from '#opentls/connection/connection';
import type { ClientConfig } from '#opentls/handshake/terms/config';
import { noble } from '#opentls/providers/noble';
import { NamedGroup } from '#opentls/wire/enums';
import { dangerouslyTrust } from '#opentls/x509/verify/verify';
import { testCredential } from '../kit/credentials.ts';

const credential = testCredential(noble);
type Verify = ClientConfig['verifyChain'];
const trusting: Verify = ({ chain }) => ({ ok: true, peer: dangerouslyTrust(chain) });

interface End {
  readonly pump: Pump;
  readonly seen: string[];
  readonly received: number[];
}

/** Client and server in one thread; output reaches the other side within `send`. */
function connect(verifyChain: Verify, more: Partial<PumpHandlers> = {}): { client: End; server: End } {
  const ends: End[] = [];
  const end = (connection: Connection, index: number, extra: Partial<PumpHandlers>): End => {
    const seen: string[] = [];
    const received: number[] = [];
    const handlers: PumpHandlers = {
      data: (bytes) => received.push(...bytes) > 0,
      open: () => void seen.push('open'),
      end: (closeNotify) => void seen.push(`end ${closeNotify}`),
      error: (error) => void seen.push(error.code),
      secret: () => {},
      send: (slabs) => {
        const peer = ends[1 - index];
        for (const slab of slabs) peer?.pump.connection.receive(slab);
        peer?.pump.run();
      },
      thrown: (error) => void seen.push(`thrown ${error}`),
      ...extra,
    };
    return { pump: new Pump(connection, handlers), seen, received };
  };
  const config = { provider: noble, groups: [NamedGroup.x25519], verifyChain };
  const client = end(Connection.client(config), 0, more);
  const server = end(Connection.server({ ...config, credentials: [credential] }), 1, {});
  ends.push(client, server);
  client.pump.run();
  return { client, server };
}

describe('asks', () => {
  test('answered at once: the handshake is over at once', () => {
    const { client, server } = connect(trusting);
    expect([client.seen, server.seen]).toEqual([['open'], ['open']]);
  });

  test('answered by a microtask, and by a timer', async () => {
    const soon = connect(async (request) => trusting(request));
    const late = connect((request) => delay(5).then(() => trusting(request)));
    expect([soon.client.seen, late.client.seen]).toEqual([[], []]);
    await delay(0);
    expect(soon.client.seen).toEqual(['open']);
    await delay(20);
    expect(late.client.seen).toEqual(['open']);
  });

  test('rejected, and thrown: both ends hear of it', async () => {
    const failing = new Error('no');
    const rejected = connect(() => Promise.reject(failing));
    await delay(0);
    const thrown = connect(() => {
      throw failing;
    });
    for (const { client, server } of [rejected, thrown]) {
      expect(client.seen).toEqual(['ERR_TLS_INTERNAL']);
      expect(server.seen).toEqual(['ERR_TLS_ALERT_INTERNAL_ERROR']);
    }
  });

  test('answered after the end: ignored', async () => {
    for (const fails of [false, true]) {
      const { client } = connect(async (request) => {
        await delay(5);
        if (fails) throw new Error('late');
        return trusting(request);
      });
      client.pump.stop();
      client.pump.connection.destroy();
      await delay(20);
      expect(client.seen).toEqual([]);
    }
  });

  test('never answered: nothing happens', async () => {
    const { client } = connect(() => new Promise(() => {}));
    await delay(20);
    expect(client.seen).toEqual([]);
    expect(client.pump.connection.phase).toBe('handshake');
  });
});

describe('handlers', () => {
  test('may write from within, without end', () => {
    const { client, server } = connect(trusting, {
      data(bytes) {
        const [count = 0] = bytes;
        if (count < 50) {
          client.pump.connection.write([Uint8Array.of(count + 1)]);
          client.pump.run();
        }
        return true;
      },
    });
    const { connection } = server.pump;
    let last = 0;
    server.received.push = (count = 0) => {
      last = count;
      connection.write([Uint8Array.of(count)]);
      server.pump.run();
      return 1;
    };
    connection.write([Uint8Array.of(1)]);
    server.pump.run();
    expect(last).toBe(50);
  });

  test('may close from within, and what there is to send goes out at once', () => {
    const sent: number[] = [];
    const { client, server } = connect(trusting);
    const { connection } = client.pump;
    const pump = new Pump(connection, {
      data: () => {
        connection.closeWrite();
        pump.run();
        sent.push(0);
        return true;
      },
      open: () => {},
      end: () => {},
      error: () => {},
      secret: () => {},
      send: (slabs) => sent.push(slabs.length),
      thrown: () => {},
    });
    server.pump.connection.write([Uint8Array.of(1)]);
    for (const slab of server.pump.connection.takeOutput()) connection.receive(slab);
    pump.run();
    expect(sent).toEqual([1, 0]);
  });

  test('may write while they send: what is new goes after what is being sent', () => {
    const sent: Uint8Array[] = [];
    const { client, server } = connect(trusting);
    const { connection } = client.pump;
    let echoes = 3;
    const pump = new Pump(connection, {
      data: () => true,
      open: () => {},
      end: () => {},
      error: () => {},
      secret: () => {},
      send: (slabs) => {
        for (const slab of slabs) {
          // As a transport does that answers within write().
          if (echoes-- > 0) connection.write([new Uint8Array(1)]);
          pump.run();
          sent.push(slab);
        }
      },
      thrown: () => {},
    });
    for (const size of [10, 20, 30]) connection.write([new Uint8Array(size)]);
    pump.run();
    // Out of order they would not open.
    for (const slab of sent) server.pump.connection.receive(slab);
    server.pump.run();
    expect(server.seen).toEqual(['open']);
    expect(server.received).toHaveLength(63);
  });

  test('data() that answers false hears no more until resume()', () => {
    const got: number[] = [];
    const { client, server } = connect(trusting, { data: (bytes) => got.push(...bytes) < 0 });
    for (const value of [1, 2, 3]) {
      server.pump.connection.write([Uint8Array.of(value)]);
      server.pump.run();
    }
    expect(got).toEqual([1]);
    expect(client.pump.stalled).toBe(true);
    client.pump.resume();
    expect(got).toEqual([1, 2]);
    client.pump.resume();
    expect(got).toEqual([1, 2, 3]);
  });

  test('that throw are told to thrown(), and leave the pump as it was', () => {
    let calls = 0;
    const { client, server } = connect(trusting, {
      data: () => {
        calls++;
        if (calls === 1) throw new Error('from a handler');
        return true;
      },
    });
    server.pump.connection.write([Uint8Array.of(1)]);
    server.pump.run();
    expect(client.seen).toEqual(['open', 'thrown Error: from a handler']);
    server.pump.connection.write([Uint8Array.of(2)]);
    server.pump.run();
    client.pump.run();
    expect(calls).toBe(2);
  });

  test('that throw after a late answer are told to thrown()', async () => {
    const { client } = connect(async (request) => trusting(request), {
      open: () => {
        throw new Error('from a handler');
      },
    });
    await delay(5);
    expect(client.seen).toEqual(['thrown Error: from a handler']);
  });

  test('the alert is sent before error() is called', async () => {
    const order: string[] = [];
    const { server } = connect(async () => ({ ok: false, code: 'CERT_HAS_EXPIRED', reason: 'expired' }), {
      error: (error) => order.push(...server.seen, error.code),
    });
    await delay(5);
    expect(order).toEqual(['ERR_TLS_ALERT_CERTIFICATE_EXPIRED', 'CERT_HAS_EXPIRED']);
  });
});
