import { describe, expect, test } from 'vitest';
import type { Connection } from '#opentls/connection/connection';
import { AlertDescription } from '#opentls/errors';
import { ContentType } from '#opentls/wire/enums';
import { credential, errorOf, newClient, newServer, type Side, settle, trustAnything } from '../kit/pair.ts';
import { Peer } from '../kit/peer.ts';
import { provider } from '../kit/provider.ts';
import { record } from '../record/records.ts';

// RFC 9846 §5: "If a TLS implementation receives an unexpected record type, it MUST terminate the connection with an
// unexpected_message alert". Where records are protected there is one outer type (§5.2), but for the change_cipher_spec
// of §5, which is dropped, and for the alert of a client that has no keys to protect it with (§6: "encrypted as
// specified by the current connection state").

const config = { provider, verifyChain: trustAnything, credentials: [credential] };
/** How many messages an honest peer says until the handshake is over. */
const messages: Readonly<Record<Side, number>> = { client: 5, server: 2 };

/** One side of a connection, after so many messages of the other. */
function reach(side: Side, count: number) {
  const peer = new Peer(side === 'client' ? 'server' : 'client', config);
  const engine = side === 'client' ? newClient() : newServer();
  settle(engine);
  peer.play(engine, count);
  expect(errorOf(peer.events)).toBeUndefined();
  engine.takeOutput();
  return { peer, engine };
}

function hear(engine: Connection, bytes: Uint8Array): ReturnType<typeof errorOf> {
  engine.receive(bytes);
  return errorOf(settle(engine));
}

const stops = (Object.keys(messages) as Side[]).flatMap((side) =>
  Array.from({ length: messages[side] }, (_, i) => [side, i + 1] as const),
);
const handshakeFailure = Uint8Array.of(2, AlertDescription.handshake_failure);
const finished = Uint8Array.of(20, 0, 0, 32, ...new Uint8Array(32));

describe.each(stops)('a %s that has keys, after %i messages of its peer', (side, count) => {
  test.each<readonly [string, number, Uint8Array]>([
    ['a whole message', ContentType.handshake, finished],
    ['a part of a message', ContentType.handshake, finished.subarray(0, 3)],
    ['a record as long as a protected one', ContentType.handshake, new Uint8Array(1000)],
    ['of a type that TLS does not have', 24, new Uint8Array(40)],
  ])('refuses it in the clear as unexpected: %s', (_, type, body) => {
    const { engine } = reach(side, count);
    expect(hear(engine, record(type, body))?.alert).toBe('unexpected_message');
    expect(engine.phase).toBe('failed');
  });

  test('takes an alert in the clear only as the first record of a client', () => {
    const error = hear(reach(side, count).engine, record(ContentType.alert, handshakeFailure));
    if (side === 'server' && count === 1) expect(error?.code).toBe('ERR_TLS_ALERT_HANDSHAKE_FAILURE');
    else expect(error?.alert).toBe('unexpected_message');
  });

  test('opens it where it says that it is protected', () => {
    const { engine } = reach(side, count);
    expect(hear(engine, record(ContentType.application_data, new Uint8Array(40)))?.alert).toBe('bad_record_mac');
  });

  test('drops change_cipher_spec until the handshake is over', () => {
    const error = hear(reach(side, count).engine, record(ContentType.change_cipher_spec, Uint8Array.of(1)));
    expect(error?.alert).toBe(count === messages[side] ? 'unexpected_message' : undefined);
  });
});
