import { hkdfSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { toHex } from '#opentls/bytes/hex';
import { Secret } from '#opentls/crypto/secret';
import type { ClientConfig, PskMode, ServerConfig } from '#opentls/handshake/terms/config';
import { type ExternalPsk, importPsk } from '#opentls/keys/importer';
import { CipherSuiteId, HandshakeType, NamedGroup } from '#opentls/wire/enums';
import { readExtensions } from '#opentls/wire/extensions';
import { type MessageOf, parseMessage } from '#opentls/wire/messages';
import { answerTo, bodyOf, plainMessages, speak } from '../../kit/hellos.ts';
import {
  credential,
  dataOf,
  type Ends,
  errorOf,
  newClient,
  newPair,
  openPair,
  settle,
  settleLater,
  shuttle,
} from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';
import { type Offered, withPsks } from '../../kit/psks.ts';
import { randomBytes } from '../../kit/random.ts';
import { recordsOf } from '../../record/records.ts';

const bytes = randomBytes(9258);

function psk(hash: ExternalPsk['hash'] = 'sha256', key = bytes(32), identity = bytes(10)): ExternalPsk {
  return { identity, secret: new Secret('psk', key), hash };
}

/** What a server knows keys by. */
function knowing(...known: readonly ExternalPsk[]) {
  return {
    findPsk: (identity: Uint8Array) => known.find((candidate) => toHex(candidate.identity) === toHex(identity)),
  };
}

function usedOf({ client, server }: Ends): readonly (Uint8Array | undefined)[] {
  return [client.facts?.externalPsk, server.facts?.externalPsk];
}

/** Nobody has a certificate, and none would be believed. */
const bare: Partial<ServerConfig> = { credentials: [] };
const unbelieving: Partial<ClientConfig> = {
  verifyChain: () => ({ ok: false, code: 'CERT_UNTRUSTED', reason: 'no certificate is to be judged' }),
};

const suiteOf = {
  sha256: [CipherSuiteId.TLS_AES_128_GCM_SHA256, CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256],
  sha384: [CipherSuiteId.TLS_AES_256_GCM_SHA384],
} as const;

describe('a key agreed outside of TLS, RFC 9846 §4.3.11', () => {
  const hashes = ['sha256', 'sha384'] as const;
  const modes: readonly PskMode[] = ['psk_dhe_ke', 'psk_ke'];
  test.each(hashes.flatMap((hash) => modes.map((mode) => [hash, mode] as const)))('%s, %s', (hash, mode) => {
    const key = psk(hash);
    const pskModes = [mode];
    const ends = openPair({ ...unbelieving, externalPsks: [key], pskModes }, { ...bare, ...knowing(key), pskModes });
    expect(usedOf(ends)).toEqual([key.identity, key.identity]);
    for (const { facts } of [ends.client, ends.server]) {
      expect(facts).toMatchObject({ resumed: false, peer: undefined, peerChain: [], peerSignatureScheme: undefined });
      expect(facts?.group?.id).toBe(mode === 'psk_ke' ? undefined : NamedGroup.x25519);
      expect(suiteOf[hash]).toContain(facts?.suite.id);
    }
    ends.client.write([bytes(9)]);
    expect(dataOf(shuttle(ends).serverEvents)).toHaveLength(9);
    expect(ends.client.exportKey('label', undefined, 32)).toEqual(ends.server.exportKey('label', undefined, 32));
  });

  test.each(hashes)('%s, over a HelloRetryRequest', (hash) => {
    const key = psk(hash);
    const keys = [psk('sha256'), psk('sha384'), key];
    const client = { ...unbelieving, externalPsks: keys, keyShares: [NamedGroup.x25519] };
    const ends = openPair(client, {
      ...bare,
      ...knowing(key),
      groups: [NamedGroup.secp256r1],
      retryCookies: { seal: () => bytes(5), open: () => undefined },
    });
    expect(usedOf(ends)).toEqual([key.identity, key.identity]);
    expect(ends.client.facts).toMatchObject({ helloRetryRequest: true, group: { id: NamedGroup.secp256r1 } });
  });

  test('the key stays the application’s, and is good again', () => {
    const key = psk();
    for (let i = 0; i < 2; i++) openPair({ externalPsks: [key] }, { ...bare, ...knowing(key) });
    expect(key.secret.wiped).toBe(false);
  });

  test('its length is up to those who agreed on it', () => {
    for (const length of [1, 16, 64, 200]) {
      const key = psk('sha384', bytes(length));
      expect(usedOf(openPair({ externalPsks: [key] }, { ...bare, ...knowing(key) }))[1]).toEqual(key.identity);
    }
  });

  test('its age is said to be 0; its modes are said, and its binder has the length of its hash', () => {
    const keys = [psk('sha256'), psk('sha384')];
    const client = newClient({ externalPsks: keys, pskModes: ['psk_ke', 'psk_dhe_ke'] });
    settle(client);
    const [{ body } = expect.fail('no ClientHello')] = recordsOf(Buffer.concat(client.takeOutput()));
    const hello = parseMessage(body) as MessageOf<typeof HandshakeType.client_hello>;
    const values = readExtensions('CH', hello.body.extensions);
    expect(values.psk_key_exchange_modes).toEqual([0, 1]);
    const identities = keys.map(({ identity }) => ({ identity, obfuscatedTicketAge: 0 }));
    expect(values.pre_shared_key?.identities).toEqual(identities);
    expect(values.pre_shared_key?.binders.map(({ length }) => length)).toEqual([32, 48]);
  });

  test('it moves the server to a suite of its hash', () => {
    const key = psk('sha384');
    const suites = [
      CipherSuiteId.TLS_AES_128_GCM_SHA256,
      CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256,
      CipherSuiteId.TLS_AES_256_GCM_SHA384,
    ];
    const ends = openPair({ externalPsks: [key], suites }, { ...bare, ...knowing(key), suites });
    expect(ends.server.facts?.suite.id).toBe(CipherSuiteId.TLS_AES_256_GCM_SHA384);
  });
});

describe('of several keys', () => {
  const [first, second, third] = [psk('sha256'), psk('sha384'), psk('sha256')];
  const client = { ...unbelieving, externalPsks: [first, second, third] };

  test.each<[string, readonly ExternalPsk[], ExternalPsk]>([
    ['the first that the server knows', [third, first], first],
    ['the only one', [third], third],
    ['the only one, of another hash', [second], second],
    ['the one that the server rates highest', [first, { ...third, priority: 1 }], third],
  ])('%s', (_, known, used) => {
    const ends = openPair(client, { ...bare, ...knowing(...known) });
    expect(usedOf(ends)).toEqual([used.identity, used.identity]);
  });

  test('one whose hash no suite has is not used', () => {
    const ends = openPair(client, {
      ...bare,
      ...knowing(second, third),
      suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256],
    });
    expect(usedOf(ends)).toEqual([third.identity, third.identity]);
    const narrow = openPair(
      { ...client, suites: [CipherSuiteId.TLS_AES_256_GCM_SHA384] },
      { ...bare, ...knowing(first, second) },
    );
    expect(usedOf(narrow)).toEqual([second.identity, second.identity]);
  });
});

describe('without a key in common', () => {
  const ours = psk();
  const otherwise: readonly (readonly [string, Partial<ClientConfig>, Partial<ServerConfig>])[] = [
    ['an unknown identity', {}, knowing(psk())],
    ['a server without keys', {}, {}],
    [
      'a hash of no suite in common',
      { suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256, CipherSuiteId.TLS_AES_256_GCM_SHA384] },
      { ...knowing(ours), suites: [CipherSuiteId.TLS_AES_256_GCM_SHA384] },
    ],
    ['a mode that the client does not do', {}, { ...knowing(ours), pskModes: ['psk_ke'] }],
    ['a mode that the server does not do', { pskModes: ['psk_ke'] }, knowing(ours)],
    ['a server that prefers certificates', {}, { ...knowing(ours), preferCertificate: true }],
  ];

  test.each(otherwise)('%s: the certificate authenticates', (_, client, server) => {
    const ends = openPair({ externalPsks: [ours], ...client }, server);
    expect(usedOf(ends)).toEqual([undefined, undefined]);
    expect(ends.client.facts?.peerChain).toEqual(credential.chain);
  });

  test('and is judged as ever', () => {
    const ends = shuttle(newPair({ ...unbelieving, externalPsks: [ours] }, knowing(psk())));
    expect(errorOf(ends.clientEvents)).toMatchObject({ code: 'CERT_UNTRUSTED', alert: 'unknown_ca' });
  });

  test.each(otherwise.slice(0, 5))('%s: without a certificate either, it fails', (_, client, server) => {
    const ends = shuttle(newPair({ externalPsks: [ours], ...client }, { ...bare, ...server }));
    // RFC 9846 §6.2: unknown_psk_identity is a choice, as is decrypt_error.
    expect(errorOf(ends.serverEvents)?.alert).toMatch(/^(handshake_failure|unknown_psk_identity|decrypt_error)$/);
    expect(ends.client.phase).toBe('failed');
  });

  test('a preference for certificates is none where there is none', () => {
    const ends = openPair({ externalPsks: [ours] }, { ...bare, ...knowing(ours), preferCertificate: true });
    expect(usedOf(ends)).toEqual([ours.identity, ours.identity]);
  });
});

describe('a key that is not the same', () => {
  const ours = psk();
  const [imported] = importPsk(ours, bytes(3), provider.hashes);
  if (imported === undefined) throw new Error('no key was imported');
  test.each<[string, ExternalPsk, ExternalPsk]>([
    ['by its bytes', ours, { ...ours, secret: new Secret('psk', bytes(32)) }],
    ['by its length', ours, { ...ours, secret: new Secret('psk', bytes(33)) }],
    ['in that only the client imported it', imported, { ...imported, imported: false }],
    ['in that only the server imported it', { ...imported, imported: false }, imported],
  ])('%s is decrypt_error, although there is a certificate', (_, client, server) => {
    const ends = shuttle(newPair({ externalPsks: [client] }, knowing(server)));
    expect(errorOf(ends.serverEvents)).toEqual({ code: 'ERR_TLS_BAD_BINDER', alert: 'decrypt_error' });
    expect(errorOf(ends.clientEvents)).toMatchObject({ code: 'ERR_TLS_ALERT_DECRYPT_ERROR' });
  });

  test('by its hash is refused', () => {
    const ends = shuttle(newPair({ externalPsks: [ours] }, knowing({ ...ours, hash: 'sha384' })));
    expect([ends.client.phase, ends.server.phase]).toEqual(['failed', 'failed']);
  });
});

describe('a server that looks keys up later', () => {
  async function meet(client: Partial<ClientConfig>, server: Partial<ServerConfig>): Promise<Ends> {
    const ends = newPair(client, server);
    for (let i = 0; i < 3; i++) {
      await settleLater(ends.client, ends.clientEvents);
      for (const slab of ends.client.takeOutput()) ends.server.receive(slab);
      await settleLater(ends.server, ends.serverEvents);
      for (const slab of ends.server.takeOutput()) ends.client.receive(slab);
    }
    return ends;
  }

  const [ours, other] = [psk('sha384'), psk()];

  test('finds them', async () => {
    const { findPsk } = knowing(ours);
    const asked: string[] = [];
    const later = async (identity: Uint8Array): Promise<ExternalPsk | undefined> => {
      asked.push(toHex(identity));
      await new Promise((resolve) => setTimeout(resolve, 1));
      return findPsk(identity);
    };
    const ends = await meet({ externalPsks: [other, ours] }, { ...bare, findPsk: later });
    expect(usedOf(ends)).toEqual([ours.identity, ours.identity]);
    expect(asked).toEqual([other, ours].map(({ identity }) => toHex(identity)));
  });

  test('or does not', async () => {
    const ends = await meet({ externalPsks: [ours] }, { findPsk: async () => undefined });
    expect(ends.client.facts?.peerChain).toEqual(credential.chain);
  });

  test('or fails', async () => {
    const ends = await meet(
      { externalPsks: [ours] },
      { findPsk: () => Promise.reject(new Error('the database is away')) },
    );
    expect(errorOf(ends.serverEvents)).toEqual({ code: 'ERR_TLS_INTERNAL', alert: 'internal_error' });
  });
});

describe('a server that shares an external PSK with its client', () => {
  test('the age that comes with an external PSK is ignored', () => {
    const key = bytes(32);
    const { identity } = psk();
    const offer: Offered = { kind: 'external', identity, age: 0xdeadbeef, key };
    const { hello } = speak({ suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256] });
    const { output, events } = answerTo(withPsks(hello, [offer]), {
      credentials: [],
      findPsk: () => ({ identity, secret: new Secret('psk', key.slice()), hash: 'sha256' }),
    });
    expect(errorOf(events)).toBeUndefined();
    const { extensions } = bodyOf(plainMessages(output), HandshakeType.server_hello);
    expect(readExtensions('SH', extensions).pre_shared_key).toBe(0);
  });

  test('who shares an external PSK is not asked for a certificate', () => {
    const key = psk();
    const client = { externalPsks: [key], credentials: [credential] };
    const { server, clientEvents } = shuttle(newPair(client, { findPsk: () => key, clientCertificate: 'required' }));
    expect(errorOf(clientEvents)).toBeUndefined();
    expect(server.phase).toBe('open');
    expect(server.facts).toMatchObject({ externalPsk: key.identity, peer: undefined });
  });

  test('who shares an external one is not asked for a certificate later either, §4.4.2', () => {
    const key = psk();
    const client = { externalPsks: [key], postHandshakeAuth: true };
    const { server } = openPair(client, { findPsk: () => key });
    expect(() => server.requestCertificate()).toThrow(expect.objectContaining({ code: 'ERR_TLS_INVALID_STATE' }));
  });
});

describe('imported keys, RFC 9258', () => {
  const lengths = { sha256: 32, sha384: 48 } as const;
  const targets = [
    ['sha256', 0x0001],
    ['sha384', 0x0002],
  ] as const;
  const vector = (data: Uint8Array): number[] => [data.length >> 8, data.length & 255, ...data];

  /** §5.1, by node:crypto: HKDF-Extract(0, epsk), then HKDF-Expand-Label over the hash of the identity. */
  function derived(own: 'sha256' | 'sha384', key: Uint8Array, identity: Uint8Array, length: number): string {
    const label = Buffer.from('tls13 derived psk');
    const context = provider.hashes[own].digest(identity);
    const info = Buffer.concat([Uint8Array.of(0, length, label.length), label, Uint8Array.of(context.length), context]);
    return toHex(new Uint8Array(hkdfSync(own, key, new Uint8Array(lengths[own]), info, length)));
  }

  const cases = (['sha256', 'sha384'] as const).flatMap((own) =>
    [bytes(0), bytes(20)].flatMap((context) => targets.map(([target, kdf]) => [own, target, context, kdf] as const)),
  );
  test.each(cases)('of a key for %s, one for %s', (own, target, context, kdf) => {
    const key = bytes(40);
    const source = { identity: bytes(7), secret: new Secret('psk', key.slice()), hash: own };
    const all = importPsk(source, context, provider.hashes);
    expect(all.map(({ hash }) => hash)).toEqual(['sha256', 'sha384']);
    const made = all.find(({ hash }) => hash === target);
    const identity = Uint8Array.from([...vector(source.identity), ...vector(context), 3, 4, 0, kdf]);
    expect(made).toMatchObject({ imported: true, identity });
    expect(toHex(made?.secret.expose() ?? bytes(1))).toBe(derived(own, key, identity, lengths[target]));
    expect(toHex(source.secret.expose())).toBe(toHex(key));
  });

  test.each(targets)('are used by both sides: %s', (hash) => {
    const source = psk();
    const context = bytes(6);
    const imported = importPsk(source, context, provider.hashes);
    const ends = openPair(
      { ...unbelieving, externalPsks: imported, suites: [...suiteOf[hash]] },
      { ...bare, ...knowing(...importPsk(source, context, provider.hashes)) },
    );
    const used = imported.find((candidate) => candidate.hash === hash)?.identity;
    expect(usedOf(ends)).toEqual([used, used]);
  });

  test('for another context are other keys, of other identities', () => {
    const source = psk();
    const [ours, theirs] = [bytes(6), bytes(6)].map((context) => importPsk(source, context, provider.hashes));
    const all = [...(ours ?? []), ...(theirs ?? [])];
    expect(new Set(all.map(({ identity }) => toHex(identity))).size).toBe(4);
    expect(new Set(all.map(({ secret }) => toHex(secret.expose()))).size).toBe(4);
    const { server } = openPair({ externalPsks: ours }, knowing(...(theirs ?? [])));
    expect(server.facts?.externalPsk).toBeUndefined();
  });

  test('have an identity that fits its place, or are refused', () => {
    const importing = (identity: Uint8Array, context: Uint8Array) => () =>
      importPsk({ ...psk(), identity }, context, provider.hashes);
    expect(importing(bytes(1), bytes(0))).not.toThrow();
    expect(importing(bytes(0), bytes(0))).toThrow();
    expect(importing(bytes(1), bytes(0x1_0000))).toThrow();
  });

  // RFC 9258 §5.1: two lengths, a protocol and a KDF, two bytes each, beside them.
  test.each([
    [1, 0xffff - 9, true],
    [1, 0xffff - 8, false],
    [0x7fff, 0x7ff8, true],
    [0x7fff, 0x7ff9, false],
    [0xffff - 8, 0, true],
    [0xffff, 0xffff, false],
  ])('an identity of %i bytes and a context of %i: %s', (identity, context, fits) => {
    const misuse = expect.objectContaining({ code: 'ERR_TLS_CONFIG' });
    const source = { ...psk(), identity: new Uint8Array(identity) };
    const importing = () => importPsk(source, new Uint8Array(context), provider.hashes);
    if (fits) expect(importing().map((made) => made.identity.length)).toEqual(Array(2).fill(identity + context + 8));
    else expect(importing).toThrow(misuse);
  });

  test('a context that has no length at all is misuse, too', () => {
    const importing = () => importPsk(psk(), new Uint8Array(0x1_0000), provider.hashes);
    expect(importing).toThrow(expect.objectContaining({ code: 'ERR_TLS_CONFIG' }));
  });
});
