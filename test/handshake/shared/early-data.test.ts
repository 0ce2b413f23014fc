// 0-RTT data: what a client may send, what a server takes, and with which PSK.

import { describe, expect, test } from 'vitest';
import { toHex } from '#opentls/bytes/hex';
import type { Event } from '#opentls/connection/connection';
import { Secret } from '#opentls/crypto/secret';
import type { ServerConfig } from '#opentls/handshake/terms/config';
import type { SessionState } from '#opentls/session/session';
import { TicketKeys } from '#opentls/session/tickets';
import { CipherSuiteId, ContentType, ExtensionType, HandshakeType, NamedGroup } from '#opentls/wire/enums';
import { readExtensions, writeExtensions } from '#opentls/wire/extensions';
import { answerTo, bodyOf, plainMessages, speak } from '../../kit/hellos.ts';
import { errorOf, feed, newClient, newPair, newServer, settle, shuttle } from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';
import { externalPsk, type Offered, resumable, withPsks } from '../../kit/psks.ts';
import { randomBytes } from '../../kit/random.ts';
import { firstSession } from '../../kit/sessions.ts';
import { recordsOf } from '../../record/records.ts';

const bytes = randomBytes(9846);

describe('0-RTT data that is accepted', () => {
  function sendEarly(replay: (id: Uint8Array) => void = () => {}) {
    const { session, server } = resumable();
    const { client, events } = { client: newClient({ takeSession: () => session, earlyData: true }), events: [] };
    settle(client, events);
    client.writeEarly(bytes(10));
    const guard = {
      admit(id: Uint8Array) {
        replay(id);
        return true;
      },
    };
    const config = { ...server, earlyData: { maxSize: 1000, replay: guard } };
    return { client, flight: Buffer.concat(client.takeOutput()), server: newServer(config) };
  }

  test('a record of it that does not open is bad_record_mac', () => {
    const { flight, server } = sendEarly();
    flight[flight.length - 1] = (flight.at(-1) ?? 0) ^ 1;
    const events: Event[] = [];
    feed(server, flight, events);
    expect(errorOf(events)).toMatchObject({ alert: 'bad_record_mac' });
  });

  test('is remembered by the binder, which is validated by then', () => {
    const ids: string[] = [];
    const { flight, server } = sendEarly((id) => ids.push(toHex(id)));
    settle(server);
    feed(server, flight, []);
    const hello = bodyOf(plainMessages([flight]), HandshakeType.client_hello);
    const binders = readExtensions('CH', hello.extensions).pre_shared_key?.binders ?? [];
    expect(ids).toEqual(binders.map(toHex));
    const forged = sendEarly((id) => ids.push(toHex(id)));
    const [first] = recordsOf(forged.flight);
    const at = 5 + (first?.body.length ?? 0) - 1;
    forged.flight[at] = (forged.flight[at] ?? 0) ^ 1;
    const events: Event[] = [];
    feed(forged.server, forged.flight, events);
    expect(errorOf(events)).toMatchObject({ alert: 'decrypt_error' });
    expect(ids).toHaveLength(1);
  });

  test('does not wait for EndOfEarlyData: the flight of the server goes out at once', () => {
    const { flight, server } = sendEarly();
    feed(server, flight, []);
    expect(plainMessages(server.takeOutput().slice(0, 1))).toHaveLength(1);
    expect(server.phase).toBe('handshake');
    expect(server.writable).toBe(true);
  });
});

describe('0-RTT data, RFC 9846 §4.3.10', () => {
  test('stops at the limit of its key, §5.5', () => {
    const { session } = resumable();
    const suites = provider.suites.map((suite) => ({ ...suite, aead: { ...suite.aead, recordLimit: 3 } }));
    const { client } = speak({ provider: { ...provider, suites }, takeSession: () => session, earlyData: true });
    for (let i = 0; i < 10; i++)
      if (client.earlyRoom !== undefined && client.earlyRoom > 0) client.writeEarly(bytes(1));
    const records = recordsOf(Buffer.concat(client.takeOutput()));
    expect(records.filter(({ type }) => type === ContentType.application_data)).toHaveLength(3);
  });

  test.each([undefined, [NamedGroup.secp256r1]])(
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

  test('0-RTT data is taken with the first PSK alone', () => {
    const key = bytes(32);
    const psk = (name: string): Offered => ({ kind: 'resumption', identity: Buffer.from(name), age: 1, key });
    const state = (): SessionState => ({
      ...resumable().session,
      psk: new Secret('psk', key.slice()),
      ticketAgeAdd: 0,
      serverName: 'localhost',
    });
    const tickets = {
      seal: () => undefined,
      open: (ticket: Uint8Array) => (Buffer.from(ticket).toString() === 'good' ? state() : undefined),
    };
    const earlyData = { maxSize: 1000, replay: { admit: () => true } };
    const early = writeExtensions('CH', { early_data: true });
    for (const [names, index] of [
      [['good', 'bad'], 0],
      [['bad', 'good'], 1],
    ] as const) {
      const { hello } = speak({ suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256] });
      const message = withPsks({ ...hello, extensions: [...hello.extensions, ...early] }, names.map(psk));
      const { output, events } = answerTo(message, { tickets, earlyData, keylog: true });
      const { extensions } = bodyOf(plainMessages(output), HandshakeType.server_hello);
      expect(readExtensions('SH', extensions).pre_shared_key).toBe(index);
      const labels = events.map((event) => (event.type === 'secret' ? event.label : ''));
      expect(labels.includes('CLIENT_EARLY_TRAFFIC_SECRET')).toBe(index === 0);
    }
  });

  test('0-RTT data is not accepted with any PSK but the first', () => {
    const { session } = resumable();
    const psk = externalPsk();
    const client = { takeSession: () => session, externalPsks: [psk], earlyData: true };
    const early = [{ type: ExtensionType.early_data, data: new Uint8Array(0) }];
    const findPsk: ServerConfig['findPsk'] = (identity) => (toHex(identity) === toHex(psk.identity) ? psk : undefined);
    const ends = shuttle(
      newPair(client, { suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256], findPsk, encryptedExtensions: early }),
    );
    expect(errorOf(ends.clientEvents)).toEqual({ code: 'ERR_TLS_EARLY_DATA', alert: 'illegal_parameter' });
  });
});
