import { createHash, createHmac, type Hash as NodeHash } from 'node:crypto';
import type { Hash, HashName, RunningHash } from '../../crypto/provider.ts';

export const nodeHashes: Readonly<Record<HashName, Hash>> = {
  sha1: /* @__PURE__ */ hashOf('sha1', 20),
  sha256: /* @__PURE__ */ hashOf('sha256', 32),
  sha384: /* @__PURE__ */ hashOf('sha384', 48),
  sha512: /* @__PURE__ */ hashOf('sha512', 64),
};

/** Views a Buffer as a Uint8Array, whose `slice` copies; that of a Buffer does not. */
export function plain(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

function hashOf(name: HashName, length: number): Hash {
  return {
    name,
    length,
    digest: (message) => plain(createHash(name).update(message).digest()),
    start: () => runningOf(createHash(name)),
    hmac(key, ...parts) {
      const mac = createHmac(name, key);
      for (const part of parts) mac.update(part);
      return plain(mac.digest());
    },
  };
}

function runningOf(running: NodeHash): RunningHash {
  return {
    update(message) {
      running.update(message);
    },
    digest: () => plain(running.copy().digest()),
    fork: () => runningOf(running.copy()),
  };
}
