import { beforeAll, describe, expect, it } from 'vitest';
import { inProcessBus } from '#kernel/bus';
import { type Db, type Statement, sql } from '#kernel/db';
import { queueHarness, recorder, untilAborted } from '#test/queue-harness';
import { until } from '#test/until';
import { cancel, done, type Handler, type JobAborted, retry, snooze } from './index.ts';
import { queueLimits } from './limits.ts';
import * as queries from './queries.ts';

const { db, makeQueue, otherProcess, enqueue, stateOf, ends } = await queueHarness();

describe('a job', () => {
  it('runs once, with its payload, and is kept as done', async () => {
    const queue = makeQueue();
    const { jobs, handler } = recorder();
    queue.handle('t.one', handler);
    await queue.start();
    const id = await enqueue(queue, 't.one', { payload: { a: [1, 'ä\0'], b: null } });
    await ends(id, 'done');
    expect(jobs).toHaveLength(1);
    expect(jobs[0]).toMatchObject({ id, kind: 't.one', payload: { a: [1, 'ä\0'], b: null }, attempt: 1, term: 1 });
    expect(jobs[0]?.enqueuedAt).toBeInstanceOf(Date);
    expect(await db.query(sql`select from jobs union all select from job_payloads`)).toEqual([]);
  });

  it('exists exactly when its transaction commits', async () => {
    const queue = makeQueue();
    const { jobs, handler } = recorder();
    queue.handle('t.tx', handler);
    await queue.start();
    const lost = db.transaction(async (tx) => {
      await queue.enqueue(tx, { kind: 't.tx', payload: 'rolled back' });
      throw new Error('no');
    });
    await expect(lost).rejects.toThrow('no');
    await ends(await enqueue(queue, 't.tx', { payload: 'committed' }), 'done');
    expect(jobs.map((job) => job.payload)).toEqual(['committed']);
  });

  it('is seen by a handler before it commits by nobody, and starts right after', async () => {
    const queue = makeQueue({ times: { pollMs: 60_000 } });
    const { jobs, handler } = recorder();
    queue.handle('t.late', handler);
    await queue.start();
    await db.transaction(async (tx) => {
      await queue.enqueue(tx, { kind: 't.late', payload: 1 });
      expect(jobs).toEqual([]);
    });
    await until(() => jobs.length === 1);
  });

  it('comes by priority, then by age', async () => {
    const queue = makeQueue();
    const { jobs, handler } = recorder();
    queue.handle('t.order', handler, { concurrency: 1 });
    await db.transaction((tx) =>
      queue.enqueueMany(
        tx,
        [0, 5, -3, 100, 0, -100, 5].map((priority, i) => ({ kind: 't.order', payload: `${priority}/${i}`, priority })),
      ),
    );
    await queue.start();
    await until(() => jobs.length === 7);
    expect(jobs.map((job) => job.payload)).toEqual(['100/3', '5/1', '5/6', '0/0', '0/4', '-3/2', '-100/5']);
  });

  it('comes at its time, not before', async () => {
    const queue = makeQueue({ times: { pollMs: 60_000 } });
    const { jobs, handler } = recorder();
    queue.handle('t.later', handler);
    await queue.start();
    const runAt = new Date(Date.now() + 300);
    const [first, second] = [await enqueue(queue, 't.later', { runAt }), await enqueue(queue, 't.later')];
    await ends(second, 'done');
    expect(await stateOf(first)).toBe('waiting');
    await ends(first, 'done');
    expect(Date.now()).toBeGreaterThanOrEqual(runAt.getTime() - 5);
    expect(jobs).toHaveLength(2);
  });

  it('never runs more than `concurrency` at once', async () => {
    const queue = makeQueue();
    let running = 0;
    let peak = 0;
    const gate = Promise.withResolvers<void>();
    queue.handle(
      't.limit',
      async () => {
        peak = Math.max(peak, ++running);
        await gate.promise;
        running--;
        return done;
      },
      { concurrency: 3 },
    );
    const ids = await db.transaction((tx) =>
      queue.enqueueMany(
        tx,
        Array.from({ length: 10 }, () => ({ kind: 't.limit', payload: 0 })),
      ),
    );
    await queue.start();
    await until(() => running === 3);
    expect((await queue.depth())[0]).toMatchObject({ kind: 't.limit', ready: 7, running: 3, waiting: 0 });
    gate.resolve();
    for (const id of ids) await ends(id, 'done');
    expect(peak).toBe(3);
  });

  it.each([
    ['kind', { kind: '' }],
    ['kind', { kind: 'k'.repeat(101) }],
    ['priority', { priority: 101 }],
    ['priority', { priority: 0.5 }],
    ['attemptsMax', { attemptsMax: 0 }],
    ['uniqueKey', { uniqueKey: '' }],
    ['runAt', { runAt: new Date('never') }],
    ['payload', { payload: 'x'.repeat(queueLimits.payloadBytesMax) }],
  ])('is refused with a bad %s', async (_, bad) => {
    await expect(enqueue(makeQueue(), 't.bad', bad)).rejects.toMatchObject({ code: 'invalid' });
    expect(await db.query(sql`select from jobs`)).toEqual([]);
  });

  it('may be one of many in one statement, in order', async () => {
    const queue = makeQueue();
    const inputs = Array.from({ length: queueLimits.enqueueBatchMax + 5 }, (_, i) => ({ kind: 't.many', payload: i }));
    const ids = await db.transaction((tx) => queue.enqueueMany(tx, inputs));
    const rows = await db.query<{ id: string; payload: number }>(sql`
      select j.id, p.payload from jobs j join job_payloads p on p.job_id = j.id order by j.id`);
    expect(rows.map((row) => row.id)).toEqual(ids);
    expect(rows.map((row) => row.payload)).toEqual(inputs.map((input) => input.payload));
    expect(await db.transaction((tx) => queue.enqueueMany(tx, []))).toEqual([]);
  });
});

describe('a unique key', () => {
  it('lets one unfinished job exist, and another when that has ended', async () => {
    const queue = makeQueue();
    const gate = Promise.withResolvers<void>();
    const { jobs, handler } = recorder(() => gate.promise.then(() => done));
    queue.handle('t.unique', handler);
    const first = await enqueue(queue, 't.unique', { uniqueKey: 'k' });
    expect(await enqueue(queue, 't.unique', { uniqueKey: 'k' })).toBe(first);
    expect(await enqueue(queue, 't.unique', { uniqueKey: 'other' })).not.toBe(first);
    expect(await enqueue(queue, 't.other', { uniqueKey: 'k' })).not.toBe(first);
    await queue.start();
    await until(() => jobs.some((job) => job.id === first));
    expect(await enqueue(queue, 't.unique', { uniqueKey: 'k' })).toBe(first);
    gate.resolve();
    await ends(first, 'done');
    expect(await enqueue(queue, 't.unique', { uniqueKey: 'k' })).not.toBe(first);
  });

  it('holds within one call, and between transactions at the same time', async () => {
    const queue = makeQueue();
    const job = { kind: 't.race', payload: 1, uniqueKey: 'k' };
    const [a, b, c] = await db.transaction((tx) => queue.enqueueMany(tx, [job, { ...job, uniqueKey: 'l' }, job]));
    expect(c).toBe(a);
    expect(b).not.toBe(a);
    const raced = await Promise.all(Array.from({ length: 20 }, () => enqueue(queue, 't.race2', { uniqueKey: 'k' })));
    expect(new Set(raced).size).toBe(1);
  });
});

describe('outcomes', () => {
  it('retry comes again after its delay, counts attempts, keeps the error', async () => {
    const queue = makeQueue();
    const { jobs, handler } = recorder((job) => Promise.resolve(job.attempt < 3 ? retry(20, 'not yet') : done));
    queue.handle('t.retry', handler);
    await queue.start();
    await ends(await enqueue(queue, 't.retry', { payload: 'p' }), 'done');
    expect(jobs.map(({ attempt, term, payload }) => ({ attempt, term, payload }))).toEqual([
      { attempt: 1, term: 1, payload: 'p' },
      { attempt: 2, term: 2, payload: 'p' },
      { attempt: 3, term: 3, payload: 'p' },
    ]);
  });

  it('a throw waits for the backoff', async () => {
    const queue = makeQueue({ random: () => 0.5 });
    queue.handle('t.throw', () => Promise.reject(new TypeError('broken')));
    await queue.start();
    const id = await enqueue(queue, 't.throw');
    await until(async () => (await stateOf(id)) === 'waiting');
    const [row] = await db.query<{ ms: number; error: string }>(sql`
      select (extract(epoch from run_at - claimed_at) * 1000)::float8 as ms, last_error as error from jobs where id = ${id}`);
    expect(row?.error).toBe('TypeError: broken');
    expect(row?.ms).toBeGreaterThanOrEqual(2000);
    // From when it was claimed: the throw itself takes its time on a busy machine.
    expect(row?.ms).toBeLessThan(3900);
  });

  it('snooze does not count as an attempt', async () => {
    const queue = makeQueue();
    const { jobs, handler } = recorder((job) => Promise.resolve(job.term < 4 ? snooze(Date.now() + 20) : done));
    queue.handle('t.snooze', handler);
    await queue.start();
    await ends(await enqueue(queue, 't.snooze', { attemptsMax: 1 }), 'done');
    expect(jobs.map(({ attempt, term }) => [attempt, term])).toEqual([
      [1, 1],
      [1, 2],
      [1, 3],
      [1, 4],
    ]);
  });

  it('cancel ends it with the reason', async () => {
    const queue = makeQueue();
    queue.handle('t.cancel', () => Promise.resolve(cancel('not needed')));
    await queue.start();
    const id = await enqueue(queue, 't.cancel');
    await ends(id, 'cancelled');
    expect(await queue.finished({ kind: 't.cancel', outcome: 'cancelled' })).toMatchObject([
      { id, reason: 'not needed', attempt: 1 },
    ]);
  });

  it('the last attempt fails for good, stays visible, and can be revived', async () => {
    const queue = makeQueue();
    let broken = true;
    const { jobs, handler } = recorder(() => Promise.resolve(broken ? retry(1, 'bro\0ken\ud800') : done));
    queue.handle('t.fail', handler);
    await queue.start();
    const id = await enqueue(queue, 't.fail', { attemptsMax: 2, payload: { keep: 'me' }, projectId: 'prj_1' });
    await ends(id, 'failed');
    expect(jobs).toHaveLength(2);
    expect(await queue.finished({ kind: 't.fail', outcome: 'failed' })).toMatchObject([
      { id, reason: 'broken\ufffd', attempt: 2, projectId: 'prj_1' },
    ]);
    broken = false;
    const again = await db.transaction((tx) => queue.revive(tx, id));
    await ends(again, 'done');
    expect(jobs.at(-1)).toMatchObject({ id: again, payload: { keep: 'me' }, attempt: 1 });
    await expect(db.transaction((tx) => queue.revive(tx, id))).rejects.toMatchObject({ reason: 'job_not_failed' });
  });

  it('of a handler that returns nothing is a retry', async () => {
    const queue = makeQueue();
    queue.handle('t.nothing', (() => Promise.resolve()) as unknown as Handler);
    await queue.start();
    const id = await enqueue(queue, 't.nothing', { attemptsMax: 1 });
    await ends(id, 'failed');
    expect((await queue.finished({ kind: 't.nothing', outcome: 'failed' }))[0]?.reason).toContain('no outcome');
  });

  it('lists what ended badly page by page', async () => {
    const queue = makeQueue();
    queue.handle('t.page', () => Promise.resolve(cancel('x')), { concurrency: 10 });
    const ids = await db.transaction((tx) =>
      queue.enqueueMany(
        tx,
        Array.from({ length: 7 }, () => ({ kind: 't.page', payload: 0 })),
      ),
    );
    await queue.start();
    for (const id of ids) await ends(id, 'cancelled');
    const first = await queue.finished({ kind: 't.page', outcome: 'cancelled', limit: 5 });
    const rest = await queue.finished({ kind: 't.page', outcome: 'cancelled', before: first.at(-1)!.id });
    expect([...first, ...rest].map((job) => job.id)).toEqual(ids.toReversed());
  });
});

describe('cancel', () => {
  it('ends a ready and a waiting job at once', async () => {
    const queue = makeQueue();
    const ready = await enqueue(queue, 't.c');
    const waiting = await enqueue(queue, 't.c', { runAt: new Date(Date.now() + 60_000), payload: 1 });
    for (const id of [ready, waiting]) {
      expect(await db.transaction((tx) => queue.cancel(tx, id, 'changed my mind'))).toBe(true);
      expect(await stateOf(id)).toBe('cancelled');
      expect(await db.transaction((tx) => queue.cancel(tx, id, 'again'))).toBe(false);
    }
    expect(await db.query(sql`select from job_payloads`)).toEqual([]);
    expect(await db.transaction((tx) => queue.cancel(tx, 'job_none', 'x'))).toBe(false);
  });

  it('tells a running handler of another process at once, and keeps the reason', async () => {
    const [here, there] = [await otherProcess({ holder: 'node-c' }), await otherProcess()];
    const { jobs, handler } = recorder(untilAborted);
    there.handle('t.c2', handler);
    await there.start();
    const id = await enqueue(here, 't.c2');
    await until(() => jobs.length === 1);
    expect(await db.transaction((tx) => here.cancel(tx, id, 'by the user'))).toBe(true);
    await ends(id, 'cancelled');
    expect((jobs[0]!.signal.reason as JobAborted).reason).toBe('cancelled');
    expect(await here.finished({ kind: 't.c2', outcome: 'cancelled' })).toMatchObject([{ id, reason: 'by the user' }]);
  });

  it('reaches a running handler with the next renewal when the hint is lost', async () => {
    const queue = makeQueue();
    const deaf = makeQueue({ bus: inProcessBus(() => undefined) });
    const { jobs, handler } = recorder(untilAborted);
    queue.handle('t.c3', handler, { leaseMs: 1000 });
    await queue.start();
    const id = await enqueue(queue, 't.c3');
    await until(() => jobs.length === 1);
    await db.transaction((tx) => deaf.cancel(tx, id, 'quietly'));
    await ends(id, 'cancelled');
  });

  it('wins over a retry that did not know, and loses against done', async () => {
    const queue = makeQueue();
    const deaf = makeQueue();
    const gate = Promise.withResolvers<void>();
    const { jobs, handler } = recorder((job) => gate.promise.then(() => (job.payload === 'retry' ? retry(1) : done)));
    queue.handle('t.c4', handler);
    await queue.start();
    const retried = await enqueue(queue, 't.c4', { payload: 'retry' });
    const finished = await enqueue(queue, 't.c4', { payload: 'done' });
    await until(() => jobs.length === 2);
    for (const id of [retried, finished]) await db.transaction((tx) => deaf.cancel(tx, id, 'stop it'));
    gate.resolve();
    await ends(retried, 'cancelled');
    await ends(finished, 'done');
    expect(await queue.finished({ kind: 't.c4', outcome: 'cancelled' })).toMatchObject([{ reason: 'stop it' }]);
    expect(jobs).toHaveLength(2);
  });
});

describe('hints', () => {
  it('reach other processes', async () => {
    const [sender, receiver] = [
      await otherProcess({ holder: 'node-c' }),
      await otherProcess({ times: { pollMs: 60_000 } }),
    ];
    const { handler } = recorder();
    receiver.handle('t.hint', handler);
    await receiver.start();
    await ends(await enqueue(sender, 't.hint'), 'done'); // the first may meet the first claim
    await ends(await enqueue(sender, 't.hint'), 'done');
  });

  it('may be lost: the poll finds the job', async () => {
    const queue = makeQueue({ times: { pollMs: 50 } });
    const deaf = makeQueue();
    const { handler } = recorder();
    queue.handle('t.poll', handler);
    await queue.start();
    await ends(await enqueue(deaf, 't.poll'), 'done');
  });
});

describe('the dispatcher', () => {
  it('goes on without hints and polls while there is more', async () => {
    const queue = makeQueue({ times: { pollMs: 600_000 } });
    queue.handle('t.more', () => Promise.resolve(done), { concurrency: 2 });
    const ids = await db.transaction((tx) =>
      queue.enqueueMany(
        tx,
        Array.from({ length: 25 }, () => ({ kind: 't.more', payload: 0 })),
      ),
    );
    await queue.start();
    for (const id of ids) await ends(id, 'done');
  });

  it('passes by a job that somebody has locked', async () => {
    const queue = makeQueue({ times: { pollMs: 600_000 } });
    queue.handle('t.locked', () => Promise.resolve(done));
    const [first, second] = [await enqueue(queue, 't.locked', { priority: 9 }), await enqueue(queue, 't.locked')];
    await db.transaction(async (tx) => {
      await tx.query(sql`select from jobs where id = ${first} for update`);
      await queue.start();
      await ends(second, 'done');
      expect(await stateOf(first)).toBe('ready');
    });
  });

  it('lets no kind starve beside one that could fill every claim', async () => {
    const queue = makeQueue({ times: { pollMs: 600_000 } });
    queue.handle('t.greedy', () => Promise.resolve(done), { concurrency: queueLimits.claimBatchMax });
    queue.handle('t.modest', () => Promise.resolve(done));
    await db.transaction((tx) =>
      queue.enqueueMany(
        tx,
        Array.from({ length: 4 * queueLimits.claimBatchMax }, () => ({ kind: 't.greedy', payload: 0 })),
      ),
    );
    const modest = await enqueue(queue, 't.modest');
    await queue.start();
    await ends(modest, 'done');
  });
});

describe('limits', () => {
  it('refuses more jobs of a kind than its backlog', async () => {
    const queue = makeQueue({ times: { sampleMs: 20 }, backlogMax: 3 });
    await queue.start();
    for (let i = 0; i < 3; i++) await enqueue(queue, 't.full');
    const full = { code: 'exhausted', reason: 'jobs_backlog', retryAfterMs: 20 };
    let refusal: unknown;
    await until(async () => {
      await enqueue(queue, 't.full').catch((error: unknown) => (refusal = error));
      return refusal !== undefined;
    });
    expect(refusal).toMatchObject(full);
    await enqueue(queue, 't.other');
    await db.query(sql`delete from jobs`);
    await until(async () => typeof (await enqueue(queue, 't.full').catch(() => undefined)) === 'string');
  });

  it.each([
    ['is from 1 to', { concurrency: 0 }],
    ['is from 1 to', { concurrency: queueLimits.concurrencyMax + 1 }],
    ['at least', { leaseMs: 10 }],
  ])('refuses a handler: %s %j', (why, options) => {
    expect(() => makeQueue().handle('t.x', () => Promise.resolve(done), options)).toThrow(why);
  });

  it('refuses two handlers of a kind, and one after start', async () => {
    const queue = makeQueue();
    queue.handle('t.x', () => Promise.resolve(done));
    expect(() => queue.handle('t.x', () => Promise.resolve(done))).toThrow('two handlers');
    await queue.start();
    expect(() => queue.handle('t.y', () => Promise.resolve(done))).toThrow('after start');
  });
});

describe('plans', () => {
  // What the planner believes is the subject here: the vacuum that comes by itself must not change it between the lines.
  beforeAll(async () => {
    await db.query(sql`alter table jobs set (autovacuum_enabled = off)`);
    await db.query(sql`alter table job_payloads set (autovacuum_enabled = off)`);
    await db.query(sql`truncate jobs, job_payloads`);
    await db.query(sql`delete from pg_statistic where starelid in ('jobs'::regclass, 'job_payloads'::regclass)`);
  });

  /** What Postgres would do for the statement that `run` sends. */
  async function plan(run: (spy: Db) => Promise<unknown>): Promise<string> {
    let sent: Statement | undefined;
    await run({ query: (statement: Statement) => ((sent = statement), Promise.resolve([])) } as unknown as Db);
    const rows = await db.query<{ 'QUERY PLAN': string }>({
      text: `explain ${sent?.text}`,
      values: sent?.values ?? [],
    });
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  }
  const held = Array.from({ length: 50 }, (_, i) => ({ id: `job_${i}`, term: 1 }));
  const plans = (): Promise<string[]> =>
    Promise.all([
      plan((spy) =>
        queries.claimJobs(
          spy,
          [
            { kind: 't.a', count: 500, leaseMs: 1000 },
            { kind: 't.b', count: 5, leaseMs: 1000 },
          ],
          'x',
        ),
      ),
      plan((spy) => queries.renewLeases(spy, held)),
      plan((spy) =>
        queries.finishJobs(
          spy,
          held.map((h) => ({ ...h, outcome: 'done' as const, reason: null })),
          'running',
        ),
      ),
      plan((spy) =>
        queries.returnJobs(
          spy,
          held.map((h) => ({ ...h, untilMs: null, delayMs: 5, error: null, free: false })),
        ),
      ),
    ]);

  const fill = async (): Promise<void> => {
    await db.query(sql`
      insert into jobs (id, kind, state, attempts_max, run_at)
      select 'job_' || g, 't.a', 'ready', 1, now() from generate_series(1, 20000) g`);
    await db.query(sql`insert into job_payloads (job_id, payload) select id, '1' from jobs`);
  };

  it.each(['nothing', 'it full', 'it empty'])('stay right on a table whose last vacuum saw %s', async (seen) => {
    await fill();
    if (seen === 'it empty') {
      await db.query(sql`delete from jobs`);
      await db.query(sql`delete from job_payloads`);
    }
    if (seen !== 'nothing') {
      await db.query(sql`vacuum analyze jobs`);
      await db.query(sql`vacuum analyze job_payloads`);
    }
    if (seen === 'it empty') await fill();
    const [claim = '', renew = '', finish = '', back = ''] = await plans();
    expect(claim).toContain('Index Scan using jobs_ready');
    expect(claim).toContain('Tid Scan');
    for (const text of [renew, finish, back]) expect(text).toMatch(/Index Scan (using|on) jobs_pkey/);
    for (const text of [claim, renew, finish, back]) {
      expect(text).not.toMatch(/Seq Scan on jobs|jobs_running/);
      expect(text, 'a batch is joined with a table').not.toContain('Join Filter');
      expect(text).not.toContain('Hash Join');
    }
  });
});
