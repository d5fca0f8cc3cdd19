import type { ActivityType, BotCommand, GalleryBotState } from '@muster/protocol';
import { sql, type Tx } from '#kernel/db';

/** How many of the bots of a command stood where, and whether they moved. */
export type Outcome = {
  was: GalleryBotState;
  /** `null`: it was as the command wants it, or the command may not be given in its state. */
  now: GalleryBotState | null;
  blocked: 'target_not_acknowledged' | 'is_purging' | null;
  bots: number;
  example: string;
};

export type Command = {
  event: BotCommand;
  projectId: string;
  ids: readonly string[];
  /** States in which the table accepts it. */
  allowed: readonly GalleryBotState[];
  /** One id of the feed for each bot, in the order of `ids`. */
  activityIds: readonly string[];
  activity: ActivityType;
  /** As in "Ines was started." */
  done: string;
  at: Date;
};

/**
 * The whole command, for one bot or thousands: one statement looks, decides, moves, writes the feed and counts. What it makes
 * of each state is the machine of the protocol; `allowed` comes from there. Every move takes the bot's timer away
 * (`generation`), and the owner sets the next one.
 */
export async function commandBots(tx: Tx, command: Command): Promise<Outcome[]> {
  const { event, projectId, ids, allowed, activityIds, activity, done, at } = command;
  return tx.query<Outcome>(sql`
    -- command_gallery_bots: gallery_bots_pkey
    with asked as materialized (
      select a.id, a.activity_id from unnest(${ids}::text[], ${activityIds}::text[]) a(id, activity_id)
    ), found as materialized (
      select b.id, asked.activity_id, b.state as was, b.desired, b.provision, b.reason, b.sleep_until,
        t.deprovision_on_delete as removes, t.kind = 'sandbox' or t.acknowledgement is not null as acknowledged
      from asked join gallery_bots b on b.id = asked.id and b.project_id = ${projectId}
      join gallery_targets t on t.project_id = b.project_id and t.id = b.target_id
      order by b.id for update of b
    ), judged as materialized (
      select found.*,
        case when ${event} in ('start', 'resume') and not acknowledged then 'target_not_acknowledged'
             when ${event} = 'restore' and (reason = 'purging' or provision = 'removing') then 'is_purging' end as blocked,
        case ${event}::text
          when 'start' then case when was in ('idle', 'error') then case when provision = 'done' then 'running' else 'idle' end
                              when was = 'paused' then case when sleep_until > ${at} then 'sleeping' else 'running' end
                              else was end
          when 'resume' then case when was = 'error' then case when provision = 'done' then 'running' else 'idle' end
                               when was = 'paused' then case when sleep_until > ${at} then 'sleeping' else 'running' end
                               else was end
          when 'wake' then case when was = 'error' and provision <> 'done' then 'idle' else 'running' end
          when 'pause' then 'paused' when 'stop' then 'idle'
          when 'delete' then 'deleted' when 'purge' then 'deleted' when 'restore' then 'idle' else was end as becomes,
        case ${event}::text when 'start' then 'running' when 'resume' then 'running' when 'wake' then 'running'
          when 'pause' then 'paused' when 'delete' then 'deleted' when 'purge' then 'deleted' else 'stopped' end as wants
      from found
    ), moved as (
      update gallery_bots b set
        state = j.becomes, desired = j.wants,
        reason = case when j.becomes in ('sleeping', 'paused') and j.sleep_until > ${at} then j.reason
                      when ${event} = 'purge' then 'purging' end,
        last_error = case when ${event} in ('start', 'resume', 'wake', 'restore') then null else b.last_error end,
        sleep_until = case when j.becomes in ('sleeping', 'paused') and j.sleep_until > ${at} then j.sleep_until end,
        retry_at = null,
        failures = case when ${event} in ('start', 'resume') then 0 else b.failures end,
        next_think_at = case when ${event} = 'wake' then ${at}::timestamptz end,
        generation = b.generation + 1,
        provision = case when j.wants = 'running' and j.becomes = 'idle' and j.provision in ('none', 'failed', 'removed') then 'pending'
                         else b.provision end,
        deleted_at = case when ${event} = 'delete' then ${at}::timestamptz when ${event} = 'restore' then null else b.deleted_at end,
        version = b.version + case when ${event} in ('delete', 'restore') then 1 else 0 end,
        updated_at = ${at}
      from judged j
      where b.id = j.id and j.blocked is null and j.was = any(${allowed}::text[])
        and (j.becomes <> j.was or j.wants <> j.desired or ${event} = 'wake'
             or (${event} = 'purge' and j.reason is distinct from 'purging')
             or (${event} = 'start' and j.was = 'idle' and j.provision in ('failed', 'removed')))
      returning b.id, b.name, b.persona_id, b.state, j.activity_id
    ), told as (
      insert into gallery_activity (project_id, id, bot_id, bot_name, persona_id, type, message, at)
      select ${projectId}, m.activity_id, m.id, m.name, m.persona_id, ${activity}, m.name || ' was ' || ${done} || '.', ${at}
      from moved m order by m.id
    )
    select j.was, m.state as now, j.blocked, count(*)::int as bots, min(j.id) as example
    from judged j left join moved m on m.id = j.id
    group by j.was, m.state, j.blocked`);
}

/** Bots of a start that have no account yet, and of a deletion whose target wants theirs gone. */
export async function botsToProvision(tx: Tx, projectId: string, ids: readonly string[]): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(sql`
    -- bots_to_provision: gallery_bots_pkey
    select id from gallery_bots
    where id = any((select ${ids}::text[])::text[]) and project_id = ${projectId} and provision = 'pending'`);
  return rows.map((row) => row.id);
}

export async function botsToRemove(tx: Tx, projectId: string, ids: readonly string[]): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(sql`
    -- bots_to_remove: gallery_bots_pkey
    select b.id from gallery_bots b join gallery_targets t on t.project_id = b.project_id and t.id = b.target_id
    where b.id = any((select ${ids}::text[])::text[]) and b.project_id = ${projectId} and b.state = 'deleted'
      and t.deprovision_on_delete and b.provision in ('pending', 'done', 'failed')`);
  return rows.map((row) => row.id);
}
