import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { type BuildsRoom, type BuildsRoomOptions, buildsRoom, operator } from '#test/builds-room';
import { seedBuilds, seedWorker, workerRow } from '#test/builds-seed';
import { testDatabase } from '#test/database';
import { until } from '#test/until';
import { cancelBuild } from './cancel-build.ts';
import { changeWorker } from './change-worker.ts';
import type { ParkInput } from './dispatch-actor.ts';
import { drainWorker, resumeWorker } from './drain-worker.ts';
import type { Holder } from './holder.ts';
import { readBuildRow } from './queries/build-row.ts';
import { registerWorker } from './register-worker.ts';
import { removeWorker } from './remove-worker.ts';
import type { Room } from './room.ts';
import { startBuild } from './start-build.ts';
import { storeResult } from './store-result.ts';
import { unregisterWorker } from './unregister-worker.ts';

let statements: string[] = [];
const database = await testDatabase({ onQuery: (label) => void statements.push(label) });
afterAll(() => database[Symbol.asyncDispose]());
const open: BuildsRoom[] = [];
beforeEach(async () => {
  await database.wipe();
  statements = [];
});
afterEach(async () => {
  for (const rooms of open.splice(0)) await rooms[Symbol.asyncDispose]();
});

async function node(options: BuildsRoomOptions = {}): Promise<Room> {
  const rooms = await buildsRoom(database.db, options);
  open.push(rooms);
  return rooms.room;
}

async function park(
  room: Room,
  holder: Holder,
  input: Partial<ParkInput> = {},
): ReturnType<Room['live']['dispatch']['park']> {
  const worker = await workerRow(room, holder);
  await room.live.presence.arrived(worker);
  return await room.live.dispatch.park(worker, { held: [], free: 1, waitMs: 20_000, ...input });
}
const parked = (room: Room, count: number): Promise<void> => until(() => room.live.dispatch.parked === count);
async function submit(room: Room, count = 1, seed: Parameters<typeof seedBuilds>[2] = {}): Promise<string[]> {
  const ids = await seedBuilds(room, count, seed);
  const demands = await room.db.query<{ projectId: string; sig: number }>(
    sql`select distinct project_id as "projectId", sig from builds where id = any(${ids})`,
  );
  for (const demand of demands) room.wake(demand);
  return ids;
}
/** No statement for a while: every look has ended. */
async function quiet(): Promise<void> {
  let before = -1;
  await until(() => before === (before = statements.length), { everyMs: 60 });
}
const state = async (room: Room, id: string) => (await readBuildRow(room.db, id))?.state;

describe('parking', () => {
  test('a parked worker gets the job as soon as it is submitted', async () => {
    const room = await node();
    const holder = await seedWorker(room);
    const answer = park(room, holder);
    await parked(room, 1);
    const [id] = await submit(room);
    const { job } = await answer;
    expect(job?.build).toMatchObject({ id, term: 1, platform: 'linux' });
    expect(job).toMatchObject({
      source: { url: `/v1/builds/${id}/source` },
      lease: { ttlMs: 30_000, heartbeatEveryMs: 10_000 },
      previous: [],
    });
    expect(await room.auth.authenticate(job?.token)).toMatchObject({
      kind: 'attempt',
      buildId: id,
      term: 1,
      workerId: holder.workerId,
    });
    expect(room.live.dispatch.parked).toBe(0);
  });

  test('a wait that ends in vain says to ask again at once', async () => {
    const room = await node();
    const holder = await seedWorker(room);
    expect(await park(room, holder, { waitMs: 100 })).toEqual({ job: null, nextPollMs: 0 });
    expect(await park(room, holder, { waitMs: 0 })).toEqual({ job: null, nextPollMs: 0 });
    expect(room.live.wheel.size).toBe(0);
  });

  test('a wake for 200 workers is one claim, and the longest waiting is first', async () => {
    const room = await node();
    const holders: Holder[] = [];
    const answers: Promise<string | undefined>[] = [];
    for (let n = 0; n < 200; n++) {
      const holder = await seedWorker(room, { name: `w${n}` });
      holders.push(holder);
      answers.push(park(room, holder).then(({ job }) => (job ? holder.workerId : undefined)));
      if (n < 3) await parked(room, n + 1);
    }
    await parked(room, 200);
    await quiet();
    statements = [];
    await submit(room);
    expect(await answers[0]).toBe(holders[0]?.workerId);
    expect(statements.filter((label) => label === 'look_for_builds')).toHaveLength(1);
    expect(statements.filter((label) => label === 'claim_builds')).toHaveLength(1);
    await submit(room, 40);
    await until(() => room.live.dispatch.parked === 159);
    expect(await answers[1]).toBe(holders[1]?.workerId);
    expect(await answers[2]).toBe(holders[2]?.workerId);
  });

  test('workers with labels of their own: one build is not asked for by each of them', async () => {
    const room = await node();
    for (let n = 0; n < 60; n++) void park(room, await seedWorker(room, { name: `w${n}`, labels: { host: `h${n}` } }));
    await parked(room, 60);
    await quiet();
    statements = [];
    await submit(room);
    await parked(room, 59);
    await until(() => statements.length > 0);
    await quiet();
    expect(statements.filter((label) => label === 'look_for_builds')).toHaveLength(1);
    expect(statements.filter((label) => label === 'claim_builds')).toHaveLength(1);
  });

  test('hard match: labels and platform', async () => {
    const room = await node();
    const holder = await seedWorker(room, { platforms: ['macos', 'ios'], labels: { xcode: '26', arch: 'arm64' } });
    await seedBuilds(room, 1, { platform: 'linux' });
    await seedBuilds(room, 1, { platform: 'ios', requires: { xcode: '25' } });
    await seedBuilds(room, 1, { platform: 'ios', requires: { xcode: '26', gpu: 'yes' } });
    expect((await park(room, holder, { waitMs: 0 })).job).toBeNull();
    const [any] = await seedBuilds(room, 1, { platform: 'any', requires: { xcode: '26' } });
    expect((await park(room, holder, { waitMs: 0 })).job?.build.id).toBe(any);
  });

  test('priority first, then the order of the line over all demands', async () => {
    const room = await node();
    const holder = await seedWorker(room, { seats: 6, labels: { a: '1' } });
    const [first] = await seedBuilds(room, 1, { requires: { a: '1' } });
    const [second] = await seedBuilds(room, 1);
    const [third] = await seedBuilds(room, 1, { requires: { a: '1' } });
    const [urgent] = await seedBuilds(room, 1, { priority: 10 });
    const got: (string | undefined)[] = [];
    const held: { buildId: string; term: number }[] = [];
    for (let n = 0; n < 4; n++) {
      const { job } = await park(room, holder, { waitMs: 0, held });
      got.push(job?.build.id);
      if (job) held.push({ buildId: job.build.id, term: job.build.term });
    }
    expect(got).toEqual([urgent, first, second, third]);
  });

  test('row 31: two claims of a one-seat worker at once: one job, the other parks', async () => {
    const room = await node();
    const holder = await seedWorker(room);
    await seedBuilds(room, 5);
    const both = [park(room, holder, { waitMs: 3_000 }), park(room, holder, { waitMs: 3_000 })];
    const { job } = await Promise.race(both);
    await startBuild(room, holder, { buildId: job!.build.id, term: 1 });
    await parked(room, 1);
    await storeResult(room, holder, { buildId: job!.build.id, term: 1, artifacts: [] });
    const ids = (await Promise.all(both)).map((answer) => answer.job?.build.id);
    expect(new Set(ids).size).toBe(2);
  });

  test('row 33: the parked limit', async () => {
    const room = await node({ config: { parkedMax: 1 } });
    const holder = await seedWorker(room);
    void park(room, holder);
    await parked(room, 1);
    const refused = await park(room, holder).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'exhausted', reason: 'too_many_parked' });
    expect((refused as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(900);
  });

  test('row 34: the server drains: parked calls come back, leases stay', async () => {
    const room = await node();
    const [busy, idle] = [await seedWorker(room), await seedWorker(room, { name: 'idle', platforms: ['ios'] })];
    await seedBuilds(room, 1);
    const { job } = await park(room, busy);
    const answer = park(room, idle);
    await parked(room, 1);
    room.live.dispatch.stop();
    const { nextPollMs, ...rest } = await answer;
    expect(rest).toEqual({ job: null });
    expect(nextPollMs).toBeGreaterThan(900);
    expect(nextPollMs).toBeLessThan(5_100);
    expect((await park(room, busy)).job).toBeNull();
    expect(await state(room, job!.build.id)).toBe('assigned');
  });
});

describe('a lost answer', () => {
  test('whoever is gone before the job comes gets nothing; the build goes to the next', async () => {
    const room = await node();
    const [gone, here] = [await seedWorker(room), await seedWorker(room, { name: 'here' })];
    const aborter = new AbortController();
    const lost = park(room, gone, { signal: aborter.signal });
    await parked(room, 1);
    const answer = park(room, here);
    await parked(room, 2);
    const ids = await seedBuilds(room, 1);
    // The claim is under way when the socket goes.
    room.wake(
      (
        await room.db.query<{ projectId: string; sig: number }>(sql`select project_id as "projectId", sig from builds`)
      )[0]!,
    );
    aborter.abort();
    expect(await lost).toMatchObject({ job: null });
    const { job } = await answer;
    expect(job?.build.id).toBe(ids[0]);
    expect((await readBuildRow(room.db, ids[0]!))?.attemptsUsed).toBe(1);
  });

  test('a job that could not be written is in line again at once and does not count', async () => {
    const room = await node();
    const holder = await seedWorker(room);
    const [id] = await seedBuilds(room, 1, { attemptsMax: 1 });
    const { job } = await park(room, holder);
    await room.live.dispatch.lost(job!);
    expect(await readBuildRow(room.db, id!)).toMatchObject({
      state: 'queued',
      attemptsUsed: 0,
      term: 1,
      waitCause: null,
    });
    const again = await park(room, holder);
    expect(again.job?.build).toMatchObject({ id, term: 2 });
    await room.live.dispatch.lost(job!);
    expect(await state(room, id!)).toBe('assigned');
  });

  test('same job after a lost answer: same term, another token', async () => {
    const room = await node();
    const holder = await seedWorker(room);
    const [id] = await seedBuilds(room, 2);
    const first = await park(room, holder);
    const again = await park(room, holder);
    expect(again.job?.build).toMatchObject({ id, term: 1 });
    expect(again.job?.token).not.toBe(first.job?.token);
    expect((await park(room, holder, { waitMs: 0 })).job?.build).toMatchObject({ id, term: 1 });
    // Once it says that it holds it, there is nothing more for its one seat.
    expect((await park(room, holder, { waitMs: 0, held: [{ buildId: id!, term: 1 }] })).job).toBeNull();
  });

  test('running and not held any more: released, and told to stop what it should not have', async () => {
    const room = await node();
    const holder = await seedWorker(room);
    const [id] = await seedBuilds(room, 1);
    await park(room, holder);
    await startBuild(room, holder, { buildId: id!, term: 1 });
    await room.db.query(sql`update builds set assigned_at = now() - interval '1 min'`);
    await until(async () => {
      await park(room, holder, { waitMs: 0 });
      return (await state(room, id!)) === 'queued';
    });
    const answer = await park(room, holder, { held: [{ buildId: id!, term: 1 }] });
    expect(answer).toEqual({
      job: null,
      nextPollMs: 0,
      instructions: [{ kind: 'cancel', buildId: id, term: 1, reason: 'stale_term', graceMs: 0 }],
    });
  });
});

describe('a worker that changes', () => {
  test('row 32: draining takes nothing and hears it; resume brings it back', async () => {
    const room = await node();
    const holder = await seedWorker(room);
    const parkedCall = park(room, holder);
    await parked(room, 1);
    await drainWorker(room, operator, holder.workerId, { reason: 'disk swap' });
    expect(await parkedCall).toMatchObject({ job: null, instructions: [{ kind: 'drain', exit: true }] });
    await submit(room);
    expect(await park(room, holder)).toMatchObject({ job: null, instructions: [{ kind: 'drain', exit: true }] });
    await until(async () => (await workerRow(room, holder)).drainTold);
    await resumeWorker(room, operator, holder.workerId, {});
    expect(await park(room, holder)).toMatchObject({ job: null, instructions: [{ kind: 'resume' }] });
    expect((await park(room, holder)).job).not.toBeNull();
  });

  test('new labels reach its parked call', async () => {
    const room = await node();
    const holder = await seedWorker(room);
    const answer = park(room, holder);
    await parked(room, 1);
    const [id] = await submit(room, 1, { requires: { gpu: 'a100' } });
    await changeWorker(room, holder, { labels: { gpu: 'a100' } });
    expect((await answer).job?.build.id).toBe(id);
  });

  test('more seats, more builds; a freed seat wakes its parked call', async () => {
    const room = await node();
    const holder = await seedWorker(room);
    await seedBuilds(room, 3);
    const { job } = await park(room, holder);
    const one = { buildId: job!.build.id, term: 1 };
    const second = park(room, holder, { held: [one] });
    await parked(room, 1);
    await changeWorker(room, holder, { seats: 2 });
    const two = (await second).job!;
    const third = park(room, holder, { held: [one, { buildId: two.build.id, term: 1 }] });
    await parked(room, 1);
    await storeResult(room, holder, { ...one, artifacts: [] });
    expect((await third).job).not.toBeNull();
  });

  test('unregister and remove send parked calls home', async () => {
    const room = await node();
    const holder = await seedWorker(room);
    const first = park(room, holder);
    await parked(room, 1);
    await unregisterWorker(room, holder);
    expect(await first).toMatchObject({ job: null });
    expect((await workerRow(room, holder)).state).toBe('offline');
    await room.live.presence.flush();
    expect((await workerRow(room, holder)).state).toBe('offline');
    const second = park(room, holder);
    await parked(room, 1);
    expect((await workerRow(room, holder)).state).toBe('online');
    await removeWorker(room, operator, holder.workerId);
    expect(await second).toMatchObject({ job: null });
  });

  test('in use: a worker that holds builds is not removed', async () => {
    const room = await node();
    const holder = await seedWorker(room);
    await seedBuilds(room, 1);
    await park(room, holder);
    await expect(removeWorker(room, operator, holder.workerId)).rejects.toMatchObject({
      code: 'conflict',
      reason: 'in_use',
    });
  });
});

describe('waking', () => {
  test('a freed key wakes who waits for it, whatever its demand', async () => {
    const room = await node();
    const [one, two] = [await seedWorker(room), await seedWorker(room, { name: 'two', platforms: ['ios'] })];
    await seedBuilds(room, 1, { key: 'deploy' });
    const { job } = await park(room, one);
    const waits = park(room, two);
    await parked(room, 1);
    const [second] = await submit(room, 1, { key: 'deploy', platform: 'ios' });
    await storeResult(room, one, { buildId: job!.build.id, term: 1, artifacts: [] });
    expect((await waits).job?.build.id).toBe(second);
  });

  test('row 57: the sweep finds what no hint told', async () => {
    const room = await node();
    const holder = await seedWorker(room);
    const answer = park(room, holder);
    await parked(room, 1);
    await until(() => statements.includes('look_for_builds'));
    const [id] = await seedBuilds(room, 1);
    await room.live.dispatch.sweep();
    expect((await answer).job?.build.id).toBe(id);
  });

  test('other nodes hear of it: a job, a cancel, a second connection', async () => {
    const one = await node({ bus: 'database', nodeId: 'one' });
    const two = await node({ bus: 'database', nodeId: 'two' });
    const holder = await seedWorker(one);
    const answer = park(two, holder);
    await parked(two, 1);
    await until(() => statements.includes('look_for_builds'));
    const [id] = await submit(one);
    expect((await answer).job?.build.id).toBe(id);
    const heard: unknown[] = [];
    two.live.presence.attach(holder.workerId, { kind: 'heartbeat', tell: (news) => heard.push(...news) > 0 });
    await cancelBuild(one, operator, id!, { reason: 'stop' });
    await until(() => heard.length > 0);
    expect(heard).toEqual([{ kind: 'cancel', buildId: id, term: 1, reason: 'user', graceMs: 30_000 }]);
    await until(async () => (await readBuildRow(one.db, id!))?.stopKnownAt !== null);
    const row = await readBuildRow(one.db, id!);
    expect(row!.graceUntil!.getTime() - row!.stopKnownAt!.getTime()).toBe(30_000);
    let replaced = 0;
    using _ = one.live.connections.take(holder.workerId, () => replaced++);
    using __ = two.live.connections.take(holder.workerId, () => undefined);
    await until(() => replaced === 1);
  });

  test('backoff ends by itself', async () => {
    const room = await node();
    const holder = await seedWorker(room);
    const [id] = await seedBuilds(room, 1, { notBeforeMs: 400 });
    const answer = park(room, holder);
    await parked(room, 1);
    const demand = (
      await room.db.query<{ projectId: string; sig: number }>(sql`select project_id as "projectId", sig from builds`)
    )[0]!;
    room.live.wakeAfter(400, demand);
    expect((await answer).job?.build.id).toBe(id);
  });
});

describe('claims', () => {
  test('a batch never deals a build to the worker it avoids', async () => {
    const room = await node();
    const holders = [];
    for (let n = 0; n < 3; n++) holders.push(await seedWorker(room, { name: `w${n}` }));
    const ids = await seedBuilds(room, 2);
    await room.db.query(
      sql`update builds set avoid_until = now() + interval '1 min', avoid_worker_id = case id when ${ids[0]} then ${holders[0]!.workerId} else ${holders[1]!.workerId} end`,
    );
    const answers = holders.map((holder) => park(room, holder, { waitMs: 2_000 }));
    await until(async () => (await room.db.query(sql`select 1 from builds where state = 'assigned'`)).length === 2);
    const rows = await room.db.query<{ workerId: string; avoid: string }>(
      sql`select worker_id as "workerId", avoid_worker_id as avoid from builds`,
    );
    for (const row of rows) expect(row.workerId).not.toBe(row.avoid);
    expect((await Promise.all(answers)).filter((answer) => answer.job)).toHaveLength(2);
  });

  test('a build whose secrets do not open is put back, and fails in the end', async () => {
    const room = await node();
    const holder = await seedWorker(room);
    const [id] = await seedBuilds(room, 1, { attemptsMax: 1 });
    await room.db.query(
      sql`update build_specs set secret_env = '\\x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'`,
    );
    expect((await park(room, holder, { waitMs: 0 })).job).toBeNull();
    expect(await readBuildRow(room.db, id!)).toMatchObject({
      state: 'failed',
      failure: { code: 'secrets_unreadable', attribution: 'system' },
    });
  });

  test('a paused queue starts nothing', async () => {
    const room = await node();
    const holder = await seedWorker(room);
    await seedBuilds(room, 1);
    await room.db.query(sql`update queues set paused_at = now(), paused_by = 'me', pause_reason = 'test'`);
    expect((await park(room, holder, { waitMs: 0 })).job).toBeNull();
    await room.db.query(sql`update queues set resumes_at = now() - interval '1 s'`);
    expect((await park(room, holder, { waitMs: 0 })).job).not.toBeNull();
  });

  test('a resume that overtakes the note of the drain is heard all the same', async () => {
    const room = await node();
    const holder = await seedWorker(room);
    const heard: string[] = [];
    const tell = (news: readonly { kind: string }[]): boolean => heard.push(...news.map(({ kind }) => kind)) > 0;
    using _ = room.live.presence.attach(holder.workerId, { kind: 'events', tell });
    // As if the drain had just been written to the worker, and it was resumed before the row knew.
    room.live.presence.told(holder.workerId, [{ kind: 'drain', exit: false }]);
    await until(() => heard.includes('resume'));
    expect(heard).toEqual(['resume']);
  });

  test('registering needs the scope', async () => {
    const room = await node();
    const reader = { ...operator, scopes: ['builds:read' as const] } as typeof operator;
    await expect(
      registerWorker(room, reader, { name: 'x', platforms: ['linux'], labels: {}, seats: 1, version: '' }),
    ).rejects.toMatchObject({ code: 'forbidden' });
  });
});
