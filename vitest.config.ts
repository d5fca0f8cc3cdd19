import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './tools/longest-first.ts';
import { setPlaces } from './tools/test-places.ts';

setPlaces();

// One process pool for everything; what differs is which real parts a group needs. `npm test` runs the groups in this order.
const common = { environment: 'node' as const, pool: 'forks' as const, hookTimeout: 120_000 };
// One process after the other runs many files and loads our sources once. No file may count on being the first.
const shared = { ...common, isolate: false };
const postgres = ['apps/server/test/support/cluster.setup.ts'];

export default defineConfig({
  test: {
    // Tests wait as well as they compute: one file more than there are cores keeps these busy.
    maxWorkers: Math.min(availableParallelism() + 1, 8),
    sequence: { sequencer: LongestFirst },
    projects: [
      { test: { ...common, name: 'tidy', include: ['tools/**/*.test.ts'], testTimeout: 20_000 } },
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['{apps,packages}/*/src/**/*.test.{ts,tsx}'],
          exclude: ['**/*.db.test.ts', '**/node_modules/**'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'db',
          include: ['apps/server/src/**/*.db.test.ts', 'apps/server/test/conformance/**/*.test.ts'],
          globalSetup: postgres,
          testTimeout: 60_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'scenario',
          include: [
            'apps/server/test/scenario/**/*.test.ts',
            'apps/cli/test/**/*.test.ts',
            'packages/*/test/**/*.test.ts',
          ],
          globalSetup: postgres,
          testTimeout: 120_000,
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
      {
        test: {
          ...common,
          name: 'browser',
          include: ['apps/dashboard/test/**/*.test.ts'],
          globalSetup: [...postgres, 'apps/dashboard/test/support/console.setup.ts'],
          testTimeout: 120_000,
        },
      },
    ],
  },
});
