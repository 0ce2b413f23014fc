import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { wipe } from '../../bytes/wipe.ts';
import type { CipherSuite, RecordAead } from '../../crypto/provider.ts';
import { AeadKey, aes128Gcm, aes256Gcm, chacha20Poly1305, holdsTag, TAG_LENGTH } from '../shared/suites.ts';
import { TLS_AES_128_CCM_8_SHA256, TLS_AES_128_CCM_SHA256 } from './ccm.ts';
import { nobleHashes } from './hash.ts';

/** ChaCha20-Poly1305 by noble: in JavaScript 2.5 times as fast as its AES-GCM. */
export const TLS_CHACHA20_POLY1305_SHA256: CipherSuite = /* @__PURE__ */ chacha20Poly1305(nobleHashes, createChaCha);

/** AES-128-GCM by noble. */
export const TLS_AES_128_GCM_SHA256: CipherSuite = /* @__PURE__ */ aes128Gcm(nobleHashes, (key) => createGcm(key, 16));

/** AES-256-GCM by noble. */
export const TLS_AES_256_GCM_SHA384: CipherSuite = /* @__PURE__ */ aes256Gcm(nobleHashes, (key) => createGcm(key, 32));

/** ChaCha20-Poly1305 first: in JavaScript it is 2.5 times as fast as noble's AES-GCM. */
export const nobleSuites: readonly CipherSuite[] = [
  TLS_CHACHA20_POLY1305_SHA256,
  TLS_AES_128_GCM_SHA256,
  TLS_AES_256_GCM_SHA384,
  TLS_AES_128_CCM_SHA256,
  TLS_AES_128_CCM_8_SHA256,
];

function createChaCha(bytes: Uint8Array): RecordAead {
  const key = new AeadKey(bytes, 32);
  return {
    seal(nonce, aad, body, length) {
      // noble encrypts in place: it copies the plaintext onto itself.
      const output = body.subarray(0, length + TAG_LENGTH);
      chacha20poly1305(key.bytes, nonce, aad).encrypt(body.subarray(0, length), output);
    },
    open(nonce, aad, sealed, out) {
      if (!holdsTag(sealed, out)) return false;
      const cipher = chacha20poly1305(key.bytes, nonce, aad);
      try {
        // noble checks the tag before it writes to `out`.
        cipher.decrypt(sealed, out);
        return true;
      } catch {
        return false;
      }
    },
    wipe: () => key.wipe(),
  };
}

/** noble's `gcm` returns new memory, so each record is copied once. */
function createGcm(bytes: Uint8Array, keyLength: number): RecordAead {
  const key = new AeadKey(bytes, keyLength);
  return {
    seal(nonce, aad, body, length) {
      body.set(gcm(key.bytes, nonce, aad).encrypt(body.subarray(0, length)));
    },
    open(nonce, aad, sealed, out) {
      if (!holdsTag(sealed, out)) return false;
      const cipher = gcm(key.bytes, nonce, aad);
      try {
        const plaintext = cipher.decrypt(sealed);
        out.set(plaintext);
        wipe(plaintext);
        return true;
      } catch {
        return false;
      }
    },
    wipe: () => key.wipe(),
  };
}
