// Keys that a certificate has delegated to, RFC 9345: a server's. BoringSSL's runner judges them as a client.
import { describe, expect, test } from 'vitest';
import { concat } from '#opentls/bytes/concat';
import { utf8 } from '#opentls/bytes/utf8';
import type { Signer } from '#opentls/crypto/provider';
import { delegatedCredential } from '#opentls/handshake/proof/delegation';
import type { ClientConfig, ServerConfig } from '#opentls/handshake/terms/config';
import type { Credential } from '#opentls/handshake/terms/credential';
import { SignatureScheme } from '#opentls/wire/enums';
import { writeExtensions } from '#opentls/wire/extensions';
import { createCertificate } from '#opentls/x509/create/create';
import { generatePrivateKey } from '#opentls/x509/private-key/generate';
import { extensionsOf, watch } from '../../kit/flight.ts';
import { errorOf, newPair, shuttle } from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';

const { ecdsa_secp256r1_sha256: p256, ed25519, rsa_pss_rsae_sha256: rsa } = SignatureScheme;
const newSigner = (): Signer => provider.signer(generatePrivateKey('P-256', provider.random));
const delegated = newSigner();

const DAY = 86_400;
const began = Math.floor(Date.now() / 1000) * 1000 - 3_600_000;
const holder = newSigner();

/** A certificate that may delegate, or may not. */
function certify(
  usage: { readonly delegates?: boolean; readonly keyUsage?: readonly 'keyAgreement'[] } = {},
): Credential {
  const { delegates = true, keyUsage } = usage;
  const created = createCertificate({
    provider,
    signer: holder,
    subject: 'localhost',
    subjectAltNames: { dns: ['localhost'] },
    notBefore: began,
    notAfter: began + 90 * DAY * 1000,
    ...(keyUsage && { keyUsage }),
    extensions: delegates ? [{ oid: '1.3.6.1.4.1.44363.44', critical: false, value: Uint8Array.of(5, 0) }] : [],
  });
  if ('then' in created) return expect.fail('the provider signs at once');
  return { chain: [created.der], signer: holder };
}

const credential = certify();

interface Change {
  readonly scheme?: number;
  readonly algorithm?: number;
  readonly validTime?: number;
  readonly role?: 'server' | 'client';
  readonly by?: Signer;
  readonly of?: Credential;
}

/** struct DelegatedCredential, RFC 9345 §4, signed by the test certificate's key. */
function delegation(signer: Signer, change: Change = {}): Uint8Array {
  const { scheme = p256, algorithm = p256, validTime = DAY, role = 'server', by = holder, of = credential } = change;
  const spki = signer.publicKey ?? expect.fail('the signer knows its key');
  const [leaf] = of.chain;
  const head = new Uint8Array(9);
  const view = new DataView(head.buffer);
  view.setUint32(0, validTime);
  view.setUint16(4, scheme);
  view.setUint16(7, spki.length);
  const unsigned = concat([head, spki, new Uint8Array([algorithm >> 8, algorithm & 255])]);
  const context = utf8(`${' '.repeat(64)}TLS, ${role} delegated credentials\0`);
  const signature = by.sign(p256, concat([context, leaf ?? new Uint8Array(0), unsigned]));
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
    const make = () => delegatedCredential(credential.chain, delegation(delegated, { scheme: rsa }), delegated);
    expect(make).toThrow(misuse('ERR_TLS_DELEGATION'));
  });

  test('one for another key', () => {
    const make = () => delegatedCredential(credential.chain, raw, newSigner());
    expect(make).toThrow(misuse('ERR_TLS_KEY_MISMATCH'));
  });

  test.each<[string, Credential]>([
    ['without DelegationUsage', certify({ delegates: false })],
    ['not for digitalSignature', certify({ keyUsage: ['keyAgreement'] })],
    ['that cannot be read', { ...credential, chain: [new Uint8Array(9)] }],
  ])('one of a certificate %s, RFC 9345 §4.2', (_, of) => {
    const make = () => delegatedCredential(of.chain, delegation(delegated, { of }), delegated);
    expect(make).toThrow(misuse('ERR_TLS_DELEGATION'));
  });

  test.each<[string, Change]>([
    ['its key', { scheme: ed25519 }],
    ['the key of the certificate', { algorithm: ed25519 }],
    ['any handshake', { scheme: SignatureScheme.rsa_pkcs1_sha256 }],
  ])('one of a scheme that does not fit %s', (_, change) => {
    const make = () => delegatedCredential(credential.chain, delegation(delegated, change), delegated);
    expect(make).toThrow(misuse('ERR_TLS_DELEGATION'));
  });
});

describe('what a peer would refuse is not served, RFC 9345 §4.1.3', () => {
  /** Whether a server shows the delegation, or the certificate alone. */
  function isServed(change: Change, age: number): boolean {
    const first = delegatedCredential(credential.chain, delegation(delegated, change), delegated);
    const now = (): number => began + age * 1000;
    const { client, fromServer } = watch(taking([p256]), { credentials: [first, credential], now });
    expect(client.facts?.peerChain).toEqual(credential.chain);
    return extensionsOf('CT', fromServer)?.delegated_credential !== undefined;
  }

  test.each<[string, Change, number, string]>([
    ['after its end', { validTime: DAY }, DAY + 1, 'it has ended'],
    ['with more than seven days left', { validTime: 7 * DAY + 1 }, 0, 'more than seven days of it are left'],
    ['signed by another key', { by: newSigner() }, 0, 'its signature is not that of'],
    ['signed for a client', { role: 'client' }, 0, 'its signature is not that of'],
  ])('%s: said, where there is nothing else', (_, change, age, problem) => {
    const now = (): number => began + age * 1000;
    const only = delegatedCredential(credential.chain, delegation(delegated, change), delegated);
    const events = shuttle(newPair(taking([p256]), { credentials: [only], now })).serverEvents;
    expect(errorOf(events)).toEqual({ code: 'ERR_TLS_DELEGATION', alert: 'handshake_failure' });
    const text = events.flatMap((event) => (event.type === 'error' ? [event.error.message] : [])).join();
    expect(text).toContain(`the delegated credential that fits was passed over: ${problem}`);
    // A peer that takes none at all is another matter.
    const other = shuttle(newPair({}, { credentials: [only], now })).serverEvents;
    expect(errorOf(other)).toMatchObject({ code: 'ERR_TLS_NO_SHARED_SIGNATURE_SCHEME' });
  });

  test.each<[string, Change, number, boolean]>([
    ['at its end', { validTime: DAY }, DAY, true],
    ['after its end', { validTime: DAY }, DAY + 1, false],
    ['with seven days left', { validTime: 7 * DAY }, 0, true],
    ['with more than seven days left', { validTime: 7 * DAY + 1 }, 0, false],
    ['late enough in a long certificate', { validTime: 30 * DAY }, 24 * DAY, true],
    ['signed by another key', { by: newSigner() }, 0, false],
    ['signed for a client', { role: 'client' }, 0, false],
    ['signed for another certificate', { of: certify({ delegates: false }) }, 0, false],
  ])('%s', (_, change, age, served) => {
    expect(isServed(change, age)).toBe(served);
  });
});
