import { describe, expect, test } from 'vitest';
import { Secret } from '#opentls/crypto/secret';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import { CipherSuiteId, HandshakeType } from '#opentls/wire/enums';
import { type ExtensionValues, writeExtensions } from '#opentls/wire/extensions';
import { type ClientHello, encodeMessage, parseMessage } from '#opentls/wire/messages';
import { credential, errorOf, newClient, newServer, settle, trustAnything } from '../kit/pair.ts';
import { Peer } from '../kit/peer.ts';
import { provider } from '../kit/provider.ts';

// RFC 9846 §6: what has an out-of-range length cannot be parsed according to the syntax, and is decode_error, also where
// the length is all that is wrong with the value of a MAC.

const honest = {
  provider,
  verifyChain: trustAnything,
  credentials: [credential],
  suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256],
};
const bits = 7;
/** `random()` answers what a test can know. */
const known = { ...provider, random: (length: number) => new Uint8Array(length).fill(bits) };

/** A Finished under SHA-256, whose verify_data is 32 bytes (§4.5.3). */
function finished(length: number): Uint8Array {
  return encodeMessage(HandshakeType.finished, { verifyData: new Uint8Array(length) });
}

const places = {
  'of a server': (raw: Uint8Array, config: Partial<ClientConfig>) => {
    const [peer, client] = [new Peer('server', honest), newClient(config)];
    peer.play(client, 4);
    return peer.inject(client, raw);
  },
  'of a client': (raw: Uint8Array, config: Partial<ServerConfig>) => {
    const [peer, server] = [new Peer('client', honest), newServer(config)];
    peer.play(server, 1);
    return peer.inject(server, raw);
  },
  'of a client that is asked after the handshake': (raw: Uint8Array, config: Partial<ServerConfig>) => {
    const peer = new Peer('client', { ...honest, postHandshakeAuth: true });
    const server = newServer({ ...config, provider: known, clientCertificate: 'none' });
    peer.play(server, 2);
    server.requestCertificate();
    settle(server);
    const none = { certificateRequestContext: known.random(16), certificateList: [] };
    expect(peer.inject(server, encodeMessage(HandshakeType.certificate, none))).toBeUndefined();
    return peer.inject(server, raw);
  },
} as const;

describe.each(Object.entries(places))('a Finished %s', (_, say) => {
  test.each([0, 1, 31, 33, 48, 64, 10_000])('of %i bytes, not 32, is decode_error', (length) => {
    expect(say(finished(length), {})).toEqual({ code: 'ERR_TLS_DECODE', alert: 'decode_error' });
    const asBoringssl = { code: 'ERR_TLS_BAD_FINISHED', alert: 'decrypt_error' };
    expect(say(finished(length), { boringsslChecks: true })).toEqual(asBoringssl);
  });

  test('of 32 bytes that are wrong is decrypt_error', () => {
    expect(say(finished(32), {})).toEqual({ code: 'ERR_TLS_BAD_FINISHED', alert: 'decrypt_error' });
  });
});

describe('a binder, of which the syntax has 32 to 255 bytes (§4.3.11)', () => {
  const secret = () => new Uint8Array(32);
  const identity = new Uint8Array(4);

  /** A ClientHello whose binders have these lengths, for a server that knows its PSK, or knows none. */
  function say(lengths: readonly number[], config: Partial<ServerConfig>) {
    const client = newClient();
    settle(client);
    const [slab = new Uint8Array(0)] = client.takeOutput();
    const { body } = parseMessage(slab.slice(5)) as { body: ClientHello } & ReturnType<typeof parseMessage>;
    const psk: ExtensionValues['CH'] = {
      pre_shared_key: {
        identities: lengths.map(() => ({ identity, obfuscatedTicketAge: 0 })),
        binders: lengths.map((length) => new Uint8Array(length)),
      },
    };
    const extensions = [...body.extensions, ...writeExtensions('CH', psk)];
    const raw = encodeMessage(HandshakeType.client_hello, { ...body, extensions });
    const server = newServer(config);
    server.receive(Uint8Array.of(22, 3, 3, raw.length >> 8, raw.length & 255, ...raw));
    return errorOf(settle(server));
  }

  const findPsk = () => ({ identity, secret: new Secret('psk', secret()), hash: 'sha256' as const });

  test.each([[[0]], [[31]], [[32, 31]], [[255, 0]]])('of %j bytes is decode_error, whoever it is for', (lengths) => {
    const malformed = { code: 'ERR_TLS_PSK_DECODE', alert: 'decode_error' };
    for (const config of [{}, { findPsk }]) expect(say(lengths, config)).toEqual(malformed);
  });

  test.each([[[32]], [[33]], [[255, 32]]])('of %j bytes is taken, and does not match', (lengths) => {
    expect(say(lengths, {})).toBeUndefined();
    expect(say(lengths, { findPsk })).toEqual({ code: 'ERR_TLS_BAD_BINDER', alert: 'decrypt_error' });
  });

  test('with boringsslChecks one that is short does not match either', () => {
    const asBoringssl = { code: 'ERR_TLS_BAD_BINDER', alert: 'decrypt_error' };
    expect(say([31], { findPsk, boringsslChecks: true })).toEqual(asBoringssl);
  });
});
