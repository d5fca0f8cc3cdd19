/**
 * Claim: a fleet of 100 lives a day of 24 hours in less than a minute: simulated in the sandbox with the improv mind, as
 * `muster gallery demo` does it, by the server as people run it with a durable Postgres beside it. The hash is one of
 * everything that was said, drawn, done and decided; the same seed gives the same one for the same begin of the day.
 * `--bots=100 --hours=24 --seed=1 --json`.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { systemClock } from '../apps/server/src/kernel/base/index.ts';
import { type PoolDb, sql } from '../apps/server/src/kernel/db/index.ts';
import { galleryServer, one } from './support/gallery-server.ts';
import { cpuMsOf, familyOf } from './support/process-cpu.ts';
import { machine, options, round, table } from './support/report.ts';

type Task = { id: string; state: string; done: number; total: number; error: string | null };

const given = options();
const bots = given.get('bots', 100);
const hours = given.get('hours', 24);
const seed = given.get('seed', 1);

await using server = await galleryServer();
await server.begin();
// What the first start left to do is no part of it.
await systemClock.sleep(3_000);

const postmaster = await postmasterOf(server.db);
const look = (): { server: number; postgres: number } => ({
  server: server.cpuMs(),
  postgres: cpuMsOf(familyOf(postmaster)),
});
const before = look();
const began = performance.now();
const order = { count: bots, hours, seed, start: false };
let task = await server.ask<Task>('POST', '/v1/gallery/sim', order);
while (task.state === 'running' || task.state === 'pending') {
  await systemClock.sleep(200);
  task = await server.ask<Task>('GET', `/v1/gallery/tasks/${task.id}`);
}
const seconds = (performance.now() - began) / 1_000;
const after = look();
if (task.state !== 'done') throw new Error(`the simulation ended as ${task.state}: ${task.error ?? ''}`);

const thinks = await one(server.db, sql`select sum(think_no)::int as n from gallery_bots`);
const acts = await server.db.query<{ kind: string; n: number }>(sql`
  select kind || case when state = 'done' then '' else ' ' || state end as kind, count(*)::int as n
    from gallery_actions group by 1 order by 2 desc`);
const begin = await server.db.query<{ at: Date }>(sql`select min(at) as at from gallery_decisions`);
const result = {
  bots,
  hours,
  seconds: round(seconds),
  thinks,
  thinksPerSecond: Math.round(thinks / seconds),
  serverMsPerThink: round((after.server - before.server) / thinks),
  postgresMsPerThink: round((after.postgres - before.postgres) / thinks),
  ...Object.fromEntries(acts.map(({ kind, n }) => [`acts: ${kind}`, n])),
  firstThink: begin[0]?.at.toISOString() ?? '',
  hash: await hashOfDay(server.db),
};
const on = { ...machine(), postgres: server.about };
if (given.json) console.log(JSON.stringify({ bench: 'gallery-day', machine: on, ...result }, null, 2));
else {
  console.log(`\n${on.cpu}, ${on.cores} cores, ${on.memoryGb} GB, ${on.os}; Node ${on.node}; ${on.postgres}\n`);
  table(['', ''], Object.entries(result));
}
if (hours >= 24 && bots >= 100 && seconds >= 60) process.exitCode = 1;

async function postmasterOf(db: PoolDb): Promise<number> {
  const [row] = await db.query<{ folder: string }>(sql`select current_setting('data_directory') as folder`);
  return Number(readFileSync(path.join(row?.folder ?? '', 'postmaster.pid'), 'utf8').split('\n')[0]);
}

async function hashOfDay(db: PoolDb): Promise<string> {
  const hash = createHash('sha256');
  for (const statement of [
    sql`select id, title, description, created_at from sandbox_items order by id`,
    sql`select id, content, created_at from sandbox_comments order by id`,
    sql`select thought_id, bot_id, kind, item_id, content, image_blob, state, remote_id, opened_at
          from gallery_actions order by thought_id`,
    sql`select thought_id, kind, why, result, reason, body from gallery_decisions order by thought_id`,
    sql`select id, kind, text, importance, at from gallery_memories order by id`,
    sql`select bot_id, person, affinity, seen, exchanged from gallery_relations order by bot_id, person`,
  ])
    hash.update(JSON.stringify(await db.query(statement)));
  return hash.digest('hex').slice(0, 16);
}
