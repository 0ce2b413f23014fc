import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import type { Connection } from '#opentls/connection/connection';
import type { ServerConfig } from '#opentls/handshake/terms/config';
import { defaultLimits } from '#opentls/limits';
import { CipherSuiteId, ExtensionType, NamedGroup } from '#opentls/wire/enums';
import {
  asRecords,
  extension,
  FULL,
  filled,
  goodShare,
  type HelloShape,
  helloMessage,
  keyShare,
  longLists,
  range,
  vector,
} from '../../kit/hello-bytes.ts';
import { errorOf, newServer, settle } from '../../kit/pair.ts';

// RFC 9846 §4.2.2 and §9.3: what a server does not know it ignores, as much of it as there is. It costs no more than its
// bytes: neither in time nor in memory.

/** HandshakeType and uint24 length, RFC 9846 §4. */
const HEADER = 4;

/** The server, and what it says to a ClientHello. */
function hear(message: Uint8Array, config: Partial<ServerConfig> = {}) {
  const server = newServer(config);
  const events = settle(server);
  const records = asRecords(message);
  for (let at = 0; at < records.length; at += 60_000) {
    if (errorOf(events) !== undefined) break;
    server.receive(records.subarray(at, at + 60_000));
    settle(server, events);
  }
  return { server, error: errorOf(events) };
}

function isServerHello(server: Connection): boolean {
  const [first = new Uint8Array(0)] = server.takeOutput();
  return first[0] === 22 && first[5] === 2;
}

describe('a ClientHello that is large and lawful is served', () => {
  test.each(Object.entries(longLists))('%s', (_, list) => {
    const { server, error } = hear(helloMessage(list(FULL)));
    expect(error).toBeUndefined();
    expect(isServerHello(server)).toBe(true);
  });

  test('one as large as it can be with the one compression method of TLS 1.3', () => {
    const shape = {
      suites: [...range(0, 0x7ffe), CipherSuiteId.TLS_AES_128_GCM_SHA256],
      sessionId: new Uint8Array(32),
    };
    // 2^16 - 2 bytes of suites and 2^16 - 1 of extensions; legacy_compression_methods has 1 byte of 255.
    const largest = HEADER + defaultLimits.handshakeMessage - 254;
    const padding = (length: number): HelloShape => ({
      more: [extension(ExtensionType.padding, new Uint8Array(length))],
    });
    const rest = largest - helloMessage({ ...shape, ...padding(0) }).length;
    const message = helloMessage({ ...shape, ...padding(rest) });
    expect(message.length).toBe(largest);
    const { server, error } = hear(message);
    expect(error).toBeUndefined();
    expect(isServerHello(server)).toBe(true);
  });

  test('shares for groups that nobody knows, up to the limit; one more is refused before they are compared', () => {
    const shares = (count: number): HelloShape => {
      const unknown = range(0x5000, count - 1);
      const groups = [...unknown, NamedGroup.secp256r1];
      return { groups, shares: [...unknown.map((group) => keyShare(group, Uint8Array.of(1))), goodShare] };
    };
    expect(isServerHello(hear(helloMessage(shares(65))).server)).toBe(true);
    expect(isServerHello(hear(helloMessage(shares(defaultLimits.keyShares))).server)).toBe(true);
    const { error } = hear(helloMessage(shares(defaultLimits.keyShares + 1)));
    expect(error).toEqual({ code: 'ERR_TLS_EXTENSION_DECODE', alert: 'illegal_parameter' });
  });
});

describe('names in a ClientHello are looked at up to the limit', () => {
  const name = (text: string): Uint8Array => Uint8Array.of(text.length, ...Buffer.from(text));
  const unknown = (count: number): Uint8Array[] => filled(name('x'), 2 * count);

  test.each([
    [0, undefined],
    [1, 'no_application_protocol'],
  ])('with our protocol %i beyond it', (beyond, alert) => {
    const names = [...unknown(defaultLimits.names - 1 + beyond), name('h2')];
    const message = helloMessage({
      more: [extension(ExtensionType.application_layer_protocol_negotiation, vector(...names))],
    });
    expect(hear(message, { alpn: [Buffer.from('h2')] }).error?.alert).toBe(alert);
  });

  test('a callback is shown no more', () => {
    let shown = 0;
    const chooseProtocol: ServerConfig['chooseProtocol'] = ({ alpn }) => {
      shown = alpn.length;
      return alpn[0];
    };
    hear(
      helloMessage({
        more: [extension(ExtensionType.application_layer_protocol_negotiation, vector(...unknown(30_000)))],
      }),
      { chooseProtocol },
    );
    expect(shown).toBe(defaultLimits.names);
  });
});

/** How many elements of arrays the work may have looked at: their lengths, for each call of a method that looks. */
function visits(work: () => void): number {
  const methods = ['includes', 'indexOf', 'find', 'findIndex', 'some', 'every', 'filter', 'map', 'flatMap', 'reduce'];
  let count = 0;
  const originals = methods.map((name) => [name, Reflect.get(Array.prototype, name)] as const);
  for (const [name, original] of originals) {
    const counting = function (this: readonly unknown[], ...args: readonly unknown[]): unknown {
      count += this.length;
      return Reflect.apply(original, this, args);
    };
    Object.defineProperty(Array.prototype, name, { value: counting, configurable: true, writable: true });
  }
  try {
    work();
  } finally {
    for (const [name, value] of originals) {
      Object.defineProperty(Array.prototype, name, { value, configurable: true, writable: true });
    }
  }
  return count;
}

describe('no list of a ClientHello is walked for each entry of another', () => {
  const shares = (bytes: number): HelloShape => {
    const groups = range(0x5000, bytes >> 3);
    return { groups, shares: [...groups].reverse().map((group) => keyShare(group, Uint8Array.of(1))) };
  };
  const manyOfEach = (bytes: number): HelloShape => ({
    ...(longLists['the same group']?.(bytes / 2) ?? {}),
    shares: range(0x5000, bytes >> 4).map((group) => keyShare(group, Uint8Array.of(1))),
  });
  const shapes = Object.entries({ ...longLists, 'key shares': shares, 'groups, and shares for others': manyOfEach });

  test.each(shapes)('%s: twice as many cost twice as much', (_, list) => {
    for (const config of [{}, { preferOwnOrder: false, pskModes: ['psk_ke', 'psk_dhe_ke'] as const }]) {
      const [once, twice] = [FULL / 2, FULL].map((bytes) => {
        const message = helloMessage(list(bytes));
        return visits(() => void hear(message, config));
      });
      // What the rest of a handshake takes is the same for both.
      expect(twice).toBeLessThan(2.2 * (once ?? 0) + 10_000);
    }
  });
});

describe('what is kept for a client that has proven nothing', () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const used = (): number => {
    for (let i = 0; i < 2; i++) collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  /** As many suites again: what the message has room for beside its extensions. */
  const suites = [...range(0x5000, 0x7ff0), CipherSuiteId.TLS_AES_128_GCM_SHA256];

  test.each(Object.entries(longLists))('with 128 KiB of suites and %s is less than 1 MiB', (_, list) => {
    const message = helloMessage({ suites, ...list(FULL) });
    const open: Connection[] = [];
    hear(message);
    const before = used();
    for (let i = 0; i < 4; i++) open.push(hear(message).server);
    const each = (used() - before) / open.length;
    expect(open.map(({ phase }) => phase)).toEqual(open.map(() => 'handshake'));
    expect(each).toBeLessThan(0x10_0000);
  });

  test('with a message that does not come to its end is less than 1 MiB, too', () => {
    const message = helloMessage({ suites, ...longLists['padding']?.(FULL) }).subarray(0, -1);
    const open: Connection[] = [];
    hear(message);
    const before = used();
    for (let i = 0; i < 4; i++) open.push(hear(message).server);
    expect((used() - before) / open.length).toBeLessThan(0x10_0000);
    expect(open.map(({ phase }) => phase)).toEqual(open.map(() => 'handshake'));
  });
});
