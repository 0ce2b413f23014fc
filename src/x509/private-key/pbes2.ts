/** PBES2, RFC 8018 §6.2: PBKDF2 or scrypt, then AES-CBC. What OpenSSL and node:crypto write today. */

import { cbc } from '@noble/ciphers/aes.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { pbkdf2 } from '@noble/hashes/pbkdf2.js';
import { scrypt } from '@noble/hashes/scrypt.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { wipe } from '../../bytes/wipe.ts';
import { misuse } from '../../errors.ts';
import { DerError, DerReader, Tag } from '../asn1/der.ts';
import { Oid } from '../asn1/oids.ts';

/** The iterations that a file may ask for: OpenSSL's default is 2,048, password managers use 600,000. */
const ITERATIONS_MAX = 10_000_000;
/** Bytes that scrypt may take. */
const SCRYPT_MEMORY_MAX = 2 ** 28;

/**
 * Decrypts an EncryptedPrivateKeyInfo (RFC 5958 §3).
 * @returns fresh memory; undefined where the padding shows that the password is wrong (255 of 256 wrong ones)
 * @throws DerError for malformed DER; TlsError ERR_TLS_UNSUPPORTED_KEY for another scheme or for too much work
 */
export function decryptPbes2(der: Uint8Array, password: Uint8Array): Uint8Array | undefined {
  const outer = new DerReader(der);
  const info = outer.sequence();
  outer.end();
  const scheme = info.sequence();
  const ciphertext = info.octetString();
  info.end();
  requireOid(scheme, Oid.pbes2, 'a private key encrypted by another scheme than PBES2');
  const parameters = scheme.sequence();
  scheme.end();
  const kdf = parameters.sequence();
  const cipher = parameters.sequence();
  parameters.end();
  const { keyLength, iv } = readCipher(cipher);
  return decryptCbc(deriveKey(kdf, password, keyLength), iv, ciphertext);
}

/** Decrypts AES-CBC and wipes the key. @returns undefined where the padding shows that the key is wrong */
export function decryptCbc(key: Uint8Array, iv: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
  try {
    return cbc(key, iv).decrypt(ciphertext);
  } catch {
    return undefined;
  } finally {
    wipe(key);
  }
}

function readCipher(cipher: DerReader): { readonly keyLength: number; readonly iv: Uint8Array } {
  const oid = cipher.oid();
  const keyLength = aesCbc.get(oid);
  if (keyLength === undefined) misuse('ERR_TLS_UNSUPPORTED_KEY', `a private key encrypted with the cipher ${oid}`);
  const iv = cipher.octetString();
  cipher.end();
  if (iv.length !== 16) throw new DerError('an AES-CBC IV that is not 16 bytes');
  return { keyLength, iv };
}

function deriveKey(kdf: DerReader, password: Uint8Array, keyLength: number): Uint8Array {
  const oid = kdf.oid();
  const parameters = kdf.sequence();
  kdf.end();
  const salt = parameters.octetString();
  if (oid === Oid.pbkdf2) return derivePbkdf2(parameters, salt, password, keyLength);
  if (oid === Oid.scrypt) return deriveScrypt(parameters, salt, password, keyLength);
  return misuse('ERR_TLS_UNSUPPORTED_KEY', `a private key encrypted under the key derivation ${oid}`);
}

/** PBKDF2-params, RFC 8018 §A.2. */
function derivePbkdf2(params: DerReader, salt: Uint8Array, password: Uint8Array, keyLength: number): Uint8Array {
  const c = params.smallInteger();
  checkKeyLength(params, keyLength);
  const prf = params.done ? Oid.hmacWithSha1 : readPrf(params.sequence());
  params.end();
  const hash = prfs.get(prf);
  if (hash === undefined) misuse('ERR_TLS_UNSUPPORTED_KEY', `PBKDF2 with the function ${prf}`);
  if (c < 1 || c > ITERATIONS_MAX) misuse('ERR_TLS_UNSUPPORTED_KEY', `PBKDF2 with ${c} iterations`);
  return pbkdf2(hash, password, salt, { c, dkLen: keyLength });
}

/** scrypt-params, RFC 7914 §7.1. */
function deriveScrypt(params: DerReader, salt: Uint8Array, password: Uint8Array, keyLength: number): Uint8Array {
  const [N, r, p] = [params.smallInteger(), params.smallInteger(), params.smallInteger()];
  checkKeyLength(params, keyLength);
  params.end();
  const bounded = N > 1 && (N & (N - 1)) === 0 && r > 0 && p > 0 && 128 * r * (N + p) <= SCRYPT_MEMORY_MAX && p <= 16;
  if (!bounded) misuse('ERR_TLS_UNSUPPORTED_KEY', `scrypt with N=${N}, r=${r}, p=${p}`);
  return scrypt(password, salt, { N, r, p, dkLen: keyLength, maxmem: 2 * SCRYPT_MEMORY_MAX });
}

function checkKeyLength(params: DerReader, keyLength: number): void {
  if (params.nextTag === Tag.integer && params.smallInteger() !== keyLength) {
    throw new DerError('a derived key of another length than the cipher takes');
  }
}

function readPrf(algorithm: DerReader): string {
  const oid = algorithm.oid();
  if (!algorithm.done) algorithm.null();
  algorithm.end();
  return oid;
}

function requireOid(reader: DerReader, oid: string, otherwise: string): void {
  if (reader.oid() !== oid) misuse('ERR_TLS_UNSUPPORTED_KEY', otherwise);
}

const prfs: ReadonlyMap<string, typeof sha1 | typeof sha256 | typeof sha384> = new Map([
  [Oid.hmacWithSha1, sha1],
  [Oid.hmacWithSha256, sha256],
  [Oid.hmacWithSha384, sha384],
  [Oid.hmacWithSha512, sha512],
]);

/** AES-CBC by key length, NIST's identifiers. */
const aesCbc: ReadonlyMap<string, number> = new Map([
  [Oid.aes128Cbc, 16],
  [Oid.aes192Cbc, 24],
  [Oid.aes256Cbc, 32],
]);
