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
