/**
 * Claim: an idle gallery bot costs its owner less than 4 KB of memory. A loop takes in `--bots=10000,100000` running bots
 * from a durable Postgres; what the process holds more after a full collection, heap and buffers, is divided by them. `--json`.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createLoop, FleetView } from '../apps/server/src/gallery/loop/index.ts';
import { Limits, systemClock, systemRandom } from '../apps/server/src/kernel/base/index.ts';
import { inProcessBus } from '../apps/server/src/kernel/bus/index.ts';
import { createDb, migrate, sql } from '../apps/server/src/kernel/db/index.ts';
import { loneMetrics, silentLogger } from '../apps/server/src/kernel/telemetry/index.ts';
import { machine, options, round, table } from './support/report.ts';
import { durablePostgres } from './support/stores.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const given = options();
const sizes = (given.text('bots') ?? '10000,100000').split(',').map(Number);

await using postgres = await durablePostgres(20);
await migrate({ connection: postgres.connection, clock: systemClock, serverVersion: 'bench' });
await using db = createDb({
  ...postgres.connection,
  poolMax: 4,
  statementTimeoutMs: 600_000,
  applicationName: 'bench',
  clock: systemClock,
});
await db.start();
await db.query(sql`insert into projects (id, name) values ('prj_bench', 'bench')`);
await db.query(sql`insert into gallery_fleets (project_id) values ('prj_bench')`);
await db.query(sql`
  insert into gallery_targets (project_id, id, kind, title, base_url) values ('prj_bench', 'sandbox', 'sandbox', 'Sandbox', 'http://localhost')`);

const rows: [number, number, number][] = [];
for (const bots of sizes) {
  await db.query(sql`delete from gallery_bots`);
  await db.query(sql`
    insert into gallery_bots (id, project_id, shard, name, username, target_id, seed, desired, state, next_think_at, provision)
    select 'gbt_' || lpad(n::text, 26, '0'), 'prj_bench', n % 64, 'Bot', 'bot_' || n, 'sandbox', n, 'running', 'running',
      now() + interval '1 hour' + n * interval '10 ms', 'done'
    from generate_series(1, ${bots}) n`);
  await db.query(sql`select count(*) from gallery_bots`);
  const before = heldBytes();
  await using loop = createLoop({
    db,
    bus: inProcessBus(() => undefined),
    clock: systemClock,
    realClock: systemClock,
    random: systemRandom,
    telemetry: {
      logger: silentLogger,
      metrics: loneMetrics(silentLogger),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    limits: new Limits(),
    nodeId: 'bench',
    view: new FleetView(db, () => 'improv'),
    thinking: {
      think: () => Promise.resolve([]),
      verifyOpen: () => Promise.resolve({ adopted: 0, sent: 0, dropped: 0 }),
      preview: () => Promise.resolve([]),
      ask: () => Promise.resolve({ answer: '', mind: '', costMicros: 0 }),
      retry: () => Promise.resolve(''),
    },
    probe: () => Promise.resolve(true),
    humanActionsPerDay: () => Promise.resolve(null),
    tell: () => undefined,
    emit: () => undefined,
    config: { thinksInFlightMax: 256, dueQueueMax: 2_000 },
  });
  const began = performance.now();
  await loop.start();
  while (loop.health().restoring !== null || loop.health().bots < bots) await systemClock.sleep(5);
  const took = performance.now() - began;
  rows.push([bots, Math.round((heldBytes() - before) / bots), round(took)]);
}

function heldBytes(): number {
  for (let i = 0; i < 3; i++) collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const on = { ...machine(), postgres: postgres.about };
if (given.json) console.log(JSON.stringify({ bench: 'gallery-memory', machine: on, rows }, null, 2));
else {
  console.log(`\n${on.cpu}, ${on.cores} cores, ${on.memoryGb} GB, ${on.os}; Node ${on.node}; ${on.postgres}\n`);
  table(['bots', 'bytes each (bar 4 096)', 'ms until all are scheduled'], rows);
}
if (rows.some(([, each]) => each >= 4_096)) process.exitCode = 1;
