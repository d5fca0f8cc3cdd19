import { expect, it } from 'vitest';
import { sql } from '#kernel/db';
import { queueHarness, recorder } from '#test/queue-harness';
import { until } from '#test/until';
import { done } from './index.ts';

const { db, makeQueue, otherProcess, log } = await queueHarness();

it('runs each due time once over all processes', { timeout: 20_000 }, async () => {
  const seen = recorder();
  for (const holder of ['node-b', 'node-c', 'node-d']) {
    const queue = await otherProcess({ holder });
    queue.handle('t.tick', seen.handler);
    queue.schedule('t.tick', { everyMs: 1000 }, { from: 'schedule' });
    await queue.start();
  }
  await until(() => seen.jobs.length >= 3);
  expect(seen.jobs[0]?.payload).toEqual({ from: 'schedule' });
  const rows = await db.query<{ id: string }>(sql`select id from jobs_done where kind = 't.tick'`);
  expect(seen.jobs.length - rows.length).toBeLessThanOrEqual(1);
  const [schedule] = await db.query<{ last: Date }>(sql`select last_due_at as last from job_schedules`);
  // Due times are whole seconds, so as many seconds passed as runs were started.
  const first = seen.jobs[0]!.enqueuedAt.getTime();
  expect(Math.floor(schedule!.last.getTime() / 1000) - Math.floor(first / 1000) + 1).toBe(seen.jobs.length);
});

it('runs once for all the due times that passed while nobody was there', async () => {
  const queue = makeQueue();
  const { jobs, handler } = recorder();
  queue.handle('t.late', handler);
  queue.schedule('t.late', { cron: '0 3 * * *' });
  await db.query(sql`
    insert into job_schedules (kind, spec, next_at) values ('t.late', 'cron 0 3 * * *', now() - interval '10 days')`);
  await queue.start();
  await until(() => jobs.length === 1);
  const [row] = await db.query<{ next: Date; now: Date }>(sql`select next_at as next, now() as now from job_schedules`);
  expect(row!.next.getTime()).toBeGreaterThan(row!.now.getTime());
  expect(row!.next.toISOString()).toMatch(/T03:00:00\.000Z$/);
  await until(async () => (await db.query(sql`select from jobs`)).length === 0);
  expect(jobs).toHaveLength(1);
});

it('starts anew when the schedule was changed, and not when it was not', async () => {
  const far = new Date(Date.now() + 1e9);
  await db.query(sql`
    insert into job_schedules (kind, spec, next_at)
    values ('t.same', 'every 3600000ms', ${far}), ('t.changed', 'every 5ms', ${far})`);
  const queue = makeQueue();
  queue.schedule('t.same', { everyMs: 3_600_000 });
  queue.schedule('t.changed', { everyMs: 3_600_000 });
  await queue.start();
  await until(async () => {
    const rows = await db.query<{ kind: string; next: Date }>(
      sql`select kind, next_at as next from job_schedules order by kind`,
    );
    return rows[0]!.next.getTime() < Date.now() + 3_600_001 && rows[1]!.next.getTime() === far.getTime();
  });
});

it('skips a due time, and says so, while too many runs are unfinished', async () => {
  const queue = makeQueue();
  queue.schedule('t.pile', { everyMs: 1000 });
  await db.query(sql`
    insert into jobs (id, kind, state, attempts_max, run_at, unique_key)
    select 'job_' || g, 't.pile', 'ready', 1, now(), 'due ' || g from generate_series(1, 100) g`);
  await queue.start();
  await until(() => log.some(({ text }) => text?.includes('due time was skipped')));
  expect((await db.query(sql`select from jobs`)).length).toBe(100);
});

it.each([
  { cron: 'now and then' },
  { cron: '99 * * * *' },
  { cron: '0 0 30 2 *' },
  { everyMs: 10 },
  { everyMs: Number.NaN },
])('refuses %j', (when) => {
  expect(() => makeQueue().schedule('t.bad', when)).toThrow(expect.objectContaining({ reason: 'bad_schedule' }));
});

it('takes one schedule per kind', () => {
  const queue = makeQueue();
  queue.handle('t.one', () => Promise.resolve(done));
  queue.schedule('t.one', { everyMs: 1000 });
  expect(() => queue.schedule('t.one', { everyMs: 2000 })).toThrow('two schedules');
});
