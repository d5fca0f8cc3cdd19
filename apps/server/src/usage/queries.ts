import type { PriceRule, UsageStep, WeekStart } from '@muster/protocol';
import { type Reader, type Statement, sql, type Tx } from '#kernel/db';

export type BucketStart = { start: Date; label: string };

const unitOf = (by: Exclude<UsageStep, 'hour'>): Statement =>
  by === 'day' ? sql`'day'` : by === 'week' ? sql`'week'` : sql`'month'`;
const stepOf = (by: Exclude<UsageStep, 'hour'>): Statement =>
  by === 'day' ? sql`interval '1 day'` : by === 'week' ? sql`interval '7 days'` : sql`interval '1 month'`;
const labelOf = (by: Exclude<UsageStep, 'hour'>): Statement => (by === 'month' ? sql`'YYYY-MM'` : sql`'YYYY-MM-DD'`);
/** How many days before Monday a week begins. */
const daysBack: Readonly<Record<WeekStart, number>> = { monday: 0, sunday: 1, saturday: 2 };

/** Where local days, weeks or months begin: by the calendar of the zone, so a day may have 23 or 25 hours. */
export async function readLocalStarts(
  reader: Reader,
  range: { from: Date; to: Date; by: Exclude<UsageStep, 'hour'>; tz: string; weekStart: WeekStart },
): Promise<BucketStart[]> {
  const { from, to, by, tz, weekStart } = range;
  const back = by === 'week' ? daysBack[weekStart] : 0;
  return reader.query<BucketStart>(sql`
    -- read_local_starts: no table
    with zone as (select ${tz}::text as name, ${back}::int * interval '1 day' as back)
    select local at time zone zone.name as start, to_char(local, ${labelOf(by)}) as label
      from zone, lateral (select date_trunc(${unitOf(by)}, (${from}::timestamptz at time zone zone.name) + zone.back) - zone.back as first) f,
           generate_series(f.first, ${to}::timestamptz at time zone zone.name, ${stepOf(by)}) local
     where local at time zone zone.name < ${to}::timestamptz
     order by 1`);
}

/** Hours are those of the sums, whole hours of UTC; their label is local. */
export async function readHourStarts(
  reader: Reader,
  range: { from: Date; to: Date; tz: string },
): Promise<BucketStart[]> {
  const { from, to, tz } = range;
  return reader.query<BucketStart>(sql`
    -- read_hour_starts: no table
    select start, to_char(start at time zone ${tz}::text, 'YYYY-MM-DD"T"HH24:MI') as label
      from generate_series(date_trunc('hour', ${from}::timestamptz, 'UTC'), ${to}::timestamptz, interval '1 hour') start
     where start < ${to}::timestamptz order by 1`);
}

/** An instant by the clock on a wall of that zone, such as `2026-03-29T00:00:00`. */
export async function readInstants(reader: Reader, walls: readonly string[], tz: string): Promise<Date[]> {
  const rows = await reader.query<{ at: Date }>(sql`
    -- read_instants: no table
    select w.wall::timestamp at time zone ${tz}::text as at
      from unnest(${walls}::text[]) with ordinality w(wall, n) order by w.n`);
  return rows.map(({ at }) => at);
}

export type SegmentSum = {
  /** 1 for what begins at the first bound, 0 for what lies before it. */
  segment: number;
  meter: string;
  dimensions: Readonly<Record<string, string>>;
  quantity: number;
  entries: number;
};

/** Sums between the bounds by meter and dimensions, entries that are not in their hour yet included. */
export async function sumUsage(
  reader: Reader,
  wanted: {
    projectId: string;
    meters: readonly string[];
    from: Date;
    to: Date;
    bounds: readonly Date[];
    limit: number;
  },
): Promise<SegmentSum[]> {
  const { projectId, meters, from, to, bounds, limit } = wanted;
  return reader.query<SegmentSum>(sql`
    -- sum_usage: usage_hours_pkey, usage_entries_open. One statement, so no entry is seen in both or in neither.
    select width_bucket(hour, ${bounds}::timestamptz[])::int as segment, meter, dimensions, sum(quantity)::bigint as quantity,
           sum(entries)::bigint as entries
      from (
        select hour, meter, dimensions, quantity, entries from usage_hours
         where project_id = ${projectId} and meter = any(${meters}::text[])
           and hour >= date_trunc('hour', ${from}::timestamptz, 'UTC') and hour < ${to}
        union all
        select date_trunc('hour', at, 'UTC'), meter, dimensions, quantity, 1 from usage_entries
         where project_id = ${projectId} and meter = any(${meters}::text[]) and not counted
           and at >= date_trunc('hour', ${from}::timestamptz, 'UTC') and at < ${to}) u
     group by 1, 2, 3 order by 1, 2, 3 limit ${limit}`);
}

export type PriceTable = { version: number; rules: PriceRule[]; createdAt: Date; createdBy: string };

export async function readPrices(reader: Reader): Promise<PriceTable | undefined> {
  const [row] = await reader.query<PriceTable>(sql`
    -- read_prices: prices_pkey
    select version, rules, created_at as "createdAt", created_by as "createdBy" from prices order by version desc limit 1`);
  return row;
}

/** Two that come at once: the second finds its number taken. */
export async function insertPrices(
  tx: Tx,
  table: { version: number; rules: readonly PriceRule[]; at: Date; by: string },
): Promise<boolean> {
  const rows = await tx.query(sql`
    -- insert_prices: prices_pkey
    insert into prices (version, rules, created_at, created_by)
    values (${table.version}, ${JSON.stringify(table.rules)}::jsonb, ${table.at}, ${table.by})
    on conflict (version) do nothing returning version`);
  return rows.length > 0;
}

export async function removeOldPrices(tx: Tx, kept: number): Promise<void> {
  await tx.query(sql`
    -- remove_old_prices: prices_pkey
    delete from prices where version <= (select max(version) from prices) - ${kept}::int`);
}
