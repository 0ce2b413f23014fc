import { toHex } from '../../bytes/hex.ts';
import { type Awaitable, type CryptoProvider, isThenable, type Signer } from '../../crypto/provider.ts';
import { misuse } from '../../errors.ts';
import { bytes, finite, having, listOf, object, ownDer, integer as wholeNumber } from '../../options.ts';
import { nameOf, SignatureScheme } from '../../wire/enums.ts';
import {
  bitString,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  tagged,
  taggedContents,
  time,
} from '../asn1/asn1js.ts';
import { DerError, DerReader } from '../asn1/der.ts';
import { Oid } from '../asn1/oids.ts';
import { encodePem } from '../asn1/pem.ts';
import { type Certificate, parseCertificate } from '../certificate/certificate.ts';
import { ExtensionOid } from '../certificate/extensions.ts';
import {
  checkSubject,
  encodeExtension,
  encodeName,
  type RawExtension,
  type SubjectOptions,
  subjectExtensions,
} from './extensions.ts';

/** The contents of a certificate that {@link createCertificate} makes, and its signer. */
export interface CertificateOptions extends SubjectOptions {
  /** For the key identifiers and the serial number. */
  readonly provider: Pick<CryptoProvider, 'hashes' | 'random'>;
  /** The issuer's key; of a self-signed certificate, the subject's. */
  readonly signer: Signer;
  /** The issuer's certificate, DER. Default: the subject issues itself (self-signed). */
  readonly issuer?: { readonly certificate: Uint8Array } | undefined;
  /** The subject's SubjectPublicKeyInfo, DER. Default: the signer's, which is right for a self-signed certificate only. */
  readonly publicKey?: Uint8Array | undefined;
  /** Positive, at most 20 octets (RFC 5280 §4.1.2.2). Default: 127 random bits. */
  readonly serialNumber?: bigint | undefined;
  /** Milliseconds since 1970; whole seconds go into the certificate. */
  readonly notBefore: number;
  /** Milliseconds since 1970; whole seconds go into the certificate. */
  readonly notAfter: number;
  /** SignatureScheme code point to sign with. Default: the signer's first. */
  readonly signatureScheme?: number | undefined;
}

/** The contents of a request that {@link createCertificateRequest} makes, and its signer. */
export interface CertificateRequestOptions extends SubjectOptions {
  /** The subject's key. */
  readonly signer: Signer;
  /** SignatureScheme code point to sign with. Default: the signer's first. */
  readonly signatureScheme?: number | undefined;
}

/** A certificate or request in both forms that files have. */
export interface Created {
  /** DER. */
  readonly der: Uint8Array;
  /** The same as PEM. */
  readonly pem: string;
}

/**
 * Makes an X.509 v3 certificate (RFC 5280 §4.1). What is asked for is written, sensible or not: nothing checks that
 * the issuer may issue it.
 * @returns at once where the signer answers at once
 * @throws TlsError ERR_TLS_CONFIG, ERR_TLS_UNSUPPORTED_KEY, INVALID_CERTIFICATE (the issuer's)
 *
 * @example
 * ```js
 * import { noble } from 'opentls/crypto/noble';
 * import { createCertificate, generatePrivateKey } from 'opentls/x509';
 *
 * const certificate = await createCertificate({
 *   provider: noble,
 *   signer: noble.signer(generatePrivateKey('P-256', noble.random)),
 *   subject: 'localhost',
 *   subjectAltNames: { dns: ['localhost'] },
 *   notBefore: Date.now(),
 *   notAfter: Date.now() + 86_400_000, // a day
 * });
 * console.log(certificate.pem.split('\n')[0]); // -----BEGIN CERTIFICATE-----
 * ```
 */
export function createCertificate(options: CertificateOptions): Awaitable<Created> {
  checkGiven(options, 'createCertificate', certificateOptions);
  having('random')(options.provider, 'createCertificate: options.provider');
  finite(options.notBefore, 'createCertificate: options.notBefore');
  finite(options.notAfter, 'createCertificate: options.notAfter');
  const publicKey = options.publicKey ?? (options.issuer === undefined ? options.signer.publicKey : undefined);
  if (publicKey === undefined)
    misuse(
      'ERR_TLS_CONFIG',
      'createCertificate: options.publicKey is missing: with an issuer, it is the public key of the subject',
    );
  if (options.notAfter < options.notBefore)
    misuse('ERR_TLS_CONFIG', 'createCertificate: options.notAfter is before options.notBefore');
  const scheme = schemeFor(options.signer, options.signatureScheme);
  const algorithm = signatureAlgorithm(scheme);
  const subject = encodeName(options.subject);
  const issuer = options.issuer === undefined ? undefined : parseCertificate(issuerOf(options.issuer));
  checkPublicKey(publicKey, 'createCertificate: options.publicKey');

  const extensions = [...subjectExtensions(options), ...keyIdentifiers(options.provider, publicKey, issuer)];
  const tbsCertificate = sequence(
    tagged(0, integer(2)),
    integer(serialNumber(options)),
    algorithm,
    issuer === undefined ? subject : issuer.subject.raw,
    sequence(time(options.notBefore), time(options.notAfter)),
    subject,
    publicKey,
    tagged(3, sequence(...extensions.map(encodeExtension))),
  );
  return sign(options.signer, scheme, tbsCertificate, 'CERTIFICATE');
}

/**
 * Makes a PKCS #10 certification request (RFC 2986 §4); extensions are asked for by RFC 2985 §5.4.2.
 *
 * @example
 * ```js
 * import { noble } from 'opentls/crypto/noble';
 * import { createCertificateRequest, generatePrivateKey } from 'opentls/x509';
 *
 * const signer = noble.signer(generatePrivateKey('P-256', noble.random));
 * const request = await createCertificateRequest({ signer, subject: 'www.example', subjectAltNames: { dns: ['www.example'] } });
 * console.log(request.pem.split('\n')[0]); // -----BEGIN CERTIFICATE REQUEST-----
 * ```
 */
export function createCertificateRequest(options: CertificateRequestOptions): Awaitable<Created> {
  checkGiven(options, 'createCertificateRequest', requestOptions);
  const publicKey = options.signer.publicKey;
  if (publicKey === undefined) misuse('ERR_TLS_CONFIG', 'the signer does not know its public key');
  const scheme = schemeFor(options.signer, options.signatureScheme);
  const extensions = subjectExtensions(options).map(encodeExtension);
  const extensionRequest = sequence(objectIdentifier(Oid.extensionRequest), setOf(sequence(...extensions)));
  const info = sequence(
    integer(0),
    encodeName(options.subject),
    publicKey,
    tagged(0, ...(extensions.length > 0 ? [extensionRequest] : [])),
  );
  return sign(options.signer, scheme, info, 'CERTIFICATE REQUEST');
}

/** @throws TlsError ERR_TLS_CONFIG for what is no certificate as DER, at the name that it has in the options */
function issuerOf(issuer: { readonly certificate: Uint8Array }): Uint8Array {
  object(issuer, 'createCertificate: options.issuer');
  return ownDer(issuer.certificate, 'createCertificate: options.issuer.certificate');
}

/** @throws TlsError ERR_TLS_CONFIG for what is no SubjectPublicKeyInfo */
function checkPublicKey(publicKey: Uint8Array, name: string): void {
  ownDer(publicKey, name);
  try {
    subjectPublicKey(publicKey);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    misuse('ERR_TLS_CONFIG', `${name} must be a SubjectPublicKeyInfo, DER: ${error.message}`);
  }
}

/** @throws TlsError ERR_TLS_CONFIG where options are none, or their signer is none */
function checkGiven(
  options: SubjectOptions & { readonly signer: Signer },
  name: string,
  others: readonly string[],
): void {
  object(options, `${name}: options`);
  having<Signer>('sign')(options.signer, `${name}: options.signer`);
  listOf(wholeNumber(0, 0xffff))(options.signer.schemes, `${name}: options.signer.schemes`);
  checkSubject(options, `${name}: options`, others);
}

/** Options that are not about the subject. */
const requestOptions = ['signer', 'signatureScheme'];
const certificateOptions = [
  ...requestOptions,
  'provider',
  'issuer',
  'publicKey',
  'serialNumber',
  'notBefore',
  'notAfter',
];

function sign(signer: Signer, scheme: number, toBeSigned: Uint8Array, label: string): Awaitable<Created> {
  const finish = (signature: Uint8Array): Created => {
    bytes(1)(signature, 'the answer of signer.sign()');
    const der = sequence(toBeSigned, signatureAlgorithm(scheme), bitString(signature));
    return { der, pem: encodePem(label, der) };
  };
  const signature = signer.sign(scheme, toBeSigned);
  return isThenable(signature) ? signature.then(finish) : finish(signature);
}

function schemeFor(signer: Signer, wanted: number | undefined): number {
  const scheme = wanted ?? signer.schemes[0];
  if (scheme === undefined) misuse('ERR_TLS_UNSUPPORTED_KEY', 'the signer names no signature scheme');
  if (!signer.schemes.includes(scheme)) {
    misuse('ERR_TLS_UNSUPPORTED_KEY', `the signer cannot make ${nameOf(SignatureScheme, scheme)}`);
  }
  return scheme;
}

function serialNumber(options: CertificateOptions): bigint {
  const given = options.serialNumber;
  if (given === undefined) {
    const bytes = options.provider.random(16);
    // Positive and of full length: the top bit clear, the next one set.
    bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
    return BigInt(`0x${toHex(bytes)}`);
  }
  if (typeof given !== 'bigint') misuse('ERR_TLS_CONFIG', 'createCertificate: options.serialNumber must be a bigint');
  if (given <= 0n || given >= 1n << 159n) misuse('ERR_TLS_CONFIG', 'a serial number is positive and fits 20 octets');
  return given;
}

/**
 * subjectKeyIdentifier and authorityKeyIdentifier, RFC 5280 §4.2.1.1 and §4.2.1.2. A self-signed certificate is its
 * own authority: there the latter may be left out, and is.
 */
function keyIdentifiers(
  provider: Pick<CryptoProvider, 'hashes'>,
  publicKey: Uint8Array,
  issuer: Certificate | undefined,
): readonly RawExtension[] {
  const subject: RawExtension = {
    oid: ExtensionOid.subjectKeyIdentifier,
    value: octetString(keyIdentifier(provider, publicKey)),
  };
  if (issuer === undefined) return [subject];
  const authority = issuer.subjectKeyIdentifier ?? keyIdentifier(provider, issuer.spki);
  return [subject, { oid: ExtensionOid.authorityKeyIdentifier, value: sequence(taggedContents(0, authority)) }];
}

/** RFC 7093 §2, method 1: the leftmost 160 bits of the SHA-256 of the subjectPublicKey bits. */
function keyIdentifier(provider: Pick<CryptoProvider, 'hashes'>, publicKey: Uint8Array): Uint8Array {
  return provider.hashes.sha256.digest(subjectPublicKey(publicKey)).subarray(0, 20);
}

/** The key of a SubjectPublicKeyInfo, whatever its algorithm. */
function subjectPublicKey(publicKey: Uint8Array): Uint8Array {
  const spki = new DerReader(publicKey).sequence();
  spki.sequence();
  return spki.bitString().bytes;
}

/** The AlgorithmIdentifier of a certificate signed with a scheme. @throws TlsError ERR_TLS_UNSUPPORTED_KEY */
function signatureAlgorithm(scheme: number): Uint8Array {
  switch (scheme) {
    case SignatureScheme.ecdsa_secp256r1_sha256:
      return sequence(objectIdentifier(Oid.ecdsaWithSha256));
    case SignatureScheme.ecdsa_secp384r1_sha384:
      return sequence(objectIdentifier(Oid.ecdsaWithSha384));
    case SignatureScheme.ecdsa_secp521r1_sha512:
      return sequence(objectIdentifier(Oid.ecdsaWithSha512));
    case SignatureScheme.ed25519:
      return sequence(objectIdentifier(Oid.ed25519));
    case SignatureScheme.ed448:
      return sequence(objectIdentifier(Oid.ed448));
    case SignatureScheme.mldsa44:
      return sequence(objectIdentifier(Oid.mlDsa44));
    case SignatureScheme.mldsa65:
      return sequence(objectIdentifier(Oid.mlDsa65));
    case SignatureScheme.mldsa87:
      return sequence(objectIdentifier(Oid.mlDsa87));
    case SignatureScheme.rsa_pkcs1_sha256:
      return sequence(objectIdentifier(Oid.sha256WithRSAEncryption), nullValue());
    case SignatureScheme.rsa_pkcs1_sha384:
      return sequence(objectIdentifier(Oid.sha384WithRSAEncryption), nullValue());
    case SignatureScheme.rsa_pkcs1_sha512:
      return sequence(objectIdentifier(Oid.sha512WithRSAEncryption), nullValue());
    case SignatureScheme.rsa_pss_rsae_sha256:
    case SignatureScheme.rsa_pss_pss_sha256:
      return pssAlgorithm(Oid.sha256, 32);
    case SignatureScheme.rsa_pss_rsae_sha384:
    case SignatureScheme.rsa_pss_pss_sha384:
      return pssAlgorithm(Oid.sha384, 48);
    case SignatureScheme.rsa_pss_rsae_sha512:
    case SignatureScheme.rsa_pss_pss_sha512:
      return pssAlgorithm(Oid.sha512, 64);
    default:
      misuse('ERR_TLS_UNSUPPORTED_KEY', `no certificate is signed with ${nameOf(SignatureScheme, scheme)}`);
  }
}

/** RSASSA-PSS with its parameters, RFC 4055 §3.1: salt as long as the hash, the default trailer left out. */
function pssAlgorithm(hash: string, saltLength: number): Uint8Array {
  const hashAlgorithm = sequence(objectIdentifier(hash), nullValue());
  const mgf1 = sequence(objectIdentifier(Oid.mgf1), hashAlgorithm);
  const parameters = sequence(tagged(0, hashAlgorithm), tagged(1, mgf1), tagged(2, integer(saltLength)));
  return sequence(objectIdentifier(Oid.rsassaPss), parameters);
}
