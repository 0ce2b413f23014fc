// What a peer sends after the handshake costs more than its bytes: application data has to pay for it, and what is owed
// to a peer that takes nothing is not gathered.
import { describe, expect, test } from 'vitest';
import type { Connection, Event } from '#opentls/connection/connection';
import { defaultLimits } from '#opentls/limits';
import { ContentType, HandshakeType } from '#opentls/wire/enums';
import { encodeMessage } from '#opentls/wire/messages';
import { Forger, meet } from '../kit/forger.ts';
import { credential, errorOf, feed, newClient, newServer } from '../kit/pair.ts';
import { recordsOf } from '../record/records.ts';

const { postHandshakeMessages: free, postHandshakeBytes: price } = defaultLimits;

interface Scene {
  readonly forger: Forger;
  readonly engine: Connection;
  readonly events: Event[];
  /** Sends another message of the kind, and drops the answer of the connection. */
  say(): void;
  data(length: number): void;
}

function scene(role: 'client' | 'server', message: (forger: Forger, index: number) => Uint8Array): Scene {
  const forger = new Forger(role === 'client' ? 'server' : 'client');
  const engine = role === 'client' ? newClient({ postHandshakeAuth: true, credentials: [credential] }) : newServer();
  const events: Event[] = [];
  meet(forger, engine, events);
  let index = 0;
  const hear = (bytes: Uint8Array): void => {
    feed(engine, bytes, events);
    engine.takeOutput();
  };
  return {
    forger,
    engine,
    events,
    say: () => hear(message(forger, index++)),
    data: (length) => hear(forger.data(length)),
  };
}

function ticket(forger: Forger, index: number): Uint8Array {
  const body = {
    ticketLifetime: 7200,
    ticketAgeAdd: 1,
    ticketNonce: new Uint8Array([index >> 8, index]),
    ticket: new Uint8Array([index >> 8, index]),
    extensions: [],
  };
  return forger.say(ContentType.handshake, encodeMessage(HandshakeType.new_session_ticket, body));
}

const certificateRequest = (forger: Forger, index: number): Uint8Array => forger.certificateRequest(index);
const keyUpdate = (forger: Forger): Uint8Array => forger.keyUpdate();

const kinds = [
  ['KeyUpdate to a server', 'server', keyUpdate, 'ERR_TLS_TOO_MANY_KEY_UPDATES'],
  ['KeyUpdate to a client', 'client', keyUpdate, 'ERR_TLS_TOO_MANY_KEY_UPDATES'],
  ['CertificateRequest', 'client', certificateRequest, 'ERR_TLS_TOO_MANY_MESSAGES'],
  ['NewSessionTicket', 'client', ticket, 'ERR_TLS_TOO_MANY_MESSAGES'],
] as const;

describe.each(kinds)('%s', (_, role, message, code) => {
  test('a byte of data does not pay for another one', () => {
    const { say, data, events } = scene(role, message);
    for (let i = 0; i < free; i++) {
      say();
      data(1);
    }
    expect(errorOf(events)).toBeUndefined();
    say();
    expect(errorOf(events)).toEqual({ code, alert: 'unexpected_message' });
  });

  test(`${price} bytes do, and no more than were owed`, () => {
    const { say, data, events } = scene(role, message);
    data(100 * price);
    for (let i = 0; i < free; i++) say();
    for (let i = 0; i < 100; i++) {
      data(price);
      say();
    }
    expect(errorOf(events)).toBeUndefined();
    data(price - 1);
    say();
    expect(errorOf(events)).toEqual({ code, alert: 'unexpected_message' });
  });
});

describe('honest peers', () => {
  test('an answer to our own request is no flood', () => {
    const { engine, events, say } = scene('server', keyUpdate);
    for (let i = 0; i < 4 * free; i++) {
      engine.updateKeys(true);
      engine.takeOutput();
      say();
    }
    expect(errorOf(events)).toBeUndefined();
  });

  test('what is said to the peer pays, too: it downloads, and asks for new keys', () => {
    const { engine, events, say } = scene('server', (from) => from.keyUpdate());
    for (let i = 0; i < 4 * free; i++) {
      engine.write([new Uint8Array(price)]);
      engine.takeOutput();
      say();
    }
    expect(errorOf(events)).toBeUndefined();
  });
});

describe('tickets', () => {
  test('that the owner has a use for are no flood, however many come in a row', () => {
    const { forger, engine, events } = scene('client', ticket);
    for (let i = 0; i < 10 * free; i++) {
      engine.receive(ticket(forger, i));
      for (let event = engine.poll(); event !== undefined; event = engine.poll()) {
        events.push(event);
        if (event.type === 'session') engine.sessionTaken();
      }
    }
    expect(errorOf(events)).toBeUndefined();
    expect(events.filter(({ type }) => type === 'session')).toHaveLength(10 * free);
  });
});

describe('a KeyUpdate that is owed', () => {
  test('is not added to output that was not sent, and is paid once it was', () => {
    const forger = new Forger('client');
    const engine = newServer();
    const events: Event[] = [];
    meet(forger, engine, events);
    for (let i = 0; i < 100; i++) {
      feed(engine, Buffer.concat([forger.keyUpdate(), forger.data(price)]), events);
      expect(engine.takeOutput(true)).toEqual([]);
    }
    expect(engine.outputLength).toBe(0);
    // One for all of them (RFC 9846 §4.7.3).
    const paid = recordsOf(Buffer.concat(engine.takeOutput()));
    expect(paid.map(({ body }) => body.length)).toEqual([5 + 1 + 16]);
    expect(errorOf(events)).toBeUndefined();
  });

  test('goes before application data all the same (RFC 9846 §4.7.3)', () => {
    const forger = new Forger('client');
    const engine = newServer();
    const events: Event[] = [];
    meet(forger, engine, events);
    feed(engine, forger.keyUpdate(), events);
    engine.takeOutput(true);
    engine.write([new Uint8Array(3)]);
    const sent = recordsOf(Buffer.concat(engine.takeOutput(true)));
    expect(sent.map(({ body }) => body.length)).toEqual([5 + 1 + 16, 3 + 1 + 16]);
  });
});
