import { Logger, makeWorkerUtils, run, runMigrations } from 'graphile-worker';
import { Pool } from 'pg';
import type { Connection } from '../../apps/server/src/kernel/db/index.ts';
import type { Peer } from './queue-peer.ts';

const logger = new Logger(() => () => undefined);

/** graphile-worker 0.18, as it comes or with the batching its documentation recommends for throughput. */
export async function graphilePeer(connection: Extract<Connection, { host: string }>, tuned: boolean): Promise<Peer> {
  const { host, port, user, password, database } = connection;
  const pgPool = new Pool({ host, port, user, password, database, max: tuned ? 20 : 12 });
  pgPool.on('error', () => undefined);
  pgPool.on('connect', (client) => client.on('error', () => undefined));
  await runMigrations({ pgPool, logger });
  const utils = await makeWorkerUtils({ pgPool, logger });
  return {
    name: tuned ? 'graphile-worker (tuned)' : 'graphile-worker (default)',
    promises: tuned
      ? 'fetches 500 at once, completes in batches; a dead worker keeps its jobs 4 h'
      : 'lock 4 h, no renewal; done jobs are deleted; job commits with business rows',
    async enqueue(count) {
      for (let at = 0; at < count; at += 1000) {
        await utils.addJobs(
          Array.from({ length: Math.min(1000, count - at) }, (_, i) => ({ identifier: 'bench', payload: { i } })),
        );
      }
    },
    async work(onJob) {
      const runner = await run({
        pgPool,
        logger,
        noHandleSignals: true,
        taskList: { bench: () => onJob() },
        preset: {
          worker: tuned
            ? { concurrentJobs: 24, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 }
            : { concurrentJobs: 10 },
        },
      });
      return { enqueueOne: () => utils.addJob('bench', { i: 0 }).then(() => undefined), stop: () => runner.stop() };
    },
    async left() {
      const { rows } = await pgPool.query<{ left: string }>(
        'select count(*) as left from graphile_worker._private_jobs',
      );
      return Number(rows[0]?.left ?? 0);
    },
    async close() {
      await utils.release();
      await pgPool.end();
    },
  };
}
