import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { buildsRoom, operator } from '#test/builds-room';
import { type Seed, seedBuilds, seedWorker, workerRow } from '#test/builds-seed';
import { testDatabase } from '#test/database';
import { abandonBuild } from './abandon-build.ts';
import { cancelBuild } from './cancel-build.ts';
import { confirmStop } from './confirm-stop.ts';
import { evictBuild } from './evict-build.ts';
import { extendLeases } from './extend-lease.ts';
import { failBuild } from './fail-build.ts';
import type { Attempt, Holder } from './holder.ts';
import { readBuildRow } from './queries/build-row.ts';
import { rescueBuilds } from './rescue-builds.ts';
import { startBuild } from './start-build.ts';
import { storeResult } from './store-result.ts';
import { unregisterWorker } from './unregister-worker.ts';

const database = await testDatabase();
const rooms = await buildsRoom(database.db);
const { room } = rooms;
afterAll(async () => {
  await rooms[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
beforeEach(() => database.wipe());

async function claimed(seed: Seed = {}): Promise<{ holder: Holder; attempt: Attempt }> {
  const holder = await seedWorker(room);
  await seedBuilds(room, 1, seed);
  return { holder, attempt: await claimNext(holder) };
}

async function claimNext(holder: Holder): Promise<Attempt> {
  const worker = await workerRow(room, holder);
  const { job } = await room.live.dispatch.park(worker, { held: worker.held, free: 1, waitMs: 0 });
  if (!job) throw new Error('nothing to claim');
  return { buildId: job.build.id, term: job.build.term };
}

const row = async ({ buildId }: { buildId: string }) => (await readBuildRow(room.db, buildId))!;
const attempts = ({ buildId }: Attempt) =>
  room.db.query<{
    term: number;
    state: string;
    outcome: string | null;
    counts: boolean;
    workerMs: number;
    failure: { code: string } | null;
  }>(
    sql`select term, state, outcome, counts, worker_ms as "workerMs", failure from build_attempts where build_id = ${buildId} order by term`,
  );
const later = (seconds: number) =>
  room.db.query(sql`update builds set lease_until = lease_until - make_interval(secs => ${seconds}), run_until = run_until - make_interval(secs => ${seconds}),
    grace_until = grace_until - make_interval(secs => ${seconds}), eligible_at = eligible_at - make_interval(secs => ${seconds}), avoid_until = avoid_until - make_interval(secs => ${seconds}),
    queue_deadline_at = queue_deadline_at - make_interval(secs => ${seconds})`);
const sweptJustNow = () =>
  room.db.query(
    sql`insert into build_sweeps (name, ran_at) values ('rescue', now()) on conflict (name) do update set ran_at = now()`,
  );

describe('an attempt', () => {
  test('claim, start, result', async () => {
    const { holder, attempt } = await claimed();
    expect(attempt.term).toBe(1);
    expect(await row(attempt)).toMatchObject({
      state: 'assigned',
      term: 1,
      workerId: holder.workerId,
      workerSeat: 0,
      attemptsUsed: 1,
    });
    expect(await startBuild(room, holder, attempt)).toMatchObject({ state: 'running' });
    expect((await row(attempt)).startedAt).toBeInstanceOf(Date);
    expect(await storeResult(room, holder, { ...attempt, artifacts: [] })).toEqual({
      state: 'succeeded',
      repeated: false,
    });
    expect(await row(attempt)).toMatchObject({
      state: 'succeeded',
      workerSeat: null,
      leaseUntil: null,
      progress: 100,
      workerId: holder.workerId,
    });
    expect(await attempts(attempt)).toMatchObject([{ term: 1, state: 'ended', outcome: 'succeeded', counts: true }]);
    expect(await workerRow(room, holder)).toMatchObject({ succeeded: 1, held: [] });
    const usage = await room.db.query(sql`select meter, quantity from usage_entries where source = ${attempt.buildId}`);
    expect(usage).toHaveLength(1);
    const told = await room.db.query<{ type: string; text: string | null }>(
      sql`select event->>'type' as type, line->>'text' as text from build_outbox where build_id = ${attempt.buildId} order by id`,
    );
    expect(told).toEqual([
      { type: 'assigned', text: 'Assigned to worker mac-1' },
      { type: 'started', text: null },
      { type: 'succeeded', text: 'Build completed successfully' },
    ]);
  });

  test('row 36: the same result twice answers as the first time', async () => {
    const { holder, attempt } = await claimed();
    await storeResult(room, holder, { ...attempt, artifacts: [] });
    expect(await storeResult(room, holder, { ...attempt, artifacts: [] })).toEqual({
      state: 'succeeded',
      repeated: true,
    });
    expect(await workerRow(room, holder)).toMatchObject({ succeeded: 1 });
  });

  test('row 37: another result is refused, the first one stays', async () => {
    const { holder, attempt } = await claimed();
    await addArtifact(attempt, 'a.tgz', 'a');
    await storeResult(room, holder, { ...attempt, artifacts: [] });
    await addArtifact(attempt, 'b.tgz', 'b');
    await expect(storeResult(room, holder, { ...attempt, artifacts: [] })).rejects.toMatchObject({
      code: 'conflict',
      reason: 'result_differs',
    });
  });

  test('row 38: a result after a cancel is refused, the build is cancelled', async () => {
    const { holder, attempt } = await claimed();
    await startBuild(room, holder, attempt);
    await addArtifact(attempt, 'a.tgz', 'a');
    expect(await cancelBuild(room, operator, attempt.buildId, {})).toEqual({ state: 'cancelling' });
    await expect(storeResult(room, holder, { ...attempt, artifacts: [] })).rejects.toMatchObject({
      code: 'conflict',
      reason: 'build_cancelled',
    });
    expect(await row(attempt)).toMatchObject({ state: 'cancelled' });
    await expect(storeResult(room, holder, { ...attempt, artifacts: [] })).rejects.toMatchObject({
      reason: 'build_cancelled',
    });
    expect(await room.db.query(sql`select is_primary as "isPrimary" from build_artifacts`)).toEqual([
      { isPrimary: false },
    ]);
  });

  test('row 39: fail after success, success after fail', async () => {
    const one = await claimed();
    await storeResult(room, one.holder, { ...one.attempt, artifacts: [] });
    const failure = { code: 'command_failed', detail: 'exit 1' } as const;
    await expect(failBuild(room, one.holder, { ...one.attempt, failure })).rejects.toMatchObject({
      reason: 'finished',
    });
    const two = await claimed();
    expect(await failBuild(room, two.holder, { ...two.attempt, failure })).toMatchObject({
      state: 'failed',
      repeated: false,
    });
    expect(await failBuild(room, two.holder, { ...two.attempt, failure })).toMatchObject({
      state: 'failed',
      repeated: true,
    });
    await expect(storeResult(room, two.holder, { ...two.attempt, artifacts: [] })).rejects.toMatchObject({
      reason: 'finished',
    });
  });

  test('row 40: success without the expected artifact leaves it running', async () => {
    const { holder, attempt } = await claimed({ expects: 'artifact' });
    await startBuild(room, holder, attempt);
    await expect(storeResult(room, holder, { ...attempt, artifacts: [] })).rejects.toMatchObject({
      code: 'invalid',
      reason: 'artifact_missing',
    });
    expect(await row(attempt)).toMatchObject({ state: 'running' });
    const id = await addArtifact(attempt, 'app.tgz', 'x');
    await expect(storeResult(room, holder, { ...attempt, artifacts: ['art_nothing'] })).rejects.toMatchObject({
      reason: 'no_such_artifact',
    });
    expect(await storeResult(room, holder, { ...attempt, artifacts: [id] })).toMatchObject({ state: 'succeeded' });
    expect(await room.db.query(sql`select is_primary as "isPrimary" from build_artifacts`)).toEqual([
      { isPrimary: true },
    ]);
  });
});

describe('a lease', () => {
  test('rows 41, 42: it ends, the build is queued again, then failed when attempts are used up', async () => {
    const { holder, attempt } = await claimed({ attemptsMax: 2 });
    await startBuild(room, holder, attempt);
    await sweptJustNow();
    expect(await rescueBuilds(room)).toEqual({ blind: false, done: 0 });
    await later(31);
    await rescueBuilds(room);
    const first = await row(attempt);
    expect(first).toMatchObject({
      state: 'queued',
      term: 1,
      workerId: null,
      attemptsUsed: 1,
      avoidWorkerId: holder.workerId,
      waitCause: 'backoff',
      startedAt: null,
    });
    const waits = first.eligibleAt.getTime() - Date.now();
    expect(waits).toBeGreaterThan(3_500);
    expect(waits).toBeLessThan(6_100);
    await expect(claimNext(holder)).rejects.toThrow('nothing to claim');
    await later(10);
    await expect(claimNext(holder)).rejects.toThrow('nothing to claim');
    await later(60);
    const second = await claimNext(holder);
    expect(second.term).toBe(2);
    await startBuild(room, holder, second);
    await later(31);
    await sweptJustNow();
    await rescueBuilds(room);
    expect(await row(attempt)).toMatchObject({ state: 'failed', failure: { code: 'lease_lost', attribution: 'host' } });
    expect(await attempts(attempt)).toMatchObject([
      { term: 1, outcome: 'lost', failure: { code: 'lease_lost' } },
      { term: 2, outcome: 'lost', failure: { code: 'lease_lost' } },
    ]);
    const lines = await room.db.query<{ text: string }>(
      sql`select line->>'text' as text from build_outbox where line is not null order by id`,
    );
    expect(lines.map((line) => line.text)).toContain('Worker mac-1 lost the build; queued again (attempt 2 of 2)');
    expect(await workerRow(room, holder)).toMatchObject({ lost: 2 });
  });

  test('row 60: a job nobody heard of does not count as an attempt', async () => {
    const { attempt } = await claimed({ attemptsMax: 1 });
    await later(31);
    await sweptJustNow();
    await rescueBuilds(room);
    expect(await row(attempt)).toMatchObject({ state: 'queued', attemptsUsed: 0 });
    expect(await attempts(attempt)).toMatchObject([{ counts: false }]);
  });

  test('rows 35, 43: an old term changes nothing', async () => {
    const { holder, attempt } = await claimed();
    await abandonBuild(room, holder, { ...attempt, reason: 'disk' });
    const other = await seedWorker(room, { name: 'mac-2' });
    const next = await claimNext(other);
    await startBuild(room, other, next);
    const before = await row(next);
    const stale = { code: 'conflict', reason: 'stale_term', extra: { term: 2, state: 'running' } };
    await expect(startBuild(room, holder, attempt)).rejects.toMatchObject(stale);
    await expect(storeResult(room, holder, { ...attempt, artifacts: [] })).rejects.toMatchObject(stale);
    await expect(
      failBuild(room, holder, { ...attempt, failure: { code: 'command_failed', detail: '' } }),
    ).rejects.toMatchObject(stale);
    await expect(abandonBuild(room, holder, { ...attempt, reason: '' })).rejects.toMatchObject(stale);
    await expect(confirmStop(room, holder, attempt)).rejects.toMatchObject(stale);
    expect(await extendLeases(room, holder, [attempt])).toEqual([{ ...attempt, lost: 'stale_term' }]);
    // The present term in another worker's mouth is no better.
    await expect(storeResult(room, holder, { ...next, artifacts: [] })).rejects.toMatchObject(stale);
    const stranger = await seedWorker(room, { name: 'mac-3' });
    await expect(storeResult(room, stranger, { ...next, artifacts: [] })).rejects.toMatchObject({
      code: 'forbidden',
      reason: 'not_holder',
    });
    await expect(
      storeResult(room, { ...other, projectId: 'prj_other' }, { ...next, artifacts: [] }),
    ).rejects.toMatchObject({ code: 'notFound' });
    expect(await row(next)).toEqual(before);
  });

  test('heartbeats extend what is held and say what is lost', async () => {
    const { holder, attempt } = await claimed();
    const gone = { buildId: 'bld_00000000000000000000000000', term: 1 };
    await later(20);
    const answers = await extendLeases(room, holder, [{ ...attempt, progress: 40.4, phase: 'compile' }, gone]);
    expect(answers).toMatchObject([
      { ...attempt, stopping: false },
      { ...gone, lost: 'no_such_build' },
    ]);
    const now = await row(attempt);
    expect(now).toMatchObject({ state: 'assigned', phase: 'compile' });
    expect(now.leaseUntil!.getTime() - Date.now()).toBeGreaterThan(28_000);
    const lines = await room.db.query<{ text: string }>(
      sql`select line->>'text' as text from build_outbox where line is not null order by id`,
    );
    expect(lines.at(-1)).toEqual({ text: 'Build progress: 40%' });
    await storeResult(room, holder, { ...attempt, artifacts: [] });
    expect(await extendLeases(room, holder, [attempt])).toEqual([{ ...attempt, lost: 'finished' }]);
  });

  test('the same worker under its old term: its lease is not that one', async () => {
    const { holder, attempt } = await claimed();
    await abandonBuild(room, holder, { ...attempt, reason: '' });
    await later(61);
    const again = await claimNext(holder);
    expect(again.term).toBe(2);
    await later(20);
    const before = (await row(again)).leaseUntil;
    expect(await extendLeases(room, holder, [attempt])).toEqual([{ ...attempt, lost: 'stale_term' }]);
    expect((await row(again)).leaseUntil).toEqual(before);
  });

  test('row 44, blindness: after a gap every lease is raised and nothing is rescued', async () => {
    const { holder, attempt } = await claimed();
    await startBuild(room, holder, attempt);
    await later(60);
    await room.db.query(sql`insert into build_sweeps (name, ran_at) values ('rescue', now() - interval '20 s')`);
    await room.db.query(sql`update workers set last_seen_at = now() - interval '10 min'`);
    expect(await rescueBuilds(room)).toMatchObject({ blind: true });
    const raised = await row(attempt);
    expect(raised.state).toBe('running');
    expect(raised.leaseUntil!.getTime()).toBeGreaterThan(Date.now() + 25_000);
    expect(await rescueBuilds(room)).toEqual({ blind: false, done: 0 });
    expect(await workerRow(room, holder)).toMatchObject({ state: 'online' });
  });

  test('two sweeps at once do not double anything', async () => {
    const holder = await seedWorker(room, { seats: 20 });
    await seedBuilds(room, 20);
    for (let i = 0; i < 20; i++) await startBuild(room, holder, await claimNext(holder));
    await later(31);
    await sweptJustNow();
    await Promise.all([rescueBuilds(room), rescueBuilds(room), rescueBuilds(room)]);
    expect(await room.db.query(sql`select count(*)::int as n from build_attempts where state = 'ended'`)).toEqual([
      { n: 20 },
    ]);
    expect(
      await room.db.query(sql`select count(*)::int as n from build_outbox where event->>'type' = 'requeued'`),
    ).toEqual([{ n: 20 }]);
  });
});

describe('a failure', () => {
  test('of the host is retried with backoff, of the user it is not', async () => {
    const { holder, attempt } = await claimed();
    expect(
      await failBuild(room, holder, { ...attempt, failure: { code: 'worker_disk_full', detail: 'no space' } }),
    ).toMatchObject({ state: 'queued' });
    expect(await row(attempt)).toMatchObject({ waitCause: 'backoff', avoidWorkerId: holder.workerId });
    await later(61);
    const again = await claimNext(holder);
    expect(
      await failBuild(room, holder, { ...again, failure: { code: 'command_failed', detail: 'exit 2', exitCode: 2 } }),
    ).toMatchObject({ state: 'failed' });
    expect((await row(attempt)).failure).toMatchObject({ code: 'command_failed', attribution: 'user', exitCode: 2 });
  });

  test('is not retried when the build does not want it', async () => {
    const { holder, attempt } = await claimed({ retryOn: [] });
    expect(
      await failBuild(room, holder, { ...attempt, failure: { code: 'worker_error', detail: 'bug' } }),
    ).toMatchObject({ state: 'failed' });
  });

  test('of the user is retried when the build wants that', async () => {
    const { holder, attempt } = await claimed({ retryOn: ['user'] });
    expect(
      await failBuild(room, holder, { ...attempt, failure: { code: 'command_failed', detail: 'flaky' } }),
    ).toMatchObject({ state: 'queued' });
  });
});

describe('a stop', () => {
  test('in every state', async () => {
    const holder = await seedWorker(room, { seats: 3 });
    const [queued] = await seedBuilds(room, 1, { platform: 'ios' });
    expect(await cancelBuild(room, operator, queued!, { reason: 'wrong branch' })).toEqual({ state: 'cancelled' });
    expect(await cancelBuild(room, operator, queued!, {})).toEqual({ state: 'cancelled' });
    await seedBuilds(room, 3);
    const assigned = await claimNext(holder);
    const running = await claimNext(holder);
    const done = await claimNext(holder);
    await startBuild(room, holder, running);
    await storeResult(room, holder, { ...done, artifacts: [] });
    await expect(confirmStop(room, holder, running)).rejects.toMatchObject({ reason: 'not_cancelling' });
    for (const attempt of [assigned, running]) {
      expect(await cancelBuild(room, operator, attempt.buildId, {})).toEqual({ state: 'cancelling' });
      expect(await cancelBuild(room, operator, attempt.buildId, {})).toEqual({ state: 'cancelling' });
      expect(await startBuild(room, holder, attempt)).toMatchObject({ state: 'cancelling', stopReason: 'user' });
      expect(await extendLeases(room, holder, [attempt])).toMatchObject([{ stopping: true }]);
      expect(await confirmStop(room, holder, attempt)).toEqual({ state: 'cancelled' });
      expect(await confirmStop(room, holder, attempt)).toEqual({ state: 'cancelled' });
      expect(await row(attempt)).toMatchObject({ state: 'cancelled', stopReason: 'user' });
    }
    await expect(cancelBuild(room, operator, done.buildId, {})).rejects.toMatchObject({
      code: 'conflict',
      reason: 'finished',
    });
  });

  test('nobody confirms: over when its grace is', async () => {
    const { holder, attempt } = await claimed();
    await cancelBuild(room, operator, attempt.buildId, {});
    const grace = (await row(attempt)).graceUntil!.getTime() - Date.now();
    expect(grace).toBeGreaterThan(58_000);
    await extendLeases(room, holder, [attempt]);
    await sweptJustNow();
    await rescueBuilds(room);
    expect((await row(attempt)).state).toBe('cancelling');
    await room.db.query(sql`update builds set grace_until = now() - interval '1 ms'`);
    await rescueBuilds(room);
    expect(await row(attempt)).toMatchObject({ state: 'cancelled' });
    expect(await attempts(attempt)).toMatchObject([{ outcome: 'cancelled' }]);
  });

  test('by the time limit it ends as failed timed_out', async () => {
    const { holder, attempt } = await claimed({ maxRunMs: 5_000 });
    await startBuild(room, holder, attempt);
    await room.db.query(sql`update builds set run_until = now() - interval '1 s'`);
    await sweptJustNow();
    await rescueBuilds(room);
    expect(await row(attempt)).toMatchObject({ state: 'cancelling', stopReason: 'timed_out' });
    expect(await confirmStop(room, holder, attempt)).toEqual({ state: 'failed' });
    expect(await confirmStop(room, holder, attempt)).toEqual({ state: 'failed' });
    expect(await row(attempt)).toMatchObject({ failure: { code: 'timed_out', attribution: 'user' } });
  });

  test('the queue deadline fails what waited too long', async () => {
    const [id] = await seedBuilds(room, 1, { queueDeadlineMs: 5_000 });
    await rescueBuilds(room);
    expect((await row({ buildId: id! })).state).toBe('queued');
    await later(6);
    await rescueBuilds(room);
    expect(await row({ buildId: id! })).toMatchObject({ state: 'failed', failure: { code: 'queue_expired' } });
  });
});

describe('a worker', () => {
  test('that unregisters gives everything back at once', async () => {
    const { holder, attempt } = await claimed();
    await startBuild(room, holder, attempt);
    expect(await unregisterWorker(room, holder)).toEqual({ released: 1 });
    expect(await row(attempt)).toMatchObject({
      state: 'queued',
      waitCause: null,
      avoidWorkerId: null,
      attemptsUsed: 1,
    });
    expect(await workerRow(room, holder)).toMatchObject({ state: 'offline' });
  });

  test('is evicted from a build, which does not come back to it', async () => {
    const { holder, attempt } = await claimed();
    await startBuild(room, holder, attempt);
    expect(await evictBuild(room, operator, holder.workerId, attempt.buildId)).toEqual({ state: 'queued' });
    await expect(evictBuild(room, operator, holder.workerId, attempt.buildId)).rejects.toMatchObject({
      reason: 'not_held',
    });
    await expect(claimNext(holder)).rejects.toThrow('nothing to claim');
    const other = await seedWorker(room, { name: 'mac-2' });
    expect(await claimNext(other)).toEqual({ ...attempt, term: 2 });
  });

  test('goes offline by silence', async () => {
    const holder = await seedWorker(room);
    await room.db.query(sql`update workers set last_seen_at = now() - interval '59 s'`);
    await sweptJustNow();
    await rescueBuilds(room);
    expect(await workerRow(room, holder)).toMatchObject({ state: 'online' });
    await room.db.query(sql`update workers set last_seen_at = now() - interval '61 s'`);
    await rescueBuilds(room);
    expect(await workerRow(room, holder)).toMatchObject({ state: 'offline' });
    await room.live.presence.arrived(await workerRow(room, holder));
    expect(await workerRow(room, holder)).toMatchObject({ state: 'online' });
  });
});

async function addArtifact(attempt: Attempt, name: string, sha256: string): Promise<string> {
  const id = `art_${name}${attempt.term}`;
  await room.db.query(sql`insert into build_artifacts (id, build_id, term, name, blob, size_bytes, sha256, content_type)
    values (${id}, ${attempt.buildId}, ${attempt.term}, ${name}, ${`builds/artifact/${id}`}, 1, ${sha256}, 'application/gzip')`);
  return id;
}
