import { afterAll, beforeEach, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { projectId, seedBuild, seedProject } from '#test/build-seeds';
import { testDatabase } from '#test/database';
import { DemandGone, demandFor as demandOf, KnownDemands, withDemand } from './find-demand.ts';
import { readLoad } from './queries/submit.ts';

const database = await testDatabase();
const { db } = database;
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(() => database.wipe());

/** Every look-up as by a process that has seen nothing yet. */
const fresh = () => ({ db, intake: { demands: new KnownDemands() } });
const demandFor = (_: { db: typeof db }, wanted: Parameters<typeof demandOf>[1]) => demandOf(fresh(), wanted);

const key = (requires: Record<string, string> = {}, queue = 'default') => ({
  projectId,
  queue,
  platform: 'linux',
  requires,
});

test('equal needs are one demand, whatever the order of labels; its queue exists', async () => {
  const sig = await demandFor({ db }, key({ a: '1', b: '2' }));
  expect(await demandFor({ db }, key({ b: '2', a: '1' }))).toBe(sig);
  expect(await demandFor({ db }, key({ a: '1' }))).not.toBe(sig);
  expect(await db.query(sql`select name from queues`)).toEqual([{ name: 'default' }]);
});

test('twenty first submits of the same need at once make one demand', async () => {
  const sigs = await Promise.all(Array.from({ length: 20 }, () => demandFor({ db }, key({ fresh: 'yes' }))));
  expect(new Set(sigs).size).toBe(1);
});

async function fill(state: 'queued' | 'running' | 'succeeded'): Promise<void> {
  await db.query(sql`insert into queues (project_id, name) values (${projectId}, 'default') on conflict do nothing`);
  await db.query(sql`
    insert into demands (project_id, queue, platform, requires)
    select ${projectId}::text, 'default', 'linux', jsonb_build_object('n', n::text) from generate_series(1, 256) n`);
  await seedBuild(db, { state, platform: 'linux', requires: { n: '1' } });
}

test('the 257th need takes the place of an idle one', async () => {
  await fill('succeeded');
  await demandFor({ db }, key({ n: '257' }));
  expect(await db.query(sql`select count(*)::int as n from demands`)).toEqual([{ n: 256 }]);
});

test.each(['queued', 'running'] as const)('a need with a %s build is never pruned', async (state) => {
  await fill(state);
  for (let n = 257; n < 520; n++) await demandFor({ db }, key({ n: String(n) }));
  expect(await db.query(sql`select count(*)::int as n from demands where requires = '{"n":"1"}'`)).toEqual([{ n: 1 }]);
});

test('all in use: refused, and another project is not touched', async () => {
  const other = await seedProject(db);
  await demandFor({ db }, { ...key(), projectId: other });
  await fill('queued');
  await db.query(sql`
    insert into builds (id, project_id, sig, queue, platform, max_run_ms)
    select 'bld_' || sig, project_id, sig, queue, platform, 1 from demands where project_id = ${projectId} and requires <> '{"n":"1"}'`);
  await expect(demandFor({ db }, key({ n: '257' }))).rejects.toMatchObject({
    code: 'exhausted',
    reason: 'demands_full',
  });
  expect(await db.query(sql`select count(*)::int as n from demands where project_id = ${other}`)).toEqual([{ n: 1 }]);
});

test('pruning waits for a submit that holds the demands', async () => {
  await fill('succeeded');
  await db.query(sql`delete from demands where requires not in ('{"n":"1"}', '{"n":"2"}')`);
  await db.query(sql`
    insert into demands (project_id, queue, platform, requires)
    select ${projectId}::text, 'default', 'linux', jsonb_build_object('n', n::text) from generate_series(1000, 1253) n`);
  const sig = await demandFor({ db }, key({ n: '2' }));
  let pruned: Promise<number> | undefined;
  await db.transaction(async (tx) => {
    await readLoad(tx, projectId, 10);
    pruned = demandFor({ db }, key({ n: '3' }));
    await tx.query(sql`
      insert into builds (id, project_id, sig, queue, platform, max_run_ms)
      select 'bld_held', project_id, sig, queue, platform, 1 from demands where sig = ${sig}`);
  });
  await pruned;
  expect(
    await db.query(sql`select 1 as there from builds b join demands d on d.sig = b.sig where b.id = 'bld_held'`),
  ).toHaveLength(1);
});

test('a demand that is gone is looked up again, three times at most', async () => {
  let tries = 0;
  await expect(
    withDemand(fresh(), key(), async () => {
      tries += 1;
      throw new DemandGone();
    }),
  ).rejects.toMatchObject({ code: 'conflict', reason: 'demand_changing' });
  expect(tries).toBe(3);
});

test('what one process knows and another pruned is found out, and made again', async () => {
  const room = fresh();
  const wanted = key({ gone: 'soon' });
  const sig = await demandOf(room, wanted);
  await db.query(sql`delete from demands`);
  const used: number[] = [];
  const made = await withDemand(room, wanted, async (now) => {
    used.push(now);
    const found = await db.query(sql`select 1 from demands where sig = ${now}`);
    if (found.length === 0) throw room.intake.demands.gone(wanted);
    return now;
  });
  expect(used).toEqual([sig, made]);
  expect(made).not.toBe(sig);
});

test('an emptied queue goes with its last need, a paused one stays', async () => {
  await db.query(
    sql`insert into queues (project_id, name) select ${projectId}::text, 'q' || n from generate_series(1, 256) n`,
  );
  await db.query(sql`
    insert into demands (project_id, queue, platform, used_at)
    select ${projectId}::text, 'q' || n, 'linux', now() - n * interval '1 hour' from generate_series(1, 256) n`);
  await db.query(sql`update queues set paused_at = now(), paused_by = 'me', pause_reason = 'why' where name = 'q255'`);
  await demandFor({ db }, key({}, 'new1'));
  await demandFor({ db }, key({}, 'new2'));
  const left = await db.query<{ name: string }>(
    sql`select name from queues where name in ('q256', 'q255', 'q254', 'new1', 'new2') order by name`,
  );
  expect(left.map((row) => row.name)).toEqual(['new1', 'new2', 'q254', 'q255']);
});
