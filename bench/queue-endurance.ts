/**
 * Claim: the queue does not slow down with what it has done. Claims of a queue table usually fall by a third after some
 * ten thousand jobs, because dead entries pile up at the head of the index; a narrow table that finished jobs leave, and
 * an early vacuum, keep the rate. Runs `--slices=10` times `--jobs=20000` without a pause and compares the last with the
 * first. `--json`.
 */

import { systemClock } from '../apps/server/src/kernel/base/index.ts';
import { musterPeer } from './support/queue-muster.ts';
import { machine, options, round, table } from './support/report.ts';
import { durablePostgres } from './support/stores.ts';

const given = options();
const jobs = given.get('jobs', 20_000);
const slices = given.get('slices', 10);

await using postgres = await durablePostgres(40);
const peer = await musterPeer(postgres.connection, 100);
const rates: number[] = [];
let ran = 0;
const worker = await peer.work(() => ran++);
for (let slice = 0; slice <= slices; slice++) {
  await peer.enqueue(jobs);
  const [began, before] = [performance.now(), ran];
  await worker.enqueueOne(); // the hint
  while ((await peer.left()) > 0) await systemClock.sleep(2);
  if (slice > 0) rates.push(Math.round(((ran - before) * 1000) / (performance.now() - began))); // the first warms up
}
await worker.stop();
await peer.close();

const [first = 1, last = 0] = [rates[0], rates.at(-1)];
const on = { ...machine(), postgres: postgres.about };
if (given.json)
  console.log(
    JSON.stringify({ bench: 'queue-endurance', machine: on, jobs, rates, lastToFirst: round(last / first) }, null, 2),
  );
else {
  console.log(`\n${on.cpu}, ${on.cores} cores, ${on.memoryGb} GB, ${on.os}; Node ${on.node}; ${on.postgres}\n`);
  table(
    ['after jobs', 'jobs/s'],
    rates.map((rate, i) => [(i + 2) * jobs, rate]),
  );
  console.log(`\nlast ÷ first = ${round(last / first)}`);
}
