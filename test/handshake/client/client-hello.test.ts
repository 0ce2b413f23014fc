// The ClientHello that a client sends.

import { describe, expect, test } from 'vitest';
import { Connection } from '#opentls/connection/connection';
import { Secret } from '#opentls/crypto/secret';
import {
  CipherSuiteId,
  ExtensionType,
  HandshakeType,
  NamedGroup,
  ProtocolVersion,
  SignatureScheme,
} from '#opentls/wire/enums';
import { readExtensions } from '#opentls/wire/extensions';
import { bodyOf, plainMessages, retryRequest, speak } from '../../kit/hellos.ts';
import { feed, settle, trustAnything } from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';
import { resumable } from '../../kit/psks.ts';
import { randomBytes } from '../../kit/random.ts';

const bytes = randomBytes(9846);

describe('the ClientHello of a client, RFC 9846 §4.2.2', () => {
  test.each([true, false])('legacy fields, with middlebox compatibility %s', (middleboxCompatibility) => {
    const { hello } = speak({ middleboxCompatibility });
    expect(hello.legacyVersion).toBe(ProtocolVersion.TLS12);
    expect(hello.legacySessionId).toHaveLength(middleboxCompatibility ? 32 : 0);
    expect(hello.legacyCompressionMethods).toEqual(new Uint8Array([0]));
  });

  test('the extensions that §9.2 requires, and nothing that TLS 1.3 left behind', () => {
    const { hello, extensions } = speak();
    expect(extensions).toMatchObject({
      supported_versions: [ProtocolVersion.TLS13],
      supported_groups: [NamedGroup.x25519, NamedGroup.secp256r1],
    });
    expect(extensions.signature_algorithms).toContain(SignatureScheme.ecdsa_secp256r1_sha256);
    expect(extensions.key_share).toHaveLength(1);
    expect(extensions.psk_key_exchange_modes).toEqual([1]);
    expect(hello.cipherSuites.every((suite) => suite >> 8 === 0x13)).toBe(true);
    const truncatedHmac = 4;
    const types = hello.extensions.map(({ type }) => type);
    expect(types).not.toContain(truncatedHmac);
    expect(new Set(types).size).toBe(types.length);
  });

  test('is made anew for each connection, without the cookie of another', () => {
    const [first, second] = [speak(), speak()];
    first.client.receive(retryRequest(first.hello, { cookie: bytes(8) }));
    settle(first.client, first.events);
    const third = speak();
    for (const other of [second, third]) {
      expect(other.hello.random).not.toEqual(first.hello.random);
      expect(other.hello.legacySessionId).not.toEqual(first.hello.legacySessionId);
      expect(other.extensions.key_share).not.toEqual(first.extensions.key_share);
      expect(other.extensions.cookie).toBeUndefined();
    }
  });

  test('PSKs come last, with their modes and before 0-RTT data', () => {
    const { session } = resumable();
    const offer = { takeSession: () => ({ ...session, psk: new Secret('psk', bytes(32)) }), earlyData: true };
    for (let i = 0; i < 20; i++) {
      const { hello, extensions } = speak(offer);
      expect(hello.extensions.at(-1)?.type).toBe(ExtensionType.pre_shared_key);
      expect(extensions).toMatchObject({ psk_key_exchange_modes: [1], early_data: true });
      expect(extensions.pre_shared_key?.identities[0]?.identity).toEqual(session.ticket);
    }
  });

  test('no scheme with MD5, SHA-224 or DSA, even where it is configured, and SHA-1 last', () => {
    const { extensions } = speak({
      signatureSchemes: [
        0x0101,
        SignatureScheme.rsa_pkcs1_sha1,
        0x0202,
        SignatureScheme.ecdsa_sha1,
        0x0301,
        0x0402,
        SignatureScheme.ecdsa_secp256r1_sha256,
      ],
    });
    expect(extensions.signature_algorithms).toEqual([
      SignatureScheme.ecdsa_secp256r1_sha256,
      SignatureScheme.rsa_pkcs1_sha1,
      SignatureScheme.ecdsa_sha1,
    ]);
    expect(speak().extensions.signature_algorithms?.every((scheme) => scheme >> 8 > 3)).toBe(true);
  });

  test('signature_algorithms_cert is sent where it is configured', () => {
    expect(
      speak({ certificateSchemes: [SignatureScheme.rsa_pkcs1_sha256, SignatureScheme.ecdsa_secp256r1_sha256] })
        .extensions.signature_algorithms_cert,
    ).toEqual([SignatureScheme.rsa_pkcs1_sha256, SignatureScheme.ecdsa_secp256r1_sha256]);
  });

  test('after a HelloRetryRequest it is the first one, but for what §4.2.2 lists', () => {
    const { session } = resumable();
    const { client, events, hello } = speak({
      suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256],
      takeSession: () => session,
      earlyData: true,
    });
    const cookie = bytes(20);
    feed(client, retryRequest(hello, { key_share: NamedGroup.secp256r1, cookie }), events);
    const second = bodyOf(plainMessages(client.takeOutput()), HandshakeType.client_hello);
    const { key_share, early_data, pre_shared_key, ...others } = readExtensions('CH', hello.extensions);
    const again = readExtensions('CH', second.extensions);
    expect([early_data, pre_shared_key?.identities.length]).toEqual([true, 1]);
    expect({ ...second, extensions: [] }).toEqual({ ...hello, extensions: [] });
    expect(again).toEqual({ ...others, cookie, key_share: again.key_share, pre_shared_key: again.pre_shared_key });
    expect(again.key_share?.map(({ group }) => group)).toEqual([NamedGroup.secp256r1]);
    expect(again.pre_shared_key?.identities[0]?.identity).toEqual(session.ticket);
    expect(again.pre_shared_key?.binders).not.toEqual(pre_shared_key?.binders);
    expect(key_share?.map(({ group }) => group)).toEqual([NamedGroup.x25519]);
  });
});

describe('groups and their shares, §4.3.7 and §4.3.8', () => {
  test('one share for a group, in the order of supported_groups', () => {
    const client = Connection.client({ provider, verifyChain: trustAnything });
    settle(client);
    const { extensions } = bodyOf(plainMessages(client.takeOutput()), HandshakeType.client_hello);
    const { supported_groups = [], key_share = [] } = readExtensions('CH', extensions);
    const places = key_share.map(({ group }) => supported_groups.indexOf(group));
    expect(key_share).toHaveLength(2);
    expect(places).not.toContain(-1);
    expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
    expect(new Set(supported_groups).size).toBe(supported_groups.length);
  });

  test.each([
    [
      [NamedGroup.x25519, NamedGroup.secp256r1],
      [NamedGroup.secp256r1, NamedGroup.x25519],
      [NamedGroup.x25519, NamedGroup.secp256r1],
    ],
    [[NamedGroup.x25519, NamedGroup.secp256r1], [NamedGroup.x25519, NamedGroup.x25519], [NamedGroup.x25519]],
    [[NamedGroup.x25519, NamedGroup.x25519, NamedGroup.secp256r1], undefined, undefined],
  ])('groups %j with shares for %j: each once, in one order', (groups, keyShares, sent) => {
    const { supported_groups = [], key_share = [] } = speak({ groups, keyShares }).extensions;
    expect(supported_groups).toEqual([...new Set(groups)]);
    const shares = key_share.map(({ group }) => group);
    if (sent !== undefined) expect(shares).toEqual(sent);
    expect(shares).toEqual(supported_groups.filter((group) => shares.includes(group)));
  });
});
