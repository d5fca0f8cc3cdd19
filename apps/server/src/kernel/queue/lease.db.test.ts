import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createDb, sql } from '#kernel/db';
import { openGate } from '#test/gate';
import { queueHarness, recorder, untilAborted } from '#test/queue-harness';
import { until } from '#test/until';
import { done, type Job, type JobAborted } from './index.ts';

const harness = await queueHarness();
const { db, database, makeQueue, otherProcess, enqueue, stateOf, ends, later, log } = harness;
const reasonOf = (job: Job | undefined): string | undefined => (job?.signal.reason as JobAborted | undefined)?.reason;
const logged = (text: string): boolean => log.some((line) => line.text?.includes(text));
const endLease = (id: string): Promise<unknown> =>
  db.query(sql`update jobs set lease_ends_at = now() - interval '1 ms' where id = ${id}`);

describe('a lease', () => {
  it('of a killed process ends, and another runs the job under the next term', { timeout: 20_000 }, async () => {
    const child = spawn(
      process.execPath,
      [path.join(import.meta.dirname, '../../../test/support/queue-child.ts'), database.url, 't.kill'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const queue = makeQueue({ random: () => 0 });
    const id = await enqueue(queue, 't.kill');
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    expect(String(line)).toBe(`${id} 1\n`);
    child.kill('SIGKILL');
    const { jobs, handler } = recorder();
    queue.handle('t.kill', handler);
    await queue.start();
    await ends(id, 'done');
    expect(jobs.map(({ term, attempt }) => [term, attempt])).toEqual([[2, 2]]);
    expect(logged('taken from a holder whose lease ended')).toBe(true);
  });

  it('is renewed while the handler works, however long', async () => {
    const queue = makeQueue();
    const gate = Promise.withResolvers<void>();
    const { jobs, handler } = recorder(() => gate.promise.then(() => done));
    queue.handle('t.long', handler, { leaseMs: 1000 });
    await queue.start();
    const id = await enqueue(queue, 't.long');
    const lease = async (): Promise<number> =>
      (
        await db.query<{ at: Date }>(sql`select lease_ends_at as at from jobs where id = ${id} and state = 'running'`)
      )[0]?.at.getTime() ?? 0;
    await until(async () => (await lease()) > 0);
    const first = await lease();
    await until(async () => (await lease()) > first + 1500);
    gate.resolve();
    await ends(id, 'done');
    expect(jobs).toHaveLength(1);
  });

  it('that was taken aborts the handler, whose outcome then changes nothing', async () => {
    const queue = makeQueue();
    const { jobs, handler } = recorder(async (job) => {
      if (job.term === 1) await untilAborted(job).catch(() => undefined);
      return done;
    });
    queue.handle('t.taken', handler, { leaseMs: 1000 });
    await queue.start();
    const id = await enqueue(queue, 't.taken');
    await until(() => jobs.length === 1);
    await db.query(sql`update jobs set term = 7, holder = 'somebody' where id = ${id}`);
    await until(() => reasonOf(jobs[0]) === 'lease_lost');
    await until(() => logged('came too late'));
    expect(await db.query(sql`select state, term, holder from jobs where id = ${id}`)).toEqual([
      { state: 'running', term: 7, holder: 'somebody' },
    ]);
  });

  it('without attempts left fails the job, and with a cancel pending cancels it', async () => {
    const queue = makeQueue();
    const { jobs, handler } = recorder(untilAborted);
    const dead = await otherProcess();
    dead.handle('t.last', handler);
    await dead.start();
    const ids = [await enqueue(queue, 't.last', { attemptsMax: 1, payload: 5 }), await enqueue(queue, 't.last')];
    await until(() => jobs.length === 2);
    await db.query(sql`update jobs set cancel_reason = 'wanted' where id = ${ids[1]}`);
    for (const id of ids) await endLease(id);
    await queue.start();
    await ends(ids[0]!, 'failed');
    await ends(ids[1]!, 'cancelled');
    expect(await queue.finished({ kind: 't.last', outcome: 'failed' })).toMatchObject([{ reason: 'lease_lost' }]);
    expect(await queue.finished({ kind: 't.last', outcome: 'cancelled' })).toMatchObject([{ reason: 'wanted' }]);
  });

  it('is not ended by a sweep that was blind: it is raised, and ended by the next', async () => {
    const queue = makeQueue({ times: { blindMs: 5_000, rescueMs: 30 } });
    await db.query(sql`
      insert into jobs (id, kind, state, attempt, attempts_max, term, run_at, lease_ms, lease_ends_at, holder)
      values ('job_a', 't.blind', 'running', 1, 3, 1, now(), 700, now() - interval '1 hour', 'x')`);
    await db.query(sql`update job_sweeps set last_at = now() - interval '6 seconds'`);
    await queue.start();
    await until(() => logged('nobody looked for a while'));
    expect(await stateOf('job_a')).toBe('running');
    const [row] = await db.query<{ ms: number }>(sql`
      select (extract(epoch from lease_ends_at - now()) * 1000)::float8 as ms from jobs`);
    expect(row?.ms).toBeGreaterThan(100);
    expect(row?.ms).toBeLessThanOrEqual(700);
    await ends('job_a', 'waiting');
  });

  it('that the holder cannot renew is given up before it ends', { timeout: 20_000 }, async () => {
    const gate = later(await openGate(database.options));
    const cut = later(createDb({ ...database.options, ...gate.connection }));
    const queue = makeQueue({ db: cut, holder: 'cut-off' });
    const { jobs, handler } = recorder(untilAborted);
    queue.handle('t.cut', handler, { leaseMs: 2000 });
    await queue.start();
    const id = await enqueue(queue, 't.cut');
    await until(() => jobs.length === 1);
    gate.stall(); // nothing answers and nothing is refused: the worst way to lose a database
    await until(() => jobs[0]!.signal.aborted);
    const [row] = await db.query<{ left: number }>(sql`
      select (extract(epoch from lease_ends_at - now()) * 1000)::float8 as left from jobs where id = ${id}`);
    expect(row?.left, 'ms left of the lease when the handler was told').toBeGreaterThan(0);
    expect(reasonOf(jobs[0])).toBe('lease_lost');
    gate.open();
  });

  it('survives a database that is away for a moment, and the outcome is written when it is back', async () => {
    const gate = later(await openGate(database.options));
    const cut = later(createDb({ ...database.options, ...gate.connection }));
    const queue = makeQueue({ db: cut, holder: 'cut-off', times: { errorMs: 20, errorMsMax: 50 } });
    const finish = Promise.withResolvers<void>();
    const { jobs, handler } = recorder(() => finish.promise.then(() => done));
    queue.handle('t.away', handler);
    await queue.start();
    const id = await enqueue(queue, 't.away');
    await until(() => jobs.length === 1);
    gate.shut();
    finish.resolve();
    await until(() => logged('could not do its work'));
    gate.open();
    await ends(id, 'done');
    expect(jobs).toHaveLength(1);
  });
});

describe('time', () => {
  it('over aborts the handler; done still counts, anything else is a retry that says so', async () => {
    const queue = makeQueue();
    const { jobs, handler } = recorder(async (job) => {
      await untilAborted(job).catch(() => undefined);
      if (job.payload === 'done') return done;
      throw job.signal.reason as Error;
    });
    queue.handle('t.time', handler, { timeoutMs: 50 });
    await queue.start();
    const [good, bad] = [await enqueue(queue, 't.time', { payload: 'done' }), await enqueue(queue, 't.time')];
    await ends(good, 'done');
    await ends(bad, 'waiting');
    expect(jobs.map(reasonOf)).toEqual(['timed_out', 'timed_out']);
    const [row] = await db.query<{ error: string }>(sql`select last_error as error from jobs where id = ${bad}`);
    expect(row?.error).toContain('timed_out');
  });
});

describe('stop', () => {
  it('lets handlers finish and writes what they decided', async () => {
    const queue = makeQueue({ times: { drainMs: 10_000 } });
    const gate = Promise.withResolvers<void>();
    const { jobs, handler } = recorder(() => gate.promise.then(() => done));
    queue.handle('t.drain', handler, { concurrency: 2 });
    await queue.start();
    const ids = await Promise.all([1, 2, 3].map(() => enqueue(queue, 't.drain')));
    await until(() => jobs.length === 2);
    const stopped = queue[Symbol.asyncDispose]();
    gate.resolve();
    await stopped;
    expect((await Promise.all(ids.map(stateOf))).sort()).toEqual(['done', 'done', 'ready']);
    expect(jobs.every((job) => !job.signal.aborted)).toBe(true);
  });

  it('gives back at once, uncounted, what ends when told to', async () => {
    const queue = makeQueue({ times: { drainMs: 20, abortGraceMs: 5_000 } });
    const { jobs, handler } = recorder(untilAborted);
    queue.handle('t.back', handler);
    await queue.start();
    const id = await enqueue(queue, 't.back', { attemptsMax: 1 });
    await until(() => jobs.length === 1);
    await queue[Symbol.asyncDispose]();
    expect(reasonOf(jobs[0])).toBe('stopping');
    expect(await db.query(sql`select state, attempt, term from jobs where id = ${id}`)).toEqual([
      { state: 'ready', attempt: 0, term: 1 },
    ]);
  });

  it('names what does not end, and leaves its lease alone', async () => {
    const queue = makeQueue({ times: { drainMs: 20, abortGraceMs: 20 } });
    const { jobs, handler } = recorder(() => new Promise(() => undefined));
    queue.handle('t.stuck', handler);
    await queue.start();
    const id = await enqueue(queue, 't.stuck');
    await until(() => jobs.length === 1);
    await queue[Symbol.asyncDispose]();
    await queue[Symbol.asyncDispose]();
    const line = log.find(({ text }) => text?.startsWith('the queue stopped while'));
    expect(line?.fields['jobs']).toMatchObject([{ id, kind: 't.stuck' }]);
    expect(await stateOf(id)).toBe('running');
  });

  it('without a start, and twice, is fine', async () => {
    const queue = makeQueue();
    queue.handle('t.x', () => Promise.resolve(done));
    await queue[Symbol.asyncDispose]();
    await queue.start();
    await queue[Symbol.asyncDispose]();
  });

  it('of one process leaves the rest of the work to another', async () => {
    const [first, second] = [await otherProcess(), await otherProcess({ holder: 'node-c' })];
    const one = recorder();
    const two = recorder();
    first.handle('t.both', one.handler, { concurrency: 1 });
    second.handle('t.both', two.handler, { concurrency: 1 });
    await first.start();
    const ids = await db.transaction((tx) =>
      first.enqueueMany(
        tx,
        Array.from({ length: 50 }, () => ({ kind: 't.both', payload: 0 })),
      ),
    );
    await until(() => one.jobs.length > 5);
    await second.start();
    await first[Symbol.asyncDispose]();
    for (const id of ids) await ends(id, 'done');
    expect([...one.jobs, ...two.jobs].map((job) => job.id).sort()).toEqual(ids.toSorted());
  });
});
