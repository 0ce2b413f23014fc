import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Signer } from '#opentls/crypto/provider';
import { noble } from '#opentls/providers/noble';
import { SignatureScheme } from '#opentls/wire/enums';
import { type CertificateOptions, type Created, createCertificate } from '#opentls/x509/create/create';
import { createMlDsaChains, type MlDsaChains, type MlDsaKind } from './ml-dsa-certificates.ts';

/** A certificate chain, leaf first, and the leaf's PKCS#8 key: PEM. */
export interface Credential {
  readonly cert: string;
  readonly key: string;
}

export const commonKinds = ['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA', 'RSA-PSS'] as const;
export type LeafKind = (typeof commonKinds)[number] | 'Ed448';

export interface Certificates {
  /** The authority of `ca`, to sign other things. */
  readonly root: Credential;
  /** For `server.test`, right under `ca`: one OCSP response tells all of it. */
  readonly direct: Credential;
  /** The same with an RSA key: what NSS makes OCSP responses for. */
  readonly directRsa: Credential;
  /** Root that every chain here ends at, but for `stranger`'s. */
  readonly ca: string;
  /** A root that signed nothing else here. */
  readonly otherCa: string;
  /** For `server.test`, under an intermediate of `ca`. */
  readonly leaves: Readonly<Record<LeafKind, Credential>>;
  /** For `server.test`, right under `ca`; its key may delegate, RFC 9345 §4.2. */
  readonly delegating: Credential;
  /** Chains in which every key is of ML-DSA. */
  readonly mlDsa: Readonly<Record<MlDsaKind, MlDsaChains>>;
  /** For `other.test`. */
  readonly otherName: Credential;
  /** For `server.test`, over since yesterday. */
  readonly expired: Credential;
  /** For clients. */
  readonly client: Credential;
  /** For clients, under `otherCa`. */
  readonly stranger: Credential;
}

export const serverName = 'server.test';
export const otherServerName = 'other.test';

/** Makes what every run needs: two authorities, an intermediate, and leaves of each kind, good for a day. */
export async function createCertificates(): Promise<Certificates> {
  const root = await issueAuthority('opentls interop root');
  const otherRoot = await issueAuthority('opentls interop other root');
  const intermediate = await issueAuthority('opentls interop intermediate', root);
  const leaf = (key: KeyObject): Promise<Credential> => issueLeaf(key, serverName, 'serverAuth', intermediate);
  return {
    ca: root.certificate.pem,
    root: { cert: root.certificate.pem, key: root.key },
    direct: await issueLeaf(ecKey('P-256'), serverName, 'serverAuth', root),
    directRsa: await issueLeaf(rsaKey(), serverName, 'serverAuth', root),
    delegating: await issueLeaf(ecKey('P-256'), serverName, 'serverAuth', root, undefined, [delegationUsage]),
    otherCa: otherRoot.certificate.pem,
    leaves: {
      'P-256': await leaf(ecKey('P-256')),
      'P-384': await leaf(ecKey('P-384')),
      'P-521': await leaf(ecKey('P-521')),
      Ed25519: await leaf(generateKeyPairSync('ed25519').privateKey),
      Ed448: await leaf(generateKeyPairSync('ed448').privateKey),
      RSA: await leaf(rsaKey()),
      'RSA-PSS': await leaf(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey),
    },
    mlDsa: {
      'ML-DSA-44': await createMlDsaChains('ML-DSA-44', serverName, validUntil(Date.now() + day)),
      'ML-DSA-65': await createMlDsaChains('ML-DSA-65', serverName, validUntil(Date.now() + day)),
      'ML-DSA-87': await createMlDsaChains('ML-DSA-87', serverName, validUntil(Date.now() + day)),
    },
    // Directly under the root: s_server sends no intermediate with its second certificate.
    otherName: await issueLeaf(ecKey('P-256'), otherServerName, 'serverAuth', root),
    expired: await issueLeaf(ecKey('P-256'), serverName, 'serverAuth', intermediate, Date.now() - day),
    client: await issueLeaf(ecKey('P-256'), 'client.test', 'clientAuth', intermediate),
    stranger: await issueLeaf(ecKey('P-256'), 'client.test', 'clientAuth', otherRoot),
  };
}

interface Authority {
  readonly certificate: Created;
  readonly signer: Signer;
  /** PKCS#8, PEM. */
  readonly key: string;
  /** What those that it certifies send after their own certificate, PEM. */
  readonly sent: string;
}

async function issueAuthority(name: string, issuer?: Authority): Promise<Authority> {
  const key = ecKey('P-256');
  const signer = signerOf(key);
  const certificate = await createCertificate({
    ...validUntil(Date.now() + day),
    ...(issuer ? { issuer: { certificate: issuer.certificate.der }, signer: issuer.signer } : { signer }),
    publicKey: signer.publicKey,
    subject: name,
    isCa: true,
  });
  return { certificate, signer, key: pemOf(key), sent: issuer ? certificate.pem : '' };
}

async function issueLeaf(
  key: KeyObject,
  name: string,
  purpose: 'serverAuth' | 'clientAuth',
  issuer: Authority,
  notAfter = Date.now() + day,
  extensions: CertificateOptions['extensions'] = [],
): Promise<Credential> {
  const certificate = await createCertificate({
    ...validUntil(notAfter),
    issuer: { certificate: issuer.certificate.der },
    signer: issuer.signer,
    publicKey: spki(key),
    subject: name,
    subjectAltNames: { dns: [name] },
    extendedKeyUsage: [purpose],
    extensions,
    // NSS wants of RSA keys what TLS 1.2 would use them for.
    ...(key.asymmetricKeyType === 'rsa' && { keyUsage: ['digitalSignature', 'keyEncipherment'] }),
  });
  return { cert: certificate.pem + issuer.sent, key: pemOf(key) };
}

function pemOf(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'pkcs8' }).toString();
}

function validUntil(notAfter: number): Pick<CertificateOptions, 'provider' | 'notBefore' | 'notAfter'> {
  return { provider: noble, notBefore: notAfter - 2 * day, notAfter };
}

/** Signs by node:crypto: what the peers are shown does not come from the code under test alone. */
function signerOf(key: KeyObject): Signer {
  return {
    schemes: [SignatureScheme.ecdsa_secp256r1_sha256],
    publicKey: spki(key),
    sign: (_scheme, message) => sign('sha256', message, key),
  };
}

function ecKey(namedCurve: string): KeyObject {
  return generateKeyPairSync('ec', { namedCurve }).privateKey;
}

function rsaKey(): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
}

function spki(key: KeyObject): Uint8Array {
  return createPublicKey(key).export({ format: 'der', type: 'spki' });
}

/** An extension that is NULL. */
const delegationUsage = { oid: '1.3.6.1.4.1.44363.44', value: Uint8Array.of(5, 0) };
const day = 24 * 60 * 60 * 1000;
