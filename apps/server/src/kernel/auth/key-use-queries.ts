import { type Reader, sql, type Tx } from '#kernel/db';

/** One answered call of a key. */
export type KeyUse = {
  at: Date;
  method: string;
  route: string;
  status: number;
  ms: number;
  address: string;
  requestId: string;
};
export type KeyUseRow = KeyUse & { id: number };

export async function touchKeys(tx: Tx, keys: readonly { keyId: string; address: string | null }[]): Promise<void> {
  await tx.query(sql`
    -- touch_keys: primary key
    update api_keys set last_used_at = now(), last_used_address = coalesce(u.address, last_used_address)
    from unnest(${keys.map(({ keyId }) => keyId)}::text[], ${keys.map(({ address }) => address)}::text[]) u(id, address)
    where api_keys.id = u.id`);
}

export async function addKeyHours(
  tx: Tx,
  counts: readonly { keyId: string; total: number; failed: number }[],
): Promise<void> {
  await tx.query(sql`
    -- add_key_hours: primary key
    insert into key_hours (key_id, hour, requests, failed)
    select id, date_trunc('hour', now()), total, failed
    from unnest(${counts.map(({ keyId }) => keyId)}::text[], ${counts.map(({ total }) => total)}::bigint[],
      ${counts.map(({ failed }) => failed)}::bigint[]) c(id, total, failed)
    order by id
    on conflict (key_id, hour) do update set requests = key_hours.requests + excluded.requests, failed = key_hours.failed + excluded.failed`);
}

export async function insertKeyRequests(tx: Tx, rows: readonly (KeyUse & { keyId: string })[]): Promise<void> {
  await tx.query(sql`
    -- insert_key_requests: primary key
    insert into key_requests (key_id, at, method, route, status, ms, address, request_id)
    select * from unnest(${rows.map(({ keyId }) => keyId)}::text[], ${rows.map(({ at }) => at)}::timestamptz[],
      ${rows.map(({ method }) => method)}::text[], ${rows.map(({ route }) => route)}::text[],
      ${rows.map(({ status }) => status)}::integer[], ${rows.map(({ ms }) => ms)}::real[],
      ${rows.map(({ address }) => address)}::text[], ${rows.map(({ requestId }) => requestId)}::text[])`);
}

export type KeyCount = { keyId: string; total: number; failed: number };

/** What these keys did in the last 24 hours; those that did nothing are not there. */
export async function countKeyUses(reader: Reader, keyIds: readonly string[]): Promise<KeyCount[]> {
  return reader.query<KeyCount>(sql`
    -- count_key_uses: primary key (key_id, hour)
    select key_id as "keyId", sum(requests)::float8 as total, sum(failed)::float8 as failed from key_hours
    where key_id = any(${keyIds}) and hour > now() - interval '24 hours' group by key_id`);
}

/** The last kept calls of a key, newest first, from before `before`. */
export async function listKeyUses(
  reader: Reader,
  keyId: string,
  before: number | null,
  limit: number,
): Promise<KeyUseRow[]> {
  return reader.query<KeyUseRow>(sql`
    -- list_key_uses: index key_requests_key (key_id, id desc)
    select id::float8 as id, at, method, route, status, ms::float8 as ms, address, request_id as "requestId"
    from key_requests where key_id = ${keyId} and (${before}::bigint is null or id < ${before}) order by id desc limit ${limit}`);
}

/** Old hours, calls older than a day, and of each key what lies behind its newest. */
export async function sweepKeyUses(tx: Tx, keep: number, rows: number): Promise<number> {
  await tx.query(sql`
    -- sweep_key_uses: index key_hours_hour
    delete from key_hours where hour < now() - interval '26 hours'`);
  const gone = await tx.query(sql`
    -- sweep_key_uses: index key_requests_at; of each key by key_requests_key
    delete from key_requests where id = any (array(
      select r.id from (
        select id, at, row_number() over (partition by key_id order by id desc) as n from key_requests) r
      where r.n > ${keep} or r.at < now() - interval '1 day' limit ${rows})) returning 1`);
  return gone.length;
}
