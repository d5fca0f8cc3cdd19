import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { sql } from '#kernel/db';
import { loneMetrics, silentLogger } from '#kernel/telemetry';
import { queueHarness } from '#test/queue-harness';
import { until } from '#test/until';
import { queueEvents } from './events.ts';
import { cancel, done, type Job, type Outcome, retry, snooze } from './index.ts';
import { type JobEvent, type JobState, jobTable } from './job-state.ts';
import { promoteDue } from './maintenance-queries.ts';
import { claimJobs, finishJobs, renewLeases, returnJobs } from './queries.ts';
import { rescue } from './rescuer.ts';

const { database, db, makeQueue, otherProcess } = await queueHarness();
const events = queueEvents(silentLogger, loneMetrics(silentLogger));

/** What one job should be, by the table alone. */
type Model = { state: JobState; term: number; attempt: number; cancelled: boolean };

const commands = fc.array(
  fc.record({
    job: fc.integer({ min: 0, max: 2 }),
    event: fc.constantFrom<JobEvent | 'renew'>('due', 'claim', 'succeed', 'again', 'giveUp', 'lose', 'cancel', 'renew'),
    /** How far behind the row's term the writer is. */
    behind: fc.constantFrom(0, 0, 0, 1, 2),
    soon: fc.boolean(),
  }),
  { maxLength: 40 },
);

it('the SQL and the table agree, whatever happens in whatever order', { timeout: 120_000 }, async () => {
  const queue = makeQueue();
  await fc.assert(
    fc.asyncProperty(commands, async (steps) => {
      await database.wipe();
      const kinds = ['m.0', 'm.1', 'm.2'];
      const ids = await db.transaction((tx) =>
        queue.enqueueMany(
          tx,
          kinds.map((kind) => ({ kind, payload: kind, attemptsMax: 3 })),
        ),
      );
      const models = ids.map((): Model => ({ state: 'ready', term: 0, attempt: 0, cancelled: false }));

      for (const { job, event, behind, soon } of steps) {
        const [model, id, kind] = [models[job]!, ids[job]!, kinds[job]!];
        const term = model.term - behind;
        const current = behind === 0;
        const next = event === 'renew' ? 'refuse' : jobTable[model.state][event];
        switch (event) {
          case 'claim': {
            const got = await claimJobs(db, [{ kind, count: 1, leaseMs: 60_000 }], 'h');
            expect(got.map((claimed) => claimed.id)).toEqual(next === 'running' ? [id] : []);
            if (next === 'running')
              Object.assign(model, { state: next, term: model.term + 1, attempt: model.attempt + 1 });
            break;
          }
          case 'due': {
            await db.query(sql`update jobs set run_at = now() where id = ${id} and state = 'waiting'`);
            const got = await promoteDue(db, 10);
            expect(got.length).toBe(next === 'ready' ? 1 : 0);
            if (next !== 'refuse') model.state = next;
            break;
          }
          case 'succeed':
          case 'giveUp': {
            const outcome = event === 'succeed' ? 'done' : 'failed';
            const got = await finishJobs(db, [{ id, term, outcome, reason: 'r' }], 'running');
            const applies = current && next !== 'refuse';
            expect(got.length).toBe(applies ? 1 : 0);
            if (applies) model.state = next;
            break;
          }
          case 'again': {
            const got = await returnJobs(db, [
              { id, term, untilMs: null, delayMs: soon ? 0 : 60_000, error: 'e', free: false },
            ]);
            const applies = current && next !== 'refuse' && !model.cancelled;
            expect(got.length).toBe(applies ? 1 : 0);
            if (applies) model.state = soon ? 'ready' : 'waiting';
            break;
          }
          case 'lose': {
            await db.query(
              sql`update jobs set lease_ends_at = now() - interval '1 ms' where id = ${id} and state = 'running'`,
            );
            await rescue({ db, events, times: { blindMs: 1e13 }, onReturned: () => undefined });
            if (next === 'refuse') break;
            if (model.cancelled) model.state = 'cancelled';
            else model.state = model.attempt >= 3 ? 'failed' : next;
            break;
          }
          case 'cancel': {
            const was = await db.transaction((tx) => queue.cancel(tx, id, 'c'));
            expect(was).toBe(next !== 'refuse');
            if (next === 'running') model.cancelled = true;
            if (next !== 'refuse') model.state = next;
            break;
          }
          case 'renew': {
            const got = await renewLeases(db, [{ id, term }]);
            expect(got.length).toBe(current && model.state === 'running' ? 1 : 0);
            if (got[0]) expect(got[0].cancelReason !== null).toBe(model.cancelled);
            break;
          }
        }
        const [row] = await db.query<{ state: string; term: number; attempt: number }>(sql`
          select state, term, attempt from jobs where id = ${id}
          union all select outcome, term, attempt from jobs_done where id = ${id}`);
        expect(row, `${event} after ${JSON.stringify(steps)}`).toEqual({
          state: model.state,
          term: model.term,
          attempt: model.attempt,
        });
      }
      const payloads = await db.query<{ id: string }>(sql`select job_id as id from job_payloads order by job_id`);
      const unfinished = ids.filter((_, i) => !['done', 'failed', 'cancelled'].includes(models[i]!.state));
      expect(payloads.map((row) => row.id)).toEqual(unfinished.toSorted());
    }),
    { numRuns: 300 },
  );
});

it('three processes run each job one at a time and end it once, with random outcomes and lost leases', {
  timeout: 60_000,
}, async () => {
  const seed = Date.now() % 1_000_000;
  const random = fc.sample(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), { numRuns: 5000, seed });
  const chance = (): number => random.pop() ?? 0.5;
  const running = new Map<string, number>();
  const terms = new Set<string>();
  const faults: string[] = [];
  const ended = new Map<string, number>();

  async function work(job: Job): Promise<Outcome> {
    if (running.has(job.id) && !lost.has(`${job.id} ${running.get(job.id)}`))
      faults.push(`${job.id} runs twice at once`);
    if (terms.has(`${job.id} ${job.term}`)) faults.push(`${job.id} ran twice under term ${job.term}`);
    terms.add(`${job.id} ${job.term}`);
    running.set(job.id, job.term);
    await new Promise((resolve) => void setImmediate(resolve));
    if (running.get(job.id) === job.term) running.delete(job.id);
    const dice = chance();
    if (dice < 0.15) return retry(chance() * 20);
    if (dice < 0.25) return snooze(Date.now() + chance() * 20);
    if (dice < 0.3) throw new Error('random');
    if (dice < 0.35) return cancel('random');
    ended.set(job.id, (ended.get(job.id) ?? 0) + 1);
    return done;
  }
  /** Claims whose lease the test took away while they ran. */
  const lost = new Set<string>();

  const queues = await Promise.all(['a', 'b', 'c'].map((holder) => otherProcess({ holder, random: () => 0 })));
  for (const queue of queues) {
    queue.handle('r.one', work, { concurrency: 4 });
    queue.handle('r.two', work, { concurrency: 7 });
    await queue.start();
  }
  const ids: string[] = [];
  for (let batch = 0; batch < 20; batch++) {
    ids.push(
      ...(await db.transaction((tx) =>
        queues[batch % 3]!.enqueueMany(
          tx,
          Array.from({ length: 20 }, (_, i) => ({
            kind: i % 2 ? 'r.one' : 'r.two',
            payload: i,
            priority: i % 5,
            attemptsMax: 4,
          })),
        ),
      )),
    );
    const taken = await db.query<{ id: string; term: number }>(sql`
      update jobs set lease_ends_at = now() - interval '1 ms'
       where id in (select id from jobs where state = 'running' limit 1) and state = 'running' returning id, term`);
    for (const { id, term } of taken) lost.add(`${id} ${term}`);
  }
  await db.query(sql`update jobs set run_at = now() where state = 'waiting'`);
  await until(
    async () => {
      await db.query(sql`update jobs set run_at = now() where state = 'waiting'`);
      return (await db.query(sql`select from jobs limit 1`)).length === 0;
    },
    { withinMs: 40_000 },
  );
  expect(faults, `seed ${seed}`).toEqual([]);
  const finished = await db.query<{ id: string; outcome: string }>(sql`select id, outcome from jobs_done order by id`);
  expect(finished.map((row) => row.id)).toEqual(ids.toSorted());
  for (const { id, outcome } of finished)
    if (outcome === 'done') expect(ended.get(id), `seed ${seed}`).toBeGreaterThanOrEqual(1);
});
