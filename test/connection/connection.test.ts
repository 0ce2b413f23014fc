import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Event } from '#opentls/connection/connection';
import type { SignatureVerifier } from '#opentls/crypto/provider';
import { TlsError } from '#opentls/errors';
import { perform } from '#opentls/handshake/terms/script';
import { CipherSuiteId, HandshakeType, NamedGroup, SignatureScheme } from '#opentls/wire/enums';
import { encodeMessage } from '#opentls/wire/messages';
import {
  credential,
  dataOf,
  errorOf,
  feed,
  newClient,
  newPair,
  newServer,
  openPair,
  settle,
  settleLater,
  shuttle,
  trustAnything,
} from '../kit/pair.ts';
import { Peer } from '../kit/peer.ts';
import { provider } from '../kit/provider.ts';
import { randomBytes } from '../kit/random.ts';

const text = (words: string) => new TextEncoder().encode(words);

describe(`what a pair agrees on, ${provider.name}`, () => {
  const pairs = provider.suites.flatMap((suite) =>
    provider.groups.map((group) => [suite.name, suite.id, group.name, group.id] as const),
  );

  test.each(pairs)('%s (%i) and %s (%i)', (suiteName, suite, groupName, group) => {
    const ends = shuttle(
      newPair({ suites: [suite], groups: [group], keyShares: [group] }, { suites: [suite], groups: [group] }),
    );
    for (const { facts } of [ends.client, ends.server]) {
      expect(facts?.suite).toEqual({ id: suite, name: suiteName });
      expect(facts?.group).toEqual({ id: group, name: groupName });
      expect(facts?.helloRetryRequest).toBe(false);
    }
    expect(ends.client.facts?.localFinished).toEqual(ends.server.facts?.peerFinished);
    expect(ends.client.exportKey('EXPORTER-test', text('context'), 40)).toEqual(
      ends.server.exportKey('EXPORTER-test', text('context'), 40),
    );
    expect(ends.client.exportKey('EXPORTER-test', undefined, 32)).toEqual(
      ends.server.exportKey('EXPORTER-test', new Uint8Array(0), 32),
    );
  });
});

describe('negotiation', () => {
  test('the server decides by its own order, or by the client’s', () => {
    const client = { suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256, CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256] };
    const own = shuttle(
      newPair(client, { suites: [CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256, CipherSuiteId.TLS_AES_128_GCM_SHA256] }),
    );
    const theirs = shuttle(
      newPair(client, {
        suites: [CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256, CipherSuiteId.TLS_AES_128_GCM_SHA256],
        preferOwnOrder: false,
      }),
    );
    expect(own.client.facts?.suite.id).toBe(CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256);
    expect(theirs.client.facts?.suite.id).toBe(CipherSuiteId.TLS_AES_128_GCM_SHA256);
  });

  test.each([
    [
      'suite',
      { suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256] },
      { suites: [CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256] },
      'ERR_TLS_NO_SHARED_CIPHER',
      'handshake_failure',
    ],
    [
      'group',
      { groups: [NamedGroup.secp256r1], keyShares: [NamedGroup.secp256r1] },
      { groups: [NamedGroup.x25519] },
      'ERR_TLS_NO_SHARED_GROUP',
      'handshake_failure',
    ],
    [
      'signature scheme',
      { signatureSchemes: [SignatureScheme.ed25519] },
      {},
      'ERR_TLS_NO_SHARED_SIGNATURE_SCHEME',
      'handshake_failure',
    ],
    [
      'ALPN protocol',
      { alpn: [text('h2')] },
      { alpn: [text('http/1.1')] },
      'ERR_TLS_NO_APPLICATION_PROTOCOL',
      'no_application_protocol',
    ],
  ])('no %s in common', (_, client, server, code, alert) => {
    const ends = shuttle(newPair(client, server));
    expect(errorOf(ends.serverEvents)).toEqual({ code, alert });
    expect(errorOf(ends.clientEvents)).toEqual({ code: `ERR_TLS_ALERT_${alert.toUpperCase()}`, alert });
  });

  test('ALPN: the server’s first that the client offers; without an offer none', () => {
    const [h2, h1] = [text('h2'), text('http/1.1')];
    const ends = shuttle(newPair({ alpn: [h1, h2] }, { alpn: [h2, h1] }));
    expect([ends.client.facts?.alpn, ends.server.facts?.alpn]).toEqual([h2, h2]);
    expect(shuttle(newPair({}, { alpn: [h2] })).client.facts?.alpn).toBeUndefined();
    expect(shuttle(newPair({ alpn: [h2] }, {})).client.facts?.alpn).toBeUndefined();
  });

  test('a HelloRetryRequest with a cookie', () => {
    const cookie = randomBytes(1)(50);
    const ends = shuttle(
      newPair(
        { groups: [NamedGroup.x25519, NamedGroup.secp256r1], keyShares: [NamedGroup.x25519] },
        { groups: [NamedGroup.secp256r1], retryCookies: { seal: () => cookie, open: () => undefined } },
      ),
    );
    expect(ends.client.facts).toMatchObject({ helloRetryRequest: true, group: { id: NamedGroup.secp256r1 } });
  });

  test('GREASE everywhere is ignored (RFC 8701)', () => {
    const grease = 0x3a3a;
    const ends = shuttle(
      newPair({
        shapeClientHello: (hello) => ({
          ...hello,
          cipherSuites: [grease, ...hello.cipherSuites],
          extensions: [
            { type: grease, data: new Uint8Array(0) },
            ...hello.extensions.map(withGrease),
            { type: 0x4a4a, data: text('x') },
          ],
        }),
      }),
    );
    expect(ends.server.phase).toBe('open');
    expect(ends.client.phase).toBe('open');
    function withGrease(extension: { type: number; data: Uint8Array }) {
      if (![10, 13].includes(extension.type)) return extension;
      const list = [0x3a, 0x3a, ...extension.data.slice(2)];
      return { ...extension, data: Uint8Array.from([list.length >> 8, list.length & 255, ...list]) };
    }
  });
});

describe('client certificates', () => {
  test.each([
    ['required and there', 'required', [credential], undefined],
    ['optional and there', 'optional', [credential], undefined],
    ['optional and absent', 'optional', [], undefined],
    ['required and absent', 'required', [], 'ERR_TLS_CERTIFICATE_REQUIRED'],
  ] as const)('%s', (_, clientCertificate, credentials, code) => {
    const ends = shuttle(newPair({ credentials }, { clientCertificate }));
    expect(errorOf(ends.serverEvents)?.code).toBe(code);
    if (code !== undefined)
      expect(errorOf(ends.clientEvents)).toEqual({
        code: 'ERR_TLS_ALERT_CERTIFICATE_REQUIRED',
        alert: 'certificate_required',
      });
    else expect(ends.server.facts?.peer?.certificates[0]?.raw).toEqual(credentials[0]?.chain[0]);
  });

  test('a chain that the server refuses', () => {
    const refusal = { ok: false, code: 'CERT_REVOKED', reason: 'revoked' } as const;
    const ends = shuttle(
      newPair({ credentials: [credential] }, { clientCertificate: 'required', verifyChain: () => refusal }),
    );
    expect(errorOf(ends.serverEvents)).toEqual({ code: 'CERT_REVOKED', alert: 'certificate_revoked' });
    expect(errorOf(ends.clientEvents)).toMatchObject({ code: 'ERR_TLS_ALERT_CERTIFICATE_REVOKED' });
  });
});

describe('data', () => {
  test.each([1, 2, 16_381, 16_382, 16_383, 16_384, 100_000])('%i bytes arrive as they were', (length) => {
    const sent = randomBytes(length)(length);
    const ends = openPair();
    ends.client.write([sent.subarray(0, length >> 1), new Uint8Array(0), sent.subarray(length >> 1)]);
    shuttle(ends);
    expect(Buffer.from(dataOf(ends.serverEvents)).equals(sent)).toBe(true);
  });

  test.each([64, 1000, 16_384])('fragments of %i bytes and padding', (maxFragment) => {
    const sent = randomBytes(maxFragment)(20_000);
    const ends = openPair({ maxFragment, padding: (_, length) => 257 - (length % 256) });
    ends.client.write([sent]);
    const [wire = new Uint8Array(0)] = ends.client.takeOutput();
    for (let offset = 0; offset < wire.length; offset += 50_000)
      feed(ends.server, wire.subarray(offset, offset + 50_000), ends.serverEvents);
    expect(Buffer.from(dataOf(ends.serverEvents)).equals(sent)).toBe(true);
    expect(
      ends.serverEvents
        .filter(({ type }) => type === 'data')
        .every((event) => event.type === 'data' && event.bytes.length <= maxFragment),
    ).toBe(true);
  });

  test('each direction ends by itself (RFC 9846 §6.1)', () => {
    const ends = openPair();
    ends.client.closeWrite();
    shuttle(ends);
    expect(ends.serverEvents).toEqual([{ type: 'end', closeNotify: true }]);
    expect(ends.client.writable).toBe(false);
    ends.server.write([text('after')]);
    ends.server.closeWrite();
    shuttle(ends);
    expect(Buffer.from(dataOf(ends.clientEvents)).toString()).toBe('after');
    expect([ends.client.phase, ends.server.phase]).toEqual(['closed', 'closed']);
  });

  test('a transport that ends without close_notify says so', () => {
    const ends = openPair();
    ends.server.receiveEnd();
    expect(settle(ends.server)).toEqual([{ type: 'end', closeNotify: false }]);
  });

  test('what comes after a close_notify is ignored', () => {
    const ends = openPair();
    ends.client.write([text('before')]);
    ends.client.closeWrite();
    const wire = Buffer.concat([...ends.client.takeOutput(), text('garbage')]);
    feed(ends.server, wire, ends.serverEvents);
    expect(ends.serverEvents.map(({ type }) => type)).toEqual(['data', 'end']);
  });

  test('writing at the wrong time is misuse', () => {
    const client = newClient();
    expect(() => client.write([text('x')])).toThrow(
      expect.objectContaining({ code: 'ERR_TLS_INVALID_STATE' }) as Error,
    );
    expect(() => client.exportKey('x', undefined, 1)).toThrow(
      expect.objectContaining({ code: 'ERR_TLS_INVALID_STATE' }) as Error,
    );
    const ends = openPair();
    ends.client.closeWrite();
    expect(() => ends.client.write([text('x')])).toThrow(TlsError);
    expect(() => ends.client.updateKeys()).toThrow(TlsError);
  });
});

describe('KeyUpdate, RFC 9846 §4.7.3', () => {
  test('either side, with and without an answer, between data', () => {
    const ends = openPair();
    for (let i = 0; i < 40; i++) {
      ends.client.write([text(`c${i};`)]);
      ends.server.write([text(`s${i};`)]);
      if (i % 3 === 0) ends.client.updateKeys(i % 2 === 0);
      if (i % 4 === 0) ends.server.updateKeys(true);
      shuttle(ends);
    }
    const expected = (side: string) => Array.from({ length: 40 }, (_, i) => `${side}${i};`).join('');
    expect(Buffer.from(dataOf(ends.serverEvents)).toString()).toBe(expected('c'));
    expect(Buffer.from(dataOf(ends.clientEvents)).toString()).toBe(expected('s'));
  });

  test('several requests while the answerer is silent get one answer', () => {
    const ends = openPair();
    for (let i = 0; i < 5; i++) ends.client.updateKeys(true);
    for (const slab of ends.client.takeOutput()) feed(ends.server, slab, ends.serverEvents);
    const answer = Buffer.concat(ends.server.takeOutput());
    expect(answer.length).toBe(5 + 5 + 1 + 16);
  });

  test('comes by itself before the key is worn out (RFC 9846 §5.5)', () => {
    const limited = {
      ...provider,
      suites: provider.suites.map((suite) => ({ ...suite, aead: { ...suite.aead, recordLimit: 3 } })),
    };
    const ends = openPair({ provider: limited });
    const sizes: number[] = [];
    for (let i = 0; i < 10; i++) {
      ends.client.write([text('x')]);
      for (const slab of ends.client.takeOutput()) {
        sizes.push(slab.length);
        feed(ends.server, slab, ends.serverEvents);
      }
    }
    expect(dataOf(ends.serverEvents).length).toBe(10);
    expect(sizes.filter((size) => size === 5 + 5 + 1 + 16)).toHaveLength(3);
  });

  test('an unknown request is illegal_parameter; bytes after it in its record are unexpected_message', () => {
    const message = (requestUpdate: number) => encodeMessage(HandshakeType.key_update, { requestUpdate });
    const say = (raw: Uint8Array) => {
      const peer = new Peer('server', { provider, verifyChain: trustAnything, credentials: [credential] });
      const client = newClient();
      peer.play(client, 5);
      return peer.inject(client, raw);
    };
    expect(say(message(1))).toBeUndefined();
    expect(say(message(2))).toEqual({ code: 'ERR_TLS_DECODE', alert: 'illegal_parameter' });
    expect(say(Buffer.concat([message(0), message(0)]))).toEqual({
      code: 'ERR_TLS_EXCESS_HANDSHAKE_DATA',
      alert: 'unexpected_message',
    });
  });
});

test('abort sends the alert it is given', () => {
  const ends = openPair();
  ends.client.abort(new TlsError('ERR_TLS_INTERNAL', 'test', { alert: 'internal_error', blame: 'local' }));
  shuttle(ends);
  expect(errorOf(ends.serverEvents)).toEqual({ code: 'ERR_TLS_ALERT_INTERNAL_ERROR', alert: 'internal_error' });
});

/** Makes every public-key operation answer later. */
function later<T>(value: T | Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => setTimeout(() => Promise.resolve(value).then(resolve, reject), 1));
}

describe('asks', () => {
  test('may all be answered later', async () => {
    const ends = newPair(
      { credentials: [credential] },
      { clientCertificate: 'required', chooseCredentials: async () => [credential] },
    );
    for (let i = 0; i < 4; i++) {
      await settleLater(ends.client, ends.clientEvents, later);
      for (const slab of ends.client.takeOutput()) ends.server.receive(slab);
      await settleLater(ends.server, ends.serverEvents, later);
      for (const slab of ends.server.takeOutput()) ends.client.receive(slab);
    }
    expect([ends.client.phase, ends.server.phase]).toEqual(['open', 'open']);
  });

  test('answered twice, or after the end, change nothing', () => {
    const client = newClient();
    const event = client.poll();
    if (event?.type !== 'ask') throw new Error('no ask');
    const share = perform(event.ask.request) as never;
    client.answer(event.ask, share);
    client.answer(event.ask, share);
    client.fail(event.ask, new Error('late'));
    expect(client.phase).toBe('handshake');
    client.destroy();
    client.answer(event.ask, share);
    expect(client.poll()).toBeUndefined();
    expect(client.phase).toBe('closed');
  });

  test('an operation that fails is internal_error, with its error as cause', () => {
    const cause = new Error('the HSM is on fire');
    const signer = {
      ...credential.signer,
      sign: () => {
        throw cause;
      },
    };
    const ends = shuttle(newPair({}, { credentials: [{ ...credential, signer }] }));
    const failure = ends.serverEvents.find((event) => event.type === 'error');
    expect(failure).toMatchObject({ error: { code: 'ERR_TLS_INTERNAL', alert: 'internal_error', cause } });
    expect(errorOf(ends.clientEvents)).toMatchObject({ code: 'ERR_TLS_ALERT_INTERNAL_ERROR' });
  });

  test('a signature that does not verify is decrypt_error', () => {
    const never: SignatureVerifier[] = provider.verifiers.map(({ algorithm }) => ({ algorithm, verify: () => false }));
    const ends = shuttle(newPair({ provider: { ...provider, verifiers: never } }));
    expect(errorOf(ends.clientEvents)).toEqual({ code: 'ERR_TLS_BAD_SIGNATURE', alert: 'decrypt_error' });
    expect(errorOf(ends.serverEvents)).toEqual({ code: 'ERR_TLS_ALERT_DECRYPT_ERROR', alert: 'decrypt_error' });
  });

  test('a proof about another chain is not taken', () => {
    const plainChain = {
      certificateType: 'X509',
      ocspResponse: undefined,
      timestamps: undefined,
      resumed: false,
    } as const;
    const wrong = trustAnything({ peer: 'server', chain: [makeOther()], serverName: undefined, ...plainChain });
    const ends = shuttle(newPair({ verifyChain: () => wrong }));
    expect(errorOf(ends.clientEvents)).toEqual({ code: 'ERR_TLS_INTERNAL', alert: 'internal_error' });
  });
});

function makeOther(): Uint8Array {
  const [leaf = new Uint8Array(0)] = credential.chain;
  const other = leaf.slice();
  // The last byte is in the signature: the certificate still reads.
  other[other.length - 1] = (other.at(-1) ?? 0) ^ 1;
  return other;
}

describe('secrets', () => {
  test('neither inspect nor JSON shows a byte of them', () => {
    const secrets: string[] = [];
    const ends = shuttle(newPair({ keylog: true }));
    for (const event of ends.clientEvents)
      if (event.type === 'secret') secrets.push(Buffer.from(event.secret).toString('hex'));
    expect(secrets).toHaveLength(5);
    const shown = inspect(ends.client, { depth: 10, showHidden: true }) + JSON.stringify(ends.client);
    for (const secret of secrets) expect(shown).not.toContain(secret.slice(0, 16));
  });

  test('destroy forgets the exporter and says nothing', () => {
    const ends = openPair();
    ends.client.destroy();
    expect(ends.client.takeOutput()).toEqual([]);
    expect(() => ends.client.exportKey('x', undefined, 1)).toThrow(TlsError);
    expect(ends.client.poll()).toBeUndefined();
  });

  test('closing during the handshake is user_canceled and close_notify', () => {
    const client = newClient();
    settle(client);
    client.closeWrite();
    const server = newServer();
    const events: Event[] = [];
    for (const slab of client.takeOutput()) feed(server, slab, events);
    expect(errorOf(events)).toEqual({ code: 'ERR_TLS_TRUNCATED', alert: undefined });
  });
});
