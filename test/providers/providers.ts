import type { CryptoProvider } from '#opentls/crypto/provider';
import { noble } from '#opentls/providers/noble';
import { fastGcmSuites } from '#opentls/providers/noble/gcm';
import { node } from '#opentls/providers/node';

/** Every provider of the package, and the opt-in composition: each test of this folder runs over all of them. */
export const providers: readonly CryptoProvider[] = [noble, node];
export const suiteProviders: readonly CryptoProvider[] = [
  ...providers,
  { ...noble, name: 'noble with fast GCM', suites: fastGcmSuites },
];
