import { Queue, Worker } from 'bullmq';
import type { Peer } from './queue-peer.ts';

/** BullMQ 6.7 on one Redis over its socket. */
export async function bullmqPeer(socket: string, label: string, concurrency: number): Promise<Peer> {
  const connection = { path: socket, maxRetriesPerRequest: null };
  const queue = new Queue('bench', { connection });
  await queue.waitUntilReady();
  const kept = { removeOnComplete: true, removeOnFail: true };
  return {
    name: `BullMQ (${label}, ${concurrency} at once)`,
    promises: 'lock 30 s, renewed; done jobs are removed; no transaction with business rows',
    async enqueue(count) {
      for (let at = 0; at < count; at += 1000) {
        const jobs = Array.from({ length: Math.min(1000, count - at) }, (_, i) => ({
          name: 'bench',
          data: { i },
          opts: kept,
        }));
        await queue.addBulk(jobs);
      }
    },
    async work(onJob) {
      const worker = new Worker('bench', () => Promise.resolve(onJob()), { connection, concurrency });
      worker.on('error', () => undefined);
      await worker.waitUntilReady();
      return {
        enqueueOne: () => queue.add('bench', { i: 0 }, kept).then(() => undefined),
        stop: () => worker.close(),
      };
    },
    left: async () =>
      Object.values(await queue.getJobCounts('waiting', 'active', 'prioritized')).reduce((a, b) => a + b, 0),
    async close() {
      await queue.obliterate({ force: true });
      await queue.close();
    },
  };
}
