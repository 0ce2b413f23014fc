/**
 * `opentls/crypto/noble`: the default cryptography, in JavaScript.
 *
 * @module opentls/crypto/noble
 */

import { randomBytes } from '@noble/hashes/utils.js';
import type { CryptoProvider } from '../crypto/provider.ts';
import { nobleSuites } from './noble/aead.ts';
import { nobleGroups } from './noble/groups.ts';
import { nobleHashes } from './noble/hash.ts';
import { nobleSigner } from './noble/signer.ts';
import { nobleVerifiers } from './noble/verify.ts';

export { TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256 } from './noble/aead.ts';
export { TLS_AES_128_CCM_8_SHA256, TLS_AES_128_CCM_SHA256 } from './noble/ccm.ts';
export { FAST_TLS_AES_128_GCM_SHA256, FAST_TLS_AES_256_GCM_SHA384, fastGcmSuites } from './noble/gcm.ts';
export {
  MLKEM768,
  MLKEM1024,
  mlKemGroups,
  SecP256r1MLKEM768,
  SecP384r1MLKEM1024,
  secp256r1,
  secp384r1,
  secp521r1,
  X25519MLKEM768,
  x448,
  x25519,
} from './noble/groups.ts';
export { withMlDsa } from './noble/ml-dsa.ts';
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
} from './noble/verify.ts';

/**
 * All cryptography in JavaScript, over @noble/ciphers, curves, hashes and post-quantum; RSA over BigInt (rsa.ts). It runs
 * wherever there is `crypto.getRandomValues`.
 *
 * @example
 * ```js
 * import { connect } from 'opentls';
 * import { noble } from 'opentls/crypto/noble';
 * import { node } from 'opentls/crypto/node';
 *
 * const provider = { ...noble, suites: node.suites }; // records by node:crypto, the rest in JavaScript
 * const socket = connect({ host: 'localhost', port, ca: cert, provider });
 * socket.end('hello');
 * for await (const bytes of socket) console.log(bytes.toString()); // hello
 * ```
 */
export const noble: CryptoProvider = {
  name: 'noble',
  suites: nobleSuites,
  groups: nobleGroups,
  verifiers: nobleVerifiers,
  hashes: nobleHashes,
  random: (length) => randomBytes(length),
  signer: nobleSigner,
};
