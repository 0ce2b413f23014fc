import { readFileSync } from 'node:fs';
import type { CryptoProvider, Signer } from '#opentls/crypto/provider';
import { Secret } from '#opentls/crypto/secret';
import { TlsError } from '#opentls/errors';
import { delegatedCredential } from '#opentls/handshake/proof/delegation';
import type { Credential } from '#opentls/handshake/terms/credential';
import { type ExternalPsk, importPsk } from '#opentls/keys/importer';
import { mlKemGroups, noble } from '#opentls/providers/noble';
import { withMlDsa } from '#opentls/providers/noble/ml-dsa';
import { node } from '#opentls/providers/node';
import { SignatureScheme } from '#opentls/wire/enums';
import { decodePem } from '#opentls/x509/asn1/pem';
import { parsePrivateKey } from '#opentls/x509/private-key/keys';
import type { CredentialOptions } from './flags.ts';

const base = withMlDsa(process.env['OPENTLS_BOGO_PROVIDER'] === 'noble' ? noble : node);

/** With ML-DSA and ML-KEM alone, which are options of every provider. */
export const provider: CryptoProvider = {
  ...base,
  groups: [...base.groups, ...mlKemGroups],
};

/**
 * @param schemes what a key may be used with, where its own flags do not say; empty: all that it does
 * @returns undefined where the flags name no certificate
 */
export function loadCredential(options: CredentialOptions, schemes: readonly number[]): Credential | undefined {
  const { 'cert-file': certFile, 'key-file': keyFile } = options;
  const prefs = options['signing-prefs'].length > 0 ? options['signing-prefs'] : schemes;
  if (keyFile === undefined) return undefined;
  const whole = signerOf(readFileSync(keyFile, 'utf8'));
  const signer = prefs.length === 0 ? whole : restricted(whole, prefs);
  const common = {
    signer,
    ocspResponse: options['ocsp-response'],
    timestamps: options['signed-cert-timestamps'],
    mustMatchIssuer: options['must-match-issuer'],
  };
  if (options.kind === 'raw public key' && signer.publicKey !== undefined) {
    return { ...common, type: 'RawPublicKey', chain: [signer.publicKey] };
  }
  if (certFile === undefined) return undefined;
  const chain = loadChain(certFile);
  const { 'delegated-credential': delegation, kind } = options;
  if (kind !== 'delegated' || delegation === undefined) return { ...common, chain };
  return { ...common, chain, delegation: delegated(chain, delegation, signer) };
}

/** Looked at as BoringSSL does, which leaves it to the peer whether the certificate may delegate. */
function delegated(chain: readonly Uint8Array[], raw: Uint8Array, signer: Signer): Credential['delegation'] {
  try {
    return delegatedCredential(chain, raw, signer).delegation;
  } catch (error) {
    if (error instanceof TlsError && error.message.includes('may not delegate')) return unchecked(raw);
    throw error;
  }
}

/** RFC 9345 §4, without a word of what its peer will look at. */
function unchecked(raw: Uint8Array): NonNullable<Credential['delegation']> {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
  const keyLength = view.getUint32(5) & 0xff_ffff;
  return { raw, scheme: view.getUint16(4), algorithm: view.getUint16(9 + keyLength) };
}

/** A key agreed outside of TLS, imported (RFC 9258); empty where the flags are not about one. */
export function loadPsks(options: CredentialOptions): readonly ExternalPsk[] {
  const { 'psk-importer-key': key, 'psk-importer-identity': identity, 'psk-importer-context': context } = options;
  if (options.kind !== 'psk' || key === undefined || identity === undefined) return [];
  const hash = options['psk-importer-sha384'] ? 'sha384' : 'sha256';
  return importPsk(
    { identity, secret: new Secret('psk', key.slice()), hash },
    context ?? key.slice(0, 0),
    provider.hashes,
  );
}

/** DER, leaf first. */
export function loadChain(path: string): readonly Uint8Array[] {
  return decodePem(readFileSync(path, 'utf8')).map(({ der }) => der);
}

function signerOf(pem: string): Signer {
  try {
    return base.signer(parsePrivateKey(pem));
  } catch (error) {
    if (error instanceof TlsError && error.code === 'ERR_TLS_UNSUPPORTED_KEY') return useless;
    throw error;
  }
}

/** A key that makes no scheme of TLS: it is there, and never fits. */
const useless: Signer = {
  schemes: [],
  sign() {
    throw new RangeError('a key without schemes');
  },
};

/** rsa_pkcs1_sha256_legacy goes with the keys of rsa_pkcs1_sha256; it has to be asked for by name (RFC 9963). */
const LEGACY = SignatureScheme.rsa_pkcs1_sha256_legacy;
const RSA_PKCS1_SHA256 = SignatureScheme.rsa_pkcs1_sha256;

/** Only these schemes, in this order. */
function restricted(signer: Signer, prefs: readonly number[]): Signer {
  return {
    schemes: prefs.filter((scheme) => signer.schemes.includes(scheme === LEGACY ? RSA_PKCS1_SHA256 : scheme)),
    ...(signer.publicKey && { publicKey: signer.publicKey }),
    sign: (scheme, message) => signer.sign(scheme, message),
  };
}
