import type { CryptoProvider } from '#opentls/crypto/provider';
import { noble } from '#opentls/providers/noble';
import { node } from '#opentls/providers/node';

/** The provider that this run of a test is about: the suite runs once on each (vitest.config.ts). */
export const provider: CryptoProvider = process.env['TEST_PROVIDER'] === 'node' ? node : noble;
