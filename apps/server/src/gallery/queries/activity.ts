import type { ActivityData, ActivityType } from '@muster/protocol';
import { newId } from '#kernel/base';
import { type Db, type Reader, sql, type Tx } from '#kernel/db';

export type NewActivity = {
  id?: string;
  projectId: string;
  botId: string | null;
  botName: string | null;
  personaId: string | null;
  type: ActivityType;
  message: string;
  /** Epoch ms. */
  at: number;
  thoughtId?: string;
  data?: ActivityData;
};

export type ActivityRow = {
  projectId: string;
  seq: number;
  id: string;
  botId: string | null;
  botName: string | null;
  personaId: string | null;
  type: ActivityType;
  message: string;
  at: Date;
  thoughtId: string | null;
  data: ActivityData;
};

/** Together with the transaction's next statement or its commit. A row whose id is there already is left as it is. */
export function insertActivities(tx: Tx, rows: readonly NewActivity[]): void {
  if (rows.length === 0) return;
  const each = <T>(read: (row: NewActivity) => T): T[] => rows.map(read);
  tx.send(sql`
    -- insert_activities: gallery_activity_id_key
    insert into gallery_activity (project_id, id, bot_id, bot_name, persona_id, type, message, at, thought_id, data)
    select r.project_id, r.id, r.bot_id, r.bot_name, r.persona_id, r.type, r.message,
      to_timestamp(r.at / 1000.0), r.thought_id, r.data::jsonb
    from unnest((select ${each((row) => row.projectId)}::text[]), (select ${each((row) => row.id ?? newId('activity'))}::text[]),
      (select ${each((row) => row.botId)}::text[]), (select ${each((row) => row.botName)}::text[]),
      (select ${each((row) => row.personaId)}::text[]), (select ${each((row) => row.type)}::text[]),
      (select ${each((row) => row.message.slice(0, 1_000))}::text[]), (select ${each((row) => row.at)}::double precision[]),
      (select ${each((row) => row.thoughtId ?? null)}::text[]), (select ${each((row) => JSON.stringify(row.data ?? {}))}::text[]))
      with ordinality r(project_id, id, bot_id, bot_name, persona_id, type, message, at, thought_id, data, n)
    order by r.n
    on conflict (id) do nothing`);
}

const columns = sql`
  project_id as "projectId", seq, id, bot_id as "botId", bot_name as "botName", persona_id as "personaId", type, message,
  at, thought_id as "thoughtId", data`;

/** Those of these ids that are kept, in the order of the feed. */
export async function activitiesOf(reader: Reader, projectId: string, ids: readonly string[]): Promise<ActivityRow[]> {
  return reader.query<ActivityRow>(sql`
    -- activities_of_thought: gallery_activity_id_key
    select ${columns} from gallery_activity
    where id = any((select ${ids}::text[])::text[]) and project_id = ${projectId} order by seq`);
}

/** The right to publish one project's feed until the transaction ends, and its oldest rows that wait. */
export async function takeUnpublished(tx: Tx, projectId: string, limit: number): Promise<ActivityRow[]> {
  tx.send(sql`select pg_advisory_xact_lock(hashtext('muster.gallery.feed'), hashtext(${projectId}))`);
  return tx.query<ActivityRow>(sql`
    -- take_unpublished: gallery_activity_unpublished
    select ${columns} from gallery_activity
    where project_id = ${projectId} and not published order by seq limit ${limit}`);
}

/** Together with the commit. */
export function markPublished(tx: Tx, projectId: string, seqs: readonly number[]): void {
  tx.send(sql`
    -- mark_published: gallery_activity_pkey
    update gallery_activity set published = true
    where project_id = ${projectId} and seq = any((select ${seqs}::bigint[])::bigint[])`);
}

/** Projects whose feed waits; a few of them. */
export async function unpublishedProjects(reader: Reader): Promise<string[]> {
  const rows = await reader.query<{ projectId: string }>(sql`
    -- unpublished_projects: gallery_activity_unpublished
    select distinct project_id as "projectId" from gallery_activity where not published limit 100`);
  return rows.map((row) => row.projectId);
}

export async function feedWaits(reader: Reader, projectId: string): Promise<boolean> {
  const rows = await reader.query(sql`
    -- feed_waits: gallery_activity_unpublished
    select 1 from gallery_activity where project_id = ${projectId} and not published limit 1`);
  return rows.length > 0;
}

export type ActivityFilter = {
  botId?: string | undefined;
  persona?: string | undefined;
  types?: readonly string[] | undefined;
  since?: Date | undefined;
};

/** Newest first, from before `seq`. */
export async function listActivity(
  reader: Reader,
  projectId: string,
  filter: ActivityFilter,
  page: { before: number | null; limit: number },
): Promise<ActivityRow[]> {
  const { botId = null, persona = null, types = null, since = null } = filter;
  if (botId !== null) {
    return reader.query<ActivityRow>(sql`
      -- list_activity_of_bot: gallery_activity_bot
      select ${columns} from gallery_activity
      where bot_id = ${botId} and project_id = ${projectId} and (${page.before}::bigint is null or seq < ${page.before})
        and (${types}::text[] is null or type = any(${types}::text[]))
        and (${persona}::text is null or persona_id = ${persona})
        and (${since}::timestamptz is null or at >= ${since})
      order by seq desc limit ${page.limit}`);
  }
  return reader.query<ActivityRow>(sql`
    -- list_activity: gallery_activity_pkey
    select ${columns} from gallery_activity
    where project_id = ${projectId} and (${page.before}::bigint is null or seq < ${page.before})
      and (${types}::text[] is null or type = any(${types}::text[]))
      and (${persona}::text is null or persona_id = ${persona})
      and (${since}::timestamptz is null or at >= ${since})
    order by seq desc limit ${page.limit}`);
}

/** In pieces, published rows only: what waits is not lost. */
export async function removeOldActivity(tx: Tx, before: Date, limit: number): Promise<number> {
  const rows = await tx.query(sql`
    -- remove_old_activity: gallery_activity_at
    delete from gallery_activity where (project_id, seq) in (
      select project_id, seq from gallery_activity where at < ${before} and published limit ${limit})
    returning 1`);
  return rows.length;
}

/** Everything that was committed before is on disk when it resolves, also what did not wait for that. */
export async function flushCommits(db: Pick<Db, 'transaction'>): Promise<void> {
  // A record of the WAL that nobody reads: its durable commit takes all before it along.
  await db.transaction((tx) =>
    tx.query(sql`
      -- flush_commits: no table
      select pg_logical_emit_message(true, 'muster', 'flush')`),
  );
}
