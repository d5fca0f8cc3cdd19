import { systemClock } from '../../apps/server/src/kernel/base/index.ts';
import { inProcessBus } from '../../apps/server/src/kernel/bus/index.ts';
import { type Connection, createDb, migrate, sql } from '../../apps/server/src/kernel/db/index.ts';
import { createQueue, done, type Queue } from '../../apps/server/src/kernel/queue/index.ts';
import { loneMetrics, silentLogger } from '../../apps/server/src/kernel/telemetry/index.ts';
import type { Peer } from './queue-peer.ts';

/** Our own queue, as the server runs it. */
export async function musterPeer(connection: Connection, concurrency: number): Promise<Peer> {
  await migrate({ connection, clock: systemClock, serverVersion: 'bench' });
  const db = createDb({
    ...connection,
    poolMax: 10,
    statementTimeoutMs: 60_000,
    applicationName: 'bench',
    clock: systemClock,
  });
  await db.start();
  const make = (): Queue =>
    createQueue({
      db,
      bus: inProcessBus(console.error),
      holder: 'bench',
      logger: silentLogger,
      metrics: loneMetrics(silentLogger),
    });
  const sender = make(); // not started: as `enqueue` of a server whose handlers run elsewhere
  return {
    name: `muster (${concurrency} at once)`,
    promises: 'lease 30 s, renewed; term; outcome row of each job; job commits with business rows',
    async enqueue(count) {
      const jobs = Array.from({ length: count }, (_, i) => ({ kind: 'bench', payload: { i } }));
      await db.transaction((tx) => sender.enqueueMany(tx, jobs));
    },
    async work(onJob) {
      const queue = make();
      queue.handle('bench', () => (onJob(), Promise.resolve(done)), { concurrency });
      await queue.start();
      return {
        // One process: the hint goes through the bus of the queue that runs.
        enqueueOne: async () => {
          await db.transaction((tx) => queue.enqueue(tx, { kind: 'bench', payload: { i: 0 } }));
        },
        stop: async () => {
          await queue[Symbol.asyncDispose]();
        },
      };
    },
    async left() {
      const [row] = await db.query<{ left: number }>(sql`select count(*) as left from jobs`);
      return row?.left ?? 0;
    },
    async close() {
      await db[Symbol.asyncDispose]();
    },
  };
}
