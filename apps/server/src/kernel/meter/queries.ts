import { type Db, type Reader, sql, type Tx } from '#kernel/db';
import { type UsageEntry, type UsageHour, type UsageTotal, type UsageWindow, usageHoursMax } from './meter.ts';

/** Together with the transaction's next statement or its commit. */
export function insertEntries(tx: Tx, entries: readonly UsageEntry[]): void {
  tx.send(sql`
    -- insert_usage: usage_entries_pkey decides whether an entry is new
    insert into usage_entries (source, part, project_id, meter, quantity, at, dimensions)
    select source, part, project_id, meter, quantity, at, dimensions::jsonb from unnest(
      ${entries.map((e) => e.source)}::text[], ${entries.map((e) => e.part)}::text[],
      ${entries.map((e) => e.projectId)}::text[], ${entries.map((e) => e.meter)}::text[],
      ${entries.map((e) => Math.round(e.quantity))}::bigint[], ${entries.map((e) => e.at)}::timestamptz[],
      ${entries.map((e) => JSON.stringify(e.dimensions ?? {}))}::text[]
    ) as e(source, part, project_id, meter, quantity, at, dimensions)
    on conflict (source, part) do nothing`);
}

/** Adds open entries to their hours; answers with how many. Several processes take different ones. */
export async function addToHours(db: Db, limit: number): Promise<number> {
  const rows = await db.query<{ counted: number }>(sql`
    -- add_usage_to_hours: usage_entries_open. Hours are written in one order, so that two processes never wait in a ring.
    with open as materialized (
      select ctid as place from usage_entries where not counted limit ${limit} for update skip locked),
    taken as (
      update usage_entries e set counted = true where e.ctid = any(array(select place from open))
      returning e.project_id, e.meter, date_trunc('hour', e.at, 'UTC') as hour, e.dimensions, e.quantity),
    sums as (
      select project_id, meter, hour, dimensions, sum(quantity)::bigint as quantity, count(*) as entries
        from taken group by project_id, meter, hour, dimensions order by project_id, meter, hour, dimensions),
    added as (
      insert into usage_hours as h (project_id, meter, hour, dimensions, quantity, entries) select * from sums
      on conflict (project_id, meter, hour, dimensions) do update
        set quantity = h.quantity + excluded.quantity, entries = h.entries + excluded.entries)
    select count(*) as counted from taken`);
  return rows[0]?.counted ?? 0;
}

export type Count = { projectId: string; meter: string; quantity: number; entries: number };

/** Adds counts to the present hour by the database's clock. */
export async function addCounts(db: Db, counts: readonly Count[]): Promise<void> {
  const sorted = counts.toSorted((a, b) => (`${a.projectId} ${a.meter}` < `${b.projectId} ${b.meter}` ? -1 : 1));
  await db.query(sql`
    -- add_counts: usage_hours_pkey
    insert into usage_hours as h (project_id, meter, hour, quantity, entries)
    select project_id, meter, date_trunc('hour', now(), 'UTC'), quantity, entries from unnest(
      ${sorted.map((c) => c.projectId)}::text[], ${sorted.map((c) => c.meter)}::text[],
      ${sorted.map((c) => c.quantity)}::bigint[], ${sorted.map((c) => c.entries)}::bigint[]
    ) as c(project_id, meter, quantity, entries)
    on conflict (project_id, meter, hour, dimensions) do update
      set quantity = h.quantity + excluded.quantity, entries = h.entries + excluded.entries`);
}

export async function readTotals(reader: Reader, window: UsageWindow): Promise<UsageTotal[]> {
  const { projectId, from, to, meters = null } = window;
  return await reader.query(sql`
    -- usage_totals: usage_hours_pkey, usage_entries_open. One statement, so no entry is seen in both or in neither.
    select meter, sum(quantity)::bigint as quantity, sum(entries)::bigint as entries from (
      select meter, hour, quantity, entries from usage_hours where project_id = ${projectId}
      union all
      select meter, date_trunc('hour', at, 'UTC'), quantity, 1 from usage_entries
       where project_id = ${projectId} and not counted) usage
     where hour >= date_trunc('hour', ${from}::timestamptz, 'UTC') and hour < date_trunc('hour', ${to}::timestamptz, 'UTC')
       and (${meters}::text[] is null or meter = any(${meters}::text[]))
     group by meter order by meter`);
}

export async function readHours(reader: Reader, window: UsageWindow): Promise<UsageHour[]> {
  const { projectId, from, to, meters = null } = window;
  return await reader.query(sql`
    -- usage_hours: usage_hours_pkey, usage_entries_open
    select hour, meter, dimensions, sum(quantity)::bigint as quantity, sum(entries)::bigint as entries from (
      select meter, hour, dimensions, quantity, entries from usage_hours where project_id = ${projectId}
      union all
      select meter, date_trunc('hour', at, 'UTC'), dimensions, quantity, 1 from usage_entries
       where project_id = ${projectId} and not counted) usage
     where hour >= date_trunc('hour', ${from}::timestamptz, 'UTC') and hour < date_trunc('hour', ${to}::timestamptz, 'UTC')
       and (${meters}::text[] is null or meter = any(${meters}::text[]))
     group by hour, meter, dimensions order by hour, meter, dimensions limit ${usageHoursMax}`);
}

/** Removes entries that are in their hour and older than wanted; answers with how many. */
export async function removeOldEntries(db: Db, olderThanMs: number, limit: number): Promise<number> {
  const rows = await db.query<{ removed: number }>(sql`
    -- remove_usage_entries: usage_entries_age, from its head
    with old as materialized (
      select ctid as place from usage_entries
       where at < now() - ${olderThanMs}::float8 * interval '1 ms' and counted
       order by at limit ${limit} for update skip locked),
    removed as (delete from usage_entries e where e.ctid = any(array(select place from old)) returning 1)
    select count(*) as removed from removed`);
  return rows[0]?.removed ?? 0;
}

export async function removeOldHours(db: Db, olderThanMs: number, limit: number): Promise<number> {
  const rows = await db.query<{ removed: number }>(sql`
    -- remove_usage_hours: usage_hours_age, from its head
    with old as materialized (
      select ctid as place from usage_hours where hour < now() - ${olderThanMs}::float8 * interval '1 ms'
       order by hour limit ${limit} for update skip locked),
    removed as (delete from usage_hours h where h.ctid = any(array(select place from old)) returning 1)
    select count(*) as removed from removed`);
  return rows[0]?.removed ?? 0;
}
