import { describe, expect, test } from 'vitest';
import { toHex } from '#opentls/bytes/hex';
import { readAlert } from '#opentls/connection/alert';
import { AlertDescription, isAlertReceived, TlsError } from '#opentls/errors';
import { ContentType } from '#opentls/wire/enums';
import { encodeHello, speak } from '../kit/hellos.ts';
import { credential, errorOf, feed, newClient, newServer, settle, trustAnything } from '../kit/pair.ts';
import { Peer } from '../kit/peer.ts';
import { provider } from '../kit/provider.ts';
import { randomBytes } from '../kit/random.ts';
import { record } from '../record/records.ts';

const bytes = randomBytes(9846);

test('an alert of the peer is told from an error about one', () => {
  const wrong: string[] = [];
  for (const level of [0, 1, 2, 3, 255]) {
    for (let description = 0; description < 256; description++) {
      // RFC 9846 §6: the description decides; a level that is none is illegal_parameter, which is answered.
      const known = level === 1 || level === 2;
      const what = outcome(Uint8Array.of(level, description));
      const harmless =
        known && (description === AlertDescription.close_notify || description === AlertDescription.user_canceled);
      const right = what instanceof TlsError ? !harmless && isAlertReceived(what) === known : harmless;
      if (!right) wrong.push(`${level}, ${description}`);
    }
  }
  expect(wrong).toEqual([]);
});

function outcome(bytes: Uint8Array): unknown {
  try {
    return readAlert(bytes);
  } catch (error) {
    return error;
  }
}

describe('alerts, RFC 9846 §6', () => {
  const openPeer = () => {
    const peer = new Peer('server', { provider, verifyChain: trustAnything, credentials: [credential] });
    const client = newClient();
    peer.play(client, 5);
    client.takeOutput();
    return { peer, client };
  };

  test.each([
    ['an error of level warning', [1, AlertDescription.handshake_failure], 'ERR_TLS_ALERT_HANDSHAKE_FAILURE'],
    ['an error of level fatal', [2, AlertDescription.handshake_failure], 'ERR_TLS_ALERT_HANDSHAKE_FAILURE'],
    ['an unknown alert of level warning', [1, 200], 'ERR_TLS_UNKNOWN_ALERT'],
  ])('%s ends the connection: no data goes in or out', (_, alert, code) => {
    const { peer, client } = openPeer();
    peer.say(client, ContentType.alert, new Uint8Array(alert));
    expect(errorOf(peer.events)?.code).toBe(code);
    const known = peer.events.length;
    peer.say(client, ContentType.application_data, bytes(3));
    expect(peer.events).toHaveLength(known);
    expect(client.takeOutput()).toEqual([]);
    expect(client.phase).toBe('failed');
    expect(() => client.exportKey('x', undefined, 1)).toThrow();
    for (const use of [() => client.write([bytes(1)]), () => client.updateKeys(), () => client.closeWrite()]) {
      try {
        use();
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_TLS_INVALID_STATE' });
      }
      expect(client.takeOutput()).toEqual([]);
    }
  });

  test('an error of our own goes out once, as fatal, and is the end', () => {
    const server = newServer();
    const events = settle(server);
    feed(server, record(ContentType.handshake, new Uint8Array([1, 0, 0, 1, 0])), events);
    expect(toHex(Buffer.concat(server.takeOutput()))).toBe('15030300020232');
    feed(server, record(ContentType.handshake, encodeHello(speak().hello)), events);
    expect(server.takeOutput()).toEqual([]);
    expect(events.map(({ type }) => type)).toEqual(['error']);
    expect(() => server.write([bytes(1)])).toThrow(expect.objectContaining({ code: 'ERR_TLS_INVALID_STATE' }));
    expect(() => server.exportKey('x', undefined, 1)).toThrow(
      expect.objectContaining({ code: 'ERR_TLS_INVALID_STATE' }),
    );
  });

  test('closure goes out as a warning, close_notify after user_canceled', () => {
    const { client } = speak();
    client.closeWrite();
    expect(toHex(Buffer.concat(client.takeOutput()))).toBe(`${'1503030002015a'}${'15030300020100'}`);
  });
});
