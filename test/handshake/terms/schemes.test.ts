import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { CryptoProvider, Group, Signer } from '#opentls/crypto/provider';
import { Secret } from '#opentls/crypto/secret';
import type { Credential } from '#opentls/handshake/terms/credential';
import { mlKemGroups, withMlDsa } from '#opentls/providers/noble';
import { HandshakeType, NamedGroup, SignatureScheme } from '#opentls/wire/enums';
import { encodeMessage } from '#opentls/wire/messages';
import { createCertificate } from '#opentls/x509/create/create';
import { type GeneratedKeyKind, generatePrivateKey } from '#opentls/x509/private-key/generate';
import { offered } from '../../kit/flight.ts';
import { errorOf, newClient, newPair, newServer, openPair, shuttle, trustAnything } from '../../kit/pair.ts';
import { Peer } from '../../kit/peer.ts';
import { provider } from '../../kit/provider.ts';

function credentialOf(kind: GeneratedKeyKind | Signer): Credential {
  const signer = typeof kind === 'string' ? signerOf(kind) : kind;
  const made = createCertificate({
    provider,
    signer,
    subject: 'localhost',
    subjectAltNames: { dns: ['localhost'] },
    notBefore: Date.now() - 1000,
    notAfter: Date.now() + 86_400_000,
  });
  if ('then' in made) throw new TypeError('these signers answer at once');
  return { chain: [made.der], signer };
}

const mlDsa = withMlDsa(provider);

function signerOf(kind: GeneratedKeyKind): Signer {
  return mlDsa.signer(generatePrivateKey(kind, provider.random));
}

describe('the schemes that are not common', () => {
  test('Ed448 is offered and taken', () => {
    const { client } = openPair({}, { credentials: [credentialOf('ed448')] });
    expect(client.facts?.peerSignatureScheme).toBe(SignatureScheme.ed448);
  });

  test.each([
    ['ml_dsa_44', SignatureScheme.mldsa44],
    ['ml_dsa_65', SignatureScheme.mldsa65],
    ['ml_dsa_87', SignatureScheme.mldsa87],
  ] as const)('%s is taken where the provider verifies it, and else not offered', (kind, scheme) => {
    const credentials = [credentialOf(kind)];
    const { client } = openPair({ provider: mlDsa }, { credentials });
    expect(client.facts?.peerSignatureScheme).toBe(scheme);
    const { serverEvents } = shuttle(newPair({}, { credentials }));
    expect(errorOf(serverEvents)).toMatchObject({ code: 'ERR_TLS_NO_SHARED_SIGNATURE_SCHEME' });
  });

  test.each(['x448', 'SecP256r1MLKEM768', 'SecP384r1MLKEM1024'] as const)('the group %s', (name) => {
    const { client } = openPair({ groups: [NamedGroup[name]] }, { groups: [NamedGroup[name]] });
    expect(client.facts?.group?.id).toBe(NamedGroup[name]);
  });
});

describe('rsa_pkcs1_sha256_legacy, RFC 9963', () => {
  const { rsa_pkcs1_sha256_legacy: legacy, rsa_pss_rsae_sha256: pss, ecdsa_secp256r1_sha256: ecdsa } = SignatureScheme;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = new Secret('private key', new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' })));
  const signer = provider.signer(key);
  const plain = credentialOf(signer);
  const listing: Credential = { ...plain, signer: { ...signer, schemes: [legacy] } };

  test('is neither made nor asked for where nobody names it', () => {
    expect(signer.schemes).not.toContain(legacy);
    expect(offered({}).signature_algorithms).not.toContain(legacy);
    expect(offered({ signatureSchemes: [legacy, ecdsa] }).signature_algorithms).toEqual([legacy, ecdsa]);
  });

  test.each<[string, Credential, readonly number[] | undefined, number | undefined]>([
    ['signs with it where both sides name it', listing, [legacy], legacy],
    ['does not where its signer does not', plain, [legacy], undefined],
    ['signs with another where its signer does not', plain, [legacy, pss], pss],
    ['does not where the server does not', listing, [pss, ecdsa], undefined],
    ['does not where the server says nothing', listing, undefined, undefined],
  ])('a client %s', (_, shown, signatureSchemes, scheme) => {
    const ends = openPair({ credentials: [shown] }, { signatureSchemes, clientCertificate: 'optional' });
    expect(ends.server.facts?.peerSignatureScheme).toBe(scheme);
    expect(ends.server.facts?.peerChain).toEqual(scheme === undefined ? [] : shown.chain);
  });

  test('a server never signs with it', () => {
    const ends = shuttle(newPair({ signatureSchemes: [legacy, ecdsa] }, { credentials: [listing] }));
    expect(errorOf(ends.serverEvents)).toEqual({
      code: 'ERR_TLS_NO_SHARED_SIGNATURE_SCHEME',
      alert: 'handshake_failure',
    });
  });

  /** A CertificateVerify that is made with it, whatever the other side says. */
  const config = { provider, groups: [NamedGroup.x25519], credentials: [plain], verifyChain: trustAnything };
  const none = new Uint8Array(0);
  const certificateList = plain.chain.map((certData) => ({ certData, extensions: [] }));
  const certificate = encodeMessage(HandshakeType.certificate, { certificateRequestContext: none, certificateList });
  const verify = encodeMessage(HandshakeType.certificate_verify, { algorithm: legacy, signature: new Uint8Array(256) });

  test.each<[readonly number[] | undefined, string]>([
    [undefined, 'illegal_parameter'],
    [[pss], 'illegal_parameter'],
    [[pss, legacy], 'decrypt_error'],
  ])('a server that names %j finds it %s', (signatureSchemes, alert) => {
    const peer = new Peer('client', config);
    const server = newServer({ groups: [NamedGroup.x25519], clientCertificate: 'required', signatureSchemes });
    peer.play(server, 1);
    expect(peer.inject(server, certificate)).toBeUndefined();
    expect(peer.inject(server, verify)).toMatchObject({ alert });
  });

  test('a client finds it illegal_parameter, even where it names it', () => {
    const peer = new Peer('server', config);
    const client = newClient({ groups: [NamedGroup.x25519], signatureSchemes: [pss, legacy] });
    peer.play(client, 3);
    expect(peer.inject(client, verify)).toMatchObject({ alert: 'illegal_parameter' });
  });
});

describe('ML-KEM alone, draft-ietf-tls-mlkem', () => {
  const { MLKEM768, MLKEM1024, X25519MLKEM768, x25519, secp256r1 } = NamedGroup;
  const able = { ...provider, groups: [...provider.groups, ...mlKemGroups] };
  const both = [MLKEM768, MLKEM1024];

  test('is not offered by itself', () => {
    for (const { id } of provider.groups) expect(both).not.toContain(id);
  });

  test.each(both)('exchanges keys: %i', (id) => {
    const { client, server } = openPair(
      { provider: able, groups: [id], keyShares: [id] },
      { provider: able, groups: [id] },
    );
    expect([client.facts?.group?.id, server.facts?.group?.id]).toEqual([id, id]);
  });

  test.each(both)('is asked for by a HelloRetryRequest: %i', (id) => {
    const ends = openPair(
      { provider: able, groups: [x25519, id], keyShares: [x25519] },
      { provider: able, groups: [id] },
    );
    expect(ends.client.facts).toMatchObject({ helloRetryRequest: true, group: { id } });
  });

  /** The same groups, with something else in the place of what they send. */
  function sending(change: (share: Uint8Array) => Uint8Array): CryptoProvider {
    const groups = mlKemGroups.map(
      (group): Group => ({
        ...group,
        generate() {
          const share = group.generate();
          if ('then' in share) throw new Error('the provider answers at once');
          return { group: share.group, publicKey: change(share.publicKey), agree: () => expect.fail(), wipe() {} };
        },
        encapsulate(peer) {
          const made = group.encapsulate(peer);
          if ('then' in made) throw new Error('the provider answers at once');
          return { ...made, publicKey: change(made.publicKey) };
        },
      }),
    );
    return { ...provider, groups };
  }

  const changes: readonly (readonly [string, (share: Uint8Array) => Uint8Array])[] = [
    ['a byte short', (share) => share.subarray(1)],
    ['a byte long', (share) => Uint8Array.from([...share, 0])],
    ['of one byte', () => new Uint8Array(1)],
  ];
  const rows = both.flatMap((id) => changes.map(([what, change]) => [id, what, change] as const));
  const refusal = { code: 'ERR_TLS_INVALID_KEY_SHARE', alert: 'illegal_parameter' };

  test.each(rows)('of %i, a share %s is illegal_parameter', (id, _, change) => {
    const good = { provider: able, groups: [id] };
    const bad = { provider: sending(change), groups: [id] };
    const keyShares = [id];
    expect(errorOf(shuttle(newPair({ ...bad, keyShares }, good)).serverEvents)).toEqual(refusal);
    expect(errorOf(shuttle(newPair({ ...good, keyShares }, bad)).clientEvents)).toEqual(refusal);
  });

  // FIPS 203 §7.2: coefficients are less than 3329.
  test.each(both)('of %i, a key that is none is illegal_parameter', (id) => {
    const bad = { provider: sending((share) => share.map(() => 0xff)), groups: [id], keyShares: [id] };
    expect(errorOf(shuttle(newPair(bad, { provider: able, groups: [id] })).serverEvents)).toEqual(refusal);
  });

  test.each<[readonly number[] | undefined, readonly number[]]>([
    [undefined, [X25519MLKEM768, x25519]],
    [
      [MLKEM1024, MLKEM768, x25519, secp256r1],
      [MLKEM1024, x25519],
    ],
    [
      [secp256r1, x25519, MLKEM768, X25519MLKEM768],
      [secp256r1, MLKEM768],
    ],
    [[MLKEM768, X25519MLKEM768], [MLKEM768]],
    [[x25519, secp256r1], [x25519]],
  ])('of %j, there are shares for %j where nothing is said', (groups, shares) => {
    const hello = offered({ provider: able, groups, keyShares: undefined });
    expect(hello.key_share?.map(({ group }) => group)).toEqual(shares);
  });
});
