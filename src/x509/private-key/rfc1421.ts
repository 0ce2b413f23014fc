/**
 * The encryption of PEM blocks in the manner of RFC 1421, as OpenSSL wrote private keys before PKCS#8 and still does with
 * `-traditional`: a header names the cipher and its IV, one round of MD5 makes the key. Only to read old files.
 */
import { md5 } from '@noble/hashes/legacy.js';
import { concat } from '../../bytes/concat.ts';
import { fromHex } from '../../bytes/hex.ts';
import { wipe } from '../../bytes/wipe.ts';
import { misuse } from '../../errors.ts';
import { decryptCbc } from './pbes2.ts';

/** Whether the headers of a PEM block say that it is encrypted. */
export function isEncrypted(headers: string): boolean {
  return /^DEK-Info:/m.test(headers);
}

/**
 * Decrypts a PEM block.
 * @returns fresh memory; undefined where the padding shows that the password is wrong
 * @throws TlsError ERR_TLS_UNSUPPORTED_KEY for another cipher than AES-CBC
 */
export function decryptRfc1421(headers: string, ciphertext: Uint8Array, password: Uint8Array): Uint8Array | undefined {
  const [, cipher = '', hex = ''] = /^DEK-Info: *([\w-]+) *, *((?:[\dA-F]{2})+) *$/im.exec(headers) ?? [];
  const keyLength = keyLengths.get(cipher.toUpperCase());
  const iv = fromHex(hex);
  if (keyLength === undefined || iv.length !== 16) {
    misuse('ERR_TLS_UNSUPPORTED_KEY', 'a private key encrypted as in RFC 1421 by another cipher than AES-CBC');
  }
  return decryptCbc(deriveKey(password, iv.subarray(0, 8), keyLength), iv, ciphertext);
}

/** EVP_BytesToKey(3) of OpenSSL, with one iteration: each block is MD5 of the block before, the password and the salt. */
function deriveKey(password: Uint8Array, salt: Uint8Array, length: number): Uint8Array {
  const key = new Uint8Array(length);
  let block = new Uint8Array(0);
  for (let filled = 0; filled < length; filled += block.length) {
    const input = concat([block, password, salt]);
    block = new Uint8Array(md5(input));
    wipe(input);
    key.set(block.subarray(0, length - filled), filled);
  }
  wipe(block);
  return key;
}

const keyLengths: ReadonlyMap<string, number> = new Map([
  ['AES-128-CBC', 16],
  ['AES-192-CBC', 24],
  ['AES-256-CBC', 32],
]);
