/** The cipher suites of RFC 9846 Appendix B.4, given a provider's hashes and AEADs. */
import type { AeadAlgorithm, CipherSuite, Hash, HashName, RecordAead } from '../../crypto/provider.ts';
import { misuse } from '../../errors.ts';
import { CipherSuiteId } from '../../wire/enums.ts';

type AeadName = 'AES-128-GCM' | 'AES-256-GCM' | 'CHACHA20-POLY1305' | 'AES-128-CCM' | 'AES-128-CCM-8';
type Hashes = Readonly<Record<HashName, Hash>>;

export function aes128Gcm(hashes: Hashes, create: (key: Uint8Array) => RecordAead): CipherSuite {
  const aead = aeadOf('AES-128-GCM', 16, GCM_RECORD_LIMIT, create);
  return { id: CipherSuiteId.TLS_AES_128_GCM_SHA256, name: 'TLS_AES_128_GCM_SHA256', hash: hashes.sha256, aead };
}

export function aes256Gcm(hashes: Hashes, create: (key: Uint8Array) => RecordAead): CipherSuite {
  const aead = aeadOf('AES-256-GCM', 32, GCM_RECORD_LIMIT, create);
  return { id: CipherSuiteId.TLS_AES_256_GCM_SHA384, name: 'TLS_AES_256_GCM_SHA384', hash: hashes.sha384, aead };
}

export function chacha20Poly1305(hashes: Hashes, create: (key: Uint8Array) => RecordAead): CipherSuite {
  const aead = aeadOf('CHACHA20-POLY1305', 32, CHACHA_RECORD_LIMIT, create);
  return {
    id: CipherSuiteId.TLS_CHACHA20_POLY1305_SHA256,
    name: 'TLS_CHACHA20_POLY1305_SHA256',
    hash: hashes.sha256,
    aead,
  };
}

/** Like {@link aes128Gcm}. Not offered unless it is asked for: nothing but small devices lacks something better. */
export function aes128Ccm(hashes: Hashes, create: (key: Uint8Array) => RecordAead): CipherSuite {
  const aead = aeadOf('AES-128-CCM', 16, CCM_RECORD_LIMIT, create);
  return { id: CipherSuiteId.TLS_AES_128_CCM_SHA256, name: 'TLS_AES_128_CCM_SHA256', hash: hashes.sha256, aead };
}

/** The same with half the tag (RFC 6655 §4): 64 bits keep out guesses, not many of them. */
export function aes128Ccm8(hashes: Hashes, create: (key: Uint8Array) => RecordAead): CipherSuite {
  const aead = { ...aeadOf('AES-128-CCM-8', 16, CCM_RECORD_LIMIT, create), tagLength: CCM_8_TAG_LENGTH };
  return { id: CipherSuiteId.TLS_AES_128_CCM_8_SHA256, name: 'TLS_AES_128_CCM_8_SHA256', hash: hashes.sha256, aead };
}

/** All AEADs but one append a tag of 16 bytes (RFC 5116 §5.1 and §5.3, RFC 8439 §2.8). */
export const TAG_LENGTH = 16;
export const CCM_8_TAG_LENGTH = 8;

/** A copy of the key that refuses to be used after {@link wipe}: a zeroed key would seal, and protect nothing. */
export class AeadKey {
  #bytes: Uint8Array | undefined;

  constructor(key: Uint8Array, length: number) {
    if (key.length !== length) throw new RangeError(`an AEAD key of ${key.length} bytes, ${length} wanted`);
    this.#bytes = key.slice();
  }

  get bytes(): Uint8Array {
    return this.#bytes ?? misuse('ERR_TLS_SECRET_WIPED', 'a record key is used after it was wiped');
  }

  wipe(): void {
    this.#bytes?.fill(0);
    this.#bytes = undefined;
  }
}

/** The bounds of {@link RecordAead.open}; a record too short for a tag is refused, a wrong `out` is a bug. */
export function holdsTag(sealed: Uint8Array, out: Uint8Array, tagLength: number = TAG_LENGTH): boolean {
  if (sealed.length < tagLength) return false;
  if (out.length !== sealed.length - tagLength) {
    throw new RangeError(`${out.length} bytes of room for ${sealed.length - tagLength} bytes of plaintext`);
  }
  return true;
}

function aeadOf(
  name: AeadName,
  keyLength: number,
  recordLimit: number,
  create: (key: Uint8Array) => RecordAead,
): AeadAlgorithm {
  return { name, keyLength, ivLength: 12, tagLength: TAG_LENGTH, recordLimit, create };
}

/** RFC 9846 §5.5: 2^24.5 full-size records keep the attacker's advantage below 2^-57. */
const GCM_RECORD_LIMIT = 2 ** 24;
/** RFC 9001 §B.2 has 2^21.5 for CCM, which RFC 9846 §5.5 does not speak of. */
const CCM_RECORD_LIMIT = 2 ** 21;
/** RFC 9846 §5.5 leaves ChaCha20-Poly1305 to the sequence number; a key is renewed long before that. */
const CHACHA_RECORD_LIMIT = 2 ** 32;
