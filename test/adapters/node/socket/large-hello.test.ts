import net from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CipherSuiteId, ExtensionType, NamedGroup } from '#opentls/wire/enums';
import {
  asRecords,
  extension,
  FULL,
  goodShare,
  type HelloShape,
  helloMessage,
  keyShare,
  longLists,
  range,
  vector,
} from '../../../kit/hello-bytes.ts';
import { clientOptions, close, event, listen, modules, serverOptions } from '../sides.ts';

// What node:tls makes of a ClientHello, opentls makes, too: as large as one may be, and with names as long as they may be.

const sides = ['node', 'opentls'] as const;
const names: (string | false | null)[] = [];
const servers = sides.map((side) => {
  const server = modules[side].createServer({
    ...serverOptions,
    minVersion: 'TLSv1.3',
    SNICallback: (name, done) => {
      names.push(name);
      done(null);
    },
  });
  server.on('tlsClientError', () => {});
  return server;
});
const ports: number[] = [];

beforeAll(async () => {
  for (const server of servers) ports.push(await listen(server));
});
afterAll(() => Promise.all(servers.map(close)));

/** The first record that comes back: a ServerHello, or an alert. */
async function answer(port: number, message: Uint8Array): Promise<string> {
  const peer = net.connect(port, '127.0.0.1');
  peer.on('error', () => {});
  peer.write(asRecords(message));
  const [first] = (await event(peer, 'data')) as [Buffer];
  peer.destroy();
  if (first[0] === 21) return `alert ${first[6]}`;
  return first[0] === 22 && first[5] === 2 ? 'ServerHello' : first.subarray(0, 8).toString('hex');
}

async function answers(shape: HelloShape): Promise<string[]> {
  const message = helloMessage(shape);
  return [await answer(ports[0] ?? 0, message), await answer(ports[1] ?? 0, message)];
}

const unknown = range(0x5000, 64);
const shapes: readonly (readonly [string, HelloShape])[] = [
  ...Object.entries(longLists).map(([name, list]) => [name, list(FULL)] as const),
  [
    '64 shares',
    {
      groups: [...unknown, NamedGroup.secp256r1],
      shares: [...unknown.map((group) => keyShare(group, Uint8Array.of(1))), goodShare],
    },
  ],
  [
    '131,000 bytes',
    {
      suites: [...range(0x5000, 0x7fe0), CipherSuiteId.TLS_AES_128_GCM_SHA256],
      more: [
        extension(ExtensionType.padding, new Uint8Array(FULL)),
        ...range(0x4000, 50).map((type) => extension(type)),
      ],
    },
  ],
];
/** What node:tls takes otherwise than RFC 6066 §3 has it: a list of names without a host name. */
const differs: ReadonlySet<string> = new Set(['names that are no host names']);

describe('a ClientHello that is large and lawful is served as node:tls serves it', () => {
  test.each(shapes.filter(([name]) => !differs.has(name)))('%s', async (_, shape) => {
    expect(await answers(shape)).toEqual(['ServerHello', 'ServerHello']);
  });
});

describe('server_name', () => {
  const named = (length: number): HelloShape => {
    const entry = [Uint8Array.of(0), vector(Buffer.alloc(length, 97))];
    return { more: [extension(ExtensionType.server_name, vector(...entry))] };
  };

  test.each([
    [1, 'ServerHello'],
    [255, 'ServerHello'],
    [256, 'alert 112'],
    [5000, 'alert 112'],
    [60_000, 'alert 112'],
  ])('of %i bytes: %s, and nobody sees what is refused', async (length, expected) => {
    names.length = 0;
    expect(await answers(named(length))).toEqual([expected, expected]);
    const seen = expected === 'ServerHello' ? [length, length] : [];
    expect(names.map((name) => (name || '').length)).toEqual(seen);
  });

  test.each(sides)('of 256 bytes is not sent by a client, and the certificate is judged by it: %s', async (side) => {
    names.length = 0;
    const judged: string[] = [];
    const servername = 'a'.repeat(256);
    const checkServerIdentity = (host: string): undefined => void judged.push(host);
    const client = modules[side].connect({ ...clientOptions, port: ports[0], servername, checkServerIdentity });
    await event(client, 'secureConnect');
    client.destroy();
    expect([names, judged]).toEqual([[], [servername]]);
  });
});
