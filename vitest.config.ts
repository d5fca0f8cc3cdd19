import { defineConfig } from 'vitest/config';

// One process pool for everything; what differs is which real parts a group needs. `npm test` runs the groups in this order.
const common = { environment: 'node' as const, pool: 'forks' as const, hookTimeout: 60_000 };
const postgres = ['apps/server/test/support/cluster.setup.ts'];

export default defineConfig({
  test: {
    // Tests wait more than they compute: two files at once halve the time even on two cores.
    maxWorkers: 2,
    projects: [
      { test: { ...common, name: 'tidy', include: ['tools/**/*.test.ts'], testTimeout: 20_000 } },
      {
        test: {
          ...common,
          name: 'unit',
          include: ['{apps,packages}/*/src/**/*.test.ts'],
          exclude: ['**/*.db.test.ts', '**/node_modules/**'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          ...common,
          name: 'db',
          include: ['apps/server/src/**/*.db.test.ts', 'apps/server/test/conformance/**/*.test.ts'],
          globalSetup: postgres,
          testTimeout: 30_000,
        },
      },
      {
        test: {
          ...common,
          name: 'scenario',
          include: [
            'apps/server/test/scenario/**/*.test.ts',
            'apps/cli/test/**/*.test.ts',
            'packages/*/test/**/*.test.ts',
          ],
          globalSetup: postgres,
          testTimeout: 60_000,
        },
      },
      {
        test: {
          ...common,
          name: 'crash',
          include: ['apps/server/test/crash/**/*.test.ts'],
          globalSetup: postgres,
          testTimeout: 300_000,
        },
      },
    ],
  },
});
