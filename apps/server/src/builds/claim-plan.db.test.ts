import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { defaultProjectId } from '#kernel/auth';
import { type Statement, sql, type Tx } from '#kernel/db';
import { testDatabase } from '#test/database';
import { claim, lookForBuilds } from './queries/claim.ts';

/* Look and claim must stay on their partial indexes whatever the planner believes of the table; anything else reads it whole. */

const database = await testDatabase();
const { db } = database;
afterAll(() => database[Symbol.asyncDispose]());

const labels = Object.fromEntries(Array.from({ length: 4 }, (_, n) => [`k${n}`, 'v']));
const platforms = ['android', 'ios', 'linux', 'macos'];
const workerIds = Array.from({ length: 32 }, (_, n) => `wrk_${n + 1}`);

beforeAll(async () => {
  // What the planner believes is the subject here: the vacuum that comes by itself must not change it between the lines.
  await db.query(sql`alter table builds set (autovacuum_enabled = off)`);
  await db.query(sql`
    insert into workers (id, project_id, kind, name, platforms, labels, seats)
    select 'wrk_' || i, ${defaultProjectId}, 'v1', 'w' || i, ${platforms}::text[], ${JSON.stringify(labels)}::jsonb, 1 from generate_series(1, 2000) i`);
  await db.query(sql`
    insert into demands (project_id, queue, platform, requires)
    select ${defaultProjectId}, 'q' || (i / 16) % 4, (array['linux', 'ios', 'android', 'macos'])[1 + i % 4], jsonb_build_object('k' || (i / 4) % 4, 'v')
    from generate_series(0, 63) i`);
});

const fill = (count: number, state: 'queued' | 'succeeded'): Promise<unknown> =>
  db.query(sql`
    insert into builds (id, project_id, sig, queue, platform, priority, max_run_ms, state, finished_at)
    select ${state} || i, d.project_id, d.sig, d.queue, d.platform, i % 3, 60000, ${state}, case when ${state} = 'succeeded' then now() end
    from generate_series(1, ${count}) i join (select *, row_number() over (order by sig) as nth from demands) d on d.nth = 1 + i % 64`);

type Asks = (tx: Tx) => Promise<unknown>;
const looks: Asks = (tx) => lookForBuilds(tx, workerIds);
const claims: Asks = async (tx) => {
  const sigs = await db.query<{ sig: number }>(sql`select sig from demands order by sig limit 32`);
  await claim(tx, {
    slots: sigs.map(({ sig }, n) => ({ workerId: workerIds[n]!, sig })),
    leaseTtlMs: 30_000,
    legacyLeaseTtlMs: 1_800_000,
    runMarginMs: 60_000,
  });
};

/** The plan as the sixth and later calls get it: made once, without looking at the values, and left to the planner alone. */
async function planOf(asks: Asks): Promise<string> {
  let statement: Statement | undefined;
  await asks({ query: async (asked: Statement) => ((statement = asked), []) } as unknown as Tx);
  return await db.transaction(async (tx) => {
    await tx.query(sql`set local plan_cache_mode = force_generic_plan`);
    await tx.query(sql`set local enable_seqscan = on`);
    const rows = await tx.query<{ 'QUERY PLAN': string }>({
      text: `explain (analyze, timing off) ${statement?.text}`,
      values: statement?.values ?? [],
      name: `plan_${planned++}`,
    });
    await tx.query(
      sql`update builds set state = 'queued', worker_id = null, worker_seat = null, lease_until = null, assigned_at = null where state = 'assigned'`,
    );
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  });
}
let planned = 0;

function expectIndexes(plan: string): void {
  expect(plan).not.toMatch(/Seq Scan on builds/);
  expect(plan).toContain('Index Scan using builds_line on builds');
  expect(plan).toMatch(/builds_worker_seat/);
}

describe.each([
  { name: 'look', asks: looks },
  { name: 'claim', asks: claims },
])('the plan of a $name', ({ asks }) => {
  beforeEach(() => db.query(sql`delete from builds`));

  test('on a table nobody has looked at, filled a moment ago', async () => {
    await fill(5_000, 'queued');
    expectIndexes(await planOf(asks));
  });

  test('on one whose last look found the line empty', async () => {
    await fill(20_000, 'succeeded');
    await db.query(sql`vacuum analyze builds`);
    await fill(20_000, 'queued');
    expectIndexes(await planOf(asks));
  });

  test('with 50 000 in line for 64 label sets: it reads as many rows as it may take per set, not the line', async () => {
    await fill(50_000, 'queued');
    await db.query(sql`vacuum analyze builds`);
    const plan = await planOf(asks);
    expectIndexes(plan);
    const read = [
      ...plan.matchAll(/Index Scan using builds_line on builds \S+ .*actual rows=([\d.]+) loops=(\d+)/g),
    ].map(([, rows, loops]) => Number(rows) * Number(loops));
    expect(read.length).toBeGreaterThan(0);
    expect(Math.max(...read)).toBeLessThanOrEqual(64 * 32);
  });
});
