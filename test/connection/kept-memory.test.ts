// What is handed out, and what is kept of a peer, holds about as much memory as it is long: a small view would keep the
// whole message or record alive that it is a part of, and whoever counts bytes would count too few.
import { describe, expect, test } from 'vitest';
import type { Event } from '#opentls/connection/connection';
import { Secret } from '#opentls/crypto/secret';
import type { ChainVerdict, ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import { decodeSession, decodeState, encodeSession, encodeState, type Session } from '#opentls/session/session';
import { StoredTickets, TicketKeys } from '#opentls/session/tickets';
import { ExtensionType, SignatureScheme } from '#opentls/wire/enums';
import { writeExtensions } from '#opentls/wire/extensions';
import type { ClientHello } from '#opentls/wire/messages';
import { dangerouslyTrust } from '#opentls/x509/verify/verify';
import { credential, dataOf, errorOf, newPair, openPair, settle, shuttle } from '../kit/pair.ts';
import { provider } from '../kit/provider.ts';

const h2 = new Uint8Array([0x68, 0x32]);
const junk = new Uint8Array(50_000);

/** All arrays of bytes within a value, by their paths. */
function arraysIn(value: unknown, path = ''): [string, Uint8Array][] {
  if (value instanceof Uint8Array) return [[path, value]];
  if (typeof value !== 'object' || value === null) return [];
  const raw = Reflect.get(value, 'raw');
  // The fields of a certificate are views of its bytes, as long as it is kept.
  const entries = Object.entries(raw instanceof Uint8Array ? { raw } : value);
  return entries.flatMap(([key, part]) => arraysIn(part, `${path}.${key}`));
}

/** Those whose memory is more than twice what they show. */
function largeBehindSmall(value: unknown): string[] {
  return arraysIn(value)
    .filter(([, { buffer, length }]) => buffer.byteLength > 2 * length + 64)
    .map(([path, { buffer, length }]) => `${path}: ${length} of ${buffer.byteLength} bytes`);
}

/** How much there is, numbers in lists included. */
function sizeOf(value: unknown): number {
  if (value instanceof Uint8Array) return value.length;
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  return Object.values(value).reduce<number>((sum, part) => sum + sizeOf(part), 0);
}

const padded = (draft: ClientHello): ClientHello => ({
  ...draft,
  // pre_shared_key stays last.
  extensions: [{ type: ExtensionType.padding, data: junk }, ...draft.extensions],
});

/** All that the peers may say, in messages as long as they may be. */
const chatty: readonly [string, Partial<ClientConfig>, Partial<ServerConfig>][] = [
  ['a padded hello', { alpn: [h2], shapeClientHello: padded }, { chooseProtocol: ({ alpn }) => alpn[0] }],
  [
    'an external PSK',
    {
      externalPsks: [{ identity: h2, secret: new Secret('psk', new Uint8Array(32).fill(1)), hash: 'sha256' }],
      shapeClientHello: padded,
    },
    { findPsk: (identity) => ({ identity, secret: new Secret('psk', new Uint8Array(32).fill(1)), hash: 'sha256' }) },
  ],
  [
    'long EncryptedExtensions',
    {
      alpn: [h2],
      shapeClientHello: (draft) => ({
        ...draft,
        extensions: [{ type: 0x4000, data: new Uint8Array(0) }, ...draft.extensions],
      }),
    },
    { alpn: [h2], encryptedExtensions: [{ type: 0x4000, data: junk }] },
  ],
  [
    'a long Certificate of the server',
    { requestOcsp: true, requestTimestamps: true },
    {
      credentials: [
        {
          ...credential,
          chain: [...credential.chain, junk],
          ocspResponse: new Uint8Array([1, 2, 3]),
          timestamps: sct(),
        },
      ],
      tickets: new TicketKeys(provider),
    },
  ],
  [
    'a long Certificate of the client',
    { credentials: [{ ...credential, chain: [...credential.chain, junk] }] },
    { clientCertificate: 'required' },
  ],
];

/** The leaf alone: what comes behind it is no certificate. */
function trust(chain: readonly Uint8Array[]): ChainVerdict {
  return { ok: true, peer: dangerouslyTrust(chain) };
}

function sct(): Uint8Array {
  return new Uint8Array([0, 5, 0, 3, 1, 2, 3]);
}

describe('facts and sessions', () => {
  test.each(chatty)('after %s', (_, client, server) => {
    const trusting = ({ chain: [leaf = h2] }: { readonly chain: readonly Uint8Array[] }) => trust([leaf]);
    const ends = shuttle(newPair({ ...client, verifyChain: trusting }, { ...server, verifyChain: trusting }));
    expect(errorOf(ends.clientEvents) ?? errorOf(ends.serverEvents)).toBeUndefined();
    expect(ends.server.phase).toBe('open');
    const kept = [ends.client.facts, ends.server.facts, sessionsOf(ends.clientEvents)];
    expect(arraysIn(kept).length).toBeGreaterThan(3);
    expect(largeBehindSmall(kept)).toEqual([]);
  });

  test('after an authentication that was asked for later', () => {
    const chain = [...credential.chain, junk];
    const verifyChain: ServerConfig['verifyChain'] = ({ chain: [leaf = h2] }) => trust([leaf]);
    const ends = openPair({ postHandshakeAuth: true, credentials: [{ ...credential, chain }] }, { verifyChain });
    ends.server.requestCertificate();
    shuttle(ends);
    expect(ends.server.facts?.peerChain).toHaveLength(2);
    expect(largeBehindSmall(ends.server.facts)).toEqual([]);
  });

  test('a hello full of schemes is not kept', () => {
    const ids = Array.from({ length: 30_000 }, (_, i) => 0x4000 + i);
    const shapeClientHello = (draft: ClientHello): ClientHello => ({
      ...draft,
      extensions: draft.extensions.map((extension) =>
        extension.type === ExtensionType.signature_algorithms
          ? (writeExtensions('CH', { signature_algorithms: [SignatureScheme.ecdsa_secp256r1_sha256, ...ids] })[0] ??
            extension)
          : extension,
      ),
    });
    const { server } = openPair({ shapeClientHello });
    expect(server.facts?.peerSignatureSchemes).toContain(SignatureScheme.ecdsa_secp256r1_sha256);
    expect(sizeOf(server.facts)).toBeLessThan(4096);
  });

  test('a session that was read from part of something larger, whatever becomes of that', () => {
    const ends = shuttle(newPair({ alpn: [h2] }, { alpn: [h2], tickets: new TicketKeys(provider) }));
    const [session] = sessionsOf(ends.clientEvents);
    if (session === undefined) return expect.fail('no ticket came');
    for (const [encoded, decode] of [
      [encodeSession(session), decodeSession],
      [encodeState(session), decodeState],
    ] as const) {
      expect(largeBehindSmall(encoded)).toEqual([]);
      // As a file of many sessions gives it.
      const file = Buffer.alloc(100_000);
      file.set(encoded, 500);
      const part = file.subarray(500, 500 + encoded.length);
      const decoded = decode(part);
      expect(largeBehindSmall(decoded)).toEqual([]);
      decoded?.psk.wipe();
      expect(part.equals(encoded)).toBe(true);
      file.fill(0);
      expect(decoded?.alpn).toEqual(h2);
    }
  });

  test('what a server puts into a store', async () => {
    const stored: Uint8Array[] = [];
    const store = { put: (id: Uint8Array, state: Uint8Array) => void stored.push(id, state), take: () => undefined };
    shuttle(newPair({}, { tickets: new StoredTickets(store, provider) }));
    expect(stored).toHaveLength(4);
    expect(largeBehindSmall(stored)).toEqual([]);
  });
});

describe('content of padded records', () => {
  test.each([0, 1, 100, 4000, 8191, 8192, 16_000])('%i bytes, padded to the full', (length) => {
    const { client, server } = openPair({ padding: () => 0x4000 });
    client.write([new Uint8Array(length).fill(7)]);
    for (const slab of client.takeOutput()) server.receive(slab);
    const events = settle(server);
    expect(dataOf(events)).toEqual(Buffer.alloc(length, 7));
    expect(largeBehindSmall(events)).toEqual([]);
  });
});

describe('padding of 0-RTT data', () => {
  /** A server that takes 16 KiB, and what it says to `records` of so many bytes, each padded to the full. */
  function early(length: number, records: number): { readonly events: readonly Event[]; readonly sent: number } {
    const config = {
      tickets: new TicketKeys(provider),
      earlyData: { maxSize: 0x4000, replay: { admit: () => true } },
    };
    const [session] = sessionsOf(shuttle(newPair({}, config)).clientEvents);
    const ends = newPair({ takeSession: () => session, earlyData: true, padding: () => 0x4000 }, config);
    settle(ends.client, ends.clientEvents);
    let sent = 0;
    for (let i = 0; i < records; i++) {
      sent += ends.client.writeEarly(new Uint8Array(length));
      for (const slab of ends.client.takeOutput()) ends.server.receive(slab);
      settle(ends.server, ends.serverEvents);
    }
    return { events: ends.serverEvents, sent };
  }

  test('is no data: what the ticket allows may come padded, RFC 9846 §4.7.1', () => {
    const { events, sent } = early(0x2000, 2);
    expect(errorOf(events)).toBeUndefined();
    expect(dataOf(events)).toHaveLength(sent);
  });

  test('is taken up to the size that would be passed over', () => {
    expect(errorOf(early(1, 2).events)).toBeUndefined();
    expect(errorOf(early(1, 3).events)).toEqual({ code: 'ERR_TLS_TOO_MUCH_EARLY_DATA', alert: 'unexpected_message' });
  });
});

function sessionsOf(events: readonly Event[]): Session[] {
  return events.flatMap((event) => (event.type === 'session' ? [event.session] : []));
}
