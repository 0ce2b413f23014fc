/**
 * AES-GCM about twice as fast as noble's: it makes the key schedule and a 64 KiB table for GHASH once per key, where noble
 * makes them once per record. AES and CTR are noble's. GHASH is opentls's own, and nobody has audited it, so nothing uses
 * it by default: ask for it with `{ ...noble, suites: fastGcmSuites }`.
 *
 * Like noble's AES and GHASH it looks up tables at indices that are secret: an attacker who shares the processor's cache may
 * learn them.
 */
import { unsafe } from '@noble/ciphers/aes.js';
import { equalConstantTime } from '../../bytes/equal.ts';
import { wipe } from '../../bytes/wipe.ts';
import type { CipherSuite, RecordAead } from '../../crypto/provider.ts';
import { misuse } from '../../errors.ts';
import { aes128Gcm, aes256Gcm, holdsTag, TAG_LENGTH } from '../shared/suites.ts';
import { TLS_CHACHA20_POLY1305_SHA256 } from './aead.ts';
import { TLS_AES_128_CCM_8_SHA256, TLS_AES_128_CCM_SHA256 } from './ccm.ts';
import { nobleHashes } from './hash.ts';

/** AES-128-GCM with tables per key; its GHASH is opentls's own and not audited. */
export const FAST_TLS_AES_128_GCM_SHA256: CipherSuite = /* @__PURE__ */ aes128Gcm(
  nobleHashes,
  (key) => new GcmKey(key, 16),
);

/** AES-256-GCM with tables per key; its GHASH is opentls's own and not audited. */
export const FAST_TLS_AES_256_GCM_SHA384: CipherSuite = /* @__PURE__ */ aes256Gcm(
  nobleHashes,
  (key) => new GcmKey(key, 32),
);

/**
 * noble's suites, in its order, with this AES-GCM in place of noble's.
 *
 * @example
 * ```js
 * import { once } from 'node:events';
 * import { connect } from 'opentls';
 * import { fastGcmSuites, noble } from 'opentls/crypto/noble';
 *
 * const provider = { ...noble, suites: fastGcmSuites };
 * const socket = connect({ host: 'localhost', port, ca: cert, provider, ciphers: 'TLS_AES_128_GCM_SHA256' });
 * await once(socket, 'secureConnect');
 * console.log(socket.getCipher().name); // TLS_AES_128_GCM_SHA256
 * socket.destroy();
 * ```
 */
export const fastGcmSuites: readonly CipherSuite[] = [
  TLS_CHACHA20_POLY1305_SHA256,
  FAST_TLS_AES_128_GCM_SHA256,
  FAST_TLS_AES_256_GCM_SHA384,
  TLS_AES_128_CCM_SHA256,
  TLS_AES_128_CCM_8_SHA256,
];

/** SP 800-38D for 96-bit nonces and 128-bit tags, one key. */
class GcmKey implements RecordAead {
  readonly #schedule: Uint32Array;
  readonly #ghash: GhashTable;
  readonly #counter = new Uint8Array(16);
  readonly #tag = new Uint8Array(16);
  #wiped = false;

  constructor(key: Uint8Array, keyLength: number) {
    if (key.length !== keyLength) throw new RangeError(`an AES key of ${key.length} bytes, ${keyLength} wanted`);
    this.#schedule = unsafe.expandKeyLE(key);
    const hashKey = new Uint8Array(16);
    unsafe.encryptBlock(this.#schedule, hashKey);
    this.#ghash = new GhashTable(hashKey);
    wipe(hashKey);
  }

  seal(nonce: Uint8Array, aad: Uint8Array, body: Uint8Array, length: number): void {
    const text = body.subarray(0, length);
    this.#applyKeystream(nonce, text);
    body.set(this.#computeTag(nonce, aad, text), length);
  }

  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array, out: Uint8Array): boolean {
    if (!holdsTag(sealed, out)) return false;
    const ciphertext = sealed.subarray(0, sealed.length - TAG_LENGTH);
    const tag = this.#computeTag(nonce, aad, ciphertext);
    if (!equalConstantTime(tag, sealed.subarray(ciphertext.length))) return false;
    out.set(ciphertext);
    this.#applyKeystream(nonce, out);
    return true;
  }

  wipe(): void {
    this.#schedule.fill(0);
    this.#ghash.wipe();
    this.#wiped = true;
  }

  /** Applies GCTR from inc32(J0), in place. noble's ctr32 works on 32-bit words, so it gets a copy of unaligned bytes. */
  #applyKeystream(nonce: Uint8Array, text: Uint8Array): void {
    if (this.#wiped) misuse('ERR_TLS_SECRET_WIPED', 'a record key is used after it was wiped');
    this.#setCounter(nonce, 2);
    const aligned = text.byteOffset % 4 === 0 ? text : text.slice();
    unsafe.ctr32(this.#schedule, false, this.#counter, aligned, aligned);
    if (aligned === text) return;
    text.set(aligned);
    wipe(aligned);
  }

  /** The tag, in memory that the next call reuses. */
  #computeTag(nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array {
    if (this.#wiped) misuse('ERR_TLS_SECRET_WIPED', 'a record key is used after it was wiped');
    this.#ghash.digest(aad, ciphertext, this.#tag);
    this.#setCounter(nonce, 1);
    unsafe.encryptBlock(this.#schedule, this.#counter);
    for (let i = 0; i < TAG_LENGTH; i++) this.#tag[i] = (this.#tag[i] ?? 0) ^ (this.#counter[i] ?? 0);
    return this.#tag;
  }

  #setCounter(nonce: Uint8Array, count: number): void {
    if (nonce.length !== 12) throw new RangeError(`a nonce of ${nonce.length} bytes`);
    this.#counter.set(nonce);
    this.#counter.fill(0, 12, 15);
    this.#counter[15] = count;
  }
}

/** GHASH (SP 800-38D §6.4) by a table of H times each value of each byte of a block: 16 × 256 entries of four words. */
class GhashTable {
  readonly #table = new Uint32Array(BLOCK * 256 * WORDS);
  /** The running block Y, big-endian words. */
  readonly #state = new Uint32Array(WORDS);

  constructor(hashKey: Uint8Array) {
    const power = new Uint32Array(WORDS);
    for (let i = 0; i < WORDS; i++) power[i] = readWord(hashKey, 4 * i);
    for (let bit = 0; bit < 8 * BLOCK; bit++) {
      // Bit 0 of SP 800-38D §6.3 is the most significant bit of the first byte.
      this.#entry(bit >> 3, 0x80 >> (bit & 7)).set(power);
      multiplyByX(power);
    }
    for (let position = 0; position < BLOCK; position++) this.#fill(position);
  }

  /** Writes GHASH of aad, ciphertext and their lengths to `out` (SP 800-38D §7.1 step 5). */
  digest(aad: Uint8Array, ciphertext: Uint8Array, out: Uint8Array): void {
    const state = this.#state.fill(0);
    this.#absorb(aad);
    this.#absorb(ciphertext);
    this.#absorb(lengthBlock(aad.length, ciphertext.length));
    for (let i = 0; i < BLOCK; i++) out[i] = (state[i >> 2] ?? 0) >>> (24 - 8 * (i & 3));
  }

  wipe(): void {
    this.#table.fill(0);
    this.#state.fill(0);
  }

  #entry(position: number, value: number): Uint32Array {
    const at = (position * 256 + value) * WORDS;
    return this.#table.subarray(at, at + WORDS);
  }

  /** Computes each entry as the sum of two: the entry without the lowest bit, and the entry of that bit. */
  #fill(position: number): void {
    const table = this.#table;
    const base = position * 256;
    for (let value = 1; value < 256; value++) {
      const low = value & -value;
      if (low === value) continue;
      for (let i = 0; i < WORDS; i++) {
        const sum = (table[(base + value - low) * WORDS + i] ?? 0) ^ (table[(base + low) * WORDS + i] ?? 0);
        table[(base + value) * WORDS + i] = sum;
      }
    }
  }

  /** Absorbs whole blocks, and the rest padded with zeros. */
  #absorb(data: Uint8Array): void {
    const whole = data.length - (data.length % BLOCK);
    this.#absorbBlocks(data, whole);
    if (whole === data.length) return;
    const last = new Uint8Array(BLOCK);
    last.set(data.subarray(whole));
    this.#absorbBlocks(last, BLOCK);
  }

  /** Computes Y = (Y ^ X) · H for each block: sixteen lookups, with the state in local variables for speed. */
  #absorbBlocks(data: Uint8Array, end: number): void {
    const table = this.#table;
    let [y0 = 0, y1 = 0, y2 = 0, y3 = 0] = this.#state;
    for (let offset = 0; offset < end; offset += BLOCK) {
      let z0 = 0;
      let z1 = 0;
      let z2 = 0;
      let z3 = 0;
      let word = y0;
      for (let i = 0; i < BLOCK; i++) {
        if (i === 4) word = y1;
        else if (i === 8) word = y2;
        else if (i === 12) word = y3;
        const at = (i << 10) | (((word >>> 24) ^ (data[offset + i] ?? 0)) << 2);
        word <<= 8;
        z0 ^= table[at] ?? 0;
        z1 ^= table[at + 1] ?? 0;
        z2 ^= table[at + 2] ?? 0;
        z3 ^= table[at + 3] ?? 0;
      }
      y0 = z0;
      y1 = z1;
      y2 = z2;
      y3 = z3;
    }
    this.#state.set([y0, y1, y2, y3]);
  }
}

/** Multiplies by x in place (SP 800-38D §6.3), R = 11100001 || 0^120. */
function multiplyByX(block: Uint32Array): void {
  let carry = 0;
  for (let i = 0; i < WORDS; i++) {
    const word = block[i] ?? 0;
    block[i] = (word >>> 1) | carry;
    carry = (word & 1) << 31;
  }
  if (carry !== 0) block[0] = (block[0] ?? 0) ^ 0xe100_0000;
}

/** Both lengths in bits, 64 bits each; records are far shorter than 2^29 bytes. */
function lengthBlock(aadLength: number, textLength: number): Uint8Array {
  const block = new Uint8Array(BLOCK);
  writeWord(block, 4, 8 * aadLength);
  writeWord(block, 12, 8 * textLength);
  return block;
}

function readWord(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(at, at + 4);
  return (a << 24) | (b << 16) | (c << 8) | d;
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}

const BLOCK = 16;
const WORDS = 4;
