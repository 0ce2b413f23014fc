import {
  type CipherGCM,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type DecipherGCM,
  type KeyObject,
} from 'node:crypto';
import type { CipherSuite, RecordAead } from '../crypto/provider.ts';
import { misuse } from '../errors.ts';
import { nodeHashes } from './node-hash.ts';
import { aes128Gcm, aes256Gcm, chacha20Poly1305, holdsTag, TAG_LENGTH } from './suites.ts';

/** AES-128-GCM first: processors have instructions for it. */
export const nodeSuites: readonly CipherSuite[] = [
  aes128Gcm(nodeHashes, (key) => createAead('aes-128-gcm', key, 16)),
  aes256Gcm(nodeHashes, (key) => createAead('aes-256-gcm', key, 32)),
  chacha20Poly1305(nodeHashes, (key) => createAead('chacha20-poly1305', key, 32)),
];

type AeadCipher = 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305';

function createAead(algorithm: AeadCipher, bytes: Uint8Array, keyLength: number): RecordAead {
  if (bytes.length !== keyLength) throw new RangeError(`an AEAD key of ${bytes.length} bytes, ${keyLength} wanted`);
  // A KeyObject, because Node 24 takes 10 µs per record to import raw bytes; OpenSSL cleanses it when it is freed.
  let owned: KeyObject | undefined = createSecretKey(bytes);
  const key = (): KeyObject => owned ?? misuse('ERR_TLS_SECRET_WIPED', 'a record key is used after it was wiped');
  return {
    seal(nonce, aad, body, length) {
      const cipher = encryptor(algorithm, key(), nonce);
      cipher.setAAD(aad, { plaintextLength: length });
      // A stream cipher gives as many bytes as it takes: final() has none left.
      body.set(cipher.update(body.subarray(0, length)));
      cipher.final();
      body.set(cipher.getAuthTag(), length);
    },
    open(nonce, aad, sealed, out) {
      if (!holdsTag(sealed, out)) return false;
      const decipher = decryptor(algorithm, key(), nonce);
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

/** The three AEADs have one interface in node:crypto, but types of their own. */
function encryptor(algorithm: AeadCipher, key: KeyObject, nonce: Uint8Array): CipherGCM {
  const options = { authTagLength: TAG_LENGTH };
  return algorithm === 'chacha20-poly1305'
    ? createCipheriv(algorithm, key, nonce, options)
    : createCipheriv(algorithm, key, nonce, options);
}

function decryptor(algorithm: AeadCipher, key: KeyObject, nonce: Uint8Array): DecipherGCM {
  const options = { authTagLength: TAG_LENGTH };
  return algorithm === 'chacha20-poly1305'
    ? createDecipheriv(algorithm, key, nonce, options)
    : createDecipheriv(algorithm, key, nonce, options);
}
