// What a server answers to a ClientHello.

import { describe, expect, test } from 'vitest';
import { toHex } from '#opentls/bytes/hex';
import type { ClientConfig } from '#opentls/handshake/terms/config';
import { ContentType, ExtensionType, HandshakeType, NamedGroup, ProtocolVersion } from '#opentls/wire/enums';
import { readExtensions } from '#opentls/wire/extensions';
import { helloRetryRequestRandom, parseMessage, type ServerHello } from '#opentls/wire/messages';
import { answerTo, bodyOf, encodeHello, plainMessages, speak } from '../../kit/hellos.ts';
import { credential, errorOf, newPair, openPair, shuttle } from '../../kit/pair.ts';
import { randomBytes } from '../../kit/random.ts';
import { recordsOf } from '../../record/records.ts';

const bytes = randomBytes(9846);

describe('the hellos of a server, RFC 9846 §4.2.3 and §4.2.4', () => {
  test('a ServerHello holds what the keys need, and nothing else', () => {
    const { hello } = speak();
    const answer = bodyOf(plainMessages(answerTo(encodeHello(hello)).output), HandshakeType.server_hello);
    expect(answer).toMatchObject({
      legacyVersion: ProtocolVersion.TLS12,
      legacySessionIdEcho: hello.legacySessionId,
      legacyCompressionMethod: 0,
    });
    const types = answer.extensions.map(({ type }) => type);
    expect(new Set(types)).toEqual(new Set([ExtensionType.supported_versions, ExtensionType.key_share]));
    const values = readExtensions('SH', answer.extensions);
    expect([values.supported_versions, values.key_share?.group]).toEqual([ProtocolVersion.TLS13, NamedGroup.x25519]);
  });

  test('a HelloRetryRequest names the version, and the suite that stays', () => {
    const { client, server } = newPair(
      {},
      { groups: [NamedGroup.secp256r1], retryCookies: { seal: () => bytes(9), open: () => undefined } },
    );
    const output: Uint8Array[] = [];
    shuttle({ client, server, clientEvents: [], serverEvents: [] }, (from, slab) => {
      if (from === 'server') output.push(slab);
      return [slab];
    });
    const records = recordsOf(Buffer.concat(output)).filter(({ type }) => type === ContentType.handshake);
    const [retry, answer] = records.map(({ body }) => parseMessage(body).body as ServerHello);
    expect(retry?.random).toEqual(helloRetryRequestRandom);
    expect(readExtensions('HRR', retry?.extensions ?? [])).toMatchObject({
      supported_versions: ProtocolVersion.TLS13,
      key_share: NamedGroup.secp256r1,
    });
    expect(retry?.extensions).toHaveLength(3);
    expect(answer?.cipherSuite).toBe(retry?.cipherSuite);
    expect(server.phase).toBe('open');
  });

  test('one ClientHello at two servers: both take its share, each with random and share of its own', () => {
    const { hello } = speak();
    const answers = [0, 1].map(() => {
      const { output, events } = answerTo(encodeHello(hello));
      expect(errorOf(events)).toBeUndefined();
      return bodyOf(plainMessages(output), HandshakeType.server_hello);
    });
    const shares = answers.map(({ extensions }) =>
      toHex(readExtensions('SH', extensions).key_share?.keyExchange ?? bytes(1)),
    );
    expect(new Set([...answers.map(({ random }) => toHex(random)), toHex(hello.random)]).size).toBe(3);
    expect(new Set(shares).size).toBe(2);
  });
});

describe('code points that a server does not know', () => {
  test('reserved versions, suites, groups, shares, schemes, PSK modes and extensions are ignored', () => {
    for (let i = 0; i < 5; i++) openPair({ grease: true });
  });

  test('status_request_v2 is not acted upon, and OpenPGP is no certificate type', () => {
    const adding = (type: number, data: readonly number[]): Partial<ClientConfig> => ({
      shapeClientHello: (hello) => ({
        ...hello,
        extensions: [...hello.extensions, { type, data: new Uint8Array(data) }],
      }),
    });
    const { client } = openPair(adding(17, [0, 7, 2, 0, 4, 0, 0, 0, 0]), {
      credentials: [{ ...credential, ocspResponse: bytes(20) }],
    });
    expect(client.facts?.peerOcspResponse).toBeUndefined();
    const ends = shuttle(newPair(adding(ExtensionType.server_certificate_type, [1, 1])));
    expect(errorOf(ends.serverEvents)).toMatchObject({ alert: 'handshake_failure' });
  });
});
