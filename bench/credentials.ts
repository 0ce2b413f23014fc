import type { CryptoProvider } from '#opentls/crypto/provider';
import { noble } from '#opentls/providers/noble';
import { createCertificate, encodePem, generatePrivateKey } from '#opentls/x509/index';

/** A throw-away authority with one P-256 certificate for localhost. */
export interface BenchCredentials {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export async function benchCredentials(provider: CryptoProvider = noble): Promise<BenchCredentials> {
  const [caKey, leafKey] = [generatePrivateKey('P-256', provider.random), generatePrivateKey('P-256', provider.random)];
  const key = encodePem('PRIVATE KEY', leafKey.expose());
  const [authority, leaf] = [provider.signer(caKey), provider.signer(leafKey)];
  const validity = { notBefore: Date.now() - 3_600_000, notAfter: Date.now() + 86_400_000 };
  const ca = await createCertificate({ provider, signer: authority, subject: 'Bench CA', isCa: true, ...validity });
  const cert = await createCertificate({
    provider,
    signer: authority,
    issuer: { certificate: ca.der },
    publicKey: leaf.publicKey,
    subject: 'localhost',
    subjectAltNames: { dns: ['localhost'] },
    ...validity,
  });
  return { ca: ca.pem, cert: cert.pem, key };
}
