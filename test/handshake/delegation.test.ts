// Keys that a certificate has delegated to, RFC 9345: a server's. BoringSSL's runner judges them as a client.
import { describe, expect, test } from 'vitest';
import { concat } from '#opentls/bytes/concat';
import { utf8 } from '#opentls/bytes/utf8';
import type { Signer } from '#opentls/crypto/provider';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/config';
import { delegatedCredential } from '#opentls/handshake/delegation';
import { SignatureScheme } from '#opentls/wire/enums';
import { writeExtensions } from '#opentls/wire/extensions';
import { generatePrivateKey } from '#opentls/x509/generate';
import { provider } from '../provider.ts';
import { extensionsOf, watch } from './flight.ts';
import { credential, errorOf, newPair, shuttle } from './pair.ts';

const { ecdsa_secp256r1_sha256: p256, ed25519, rsa_pss_rsae_sha256: rsa } = SignatureScheme;
const newSigner = (): Signer => provider.signer(generatePrivateKey('P-256', provider.random));
const delegated = newSigner();

/** struct DelegatedCredential, RFC 9345 §4, signed by the test certificate's key. */
function delegation(signer: Signer, scheme: number = p256): Uint8Array {
  const spki = signer.publicKey ?? expect.fail('the signer knows its key');
  const [leaf] = credential.chain;
  const head = new Uint8Array([0, 1, 0x51, 0x80, scheme >> 8, scheme & 255, 0, spki.length >> 8, spki.length & 255]);
  const unsigned = concat([head, spki, new Uint8Array([p256 >> 8, p256 & 255])]);
  const context = utf8(`${' '.repeat(64)}TLS, server delegated credentials\0`);
  const signature = credential.signer.sign(p256, concat([context, leaf ?? new Uint8Array(0), unsigned]));
  if ('then' in signature) return expect.fail('the provider signs at once');
  return concat([unsigned, new Uint8Array([signature.length >> 8, signature.length & 255]), signature]);
}

const raw = delegation(delegated);
const held = delegatedCredential(credential.chain, raw, delegated);

/** A client that takes delegated credentials signed with one of `schemes`, and believes any signature. */
function taking(
  schemes: readonly number[],
  seen: { spki: Uint8Array; message: Uint8Array; signature: Uint8Array }[] = [],
) {
  const verifiers = provider.verifiers.map((verifier) => ({
    ...verifier,
    verify(spki: Uint8Array, message: Uint8Array, signature: Uint8Array) {
      seen.push({ spki, message, signature });
      return true;
    },
  }));
  return {
    provider: { ...provider, verifiers },
    shapeClientHello: (hello) => ({
      ...hello,
      extensions: [...writeExtensions('CH', { delegated_credential: schemes }), ...hello.extensions],
    }),
  } satisfies Partial<ClientConfig>;
}

describe('a client that takes them', () => {
  test('is shown one, and gets a signature of the delegated key', () => {
    const seen: { spki: Uint8Array; message: Uint8Array; signature: Uint8Array }[] = [];
    const { client, fromServer } = watch(taking([p256], seen), { credentials: [held, credential] });
    expect(client.facts?.peerSignatureScheme).toBe(p256);
    expect(extensionsOf('CT', fromServer)?.delegated_credential).toEqual(raw);
    const [proof] = seen;
    const verifier = provider.verifiers.find(({ algorithm }) => algorithm === 'ecdsa_sha256');
    const verify = (spki: Uint8Array | undefined) =>
      verifier?.verify(spki ?? raw, proof?.message ?? raw, proof?.signature ?? raw);
    expect([verify(delegated.publicKey), verify(credential.signer.publicKey)]).toEqual([true, false]);
  });

  test.each<[string, Partial<ClientConfig>]>([
    ['of other schemes', taking([ed25519])],
    ['that does not take the signature on it', { ...taking([p256]), signatureSchemes: [rsa, ed25519] }],
    ['no more', {}],
  ])('but %s is not', (_, client) => {
    const server: Partial<ServerConfig> = { credentials: [held, credential] };
    const ends = shuttle(newPair(client, server));
    const shown = ends.server.facts?.localChain;
    if (client.signatureSchemes === undefined) expect(shown).toEqual(credential.chain);
    else expect(errorOf(ends.serverEvents)).toMatchObject({ alert: 'handshake_failure' });
  });

  test('is refused where there is nothing else and it does not', () => {
    expect(errorOf(shuttle(newPair({}, { credentials: [held] })).serverEvents)).toMatchObject({
      code: 'ERR_TLS_NO_SHARED_SIGNATURE_SCHEME',
      alert: 'handshake_failure',
    });
  });
});

describe('what is none', () => {
  const misuse = (code: string) => expect.objectContaining({ code, blame: 'config' }) as Error;

  test.each([0, 3, raw.length - 1])('its first %i bytes', (length) => {
    const make = () => delegatedCredential(credential.chain, raw.subarray(0, length), delegated);
    expect(make).toThrow(misuse('ERR_TLS_DELEGATION'));
  });

  test('one byte more', () => {
    const make = () => delegatedCredential(credential.chain, concat([raw, new Uint8Array(1)]), delegated);
    expect(make).toThrow(misuse('ERR_TLS_DELEGATION'));
  });

  test('one for a key of rsaEncryption, RFC 9345 §4', () => {
    const make = () => delegatedCredential(credential.chain, delegation(delegated, rsa), delegated);
    expect(make).toThrow(misuse('ERR_TLS_DELEGATION'));
  });

  test('one for another key', () => {
    const make = () => delegatedCredential(credential.chain, raw, newSigner());
    expect(make).toThrow(misuse('ERR_TLS_KEY_MISMATCH'));
  });
});
