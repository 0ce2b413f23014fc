import { describe, expect, test } from 'vitest';
import { Secret } from '#opentls/crypto/secret';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import type { Credential } from '#opentls/handshake/terms/credential';
import { HandshakeType, NamedGroup, SignatureScheme } from '#opentls/wire/enums';
import { type Extension, writeExtensions } from '#opentls/wire/extensions';
import { encodeMessage } from '#opentls/wire/messages';
import { parseCertificate } from '#opentls/x509/certificate/certificate';
import { createCertificate } from '#opentls/x509/create/create';
import { type GeneratedKeyKind, generatePrivateKey } from '#opentls/x509/private-key/generate';
import { extensionsOf, offered, rawExtension, watch } from '../../kit/flight.ts';
import {
  credential,
  type Ends,
  errorOf,
  newClient,
  newPair,
  newServer,
  openPair,
  shuttle,
  trustAnything,
} from '../../kit/pair.ts';
import { Peer } from '../../kit/peer.ts';
import { provider } from '../../kit/provider.ts';
import { randomBytes } from '../../kit/random.ts';

const bytes = randomBytes(442);

/** A leaf, its issuer if it is not itself, and their names. */
function credentialOf(
  subject: string,
  { kind = 'P-256', issued = false }: { kind?: GeneratedKeyKind; issued?: boolean } = {},
) {
  const day = 86_400_000;
  const valid = { provider, notBefore: Date.now() - day, notAfter: Date.now() + day };
  const signer = provider.signer(generatePrivateKey(kind, provider.random));
  const root = provider.signer(generatePrivateKey('P-256', provider.random));
  const rootMade = createCertificate({ ...valid, subject: `${subject} root`, signer: root, isCa: true });
  if ('then' in rootMade) throw new TypeError('these signers answer at once');
  const { publicKey } = signer;
  const made = issued
    ? createCertificate({
        ...valid,
        subject,
        signer: root,
        publicKey: publicKey ?? bytes(1),
        issuer: { certificate: rootMade.der },
      })
    : createCertificate({ ...valid, subject, signer });
  if ('then' in made) throw new TypeError('these signers answer at once');
  const chain = issued ? [made.der, rootMade.der] : [made.der];
  return { chain, signer, mustMatchIssuer: true, issuer: parseCertificate(made.der).issuer.raw };
}

const [one, two, issued] = [credentialOf('one'), credentialOf('two'), credentialOf('three', { issued: true })];
const edwards: Credential = { ...credentialOf('four', { kind: 'ed25519' }), mustMatchIssuer: false };
const stranger = credentialOf('five').issuer;
const { ecdsa_secp256r1_sha256: ecdsa, ecdsa_secp384r1_sha384, ed25519 } = SignatureScheme;

describe('certificate_authorities, RFC 9846 §4.3.4', () => {
  const rows: readonly (readonly [string, readonly Uint8Array[], readonly Credential[], Credential | undefined])[] = [
    ['the one whose issuer is named', [two.issuer], [one, two], two],
    ['the first whose issuer is named', [two.issuer, one.issuer], [one, two], one],
    ['one whose chain holds a certificate that was so issued', [issued.issuer], [one, issued], issued],
    ['one that need not match: the list is a hint', [stranger], [one, credential], credential],
    ['one that need not match, where nothing is named', [], [one, credential], credential],
    ['none, where every one must match', [stranger], [one, two], undefined],
  ];

  test.each(rows)('a client shows %s', (_, certificateAuthorities, credentials, shown) => {
    const { server, fromServer } = watch({ credentials }, { certificateAuthorities, clientCertificate: 'optional' });
    const said = certificateAuthorities.length === 0 ? undefined : certificateAuthorities;
    expect(extensionsOf('CR', fromServer)?.certificate_authorities).toEqual(said);
    expect(server.facts?.peerChain).toEqual(shown?.chain ?? []);
  });

  test.each(rows)('a server shows %s', (_, certificateAuthorities, credentials, shown) => {
    const ends = shuttle(newPair({ certificateAuthorities }, { credentials }));
    if (shown === undefined) {
      expect(errorOf(ends.serverEvents)).toEqual({ code: 'ERR_TLS_NO_MATCHING_ISSUER', alert: 'handshake_failure' });
    } else expect(ends.client.facts?.peerChain).toEqual(shown.chain);
  });

  test('are sent by a client where there are any', () => {
    expect(offered({ certificateAuthorities: [stranger] }).certificate_authorities).toEqual([stranger]);
    expect(offered({})).not.toHaveProperty('certificate_authorities');
  });

  test.each([[[]], [[0, 0]], [[0, 2, 0, 0]], [[0, 4, 0, 1, 1]], [[0, 3, 0, 1, 1, 1]]])('%j is decode_error', (data) => {
    const extension = rawExtension('certificate_authorities', ...data);
    const shapeClientHello: ClientConfig['shapeClientHello'] = (hello) => ({
      ...hello,
      extensions: [...hello.extensions, extension],
    });
    expect(errorOf(shuttle(newPair({ shapeClientHello })).serverEvents)).toMatchObject({ alert: 'decode_error' });
    expect(requested({ extensions: [...schemes(ecdsa), extension] })).toMatchObject({ alert: 'decode_error' });
  });
});

describe('signature_algorithms_cert, RFC 9846 §4.3.3', () => {
  const rsa = [SignatureScheme.rsa_pkcs1_sha256, SignatureScheme.rsa_pss_rsae_sha256];

  test('is sent beside signature_algorithms, where it differs', () => {
    const hello = offered({ certificateSchemes: rsa, signatureSchemes: [ecdsa] });
    expect(hello).toMatchObject({ signature_algorithms: [ecdsa], signature_algorithms_cert: rsa });
    expect(offered({})).not.toHaveProperty('signature_algorithms_cert');
    const request = (server: Partial<ServerConfig>) =>
      extensionsOf('CR', watch({}, { ...server, clientCertificate: 'optional' }).fromServer);
    expect(request({ certificateSchemes: rsa })).toMatchObject({ signature_algorithms_cert: rsa });
    expect(request({})).not.toHaveProperty('signature_algorithms_cert');
  });

  test('is about certificates: CertificateVerify goes by signature_algorithms', () => {
    const ends = openPair(
      { certificateSchemes: rsa, credentials: [credential] },
      { certificateSchemes: rsa, clientCertificate: 'required' },
    );
    for (const { facts } of [ends.client, ends.server]) {
      expect(facts).toMatchObject({ peerSignatureScheme: ecdsa, peerChain: credential.chain });
    }
  });

  test.each([[[]], [[0, 0]], [[0, 1, 4]], [[0, 2, 4, 3, 3]]])('%j is decode_error', (data) => {
    const extension = rawExtension('signature_algorithms_cert', ...data);
    expect(requested({ extensions: [...schemes(ecdsa), extension] })).toMatchObject({ alert: 'decode_error' });
  });
});

describe('the scheme of a client', () => {
  test.each<[string, Partial<ServerConfig>, Credential, number]>([
    ['the first that fits', {}, credential, ecdsa],
    ['the first that fits the server', { signatureSchemes: [ed25519] }, edwards, ed25519],
  ])('%s', (_, server, shown, scheme) => {
    const { client, server: engine } = openPair(
      { credentials: [credential, edwards] },
      { ...server, clientCertificate: 'required' },
    );
    expect(engine.facts).toMatchObject({ peerChain: shown.chain, peerSignatureScheme: scheme });
    expect(client.facts).toMatchObject({ localChain: shown.chain, localSignatureScheme: scheme });
    expect(client.facts?.peerSignatureSchemes).toContain(scheme);
  });

  const misfit = { signatureSchemes: [ed25519] };
  test('where nothing fits, the Certificate is empty, and the server decides', () => {
    const client = { credentials: [credential] };
    const ends = openPair(client, { ...misfit, clientCertificate: 'optional' });
    expect(ends.server.facts?.peer).toBeUndefined();
    expect(ends.client.facts?.localChain).toBeUndefined();
    const { serverEvents } = shuttle(newPair(client, { ...misfit, clientCertificate: 'required' }));
    const refusal = { code: 'ERR_TLS_CERTIFICATE_REQUIRED', alert: 'certificate_required' };
    expect(errorOf(serverEvents)).toEqual(refusal);
  });

  test('or the client gives up, where it wants that', () => {
    const client = { credentials: [credential], requireCredential: true };
    const ends = shuttle(newPair(client, { ...misfit, clientCertificate: 'optional' }));
    const refusal = { code: 'ERR_TLS_NO_SHARED_SIGNATURE_SCHEME', alert: 'handshake_failure' };
    expect(errorOf(ends.clientEvents)).toEqual(refusal);
    expect(openPair(client, { clientCertificate: 'none' }).client.phase).toBe('open');
  });
});

const schemes = (...list: number[]): Extension[] => writeExtensions('CR', { signature_algorithms: list });
const config = { provider, groups: [NamedGroup.x25519], credentials: [credential], verifyChain: trustAnything };

/** What a client makes of such a CertificateRequest in the handshake. */
function requested({ context = bytes(0), extensions }: { context?: Uint8Array; extensions: readonly Extension[] }) {
  const peer = new Peer('server', config);
  const client = newClient({ groups: [NamedGroup.x25519], credentials: [credential] });
  peer.play(client, 2);
  const body = { certificateRequestContext: context, extensions };
  return peer.inject(client, encodeMessage(HandshakeType.certificate_request, body));
}

describe('a CertificateRequest, RFC 9846 §4.4.2', () => {
  test('the one that the others differ from is taken', () => {
    expect(requested({ extensions: schemes(ecdsa) })).toBeUndefined();
  });

  test.each<[string, Parameters<typeof requested>[0], string]>([
    ['with a context', { context: bytes(1), extensions: schemes(ecdsa) }, 'illegal_parameter'],
    ['without signature_algorithms', { extensions: [] }, 'missing_extension'],
    ['with an empty list of them', { extensions: [rawExtension('signature_algorithms', 0, 0)] }, 'decode_error'],
    ['with half of one', { extensions: [rawExtension('signature_algorithms', 0, 3, 4, 3, 4)] }, 'decode_error'],
    [
      'with an extension of a ClientHello',
      { extensions: [...schemes(ecdsa), rawExtension('post_handshake_auth')] },
      'illegal_parameter',
    ],
  ])('%s', (_, request, alert) => {
    expect(requested(request)).toMatchObject({ alert });
  });

  test('not where a PSK authenticates', () => {
    const psk = { identity: bytes(8), secret: new Secret('psk', bytes(32)), hash: 'sha256' } as const;
    const peer = new Peer('server', { ...config, findPsk: () => psk });
    const client = newClient({ groups: [NamedGroup.x25519], externalPsks: [psk], credentials: [credential] });
    peer.play(client, 2);
    const body = { certificateRequestContext: bytes(0), extensions: schemes(ecdsa) };
    const refusal = peer.inject(client, encodeMessage(HandshakeType.certificate_request, body));
    expect(refusal).toEqual({ code: 'ERR_TLS_UNEXPECTED_MESSAGE', alert: 'unexpected_message' });
  });
});

/** What a server makes of these messages of a client that it asked; the last error counts. */
function answered(server: Partial<ServerConfig>, ...messages: readonly Uint8Array[]) {
  const peer = new Peer('client', config);
  const engine = newServer({ groups: [NamedGroup.x25519], clientCertificate: 'required', ...server });
  peer.play(engine, 1);
  for (const message of messages) peer.inject(engine, message);
  return errorOf(peer.events);
}

function certificate(chain: readonly Uint8Array[], context = bytes(0)): Uint8Array {
  const certificateList = chain.map((certData) => ({ certData, extensions: [] }));
  return encodeMessage(HandshakeType.certificate, { certificateRequestContext: context, certificateList });
}

function verify(algorithm: number, signature = bytes(70)): Uint8Array {
  return encodeMessage(HandshakeType.certificate_verify, { algorithm, signature });
}

describe('a Certificate of a client, RFC 9846 §4.5.1', () => {
  test('the one that the others differ from is taken', () => {
    expect(answered({}, certificate(credential.chain))).toBeUndefined();
    expect(answered({ clientCertificate: 'optional' }, certificate([]))).toBeUndefined();
  });

  const empty = Uint8Array.from([HandshakeType.certificate, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0, 0, 0]);
  test.each<[string, Partial<ServerConfig>, Uint8Array[], string]>([
    ['with a context', {}, [certificate(credential.chain, bytes(1))], 'illegal_parameter'],
    ['with an empty certificate', {}, [empty], 'decode_error'],
    ['that is empty, where one is required', {}, [certificate([])], 'certificate_required'],
    [
      'that is empty, with CertificateVerify',
      { clientCertificate: 'optional' },
      [certificate([]), verify(ecdsa)],
      'unexpected_message',
    ],
    [
      'without CertificateVerify',
      {},
      [certificate(credential.chain), encodeMessage(HandshakeType.finished, { verifyData: bytes(32) })],
      'unexpected_message',
    ],
  ])('%s', (_, server, messages, alert) => {
    expect(answered(server, ...messages)).toMatchObject({ alert });
  });

  test('that nobody asked for', () => {
    const refusal = { code: 'ERR_TLS_UNEXPECTED_MESSAGE', alert: 'unexpected_message' };
    expect(answered({ clientCertificate: 'none' }, certificate(credential.chain))).toEqual(refusal);
  });
});

test('a Certificate of a server has no context', () => {
  const peer = new Peer('server', config);
  const client = newClient({ groups: [NamedGroup.x25519] });
  peer.play(client, 2);
  expect(peer.inject(client, certificate(credential.chain, bytes(1)))).toMatchObject({ alert: 'illegal_parameter' });
});

describe('a CertificateVerify of a client, RFC 9846 §4.5.2', () => {
  const shown = certificate(credential.chain);
  test.each<[string, number, Partial<ServerConfig>]>([
    ['with a scheme that was not in the request', ecdsa, { signatureSchemes: [ed25519] }],
    ['with a scheme of another curve', ecdsa_secp384r1_sha384, {}],
    ['with a scheme of another kind of key', ed25519, {}],
    ['with PKCS #1 v1.5', SignatureScheme.rsa_pkcs1_sha256, { signatureSchemes: [SignatureScheme.rsa_pkcs1_sha256] }],
    ['with ECDSA and SHA-1', SignatureScheme.ecdsa_sha1, {}],
    ['with RSA and SHA-1', SignatureScheme.rsa_pkcs1_sha1, {}],
    ['with a scheme that nobody knows', 0xfe01, { signatureSchemes: [0xfe01, ecdsa] }],
  ])('%s is illegal_parameter', (_, algorithm, server) => {
    expect(answered(server, shown, verify(algorithm))).toMatchObject({ alert: 'illegal_parameter' });
  });

  test.each([0, 1, 70])('with a signature of %i bytes that does not verify is decrypt_error', (length) => {
    const refusal = { code: 'ERR_TLS_BAD_SIGNATURE', alert: 'decrypt_error' };
    expect(answered({}, shown, verify(ecdsa, bytes(length)))).toEqual(refusal);
  });

  test('with what the server signs is decrypt_error: the context strings differ', () => {
    // A signer that is asked to sign for a client, and signs for a server.
    const signer: Credential['signer'] = {
      ...credential.signer,
      sign(scheme, message) {
        const text = Buffer.from(message).toString('latin1').replace('TLS 1.3, client', 'TLS 1.3, server');
        expect(text).toContain('TLS 1.3, server CertificateVerify');
        return credential.signer.sign(scheme, new Uint8Array(Buffer.from(text, 'latin1')));
      },
    };
    const ends: Ends = shuttle(
      newPair({ credentials: [{ ...credential, signer }] }, { clientCertificate: 'required' }),
    );
    expect(errorOf(ends.serverEvents)).toEqual({ code: 'ERR_TLS_BAD_SIGNATURE', alert: 'decrypt_error' });
  });
});
