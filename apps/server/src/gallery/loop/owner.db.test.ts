import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock, systemClock } from '#kernel/base';
import { sql } from '#kernel/db';
import { command, loopHarness, project, seedBots, seedProject, world } from '#test/gallery-loop';
import { until } from '#test/until';

const harness = await loopHarness();
const { db } = harness;
const start = 1_800_000_000_000;
const minute = 60_000;

/** A loop on a clock that moves only when told; `live` moves it on and waits until nothing is under way. */
async function nodeAt(options: Parameters<typeof harness.node>[0] = {}) {
  const clock = new FakeClock(start);
  const node = harness.node({ clock, ...options });
  const live = async (ms: number, stepMs = 250): Promise<void> => {
    const end = clock.now() + ms;
    while (clock.now() < end) {
      await clock.advance(Math.min(stepMs, end - clock.now()));
      await node.loop.owner.settled();
    }
  };
  await node.loop.start();
  await until(() => node.loop.health().restoring === null);
  await node.loop.owner.settled();
  return { ...node, clock, live };
}

const row = async (
  id: string,
): Promise<{ state: string; thinkNo: number; nextThinkAt: number | null; generation: number }> => {
  const [found] = await db.query<{ state: string; thinkNo: number; at: Date | null; generation: number }>(sql`
    select state, think_no as "thinkNo", next_think_at as at, generation from gallery_bots where id = ${id}`);
  if (!found) throw new Error(`no bot ${id}`);
  return { ...found, nextThinkAt: found.at?.getTime() ?? null };
};
const gate = async (): Promise<string> =>
  (await db.query<{ gate: string }>(sql`select gate from gallery_targets where id = 'sandbox'`))[0]?.gate ?? '';

describe('timers of an owner', () => {
  it('schedules running bots without a time, lets each think in its time, and writes the next one', async () => {
    const ids = await seedBots(db, { count: 50 });
    const { loop, thinker, live } = await nodeAt();
    expect(loop.health()).toMatchObject({ bots: 50, restoring: null });
    for (const id of ids) expect((await row(id)).nextThinkAt).toBeGreaterThan(start);
    await live(10 * minute, 1_000);
    const acts = await world(db);
    expect(acts.length).toBeGreaterThan(120);
    expect(new Set(acts.map((act) => act.botId)).size).toBe(50);
    expect(thinker.twice).toEqual([]);
    for (const id of ids) expect((await row(id)).thinkNo).toBe(acts.filter((act) => act.botId === id).length);
  });

  it('spreads what was missed over 30 s, and a wake is at once', async () => {
    await seedBots(db, { count: 200, nextThinkAt: () => start - 3_600_000 });
    const { thinker, live } = await nodeAt();
    await live(31_000, 500);
    const byStep = thinker.batches.map(({ ids }) => ids.length);
    expect(byStep.reduce((sum, n) => sum + n, 0)).toBeGreaterThanOrEqual(200);
    expect(Math.max(...byStep)).toBeLessThan(25);
    const [id = ''] = await seedBots(db, { count: 1, prefix: 'w', nextThinkAt: () => start + 3_600_000 });
    const { loop, clock } = await nodeAt({ nodeId: 'node-a' });
    await command(db, loop, [id], 'wake', clock.now());
    await clock.advance(20);
    await loop.owner.settled();
    expect((await row(id)).thinkNo).toBe(1);
  });

  it('bots that are due at once think in batches within the seats of their target, in the order of time and id', async () => {
    await seedBots(db, { count: 150, nextThinkAt: (n) => start + 1_000 - (n % 3) });
    await seedBots(db, { count: 40, prefix: 'o', target: 'other', nextThinkAt: () => start + 1_000 });
    await db.query(sql`update gallery_targets set acknowledgement = '{}' where id = 'other'`);
    const most = new Map<string, number>();
    const { loop, thinker, live } = await nodeAt({
      tiny: {
        wire: () => {
          for (const { targetId, flying } of loop.owner.table.lanes.all)
            most.set(targetId, Math.max(flying, most.get(targetId) ?? 0));
          return Promise.resolve();
        },
      },
    });
    await live(1_020, 1_020);
    expect(Object.fromEntries(most)).toEqual({ sandbox: 64, other: 16 });
    expect(
      thinker.batches
        .map(({ ids }) => ids.length)
        .slice(0, 2)
        .sort((a, b) => a - b),
    ).toEqual([16, 64]);
    const order = (a: string, b: string): number =>
      (Number(b.slice(5)) % 3) - (Number(a.slice(5)) % 3) || (a < b ? -1 : 1);
    const batches = (): string[][] => thinker.batches.map(({ ids }) => ids).filter(([id]) => id?.startsWith('gbt_b'));
    // The last of them begin when seats become free, in real time.
    await until(() => new Set(batches().flat()).size === 150);
    const sandbox = batches();
    expect(sandbox[0]).toEqual(sandbox.flat().toSorted(order).slice(0, 64));
    for (const ids of sandbox) expect(ids).toEqual(ids.toSorted(order));
  });

  it('past the bound of the queue the newest are put off 1-5 s and counted, the others of another target are not', async () => {
    await seedBots(db, { count: 100, nextThinkAt: () => start + 1_000 });
    await seedBots(db, { count: 10, prefix: 'o', target: 'other', nextThinkAt: () => start + 1_000 });
    await db.query(sql`update gallery_targets set acknowledgement = '{}' where id = 'other'`);
    const { loop, thinker, live } = await nodeAt({ config: { thinksInFlightMax: 256, dueQueueMax: 60 } });
    await live(1_020, 1_020);
    expect(loop.owner.table.capacity).toBe(50);
    expect(thinker.batches.flatMap(({ ids }) => ids).filter((id) => id.startsWith('gbt_o'))).toHaveLength(10);
    await live(6_000);
    expect(new Set(thinker.batches.flatMap(({ ids }) => ids)).size).toBe(110);
  });

  it('a wall clock that jumps back an hour lets nobody think twice and nobody wait an hour', async () => {
    const ids = await seedBots(db, { count: 20 });
    const fake = new FakeClock(start);
    let jump = 0;
    const clock = Object.assign(Object.create(fake) as FakeClock, {
      now: () => fake.now() + jump,
      monotonic: () => fake.monotonic(),
      after: fake.after.bind(fake),
      sleep: fake.sleep.bind(fake),
    });
    const { loop, thinker } = harness.node({ clock });
    await loop.start();
    await until(() => loop.health().restoring === null);
    const live = async (ms: number): Promise<void> => {
      for (let past = 0; past < ms; past += 1_000) {
        await fake.advance(1_000);
        await loop.owner.settled();
      }
    };
    await live(6 * minute);
    const before = (await world(db)).length;
    jump = -3_600_000;
    await live(6 * minute);
    expect((await world(db)).length).toBeGreaterThan(before * 1.5);
    expect((await world(db)).length).toBeLessThan(before * 2.5);
    const acts = await world(db);
    expect(new Set(acts.map((act) => act.thoughtId)).size).toBe(acts.length);
    for (const id of ids) expect((await row(id)).thinkNo).toBe(acts.filter((act) => act.botId === id).length);
    jump = 7_200_000;
    const calm = thinker.batches.length;
    await live(2 * minute);
    expect(thinker.batches.length - calm).toBeLessThan(60);
  });

  it('sleepers wake at their time, and bots that failed are tried again at theirs', async () => {
    const [sleeper = ''] = await seedBots(db, {
      count: 1,
      prefix: 's',
      state: 'sleeping',
      nextThinkAt: () => start + 60_000,
    });
    const [failed = ''] = await seedBots(db, { count: 1, prefix: 'f', state: 'error' });
    await db.query(
      sql`update gallery_bots set next_think_at = null, failures = 4, retry_at = to_timestamp(${(start + 30_000) / 1_000}) where id = ${failed}`,
    );
    const { live } = await nodeAt();
    await live(29_000, 1_000);
    expect((await row(failed)).state).toBe('error');
    await live(2_000);
    expect(await row(failed)).toMatchObject({ state: 'running', thinkNo: 1 });
    expect((await row(sleeper)).state).toBe('sleeping');
    await live(62_000, 500);
    expect(await row(sleeper)).toMatchObject({ state: 'running', thinkNo: 1 });
    expect(harness.told.map(({ type, botId }) => [type, botId])).toEqual([['woke', sleeper]]);
    expect(harness.emitted).toEqual([{ projectId: project, type: 'gallery.bot.woke', botId: sleeper }]);
  });
});

describe('commands meet thinks', () => {
  it('11, 12: started ten times at once there is one runner each', async () => {
    const ids = await seedBots(db, { count: 30, state: 'idle', desired: 'stopped' });
    const { loop, thinker, clock, live } = await nodeAt();
    await Promise.all(Array.from({ length: 10 }, () => command(db, loop, ids, 'start', clock.now())));
    await live(6 * minute, 1_000);
    expect(thinker.twice).toEqual([]);
    expect(loop.owner.table.roster.size).toBe(30);
    const acts = await world(db);
    for (const id of ids) {
      const mine = acts.filter((act) => act.botId === id).length;
      expect(mine).toBeGreaterThan(0);
      expect(mine).toBeLessThan(8);
    }
  });

  it('14: a pause between open and act drops it, nothing is sent; 17: so does a delete', async () => {
    for (const what of ['pause', 'delete'] as const) {
      const [id = ''] = await seedBots(db, { count: 1, prefix: what, nextThinkAt: () => start + 1_000 });
      let paused: { confirmed: boolean; inFlight: number } | undefined;
      const node = await nodeAt({
        tiny: {
          wire: async () => {
            paused = await command(db, node.loop, [id], what, start);
          },
        },
      });
      await node.live(1_500);
      expect(paused).toEqual({ confirmed: true, inFlight: 1 });
      expect(await world(db)).toEqual([]);
      expect(await db.query(sql`select state from gallery_actions where bot_id = ${id}`)).toEqual([
        { state: 'dropped' },
      ]);
      expect((await row(id)).state).toBe(what === 'pause' ? 'paused' : 'deleted');
      await node.live(10 * minute, 10_000);
      expect(node.thinker.batches).toHaveLength(1);
      expect(node.loop.owner.table.roster.size).toBe(0);
      await node.loop[Symbol.asyncDispose]();
    }
  });

  it('16: a stop during a model call ends it', async () => {
    const [id = ''] = await seedBots(db, { count: 1, nextThinkAt: () => start + 1_000 });
    const reasons: unknown[] = [];
    let asks = 0;
    const node = await nodeAt({
      tiny: {
        ponder: ({ signal }) =>
          new Promise((_, reject) => {
            asks += 1;
            signal.addEventListener('abort', () => {
              reasons.push((signal.reason as { reason?: string }).reason);
              reject(signal.reason as Error);
            });
          }),
      },
    });
    await node.clock.advance(1_020);
    await until(() => asks === 1);
    expect(await command(db, node.loop, [id], 'stop', start)).toMatchObject({ confirmed: true });
    await node.loop.owner.settled();
    expect(reasons).toEqual(['stopped']);
    expect(await world(db)).toEqual([]);
    expect(node.loop.owner.table.roster.size).toBe(0);
  });

  it('a wake during a think lets it think once more when that has ended, not beside it', async () => {
    const [id = ''] = await seedBots(db, { count: 1, nextThinkAt: () => start + 1_000 });
    let woken = false;
    const node = await nodeAt({
      tiny: {
        wire: async () => {
          if (woken) return;
          woken = true;
          await command(db, node.loop, [id], 'wake', start + 1_000);
        },
      },
    });
    await node.live(3_000);
    expect(node.thinker.batches).toHaveLength(2);
    expect(node.thinker.twice).toEqual([]);
  });

  it('a command that comes between the last commit of a think and its end is not lost', async () => {
    const [id = ''] = await seedBots(db, { count: 1, nextThinkAt: () => start + 1_000 });
    const node = await nodeAt();
    const think = node.thinker.think.bind(node.thinker);
    let woken = false;
    node.thinker.think = async (batch, at) => {
      const ends = await think(batch, at);
      if (!woken) {
        woken = true;
        await command(db, node.loop, [id], 'wake', at);
      }
      return ends;
    };
    await node.live(3_000);
    expect(node.thinker.batches).toHaveLength(2);
    expect(node.thinker.twice).toEqual([]);
  });

  it('any sequence of commands and times leaves at most one runner per bot', { timeout: 120_000 }, async () => {
    const verbs = ['start', 'pause', 'stop', 'wake', 'delete'] as const;
    const step = fc.record({
      do: fc.constantFrom(...verbs, 'live' as const),
      bots: fc.subarray([0, 1, 2, 3], { minLength: 1 }),
    });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        round += 1;
        const ids = await seedBots(db, { count: 4, prefix: `r${round}x`, state: 'idle', desired: 'stopped' });
        const node = await nodeAt({ nodeId: `node-${round}` });
        const pending: Promise<unknown>[] = [];
        for (const { do: verb, bots } of steps) {
          const chosen = bots.map((n) => ids[n] ?? '');
          if (verb === 'live') await node.live(20_000, 5_000);
          else pending.push(command(db, node.loop, chosen, verb, node.clock.now()));
          if (pending.length % 3 === 0) await Promise.all(pending);
        }
        await Promise.all(pending);
        await node.live(5_000, 1_000);
        expect(node.thinker.twice).toEqual([]);
        for (const id of ids) {
          const { state } = await row(id);
          const place = node.loop.owner.table.roster.placeOf(id);
          expect(place === undefined).toBe(state !== 'running');
          if (place !== undefined) expect(node.loop.owner.table.waits(place)).toBe(true);
        }
        await node.loop[Symbol.asyncDispose]();
      }),
      { numRuns: 12 },
    );
  });

  it('a throw of the thinking half is one pause, not the end', async () => {
    await seedBots(db, { count: 3, nextThinkAt: () => start + 1_000 });
    const { thinker, live, loop } = await nodeAt();
    const think = thinker.think.bind(thinker);
    let throws = true;
    thinker.think = (...given) => (throws ? Promise.reject(new Error('broken')) : think(...given));
    await live(1_500);
    expect(loop.owner.flights.size).toBe(0);
    throws = false;
    await live(12_000);
    expect(thinker.batches.flatMap(({ ids }) => ids)).toHaveLength(3);
  });
});

describe('gates', () => {
  it('what a think met shuts the target; it opens by itself, and nobody who waited bursts', async () => {
    await seedBots(db, { count: 60, nextThinkAt: (n) => start + 1_000 + n * 100 });
    let met = false;
    const { thinker, live } = await nodeAt({
      tiny: {
        result: () => {
          if (met) return undefined;
          met = true;
          return {
            againAt: start + 20_000,
            gate: { scope: 'target', state: 'sleeping', until: start + 60_000, reason: 'target_fleet_daily_budget' },
          };
        },
      },
    });
    await live(30_000);
    expect(await gate()).toBe('sleeping');
    const before = (await world(db)).length;
    expect(before).toBeLessThan(6);
    expect(await db.query(sql`select count(*)::int as n from gallery_bots where state <> 'running'`)).toEqual([
      { n: 0 },
    ]);
    await live(29_000);
    expect((await world(db)).length).toBe(before);
    const batches = thinker.batches.length;
    await live(32_000);
    expect(await gate()).toBe('open');
    expect((await world(db)).length).toBeGreaterThanOrEqual(before + 55);
    expect(Math.max(...thinker.batches.slice(batches).map(({ ids }) => ids.length))).toBeLessThan(15);
    expect(harness.told.filter(({ botId }) => botId === null).map(({ type }) => type)).toEqual(['slept', 'woke']);
  });

  it('a held gate waits for a person; a tripped one is tried, later each time, and opens when it answers', async () => {
    await seedBots(db, { count: 10, nextThinkAt: (n) => start + 1_000 + n * 1_000 });
    let well = false;
    const probes: number[] = [];
    const { loop, live, clock } = await nodeAt({
      probe: () => {
        probes.push(clock.now() - start);
        return Promise.resolve(well);
      },
    });
    await loop.setGate(project, 'sandbox', 'held', 'me', 'a look around');
    await live(40_000);
    expect(await world(db)).toEqual([]);
    expect(await gate()).toBe('held');
    await loop.setGate(project, 'sandbox', 'open', 'me', null);
    await live(31_000);
    expect((await world(db)).length).toBe(10);

    const lane = loop.owner.table.lanes.of(project, 'sandbox');
    await loop.owner.gates.shut(lane, { scope: 'target', state: 'tripped', until: null, reason: 'target_unreachable' });
    const at = clock.now() - start;
    await live(200_000, 1_000);
    expect(probes.map((probe) => Math.round((probe - at) / 10_000))).toEqual([3, 9]);
    expect(await gate()).toBe('tripped');
    const before = (await world(db)).length;
    well = true;
    await live(80_000, 1_000);
    expect(await gate()).toBe('open');
    expect((await world(db)).length).toBeGreaterThan(before);
    expect(harness.emitted.map(({ type }) => type)).toEqual([
      'gallery.target.held',
      'gallery.target.opened',
      'gallery.target.tripped',
      'gallery.target.opened',
    ]);
  });

  it('a target nobody acknowledged, and a share of 0, let nobody act; a share that moves reschedules at once', async () => {
    const ids = await seedBots(db, { count: 5, prefix: 'o', target: 'other' });
    await seedBots(db, { count: 5 });
    await db.query(sql`update gallery_targets set share = 0 where id = 'sandbox'`);
    const { loop, live } = await nodeAt();
    await live(6 * minute, 2_000);
    expect(await world(db)).toEqual([]);
    await db.query(sql`update gallery_targets set acknowledgement = '{}' where id = 'other'`);
    await db.query(sql`update gallery_targets set share = 1 where id = 'sandbox'`);
    await loop.changed(project, 'all');
    await loop.owner.settled();
    const other = await row(ids[0] ?? '');
    await live(6 * minute, 1_000);
    const acts = await world(db);
    expect(new Set(acts.map((act) => act.botId)).size).toBe(10);
    expect(other.nextThinkAt).not.toBeNull();
    const before = await Promise.all(ids.map(row));
    await db.query(sql`update gallery_targets set share = 0.01 where id = 'other'`);
    await loop.changed(project, 'all');
    await loop.owner.settled();
    const after = await Promise.all(ids.map(row));
    for (const [n, { nextThinkAt }] of after.entries())
      expect(nextThinkAt).toBeGreaterThan((before[n]?.nextThinkAt ?? 0) + 30 * minute);
  });
});

describe('the kill switch', () => {
  it('ends model calls, lets nobody act after the reply, and says what is on the wire', async () => {
    await seedBots(db, { count: 40, nextThinkAt: (n) => start + 1_000 + n * 50 });
    const { loop, live, clock, thinker } = await nodeAt({
      tiny: {
        ponder: ({ signal }) =>
          new Promise((resolve, reject) => {
            const timer = systemClock.after(30, resolve);
            signal.addEventListener('abort', () => (timer[Symbol.dispose](), reject(signal.reason as Error)));
          }),
      },
    });
    await clock.advance(2_000);
    const answer = await loop.panic(project, 'Ada', 'enough');
    expect(answer).toMatchObject({ stoppedAt: clock.now(), bots: 40, nodes: [{ id: 'node-a', confirmed: true }] });
    const acts = (await world(db)).length;
    await live(5 * minute, 1_000);
    expect((await world(db)).length).toBe(acts);
    expect(await db.query(sql`select gate, gate_reason, panic->>'by' as by from gallery_fleets`)).toEqual([
      { gate: 'held', gate_reason: 'panic', by: 'Ada' },
    ]);
    await expect(loop.setGate(project, 'sandbox', 'open', 'me', null)).rejects.toMatchObject({
      reason: 'fleet_panicked',
    });
    expect(harness.told.at(-1)).toMatchObject({ type: 'panic', message: 'Ada stopped the fleet: enough' });

    const quiet = thinker.batches.length;
    await loop.release(project, 'Ada', 'all is well', 'asBefore');
    await live(61_000);
    const moved = thinker.batches.slice(quiet).map(({ ids }) => ids.length);
    expect(moved.reduce((sum, n) => sum + n, 0)).toBeGreaterThanOrEqual(40);
    expect(Math.max(...moved)).toBeLessThan(8);

    await loop.panic(project, 'Ada', 'again');
    await loop.release(project, 'Ada', 'slowly', 'paused');
    expect(await db.query(sql`select distinct desired, state from gallery_bots`)).toEqual([
      { desired: 'paused', state: 'paused' },
    ]);
    expect(loop.owner.table.roster.size).toBe(0);
    expect(await db.query(sql`select gate, panic from gallery_fleets`)).toEqual([{ gate: 'open', panic: null }]);
  });

  it('of one project leaves the others alone', async () => {
    await seedProject(db, 'prj_two');
    await seedBots(db, { count: 5, nextThinkAt: () => start + 5_000 });
    await seedBots(db, { count: 5, prefix: 'two', projectId: 'prj_two', nextThinkAt: () => start + 5_000 });
    const { loop, live } = await nodeAt();
    await loop.panic(project, 'Ada', 'enough');
    await live(8_000);
    expect((await world(db)).map((act) => act.botId).every((id) => id.startsWith('gbt_two'))).toBe(true);
    expect(await world(db)).toHaveLength(5);
    await expect(loop.panic('prj_none', 'Ada', 'x')).rejects.toMatchObject({ reason: 'no_such_fleet' });
  });
});
