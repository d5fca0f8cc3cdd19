import type { Attempt, BuildState, Failure } from '@muster/protocol';
import { type Reader, type Statement, sql } from '#kernel/db';
import type { BuildRow } from './build-row.ts';

export type AttemptRow = Omit<Attempt, 'startedAt' | 'endedAt' | 'failure'> & {
  startedAt: Date;
  endedAt: Date | null;
  failure: Failure | null;
};

export async function readAttempts(reader: Reader, buildId: string): Promise<AttemptRow[]> {
  return await reader.query<AttemptRow>(sql`
    -- read_attempts: build_attempts_pkey
    select a.term, a.worker_id as "workerId", w.name as "workerName", a.state, a.started_at as "startedAt",
           a.ended_at as "endedAt", a.outcome, a.failure, a.log_lines as "logLines", a.exit_code as "exitCode",
           case when a.state = 'held' then (extract(epoch from now() - a.started_at) * 1000)::bigint
                else a.worker_ms end as "workerMs"
      from build_attempts a left join workers w on w.id = a.worker_id
     where a.build_id = ${buildId} order by a.term`);
}

export async function readSentBytes(reader: Reader, buildId: string): Promise<number> {
  const [row] = await reader.query<{ bytes: number }>(sql`
    -- read_sent_bytes: build_transfers_pkey
    select sent_bytes as bytes from build_transfers where build_id = ${buildId}`);
  return row?.bytes ?? 0;
}

export type BuildFilter = {
  states?: readonly BuildState[];
  queue?: string;
  platform?: string;
  /** A tag's name, with or without the value it must have. */
  tag?: { name: string; value?: string };
  worker?: string;
  key?: string;
  since?: Date;
  until?: Date;
  ids?: readonly string[];
  attribution?: string;
  failureCode?: string;
  retried?: boolean;
  /** Part of a name, or the beginning of an id. */
  q?: string;
  /** Ids in this range hold everything between `since` and `until`; keeps the scan short. */
  idFrom?: string;
  idTo?: string;
};

/** Newest builds that match, older than `before`, looked for among about `scanMax` rows. */
export async function listBuilds(
  reader: Reader,
  projectId: string,
  filter: BuildFilter,
  page: { before?: string; limit: number; scanMax?: number },
): Promise<BuildRow[]> {
  const scanned =
    page.scanMax === undefined
      ? sql``
      : sql`and id >= coalesce((${scanEnd(projectId, filter, page.before, page.scanMax)}), '')`;
  return await reader.query<BuildRow>(sql`
    -- list_builds: builds_newest or builds_by_state, read from the new end; with a tag also build_specs_tags
    select * from build_rows where ${matches(projectId, filter)} ${before(page.before)} ${scanned}
     order by id desc limit ${page.limit}`);
}

/** The last id a scan of `scanMax` rows looks at; nothing when there are fewer. */
const scanEnd = (
  projectId: string,
  filter: BuildFilter,
  beforeId: string | undefined,
  scanMax: number,
): Statement => sql`
  select b.id from builds b where b.project_id = ${projectId}
    and b.id >= ${filter.idFrom ?? ''} and b.id < coalesce(${beforeId ?? null}, ${filter.idTo ?? null}, '~')
   order by b.id desc offset ${scanMax} limit 1`;

export async function readScanEnd(
  reader: Reader,
  projectId: string,
  filter: BuildFilter,
  page: { before?: string; scanMax: number },
): Promise<string | undefined> {
  const [end] = await reader.query<{ id: string }>(sql`
    -- scan_end: builds_newest, index only
    ${scanEnd(projectId, filter, page.before, page.scanMax)}`);
  return end?.id;
}

/** Ids that match, newest first, at most `limit`. */
export async function matchingIds(
  reader: Reader,
  projectId: string,
  filter: BuildFilter,
  limit: number,
): Promise<string[]> {
  const rows = await reader.query<{ id: string }>(sql`
    -- matching_ids: builds_newest or builds_by_state
    select id from build_rows where ${matches(projectId, filter)} order by id desc limit ${limit}`);
  return rows.map((row) => row.id);
}

/** How many match, at most `limit`. */
export async function countBuilds(
  reader: Reader,
  projectId: string,
  filter: BuildFilter,
  limit: number,
): Promise<number> {
  const [row] = await reader.query<{ count: number }>(sql`
    -- count_builds: builds_newest or builds_by_state, read from the new end
    select count(*)::integer as count from (
      select 1 from build_rows where ${matches(projectId, filter)} order by id desc limit ${limit}) b`);
  return row?.count ?? 0;
}

const before = (id: string | undefined): Statement => (id === undefined ? sql`` : sql`and id < ${id}`);

function matches(projectId: string, filter: BuildFilter): Statement {
  const { states, queue, platform, tag, worker, key, since, until, attribution, failureCode, retried, q } = filter;
  const { ids, idFrom, idTo } = filter;
  return sql`"projectId" = ${projectId}
    ${states ? sql`and state = any(${states}::text[])` : sql``}
    ${queue === undefined ? sql`` : sql`and queue = ${queue}`}
    ${platform === undefined ? sql`` : sql`and platform = ${platform}`}
    ${tag === undefined ? sql`` : hasTag(tag)}
    ${worker === undefined ? sql`` : sql`and id in (select a.build_id from build_attempts a where a.worker_id = ${worker})`}
    ${key === undefined ? sql`` : sql`and ckey = ${key}`}
    ${since === undefined ? sql`` : sql`and "submittedAt" >= ${since}`}
    ${until === undefined ? sql`` : sql`and "submittedAt" < ${until}`}
    ${idFrom === undefined ? sql`` : sql`and id >= ${idFrom}`}
    ${idTo === undefined ? sql`` : sql`and id < ${idTo}`}
    ${ids === undefined ? sql`` : sql`and id = any(${ids}::text[])`}
    ${attribution === undefined ? sql`` : sql`and failure ->> 'attribution' = ${attribution}`}
    ${failureCode === undefined ? sql`` : sql`and failure ->> 'code' = ${failureCode}`}
    ${retried === true ? sql`and term >= 2` : sql``}
    ${q === undefined ? sql`` : sql`and (starts_with(id, ${q}) or strpos(lower(name), lower(${q})) > 0)`}`;
}

/** A tag with a value goes through the index; a name alone is looked for in the rows. */
const hasTag = (tag: { name: string; value?: string }): Statement =>
  tag.value === undefined
    ? sql`and tags ? ${tag.name}`
    : sql`and tags @> ${JSON.stringify({ [tag.name]: tag.value })}::jsonb`;

export async function readVersion(
  reader: Reader,
  id: string,
): Promise<{ version: number; state: BuildState } | undefined> {
  const [row] = await reader.query<{ version: number; state: BuildState }>(sql`
    -- read_version: builds_pkey
    select version, state from builds where id = ${id}`);
  return row;
}
