import {
  type CipherGCM,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type DecipherGCM,
  type KeyObject,
} from 'node:crypto';
import type { CipherSuite, RecordAead } from '../../crypto/provider.ts';
import { misuse } from '../../errors.ts';
import {
  aes128Ccm,
  aes128Ccm8,
  aes128Gcm,
  aes256Gcm,
  CCM_8_TAG_LENGTH,
  chacha20Poly1305,
  holdsTag,
  TAG_LENGTH,
} from '../shared/suites.ts';
import { nodeHashes } from './hash.ts';

/** AES-128-GCM by node:crypto: processors have instructions for it. */
export const TLS_AES_128_GCM_SHA256: CipherSuite = /* @__PURE__ */ aes128Gcm(nodeHashes, (key) =>
  createAead('aes-128-gcm', key, 16),
);

/** AES-256-GCM by node:crypto. */
export const TLS_AES_256_GCM_SHA384: CipherSuite = /* @__PURE__ */ aes256Gcm(nodeHashes, (key) =>
  createAead('aes-256-gcm', key, 32),
);

/** ChaCha20-Poly1305 by node:crypto. */
export const TLS_CHACHA20_POLY1305_SHA256: CipherSuite = /* @__PURE__ */ chacha20Poly1305(nodeHashes, (key) =>
  createAead('chacha20-poly1305', key, 32),
);

/** AES-128-CCM by node:crypto. */
export const TLS_AES_128_CCM_SHA256: CipherSuite = /* @__PURE__ */ aes128Ccm(nodeHashes, (key) =>
  createAead('aes-128-ccm', key, 16),
);

/** AES-128-CCM with a tag of 8 bytes, by node:crypto. */
export const TLS_AES_128_CCM_8_SHA256: CipherSuite = /* @__PURE__ */ aes128Ccm8(nodeHashes, (key) =>
  createAead('aes-128-ccm', key, 16, CCM_8_TAG_LENGTH),
);

/** AES-128-GCM first: processors have instructions for it. */
export const nodeSuites: readonly CipherSuite[] = [
  TLS_AES_128_GCM_SHA256,
  TLS_AES_256_GCM_SHA384,
  TLS_CHACHA20_POLY1305_SHA256,
  TLS_AES_128_CCM_SHA256,
  TLS_AES_128_CCM_8_SHA256,
];

type AeadCipher = 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305' | 'aes-128-ccm';

function createAead(
  algorithm: AeadCipher,
  bytes: Uint8Array,
  keyLength: number,
  tagLength: number = TAG_LENGTH,
): RecordAead {
  if (bytes.length !== keyLength) throw new RangeError(`an AEAD key of ${bytes.length} bytes, ${keyLength} wanted`);
  // A KeyObject, because Node 24 takes 10 µs per record to import raw bytes; OpenSSL cleanses it when it is freed.
  let owned: KeyObject | undefined = createSecretKey(bytes);
  const key = (): KeyObject => owned ?? misuse('ERR_TLS_SECRET_WIPED', 'a record key is used after it was wiped');
  return {
    seal(nonce, aad, body, length) {
      const cipher = encryptor(algorithm, key(), nonce, tagLength);
      cipher.setAAD(aad, { plaintextLength: length });
      // update() returns as many bytes as it takes, so final() has none left.
      body.set(cipher.update(body.subarray(0, length)));
      cipher.final();
      body.set(cipher.getAuthTag(), length);
    },
    open(nonce, aad, sealed, out) {
      if (!holdsTag(sealed, out, tagLength)) return false;
      const decipher = decryptor(algorithm, key(), nonce, tagLength);
      decipher.setAAD(aad, { plaintextLength: out.length });
      decipher.setAuthTag(sealed.subarray(out.length));
      const plaintext = decipher.update(sealed.subarray(0, out.length));
      try {
        decipher.final();
        out.set(plaintext);
        return true;
      } catch {
        return false;
      } finally {
        plaintext.fill(0);
      }
    },
    wipe() {
      owned = undefined;
    },
  };
}

/** The AEADs of node:crypto share one interface, but not one type. */
function encryptor(algorithm: AeadCipher, key: KeyObject, nonce: Uint8Array, authTagLength: number): CipherGCM {
  const options = { authTagLength };
  switch (algorithm) {
    case 'chacha20-poly1305':
      return createCipheriv(algorithm, key, nonce, options);
    case 'aes-128-ccm':
      return createCipheriv(algorithm, key, nonce, options);
    default:
      return createCipheriv(algorithm, key, nonce, options);
  }
}

function decryptor(algorithm: AeadCipher, key: KeyObject, nonce: Uint8Array, authTagLength: number): DecipherGCM {
  const options = { authTagLength };
  switch (algorithm) {
    case 'chacha20-poly1305':
      return createDecipheriv(algorithm, key, nonce, options);
    case 'aes-128-ccm':
      return createDecipheriv(algorithm, key, nonce, options);
    default:
      return createDecipheriv(algorithm, key, nonce, options);
  }
}
