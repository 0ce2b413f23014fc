/** Reads PKCS#8 PrivateKeyInfo (RFC 5958 §2) into the numbers that a provider in JavaScript computes with. */
import { misuse, TlsError } from '../../errors.ts';
import { context, DerError, DerReader, Tag } from '../../x509/asn1/der.ts';
import { element, unsignedInteger, wholeBits } from '../../x509/asn1/der-write.ts';
import { Oid } from '../../x509/asn1/oids.ts';
import type { CurveName } from '../../x509/certificate/spki.ts';
import { fromBigInt, type RsaPrivateKey, toBigInt } from './rsa.ts';

export type DecodedPrivateKey =
  | DecodedEcKey
  /** RFC 8410 §7 */
  | { readonly algorithm: 'ed25519' | 'ed448'; readonly identifier: Uint8Array; readonly seed: Uint8Array }
  | DecodedRsaKey;

export interface DecodedMlDsaKey {
  readonly algorithm: 'ml_dsa_44' | 'ml_dsa_65' | 'ml_dsa_87';
  readonly identifier: Uint8Array;
  readonly forms: MlDsaForms;
}

/** ML-DSA-PrivateKey, RFC 9881 §6. Nothing here checks that seed and expanded key belong together. */
export type MlDsaForms =
  | { readonly seed: Uint8Array; readonly expandedKey?: Uint8Array }
  | { readonly seed?: undefined; readonly expandedKey: Uint8Array };

/** RFC 5915 §3 */
export interface DecodedEcKey {
  readonly algorithm: 'ec';
  /** AlgorithmIdentifier, DER: the public key has the same. */
  readonly identifier: Uint8Array;
  readonly curve: CurveName;
  /** As long as the order of the curve; a copy. */
  readonly scalar: Uint8Array;
  /** The public key, where the PrivateKeyInfo holds it. */
  readonly point: Uint8Array | undefined;
}

/** RFC 8017 §A.1.2, two primes */
export interface DecodedRsaKey {
  readonly algorithm: 'rsa' | 'rsa-pss';
  readonly identifier: Uint8Array;
  readonly key: RsaPrivateKey;
}

/**
 * Reads a private key. The result holds copies: the caller may wipe `der`.
 * @throws TlsError ERR_TLS_KEY_DECODE, ERR_TLS_UNSUPPORTED_KEY
 */
export function decodePkcs8(der: Uint8Array): DecodedPrivateKey {
  return reading(() => decode(der));
}

/**
 * Reads a private key of ML-DSA, which {@link decodePkcs8} refuses.
 * @returns undefined for a key of another algorithm
 */
export function decodeMlDsa(der: Uint8Array): DecodedMlDsaKey | undefined {
  return reading(() => {
    const { identifier, oid, parameters, key } = openContainer(der);
    const algorithm = mlDsa.get(oid);
    if (algorithm === undefined) return undefined;
    parameters.end();
    const reader = new DerReader(key);
    const forms = mlDsaForms(reader);
    reader.end();
    if (forms.seed !== undefined && forms.seed.length !== 32) throw new DerError('an ML-DSA seed that is not 32 bytes');
    return { algorithm, identifier, forms };
  });
}

/** SubjectPublicKeyInfo, RFC 5280 §4.1.2.7. */
export function encodeSpki(identifier: Uint8Array, publicKey: Uint8Array): Uint8Array {
  return element(Tag.sequence, identifier, wholeBits(publicKey));
}

/** RSAPublicKey, RFC 8017 §A.1.1. */
export function encodeRsaPublicKey(key: RsaPrivateKey): Uint8Array {
  return element(Tag.sequence, unsignedInteger(fromBigInt(key.n)), unsignedInteger(fromBigInt(key.e)));
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause;
    throw new TlsError('ERR_TLS_KEY_DECODE', `a malformed private key: ${cause.message}`, { blame: 'config' });
  }
}

/** Reads the algorithm and the octets of the key, but not the parameters of the algorithm. */
function openContainer(der: Uint8Array): {
  readonly identifier: Uint8Array;
  readonly oid: string;
  readonly parameters: DerReader;
  readonly key: Uint8Array;
} {
  const outer = new DerReader(der);
  const info = outer.sequence();
  outer.end();
  // Version 1 is OneAsymmetricKey, which may hold the public key too.
  if (info.smallInteger() > 1) throw new DerError('a version that is not known');
  const algorithm = info.element(Tag.sequence);
  const key = info.octetString();
  info.optional(context(0, 'constructed'));
  info.optional(context(1, 'primitive'));
  info.end();
  const parameters = new DerReader(algorithm.content);
  return { identifier: algorithm.raw.slice(), oid: parameters.oid(), parameters, key };
}

function decode(der: Uint8Array): DecodedPrivateKey {
  const { identifier, oid, parameters, key } = openContainer(der);
  switch (oid) {
    case Oid.ecPublicKey:
      return decodeEc(identifier, parameters, key);
    case Oid.ed25519:
      parameters.end();
      return { algorithm: 'ed25519', identifier, seed: decodeSeed(key, 32) };
    case Oid.ed448:
      parameters.end();
      return { algorithm: 'ed448', identifier, seed: decodeSeed(key, 57) };
    case Oid.rsaEncryption:
      return { algorithm: 'rsa', identifier, key: decodeRsa(key) };
    case Oid.rsassaPss:
      return { algorithm: 'rsa-pss', identifier, key: decodeRsa(key) };
    default:
      return misuse('ERR_TLS_UNSUPPORTED_KEY', `a private key of the algorithm ${mlDsa.get(oid) ?? oid}`);
  }
}

function mlDsaForms(reader: DerReader): MlDsaForms {
  switch (reader.nextTag) {
    case context(0, 'primitive'):
      return { seed: reader.element().content.slice() };
    case Tag.octetString:
      return { expandedKey: reader.octetString().slice() };
    default: {
      const both = reader.sequence();
      const forms = { seed: both.octetString().slice(), expandedKey: both.octetString().slice() };
      both.end();
      return forms;
    }
  }
}

function decodeEc(identifier: Uint8Array, parameters: DerReader, bytes: Uint8Array): DecodedEcKey {
  const oid = parameters.oid();
  parameters.end();
  const curve = curves.get(oid);
  if (curve === undefined) misuse('ERR_TLS_UNSUPPORTED_KEY', `a private key on the curve ${oid}`);
  const outer = new DerReader(bytes);
  const key = outer.sequence();
  outer.end();
  if (key.smallInteger() !== 1) throw new DerError('an ECPrivateKey of another version than 1');
  const digits = key.octetString();
  const named = key.enterOptional(context(0, 'constructed'));
  if (named !== undefined && named.oid() !== oid) throw new DerError('an EC key that names two curves');
  const point = key.enterOptional(context(1, 'constructed'))?.bitString().bytes;
  key.end();
  if (digits.length > curve.bytes) throw new DerError('an EC private key that is too long');
  const scalar = new Uint8Array(curve.bytes);
  scalar.set(digits, curve.bytes - digits.length);
  return { algorithm: 'ec', identifier, curve: curve.name, scalar, point: point?.slice() };
}

/** CurvePrivateKey, RFC 8410 §7. */
function decodeSeed(bytes: Uint8Array, length: number): Uint8Array {
  const outer = new DerReader(bytes);
  const seed = outer.octetString();
  outer.end();
  if (seed.length !== length) throw new DerError(`a key of an Edwards curve that is not ${length} bytes`);
  return seed.slice();
}

function decodeRsa(bytes: Uint8Array): RsaPrivateKey {
  const outer = new DerReader(bytes);
  const sequence = outer.sequence();
  outer.end();
  if (sequence.smallInteger() !== 0) throw new DerError('an RSA key of more than two primes');
  const next = (): bigint => readUnsigned(sequence);
  const key = { n: next(), e: next(), d: next(), p: next(), q: next(), dP: next(), dQ: next(), qInv: next() };
  sequence.end();
  checkNumbers(key);
  return { ...key, bits: key.n.toString(2).length };
}

/** Checks the relations of RFC 8017 §3.2, but not that p and q are prime. */
function checkNumbers({ n, e, p, q, dP, dQ, qInv }: Omit<RsaPrivateKey, 'bits'>): void {
  const consistent =
    p > 2n &&
    q > 2n &&
    n === p * q &&
    e % 2n === 1n &&
    (e * dP) % (p - 1n) === 1n &&
    (e * dQ) % (q - 1n) === 1n &&
    (qInv * q) % p === 1n;
  if (!consistent) throw new DerError('RSA numbers that do not belong together');
}

function readUnsigned(reader: DerReader): bigint {
  const bytes = reader.integerBytes();
  if ((bytes[0] ?? 0) >= 0x80) throw new DerError('a negative RSA number');
  return toBigInt(bytes);
}

const mlDsa: ReadonlyMap<string, DecodedMlDsaKey['algorithm']> = new Map([
  [Oid.mlDsa44, 'ml_dsa_44'],
  [Oid.mlDsa65, 'ml_dsa_65'],
  [Oid.mlDsa87, 'ml_dsa_87'],
]);

const curves: ReadonlyMap<string, { readonly name: CurveName; readonly bytes: number }> = new Map([
  [Oid.prime256v1, { name: 'P-256', bytes: 32 }],
  [Oid.secp384r1, { name: 'P-384', bytes: 48 }],
  [Oid.secp521r1, { name: 'P-521', bytes: 66 }],
]);

/**
 * Checks the argument of a provider's `signer()`.
 * @throws TlsError ERR_TLS_CONFIG for anything but a `Secret`: the text of a PEM file, for one
 */
export function checkSecretKey(key: unknown): void {
  if (typeof key === 'object' && key !== null && typeof Reflect.get(key, 'expose') === 'function') return;
  misuse(
    'ERR_TLS_CONFIG',
    'the key of a signer must be a Secret, which parsePrivateKey() and generatePrivateKey() make',
  );
}
