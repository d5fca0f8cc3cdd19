import type { TestProject } from 'vitest/node';
import { type ThrowawayCluster, throwawayCluster } from '#kernel/db';

declare module 'vitest' {
  export interface ProvidedContext {
    /** How test files reach the cluster of this run; `test/support/database.ts` is the only reader. */
    postgres: ThrowawayCluster['connection'];
  }
}

// Every project of a run loads this file anew; they share one cluster.
type Shared = { cluster: Promise<ThrowawayCluster>; users: number };
const shared = globalThis as { musterTestCluster?: Shared };

/** Starts the cluster of this run before the first test file, and removes it after the last. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  shared.musterTestCluster ??= { cluster: throwawayCluster(), users: 0 };
  const mine = shared.musterTestCluster;
  mine.users++;
  // Timers of the server keep no process alive: while the cluster comes up nothing else may, and a run that ends here has
  // tested nothing and looks green.
  const awake = setInterval(() => undefined, 1000);
  try {
    const { connection } = await mine.cluster;
    project.provide('postgres', connection);
  } finally {
    clearInterval(awake);
  }
  return async () => {
    if (--mine.users > 0) return;
    delete shared.musterTestCluster;
    await (await mine.cluster)[Symbol.asyncDispose]();
  };
}
