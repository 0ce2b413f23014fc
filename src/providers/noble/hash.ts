import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import type { Hash, HashName, RunningHash } from '../../crypto/provider.ts';

/** The hashes by name. SHA-1 is for what still uses it: OCSP CertID and fingerprints of certificates. */
export const nobleHashes: Readonly<Record<HashName, Hash>> = {
  sha1: /* @__PURE__ */ hashOf('sha1', sha1),
  sha256: /* @__PURE__ */ hashOf('sha256', sha256),
  sha384: /* @__PURE__ */ hashOf('sha384', sha384),
  sha512: /* @__PURE__ */ hashOf('sha512', sha512),
};

/** A hash function of noble, for its algorithms that take one as a parameter. */
type NobleHash = typeof sha1 | typeof sha256 | typeof sha384 | typeof sha512;

function hashOf(name: HashName, algorithm: NobleHash): Hash {
  return {
    name,
    length: algorithm.outputLen,
    digest: (message) => algorithm(message),
    start: () => runningOf(algorithm.create()),
    hmac(key, ...parts) {
      const mac = hmac.create(algorithm, key);
      for (const part of parts) mac.update(part);
      return mac.digest();
    },
  };
}

function runningOf(running: ReturnType<NobleHash['create']>): RunningHash {
  return {
    update(message) {
      running.update(message);
    },
    digest: () => running.clone().digest(),
    fork: () => runningOf(running.clone()),
  };
}
