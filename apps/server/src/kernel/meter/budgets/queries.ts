import { type Reader, sql, type Tx } from '#kernel/db';
import type { ReserveOrder } from './budgets.ts';
import { type CounterKey, type Hold, type LockedCounter, nameOf } from './decide.ts';
import { type Period, spanOf } from './periods.ts';

/** Counters that are not there yet, with the transaction's next statement. */
export function ensureCounters(tx: Tx, keys: readonly CounterKey[]): void {
  tx.send(sql`
    -- ensure_budget_counters: budget_counters_pkey. In the order of the locks, so that two processes never wait in a ring.
    insert into budget_counters (project_id, scope, measure, period, starts_at)
    select k.project_id, k.scope, k.measure, k.period, k.starts_at from unnest(
      (select ${keys.map((k) => k.projectId)}::text[]), (select ${keys.map((k) => k.scope)}::text[]), (select ${keys.map((k) => k.measure)}::text[]),
      (select ${keys.map((k) => k.period)}::text[]), (select ${keys.map((k) => new Date(k.startsAt))}::timestamptz[])
    ) as k(project_id, scope, measure, period, starts_at)
    order by k.project_id, k.scope collate "C", k.period collate "C", k.starts_at, k.measure collate "C"
    on conflict do nothing`);
}

type CounterRow = {
  project_id: string;
  scope: string;
  measure: string;
  period: Period;
  starts_at: Date;
  spent: number;
  reserved: number;
};
type LockedRow = CounterRow & { cap: number | null; warned_cap: number | null; reached_cap: number | null };

/** Locked until the transaction ends, by their names; what their caps are is read behind it (`capsOf`). */
export async function lockCounters(tx: Tx, keys: readonly CounterKey[]): Promise<Map<string, LockedCounter>> {
  const rows = await tx.query<LockedRow>(sql`
    -- lock_budget_counters: budget_counters_pkey, locked in its order
    select c.project_id, c.scope, c.measure, c.period, c.starts_at, c.spent, c.reserved, c.cap, c.warned_cap, c.reached_cap
      from unnest(
        (select ${keys.map((k) => k.projectId)}::text[]), (select ${keys.map((k) => k.scope)}::text[]),
        (select ${keys.map((k) => k.measure)}::text[]), (select ${keys.map((k) => k.period)}::text[]),
        (select ${keys.map((k) => new Date(k.startsAt))}::timestamptz[])
      ) as k(project_id, scope, measure, period, starts_at)
      join budget_counters c on c.project_id = k.project_id and c.scope = k.scope and c.measure = k.measure
       and c.period = k.period and c.starts_at = k.starts_at
     order by c.project_id, c.scope, c.period, c.starts_at, c.measure
       for update of c`);
  return new Map(
    rows.map((row) => {
      const { cap, warned_cap: warnedCap, reached_cap: reachedCap } = row;
      const counter = { ...viewOf(row), cap, ownCap: false, warnedCap, reachedCap };
      return [nameOf(counter), counter];
    }),
  );
}

/**
 * The caps somebody put on these scopes. Asked behind the locks, in a statement of its own: who waited for a lock sees a
 * cap that was lowered meanwhile.
 */
export async function capsOf(
  tx: Tx,
  keys: readonly CounterKey[],
): Promise<{ project_id: string; scope: string; measure: string; period: Period; cap: number | null }[]> {
  const scopes = [...new Map(keys.map((key) => [`${key.projectId} ${key.scope}`, key])).values()];
  return await tx.query(sql`
    -- budget_caps_of: budget_caps_pkey
    select b.project_id, b.scope, b.measure, b.period, b.cap
      from unnest((select ${scopes.map((k) => k.projectId)}::text[]), (select ${scopes.map((k) => k.scope)}::text[])) as k(project_id, scope)
      join budget_caps b on b.project_id = k.project_id and b.scope = k.scope`);
}

const viewOf = (row: CounterRow): CounterKey & { spent: number; reserved: number } => {
  const startsAt = row.starts_at.getTime();
  return {
    projectId: row.project_id,
    scope: row.scope,
    measure: row.measure,
    period: row.period,
    startsAt,
    endsAt: spanOf(row.period, startsAt).endsAt,
    spent: row.spent,
    reserved: row.reserved,
  };
};

export async function openReservations(tx: Tx, ids: readonly string[]): Promise<Set<string>> {
  const rows = await tx.query<{ id: string }>(sql`
    -- open_reservations: budget_reservations_pkey
    select id from budget_reservations where id = any((select ${ids}::text[])::text[])`);
  return new Set(rows.map(({ id }) => id));
}

/** Counters as they were decided on: they are locked, so plain values do. */
export function writeCounters(tx: Tx, counters: readonly LockedCounter[]): void {
  tx.send(sql`
    -- write_budget_counters: budget_counters_pkey
    update budget_counters c set spent = k.spent, reserved = k.reserved, cap = k.cap, warned_cap = k.warned_cap,
           reached_cap = k.reached_cap
      from unnest(
        (select ${counters.map((k) => k.projectId)}::text[]), (select ${counters.map((k) => k.scope)}::text[]),
        (select ${counters.map((k) => k.measure)}::text[]), (select ${counters.map((k) => k.period)}::text[]),
        (select ${counters.map((k) => new Date(k.startsAt))}::timestamptz[]), (select ${counters.map((k) => k.spent)}::bigint[]),
        (select ${counters.map((k) => k.reserved)}::bigint[]), (select ${counters.map((k) => k.cap)}::bigint[]),
        (select ${counters.map((k) => k.warnedCap)}::bigint[]), (select ${counters.map((k) => k.reachedCap)}::bigint[])
      ) as k(project_id, scope, measure, period, starts_at, spent, reserved, cap, warned_cap, reached_cap)
     where c.project_id = k.project_id and c.scope = k.scope and c.measure = k.measure and c.period = k.period
       and c.starts_at = k.starts_at`);
}

export function insertReservations(tx: Tx, orders: readonly ReserveOrder[], holds: ReadonlyMap<string, Hold[]>): void {
  const granted = [...new Map(orders.flatMap((order) => (holds.has(order.id) ? [[order.id, order]] : []))).values()];
  const rows = granted.flatMap(({ id }) => (holds.get(id) ?? []).map(({ key, amount }) => ({ id, key, amount })));
  tx.send(sql`
    -- insert_reservations
    insert into budget_reservations (id, project_id, owner, expires_at, scopes, measures, periods, starts, amounts)
    select o.id, o.project_id, o.owner, now() + o.lease_ms * interval '1 ms',
           coalesce(h.scopes, '{}'), coalesce(h.measures, '{}'), coalesce(h.periods, '{}'), coalesce(h.starts, '{}'),
           coalesce(h.amounts, '{}')
      from unnest(
        (select ${granted.map((o) => o.id)}::text[]), (select ${granted.map((o) => o.projectId)}::text[]),
        (select ${granted.map((o) => o.owner)}::text[]), (select ${granted.map((o) => o.leaseMs)}::float8[])
      ) as o(id, project_id, owner, lease_ms)
      left join (
        select h.id, array_agg(h.scope order by n) as scopes, array_agg(h.measure order by n) as measures,
               array_agg(h.period order by n) as periods, array_agg(h.starts_at order by n) as starts,
               array_agg(h.amount order by n) as amounts
          from unnest(
            (select ${rows.map((h) => h.id)}::text[]), (select ${rows.map((h) => h.key.scope)}::text[]),
            (select ${rows.map((h) => h.key.measure)}::text[]), (select ${rows.map((h) => h.key.period)}::text[]),
            (select ${rows.map((h) => new Date(h.key.startsAt))}::timestamptz[]), (select ${rows.map((h) => h.amount)}::bigint[])
          ) with ordinality as h(id, scope, measure, period, starts_at, amount, n)
         group by h.id
      ) h on h.id = o.id`);
}

/** What one reservation held, by the counters' names. */
export type Held = { id: string; holds: { key: CounterKey; amount: number }[] };

/** Takes reservations away; answers what those that were there held. */
export async function takeReservations(tx: Tx, ids: readonly string[]): Promise<Held[]> {
  const rows = await tx.query<{
    id: string;
    project_id: string;
    scopes: string[];
    measures: string[];
    periods: Period[];
    starts: Date[];
    amounts: number[];
  }>(sql`
    -- take_reservations: budget_reservations_pkey
    delete from budget_reservations where id = any((select ${ids}::text[])::text[])
    returning id, project_id, scopes, measures, periods, starts, amounts`);
  return rows.map(({ id, project_id: projectId, scopes, measures, periods, starts, amounts }) => ({
    id,
    holds: scopes.flatMap((scope, n) => {
      const [measure, period, start, amount] = [measures[n], periods[n], starts[n], amounts[n]];
      if (measure === undefined || period === undefined || start === undefined || amount === undefined) return [];
      return [{ key: { projectId, scope, measure, period, ...spanOf(period, start.getTime()) }, amount }];
    }),
  }));
}

/** Locks those whose lease is over and nobody is settling; oldest first. */
export async function lockExpired(tx: Tx, limit: number): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(sql`
    -- expired_reservations: budget_reservations_expiry, from its head
    select id from budget_reservations where expires_at < now() order by expires_at limit ${limit} for update skip locked`);
  return rows.map(({ id }) => id);
}

export async function readCounters(
  reader: Reader,
  at: number,
  of: readonly { projectId: string; scope: string }[],
): Promise<(CounterKey & { spent: number; reserved: number })[]> {
  const rows = await reader.query<CounterRow>(sql`
    -- read_budget_counters: budget_counters_pkey, one probe for each scope and period
    select c.project_id, c.scope, c.measure, c.period, c.starts_at, c.spent, c.reserved
      from unnest((select ${of.map((k) => k.projectId)}::text[]), (select ${of.map((k) => k.scope)}::text[])) as k(project_id, scope)
     cross join (values ('day', ${new Date(spanOf('day', at).startsAt)}::timestamptz),
                        ('month', ${new Date(spanOf('month', at).startsAt)}::timestamptz)) as p(period, starts_at)
      join budget_counters c on c.project_id = k.project_id and c.scope = k.scope and c.period = p.period
       and c.starts_at = p.starts_at`);
  return rows.map(viewOf);
}

export type CapRow = { scope: string; measure: string; period: Period; cap: number | null };

export async function readCaps(
  reader: Reader,
  projectId: string,
  scope: string | null,
  limit: number,
): Promise<CapRow[]> {
  return await reader.query<CapRow>(sql`
    -- read_budget_caps: budget_caps_pkey
    select scope, measure, period, cap from budget_caps
     where project_id = ${projectId} and (${scope}::text is null or scope = ${scope}::text)
     order by scope, period, measure limit ${limit}`);
}

export function upsertCaps(tx: Tx, projectId: string, caps: readonly CapRow[], at: number): void {
  tx.send(sql`
    -- upsert_budget_caps: budget_caps_pkey, in its order
    insert into budget_caps (project_id, scope, measure, period, cap, updated_at)
    select ${projectId}, k.scope, k.measure, k.period, k.cap, ${new Date(at)}::timestamptz from unnest(
      (select ${caps.map((k) => k.scope)}::text[]), (select ${caps.map((k) => k.measure)}::text[]), (select ${caps.map((k) => k.period)}::text[]),
      (select ${caps.map((k) => k.cap)}::bigint[])
    ) as k(scope, measure, period, cap)
    order by k.scope collate "C", k.period collate "C", k.measure collate "C"
    on conflict (project_id, scope, period, measure) do update set cap = excluded.cap, updated_at = excluded.updated_at`);
}

export function deleteCaps(tx: Tx, projectId: string, scope: string): void {
  tx.send(sql`
    -- delete_budget_caps: budget_caps_pkey
    delete from budget_caps where project_id = ${projectId} and scope = ${scope}`);
}

/** Removes counters of periods long over that hold nothing; answers with how many. */
export async function removeOldCounters(
  tx: Tx,
  before: { day: number; month: number },
  limit: number,
): Promise<number> {
  const rows = await tx.query<{ removed: number }>(sql`
    -- remove_budget_counters: budget_counters_age, from its heads
    with old as materialized (
      select ctid as place from budget_counters
       where ((period = 'day' and starts_at < ${new Date(before.day)}::timestamptz)
           or (period = 'month' and starts_at < ${new Date(before.month)}::timestamptz)) and reserved = 0
       limit ${limit} for update skip locked),
    removed as (delete from budget_counters c where c.ctid = any(array(select place from old)) returning 1)
    select count(*) as removed from removed`);
  return rows[0]?.removed ?? 0;
}
