// Who signs, and with which scheme: RFC 9846 §4.3.3 and §4.5.2.

import { describe, expect, test } from 'vitest';
import type { ServerConfig } from '#opentls/handshake/terms/config';
import type { Credential } from '#opentls/handshake/terms/credential';
import { SignatureScheme } from '#opentls/wire/enums';
import { createCertificate } from '#opentls/x509/create/create';
import { generatePrivateKey } from '#opentls/x509/private-key/generate';
import { credential, errorOf, newPair, openPair, shuttle } from '../../kit/pair.ts';
import { provider } from '../../kit/provider.ts';

describe('the signature of CertificateVerify, RFC 9846 §4.5.2', () => {
  function credentialOf(options: Partial<Parameters<typeof createCertificate>[0]>): Credential {
    const signer = provider.signer(generatePrivateKey('P-256', provider.random));
    const period = { notBefore: Date.now() - 1000, notAfter: Date.now() + 86_400_000 };
    const made = createCertificate({ provider, signer, subject: 'localhost', ...period, ...options });
    return 'then' in made ? expect.fail('the provider signs at once') : { chain: [made.der], signer };
  }
  const refusalOf = (ofServer: Credential) => errorOf(shuttle(newPair({}, { credentials: [ofServer] })).clientEvents);

  test('a certificate whose key usage has no digitalSignature is refused', () => {
    expect(refusalOf(credentialOf({ keyUsage: ['digitalSignature'] }))).toBeUndefined();
    expect(refusalOf(credentialOf({ keyUsage: ['keyAgreement'] }))).toMatchObject({ alert: 'illegal_parameter' });
  });

  test('a scheme that the key of the certificate cannot make is refused', () => {
    const { chain } = credentialOf({});
    const signer = { ...provider.signer(generatePrivateKey('ed25519', provider.random)) };
    expect(refusalOf({ chain, signer })).toMatchObject({ alert: 'illegal_parameter' });
  });

  test('nobody signs with SHA-1, even where a peer would take it', () => {
    const { chain, signer } = credentialOf({});
    const sha1 = { chain, signer: { ...signer, schemes: [SignatureScheme.ecdsa_sha1] } };
    const ends = shuttle(newPair({ signatureSchemes: [SignatureScheme.ecdsa_sha1] }, { credentials: [sha1] }));
    expect(errorOf(ends.serverEvents)).toMatchObject({ alert: 'handshake_failure' });
  });

  test('a client signs with a scheme that the server asked for, or not at all', () => {
    const schemes = new Map<number, number | undefined>();
    for (const scheme of [SignatureScheme.ecdsa_secp256r1_sha256, SignatureScheme.ecdsa_secp384r1_sha384]) {
      const server: Partial<ServerConfig> = { clientCertificate: 'optional', signatureSchemes: [scheme] };
      schemes.set(scheme, openPair({ credentials: [credential] }, server).server.facts?.peerSignatureScheme);
    }
    expect([...schemes]).toEqual([
      [SignatureScheme.ecdsa_secp256r1_sha256, SignatureScheme.ecdsa_secp256r1_sha256],
      [SignatureScheme.ecdsa_secp384r1_sha384, undefined],
    ]);
  });
});
