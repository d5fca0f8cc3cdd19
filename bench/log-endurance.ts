/**
 * Claim: memory stays flat: 20 000 appends per second for 10 minutes, Postgres stopped for one of them, and in the last
 * minute the process has at most 350 MiB, within 5 % of what it had in the second.
 *
 * In process, with the flusher, 1000 streams, one follower, 300 B at an even pace. A shorter run scales the minutes:
 * `--minutes=10 --perSecond=20000 --json`; Postgres is away in the middle one.
 */

import { systemClock } from '../apps/server/src/kernel/base/index.ts';
import type { Sink } from '../apps/server/src/kernel/log/index.ts';
import { durableLog } from './support/durable-log.ts';
import { PacedAppends } from './support/paced.ts';
import { machine, options, round, spreadOf, table } from './support/report.ts';

const given = options();
const minutes = given.get('minutes', 10);
const perSecond = given.get('perSecond', 20_000);
const streams = given.get('streams', 1000);
/** Of this run; a real one when it lasts ten. */
const minuteMs = (minutes / 10) * 60_000;
const awayIn = 5;
const mib = 2 ** 20;
const sink: Sink = { form: 'sse', write: () => 0, gap: () => 'stop', end: () => undefined };

type Minute = {
  rssMib: number;
  heapMib: number;
  buffersMib: number;
  unflushedMib: number;
  p50: number;
  p99: number;
  lagMs: number;
};

await using made = await durableLog();
const { log, postgres } = made;
const keys = Array.from({ length: streams }, (_, i) => ({ projectId: 'prj_bench', path: `bench/${i}` }));
for (const key of keys) await log.create({ key, contentType: 'application/octet-stream', fresh: true });
const appends = new PacedAppends(log, keys, perSecond, 300);
using _ = await log.tail(keys[0] ?? { projectId: '', path: '' }, 'now', sink);
const seen: Minute[] = [];
const over = new AbortController();
let samples: number[] = [];
const sampling = (async () => {
  for (; !over.signal.aborted; await systemClock.sleep(250)) samples.push(process.memoryUsage.rss());
})();
for (let minute = 1; minute <= 10; minute++) {
  if (minute === awayIn) await postgres.stop();
  if (minute === awayIn + 1) await postgres.start();
  samples = [];
  await appends.run(minuteMs);
  const { p50, p99 } = spreadOf(appends.taken());
  const { unflushedBytes, flushLagMs } = log.promises();
  seen.push({
    rssMib: Math.round(samples.reduce((sum, bytes) => sum + bytes, 0) / samples.length / mib),
    heapMib: Math.round(process.memoryUsage().heapTotal / mib),
    buffersMib: Math.round(process.memoryUsage().arrayBuffers / mib),
    unflushedMib: Math.round(unflushedBytes / mib),
    lagMs: Math.round(flushLagMs),
    p50,
    p99,
  });
  if (!given.json) console.error(`minute ${minute}: ${JSON.stringify(seen.at(-1))}`);
}
over.abort();
await sampling;

const second = seen[1]?.rssMib ?? 0;
const last = seen.at(-1)?.rssMib ?? 0;
const result = { perSecond, minuteMs, rssGrowth: round(last / second), rssMib: last, minutes: seen };
if (given.json) console.log(JSON.stringify({ machine: machine(), ...result }));
else {
  const { cpu, cores, memoryGb, node, os } = machine();
  console.log(
    `${cpu}, ${cores} cores, ${memoryGb} GB · node ${node} · ${os} · ${perSecond} appends/s, ${streams} streams, minutes of ${minuteMs / 1000} s, Postgres away in the ${awayIn}th\n`,
  );
  table(
    ['minute', 'RSS MiB', 'heap MiB', 'buffers MiB', 'unflushed MiB', 'flush lag ms', 'append p50 ms', 'p99 ms'],
    seen.map((m, i) => [i + 1, m.rssMib, m.heapMib, m.buffersMib, m.unflushedMib, m.lagMs, m.p50, m.p99]),
  );
  console.log(`\nlast minute ÷ second: ${result.rssGrowth}`);
}
