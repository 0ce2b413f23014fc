/**
 * AES-CCM (SP 800-38C, RFC 3610), made of noble's AES block and CTR: noble has no CCM. It is for the two suites that opentls
 * offers only on request.
 */
import { unsafe } from '@noble/ciphers/aes.js';
import { equalConstantTime } from '../../bytes/equal.ts';
import { wipe } from '../../bytes/wipe.ts';
import type { CipherSuite, RecordAead } from '../../crypto/provider.ts';
import { misuse } from '../../errors.ts';
import { aes128Ccm, aes128Ccm8, CCM_8_TAG_LENGTH, holdsTag, TAG_LENGTH } from '../shared/suites.ts';
import { nobleHashes } from './hash.ts';

/** AES-128-CCM, made of noble's AES and CTR. */
export const TLS_AES_128_CCM_SHA256: CipherSuite = /* @__PURE__ */ aes128Ccm(
  nobleHashes,
  (key) => new CcmKey(key, TAG_LENGTH),
);

/** AES-128-CCM with a tag of 8 bytes, made of noble's AES and CTR. */
export const TLS_AES_128_CCM_8_SHA256: CipherSuite = /* @__PURE__ */ aes128Ccm8(
  nobleHashes,
  (key) => new CcmKey(key, CCM_8_TAG_LENGTH),
);

const BLOCK = 16;
/** q of SP 800-38C §A.2.1: nonces of 12 bytes leave three for lengths and counters. */
const LENGTH_BYTES = 3;

class CcmKey implements RecordAead {
  readonly #schedule: Uint32Array;
  readonly #tagLength: number;
  readonly #counter = new Uint8Array(BLOCK);
  readonly #mac = new Uint8Array(BLOCK);
  #wiped = false;

  constructor(key: Uint8Array, tagLength: number) {
    if (key.length !== BLOCK) throw new RangeError(`an AES key of ${key.length} bytes, ${BLOCK} wanted`);
    this.#schedule = unsafe.expandKeyLE(key);
    this.#tagLength = tagLength;
  }

  seal(nonce: Uint8Array, aad: Uint8Array, body: Uint8Array, length: number): void {
    const text = body.subarray(0, length);
    const tag = this.#computeTag(nonce, aad, text);
    this.#applyKeystream(nonce, text);
    body.set(tag, length);
  }

  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array, out: Uint8Array): boolean {
    if (!holdsTag(sealed, out, this.#tagLength)) return false;
    // The tag is over the plaintext: `out` gets the plaintext only once the tag is verified.
    const text = sealed.slice(0, out.length);
    this.#applyKeystream(nonce, text);
    const good = equalConstantTime(this.#computeTag(nonce, aad, text), sealed.subarray(out.length));
    if (good) out.set(text);
    wipe(text);
    return good;
  }

  wipe(): void {
    this.#schedule.fill(0);
    this.#mac.fill(0);
    this.#wiped = true;
  }

  /** Applies CTR from block 1, in place. noble's ctr32 works on 32-bit words, so it gets a copy of unaligned bytes. */
  #applyKeystream(nonce: Uint8Array, text: Uint8Array): void {
    this.#setCounter(nonce, 1);
    const aligned = text.byteOffset % 4 === 0 ? text : text.slice();
    unsafe.ctr32(this.#schedule, false, this.#counter, aligned, aligned);
    if (aligned === text) return;
    text.set(aligned);
    wipe(aligned);
  }

  /** The CBC-MAC over B0, the additional data and the text, encrypted with block 0 of the key stream. */
  #computeTag(nonce: Uint8Array, aad: Uint8Array, text: Uint8Array): Uint8Array {
    const mac = this.#mac;
    const hasAad = aad.length > 0 ? 0x40 : 0;
    mac[0] = hasAad | (((this.#tagLength - 2) / 2) << 3) | (LENGTH_BYTES - 1);
    mac.set(nonce, 1);
    for (let i = 0; i < LENGTH_BYTES; i++) mac[BLOCK - 1 - i] = (text.length >>> (8 * i)) & 0xff;
    unsafe.encryptBlock(this.#schedule, mac);
    // Lengths below 65,280 take two bytes (§A.2.2); a record's header takes five.
    if (hasAad !== 0) this.#absorb(Uint8Array.of(aad.length >> 8, aad.length & 0xff, ...aad));
    this.#absorb(text);
    this.#setCounter(nonce, 0);
    unsafe.encryptBlock(this.#schedule, this.#counter);
    return mac.map((byte, i) => byte ^ (this.#counter[i] ?? 0)).subarray(0, this.#tagLength);
  }

  #absorb(bytes: Uint8Array): void {
    const mac = this.#mac;
    for (let at = 0; at < bytes.length; at += BLOCK) {
      const end = Math.min(BLOCK, bytes.length - at);
      for (let i = 0; i < end; i++) mac[i] = (mac[i] ?? 0) ^ (bytes[at + i] ?? 0);
      unsafe.encryptBlock(this.#schedule, mac);
    }
  }

  /** Sets the counter block A_i of SP 800-38C §A.3. */
  #setCounter(nonce: Uint8Array, count: number): void {
    if (this.#wiped) misuse('ERR_TLS_SECRET_WIPED', 'a record key is used after it was wiped');
    if (nonce.length !== BLOCK - 1 - LENGTH_BYTES) throw new RangeError(`a nonce of ${nonce.length} bytes`);
    this.#counter[0] = LENGTH_BYTES - 1;
    this.#counter.set(nonce, 1);
    this.#counter.fill(0, BLOCK - LENGTH_BYTES);
    this.#counter[BLOCK - 1] = count;
  }
}
