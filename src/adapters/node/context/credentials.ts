import { equal } from '../../../bytes/equal.ts';
import type { CryptoProvider, Signer } from '../../../crypto/provider.ts';
import type { Secret } from '../../../crypto/secret.ts';
import { TlsError } from '../../../errors.ts';
import type { Credential } from '../../../handshake/terms/credential.ts';
import { decodePem } from '../../../x509/asn1/pem.ts';
import { parseCertificate } from '../../../x509/certificate/certificate.ts';
import { parsePrivateKey } from '../../../x509/private-key/keys.ts';
import type { CertificateInput, KeyInput } from '../options/context.ts';
import { signersOf } from '../options/rules.ts';
import { type CodedError, codedError, invalidKeyType, withCause } from '../support/errors.ts';
import { certificatesOf } from './ca.ts';

export interface CredentialOptions {
  readonly cert?: CertificateInput | readonly CertificateInput[] | undefined;
  readonly key?: KeyInput | readonly KeyInput[] | undefined;
  readonly passphrase?: string | undefined;
  readonly signer?: Signer | readonly Signer[] | undefined;
}

/**
 * Pairs each key or signer with the chain of `cert` that it fits. A chain without a key is left out, and so are keys where
 * there is no chain: neither is an error.
 * @param schemes the only signature schemes to use, if given
 * @throws ERR_OSSL_X509_KEY_VALUES_MISMATCH where a key fits none of the chains; ERR_OSSL_PEM_NO_START_LINE where `cert`
 * holds no certificate
 */
export function loadCredentials(
  options: CredentialOptions,
  provider: CryptoProvider,
  schemes: readonly number[] | undefined,
): readonly Credential[] {
  const chains = arrayOf(options.cert).map(chainOf);
  const signers = [...loadKeys(options, provider), ...signersOf(options.signer)];
  if (chains.length === 0) return [];
  return signers.map((signer, index) => {
    const chain =
      chains.find(([leaf]) => leaf !== undefined && fits(signer, leaf)) ?? anonymousChain(signer, chains, index);
    if (chain === undefined)
      throw opensslError(
        'x509 certificate routines',
        'X509',
        'key values mismatch',
        'a key or signer fits none of the certificates of options.cert',
      );
    return { chain, signer: restricted(signer, schemes) };
  });
}

function loadKeys({ key, passphrase }: CredentialOptions, provider: CryptoProvider): Signer[] {
  return arrayOf(key).map((entry) => {
    const withPem = typeof entry === 'object' && entry !== null && 'pem' in entry ? entry : undefined;
    const input = withPem === undefined ? entry : withPem.pem;
    const phrase = withPem?.passphrase ?? passphrase;
    if (phrase !== undefined && phrase !== null && typeof phrase !== 'string') {
      throw invalidKeyType('options.passphrase', 'of type string', phrase);
    }
    return provider.signer(readKey(textOrBytes(input), phrase ?? undefined));
  });
}

/** Reads a key, with the errors of `node:tls`. */
function readKey(input: string | Uint8Array, passphrase: string | undefined): Secret<'private key'> {
  try {
    return parsePrivateKey(input, passphrase);
  } catch (error) {
    if (!(error instanceof TlsError)) throw error;
    const about = (library: string, reason: string): Error =>
      withCause(opensslError(library, '', reason, error.message), error);
    if (error.code === 'ERR_TLS_KEY_PASSPHRASE') throw about('Provider routines', 'bad decrypt');
    if (error.code === 'ERR_TLS_KEY_DECODE') throw about('DECODER routines', 'unsupported');
    throw error;
  }
}

function chainOf(input: unknown): readonly Uint8Array[] {
  const chain = certificatesOf(input, 'options.cert');
  if (chain.length === 0) throw opensslError('PEM routines', 'PEM', 'no start line', noCertificate(input));
  return chain;
}

function fits(signer: Signer, leaf: Uint8Array): boolean {
  return signer.publicKey !== undefined && equal(signer.publicKey, parseCertificate(leaf).spki);
}

/** A signer without `publicKey` belongs to the chain at the same index. */
function anonymousChain(
  signer: Signer,
  chains: readonly (readonly Uint8Array[])[],
  index: number,
): readonly Uint8Array[] | undefined {
  return signer.publicKey === undefined ? chains[index] : undefined;
}

function restricted(signer: Signer, schemes: readonly number[] | undefined): Signer {
  if (schemes === undefined) return signer;
  return {
    schemes: signer.schemes.filter((scheme) => schemes.includes(scheme)),
    ...(signer.publicKey && { publicKey: signer.publicKey }),
    sign: (scheme, message) => signer.sign(scheme, message),
  };
}

function textOrBytes(input: unknown): string | Uint8Array {
  if (typeof input === 'string') return input;
  if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  throw invalidKeyType('options.key', 'of type string or an instance of Buffer, TypedArray, or DataView', input);
}

function arrayOf<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (!value) return [];
  return Array.isArray(value) ? value : [value as T];
}

/** What is wrong with a `cert` that holds no certificate. It may be a key by mistake, so only its labels are told. */
function noCertificate(input: unknown): string {
  const content = ArrayBuffer.isView(input) ? Buffer.from(input.buffer, input.byteOffset, input.byteLength) : input;
  const labels = [...new Set(decodePem(String(content)).map(({ label }) => label))].slice(0, 3);
  const found = labels.length === 0 ? 'is no PEM text' : `holds ${labels.join(', ')}`;
  return `options.cert holds the text or the bytes of a PEM file with a CERTIFICATE; what was given ${found}`;
}

/** @param hint what OpenSSL does not say */
function opensslError(library: string, prefix: string, reason: string, hint: string): CodedError {
  const code = `ERR_OSSL_${prefix === '' ? '' : `${prefix}_`}${reason.toUpperCase().replaceAll(' ', '_')}`;
  return codedError(code, `error:${library}::${reason}: ${hint}`, { library, reason });
}
