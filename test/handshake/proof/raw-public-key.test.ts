import { describe, expect, test } from 'vitest';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import type { Credential } from '#opentls/handshake/terms/credential';
import { type CertificateType, decodeSession, encodeSession, type Session } from '#opentls/session/session';
import { TicketKeys } from '#opentls/session/tickets';
import { HandshakeType, NamedGroup } from '#opentls/wire/enums';
import type { Extension, ExtensionValues } from '#opentls/wire/extensions';
import { encodeMessage } from '#opentls/wire/messages';
import { generatePrivateKey } from '#opentls/x509/private-key/generate';
import { verifyRawPublicKey } from '#opentls/x509/verify/raw-public-key';
import { extensionsOf, offered, rawExtension, watch } from '../../kit/flight.ts';
import {
  credential,
  type Ends,
  errorOf,
  newClient,
  newPair,
  openPair,
  shuttle,
  trustAnything,
} from '../../kit/pair.ts';
import { Peer } from '../../kit/peer.ts';
import { provider } from '../../kit/provider.ts';

function rawKey(): Credential & { readonly spki: Uint8Array } {
  const signer = provider.signer(generatePrivateKey('P-256', provider.random));
  const spki = signer.publicKey ?? expect.fail('a signer without public key');
  return { chain: [spki], signer, type: 'RawPublicKey', spki };
}

const [serverKey, clientKey, strangersKey] = [rawKey(), rawKey(), rawKey()];

/** Certificates are taken as they are, of raw keys only these. */
function knowing(...known: readonly Credential[]): ClientConfig['verifyChain'] {
  return (request) => {
    const [spki] = request.chain;
    if (request.certificateType === 'X509' || spki === undefined) return trustAnything(request);
    return verifyRawPublicKey(
      spki,
      known.flatMap(({ chain }) => chain),
    );
  };
}

const raw = 'RawPublicKey';
const verifyChain = knowing(serverKey, clientKey);
const takesRaw = { peerCertificateTypes: [raw], verifyChain } as const;

describe('raw public keys authenticate, RFC 7250', () => {
  test('a server', () => {
    const { client, server } = openPair(takesRaw, { credentials: [serverKey] });
    expect(client.facts).toMatchObject({ peerCertificateType: raw, peerChain: [serverKey.spki] });
    expect(client.facts?.peer?.rawPublicKey?.spki).toEqual(serverKey.spki);
    expect(client.facts?.peer).toMatchObject({ certificates: [], verified: true });
    expect(server.facts?.localChain).toEqual([serverKey.spki]);
  });

  test.each(['optional', 'required'] as const)('a client, %s', (clientCertificate) => {
    const { client, server } = openPair({ credentials: [clientKey] }, { ...takesRaw, clientCertificate });
    expect(server.facts).toMatchObject({ peerCertificateType: raw, peerChain: [clientKey.spki] });
    expect(server.facts?.peer?.rawPublicKey?.spki).toEqual(clientKey.spki);
    expect(client.facts).toMatchObject({ peerCertificateType: 'X509', peerChain: credential.chain });
  });

  test('both', () => {
    const { client, server } = openPair(
      { ...takesRaw, credentials: [clientKey] },
      { ...takesRaw, credentials: [serverKey], clientCertificate: 'required' },
    );
    expect(client.facts?.peerChain).toEqual([serverKey.spki]);
    expect(server.facts?.peerChain).toEqual([clientKey.spki]);
  });
});

describe('after the handshake, RFC 9846 §4.7.2, the type that was negotiated is shown', () => {
  test.each<[readonly CertificateType[], Credential, CertificateType]>([
    [[raw], clientKey, raw],
    [[raw, 'X509'], clientKey, raw],
    [['X509', raw], credential, 'X509'],
  ])('to a server that takes %s', (peerCertificateTypes, shown, peerCertificateType) => {
    const credentials = [credential, clientKey];
    const server = { peerCertificateTypes, verifyChain, clientCertificate: 'optional' } as const;
    const ends = openPair({ credentials, postHandshakeAuth: true }, server);
    ends.server.requestCertificate();
    shuttle(ends);
    expect(errorOf([...ends.clientEvents, ...ends.serverEvents])).toBeUndefined();
    expect(ends.serverEvents).toMatchObject([{ type: 'authenticated' }]);
    expect(ends.server.facts).toMatchObject({ peerCertificateType, peerChain: shown.chain });
  });

  test('where none was, because the handshake did not ask, it is that of certificates: the client has none', () => {
    const ends = openPair({ credentials: [clientKey], postHandshakeAuth: true }, takesRaw);
    ends.server.requestCertificate();
    shuttle(ends);
    expect(ends.serverEvents).toMatchObject([{ type: 'authenticated' }]);
    expect(ends.server.facts).toMatchObject({ peerCertificateType: 'X509', peerChain: [] });
  });
});

describe('the types are negotiated, RFC 7250 §4', () => {
  test.each<[string, Partial<ClientConfig>, Pick<ExtensionValues['CH'], `${'client' | 'server'}_certificate_type`>]>([
    ['certificates alone are not said', { peerCertificateTypes: ['X509'], credentials: [credential] }, {}],
    ['nothing is said of what a client does not have', { credentials: [] }, {}],
    ['the order is of preference', { peerCertificateTypes: [raw, 'X509'] }, { server_certificate_type: [2, 0] }],
    ['certificates first', { peerCertificateTypes: ['X509', raw] }, { server_certificate_type: [0, 2] }],
    ['a single other type is said', { peerCertificateTypes: [raw] }, { server_certificate_type: [2] }],
    ['what a client can show', { credentials: [clientKey] }, { client_certificate_type: [2] }],
    ['both kinds', { credentials: [credential, clientKey] }, { client_certificate_type: [0, 2] }],
  ])('%s', (_, config, { client_certificate_type, server_certificate_type }) => {
    const values = offered({ verifyChain, ...config });
    expect(values.client_certificate_type).toEqual(client_certificate_type);
    expect(values.server_certificate_type).toEqual(server_certificate_type);
  });

  test.each<[readonly CertificateType[], readonly Credential[], CertificateType]>([
    [[raw, 'X509'], [serverKey], raw],
    [[raw, 'X509'], [credential], 'X509'],
    [['X509', raw], [serverKey], raw],
    [[raw], [credential, serverKey], raw],
    [['X509'], [serverKey, credential], 'X509'],
  ])('a client that takes %s', (peerCertificateTypes, credentials, type) => {
    const { client, fromServer } = watch({ peerCertificateTypes, verifyChain }, { credentials });
    expect(client.facts?.peerCertificateType).toBe(type);
    const said = peerCertificateTypes.includes(raw) ? { X509: 0, RawPublicKey: 2 }[type] : undefined;
    expect(extensionsOf('EE', fromServer)?.server_certificate_type).toBe(said);
  });

  test.each<[readonly CertificateType[], readonly Credential[], CertificateType]>([
    [[raw, 'X509'], [credential, clientKey], raw],
    [['X509', raw], [credential, clientKey], 'X509'],
    [[raw, 'X509'], [credential], 'X509'],
    [[raw], [credential, clientKey], raw],
    [['X509'], [clientKey, credential], 'X509'],
  ])('a server that takes %s', (peerCertificateTypes, credentials, type) => {
    const ends = watch({ credentials }, { peerCertificateTypes, verifyChain, clientCertificate: 'required' });
    expect(ends.server.facts?.peerCertificateType).toBe(type);
    const said = credentials.includes(clientKey) ? { X509: 0, RawPublicKey: 2 }[type] : undefined;
    expect(extensionsOf('EE', ends.fromServer)?.client_certificate_type).toBe(said);
  });

  test('a server that asks for no certificate says nothing of its type', () => {
    const { fromServer } = watch({ credentials: [clientKey] }, takesRaw);
    expect(extensionsOf('EE', fromServer)).toBeDefined();
    expect(extensionsOf('EE', fromServer)?.client_certificate_type).toBeUndefined();
  });

  test.each<[string, Partial<ClientConfig>, Partial<ServerConfig>]>([
    ['for the client', { credentials: [clientKey] }, { peerCertificateTypes: ['X509'], clientCertificate: 'required' }],
    [
      'for a client that has certificates',
      { credentials: [credential] },
      { ...takesRaw, clientCertificate: 'required' },
    ],
  ])('no type in common %s is unsupported_certificate', (_, client, server) => {
    const ends = shuttle(newPair(client, server));
    expect(errorOf(ends.serverEvents)).toMatchObject({ alert: 'unsupported_certificate' });
    expect(errorOf(ends.clientEvents)).toMatchObject({ code: 'ERR_TLS_ALERT_UNSUPPORTED_CERTIFICATE' });
  });
});

describe('what a client takes for an answer', () => {
  const offers = { ...takesRaw, credentials: [clientKey] };
  const serverType = (...data: number[]) => rawExtension('server_certificate_type', ...data);
  const clientType = (...data: number[]) => rawExtension('client_certificate_type', ...data);

  /** EncryptedExtensions like these, from a server that is honest otherwise. */
  function refusalOf(client: Partial<ClientConfig>, ...extensions: readonly Extension[]) {
    const credentials = [serverKey, credential];
    const peer = new Peer('server', { provider, groups: [NamedGroup.x25519], credentials, verifyChain });
    const engine = newClient({ groups: [NamedGroup.x25519], verifyChain, ...client });
    peer.play(engine, 1);
    return peer.inject(engine, encodeMessage(HandshakeType.encrypted_extensions, { extensions }));
  }

  test.each<[string, Partial<ClientConfig>, readonly Extension[]]>([
    ['the type that it offered', offers, [serverType(2), clientType(2)]],
    ['no answer, where it takes certificates too', { peerCertificateTypes: [raw, 'X509'] }, []],
    ['certificates, where it takes both', { peerCertificateTypes: [raw, 'X509'] }, [serverType(0)]],
  ])('%s', (_, client, extensions) => {
    expect(refusalOf(client, ...extensions)).toBeUndefined();
  });

  const unsolicited = { code: 'ERR_TLS_UNSOLICITED_EXTENSION', alert: 'unsupported_extension' };
  const malformed = { alert: 'decode_error' };
  test.each<[string, Partial<ClientConfig>, Extension, { code?: string; alert: string }]>([
    ['a type of servers, unsolicited', { credentials: [clientKey] }, serverType(2), unsolicited],
    ['a type of clients, unsolicited', takesRaw, clientType(2), unsolicited],
    ['a list of types', offers, serverType(1, 2), malformed],
    ['a list of its own types', offers, clientType(1, 2), malformed],
    ['an empty type', offers, serverType(), malformed],
  ])('not %s', (_, client, extension, refusal) => {
    expect(refusalOf(client, extension)).toMatchObject(refusal);
  });

  test('no answer, where it takes raw keys alone, is unsupported_certificate', () => {
    expect(refusalOf(takesRaw)).toEqual({ code: 'ERR_TLS_WRONG_CERTIFICATE_TYPE', alert: 'unsupported_certificate' });
  });

  test.each([
    ['certificates for the server', serverType(0)],
    ['OpenPGP for the server', serverType(1)],
    ['certificates for the client', clientType(0)],
    ['OpenPGP for the client', clientType(1)],
  ])('not %s, which it did not offer', (_, extension) => {
    const server = { ...takesRaw, credentials: [serverKey], clientCertificate: 'required' } as const;
    const ends = shuttle(newPair(offers, { ...server, encryptedExtensions: [extension] }));
    expect(errorOf(ends.clientEvents)).toMatchObject({ code: 'ERR_TLS_WRONG_CERTIFICATE_TYPE' });
    expect(ends.server.phase).toBe('failed');
  });
});

describe('a key is refused', () => {
  const asServer = (shown: Credential): Ends => shuttle(newPair(takesRaw, { credentials: [shown] }));
  const asClient = (shown: Credential): Ends =>
    shuttle(newPair({ credentials: [shown] }, { ...takesRaw, clientCertificate: 'required' }));
  const judged = ({ client, clientEvents, serverEvents }: Ends, byServer: boolean) => {
    const [judge, other] = byServer ? [serverEvents, clientEvents] : [clientEvents, serverEvents];
    expect(errorOf(other)?.code).toMatch(/^ERR_TLS_ALERT_/);
    expect(client.phase).toBe('failed');
    return errorOf(judge);
  };

  test.each<[string, Credential, string, string]>([
    ['that is not known', strangersKey, 'RPK_UNTRUSTED', 'certificate_unknown'],
    [
      'without its private half',
      { ...serverKey, signer: strangersKey.signer },
      'ERR_TLS_BAD_SIGNATURE',
      'decrypt_error',
    ],
    ['that is a certificate', { ...credential, type: raw }, 'ERR_TLS_RAW_PUBLIC_KEY_DECODE', 'decode_error'],
  ])('%s', (_, shown, code, alert) => {
    expect(judged(asServer(shown), false)).toEqual({ code, alert });
    expect(judged(asClient(shown), true)).toEqual({ code, alert });
  });
});

describe('sessions keep raw public keys', () => {
  function sessionOf({ clientEvents }: Ends): Session {
    const event = clientEvents.find(({ type }) => type === 'session');
    const copy = event?.type === 'session' && decodeSession(encodeSession(event.session));
    return copy || expect.fail('no session');
  }

  const both = (): { readonly client: Partial<ClientConfig>; readonly server: Partial<ServerConfig> } => ({
    client: { ...takesRaw, credentials: [clientKey] },
    server: {
      ...takesRaw,
      credentials: [serverKey],
      clientCertificate: 'required',
      tickets: new TicketKeys(provider),
    },
  });

  test('of both sides', () => {
    const { client, server } = both();
    const session = sessionOf(shuttle(newPair(client, server)));
    const ends = openPair({ ...client, takeSession: () => session }, server);
    const facts = { resumed: true, peerCertificateType: raw };
    expect(ends.client.facts).toMatchObject({ ...facts, peerChain: [serverKey.spki] });
    expect(ends.server.facts).toMatchObject({ ...facts, peerChain: [clientKey.spki] });
    expect(ends.client.facts?.peer?.rawPublicKey?.spki).toEqual(serverKey.spki);
    expect(ends.server.facts?.peer?.rawPublicKey?.spki).toEqual(clientKey.spki);
  });

  test('one that the client no longer knows is not resumed, and refused', () => {
    const { client, server } = both();
    const session = sessionOf(shuttle(newPair(client, server)));
    const ends = shuttle(newPair({ ...client, verifyChain: knowing(), takeSession: () => session }, server));
    expect(ends.server.facts?.resumed).toBeUndefined();
    expect(errorOf(ends.clientEvents)).toMatchObject({ code: 'RPK_UNTRUSTED' });
  });

  test('one that the server no longer knows is not resumed, and refused', () => {
    const { client, server } = both();
    const session = sessionOf(shuttle(newPair(client, server)));
    const ends = shuttle(newPair({ ...client, takeSession: () => session }, { ...server, verifyChain: knowing() }));
    expect(errorOf(ends.serverEvents)).toMatchObject({ code: 'RPK_UNTRUSTED' });
  });
});
