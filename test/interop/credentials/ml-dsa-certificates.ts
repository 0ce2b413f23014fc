import { noble, withMlDsa } from 'opentls/crypto/noble';
import type { Signer } from '#opentls/crypto/provider';
import { encodePem } from '#opentls/x509/asn1/pem';
import { type CertificateOptions, type Created, createCertificate } from '#opentls/x509/create/create';
import { type GeneratedKeyKind, generatePrivateKey } from '#opentls/x509/private-key/generate';
import type { Credential } from './certificates.ts';

export const mlDsaKinds = ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'] as const;
export type MlDsaKind = (typeof mlDsaKinds)[number];

/** A root, and what it certifies; every key is of one parameter set. */
export interface MlDsaChains {
  readonly ca: string;
  readonly server: Credential;
  readonly client: Credential;
}

/** @param validity of each certificate */
export async function createMlDsaChains(
  kind: MlDsaKind,
  serverName: string,
  validity: Pick<CertificateOptions, 'notBefore' | 'notAfter'>,
): Promise<MlDsaChains> {
  const provider = withMlDsa(noble);
  const root = newKey(kind);
  const { publicKey } = root.signer;
  const common = { ...validity, provider, signer: root.signer };
  const ca = await createCertificate({ ...common, publicKey, subject: `opentls interop ${kind}`, isCa: true });
  const issue = async (name: string, purpose: 'serverAuth' | 'clientAuth'): Promise<Credential> => {
    const { pem, signer } = newKey(kind);
    const certificate: Created = await createCertificate({
      ...common,
      issuer: { certificate: ca.der },
      publicKey: signer.publicKey,
      subject: name,
      subjectAltNames: { dns: [name] },
      extendedKeyUsage: [purpose],
    });
    return { cert: certificate.pem, key: pem };
  };
  return {
    ca: ca.pem,
    server: await issue(serverName, 'serverAuth'),
    client: await issue('client.test', 'clientAuth'),
  };
}

function newKey(kind: MlDsaKind): { readonly pem: string; readonly signer: Signer } {
  const key = generatePrivateKey(kind.toLowerCase().replaceAll('-', '_') as GeneratedKeyKind, noble.random);
  const pem = encodePem('PRIVATE KEY', key.expose());
  return { pem, signer: withMlDsa(noble).signer(key) };
}
