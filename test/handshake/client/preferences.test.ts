// What either side may be configured to like, to take, or to insist on.
import { describe, expect, test } from 'vitest';
import { Inbox } from '#opentls/bytes/inbox';
import { readAlert } from '#opentls/connection/alert';
import { Secret } from '#opentls/crypto/secret';
import { AlertDescription, TlsError } from '#opentls/errors';
import type { ChainRequest, ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import type { Credential } from '#opentls/handshake/terms/credential';
import { perform } from '#opentls/handshake/terms/script';
import { Deframer } from '#opentls/record/deframer';
import { decodeSession, encodeSession, type Session } from '#opentls/session/session';
import { TicketKeys } from '#opentls/session/tickets';
import { CipherSuiteId, ContentType, NamedGroup, ProtocolVersion, SignatureScheme } from '#opentls/wire/enums';
import { testCredential } from '../../kit/credentials.ts';
import { extensionsOf, rawExtension, watch } from '../../kit/flight.ts';
import { credential, type Ends, errorOf, newPair, openPair, settle, shuttle, trustAnything } from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';
import { randomBytes } from '../../kit/random.ts';
import { record, recordsOf, refusal } from '../../record/records.ts';

const bytes = randomBytes(443);
const nothing = new Uint8Array(0);
const { x25519, secp256r1, secp384r1 } = NamedGroup;
const {
  TLS_AES_128_GCM_SHA256: aes128,
  TLS_AES_256_GCM_SHA384: aes256,
  TLS_CHACHA20_POLY1305_SHA256: chacha,
} = CipherSuiteId;
const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value));

/** A ClientHello with other fields. */
function saying(change: Partial<Parameters<NonNullable<ClientConfig['shapeClientHello']>>[0]>): Partial<ClientConfig> {
  return { shapeClientHello: (hello) => ({ ...hello, ...change }) };
}

/** The session that a full handshake left, as often as it is asked for. */
function sessionOf({ clientEvents }: Ends): Session {
  const event = clientEvents.find(({ type }) => type === 'session');
  const copy = event?.type === 'session' && decodeSession(encodeSession(event.session));
  return copy || expect.fail('no ticket came');
}

function withTickets(server: Partial<ServerConfig> = {}): Partial<ServerConfig> {
  return { tickets: new TicketKeys(provider), ...server };
}

describe('groups', () => {
  type Row = readonly [string, readonly number[], Partial<ServerConfig>, number, boolean];
  const all = [x25519, secp256r1, secp384r1];
  const chosen = ({ server }: Ends) => [server.facts?.group?.id, server.facts?.helloRetryRequest];

  test.each<Row>([
    ['none: the server’s order', [secp256r1, x25519], {}, x25519, false],
    ['both: the client’s order', [secp256r1, x25519], { equalGroups: [x25519, secp256r1] }, secp256r1, false],
    ['those behind the best', [secp256r1, x25519, secp384r1], { equalGroups: [secp256r1, secp384r1] }, x25519, false],
    ['not neighbours', [secp384r1, x25519, secp256r1], { equalGroups: [x25519, secp384r1] }, secp384r1, false],
    ['and one between', [secp256r1, x25519, secp384r1], { equalGroups: [x25519, secp384r1] }, x25519, false],
  ])('that are liked equally well: %s', (_, groups, server, group, retried) => {
    expect(chosen(openPair({ groups, keyShares: groups }, { groups: all, ...server }))).toEqual([group, retried]);
  });

  test.each<Row>([
    ['a share saves a round trip', [x25519], {}, x25519, false],
    ['but the best is asked for, where that is wanted', [x25519], { retryForGroup: true }, secp256r1, true],
    ['unless it is there', [x25519, secp256r1], { retryForGroup: true }, secp256r1, false],
    ['the best by the client’s order', [secp256r1], { retryForGroup: true, preferOwnOrder: false }, x25519, true],
    ['a share among equals', [x25519], { equalGroups: [x25519, secp256r1] }, x25519, false],
  ])('of which one is liked best: %s', (_, keyShares, server, group, retried) => {
    const ends = openPair({ groups: [x25519, secp256r1], keyShares }, { groups: [secp256r1, x25519], ...server });
    expect(chosen(ends)).toEqual([group, retried]);
  });
});

describe('suites', () => {
  const own = [aes128, chacha];
  test.each<[string, readonly number[], Partial<ServerConfig>, number]>([
    ['ChaCha20 counts for nothing, where it is not said', [chacha, aes128], {}, aes128],
    ['is taken where the client has it first', [chacha, aes128], { prioritizeChaCha: true }, chacha],
    ['not where the client has it second', [aes128, chacha], { prioritizeChaCha: true }, aes128],
    ['behind values that nobody knows', [0x0a0a, chacha, aes128], { prioritizeChaCha: true }, chacha],
    ['behind a suite that the server does not do', [aes256, chacha, aes128], { prioritizeChaCha: true }, aes128],
    ['not by a server that has none', [chacha, aes128], { prioritizeChaCha: true, suites: [aes128] }, aes128],
  ])('%s', (_, cipherSuites, server, suite) => {
    const ends = openPair(saying({ cipherSuites }), { suites: own, ...server });
    expect(ends.client.facts?.suite.id).toBe(suite);
  });

  test.each([
    [false, chacha, true],
    [true, chacha, false],
    [true, aes128, true],
  ])('resumeSameSuite %s, resumed with %i: %s', (resumeSameSuite, suite, resumed) => {
    const server = withTickets({ suites: [aes128] });
    const session = sessionOf(shuttle(newPair({}, server)));
    const ends = openPair({ takeSession: () => session }, { ...server, suites: [suite], resumeSameSuite });
    expect([ends.client.facts?.resumed, ends.server.facts?.resumed]).toEqual([resumed, resumed]);
    expect(ends.server.facts?.suite.id).toBe(suite);
  });
});

describe('what a server says', () => {
  test.each<[string, Partial<ClientConfig>, Partial<ServerConfig>, true | undefined]>([
    ['a name is acknowledged', {}, {}, true],
    ['or is not', {}, { acknowledgeServerName: false }, undefined],
    [
      'where there is none, there is nothing to say',
      { serverName: undefined },
      { acknowledgeServerName: true },
      undefined,
    ],
  ])('%s, RFC 6066 §3', (_, client, server, said) => {
    const { fromServer } = watch(client, server);
    expect(extensionsOf('EE', fromServer)).toBeDefined();
    expect(extensionsOf('EE', fromServer)?.server_name).toBe(said);
  });

  test.each<[boolean, Partial<ServerConfig>, number]>([
    [false, {}, 0],
    [false, { alwaysChangeCipherSpec: true }, 1],
    [false, { alwaysChangeCipherSpec: true, groups: [secp256r1] }, 1],
    [true, {}, 1],
    [true, { alwaysChangeCipherSpec: true }, 1],
  ])(
    'change_cipher_spec, to a client with compatibility %s: %j, Appendix E.4',
    (middleboxCompatibility, server, count) => {
      const sent: Uint8Array[] = [];
      const ends = shuttle(newPair({ middleboxCompatibility }, server), (from, slab) => {
        if (from === 'server') sent.push(slab);
        return [slab];
      });
      expect(ends.client.phase).toBe('open');
      const records = recordsOf(Buffer.concat(sent));
      expect(records.filter(({ type }) => type === ContentType.change_cipher_spec)).toHaveLength(count);
      // Behind the ServerHello, or the HelloRetryRequest.
      expect(records.findIndex(({ type }) => type === ContentType.change_cipher_spec)).toBe(count === 0 ? -1 : 1);
    },
  );
});

describe('what is taken against the letter', () => {
  test.each([ProtocolVersion.TLS13, 0x0302, 0x0300])('legacy_version %i of a ClientHello', (legacyVersion) => {
    const client = saying({ legacyVersion });
    const refusal = { code: 'ERR_TLS_WRONG_VERSION', alert: 'protocol_version' };
    expect(errorOf(shuttle(newPair(client)).serverEvents)).toEqual(refusal);
    expect(openPair(client, { ignoreLegacyVersion: true }).server.phase).toBe('open');
  });

  test('with boringsslChecks, an error alert of level warning is not understood', () => {
    const alert = Uint8Array.of(1, AlertDescription.handshake_failure);
    expect(readAlert(alert)).toMatchObject({ code: 'ERR_TLS_ALERT_HANDSHAKE_FAILURE' });
    expect(refusal(() => readAlert(alert, true))).toEqual({ code: 'ERR_TLS_BAD_ALERT', alert: 'decode_error' });
  });

  test('with boringsslChecks, the first record is of a version 3.x', () => {
    const first = new Inbox();
    first.append(record(ContentType.handshake, bytes(4)).fill(2, 1, 2));
    expect(refusal(() => new Deframer(true).next(first))).toEqual({
      code: 'ERR_TLS_NOT_TLS',
      alert: 'protocol_version',
    });
    expect(new Deframer().next(first)).toMatchObject({ type: ContentType.handshake });
  });

  test('with boringsslChecks, protected records are of version 0x0303', () => {
    const [hello, data] = [22, 23].map((type) => record(type, bytes(4)).fill(1, 2, 3));
    for (const checkVersion of [false, true]) {
      const inbox = new Inbox();
      const deframer = new Deframer(checkVersion);
      for (const bytes of [hello, data]) inbox.append(bytes ?? nothing);
      expect(deframer.next(inbox)).toMatchObject({ type: ContentType.handshake });
      deframer.consume(inbox);
      const next = (): unknown => deframer.next(inbox);
      if (checkVersion) expect(refusal(next)).toEqual({ code: 'ERR_TLS_NOT_TLS', alert: 'protocol_version' });
      else expect(next()).toMatchObject({ type: ContentType.application_data });
    }
  });

  test('abort() sends whatever alert it is told to', () => {
    const ends = openPair();
    ends.client.abort(new TlsError('ERR_TLS_INTERNAL', 'a test', { alert: 'internal_error' }), 30);
    expect(errorOf(shuttle(ends).serverEvents)?.code).toMatch(/DECOMPRESSION_FAILURE/);
  });

  test('a protocol that was not offered', () => {
    const answering = (...names: readonly string[]): Partial<ServerConfig> => {
      const list = names.flatMap((name) => [name.length, ...text(name)]);
      const extension = rawExtension('application_layer_protocol_negotiation', 0, list.length, ...list);
      return { encryptedExtensions: [extension] };
    };
    const alpn = [text('http/1.1')];
    const refused = (client: Partial<ClientConfig>, ...names: readonly string[]) =>
      errorOf(shuttle(newPair({ alpn, ...client }, answering(...names))).clientEvents);
    expect(refused({}, 'h2')).toEqual({ code: 'ERR_TLS_INVALID_ALPN', alert: 'illegal_parameter' });
    expect(refused({}, 'http/1.1')).toBeUndefined();
    const { client } = openPair({ alpn, allowUnknownAlpn: true }, answering('h2'));
    expect(client.facts?.alpn).toEqual(text('h2'));
    // RFC 7301 §3.1: still exactly one.
    expect(refused({ allowUnknownAlpn: true }, 'h2', 'h3')).toMatchObject({ alert: 'decode_error' });
  });
});

describe('a client that goes on with a PSK alone', () => {
  const psk = { identity: bytes(8), secret: new Secret('psk', bytes(32)), hash: 'sha256' } as const;
  const insisting = { requirePsk: true, externalPsks: [psk] };
  const knowing: Partial<ServerConfig> = { findPsk: (id) => (Buffer.from(psk.identity).equals(id) ? psk : undefined) };
  const refusal = { code: 'ERR_TLS_PSK_REQUIRED', alert: 'missing_extension' };

  test('does so with the key', () => {
    expect(openPair(insisting, knowing).client.facts?.externalPsk).toEqual(psk.identity);
  });

  test('and with a session of the key', () => {
    const server = withTickets(knowing);
    const session = sessionOf(shuttle(newPair(insisting, server)));
    expect(openPair({ ...insisting, takeSession: () => session }, server).client.facts?.resumed).toBe(true);
  });

  test.each<[string, Partial<ClientConfig>]>([
    ['a key that the server does not know', insisting],
    ['no key', { requirePsk: true }],
  ])('not with a certificate: %s', (_, client) => {
    const { clientEvents, serverEvents } = shuttle(newPair(client));
    expect(errorOf(clientEvents)).toEqual(refusal);
    expect(errorOf(serverEvents)).toMatchObject({ code: 'ERR_TLS_ALERT_MISSING_EXTENSION' });
  });

  test('nor with a session of a certificate', () => {
    const server = withTickets();
    const session = sessionOf(shuttle(newPair({}, server)));
    expect(errorOf(shuttle(newPair({ ...insisting, takeSession: () => session }, server)).clientEvents)).toEqual(
      refusal,
    );
  });
});

describe('a client that chooses its certificate', () => {
  const [first, second] = [testCredential(provider), testCredential(provider)];
  type Choice = NonNullable<ClientConfig['chooseCredentials']>;

  /** A handshake that waits for its answers, with a server that asks for a certificate. */
  async function meet(chooseCredentials: Choice, credentials: readonly Credential[] = [first]): Promise<Ends> {
    const ends = newPair({ credentials, chooseCredentials }, { clientCertificate: 'optional' });
    for (let i = 0; i < 3; i++) {
      for (let event = ends.client.poll(); event !== undefined; event = ends.client.poll()) {
        if (event.type !== 'ask') ends.clientEvents.push(event);
        else {
          const { ask } = event;
          const answer = (async () => perform(ask.request))();
          await answer.then(
            (value) => ends.client.answer(ask, value),
            (error) => ends.client.fail(ask, error),
          );
        }
      }
      for (const slab of ends.client.takeOutput()) ends.server.receive(slab);
      settle(ends.server, ends.serverEvents);
      for (const slab of ends.server.takeOutput()) ends.client.receive(slab);
    }
    return ends;
  }

  test.each<[string, Choice, readonly Uint8Array[]]>([
    ['at once', () => [second], second.chain],
    ['later', async () => [second], second.chain],
    ['none', () => [], []],
    ['not: what is configured is used', () => undefined, first.chain],
    ['not, later', async () => undefined, first.chain],
  ])('%s', async (_, choose, chain) => {
    const { server } = await meet(choose);
    expect(server.phase).toBe('open');
    expect(server.facts?.peerChain).toEqual(chain);
  });

  test.each<[string, Choice]>([
    [
      'throws',
      () => {
        throw new Error('no token');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no token'))],
  ])('and %s: internal_error', async (_, choose) => {
    const { clientEvents } = await meet(choose);
    expect(errorOf(clientEvents)).toEqual({ code: 'ERR_TLS_INTERNAL', alert: 'internal_error' });
  });

  test('sees what the server asks for', () => {
    const seen: unknown[] = [];
    const chooseCredentials: Choice = (request) => void seen.push(request);
    const name = bytes(20);
    const server = {
      signatureSchemes: [SignatureScheme.rsa_pss_rsae_sha256, SignatureScheme.ecdsa_secp256r1_sha256],
      certificateAuthorities: [name],
    };
    openPair({ chooseCredentials }, { ...server, clientCertificate: 'optional' });
    expect(seen).toEqual([
      {
        signatureSchemes: [SignatureScheme.rsa_pss_rsae_sha256, SignatureScheme.ecdsa_secp256r1_sha256],
        certificateAuthorities: [name],
        oidFilters: undefined,
      },
    ]);
    openPair({ chooseCredentials }, { clientCertificate: 'none' });
    expect(seen).toHaveLength(1);
  });
});

describe('a session under another name, draft-ietf-tls-cross-sni-resumption', () => {
  const resumeAcrossNames = true;

  function resume(made: Partial<ServerConfig>, change: Partial<Session>, verifyChain: ClientConfig['verifyChain']) {
    const server = withTickets(made);
    const session = { ...sessionOf(shuttle(newPair({ serverName: 'one.example' }, server))), ...change };
    const client = { serverName: 'two.example', takeSession: () => session, verifyChain };
    return shuttle(newPair(client, server));
  }

  test.each<[string, Partial<ServerConfig>, Partial<Session>, boolean]>([
    ['is resumed where the server says so', { resumeAcrossNames }, {}, true],
    ['not where it does not', {}, {}, false],
    ['nor offered where it did not say so', { resumeAcrossNames }, { acrossNames: false }, false],
    ['nor taken by a server that never said so', {}, { acrossNames: true }, false],
  ])('%s', (_, made, change, resumed) => {
    const { client, server } = resume(made, change, trustAnything);
    expect([client.facts?.resumed, server.facts?.resumed]).toEqual([resumed, resumed]);
    expect(server.facts?.serverName).toBe('two.example');
  });

  test('is judged for the new name, and not resumed where the chain is not good for it', () => {
    const judged: unknown[] = [];
    const { client } = resume({ resumeAcrossNames }, {}, (request: ChainRequest) => {
      judged.push([request.serverName, request.resumed, request.chain]);
      return request.resumed ? { ok: false, code: 'HOSTNAME_MISMATCH', reason: 'no' } : trustAnything(request);
    });
    expect(client.facts?.resumed).toBe(false);
    expect(judged).toEqual([
      ['two.example', true, credential.chain],
      ['two.example', false, credential.chain],
    ]);
  });
});

describe('the age of a ticket, RFC 9846 §8.3', () => {
  const START = 1_800_000_000_000;

  /** A resumption after a minute, by a client whose clock has come to differ by `skew`. */
  function resumedWith(skew: number, policy: Partial<NonNullable<ServerConfig['earlyData']>> = {}): Ends {
    let now = START;
    const earlyData = { maxSize: 100, replay: { admit: () => true }, ...policy };
    const server = withTickets({ now: () => now, earlyData });
    const session = sessionOf(shuttle(newPair({ now: () => now }, server)));
    now += 60_000;
    return openPair({ takeSession: () => session, earlyData: true, now: () => now + skew }, server);
  }

  test.each([0, 1, -1, 5000, -5000])('is told, and wrong by %i', (skew) => {
    const { client, server } = resumedWith(skew);
    expect([server.facts?.resumed, server.facts?.ticketAgeSkew]).toEqual([true, skew]);
    expect(client.facts?.ticketAgeSkew).toBeUndefined();
  });

  test('is not that of a full handshake, nor of an external key', () => {
    const psk = { identity: bytes(8), secret: new Secret('psk', bytes(32)), hash: 'sha256' } as const;
    expect(openPair().server.facts?.ticketAgeSkew).toBeUndefined();
    const { facts } = openPair({ externalPsks: [psk] }, { findPsk: () => psk }).server;
    expect([facts?.externalPsk, facts?.ticketAgeSkew]).toEqual([psk.identity, undefined]);
  });

  test.each([
    [undefined, 10_000, 'accepted'],
    [undefined, -10_001, 'rejected'],
    [100, 100, 'accepted'],
    [100, -100, 'accepted'],
    [100, 101, 'rejected'],
    [100, -101, 'rejected'],
    [0, 0, 'accepted'],
  ] as const)('with a tolerance of %s, off by %i: %s', (ageTolerance, skew, earlyData) => {
    const { facts } = resumedWith(skew, { ageTolerance }).server;
    expect([facts?.resumed, facts?.earlyData]).toEqual([true, earlyData]);
  });
});
