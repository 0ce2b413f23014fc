// CertificateRequest after the handshake, RFC 9846 §4.7.2.

import { describe, expect, test } from 'vitest';
import { toHex } from '#opentls/bytes/hex';
import { Secret } from '#opentls/crypto/secret';
import { perform } from '#opentls/handshake/terms/script';
import { Opener } from '#opentls/record/opener';
import { ExtensionType, HandshakeType, SignatureScheme } from '#opentls/wire/enums';
import { writeExtensions } from '#opentls/wire/extensions';
import { encodeMessage, parseMessage } from '#opentls/wire/messages';
import {
  credential,
  dataOf,
  feed,
  newClient,
  newPair,
  openPair,
  settle,
  shuttle,
  trustAnything,
} from '../../kit/pair.ts';
import { Peer } from '../../kit/peer.ts';
import { provider } from '../../kit/provider.ts';
import { randomBytes } from '../../kit/random.ts';
import { recordsOf, suiteOf } from '../../record/records.ts';

const bytes = randomBytes(9846);

/** Everything that the server says under its application keys. */
function serverMessages(
  output: readonly Uint8Array[],
  secret: Uint8Array,
  suite: number,
): ReturnType<typeof parseMessage>[] {
  const opener = new Opener(suiteOf(provider, suite), new Secret('s ap traffic', secret.slice()));
  return recordsOf(Buffer.concat(output)).map((view) => parseMessage(opener.open(view).bytes));
}

describe('a CertificateRequest after the handshake, RFC 9846 §4.7.2', () => {
  test('a certificate_request_context is never used again', () => {
    const ends = newPair({ postHandshakeAuth: true }, { keylog: true });
    shuttle(ends);
    const logged = ends.serverEvents.find(
      (event) => event.type === 'secret' && event.label === 'SERVER_TRAFFIC_SECRET_0',
    );
    if (logged?.type !== 'secret') return expect.fail('no secret was logged');
    const output: Uint8Array[] = [];
    for (let i = 0; i < 3; i++) {
      ends.server.requestCertificate();
      shuttle(ends, (from, slab) => {
        if (from === 'server') output.push(slab);
        return [slab];
      });
    }
    const messages = serverMessages(output, logged.secret, ends.server.facts?.suite.id ?? 0);
    const contexts = messages.map(({ body }) =>
      'certificateRequestContext' in body ? toHex(body.certificateRequestContext) : '',
    );
    expect(new Set(contexts).size).toBe(3);
    expect(contexts).not.toContain('');
  });

  test('a client answers with consecutive messages, and the server waits through others', () => {
    const ends = openPair({ postHandshakeAuth: true, credentials: [credential] }, { clientCertificate: 'required' });
    ends.server.requestCertificate();
    settle(ends.server, ends.serverEvents);
    for (const slab of ends.server.takeOutput()) ends.client.receive(slab);
    const asked = ends.client.poll();
    if (asked?.type !== 'ask') return expect.fail('the client need not sign');
    expect(asked.ask.request.ask).toBe('sign');
    // Nothing goes out before all of it can.
    expect(ends.client.takeOutput()).toEqual([]);
    ends.client.write([Buffer.from('one ')]);
    for (const slab of ends.client.takeOutput()) feed(ends.server, slab, ends.serverEvents);
    ends.client.updateKeys();
    ends.client.write([Buffer.from('two')]);
    for (const slab of ends.client.takeOutput()) feed(ends.server, slab, ends.serverEvents);
    ends.client.answer(asked.ask, perform(asked.ask.request) as never);
    shuttle(ends);
    expect(Buffer.from(dataOf(ends.serverEvents)).toString()).toBe('one two');
    expect(ends.serverEvents.map(({ type }) => type)).toEqual(['data', 'data', 'authenticated']);
  });

  test('a client without a certificate answers with an empty one', () => {
    const ends = openPair({ postHandshakeAuth: true });
    ends.server.requestCertificate();
    shuttle(ends);
    expect(ends.serverEvents).toMatchObject([{ type: 'authenticated', facts: { peer: undefined } }]);
    expect([ends.client.phase, ends.server.phase]).toEqual(['open', 'open']);
  });

  test('a client that did not offer it is not asked', () => {
    const { server } = openPair({ credentials: [credential] });
    const misuse = expect.objectContaining({ code: 'ERR_TLS_INVALID_STATE' });
    expect(() => server.requestCertificate()).toThrow(misuse);
  });

  test('unknown extensions of a CertificateRequest, and filters that it does not recognise, are passed over', () => {
    const peer = new Peer('server', { provider, verifyChain: trustAnything, credentials: [credential] });
    const client = newClient({ credentials: [credential], postHandshakeAuth: true });
    peer.play(client, 5);
    const oid = [6, 3, 0x55, 0x1d, 0x7f];
    const extensions = [
      ...writeExtensions('CR', { signature_algorithms: [SignatureScheme.ecdsa_secp256r1_sha256] }),
      { type: 0x7a7a, data: bytes(3) },
      { type: ExtensionType.oid_filters, data: new Uint8Array([0, 8, 5, ...oid, 0, 0]) },
    ];
    client.takeOutput();
    const context = { certificateRequestContext: bytes(4) };
    expect(peer.inject(client, encodeMessage(HandshakeType.certificate_request, { ...context, extensions }))).toBe(
      undefined,
    );
    // Certificate, CertificateVerify and Finished: far more than an empty Certificate and Finished would be.
    expect(Buffer.concat(client.takeOutput()).length).toBeGreaterThan(300);
  });
});
