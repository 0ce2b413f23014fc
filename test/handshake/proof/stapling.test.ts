import { describe, expect, test } from 'vitest';
import type { ChainRequest, ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import type { Credential } from '#opentls/handshake/terms/credential';
import { decodeSession, encodeSession } from '#opentls/session/session';
import { TicketKeys } from '#opentls/session/tickets';
import { HandshakeType, NamedGroup } from '#opentls/wire/enums';
import type { Extension } from '#opentls/wire/extensions';
import { encodeMessage } from '#opentls/wire/messages';
import { testCredential } from '../../kit/credentials.ts';
import { extensionsOf, offered, rawExtension, watch } from '../../kit/flight.ts';
import {
  credential,
  newClient,
  newPair,
  newServer,
  openPair,
  type Side,
  shuttle,
  sides,
  trustAnything,
} from '../../kit/pair.ts';
import { Peer } from '../../kit/peer.ts';
import { provider } from '../../kit/provider.ts';

/** Nobody looks into these here: what they mean is tested in test/x509. */
const ocspResponse = Uint8Array.from([0x30, 3, 0x0a, 1, 0]);
/** SignedCertificateTimestampList of one entry, RFC 6962 §3.3. */
const timestamps = Uint8Array.from([0, 5, 0, 3, 1, 2, 3]);
const issuer = testCredential(provider);
const stapled: Credential = {
  ...credential,
  chain: [...credential.chain, ...issuer.chain],
  ocspResponse,
  timestamps,
};

/** A handshake in which `side` shows its credential, and the other side asks. */
function show(side: Side, shown: Credential, asks: Partial<ClientConfig & ServerConfig>) {
  const seen: ChainRequest[] = [];
  const verifyChain: ClientConfig['verifyChain'] = (request) => {
    seen.push(request);
    return trustAnything(request);
  };
  const ends =
    side === 'server'
      ? watch({ verifyChain, ...asks }, { credentials: [shown] })
      : watch({ credentials: [shown] }, { verifyChain, ...asks, clientCertificate: 'required' });
  const facts = side === 'server' ? ends.client.facts : ends.server.facts;
  return { ...ends, facts, seen, sent: side === 'server' ? ends.fromServer : ends.fromClient };
}

describe.each(sides)('what a %s staples to its certificate, RFC 9846 §4.5.1.1', (side) => {
  test.each<[string, Credential, Partial<ClientConfig & ServerConfig>, Partial<Credential>]>([
    ['both, asked for both', stapled, { requestOcsp: true, requestTimestamps: true }, { ocspResponse, timestamps }],
    ['an OCSP response alone', stapled, { requestOcsp: true }, { ocspResponse }],
    ['timestamps alone', stapled, { requestTimestamps: true }, { timestamps }],
    ['nothing, not asked', stapled, {}, {}],
    ['nothing, where it has nothing', credential, { requestOcsp: true, requestTimestamps: true }, {}],
  ])('%s', (_, shown, asks, arrives) => {
    const { facts, seen, sent } = show(side, shown, asks);
    expect(facts?.peerChain).toEqual(shown.chain);
    expect(facts?.peerOcspResponse).toEqual(arrives.ocspResponse);
    expect(facts?.peerTimestamps).toEqual(arrives.timestamps);
    expect(seen).toEqual([
      expect.objectContaining({ ocspResponse: arrives.ocspResponse, timestamps: arrives.timestamps }),
    ]);
    const certificate = sent.find(({ type }) => type === HandshakeType.certificate);
    const [leaf, ...others] = certificate?.type === HandshakeType.certificate ? certificate.body.certificateList : [];
    expect(leaf?.extensions).toHaveLength(Object.keys(arrives).length);
    expect(others.flatMap(({ extensions }) => extensions)).toEqual([]);
  });
});

describe('who asks', () => {
  test('a client, in its ClientHello: for OCSP, of any responder (RFC 6066 §8)', () => {
    const values = offered({ requestOcsp: true, requestTimestamps: true });
    expect(values.status_request).toEqual({ statusType: 1, request: new Uint8Array(4) });
    expect(values.signed_certificate_timestamp).toBe(true);
    expect(offered({})).not.toHaveProperty('status_request');
    expect(offered({})).not.toHaveProperty('signed_certificate_timestamp');
  });

  test('a server, in its CertificateRequest', () => {
    const { fromServer } = show('client', stapled, { requestOcsp: true, requestTimestamps: true });
    const asked = { status_request: true, signed_certificate_timestamp: true };
    expect(extensionsOf('CR', fromServer)).toMatchObject(asked);
    const silent = extensionsOf('CR', show('client', stapled, {}).fromServer);
    expect(silent).toBeDefined();
    expect(silent).not.toHaveProperty('status_request');
    expect(silent).not.toHaveProperty('signed_certificate_timestamp');
  });

  test('a server that chooses credentials knows', () => {
    const wanted: boolean[] = [];
    const server = {
      chooseCredentials: ({ wantsOcsp }: { readonly wantsOcsp: boolean }) => {
        wanted.push(wantsOcsp);
        return [stapled];
      },
    };
    openPair({ requestOcsp: true }, server);
    openPair({}, server);
    expect(wanted).toEqual([true, false]);
  });

  test('for a kind of status that is not OCSP there is no answer', () => {
    const shapeClientHello: ClientConfig['shapeClientHello'] = (hello) => ({
      ...hello,
      extensions: [...hello.extensions, rawExtension('status_request', 2, 0, 0)],
    });
    expect(openPair({ shapeClientHello }, { credentials: [stapled] }).client.facts?.peerOcspResponse).toBeUndefined();
  });

  test('after the handshake', () => {
    const ends = openPair({ postHandshakeAuth: true, credentials: [stapled] }, { requestOcsp: true });
    ends.server.requestCertificate();
    shuttle(ends);
    const facts = { peerOcspResponse: ocspResponse, peerTimestamps: undefined };
    expect(ends.serverEvents).toMatchObject([{ type: 'authenticated', facts }]);
  });
});

test('a session keeps what was stapled, for its chain to be judged with', () => {
  const server = { tickets: new TicketKeys(provider), credentials: [stapled] };
  const { clientEvents } = shuttle(newPair({ requestOcsp: true, requestTimestamps: true }, server));
  const event = clientEvents.find(({ type }) => type === 'session');
  const session = event?.type === 'session' ? decodeSession(encodeSession(event.session)) : undefined;
  const seen: ChainRequest[] = [];
  const verifyChain: ClientConfig['verifyChain'] = (request) => {
    seen.push(request);
    return trustAnything(request);
  };
  const { client } = openPair({ verifyChain, takeSession: () => session }, server);
  expect(client.facts).toMatchObject({ resumed: true, peerOcspResponse: ocspResponse, peerTimestamps: timestamps });
  expect(seen).toEqual([expect.objectContaining({ resumed: true, ocspResponse, timestamps })]);
});

/** What the other side makes of a Certificate of `side` with such extensions. */
function refusalOf(side: Side, asks: Partial<ClientConfig & ServerConfig>, ...entries: readonly Extension[][]) {
  const peer = new Peer(side, {
    provider,
    groups: [NamedGroup.x25519],
    credentials: [credential],
    verifyChain: trustAnything,
  });
  const engine =
    side === 'server'
      ? newClient({ groups: [NamedGroup.x25519], ...asks })
      : newServer({ groups: [NamedGroup.x25519], ...asks, clientCertificate: 'required' });
  // ServerHello and EncryptedExtensions; or ClientHello.
  peer.play(engine, side === 'server' ? 2 : 1);
  const certificateList = entries.map((extensions, i) => ({
    certData: stapled.chain[i] ?? new Uint8Array(1),
    extensions,
  }));
  const body = { certificateRequestContext: new Uint8Array(0), certificateList };
  return peer.inject(engine, encodeMessage(HandshakeType.certificate, body));
}

const status = rawExtension('status_request', 1, 0, 0, 1, 9);
const list = rawExtension('signed_certificate_timestamp', ...timestamps);
const both = { requestOcsp: true, requestTimestamps: true };

describe.each(sides)('a Certificate of a %s', (side) => {
  test('the one that the others differ from is taken', () => {
    expect(refusalOf(side, both, [status, list])).toBeUndefined();
    expect(refusalOf(side, both, [], [status, list])).toBeUndefined();
  });

  test.each<[string, Partial<ClientConfig & ServerConfig>, Extension[][]]>([
    ['a status', { requestTimestamps: true }, [[status]]],
    ['timestamps', { requestOcsp: true }, [[list]]],
    ['a status of the issuer', {}, [[], [status]]],
    ['what is reserved', both, [[{ type: 0x1a1a, data: new Uint8Array(0) }]]],
  ])('with %s that nobody asked for is unsupported_extension', (_, asks, entries) => {
    const refusal = { code: 'ERR_TLS_UNSOLICITED_EXTENSION', alert: 'unsupported_extension' };
    expect(refusalOf(side, asks, ...entries)).toEqual(refusal);
  });

  test('with two statuses is refused', () => {
    expect(refusalOf(side, both, [status, status])).toMatchObject({ code: 'ERR_TLS_DUPLICATE_EXTENSION' });
  });

  test.each<[string, Extension[]]>([
    ['an empty status', [rawExtension('status_request')]],
    ['an empty response', [rawExtension('status_request', 1, 0, 0, 0)]],
    ['a response that is cut off', [rawExtension('status_request', 1, 0, 0, 2, 9)]],
    ['a byte after the response', [rawExtension('status_request', 1, 0, 0, 1, 9, 9)]],
    ['an empty list', [rawExtension('signed_certificate_timestamp', 0, 0)]],
    ['no list', [rawExtension('signed_certificate_timestamp')]],
    ['an empty timestamp', [rawExtension('signed_certificate_timestamp', 0, 2, 0, 0)]],
    ['a byte after the list', [rawExtension('signed_certificate_timestamp', ...timestamps, 0)]],
  ])('with %s is decode_error', (_, extensions) => {
    expect(refusalOf(side, both, extensions)).toMatchObject({ alert: 'decode_error' });
  });
});

test.each(['status_request', 'signed_certificate_timestamp'] as const)('%s is not for EncryptedExtensions', (name) => {
  const extension = rawExtension(name, ...(name === 'status_request' ? status : list).data);
  const ends = shuttle(newPair(both, { encryptedExtensions: [extension] }));
  expect(ends.client.phase).toBe('failed');
  expect(ends.serverEvents).toMatchObject([{ error: { code: 'ERR_TLS_ALERT_ILLEGAL_PARAMETER' } }]);
});
