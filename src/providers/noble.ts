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

export { fastGcmSuites } from './noble/gcm.ts';
export { mlKemGroups } from './noble/groups.ts';
export { withMlDsa } from './noble/ml-dsa.ts';

/**
 * Everything in JavaScript, over @noble/ciphers, curves, hashes and post-quantum; RSA over BigInt (rsa.ts). Runs
 * anywhere that has `crypto.getRandomValues`.
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
