import { describe, expect, test } from 'vitest';
import type { Credential } from '#opentls/handshake/config';
import { mlDsaSigner, mlDsaVerifiers } from '#opentls/providers/noble';
import { NamedGroup, SignatureScheme } from '#opentls/wire/enums';
import { createCertificate } from '#opentls/x509/create';
import { type GeneratedKeyKind, generatePrivateKey } from '#opentls/x509/generate';
import { provider } from '../provider.ts';
import { errorOf, newPair, openPair, shuttle } from './pair.ts';

function credentialOf(kind: GeneratedKeyKind): Credential {
  const key = generatePrivateKey(kind, provider.random);
  const signer = kind.startsWith('ml_dsa') ? mlDsaSigner(key) : provider.signer(key);
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

const mlDsa = { ...provider, verifiers: [...provider.verifiers, ...mlDsaVerifiers] };

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
