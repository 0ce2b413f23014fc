import { describe, expect, test } from 'vitest';
import type { Connection } from '#opentls/connection/connection';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import { TicketKeys } from '#opentls/session/tickets';
import { ContentType, HandshakeType, NamedGroup } from '#opentls/wire/enums';
import type { Extension } from '#opentls/wire/extensions';
import { encodeMessage } from '#opentls/wire/messages';
import { extensionsOf, offered, rawExtension, watch } from '../../kit/flight.ts';
import {
  credential,
  dataOf,
  type Ends,
  errorOf,
  newClient,
  newPair,
  newServer,
  openPair,
  other,
  type Side,
  settle,
  shuttle,
  sides,
  trustAnything,
} from '../../kit/pair.ts';
import { Peer } from '../../kit/peer.ts';
import { provider } from '../../kit/provider.ts';
import { randomBytes } from '../../kit/random.ts';
import { recordsOf } from '../../record/records.ts';

const bytes = randomBytes(8449);
const MOST = 0x4001;
const TAG = 16;

const limitOf = (limit: number): Extension => rawExtension('record_size_limit', limit >> 8, limit & 255);

/** Puts an extension into a ClientHello in place of the one of its type. */
function saying(extension: Extension): ClientConfig['shapeClientHello'] {
  return (hello) => ({
    ...hello,
    extensions: [...hello.extensions.filter(({ type }) => type !== extension.type), extension],
  });
}

/** The lengths of TLSInnerPlaintext of all that goes each way: a whole connection with data both ways. */
function plaintexts(client: Partial<ClientConfig>, server: Partial<ServerConfig>, length = 5000) {
  const output = { client: [] as Uint8Array[], server: [] as Uint8Array[] };
  const keep = (from: Side, slab: Uint8Array): Uint8Array[] => {
    output[from].push(slab);
    return [slab];
  };
  const ends = shuttle(newPair(client, { tickets: new TicketKeys(provider), ...server }), keep);
  expect(errorOf([...ends.clientEvents, ...ends.serverEvents])).toBeUndefined();
  for (const updated of [false, true]) {
    for (const side of sides) {
      const data = bytes(length);
      const events = ends[`${other[side]}Events`];
      events.length = 0;
      if (updated) ends[side].updateKeys();
      ends[side].write([data]);
      shuttle(ends, keep);
      expect(Buffer.from(dataOf(events)).equals(data)).toBe(true);
    }
  }
  const lengths = (side: Side): number[] =>
    recordsOf(Buffer.concat(output[side])).flatMap(({ type, body }) =>
      type === ContentType.application_data ? [body.length - TAG] : [],
    );
  return { ...ends, client: lengths('client'), server: lengths('server') };
}

describe('record_size_limit, RFC 8449', () => {
  test('is sent by a client that has one, and answered with our own', () => {
    expect(offered({})).not.toHaveProperty('record_size_limit');
    expect(offered({ recordSizeLimit: 64 }).record_size_limit).toBe(64);
    const answer = (client: Partial<ClientConfig>, server: Partial<ServerConfig>) =>
      extensionsOf('EE', watch(client, server).fromServer)?.record_size_limit;
    expect(answer({ recordSizeLimit: 64 }, {})).toBe(MOST);
    expect(answer({ recordSizeLimit: MOST }, { recordSizeLimit: 1000 })).toBe(1000);
    expect(answer({}, { recordSizeLimit: 1000 })).toBeUndefined();
  });

  test.each([
    [64, 64],
    [64, MOST],
    [MOST, 64],
    [512, 1000],
    [4097, 513],
  ])('a client of %i, a server of %i: each sends what the other takes, no record more', (client, server) => {
    const sent = plaintexts({ recordSizeLimit: client }, { recordSizeLimit: server });
    expect(Math.max(...sent.client)).toBe(Math.min(server, 5001));
    expect(Math.max(...sent.server)).toBe(Math.min(client, 5001));
  });

  test.each([64, 100, 1000])('padding counts: %i', (recordSizeLimit) => {
    const padding = () => 20_000;
    const sent = plaintexts({ recordSizeLimit, padding }, { recordSizeLimit, padding });
    for (const side of sides) expect(new Set(sent[side])).toEqual(new Set([recordSizeLimit]));
  });

  test('a smaller fragment of our own stays', () => {
    const sent = plaintexts({ recordSizeLimit: 1000, maxFragment: 64 }, { recordSizeLimit: 1000 });
    expect(Math.max(...sent.client)).toBe(65);
    expect(Math.max(...sent.server)).toBe(1000);
  });

  test('what is sent before keys is not limited', () => {
    const ends = openPair({ recordSizeLimit: 64, alpn: [bytes(200)] }, { recordSizeLimit: 64 });
    expect(ends.server.phase).toBe('open');
  });

  test('more than there can be is no reason to send more, nor to refuse (§4)', () => {
    const sent = plaintexts({ recordSizeLimit: MOST, shapeClientHello: saying(limitOf(0xffff)) }, {}, 40_000);
    expect(Math.max(...sent.server)).toBe(MOST);
    expect(Math.max(...sent.client)).toBe(MOST);
  });

  test('is of the connection, not of the session', () => {
    const server = { tickets: new TicketKeys(provider) };
    const { clientEvents } = shuttle(newPair({ recordSizeLimit: 64 }, server));
    const event = clientEvents.find(({ type }) => type === 'session');
    const takeSession = () => (event?.type === 'session' ? event.session : undefined);
    const ends = newPair({ takeSession }, server);
    shuttle(ends);
    expect(ends.client.facts?.resumed).toBe(true);
    ends.server.takeOutput();
    ends.server.write([bytes(1000)]);
    expect(recordsOf(Buffer.concat(ends.server.takeOutput()))).toHaveLength(1);
  });
});

describe('a value that is not allowed', () => {
  test.each([0, 1, 63])('%i from a client is illegal_parameter', (limit) => {
    const { serverEvents } = shuttle(newPair({ shapeClientHello: saying(limitOf(limit)) }));
    expect(errorOf(serverEvents)).toMatchObject({ alert: 'illegal_parameter' });
  });

  test.each([0, 63, 0x4002, 0xffff])('%i from a server is illegal_parameter', (limit) => {
    const ends = shuttle(newPair({ recordSizeLimit: 1000 }, { encryptedExtensions: [limitOf(limit)] }));
    expect(errorOf(ends.clientEvents)).toMatchObject({ alert: 'illegal_parameter' });
  });

  test.each([[[]], [[64]], [[0, 64, 0]]])('%j is decode_error', (data) => {
    const extension = rawExtension('record_size_limit', ...data);
    const { serverEvents } = shuttle(newPair({ shapeClientHello: saying(extension) }));
    expect(errorOf(serverEvents)).toMatchObject({ alert: 'decode_error' });
    const { clientEvents } = shuttle(newPair({ recordSizeLimit: 1000 }, { encryptedExtensions: [extension] }));
    expect(errorOf(clientEvents)).toMatchObject({ alert: 'decode_error' });
  });
});

test.each([0, 1, 63, 16_386, 70_000, 64.5, -64, Number.NaN])('%d is no limit to be configured', (recordSizeLimit) => {
  const misuse = expect.objectContaining({ code: 'ERR_TLS_CONFIG' });
  expect(() => newClient({ recordSizeLimit })).toThrow(misuse);
  expect(() => newServer({ recordSizeLimit })).toThrow(misuse);
});

describe('0-RTT data is sent before the client can know of a limit', () => {
  test.each<[string, Partial<ClientConfig>, Partial<ServerConfig>, number]>([
    ['a record_size_limit of 100', { recordSizeLimit: MOST }, { recordSizeLimit: 100 }, 100],
    ['a max_fragment_length of 512', { maxFragmentLength: 512 }, {}, 512],
  ])('%s does not count for it, but from then on', (_, client, limited, most) => {
    const earlyData = { maxSize: 20_000, replay: { admit: () => true } };
    const server = { tickets: new TicketKeys(provider), earlyData, ...limited };
    const event = shuttle(newPair(client, server)).clientEvents.find(({ type }) => type === 'session');
    const takeSession = () => (event?.type === 'session' ? event.session : undefined);
    const ends = newPair({ ...client, takeSession, earlyData: true }, server);
    settle(ends.client, ends.clientEvents);
    const data = bytes(16_384);
    expect(ends.client.writeEarly(data)).toBe(data.length);
    const sent: Uint8Array[] = [];
    shuttle(ends, (from, slab) => {
      if (from === 'client') sent.push(slab);
      return [slab];
    });
    expect(ends.server.facts?.earlyData).toBe('accepted');
    expect(Buffer.from(dataOf(ends.serverEvents)).equals(data)).toBe(true);
    ends.client.write([data]);
    const later = recordsOf(Buffer.concat(ends.client.takeOutput())).map(({ body }) => body.length - TAG);
    const before = recordsOf(Buffer.concat(sent)).map(({ body }) => body.length - TAG);
    expect([Math.max(...before), Math.max(...later)]).toEqual([data.length + 1, most]);
  });
});

describe('a record over our limit is record_overflow', () => {
  const recordSizeLimit = 1000;

  /** A pair in which `side` has a limit that the other was told nothing of. */
  function deceived(side: Side, padding: ServerConfig['padding']): Ends {
    const unlimited = limitOf(MOST);
    return side === 'client'
      ? openPair({ recordSizeLimit, shapeClientHello: saying(unlimited) }, { padding })
      : openPair({ recordSizeLimit: MOST, padding }, { recordSizeLimit, encryptedExtensions: [unlimited] });
  }

  test.each(
    sides.flatMap((side) => [
      [side, 999, 0, false, false] as const,
      [side, 1000, 0, true, false] as const,
      [side, 1, 998, false, false] as const,
      [side, 1, 999, true, false] as const,
      [side, 500, 500, true, false] as const,
      [side, 999, 0, false, true] as const,
      [side, 1000, 0, true, true] as const,
    ]),
  )('%s: %i bytes and %i of padding: %s, after a KeyUpdate %s', (side, length, padded, over, updated) => {
    const ends = deceived(side, (type) => (type === ContentType.application_data ? padded : 0));
    const sender: Connection = ends[other[side]];
    if (updated) sender.updateKeys();
    sender.write([bytes(length)]);
    shuttle(ends);
    const refusal = errorOf(ends[`${side}Events`]);
    expect(refusal?.alert).toBe(over ? 'record_overflow' : undefined);
    expect(dataOf(ends[`${side}Events`])).toHaveLength(over ? 0 : length);
  });

  test('also in the handshake', () => {
    const peer = new Peer('server', {
      provider,
      groups: [NamedGroup.x25519],
      credentials: [credential],
      verifyChain: trustAnything,
    });
    const client = newClient({ groups: [NamedGroup.x25519], recordSizeLimit: 64 });
    // The Certificate takes one record of this peer.
    peer.play(client, 3);
    expect(errorOf(peer.events)).toMatchObject({ alert: 'record_overflow' });
  });
});

describe('max_fragment_length, RFC 6066 §4', () => {
  test.each([
    [512, 1],
    [1024, 2],
    [2048, 3],
    [4096, 4],
  ] as const)('%i is code %i, for both directions', (maxFragmentLength, code) => {
    expect(offered({ maxFragmentLength }).max_fragment_length).toBe(code);
    const { fromServer } = watch({ maxFragmentLength });
    expect(extensionsOf('EE', fromServer)).toMatchObject({ max_fragment_length: code });
    const sent = plaintexts({ maxFragmentLength }, {});
    for (const side of sides) {
      // RFC 9846 §5.4: the content type counts.
      expect(Math.max(...sent[side])).toBe(maxFragmentLength);
    }
  });

  test('padding counts, too', () => {
    const padding = () => 20_000;
    const sent = plaintexts({ maxFragmentLength: 512, padding }, { padding });
    for (const side of sides) expect(new Set(sent[side])).toEqual(new Set([512]));
  });

  test.each([0, 5, 255])('code %i from a client is illegal_parameter', (code) => {
    const shapeClientHello = saying(rawExtension('max_fragment_length', code));
    expect(errorOf(shuttle(newPair({ shapeClientHello })).serverEvents)).toMatchObject({ alert: 'illegal_parameter' });
  });

  test.each([0, 2, 5])('code %i from a server, where 1 was asked for, is illegal_parameter', (code) => {
    const encryptedExtensions = [rawExtension('max_fragment_length', code)];
    const { clientEvents } = shuttle(newPair({ maxFragmentLength: 512 }, { encryptedExtensions }));
    expect(errorOf(clientEvents)).toMatchObject({ alert: 'illegal_parameter' });
  });

  test.each(sides)('a longer fragment is record_overflow: %s', (side) => {
    // Each believes in what it was told: 512 by this side, 4096 by the other.
    const [short, long] = [rawExtension('max_fragment_length', 1), rawExtension('max_fragment_length', 4)];
    const ends =
      side === 'client'
        ? openPair({ maxFragmentLength: 512, shapeClientHello: saying(long) }, { encryptedExtensions: [short] })
        : openPair({ maxFragmentLength: 4096, shapeClientHello: saying(short) }, { encryptedExtensions: [long] });
    const events = ends[`${side}Events`];
    ends[other[side]].write([bytes(511)]);
    shuttle(ends);
    expect(dataOf(events)).toHaveLength(511);
    ends[other[side]].write([bytes(513)]);
    shuttle(ends);
    expect(errorOf(events)).toMatchObject({ alert: 'record_overflow' });
  });

  test('counts for nothing where the server does not answer', () => {
    const peer = new Peer('server', {
      provider,
      groups: [NamedGroup.x25519],
      credentials: [credential],
      verifyChain: trustAnything,
    });
    const client = newClient({ groups: [NamedGroup.x25519], maxFragmentLength: 512 });
    peer.play(client, 1);
    expect(peer.inject(client, encodeMessage(HandshakeType.encrypted_extensions, { extensions: [] }))).toBeUndefined();
    const large = { certData: new Uint8Array(1000), extensions: [] };
    const certificate = encodeMessage(HandshakeType.certificate, {
      certificateRequestContext: new Uint8Array(0),
      certificateList: [large],
    });
    expect(peer.inject(client, certificate)?.alert).not.toBe('record_overflow');
  });
});

describe('both of them, RFC 8449 §5', () => {
  test('the server ignores max_fragment_length', () => {
    const client = { maxFragmentLength: 512, recordSizeLimit: 1000 } as const;
    const extensions = extensionsOf('EE', watch(client, { recordSizeLimit: 800 }).fromServer);
    expect(extensions).toMatchObject({ record_size_limit: 800 });
    expect(extensions).not.toHaveProperty('max_fragment_length');
    const sent = plaintexts(client, { recordSizeLimit: 800 });
    expect([Math.max(...sent.client), Math.max(...sent.server)]).toEqual([800, 1000]);
  });

  test('even where that is not a defined one', () => {
    const shapeClientHello = saying(rawExtension('max_fragment_length', 9));
    expect(openPair({ recordSizeLimit: 1000, shapeClientHello }).server.phase).toBe('open');
  });

  test('a client refuses to be answered both', () => {
    const client = { maxFragmentLength: 512, recordSizeLimit: 1000 } as const;
    const encryptedExtensions = [rawExtension('max_fragment_length', 1)];
    const { clientEvents } = shuttle(newPair(client, { encryptedExtensions }));
    expect(errorOf(clientEvents)).toMatchObject({ alert: 'illegal_parameter' });
  });

  test.each([
    ['record_size_limit', limitOf(1000), { maxFragmentLength: 512 }],
    ['max_fragment_length', rawExtension('max_fragment_length', 1), { recordSizeLimit: 1000 }],
  ] as const)('%s, unsolicited, is unsupported_extension', (_, extension, config) => {
    const peer = new Peer('server', {
      provider,
      groups: [NamedGroup.x25519],
      credentials: [credential],
      verifyChain: trustAnything,
    });
    const client = newClient({ groups: [NamedGroup.x25519], ...config });
    peer.play(client, 1);
    const raw = encodeMessage(HandshakeType.encrypted_extensions, { extensions: [extension] });
    expect(peer.inject(client, raw)).toMatchObject({ alert: 'unsupported_extension' });
  });
});
