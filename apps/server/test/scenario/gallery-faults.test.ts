/*
 * `faults.each`: every mishap the sandbox can be told to have, for a simulated hour each, over a fleet that lives on. It
 * strikes now and then first, then every write, then everything. Afterwards the gallery is well again.
 */
import { type FaultKind, faultKinds } from '@muster/protocol';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { testDatabase } from '#test/database';
import { galleryHours, type Hours } from '#test/gallery-hours';
import { project } from '#test/gallery-thinking';

const database = await testDatabase();
const { db } = database;
beforeEach(() => database.wipe());
afterAll(() => database[Symbol.asyncDispose]());

const hour = 3_600_000;
/** The last day but one of a month: a day ends in 90 minutes, the month only after the 24 hours that are slept at most. */
const from = Date.UTC(2026, 4, 30, 22, 30);
const midnight = Date.UTC(2026, 4, 31);
const traits = {
  minIntervalMs: 180_000,
  maxIntervalMs: 360_000,
  timezone: 'UTC',
  curve: Array.from({ length: 7 }, () => Array.from({ length: 24 }, () => 1)),
};

/** What the mishap shuts at the end of the hour, and what opens it again. */
type Shuts =
  | 'nothing'
  | { gate: 'tripped' | 'held'; reason: string }
  | { gate: 'sleeping'; reason: string; wakes: 'midnight' | 'in a day' }
  | { bots: string; wake: 'midnight' | 'in a day' };
const unreachable: Shuts = { gate: 'tripped', reason: 'target_unreachable' };
const shuts: Record<FaultKind, Shuts> = {
  latency: 'nothing',
  nullFields: 'nothing',
  '429': unreachable,
  '503': unreachable,
  html502: unreachable,
  malformedJson: unreachable,
  truncated: unreachable,
  reset: unreachable,
  dropAfterCommit: unreachable,
  wrongShape: { gate: 'tripped', reason: 'target_contract' },
  fleetPaused: { gate: 'held', reason: 'target_fleet_paused' },
  fleetDaily: { gate: 'sleeping', reason: 'target_fleet_daily_budget', wakes: 'midnight' },
  fleetMonthly: { gate: 'sleeping', reason: 'target_fleet_monthly_budget', wakes: 'in a day' },
  agentDaily: { bots: 'target_agent_daily_limit', wake: 'midnight' },
  agentMonthly: { bots: 'target_agent_monthly_limit', wake: 'in a day' },
};

test.each(faultKinds)('faults.each: an hour of %s', { timeout: 60_000 }, async (kind) => {
  await using hours = await galleryHours(db, { bots: 12, from, traits });
  const { world, clock } = hours;
  for (const [writes, reads, tickMs] of [
    [0.5, 0.2, 60_000],
    [1, 0.2, 60_000],
    [1, 1, shuts[kind] === 'nothing' ? 60_000 : 5_000],
  ] as const) {
    const delayMs = kind === 'latency' ? 1_500 : 0;
    await world.sandbox.setFaults(project, [
      { kind, delayMs, match: { method: 'POST' }, probability: writes },
      { kind, delayMs, match: { method: 'GET' }, probability: reads },
    ]);
    await hours.pass(1 / 3, tickMs);
    expect(await errors()).toEqual([]);
  }
  await world.sandbox.setFaults(project, []);
  const wellAt = await shutAsItShould(hours, shuts[kind]);

  await hours.pass(Math.max(0, wellAt - clock.now()) / hour);
  const before = await done();
  await hours.pass(0.4);
  expect(await gateNow()).toMatchObject({ state: 'open' });
  expect(await done()).toBeGreaterThan(before + 5);
  expect(await errors()).toEqual([]);
  expect(world.failures).toEqual([]);
  await nothingDoubledOrLost();
});

/** Answers when everything must be well again. */
async function shutAsItShould(hours: Hours, shut: Shuts): Promise<number> {
  const { clock } = hours;
  const gate = await gateNow();
  if (shut === 'nothing') {
    expect(gate.state).toBe('open');
    expect(await done()).toBeGreaterThan(60);
    return clock.now();
  }
  const wakes = (until: number, wake: 'midnight' | 'in a day'): void => {
    if (wake === 'midnight') expect(Math.floor(until / 60_000) * 60_000).toBe(midnight);
    else expect(until - from).toSatisfy((ms: number) => ms > 24 * hour && ms <= 25 * hour);
  };
  if ('bots' in shut) {
    expect(gate.state).toBe('open');
    const bots = await hours.world.bots();
    for (const { state, reason, sleepUntil } of bots) {
      expect({ state, reason }).toEqual({ state: 'sleeping', reason: shut.bots });
      wakes(sleepUntil ?? 0, shut.wake);
    }
    return Math.max(...bots.map(({ sleepUntil }) => sleepUntil ?? 0));
  }
  expect(gate).toMatchObject({ state: shut.gate, reason: shut.reason });
  if (shut.gate === 'sleeping') wakes(gate.until ?? 0, shut.wakes);
  if (shut.gate !== 'held') return shut.gate === 'sleeping' ? (gate.until ?? 0) : clock.now() + 300_000;
  // No timer opens what people shut over there.
  const acts = await done();
  await hours.pass(1);
  expect(await gateNow()).toMatchObject({ state: 'held' });
  expect(await done()).toBe(acts);
  await hours.open();
  return clock.now();
}

async function gateNow(): Promise<{ state: string; until: number | null; reason: string | null }> {
  const [row] = await db.query<{ state: string; until: Date | null; reason: string | null }>(sql`
    select gate as state, gate_until as until, gate_reason as reason from gallery_targets where id = 'sandbox'`);
  return { state: '', reason: null, ...row, until: row?.until?.getTime() ?? null };
}

const errors = (): Promise<unknown[]> =>
  db.query(sql`select username, state, reason, failures from gallery_bots where state not in ('running', 'sleeping')`);

const done = async (): Promise<number> =>
  (await db.query<{ n: number }>(sql`select count(*)::int as n from gallery_actions where state = 'done'`))[0]?.n ?? 0;

/** Each act of the ledger is in the gallery once, and nothing there is unknown here. */
async function nothingDoubledOrLost(): Promise<void> {
  expect(await db.query(sql`select kind, outcome from gallery_actions where state in ('open', 'failed')`)).toEqual([]);
  const ledger = await db.query<{ act: string }>(sql`
    select case kind when 'like' then username || ' likes ' || item_id else remote_id end as act
      from gallery_actions join gallery_bots b on b.id = bot_id where gallery_actions.state = 'done'`);
  const there = await db.query<{ act: string }>(sql`
    select id as act from sandbox_items union all select id from sandbox_comments
    union all select a.username || ' likes ' || l.item_id from sandbox_likes l join sandbox_accounts a on a.id = l.account_id`);
  const known = new Set(ledger.map(({ act }) => act));
  expect(known.size, 'acts of the ledger that are one in the gallery').toBe(ledger.length);
  expect(
    there.filter(({ act }) => !known.delete(act)),
    'in the gallery, not in the ledger',
  ).toEqual([]);
  expect([...known], 'in the ledger, not in the gallery').toEqual([]);
}
