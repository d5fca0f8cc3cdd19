import { type Reader, sql } from '#kernel/db';

/* What the overview, the search and the first steps ask of the gallery. Each is one statement of one project. */

export type ActSteps = { step: number; started: number; finished: number; failed: number };

/** Acts in each step after `from`, by when they were begun. */
export async function readActSteps(reader: Reader, projectId: string, from: Date, stepMs: number): Promise<ActSteps[]> {
  return reader.query<ActSteps>(sql`
    -- read_act_steps: gallery_actions_project
    select floor(extract(epoch from opened_at - ${from}::timestamptz) * 1000 / ${stepMs}::float8)::int as step,
           count(*)::int as started, count(*) filter (where state <> 'open')::int as finished,
           count(*) filter (where state = 'failed')::int as failed
      from gallery_actions where project_id = ${projectId} and opened_at >= ${from} group by 1 order by 1`);
}

export async function readActsSince(reader: Reader, projectId: string, since: Date): Promise<number> {
  const [row] = await reader.query<{ acts: number }>(sql`
    -- read_acts_since: gallery_actions_project
    select count(*)::int as acts from gallery_actions
     where project_id = ${projectId} and opened_at >= ${since} and state = 'done'`);
  return row?.acts ?? 0;
}

export type FailedAct = {
  thoughtId: string;
  botId: string;
  botName: string;
  kind: string;
  outcome: string | null;
  at: Date;
};

export async function readLatestFailedActs(reader: Reader, projectId: string, limit: number): Promise<FailedAct[]> {
  return reader.query<FailedAct>(sql`
    -- read_latest_failed_acts: gallery_actions_project from its young end, at most 2,000 of them; gallery_bots_pkey
    select a.thought_id as "thoughtId", a.bot_id as "botId", b.name as "botName", a.kind, a.outcome, a.closed_at as at
      from (select * from gallery_actions where project_id = ${projectId} order by opened_at desc limit 2000) a
      join gallery_bots b on b.id = a.bot_id
     where a.state = 'failed' order by a.closed_at desc, a.thought_id limit ${limit}`);
}

export type Named = {
  kind: 'galleryBot' | 'persona' | 'target';
  id: string;
  name: string | null;
  state: string | null;
};

/** Bots by id, name or username; personas and targets by id or title. Thousands of rows at most. */
export async function findInGallery(reader: Reader, projectId: string, text: string, limit: number): Promise<Named[]> {
  return reader.query<Named>(sql`
    -- find_in_gallery: gallery_bots_project, gallery_personas_pkey, gallery_targets_pkey
    (select 'galleryBot' as kind, id, name, state from gallery_bots
      where project_id = ${projectId} and (starts_with(id, ${text}) or strpos(lower(name), lower(${text})) > 0
        or strpos(username, lower(${text})) > 0)
      order by (lower(username) = lower(${text})) desc, id desc limit ${limit})
    union all
    (select 'persona', id, body ->> 'name', null from gallery_personas
      where project_id = ${projectId} and (strpos(id, lower(${text})) > 0 or strpos(lower(body ->> 'name'), lower(${text})) > 0)
      order by id limit ${limit})
    union all
    (select 'target', id, title, gate from gallery_targets
      where project_id = ${projectId} and (strpos(id, lower(${text})) > 0 or strpos(lower(title), lower(${text})) > 0)
      order by id limit ${limit})`);
}

/** A row of the feed, a thought or an act, by its id. */
export async function findTold(
  reader: Reader,
  projectId: string,
  id: string,
): Promise<{ thoughtId: string | null; botId: string | null; botName: string | null } | undefined> {
  const [row] = await reader.query<{ thoughtId: string | null; botId: string | null; botName: string | null }>(sql`
    -- find_told: gallery_activity_id_key, gallery_actions_pkey
    select thought_id as "thoughtId", bot_id as "botId", bot_name as "botName" from gallery_activity
     where id = ${id} and project_id = ${projectId}
    union all
    select thought_id, bot_id, null from gallery_actions where thought_id = ${id} and project_id = ${projectId} limit 1`);
  return row;
}

export async function hasBot(reader: Reader, projectId: string): Promise<boolean> {
  const [row] = await reader.query<{ there: boolean }>(sql`
    -- has_gallery_bot: gallery_bots_project
    select exists (select from gallery_bots where project_id = ${projectId}) as there`);
  return row?.there ?? false;
}
