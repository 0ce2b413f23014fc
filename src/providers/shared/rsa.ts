/**
 * RSA over BigInt, RFC 8017: RSASSA-PSS and RSASSA-PKCS1-v1_5.
 *
 * BigInt arithmetic is not constant time, and nobody can wipe a BigInt. So private operations are blinded (they multiply the
 * base by a random r^e), and check the signature before they return it. A server that others can time should sign with
 * node:crypto, WebCrypto or a KMS instead.
 */
import { concat } from '../../bytes/concat.ts';
import { equal } from '../../bytes/equal.ts';
import { fromHex, toHex } from '../../bytes/hex.ts';
import type { Hash, HashName } from '../../crypto/provider.ts';
import { misuse, TlsError } from '../../errors.ts';

export interface RsaPublicKey {
  readonly n: bigint;
  readonly e: bigint;
  /** Length of the modulus, bits. */
  readonly bits: number;
}

/** RFC 8017 §3.2, second form, two primes. */
export interface RsaPrivateKey extends RsaPublicKey {
  readonly d: bigint;
  readonly p: bigint;
  readonly q: bigint;
  readonly dP: bigint;
  readonly dQ: bigint;
  readonly qInv: bigint;
}

/** How a message becomes the number to sign: EMSA-PKCS1-v1_5, or EMSA-PSS with MGF1 over the same hash. */
export type RsaEncoding = 'pkcs1' | 'pss';

/** MD5, for the verifier of old certificates alone, is no {@link HashName}. */
export type LegacyHashName = HashName | 'md5';

/** The part of a hash that signatures use. */
export interface MessageHash extends Pick<Hash, 'length' | 'digest'> {
  readonly name: LegacyHashName;
}

/** Bounds on the modulus of a peer's key, bits: a verification takes 5 ms at most. */
const VERIFY_BITS = { min: 1024, max: 8192 };
const EXPONENT_BITS_MAX = 33;
/** Bounds on the modulus of a signing key, bits: shorter ones are too weak. 4096 bits take 30 ms per signature, 8192 eight times that. */
const SIGN_BITS = { min: 2048, max: 4096 };

/** Whether a peer's key may be used: modulus and exponent are odd and within their bounds. */
export function isAcceptable(modulus: Uint8Array, exponent: Uint8Array, bits: number): boolean {
  if (bits < VERIFY_BITS.min || bits > VERIFY_BITS.max || exponent.length > 5) return false;
  const e = toBigInt(exponent);
  return e >= 3n && e % 2n === 1n && e < 1n << BigInt(EXPONENT_BITS_MAX) && (modulus.at(-1) ?? 0) % 2 === 1;
}

/** @throws TlsError ERR_TLS_UNSUPPORTED_KEY for a modulus outside of the bounds for signing */
export function checkSigningSize(bits: number): void {
  if (bits >= SIGN_BITS.min && bits <= SIGN_BITS.max) return;
  misuse('ERR_TLS_UNSUPPORTED_KEY', `an RSA key of ${bits} bits; ${SIGN_BITS.min} to ${SIGN_BITS.max} can sign`);
}

/**
 * Verifies by RFC 8017 §8.1.2 (PSS) or §8.2.2 (PKCS#1 v1.5).
 * @param saltLength bytes of salt in PSS: in TLS as many as the hash has (RFC 9846 §4.3.3)
 */
export function rsaVerify(
  key: RsaPublicKey,
  encoding: RsaEncoding,
  hash: MessageHash,
  message: Uint8Array,
  signature: Uint8Array,
  saltLength: number = hash.length,
): boolean {
  if (signature.length !== byteLength(key.bits)) return false;
  const s = toBigInt(signature);
  if (s >= key.n) return false;
  const m = modPow(s, key.e, key.n);
  if (encoding === 'pkcs1') {
    const expected = encodePkcs1(hash, message, signature.length);
    return expected !== undefined && equal(fromBigInt(m, signature.length), expected);
  }
  const length = byteLength(key.bits - 1);
  if (m >= 1n << BigInt(key.bits - 1)) return false;
  return verifyPss(hash, message, fromBigInt(m, length), key.bits - 1, saltLength);
}

/**
 * Signs by RFC 8017 §8.1.1 (PSS, with a salt as long as the hash) or §8.2.1 (PKCS#1 v1.5).
 * @param random cryptographically secure bytes, for the salt and the blinding
 * @throws TlsError ERR_TLS_INTERNAL where the signature does not verify (after a fault in the computation, or where the
 * numbers of the key do not belong together): such a signature would reveal the key
 */
export function rsaSign(
  key: RsaPrivateKey,
  encoding: RsaEncoding,
  hash: MessageHash,
  message: Uint8Array,
  random: (length: number) => Uint8Array,
): Uint8Array {
  const length = byteLength(key.bits);
  const encoded =
    encoding === 'pkcs1'
      ? encodePkcs1(hash, message, length)
      : encodePss(hash, message, random(hash.length), key.bits - 1);
  if (encoded === undefined) misuse('ERR_TLS_UNSUPPORTED_KEY', `an RSA key too short for ${hash.name}`);
  return fromBigInt(privateOperation(key, toBigInt(encoded), random), length);
}

/** Computes s = m^d mod n, blinded, by the CRT (RFC 8017 §5.2.1 2.b). */
function privateOperation(key: RsaPrivateKey, m: bigint, random: (length: number) => Uint8Array): bigint {
  const { n, e, p, q } = key;
  // 64 bits more than the modulus has make the bias of the reduction negligible.
  const r = (toBigInt(random(byteLength(key.bits) + 8)) % (n - 2n)) + 2n;
  const blinded = (m * modPow(r, e, n)) % n;
  const s1 = modPow(blinded % p, key.dP, p);
  const s2 = modPow(blinded % q, key.dQ, q);
  const h = (((s1 - (s2 % p) + p) % p) * key.qInv) % p;
  const s = ((s2 + h * q) * modInverse(r, n)) % n;
  if (modPow(s, e, n) !== m) {
    throw new TlsError('ERR_TLS_INTERNAL', 'an RSA signature came out wrong', {
      alert: 'internal_error',
      blame: 'local',
    });
  }
  return s;
}

/** EMSA-PKCS1-v1_5, RFC 8017 §9.2; undefined where the modulus is too short for the hash. */
function encodePkcs1(hash: MessageHash, message: Uint8Array, length: number): Uint8Array | undefined {
  const digestInfo = concat([digestInfoPrefixes[hash.name], hash.digest(message)]);
  if (length < digestInfo.length + 11) return undefined;
  const encoded = new Uint8Array(length).fill(0xff);
  encoded.set([0x00, 0x01]);
  encoded[length - digestInfo.length - 1] = 0x00;
  encoded.set(digestInfo, length - digestInfo.length);
  return encoded;
}

/** EMSA-PSS-ENCODE, RFC 8017 §9.1.1; undefined where the modulus is too short for the hash. */
function encodePss(hash: MessageHash, message: Uint8Array, salt: Uint8Array, bits: number): Uint8Array | undefined {
  const length = byteLength(bits);
  if (length < hash.length + salt.length + 2) return undefined;
  const digest = pssDigest(hash, message, salt);
  const block = new Uint8Array(length - hash.length - 1);
  block[block.length - salt.length - 1] = 0x01;
  block.set(salt, block.length - salt.length);
  applyMask(hash, digest, block, bits);
  return concat([block, digest, new Uint8Array([0xbc])]);
}

/** EMSA-PSS-VERIFY, RFC 8017 §9.1.2. */
function verifyPss(
  hash: MessageHash,
  message: Uint8Array,
  encoded: Uint8Array,
  bits: number,
  saltLength: number,
): boolean {
  const blockLength = encoded.length - hash.length - 1;
  const padding = blockLength - saltLength - 1;
  if (padding < 0 || encoded.at(-1) !== 0xbc) return false;
  const block = encoded.slice(0, blockLength);
  const digest = encoded.subarray(blockLength, -1);
  if (((block[0] ?? 0) & ~topMask(bits) & 0xff) !== 0) return false;
  applyMask(hash, digest, block, bits);
  for (let i = 0; i < padding; i++) if (block[i] !== 0) return false;
  if (block[padding] !== 0x01) return false;
  return equal(pssDigest(hash, message, block.subarray(padding + 1)), digest);
}

/** H of RFC 8017 §9.1.1 step 6. */
function pssDigest(hash: MessageHash, message: Uint8Array, salt: Uint8Array): Uint8Array {
  return hash.digest(concat([new Uint8Array(8), hash.digest(message), salt]));
}

/** XORs MGF1 (RFC 8017 §B.2.1) onto the block and clears the bits above the modulus. */
function applyMask(hash: MessageHash, seed: Uint8Array, block: Uint8Array, bits: number): void {
  for (let offset = 0, counter = 0; offset < block.length; offset += hash.length, counter++) {
    const mask = hash.digest(concat([seed, new Uint8Array([0, 0, 0, counter])]));
    const end = Math.min(hash.length, block.length - offset);
    for (let i = 0; i < end; i++) block[offset + i] = (block[offset + i] ?? 0) ^ (mask[i] ?? 0);
  }
  block[0] = (block[0] ?? 0) & topMask(bits);
}

/** A mask for the bits of the first byte that a number of `bits` bits may use. */
function topMask(bits: number): number {
  return 0xff >> (8 * byteLength(bits) - bits);
}

function byteLength(bits: number): number {
  return Math.ceil(bits / 8);
}

export function toBigInt(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`);
}

/** Writes a number in big-endian. @param length bytes; default: as many as the number needs */
export function fromBigInt(value: bigint, length?: number): Uint8Array {
  const digits = value.toString(16);
  return fromHex(digits.padStart(2 * (length ?? byteLength(4 * digits.length)), '0'));
}

/** Computes by fixed windows of four bits for a long exponent, by square and multiply for a short one. */
function modPow(base: bigint, exponent: bigint, modulus: bigint): bigint {
  const digits = exponent.toString(16);
  if (digits.length <= 9) return modPowShort(base, exponent, modulus);
  const powers = [1n, base % modulus];
  for (let i = 2; i < 16; i++) powers.push(((powers[i - 1] ?? 1n) * base) % modulus);
  let result = 1n;
  for (const digit of digits) {
    for (let i = 0; i < 4; i++) result = (result * result) % modulus;
    result = (result * (powers[Number.parseInt(digit, 16)] ?? 1n)) % modulus;
  }
  return result;
}

function modPowShort(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = (result * result) % modulus;
    if (bit === '1') result = (result * base) % modulus;
  }
  return result;
}

/** Inverts the random blinding value, and must invert no secret: the steps of extended Euclid depend on its argument. */
function modInverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value, modulus, 1n, 0n];
  while (b !== 0n) {
    const quotient = a / b;
    [a, b] = [b, a - quotient * b];
    [x, y] = [y, x - quotient * y];
  }
  return ((x % modulus) + modulus) % modulus;
}

/** The DER of DigestInfo up to the hash (RFC 8017 §9.2 note 1). */
const digestInfoPrefixes: Readonly<Record<LegacyHashName, Uint8Array>> = {
  md5: fromHex('3020300c06082a864886f70d020505000410'),
  sha1: fromHex('3021300906052b0e03021a05000414'),
  sha256: fromHex('3031300d060960864801650304020105000420'),
  sha384: fromHex('3041300d060960864801650304020205000430'),
  sha512: fromHex('3051300d060960864801650304020305000440'),
};
