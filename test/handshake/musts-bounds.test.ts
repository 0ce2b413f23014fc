// What RFC 9846 has a sender keep to, whatever it was configured for, and what a receiver makes of it.

import { describe, expect, test } from 'vitest';
import { TicketKeys } from '#opentls/session/tickets';
import { CipherSuiteId, ContentType } from '#opentls/wire/enums';
import { writeExtensions } from '#opentls/wire/extensions';
import { errorOf, feed, newPair, openPair, settle, shuttle } from '../kit/pair.ts';
import { provider } from '../kit/provider.ts';
import { firstSession } from '../kit/sessions.ts';
import { recordsOf } from '../record/records.ts';
import { bytes, externalPsk, resumable, serverHello, speak } from './musts.ts';

describe('groups and their shares, §4.3.7 and §4.3.8', () => {
  test.each([
    [
      [0x1d, 0x17],
      [0x17, 0x1d],
      [0x1d, 0x17],
    ],
    [[0x1d, 0x17], [0x1d, 0x1d], [0x1d]],
    [[0x1d, 0x1d, 0x17], undefined, undefined],
  ])('groups %j with shares for %j: each once, in one order', (groups, keyShares, sent) => {
    const { supported_groups = [], key_share = [] } = speak({ groups, keyShares }).extensions;
    expect(supported_groups).toEqual([...new Set(groups)]);
    const shares = key_share.map(({ group }) => group);
    if (sent !== undefined) expect(shares).toEqual(sent);
    expect(shares).toEqual(supported_groups.filter((group) => shares.includes(group)));
  });
});

describe('PSKs', () => {
  test('without the key_share that its mode needs it is illegal_parameter, §4.3.11', () => {
    const { client, events, hello } = speak({ externalPsks: [externalPsk()] });
    const extensions = writeExtensions('SH', { supported_versions: 0x0304, pre_shared_key: 0 });
    feed(client, serverHello(hello, { cipherSuite: CipherSuiteId.TLS_AES_128_GCM_SHA256, extensions }), events);
    expect(errorOf(events)).toMatchObject({ alert: 'illegal_parameter' });
  });

  test('who shares an external one is not asked for a certificate later either, §4.4.2', () => {
    const psk = externalPsk();
    const client = { externalPsks: [psk], postHandshakeAuth: true };
    const { server } = openPair(client, { findPsk: () => psk });
    expect(() => server.requestCertificate()).toThrow(expect.objectContaining({ code: 'ERR_TLS_INVALID_STATE' }));
  });
});

describe('0-RTT data', () => {
  test('stops at the limit of its key, §5.5', () => {
    const { session } = resumable();
    const suites = provider.suites.map((suite) => ({ ...suite, aead: { ...suite.aead, recordLimit: 3 } }));
    const { client } = speak({ provider: { ...provider, suites }, takeSession: () => session, earlyData: true });
    for (let i = 0; i < 10; i++)
      if (client.earlyRoom !== undefined && client.earlyRoom > 0) client.writeEarly(bytes(1));
    const records = recordsOf(Buffer.concat(client.takeOutput()));
    expect(records.filter(({ type }) => type === ContentType.application_data)).toHaveLength(3);
  });

  test.each([undefined, [0x17]])(
    'refused, it is passed over up to what tickets allow, §4.3.10 (groups %j)',
    (groups) => {
      const earlyData = { maxSize: 100_000, replay: { admit: () => false } };
      const server = {
        tickets: new TicketKeys(provider),
        ticketCount: 1,
        suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256],
        earlyData,
      };
      const session = firstSession({}, server);
      const client = { takeSession: () => session, earlyData: true };
      const ends = newPair(client, { ...server, ...(groups && { groups }) });
      settle(ends.client, ends.clientEvents);
      expect(ends.client.writeEarly(bytes(60_000))).toBe(60_000);
      shuttle(ends);
      expect(errorOf(ends.serverEvents)).toBeUndefined();
      expect(ends.server.phase).toBe('open');
    },
  );
});
