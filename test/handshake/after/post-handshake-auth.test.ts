import { describe, expect, test } from 'vitest';
import type { Connection, Event } from '#opentls/connection/connection';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import { type AskName, type PendingAsk, perform } from '#opentls/handshake/terms/script';
import type { Session } from '#opentls/session/session';
import { TicketKeys } from '#opentls/session/tickets';
import { CipherSuiteId, HandshakeType, NamedGroup, SignatureScheme } from '#opentls/wire/enums';
import { writeExtensions } from '#opentls/wire/extensions';
import { encodeMessage } from '#opentls/wire/messages';
import { testCredential } from '../../kit/credentials.ts';
import {
  credential,
  dataOf,
  type Ends,
  errorOf,
  feed,
  newClient,
  newPair,
  newServer,
  openPair,
  settle,
  shuttle,
  sides,
  trustAnything,
} from '../../kit/pair.ts';
import { Peer } from '../../kit/peer.ts';
import { provider } from '../../kit/provider.ts';
import { randomBytes } from '../../kit/random.ts';

const bytes = randomBytes(472);
const misuse = expect.objectContaining({ code: 'ERR_TLS_INVALID_STATE' });
const able = { postHandshakeAuth: true, credentials: [credential] } as const;

/** A pair of which the server has asked; the client has not heard of it. */
function asked(client: Partial<ClientConfig> = able, server: Partial<ServerConfig> = {}): Ends {
  const ends = openPair(client, server);
  ends.server.requestCertificate();
  return ends;
}

function answers({ serverEvents }: Ends): Extract<Event, { type: 'authenticated' }>[] {
  return serverEvents.flatMap((event) => (event.type === 'authenticated' ? [event] : []));
}

/** Polls to the first ask of this name, doing the others. */
function until(engine: Connection, name: AskName, events: Event[] = []): PendingAsk {
  for (let event = engine.poll(); event !== undefined; event = engine.poll()) {
    if (event.type !== 'ask') events.push(event);
    else if (event.ask.request.ask === name) return event.ask;
    else engine.answer(event.ask, perform(event.ask.request) as never);
  }
  return expect.fail(`${name} was not asked for`);
}

function carry(from: Connection, to: Connection): void {
  settle(from);
  for (const slab of from.takeOutput()) to.receive(slab);
}

describe('a client is asked after the handshake, RFC 9846 §4.7.2', () => {
  test.each(['none', 'optional', 'required'] as const)('and shows a certificate, %s', (clientCertificate) => {
    const ends = openPair(able, { clientCertificate });
    expect(ends.server.facts?.peer === undefined).toBe(clientCertificate === 'none');
    expect(ends.server.facts?.postHandshakeAuth).toBe(true);
    ends.server.requestCertificate();
    shuttle(ends);
    expect(answers(ends)).toHaveLength(1);
    const { facts } = ends.server;
    expect(answers(ends)[0]?.facts).toBe(facts);
    expect(facts).toMatchObject({
      peerChain: credential.chain,
      peerSignatureScheme: SignatureScheme.ecdsa_secp256r1_sha256,
      resumed: false,
    });
    expect(facts?.peer?.certificates[0]?.raw).toEqual(credential.chain[0]);
    expect([ends.client.phase, ends.server.phase]).toEqual(['open', 'open']);
  });

  test('and need not have one, where it is optional', () => {
    const ends = asked({ postHandshakeAuth: true }, { clientCertificate: 'optional' });
    shuttle(ends);
    expect(answers(ends)).toMatchObject([{ facts: { peer: undefined, peerChain: [] } }]);
  });

  test('but fails with certificate_required, where it is required', () => {
    // The one of the handshake is gone by then.
    const credentials = [credential];
    const ends = openPair({ postHandshakeAuth: true, credentials }, { clientCertificate: 'required' });
    credentials.pop();
    ends.server.requestCertificate();
    shuttle(ends);
    const refusal = { code: 'ERR_TLS_CERTIFICATE_REQUIRED', alert: 'certificate_required' };
    expect(errorOf(ends.serverEvents)).toEqual(refusal);
    expect(errorOf(ends.clientEvents)).toMatchObject({ code: 'ERR_TLS_ALERT_CERTIFICATE_REQUIRED' });
  });

  test.each(['none', 'optional', 'required'] as const)('or as the request itself says, %s', (clientCertificate) => {
    for (const required of [true, false]) {
      const credentials = [credential];
      const ends = openPair({ postHandshakeAuth: true, credentials }, { clientCertificate });
      credentials.pop();
      ends.server.requestCertificate(required);
      shuttle(ends);
      expect(errorOf(ends.serverEvents)?.alert).toBe(required ? 'certificate_required' : undefined);
      expect(answers(ends)).toHaveLength(required ? 0 : 1);
      if (!required) expect(ends.server.facts).toMatchObject({ peer: undefined, peerChain: [] });
    }
  });

  test.each([
    ['CERT_HAS_EXPIRED', 'certificate_expired'],
    ['CERT_REVOKED', 'certificate_revoked'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'unknown_ca'],
  ] as const)('a chain that is refused as %s is %s', (code, alert) => {
    const verifyChain: ServerConfig['verifyChain'] = () => ({ ok: false, code, reason: 'no' });
    const ends = shuttle(asked(able, { verifyChain }));
    expect(errorOf(ends.serverEvents)).toEqual({ code, alert });
    expect(ends.client.phase).toBe('failed');
  });

  test('a signature of another key is decrypt_error', () => {
    const { signer } = testCredential(provider);
    const ends = shuttle(asked({ ...able, credentials: [{ ...credential, signer }] }));
    expect(errorOf(ends.serverEvents)).toEqual({ code: 'ERR_TLS_BAD_SIGNATURE', alert: 'decrypt_error' });
  });

  test('on a connection that was resumed, where the handshake could not ask', () => {
    const server = { tickets: new TicketKeys(provider) };
    const sessions: Session[] = [];
    for (const event of shuttle(newPair(able, server)).clientEvents) {
      if (event.type === 'session') sessions.push(event.session);
    }
    const ends = asked({ ...able, takeSession: () => sessions[0] }, server);
    expect(ends.server.facts).toMatchObject({ resumed: true, peer: undefined });
    shuttle(ends);
    expect(answers(ends)).toMatchObject([{ facts: { resumed: true, peerChain: credential.chain } }]);
  });

  test.each(sides)('after the %s has replaced its keys', (side) => {
    const ends = openPair(able);
    ends[side].updateKeys();
    ends[side].write([bytes(1)]);
    shuttle(ends);
    ends.server.requestCertificate();
    shuttle(ends);
    expect(answers(ends)).toHaveLength(1);
  });
});

describe('several requests', () => {
  test('one after another, each answered with what the client has then', () => {
    const others = [credential, testCredential(provider), testCredential(provider)];
    const credentials = [...others];
    const ends = openPair({ postHandshakeAuth: true, credentials });
    for (const { chain } of others) {
      ends.server.requestCertificate();
      shuttle(ends);
      expect(ends.server.facts?.peerChain).toEqual(chain);
      credentials.shift();
    }
    expect(answers(ends)).toHaveLength(3);
  });

  test('while one is open', () => {
    const ends = openPair(able);
    for (let i = 0; i < 3; i++) ends.server.requestCertificate();
    shuttle(ends);
    expect(answers(ends)).toHaveLength(3);
    expect([ends.client.phase, ends.server.phase]).toEqual(['open', 'open']);
  });

  /** A scripted server that asks as often as it likes. */
  function overrun(count: number) {
    const peer = new Peer('server', {
      provider,
      groups: [NamedGroup.x25519],
      credentials: [credential],
      verifyChain: trustAnything,
    });
    const client = newClient({ groups: [NamedGroup.x25519], ...able });
    peer.play(client, 5);
    const sent = Array.from({ length: count }, (_, i) =>
      encodeMessage(HandshakeType.certificate_request, {
        certificateRequestContext: Uint8Array.of(i),
        extensions: writeExtensions('CR', { signature_algorithms: [SignatureScheme.ecdsa_secp256r1_sha256] }),
      }),
    );
    // Not one signature is made before all have come.
    const quiet = { receive: (record: Uint8Array) => client.receive(record), poll: () => undefined };
    for (const raw of sent) peer.say(quiet as unknown as Connection, 22, raw);
    const asks: PendingAsk[] = [];
    const events: Event[] = [];
    for (let event = client.poll(); event !== undefined; event = client.poll()) {
      if (event.type === 'ask') asks.push(event.ask);
      else events.push(event);
    }
    return { client, asks, events };
  }

  test('at once, while the first signature is not there yet: one at a time', () => {
    const { client, asks, events } = overrun(3);
    expect(errorOf(events)).toBeUndefined();
    expect(asks.map(({ request }) => request.ask)).toEqual(['sign']);
    client.takeOutput();
    let [ask] = asks;
    for (let answered = 1; ask !== undefined; answered++) {
      client.answer(ask, perform(ask.request) as never);
      expect(client.takeOutput()).not.toEqual([]);
      ask = answered < 3 ? until(client, 'sign') : undefined;
      expect(client.takeOutput()).toEqual([]);
    }
    expect(client.poll()).toBeUndefined();
    expect(client.phase).toBe('open');
  });

  test('no more than a few', () => {
    expect(errorOf(overrun(9).events)).toBeUndefined();
    expect(errorOf(overrun(10).events)).toMatchObject({ alert: 'unexpected_message' });
  });
});

describe('while it takes its time', () => {
  test('the server may verify later', () => {
    const ends = asked();
    carry(ends.server, ends.client);
    carry(ends.client, ends.server);
    const ask = until(ends.server, 'verifyChain', ends.serverEvents);
    ends.server.write([bytes(20)]);
    for (const slab of ends.server.takeOutput()) feed(ends.client, slab, ends.clientEvents);
    expect(dataOf(ends.clientEvents)).toHaveLength(20);
    expect(answers(ends)).toEqual([]);
    ends.server.answer(ask, perform(ask.request) as never);
    shuttle(ends);
    expect(answers(ends)).toHaveLength(1);
  });

  test('a verdict of no comes as an alert', () => {
    const ends = asked();
    carry(ends.server, ends.client);
    carry(ends.client, ends.server);
    const ask = until(ends.server, 'verifyChain', ends.serverEvents);
    ends.server.answer(ask, { ok: false, code: 'CERT_REVOKED', reason: 'no' });
    shuttle(ends);
    expect(errorOf(ends.serverEvents)).toEqual({ code: 'CERT_REVOKED', alert: 'certificate_revoked' });
  });

  test('a signer that fails ends the connection', () => {
    const ends = asked();
    carry(ends.server, ends.client);
    ends.client.fail(until(ends.client, 'sign'), new Error('the token was pulled'));
    shuttle(ends);
    expect(errorOf(ends.clientEvents)).toEqual({ code: 'ERR_TLS_INTERNAL', alert: 'internal_error' });
  });

  test('a client that has ended its direction does not answer any more', () => {
    const ends = asked();
    carry(ends.server, ends.client);
    const ask = until(ends.client, 'sign');
    ends.client.closeWrite();
    ends.client.takeOutput();
    ends.client.answer(ask, perform(ask.request) as never);
    settle(ends.client, ends.clientEvents);
    expect(ends.client.takeOutput()).toEqual([]);
    expect(errorOf(ends.clientEvents)).toBeUndefined();
  });
});

describe('who may ask, and when', () => {
  test('not a client, not before the handshake is done, not after the end', () => {
    const { client, server } = openPair(able);
    expect(() => client.requestCertificate()).toThrow(misuse);
    expect(() => newServer().requestCertificate()).toThrow(misuse);
    server.closeWrite();
    expect(() => server.requestCertificate()).toThrow(misuse);
  });

  /** A CertificateRequest of a scripted server, to a client that is open. */
  function requested(
    client: Partial<ClientConfig>,
    extensions = writeExtensions('CR', { signature_algorithms: [SignatureScheme.ecdsa_secp256r1_sha256] }),
  ) {
    const peer = new Peer('server', {
      provider,
      groups: [NamedGroup.x25519],
      credentials: [credential],
      verifyChain: trustAnything,
    });
    const engine = newClient({ groups: [NamedGroup.x25519], credentials: [credential], ...client });
    peer.play(engine, 5);
    engine.takeOutput();
    const request = { certificateRequestContext: bytes(8), extensions };
    const refusal = peer.inject(engine, encodeMessage(HandshakeType.certificate_request, request));
    return { refusal, answered: engine.takeOutput().length > 0 };
  }

  test('a client that offered it answers', () => {
    expect(requested({ postHandshakeAuth: true })).toEqual({ refusal: undefined, answered: true });
  });

  test.each([{}, { postHandshakeAuth: false }])('to a client that did not, it is unexpected_message', (client) => {
    const refusal = { code: 'ERR_TLS_UNEXPECTED_MESSAGE', alert: 'unexpected_message' };
    expect(requested(client).refusal).toEqual(refusal);
  });

  test('without signature_algorithms it is missing_extension', () => {
    expect(requested({ postHandshakeAuth: true }, []).refusal).toMatchObject({ alert: 'missing_extension' });
  });
});

describe('what a server takes for an answer', () => {
  const context = bytes(16);
  const fixed = {
    ...provider,
    random: (length: number) => (length === 16 ? context.slice() : provider.random(length)),
  };

  const certificate = (certificateRequestContext: Uint8Array, ...chain: readonly Uint8Array[]) =>
    encodeMessage(HandshakeType.certificate, {
      certificateRequestContext,
      certificateList: chain.map((certData) => ({ certData, extensions: [] })),
    });
  const verify = encodeMessage(HandshakeType.certificate_verify, {
    algorithm: SignatureScheme.ecdsa_secp256r1_sha256,
    signature: bytes(70),
  });
  const finished = encodeMessage(HandshakeType.finished, { verifyData: bytes(32) });
  const shown = certificate(context, ...credential.chain);
  const empty = certificate(context);

  /** What it makes of these messages of a scripted client, once it has asked. */
  function refusalOf(...messages: readonly Uint8Array[]) {
    const config = {
      provider,
      groups: [NamedGroup.x25519],
      suites: [CipherSuiteId.TLS_AES_128_GCM_SHA256],
      postHandshakeAuth: true,
      verifyChain: trustAnything,
    };
    const peer = new Peer('client', config);
    const server = newServer({ provider: fixed, groups: [NamedGroup.x25519] });
    peer.play(server, 2);
    server.requestCertificate();
    for (const message of messages) peer.inject(server, message);
    return errorOf(peer.events);
  }

  test.each([
    ['a Certificate', [shown]],
    ['an empty one', [empty]],
  ])('%s, so far', (_, messages) => {
    expect(refusalOf(...messages)).toBeUndefined();
  });

  test.each([
    ['another context', [certificate(bytes(16), ...credential.chain)]],
    ['an empty one of another context', [certificate(bytes(16))]],
    ['no context', [certificate(new Uint8Array(0), ...credential.chain)]],
    ['half of the context', [certificate(context.subarray(0, 8), ...credential.chain)]],
  ])('%s is illegal_parameter', (_, messages) => {
    expect(refusalOf(...messages)).toMatchObject({ alert: 'illegal_parameter' });
  });

  test.each([
    ['CertificateVerify first', [verify]],
    ['Finished first', [finished]],
    ['two Certificates', [shown, shown]],
    ['Finished without CertificateVerify', [shown, finished]],
    ['CertificateVerify of an empty Certificate', [empty, verify]],
    [
      'CertificateRequest',
      [encodeMessage(HandshakeType.certificate_request, { certificateRequestContext: context, extensions: [] })],
    ],
  ])('%s is unexpected_message', (_, messages) => {
    expect(refusalOf(...messages)).toMatchObject({ alert: 'unexpected_message' });
  });

  test.each([
    ['a signature that does not verify', [shown, verify]],
    ['a Finished that does not match', [empty, finished]],
  ])('%s is decrypt_error', (_, messages) => {
    expect(refusalOf(...messages)).toMatchObject({ alert: 'decrypt_error' });
  });
});
