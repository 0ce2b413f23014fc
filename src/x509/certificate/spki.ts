import { derBytes, isPem } from '../../options.ts';
import { DerError, DerReader, Tag } from '../asn1/der.ts';
import { Oid, oidText } from '../asn1/oids.ts';
import { type PssParameters, readPssParameters } from './pss-parameters.ts';

export type { PssParameters } from './pss-parameters.ts';

export type CurveName = 'P-256' | 'P-384' | 'P-521';

/** A SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) as far as this library has a use for it. */
export type PublicKeyInfo =
  | RsaPublicKeyInfo
  | { readonly algorithm: 'ec'; readonly curve: CurveName; readonly point: Uint8Array; readonly bits: number }
  | PlainPublicKeyInfo
  | UnknownPublicKeyInfo;

/** A key that nothing here makes use of. */
export interface UnknownPublicKeyInfo {
  readonly algorithm: 'unknown';
  readonly curve?: undefined;
  /** Of the algorithm, or of the curve. */
  readonly oid: string;
  /** The algorithm or curve, as text for people. */
  readonly unsupported: string;
  readonly bits: 0;
}

/** A key that is one string of bytes, of an algorithm without parameters (RFC 8410 §4, RFC 9881 §4). */
export interface PlainPublicKeyInfo {
  readonly algorithm: 'ed25519' | 'ed448' | 'ml_dsa_44' | 'ml_dsa_65' | 'ml_dsa_87';
  readonly curve?: undefined;
  readonly key: Uint8Array;
  readonly bits: number;
}

/** RSA keys by the OID they carry: rsaEncryption, or id-RSASSA-PSS with optional restrictions (RFC 4055 §3). */
export interface RsaPublicKeyInfo {
  readonly algorithm: 'rsa' | 'rsa-pss';
  readonly curve?: undefined;
  /** Big-endian, without a sign byte. */
  readonly modulus: Uint8Array;
  readonly exponent: Uint8Array;
  readonly bits: number;
  /** Only these parameters may be used with the key; absent: any. */
  readonly pss?: PssParameters | undefined;
}

/**
 * Reads a SubjectPublicKeyInfo. An algorithm that it does not know is `unknown`.
 * @throws DerError for a structure that is not strict DER of a known form; TlsError ERR_TLS_CONFIG for what is no bytes
 */
export function parseSpki(der: Uint8Array): PublicKeyInfo {
  derBytes(der, 'the public key');
  if (isPem(der)) throw new DerError('it is PEM, which decodePem() reads');
  const outer = new DerReader(der);
  const spki = outer.sequence();
  outer.end();
  const algorithm = spki.sequence();
  const oid = algorithm.oid();
  const key = spki.bitString();
  spki.end();
  if (key.unusedBits !== 0) throw new DerError('a public key that is not whole bytes');
  switch (oid) {
    case Oid.rsaEncryption:
      algorithm.null();
      algorithm.end();
      return parseRsa('rsa', key.bytes, undefined);
    case Oid.rsassaPss:
      return parseRsaPss(algorithm, key.bytes);
    case Oid.ecPublicKey:
      return parseEc(algorithm, key.bytes);
    default:
      return parsePlain(oid, algorithm, key.bytes);
  }
}

function parsePlain(oid: string, parameters: DerReader, key: Uint8Array): PublicKeyInfo {
  const plain = plainKeys.get(oid);
  if (plain === undefined) return { algorithm: 'unknown', oid, unsupported: oidText(oid), bits: 0 };
  const { algorithm, length, bits } = plain;
  parameters.end();
  if (key.length !== length) throw new DerError(`a key of ${algorithm} that is not ${length} bytes`);
  return { algorithm, key, bits };
}

function parseRsaPss(algorithm: DerReader, bytes: Uint8Array): PublicKeyInfo {
  const pss = algorithm.done ? undefined : readPssParameters(algorithm.rest);
  if (pss?.unsupported === undefined) return parseRsa('rsa-pss', bytes, pss);
  return { algorithm: 'unknown', oid: Oid.rsassaPss, unsupported: pss.unsupported, bits: 0 };
}

function parseRsa(algorithm: 'rsa' | 'rsa-pss', bytes: Uint8Array, pss: PssParameters | undefined): RsaPublicKeyInfo {
  const outer = new DerReader(bytes);
  const key = outer.sequence();
  outer.end();
  const modulus = positive(key.integerBytes());
  const exponent = positive(key.integerBytes());
  key.end();
  return { algorithm, modulus, exponent, bits: bitLength(modulus), pss };
}

function parseEc(algorithm: DerReader, point: Uint8Array): PublicKeyInfo {
  if (algorithm.nextTag !== Tag.oid) throw new DerError('an EC key without a named curve (RFC 5480 §2.1.1)');
  const oid = algorithm.oid();
  algorithm.end();
  const curve = curves.get(oid);
  if (curve === undefined) {
    return { algorithm: 'unknown', oid, unsupported: `an elliptic curve ${oidText(oid)}`, bits: 0 };
  }
  // RFC 5480 §2.2 allows compressed points, but CAs do not issue them.
  if (point.length !== 1 + 2 * curve.bytes || point[0] !== 4)
    throw new DerError('an EC point that is not uncompressed');
  return { algorithm: 'ec', curve: curve.name, point, bits: curve.bits };
}

function positive(integer: Uint8Array): Uint8Array {
  if ((integer[0] ?? 0) >= 0x80) throw new DerError('a negative RSA integer');
  return integer[0] === 0 ? integer.subarray(1) : integer;
}

function bitLength(bytes: Uint8Array): number {
  const [first] = bytes;
  return first === undefined ? 0 : 8 * (bytes.length - 1) + (32 - Math.clz32(first));
}

const curves: ReadonlyMap<string, { readonly name: CurveName; readonly bytes: number; readonly bits: number }> =
  new Map([
    [Oid.prime256v1, { name: 'P-256', bytes: 32, bits: 256 }],
    [Oid.secp384r1, { name: 'P-384', bytes: 48, bits: 384 }],
    [Oid.secp521r1, { name: 'P-521', bytes: 66, bits: 521 }],
  ]);

interface PlainKey {
  readonly algorithm: PlainPublicKeyInfo['algorithm'];
  readonly length: number;
  readonly bits: number;
}

/** Lengths: RFC 8032 §5.1.5 and §5.2.5, FIPS 204 table 2. Bits: of the order of the group, or of the key. */
const plainKeys: ReadonlyMap<string, PlainKey> = new Map<string, PlainKey>([
  [Oid.ed25519, { algorithm: 'ed25519', length: 32, bits: 253 }],
  [Oid.ed448, { algorithm: 'ed448', length: 57, bits: 446 }],
  [Oid.mlDsa44, { algorithm: 'ml_dsa_44', length: 1312, bits: 1312 * 8 }],
  [Oid.mlDsa65, { algorithm: 'ml_dsa_65', length: 1952, bits: 1952 * 8 }],
  [Oid.mlDsa87, { algorithm: 'ml_dsa_87', length: 2592, bits: 2592 * 8 }],
]);
