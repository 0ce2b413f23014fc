/**
 * `opentls/crypto/node`: cryptography by `node:crypto`.
 *
 * @module opentls/crypto/node
 */

import { randomFillSync } from 'node:crypto';
import type { CryptoProvider } from '../crypto/provider.ts';
import { nodeSuites } from './node/aead.ts';
import { nodeGroups } from './node/groups.ts';
import { nodeHashes } from './node/hash.ts';
import { nodeSigner } from './node/signer.ts';
import { nodeVerifiers } from './node/verify.ts';

export {
  TLS_AES_128_CCM_8_SHA256,
  TLS_AES_128_CCM_SHA256,
  TLS_AES_128_GCM_SHA256,
  TLS_AES_256_GCM_SHA384,
  TLS_CHACHA20_POLY1305_SHA256,
} from './node/aead.ts';
export {
  SecP256r1MLKEM768,
  SecP384r1MLKEM1024,
  secp256r1,
  secp384r1,
  secp521r1,
  X25519MLKEM768,
  x448,
  x25519,
} from './node/groups.ts';
export {
  ecdsa_sha1,
  ecdsa_sha256,
  ecdsa_sha384,
  ecdsa_sha512,
  ed448,
  ed25519,
  rsa_pkcs1_md5,
  rsa_pkcs1_sha1,
  rsa_pkcs1_sha256,
  rsa_pkcs1_sha384,
  rsa_pkcs1_sha512,
  rsa_pss_sha256,
  rsa_pss_sha384,
  rsa_pss_sha512,
} from './node/verify.ts';

/**
 * All cryptography by node:crypto, synchronous: records 10 to 25 times as fast as in JavaScript, operations with private
 * keys in constant time. ML-KEM is that of node:crypto where the runtime has it (Node 24.7 and later), else that of
 * @noble/post-quantum.
 *
 * @example
 * ```js
 * import { once } from 'node:events';
 * import { connect } from 'opentls';
 * import { node } from 'opentls/crypto/node';
 *
 * const socket = connect({ host: 'localhost', port, ca: cert, provider: node });
 * await once(socket, 'secureConnect');
 * console.log(socket.getCipher().name); // TLS_AES_128_GCM_SHA256
 * socket.destroy();
 * ```
 */
export const node: CryptoProvider = {
  name: 'node',
  suites: nodeSuites,
  groups: nodeGroups,
  verifiers: nodeVerifiers,
  hashes: nodeHashes,
  random: (length) => randomFillSync(new Uint8Array(length)),
  signer: nodeSigner,
};
