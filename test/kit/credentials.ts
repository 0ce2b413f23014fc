import type { CryptoProvider } from '#opentls/crypto/provider';
import type { Credential } from '#opentls/handshake/terms/credential';
import { createCertificate } from '#opentls/x509/create/create';
import { generatePrivateKey } from '#opentls/x509/private-key/generate';

/** A fresh key with a self-signed certificate for localhost. */
export function testCredential(provider: CryptoProvider): Credential {
  const signer = provider.signer(generatePrivateKey('P-256', provider.random));
  const created = createCertificate({
    provider,
    signer,
    subject: 'localhost',
    subjectAltNames: { dns: ['localhost'] },
    notBefore: Date.now() - 3_600_000,
    notAfter: Date.now() + 86_400_000,
  });
  if ('then' in created) throw new Error('the provider signs at once');
  return { chain: [created.der], signer };
}
