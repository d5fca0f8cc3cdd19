/**
 * Claim: pause, resume, stop and start of 10 000 bots at once are each done within 2 s, from the request to the task that
 * says so and to the owner that has heard of it. Beside them a bare `update … set` of as many rows on the same Postgres, in
 * the same run, which says how fast the machine is just then. `--bots=10000 --rounds=3 --json`
 */

import { sql } from '../apps/server/src/kernel/db/index.ts';
import { galleryServer, one, settle } from './support/gallery-server.ts';
import { machine, median, options, round, table } from './support/report.ts';

const given = options();
const bots = given.get('bots', 10_000);
const rounds = given.get('rounds', 3);
const barMs = 2_000;
type Task = { id: string; state: string; changed: number };

await using server = await galleryServer();
await server.begin();
await server.ask('GET', '/v1/gallery/fleet');
// Bots as a seeding and its accounts leave them; none of them thinks while this runs.
await server.db.query(sql`
  insert into gallery_bots (id, project_id, shard, name, username, target_id, seed, desired, state, provision, traits)
  select 'gbt_' || lpad(n::text, 26, '0'), project_id, n % 64, 'Bot ' || n, 'bot_' || n, 'sandbox', n, 'running', 'running', 'done',
    '{"minIntervalMs": 86000000, "maxIntervalMs": 86400000}'
  from gallery_fleets, generate_series(1, ${bots}) n`);

async function bulk(action: string): Promise<number> {
  const began = performance.now();
  let task = await server.ask<Task>('POST', '/v1/gallery/bots/bulk', { action, all: true });
  await settle(async () => {
    if (task.state === 'running') task = await server.ask<Task>('GET', `/v1/gallery/tasks/${task.id}`);
    return task.state !== 'running';
  }, 10);
  const tookMs = performance.now() - began;
  const inState = { pause: 'paused', resume: 'running', stop: 'idle', start: 'running' }[action] ?? '';
  const there = await one(server.db, sql`select count(*)::int as n from gallery_bots where state = ${inState}`);
  if (task.changed !== bots || there !== bots) throw new Error(`${action}: ${task.changed} changed, ${there} there`);
  return tookMs;
}

async function bare(): Promise<number> {
  const began = performance.now();
  await server.db.query(sql`update gallery_bots set updated_at = now()`);
  return performance.now() - began;
}

const actions = ['pause', 'resume', 'stop', 'start'];
const took = new Map(['bare update', ...actions].map((name) => [name, [] as number[]]));
for (let n = 0; n < rounds; n++) {
  took.get('bare update')?.push(await bare());
  for (const action of actions) took.get(action)?.push(await bulk(action));
}
const result = Object.fromEntries(
  [...took].map(([name, all]) => [name, { medianMs: round(median(all)), worstMs: round(Math.max(...all)) }]),
);
const on = { ...machine(), postgres: server.about };
if (given.json) console.log(JSON.stringify({ bench: 'gallery-bulk', machine: on, bots, rounds, ...result }, null, 2));
else {
  console.log(`\n${on.cpu}, ${on.cores} cores, ${on.memoryGb} GB, ${on.os}; Node ${on.node}; ${on.postgres}\n`);
  table(
    [`${bots} bots`, 'median ms', 'worst ms'],
    Object.entries(result).map(([name, { medianMs, worstMs }]) => [name, medianMs, worstMs]),
  );
}
if (actions.some((name) => median(took.get(name) ?? []) >= barMs)) process.exitCode = 1;
