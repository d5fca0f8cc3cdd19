import { type Reader, sql, type Tx } from '#kernel/db';
import type { Crossing, ReserveOrder, Settle, Underestimate } from './budgets.ts';
import { type CounterKey, type Hold, type LockedCounter, nameOf } from './decide.ts';
import { type Period, spanOf } from './periods.ts';

/** Counters that are not there yet, with the transaction's next statement. */
export function ensureCounters(tx: Tx, keys: readonly CounterKey[]): void {
  tx.send(sql`
    -- ensure_budget_counters: budget_counters_pkey. In the order of the locks, so that two processes never wait in a ring.
    insert into budget_counters (project_id, scope, measure, period, starts_at)
    select k.project_id, k.scope, k.measure, k.period, k.starts_at from unnest(
      ${keys.map((k) => k.projectId)}::text[], ${keys.map((k) => k.scope)}::text[], ${keys.map((k) => k.measure)}::text[],
      ${keys.map((k) => k.period)}::text[], ${keys.map((k) => new Date(k.startsAt))}::timestamptz[]
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

/** Locked until the transaction ends, by their names; what their caps are is read behind it (`capsOf`). */
export async function lockCounters(tx: Tx, keys: readonly CounterKey[]): Promise<Map<string, LockedCounter>> {
  const rows = await tx.query<CounterRow & { reached_cap: number | null }>(sql`
    -- lock_budget_counters: budget_counters_pkey, locked in its order
    select c.project_id, c.scope, c.measure, c.period, c.starts_at, c.spent, c.reserved, c.reached_cap
      from unnest(
        ${keys.map((k) => k.projectId)}::text[], ${keys.map((k) => k.scope)}::text[],
        ${keys.map((k) => k.measure)}::text[], ${keys.map((k) => k.period)}::text[],
        ${keys.map((k) => new Date(k.startsAt))}::timestamptz[]
      ) as k(project_id, scope, measure, period, starts_at)
      join budget_counters c on c.project_id = k.project_id and c.scope = k.scope and c.measure = k.measure
       and c.period = k.period and c.starts_at = k.starts_at
     order by c.project_id, c.scope, c.period, c.starts_at, c.measure
       for update of c`);
  return new Map(
    rows.map((row) => {
      const counter = { ...viewOf(row), cap: null, ownCap: false, reachedCap: row.reached_cap };
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
      from unnest(${scopes.map((k) => k.projectId)}::text[], ${scopes.map((k) => k.scope)}::text[]) as k(project_id, scope)
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
    update budget_counters c set reserved = k.reserved, cap = k.cap, reached_cap = k.reached_cap
      from unnest(
        ${counters.map((k) => k.projectId)}::text[], ${counters.map((k) => k.scope)}::text[],
        ${counters.map((k) => k.measure)}::text[], ${counters.map((k) => k.period)}::text[],
        ${counters.map((k) => new Date(k.startsAt))}::timestamptz[], ${counters.map((k) => k.reserved)}::bigint[],
        ${counters.map((k) => k.cap)}::bigint[], ${counters.map((k) => k.reachedCap)}::bigint[]
      ) as k(project_id, scope, measure, period, starts_at, reserved, cap, reached_cap)
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
        ${granted.map((o) => o.id)}::text[], ${granted.map((o) => o.projectId)}::text[],
        ${granted.map((o) => o.owner)}::text[], ${granted.map((o) => o.leaseMs)}::float8[]
      ) as o(id, project_id, owner, lease_ms)
      left join (
        select h.id, array_agg(h.scope order by n) as scopes, array_agg(h.measure order by n) as measures,
               array_agg(h.period order by n) as periods, array_agg(h.starts_at order by n) as starts,
               array_agg(h.amount order by n) as amounts
          from unnest(
            ${rows.map((h) => h.id)}::text[], ${rows.map((h) => h.key.scope)}::text[],
            ${rows.map((h) => h.key.measure)}::text[], ${rows.map((h) => h.key.period)}::text[],
            ${rows.map((h) => new Date(h.key.startsAt))}::timestamptz[], ${rows.map((h) => h.amount)}::bigint[]
          ) with ordinality as h(id, scope, measure, period, starts_at, amount, n)
         group by h.id
      ) h on h.id = o.id`);
}

/** Moves what these reservations held from reserved to spent, by what was used, and removes them. */
export async function settleReservations(
  tx: Tx,
  settles: readonly (Settle & { unused?: boolean })[],
): Promise<{ settled: string[]; underestimates: Underestimate[]; crossed: Crossing[] }> {
  const used = settles.flatMap(({ id, used: by = {} }) =>
    Object.entries(by).map(([measure, amount]) => ({ id, measure, amount: Math.ceil(amount) })),
  );
  const unused = settles.flatMap((settle) => (settle.unused === true ? [settle.id] : []));
  const [row] = await tx.query<{
    settled: string[];
    underestimates: Underestimate[];
    crossed: {
      project_id: string;
      scope: string;
      measure: string;
      period: Period;
      starts_at: string;
      cap: number;
      spent: number;
    }[];
  }>(sql`
    -- settle_reservations: budget_reservations_pkey; budget_counters_pkey, locked in its order before any is moved.
    -- A cap that somebody put counts from now on; else the one that was reserved by.
    with gone as materialized (
      delete from budget_reservations r where r.id = any((select ${settles.map(({ id }) => id)}::text[])::text[])
      returning r.id, r.project_id, r.scopes, r.measures, r.periods, r.starts, r.amounts),
    holds as materialized (
      select g.id, g.project_id, h.scope, h.measure, h.period, h.starts_at, h.amount, 
             case when g.id = any((select ${unused}::text[])::text[]) then 0 else coalesce(u.amount, h.amount) end as used
        from gone g
       cross join unnest(g.scopes, g.measures, g.periods, g.starts, g.amounts) as h(scope, measure, period, starts_at, amount)
        left join unnest(
          ${used.map((u) => u.id)}::text[], ${used.map((u) => u.measure)}::text[], ${used.map((u) => u.amount)}::bigint[]
        ) as u(id, measure, amount) on u.id = g.id and u.measure = h.measure),
    sums as materialized (
      select project_id, scope, measure, period, starts_at, sum(amount)::bigint as reserved, sum(used)::bigint as used
        from holds group by project_id, scope, measure, period, starts_at),
    locked as materialized (
      select c.project_id, c.scope, c.measure, c.period, c.starts_at, c.warned_cap, s.reserved, s.used,
             case when b.project_id is null then c.cap else b.cap end as cap
        from sums s
        join budget_counters c on c.project_id = s.project_id and c.scope = s.scope and c.measure = s.measure
         and c.period = s.period and c.starts_at = s.starts_at
        left join budget_caps b on b.project_id = c.project_id and b.scope = c.scope and b.measure = c.measure
         and b.period = c.period
       order by c.project_id, c.scope, c.period, c.starts_at, c.measure
         for update of c),
    moved as (
      update budget_counters c
         set reserved = c.reserved - l.reserved, spent = c.spent + l.used, cap = l.cap,
             warned_cap = case when l.used > 0 and (c.spent + l.used) * 10 >= l.cap * 8 then l.cap else c.warned_cap end
        from locked l
       where c.project_id = l.project_id and c.scope = l.scope and c.measure = l.measure and c.period = l.period
         and c.starts_at = l.starts_at
      returning c.project_id, c.scope, c.measure, c.period, c.starts_at, c.cap, c.spent,
                c.warned_cap is distinct from l.warned_cap as crossed)
    select coalesce((select array_agg(id) from gone), '{}') as settled,
      coalesce((select jsonb_agg(distinct jsonb_build_object('id', id, 'measure', measure, 'reserved', amount, 'used', used))
                  from holds where used > amount), '[]') as underestimates,
      coalesce((select jsonb_agg(jsonb_build_object('project_id', project_id, 'scope', scope, 'measure', measure,
                  'period', period, 'starts_at', starts_at, 'cap', cap, 'spent', spent)) from moved where crossed), '[]')
        as crossed`);
  const { settled = [], underestimates = [], crossed = [] } = row ?? {};
  return {
    settled,
    underestimates,
    crossed: crossed.map(({ project_id, scope, measure, period, starts_at, cap, spent }) => {
      const span = spanOf(period, Date.parse(starts_at));
      return { kind: 'warned', projectId: project_id, scope, measure, period, ...span, cap, spent };
    }),
  };
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
      from unnest(${of.map((k) => k.projectId)}::text[], ${of.map((k) => k.scope)}::text[]) as k(project_id, scope)
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
      ${caps.map((k) => k.scope)}::text[], ${caps.map((k) => k.measure)}::text[], ${caps.map((k) => k.period)}::text[],
      ${caps.map((k) => k.cap)}::bigint[]
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
