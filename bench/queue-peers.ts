/**
 * Question: on one box, with the same no-op handler, how far is our queue from graphile-worker and BullMQ, when each of our
 * jobs has a lease, a term and an outcome row and theirs have less?
 *
 * Measured side by side in one run, rounds interleaved: enqueue → start of the handler at idle; draining a backlog until
 * the store says it is empty; putting a backlog in. Beside them the limit: single-row claims by pgbench and by `pg`.
 * `--jobs=20000 --rounds=3 --singles=300 --only=muster --json`.
 */

import { systemClock } from '../apps/server/src/kernel/base/index.ts';
import { type ClaimLimit, claimLimits } from './support/claim-limits.ts';
import { bullmqPeer } from './support/queue-bullmq.ts';
import { graphilePeer } from './support/queue-graphile.ts';
import { musterPeer } from './support/queue-muster.ts';
import type { Peer } from './support/queue-peer.ts';
import { machine, median, options, round, type Spread, spread, table } from './support/report.ts';
import { durablePostgres, redis } from './support/stores.ts';

const given = options();
const jobs = given.get('jobs', 20_000);
const rounds = given.get('rounds', 3);
const singles = given.get('singles', 300);

type Result = { name: string; promises: string; startMs: Spread; drainPerSecond: number; enqueuePerSecond: number };

/** Enqueue → start of the handler while nothing else happens, one job at a time. */
async function idleLatency(peer: Peer): Promise<number[]> {
  let started = Promise.withResolvers<number>();
  const worker = await peer.work(() => started.resolve(performance.now()));
  const took: number[] = [];
  for (let i = 0; i < singles + 20; i++) {
    started = Promise.withResolvers();
    const began = performance.now();
    const [at] = await Promise.all([started.promise, worker.enqueueOne()]);
    if (i >= 20) took.push(at - began); // the first ones warm up
    await systemClock.sleep(3 + (i % 5)); // the one before is written off, and no rhythm
  }
  await worker.stop();
  return took;
}

/** A backlog in, and out until the store has none left. */
async function backlog(peer: Peer): Promise<{ enqueue: number; drain: number }> {
  const began = performance.now();
  await peer.enqueue(jobs);
  const filled = performance.now();
  let ran = 0;
  const all = Promise.withResolvers<void>();
  const start = performance.now();
  const worker = await peer.work(() => ++ran === jobs && all.resolve());
  await all.promise;
  while ((await peer.left()) > 0) await systemClock.sleep(1);
  const drained = performance.now();
  await worker.stop();
  if (ran !== jobs) throw new Error(`${peer.name} ran ${ran} of ${jobs} jobs`);
  return { enqueue: (jobs * 1000) / (filled - began), drain: (jobs * 1000) / (drained - start) };
}

async function measure(peers: readonly Peer[]): Promise<Result[]> {
  const numbers = peers.map((peer) => ({ peer, took: [] as number[], drain: [] as number[], enqueue: [] as number[] }));
  for (let i = 0; i < rounds; i++) {
    for (const { peer, took, drain, enqueue } of numbers) {
      took.push(...(await idleLatency(peer)));
      const rates = await backlog(peer);
      drain.push(rates.drain);
      enqueue.push(rates.enqueue);
      if (!given.json) console.error(`round ${i + 1}: ${peer.name} ${Math.round(rates.drain)} jobs/s`);
    }
  }
  return numbers.map(({ peer, took, drain, enqueue }) => ({
    name: peer.name,
    promises: peer.promises,
    startMs: spread(took),
    drainPerSecond: Math.round(median(drain)),
    enqueuePerSecond: Math.round(median(enqueue)),
  }));
}

await using postgres = await durablePostgres(60);
await using always = await redis('always');
await using everySecond = await redis('everysec');
const skipped = always ? [] : ['BullMQ was skipped: there is no redis-server on this machine.'];
if (skipped.length > 0 && process.env['CI'] === 'true') throw new Error(skipped[0]);

const all = [
  await musterPeer(postgres.connection, 100),
  await musterPeer(postgres.connection, 10),
  await graphilePeer(postgres.connection, false),
  await graphilePeer(postgres.connection, true),
  ...(always ? [await bullmqPeer(always.socket, 'fsync always', 100)] : []),
  ...(everySecond ? [await bullmqPeer(everySecond.socket, 'fsync every second', 100)] : []),
];
const peers = all.filter((peer) => peer.name.startsWith(given.text('only') ?? ''));
const results = await measure(peers);
for (const peer of all) await peer.close();
const limits: ClaimLimit[] = await claimLimits(postgres.connection);
const on = { ...machine(), postgres: postgres.about, redis: always?.about ?? 'none' };

if (given.json)
  console.log(
    JSON.stringify({ bench: 'queue-peers', machine: on, jobs, rounds, singles, results, limits, skipped }, null, 2),
  );
else print();

function print(): void {
  console.log(
    `\n${on.cpu}, ${on.cores} cores, ${on.memoryGb} GB, ${on.os}; Node ${on.node}; ${on.postgres}; ${on.redis}`,
  );
  console.log(`${rounds} rounds of ${jobs} jobs and ${singles} single ones; median of the rounds\n`);
  const [first] = results;
  table(
    ['queue', 'start p50 ms', 'p99 ms', 'drain jobs/s', 'ours ÷ theirs', 'enqueue jobs/s'],
    results.map((result) => [
      result.name,
      result.startMs.p50,
      result.startMs.p99,
      result.drainPerSecond,
      round((first?.drainPerSecond ?? 0) / result.drainPerSecond),
      result.enqueuePerSecond,
    ]),
  );
  console.log('');
  for (const { name, promises } of results) console.log(`${name}: ${promises}`);
  console.log('');
  table(
    ['limit of the same Postgres', 'connections', 'batch', 'rows/s'],
    limits.map((l) => [l.by, l.connections, l.batch, l.rowsPerSecond]),
  );
  for (const line of skipped) console.log(line);
}
