/** Makes the cipher suites of RFC 9846 Appendix B.4 from a provider's hashes and AEADs. */
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

/** Makes TLS_AES_128_CCM_SHA256. opentls offers it only on request: it is for small devices that have no other AEAD. */
export function aes128Ccm(hashes: Hashes, create: (key: Uint8Array) => RecordAead): CipherSuite {
  const aead = aeadOf('AES-128-CCM', 16, CCM_RECORD_LIMIT, create);
  return { id: CipherSuiteId.TLS_AES_128_CCM_SHA256, name: 'TLS_AES_128_CCM_SHA256', hash: hashes.sha256, aead };
}

/** Makes TLS_AES_128_CCM_8_SHA256, with a tag of 64 bits (RFC 6655 §4): weak against an attacker with many guesses. */
export function aes128Ccm8(hashes: Hashes, create: (key: Uint8Array) => RecordAead): CipherSuite {
  const aead = { ...aeadOf('AES-128-CCM-8', 16, CCM_RECORD_LIMIT, create), tagLength: CCM_8_TAG_LENGTH };
  return { id: CipherSuiteId.TLS_AES_128_CCM_8_SHA256, name: 'TLS_AES_128_CCM_8_SHA256', hash: hashes.sha256, aead };
}

/** All AEADs but one append a tag of 16 bytes (RFC 5116 §5.1 and §5.3, RFC 8439 §2.8). */
export const TAG_LENGTH = 16;
export const CCM_8_TAG_LENGTH = 8;

/** A copy of a key. It throws where it is used after {@link wipe}: sealing with a zeroed key would protect nothing. */
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

/**
 * Checks the lengths for {@link RecordAead.open}.
 * @returns false for a record that is shorter than a tag
 * @throws RangeError for a wrong length of `out`: a mistake of the caller
 */
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
/** RFC 9001 §B.2 has 2^21.5 for CCM; RFC 9846 §5.5 has no limit for it. */
const CCM_RECORD_LIMIT = 2 ** 21;
/** RFC 9846 §5.5 has no limit for ChaCha20-Poly1305 below that of the sequence number; this one is far below. */
const CHACHA_RECORD_LIMIT = 2 ** 32;
