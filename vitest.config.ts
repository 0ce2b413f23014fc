import { defineConfig } from 'vitest/config';

/** Where a machine-readable report goes besides the readable one; CI adds it to its sum. */
const report = process.env['VITEST_JSON'];

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: 'noble', include: ['test/**/*.test.ts'] } },
      {
        // What depends on the provider, once more on the other one; files that compare both by themselves are left out.
        extends: true,
        test: {
          name: 'node:crypto',
          include: ['test/{connection,handshake,adapters}/**/*.test.ts'],
          env: { TEST_PROVIDER: 'node' },
        },
      },
    ],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
  },
});
