import {
  activeBuildStates,
  type BuildEvent,
  type BuildState,
  buildTable,
  isTerminal,
  refusalOf,
  targetsOf,
} from '@muster/protocol';
import * as fc from 'fast-check';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { MusterError } from '#kernel/base';
import { sql } from '#kernel/db';
import { buildsRoom, operator } from '#test/builds-room';
import { seedBuilds, seedWorker, workerRow } from '#test/builds-seed';
import { testDatabase } from '#test/database';
import { abandonBuild } from './abandon-build.ts';
import { cancelBuild } from './cancel-build.ts';
import { claimBuilds } from './claim-build.ts';
import { confirmStop } from './confirm-stop.ts';
import { evictBuild } from './evict-build.ts';
import { extendLeases } from './extend-lease.ts';
import { failBuild } from './fail-build.ts';
import type { Holder } from './holder.ts';
import { rescueBuilds } from './rescue-builds.ts';
import { startBuild } from './start-build.ts';
import { storeResult } from './store-result.ts';
import { unregisterWorker } from './unregister-worker.ts';

/*
 * Random events on a real database against a small reference: the tables of §2.2 decide what may happen, the reference
 * says which way where the table leaves a choice, and after every step the rows must agree with both.
 */

const database = await testDatabase();
const rooms = await buildsRoom(database.db);
const { room } = rooms;
afterAll(async () => {
  await rooms[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
beforeEach(() => database.wipe());

type Model = {
  id: string;
  state: BuildState;
  term: number;
  holder: number | null;
  used: number;
  attemptsMax: number;
  retryOn: string[];
  key: string | null;
  keyLimit: number;
  priority: number;
  heard: boolean;
  /** Not eligible until time passes. */
  resting: boolean;
  avoids: number | null;
  timedOut: boolean;
};
type Row = {
  id: string;
  state: BuildState;
  term: number;
  workerId: string | null;
  used: number;
  version: number;
  held: number;
  ended: number;
};

const workersCount = 3;
const seatsOf = [1, 2, 1];
const index = fc.nat({ max: 7 });
const worker = fc.nat({ max: workersCount - 1 });
/** How a worker names the attempt: rightly, with an old term, or another worker speaks. */
const voice = fc.constantFrom('own', 'own', 'own', 'old', 'other');
const command = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('claim' as const), worker }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('start', 'heartbeat', 'succeed', 'failUser', 'failHost', 'abandon', 'stopped'),
      build: index,
      voice,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('cancel', 'evict', 'leaseEnd', 'timeLimit', 'graceOver', 'deadline'),
      build: index,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unregister' as const), worker }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('timePasses' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('submit' as const),
      priority: fc.constantFrom(0, 0, 5),
      key: fc.constantFrom(null, null, 'k'),
      keyLimit: fc.constantFrom(1, 2),
      attemptsMax: fc.constantFrom(1, 2, 3),
      retryOn: fc.constantFrom<string[]>(['host', 'system'], [], ['host', 'system', 'user']),
    }),
  },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

test('guard, table and rows agree under random events', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 45 }), async (commands) => {
      await database.wipe();
      const world = await newWorld();
      for (const command of commands) {
        const before = await readRows();
        await world.run(command);
        check(world, before, await readRows());
      }
      expect(
        await room.db.query(
          sql`select count(*)::int as n from build_attempts a join builds b on b.id = a.build_id where a.term > b.term`,
        ),
      ).toEqual([{ n: 0 }]);
    }),
    { numRuns: 60 },
  );
});

async function newWorld() {
  const holders: Holder[] = [];
  for (let n = 0; n < workersCount; n++) holders.push(await seedWorker(room, { name: `w${n}`, seats: seatsOf[n]! }));
  await room.db.query(sql`insert into build_sweeps (name, ran_at) values ('rescue', now())`);
  const builds: Model[] = [];
  const at = (n: number): Model | undefined => (builds.length === 0 ? undefined : builds[n % builds.length]);
  return {
    builds,
    holders,
    async run(command: Command): Promise<void> {
      if (command.do === 'submit') return await submit(command);
      if (command.do === 'claim') return await claim(command.worker);
      if (command.do === 'unregister') return await unregister(command.worker);
      if (command.do === 'timePasses') return await timePasses();
      const build = at(command.build);
      if (!build) return;
      if ('voice' in command) await speak(build, command);
      else await happen(build, command.do);
    },
  };

  async function timePasses(): Promise<void> {
    await room.db.query(
      sql`update builds set eligible_at = now() - interval '1 s', avoid_until = null where state = 'queued'`,
    );
    for (const build of builds) if (build.state === 'queued') Object.assign(build, { resting: false, avoids: null });
  }

  async function submit(command: Extract<Command, { do: 'submit' }>): Promise<void> {
    const { key, ...rest } = command;
    const [id] = await seedBuilds(room, 1, { ...rest, ...(key === null ? {} : { key }) });
    builds.push({
      ...command,
      id: id!,
      state: 'queued',
      term: 0,
      holder: null,
      used: 0,
      heard: false,
      resting: false,
      avoids: null,
      timedOut: false,
    });
  }

  async function claim(n: number): Promise<void> {
    const row = await workerRow(room, holders[n]!);
    await room.live.presence.arrived(row);
    const { taken } = await claimBuilds(room, [row.id]);
    const free = builds.filter((build) => build.holder === n).length < seatsOf[n]!;
    const first = builds
      .filter((build) => build.state === 'queued' && !build.resting && build.avoids !== n && keyFree(build))
      .sort((a, b) => b.priority - a.priority || builds.indexOf(a) - builds.indexOf(b))[0];
    expect(taken.map((handout) => handout.job.build.id)).toEqual(free && first ? [first.id] : []);
    if (free && first)
      Object.assign(first, { state: 'assigned', term: first.term + 1, used: first.used + 1, holder: n, heard: false });
  }

  function keyFree({ key, keyLimit }: Model): boolean {
    return key === null || builds.filter((build) => build.key === key && isActive(build.state)).length < keyLimit;
  }

  async function unregister(n: number): Promise<void> {
    await unregisterWorker(room, holders[n]!);
    for (const build of builds)
      if (build.holder === n) broken(build, { attribution: 'host', rests: false, avoids: false });
  }

  async function speak(build: Model, command: Extract<Command, { voice: string }>): Promise<void> {
    const speaker = command.voice === 'other' ? ((build.holder ?? 0) + 1) % workersCount : (build.holder ?? 0);
    const attempt = {
      buildId: build.id,
      term: command.voice === 'old' ? Math.max(1, build.term - 1) : Math.max(1, build.term),
    };
    const holder = holders[speaker]!;
    const [row] = await readRows(build.id);
    const right = row?.workerId === holder.workerId && row.term === attempt.term;
    const event = eventOf(command.do, build);
    const outcome = await outcomeOf(command.do, () => call(command.do, holder, attempt));
    // A build that ended in line has no worker; a heartbeat about it hears that it is over.
    const strange = isTerminal(build.state) ? ['stale_term', 'not_holder', 'finished'] : ['stale_term', 'not_holder'];
    if (!right) return expect(strange).toContain(outcome);
    if (isTerminal(build.state)) return expect(outcome).toBe(repeat(command.do, build));
    if (targetsOf(buildTable, build.state, event).length === 0)
      return expect(outcome).toBe(refusalOf(buildTable, build.state, event));
    expect(outcome).toBe(command.do === 'succeed' && build.state === 'cancelling' ? 'build_cancelled' : 'ok');
    move(build, command.do);
  }

  function move(build: Model, what: string): void {
    if (what === 'start' || what === 'heartbeat') {
      build.heard = true;
      if (what === 'start' && build.state === 'assigned') build.state = 'running';
    } else if (build.state === 'cancelling') stop(build);
    else if (what === 'succeed') Object.assign(build, { state: 'succeeded', holder: null });
    else if (what === 'failUser' && !build.retryOn.includes('user'))
      Object.assign(build, { state: 'failed', holder: null });
    else if (what === 'failUser') broken(build, { attribution: 'user', rests: true, avoids: true });
    else if (what === 'failHost') broken(build, { attribution: 'host', rests: true, avoids: true });
    else if (what === 'abandon') broken(build, { attribution: 'host', rests: false, avoids: true });
  }

  function stop(build: Model): void {
    Object.assign(build, { state: build.timedOut ? 'failed' : 'cancelled', holder: null });
  }

  function broken(build: Model, how: { attribution: string; rests: boolean; avoids: boolean; counts?: boolean }): void {
    if (build.state === 'cancelling') return stop(build);
    const counts = how.counts ?? true;
    if (!counts) build.used -= 1;
    const again = !counts || (build.used < build.attemptsMax && build.retryOn.includes(how.attribution));
    if (again)
      Object.assign(build, {
        state: 'queued',
        resting: how.rests,
        avoids: how.avoids ? build.holder : null,
        holder: null,
      });
    else Object.assign(build, { state: 'failed', holder: null });
  }

  async function happen(
    build: Model,
    what: 'cancel' | 'evict' | 'leaseEnd' | 'timeLimit' | 'graceOver' | 'deadline',
  ): Promise<void> {
    const active = isActive(build.state);
    switch (what) {
      case 'cancel': {
        const outcome = await outcomeOf(what, () => cancelBuild(room, operator, build.id, {}));
        expect(outcome).toBe(refusalOf(buildTable, build.state, 'cancel') ?? 'ok');
        if (build.state === 'queued') build.state = 'cancelled';
        else if (active) build.state = 'cancelling';
        return;
      }
      case 'evict': {
        const holder = holders[build.holder ?? 0]!;
        const outcome = await outcomeOf(what, () => evictBuild(room, operator, holder.workerId, build.id));
        if (active) broken(build, { attribution: 'host', rests: false, avoids: true });
        return expect(['ok', 'not_held', 'finished']).toContain(outcome);
      }
      case 'leaseEnd':
        await room.db.query(
          sql`update builds set lease_until = now() - interval '1 s' where id = ${build.id} and lease_until is not null`,
        );
        if (active) broken(build, { attribution: 'host', rests: true, avoids: true, counts: build.heard });
        break;
      case 'timeLimit':
        await room.db.query(
          sql`update builds set run_until = now() - interval '1 s' where id = ${build.id} and run_until is not null`,
        );
        if (build.state === 'assigned' || build.state === 'running')
          Object.assign(build, { state: 'cancelling', timedOut: true });
        break;
      case 'graceOver':
        await room.db.query(
          sql`update builds set grace_until = now() - interval '1 s' where id = ${build.id} and grace_until is not null`,
        );
        if (build.state === 'cancelling') stop(build);
        break;
      case 'deadline':
        await room.db.query(sql`update builds set queue_deadline_at = now() - interval '1 s' where id = ${build.id}`);
        if (build.state === 'queued') build.state = 'failed';
        break;
    }
    await rescueBuilds(room);
    // A deadline stays; a build that comes back into line past it fails there.
    await room.db.query(sql`update builds set queue_deadline_at = null where queue_deadline_at is not null`);
  }
}

function eventOf(what: string, build: Model): BuildEvent {
  if (what === 'succeed') return 'succeed';
  if (what === 'failUser') return build.retryOn.includes('user') ? 'breakOff' : 'fail';
  if (what === 'failHost' || what === 'abandon') return 'breakOff';
  return what === 'stopped' ? 'confirmStop' : what === 'start' ? 'start' : 'heartbeat';
}

/** What a call about a build that is over is answered with: a repeat of its end is no error. */
function repeat(what: string, build: Model): string {
  if (what === 'succeed')
    return build.state === 'succeeded' ? 'ok' : build.state === 'cancelled' ? 'build_cancelled' : 'finished';
  if (what === 'failUser' || what === 'failHost') return build.state === 'failed' ? 'ok' : 'finished';
  if (what === 'stopped')
    return build.state === 'cancelled' || (build.state === 'failed' && build.timedOut) ? 'ok' : 'finished';
  return 'finished';
}

async function call(what: string, holder: Holder, attempt: { buildId: string; term: number }): Promise<unknown> {
  switch (what) {
    case 'start':
      return startBuild(room, holder, attempt);
    case 'heartbeat':
      return extendLeases(room, holder, [attempt]);
    case 'succeed':
      return storeResult(room, holder, { ...attempt, artifacts: [] });
    case 'failUser':
      return failBuild(room, holder, { ...attempt, failure: { code: 'command_failed', detail: 'exit 1' } });
    case 'failHost':
      return failBuild(room, holder, { ...attempt, failure: { code: 'worker_error', detail: 'bug' } });
    case 'abandon':
      return abandonBuild(room, holder, { ...attempt, reason: 'test' });
    default:
      return confirmStop(room, holder, attempt);
  }
}

async function outcomeOf(what: string, act: () => Promise<unknown>): Promise<string> {
  try {
    const result = await act();
    if (what === 'heartbeat' && Array.isArray(result) && 'lost' in result[0]) return result[0].lost;
    return 'ok';
  } catch (error) {
    if (!(error instanceof MusterError)) throw error;
    return error.reason;
  }
}

const isActive = (state: BuildState): boolean => (activeBuildStates as readonly BuildState[]).includes(state);

async function readRows(id?: string): Promise<Row[]> {
  return await room.db.query<Row>(sql`
    select b.id, b.state, b.term, b.worker_id as "workerId", b.attempts_used as used, b.version,
      (select count(*)::int from build_attempts a where a.build_id = b.id and a.state = 'held') as held,
      (select count(*)::int from build_attempts a where a.build_id = b.id and a.state = 'ended') as ended
    from builds b where ${id ?? null}::text is null or b.id = ${id ?? null} order by b.queue_seq`);
}

function check(world: Awaited<ReturnType<typeof newWorld>>, before: readonly Row[], after: readonly Row[]): void {
  expect(after.map(({ id, state, term, used }) => ({ id, state, term, used }))).toEqual(
    world.builds.map(({ id, state, term, used }) => ({ id, state, term, used })),
  );
  for (const row of after) {
    expect(row.held).toBe(isActive(row.state) ? 1 : 0);
    expect(row.held + row.ended).toBe(row.term);
    const model = world.builds.find((build) => build.id === row.id)!;
    if (isActive(row.state)) expect(row.workerId).toBe(world.holders[model.holder!]!.workerId);
  }
  for (const row of before) {
    const now = after.find((other) => other.id === row.id);
    expect(now).toBeDefined();
    expect(now!.term).toBeGreaterThanOrEqual(row.term);
    if (isTerminal(row.state)) expect(now).toEqual(row);
  }
  for (const [n, holder] of world.holders.entries()) {
    expect(after.filter((row) => row.workerId === holder.workerId && isActive(row.state)).length).toBeLessThanOrEqual(
      seatsOf[n]!,
    );
  }
}
