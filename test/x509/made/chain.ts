import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Signer } from '#opentls/crypto/provider';
import { node } from '#opentls/providers/node';
import { SignatureScheme } from '#opentls/wire/enums';
import { type CertificateOptions, createCertificate } from '#opentls/x509/create/create';

/** A certificate with its key, able to issue others. */
export interface Holder {
  readonly der: Uint8Array;
  readonly pem: string;
  readonly signer: Signer;
  /** PKCS #8, PEM. */
  readonly key: string;
}

/** Chains made here are valid from an hour before to a day after. */
export const now: number = Math.floor(Date.now() / 1000) * 1000;

export type Overrides = Partial<Omit<CertificateOptions, 'provider' | 'signer' | 'issuer' | 'publicKey'>> & {
  /** Bits of an RSA key; default: a P-256 key. */
  readonly rsa?: number;
  /** Another key signs than the issuer's certificate has. */
  readonly forgedBy?: Holder;
  /** The subject has this one's key. */
  readonly publicKeyOf?: Holder;
};

export function authority(subject: string, issuer?: Holder, overrides: Overrides = {}): Holder {
  return issue(issuer, { subject, isCa: true, ...overrides });
}

export function serverLeaf(issuer?: Holder, overrides: Overrides = {}): Holder {
  return issue(issuer, {
    subject: 'leaf',
    subjectAltNames: { dns: ['server.test'] },
    extendedKeyUsage: ['serverAuth'],
    ...overrides,
  });
}

function issue(issuer: Holder | undefined, options: Overrides & Pick<CertificateOptions, 'subject'>): Holder {
  const { rsa, forgedBy, publicKeyOf, ...rest } = options;
  const { privateKey } =
    rsa === undefined
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: rsa });
  const signer = signerOf(privateKey);
  const created = createCertificate({
    provider: node,
    notBefore: now - 3_600_000,
    notAfter: now + 86_400_000,
    ...rest,
    signer: forgedBy?.signer ?? issuer?.signer ?? signer,
    issuer: issuer && { certificate: issuer.der },
    publicKey: (publicKeyOf?.signer ?? signer).publicKey,
  });
  if ('then' in created) throw new TypeError('the provider signs at once');
  return { ...created, signer, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** Signs with SHA-256, and with RSA keys too small for the library's own signers. */
function signerOf(key: KeyObject): Signer {
  const publicKey = new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }));
  const scheme =
    key.asymmetricKeyType === 'ec' ? SignatureScheme.ecdsa_secp256r1_sha256 : SignatureScheme.rsa_pkcs1_sha256;
  return { schemes: [scheme], publicKey, sign: (_scheme, message) => new Uint8Array(sign('sha256', message, key)) };
}
