// What a client takes for an answer to its ClientHello.

import { describe, expect, test } from 'vitest';
import { CipherSuiteId, ProtocolVersion } from '#opentls/wire/enums';
import { writeExtensions } from '#opentls/wire/extensions';
import type { ServerHello } from '#opentls/wire/messages';
import { retryRequest, serverExtensions, serverHello, speak } from '../../kit/hellos.ts';
import { errorOf, feed } from '../../kit/pair.ts';
import { externalPsk, resumable } from '../../kit/psks.ts';
import { randomBytes } from '../../kit/random.ts';

const bytes = randomBytes(9846);

describe('a HelloRetryRequest, RFC 9846 §4.2.4', () => {
  const changes: readonly (readonly [string, Partial<ServerHello>, string])[] = [
    ['another legacy_version', { legacyVersion: 0x0302 }, 'protocol_version'],
    ['another session id', { legacySessionIdEcho: bytes(32) }, 'illegal_parameter'],
    ['a suite that was not offered', { cipherSuite: CipherSuiteId.TLS_AES_128_CCM_SHA256 }, 'illegal_parameter'],
    ['compression', { legacyCompressionMethod: 1 }, 'illegal_parameter'],
    ['no supported_versions', { extensions: writeExtensions('HRR', { cookie: bytes(4) }) }, 'protocol_version'],
  ];

  test.each(changes)('a HelloRetryRequest with %s is refused', (_, change, alert) => {
    const { client, events, hello } = speak();
    feed(client, retryRequest(hello, { cookie: bytes(4) }, change), events);
    expect(errorOf(events)).toMatchObject({ alert });
  });
});

describe('a ServerHello, RFC 9846 §4.2.3', () => {
  test('a ServerHello after a HelloRetryRequest, of another version, is refused', () => {
    const { client, events, hello } = speak();
    feed(client, retryRequest(hello, { cookie: bytes(4) }), events);
    feed(
      client,
      serverHello(hello, { extensions: serverExtensions({ supported_versions: ProtocolVersion.TLS12 }) }),
      events,
    );
    expect(errorOf(events)).toMatchObject({ alert: 'illegal_parameter' });
  });

  test('a ServerHello of TLS 1.2 is one, whatever else is wrong with it, also after 0-RTT data', () => {
    const { session } = resumable();
    for (const config of [
      {},
      { suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256], takeSession: () => session, earlyData: true },
    ]) {
      const { client, events, hello } = speak(config);
      if ('earlyData' in config) client.writeEarly(bytes(4));
      const foreign = { legacySessionIdEcho: bytes(32), cipherSuite: 0xc02f, legacyCompressionMethod: 1 };
      feed(client, serverHello(hello, { ...foreign, extensions: [] }), events);
      expect(errorOf(events)).toMatchObject({ alert: 'protocol_version' });
    }
  });
});

describe('the PSK that a ServerHello selects, RFC 9846 §4.3.11', () => {
  test('a PSK is one that was offered, with a suite of its hash', () => {
    const selecting = (index: number, cipherSuite: number) => {
      const { client, events, hello } = speak({ externalPsks: [externalPsk()] });
      feed(
        client,
        serverHello(hello, { cipherSuite, extensions: serverExtensions({ pre_shared_key: index }) }),
        events,
      );
      return errorOf(events);
    };
    expect(selecting(0, CipherSuiteId.TLS_AES_128_GCM_SHA256)).toBeUndefined();
    expect(selecting(1, CipherSuiteId.TLS_AES_128_GCM_SHA256)).toMatchObject({ alert: 'illegal_parameter' });
    expect(selecting(0, CipherSuiteId.TLS_AES_256_GCM_SHA384)).toMatchObject({ alert: 'illegal_parameter' });
  });

  test('without the key_share that its mode needs it is illegal_parameter, §4.3.11', () => {
    const { client, events, hello } = speak({ externalPsks: [externalPsk()] });
    const extensions = writeExtensions('SH', { supported_versions: ProtocolVersion.TLS13, pre_shared_key: 0 });
    feed(client, serverHello(hello, { cipherSuite: CipherSuiteId.TLS_AES_128_GCM_SHA256, extensions }), events);
    expect(errorOf(events)).toMatchObject({ alert: 'illegal_parameter' });
  });
});
