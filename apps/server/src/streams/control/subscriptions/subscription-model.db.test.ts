/* The subscription's machine on real rows: each statement against the table, and random histories against a small model. */
import { randomBytes } from 'node:crypto';
import {
  type SubscriptionEvent,
  type SubscriptionState,
  subscriptionStates,
  subscriptionTable,
  targetsOf,
} from '@muster/protocol';
import { type AsyncCommand, assert, asyncModelRun, asyncProperty, commands, constant, nat } from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createAuth, systemPrincipal } from '#kernel/auth';
import { Limits, MusterError, systemClock, systemRandom } from '#kernel/base';
import { inProcessBus } from '#kernel/bus';
import { sql } from '#kernel/db';
import { createLog } from '#kernel/log';
import { createOutbound } from '#kernel/outbound';
import { createQueue } from '#kernel/queue';
import { loneMetrics, silentLogger } from '#kernel/telemetry';
import { testDatabase } from '#test/database';
import { ackWake, releaseWake } from './ack-wake.ts';
import { claimWork } from './claim-wake.ts';
import type { Room } from './deps.ts';
import { leaseHandler } from './end-lease.ts';
import { subscriptionDefaults } from './limits.ts';
import { noticeAppends } from './notice-appends.ts';
import { putSubscription } from './put-subscription.ts';
import * as queries from './queries.ts';
import { rescueHandler } from './rescue-wakes.ts';
import { roomOf } from './subscriptions.ts';

const database = await testDatabase();
const { db } = database;
const who = systemPrincipal();
const { projectId } = who;
const log = createLog({ driver: 'memory', clock: systemClock });
await log.start();
let room: Room;
let names = 0;
afterAll(async () => {
  await log[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await database.wipe();
  room = makeRoom();
});

/** Every real part beneath; the queue takes jobs and runs none, so that the test says when. */
function makeRoom(): Room {
  const logger = silentLogger;
  const metrics = loneMetrics(logger);
  const bus = inProcessBus(() => undefined);
  const clock = systemClock;
  const auth = createAuth({
    db,
    bus,
    clock,
    logger,
    metrics,
    environmentKeys: [],
    failuresPerMinuteMax: 10,
    auditKeepDays: 1,
  });
  return roomOf({
    db,
    log,
    bus,
    auth,
    clock,
    logger,
    metrics,
    queue: createQueue({ db, bus, holder: 'test', logger, metrics }),
    outbound: createOutbound({ clock, metrics, allow: [], loopback: true }),
    random: systemRandom,
    limits: subscriptionDefaults,
    bounds: new Limits(),
    publicBase: undefined,
    loopback: true,
    managedScope: () => undefined,
    box: { seal: (plain) => Buffer.from(plain), open: (sealed) => Buffer.from(sealed) },
    tokenKeys: [randomBytes(32)],
  });
}

const text = (value: object): Buffer => Buffer.from(JSON.stringify(value));
const asked = { who, address: '127.0.0.1', requestId: 'req', base: 'http://127.0.0.1:1' };

async function subscribe(streams: readonly string[]): Promise<{ id: string; no: number }> {
  const id = `s${(names += 1)}`;
  await putSubscription(room, asked, id, text({ type: 'pull-wake', streams, wake_stream: 'wakes' }));
  const row = await queries.findSubscription(db, projectId, id);
  return { id, no: row?.no ?? 0 };
}

describe('every state × every event: the statement does what the table says', () => {
  const act: Record<SubscriptionEvent, (no: number) => Promise<unknown>> = {
    notice: (no) => db.transaction((tx) => queries.startWakes(tx, [{ no, wakeId: 'next', by: 'a' }])),
    claim: (no) => db.transaction((tx) => queries.claimWake(tx, no, 'w', 'next')),
    accept: (no) =>
      db.transaction((tx) => queries.extendWake(tx, { no, generation: 1, wakeId: 'wake' }, 'accept', 'w')),
    extend: (no) =>
      db.transaction((tx) => queries.extendWake(tx, { no, generation: 1, wakeId: 'wake' }, 'extend', 'w')),
    finish: (no) =>
      db.transaction((tx) => queries.endWake(tx, { no, generation: 1, wakeId: 'wake' }, 'finish', 'next')),
    release: (no) =>
      db.transaction((tx) => queries.endWake(tx, { no, generation: 1, wakeId: 'wake' }, 'release', 'next')),
    leaseEnd: (no) =>
      db.transaction((tx) => queries.endWake(tx, { no, generation: 1, wakeId: 'wake' }, 'leaseEnd', 'next')),
    drop: (no) => db.transaction((tx) => queries.endWake(tx, { no, generation: 1, wakeId: 'wake' }, 'drop', 'next')),
    fail: (no) => db.transaction((tx) => queries.failWake(tx, { no, generation: 1 }, 'no', 1000)),
  };
  const events = Object.keys(act) as SubscriptionEvent[];

  test.each(
    subscriptionStates.flatMap((state) =>
      events.flatMap((event) => [true, false].map((pending) => ({ state, event, pending }))),
    ),
  )('$state, $event, pending: $pending', async ({ state, event, pending }) => {
    const { no } = await subscribe(['a']);
    const tail = pending ? '0000000000000001_0000000000000001' : '-1';
    await db.query(sql`update subscription_links set noticed = ${tail} where subscription_no = ${no}`);
    await db.query(sql`
        update subscriptions set state = ${state}, generation = 1, wake_id = case when ${state} <> 'idle' then 'wake' end,
          holder = case when ${state} = 'leased' then 'w0' end, lease_ends_at = case when ${state} = 'leased' then now() - interval '1 second' end
        where subscription_no = ${no}`);
    const before = await queries.findByNo(db, no);
    await act[event](no);
    const after = await queries.findByNo(db, no);
    const targets = targetsOf(subscriptionTable, state, event);
    if (targets.length === 0) return expect(after).toEqual(before);
    expect(targets).toContain(after?.state);
    if (targets.length > 1) expect(after?.state).toBe(pending ? 'waking' : 'idle');
    const fresh = after?.state === 'waking' && state !== 'waking';
    const next = fresh || (targets.length > 1 && pending) || (event === 'claim' && state === 'idle');
    expect(after?.generation).toBe(next ? 2 : 1);
    expect(after?.wakeId).toBe(after?.state === 'idle' ? null : next ? 'next' : 'wake');
    expect(after?.holder === null).toBe(after?.state !== 'leased');
  });

  test('another generation or another wake moves nothing', async () => {
    const { no } = await subscribe(['a']);
    await db.query(
      sql`update subscriptions set state = 'waking', generation = 5, wake_id = 'wake' where subscription_no = ${no}`,
    );
    const before = await queries.findByNo(db, no);
    for (const wake of [
      { no, generation: 4, wakeId: 'wake' },
      { no, generation: 6, wakeId: 'wake' },
      { no, generation: 5, wakeId: 'other' },
    ]) {
      await db.transaction(async (tx) => {
        for (const how of ['finish', 'release', 'drop'] as const)
          expect(await queries.endWake(tx, wake, how, 'next')).toBeUndefined();
        for (const how of ['accept', 'extend'] as const)
          expect(await queries.extendWake(tx, wake, how, 'w')).toBeUndefined();
      });
    }
    expect(await queries.findByNo(db, no)).toEqual(before);
  });
});

type Held = { wake_id: string; generation: number; token: string };
type Model = {
  state: SubscriptionState;
  generation: number;
  tails: number[];
  acked: number[];
  held: Held[];
  over: boolean;
};
type Real = { id: string; no: number; streams: readonly string[] };
type Step = AsyncCommand<Model, Real>;

const offsets = new Map<string, string[]>();
const offsetOf = (path: string, count: number): string => offsets.get(path)?.[count - 1] ?? '';
const isPending = (model: Model): boolean => model.tails.some((tail, i) => tail > (model.acked[i] ?? 0));
const next = (model: Model): void => {
  model.over = false;
  model.state = isPending(model) ? 'waking' : 'idle';
  if (model.state === 'waking') model.generation += 1;
};
const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'good';
  } catch (error) {
    if (!(error instanceof MusterError)) throw error;
    return (error.extra['error'] as { code: string }).code;
  }
};

async function check(model: Model, real: Real): Promise<void> {
  const row = await queries.findByNo(db, real.no);
  expect([row?.state, row?.generation]).toEqual([model.state, model.generation]);
  if (model.state === 'idle') expect(isPending(model)).toBe(false);
}

class Append implements Step {
  readonly #at: number;
  constructor(at: number) {
    this.#at = at;
  }
  check = (): boolean => true;
  async run(model: Model, real: Real): Promise<void> {
    const at = this.#at % real.streams.length;
    const path = real.streams[at] ?? '';
    const key = { projectId, path };
    if (!(await log.head(key))) await log.create({ key, contentType: 'text/plain' });
    const { firstSeq, lastSeq, next: tail } = await log.append({ key, messages: [Buffer.from('x')] });
    offsets.set(path, [...(offsets.get(path) ?? []), tail]);
    const frame = { key, lsn: 0, at: 0, firstSeq, messages: [Buffer.from('x')], closes: false };
    await db.transaction((tx) => noticeAppends(room, tx, [frame]));
    model.tails[at] = lastSeq;
    if (model.state === 'idle') next(model);
    await check(model, real);
  }
  toString = (): string => `append(${this.#at})`;
}

class Claim implements Step {
  check = (): boolean => true;
  async run(model: Model, real: Real): Promise<void> {
    let got: Held | undefined;
    if (model.over) next(model);
    const code = await codeOf(claimWork(room, who, real.id, text({ worker: 'w' })).then((held) => (got = held)));
    if (model.state === 'leased') expect(code).toBe('ALREADY_CLAIMED');
    else if (!isPending(model)) expect(code).toBe(model.state === 'idle' ? 'NO_PENDING_WORK' : 'good');
    else expect(code).toBe('good');
    if (got) {
      if (model.state === 'idle') model.generation += 1;
      model.state = 'leased';
      expect(got.generation).toBe(model.generation);
      model.held.push(got);
    }
    await check(model, real);
  }
  toString = (): string => 'claim';
}

/** Acks by the newest token or an older one, some of the streams, up to the tail or less. */
class Ack implements Step {
  readonly #which: number;
  readonly #much: number;
  readonly #done: boolean;
  constructor(which: number, much: number, done: boolean) {
    this.#which = which;
    this.#much = much;
    this.#done = done;
  }
  check = (model: Readonly<Model>): boolean => model.held.length > 0;
  async run(model: Model, real: Real): Promise<void> {
    const held = model.held[Math.max(0, model.held.length - 1 - (this.#which % 3))];
    if (!held) return;
    const good = model.state === 'leased' && !model.over && held.generation === model.generation;
    const acks = real.streams.flatMap((stream, i) => {
      const upTo = (model.acked[i] ?? 0) + (this.#much % ((model.tails[i] ?? 0) - (model.acked[i] ?? 0) + 1));
      return upTo > (model.acked[i] ?? 0) ? [{ stream, offset: offsetOf(stream, upTo), i, upTo }] : [];
    });
    const body = {
      wake_id: held.wake_id,
      generation: held.generation,
      acks: acks.map(({ stream, offset }) => ({ stream, offset })),
      done: this.#done,
    };
    expect(await codeOf(ackWake(room, real.id, held.token, text(body)))).toBe(good ? 'good' : 'FENCED');
    if (good) {
      for (const { i, upTo } of acks) model.acked[i] = upTo;
      if (this.#done) next(model);
    }
    await check(model, real);
  }
  toString = (): string => `ack(${this.#which}, ${this.#much}, ${this.#done})`;
}

class Release implements Step {
  check = (model: Readonly<Model>): boolean => model.held.length > 0;
  async run(model: Model, real: Real): Promise<void> {
    const held = model.held.at(-1);
    if (!held) return;
    const good = model.state === 'leased' && !model.over && held.generation === model.generation;
    expect(await codeOf(releaseWake(room, real.id, held.token, text(held)))).toBe(good ? 'good' : 'FENCED');
    if (good) next(model);
    await check(model, real);
  }
  toString = (): string => 'release';
}

/** The lease is over, and the job that ends it is late. */
class LeaseOver implements Step {
  check = (model: Readonly<Model>): boolean => model.state === 'leased';
  async run(model: Model, real: Real): Promise<void> {
    await db.query(
      sql`update subscriptions set lease_ends_at = now() - interval '1 ms' where subscription_no = ${real.no}`,
    );
    model.over = true;
    await check(model, real);
  }
  toString = (): string => 'leaseOver';
}

class LeaseEnd implements Step {
  check = (model: Readonly<Model>): boolean => model.state === 'leased';
  async run(model: Model, real: Real): Promise<void> {
    await db.query(
      sql`update subscriptions set lease_ends_at = now() - interval '1 ms' where subscription_no = ${real.no}`,
    );
    const job = {
      id: 'j',
      kind: 'k',
      attempt: 1,
      term: 1,
      enqueuedAt: new Date(),
      signal: new AbortController().signal,
    };
    await leaseHandler(room)({ ...job, payload: { no: real.no, generation: model.generation } });
    next(model);
    await check(model, real);
  }
  toString = (): string => 'leaseEnd';
}

test('random histories: state, generation and fences as in the model, and rest only when nothing is pending', async () => {
  const steps = commands(
    [
      nat(1).map((at) => new Append(at)),
      constant(new Claim()),
      nat(5).chain((which) => nat(4).map((much) => new Ack(which, much, false))),
      nat(5).chain((which) => nat(4).map((much) => new Ack(which, much, true))),
      constant(new Release()),
      constant(new LeaseOver()),
      constant(new LeaseEnd()),
    ],
    { maxCommands: 30 },
  );
  await assert(
    asyncProperty(steps, async (history) => {
      const run = (names += 1);
      const streams = [`m${run}/a`, `m${run}/b`];
      const { id, no } = await subscribe(streams);
      const model = (): Model => ({
        state: 'idle',
        generation: 0,
        tails: [0, 0],
        acked: [0, 0],
        held: [],
        over: false,
      });
      await asyncModelRun(() => ({ model: model(), real: { id, no, streams } }), history);
    }),
    { numRuns: 60 },
  );
});

test('a wake and a lease whose jobs are gone get new ones; those that have one keep it', async () => {
  const jobs = async (): Promise<string[]> =>
    (
      await db.query<{ kind: string }>(
        sql`select kind from jobs where kind like 'streams.subscriptions.%' and kind not like '%settle' order by kind`,
      )
    ).map(({ kind }) => kind);
  const job = {
    id: 'j',
    kind: 'k',
    payload: null,
    attempt: 1,
    term: 1,
    enqueuedAt: new Date(),
    signal: new AbortController().signal,
  };
  const [waking, leased, fresh, announced] = [
    await subscribe(['a']),
    await subscribe(['a']),
    await subscribe(['a']),
    await subscribe(['a']),
  ];
  await db.query(sql`
    update subscriptions set state = 'waking', generation = 3, wake_id = 'wake', woken_at = now() - interval '2 min',
      announced = case when subscription_no = ${announced.no} then 3 else 2 end
    where subscription_no = any(${[waking.no, announced.no]})`);
  await db.query(
    sql`update subscriptions set state = 'waking', generation = 1, wake_id = 'wake', woken_at = now() where subscription_no = ${fresh.no}`,
  );
  await db.query(sql`
    update subscriptions set state = 'leased', generation = 1, wake_id = 'wake', holder = 'w', woken_at = now(), lease_ends_at = now() - interval '2 min'
    where subscription_no = ${leased.no}`);
  await rescueHandler(room)(job);
  expect(await jobs()).toEqual(['streams.subscriptions.announce', 'streams.subscriptions.lease']);
  await rescueHandler(room)(job);
  expect(await jobs()).toHaveLength(2);
});
