import type { BotCaps, Traits } from '@muster/protocol';
import { type Reader, type Statement, sql, type Tx } from '#kernel/db';
import { type BotSheet, botColumns, type RawBot, sheetOf } from './bot-row.ts';

export type NewBot = {
  id: string;
  projectId: string;
  shard: number;
  name: string;
  username: string;
  targetId: string;
  personaId: string | null;
  disclosureLabel: string;
  traits: Partial<Traits>;
  caps: BotCaps | null;
  seed: number;
  seedKey: number | null;
  seedIndex: number | null;
  desired: 'running' | 'stopped';
  at: number;
};

/** Makes those whose username (and place in their drawing) is free; answers with the ids of those made. */
export async function insertBots(tx: Tx, bots: readonly NewBot[]): Promise<Set<string>> {
  const rows = await tx.query<{ id: string }>(sql`
    -- insert_gallery_bots: gallery_bots_username, gallery_bots_seeded
    insert into gallery_bots (id, project_id, shard, name, username, target_id, persona_id, disclosure_label, traits, caps,
      seed, seed_key, seed_index, desired, created_at, updated_at)
    select r.id, r."projectId", r.shard, r.name, r.username, r."targetId", r."personaId", r."disclosureLabel", r.traits,
      r.caps, r.seed, r."seedKey", r."seedIndex", r.desired, to_timestamp(r.at / 1000.0), to_timestamp(r.at / 1000.0)
    from jsonb_to_recordset(${JSON.stringify(bots)}::jsonb) as r(id text, "projectId" text, shard smallint, name text,
      username text, "targetId" text, "personaId" text, "disclosureLabel" text, traits jsonb, caps jsonb, seed bigint,
      "seedKey" bigint, "seedIndex" integer, desired text, at double precision)
    on conflict do nothing
    returning id`);
  return new Set(rows.map((row) => row.id));
}

/** Ids that bots have, or had before they were purged: the records of what they did keep them. */
export async function livedBefore(reader: Reader, ids: readonly string[]): Promise<Set<string>> {
  const rows = await reader.query<{ id: string }>(sql`
    -- lived_before: gallery_bots_pkey, gallery_actions_bot, gallery_decisions_bot, gallery_activity_bot
    select g.id from unnest(${ids}::text[]) g(id)
    where exists (select from gallery_bots b where b.id = g.id)
       or exists (select from gallery_actions a where a.bot_id = g.id)
       or exists (select from gallery_decisions d where d.bot_id = g.id)
       or exists (select from gallery_activity a where a.bot_id = g.id)`);
  return new Set(rows.map(({ id }) => id));
}

export async function whoHolds(
  reader: Reader,
  projectId: string,
  targetId: string,
  usernames: readonly string[],
): Promise<{ id: string; name: string; username: string; deleted: boolean }[]> {
  return reader.query(sql`
    -- who_holds_username: gallery_bots_username
    select id, name, username, state = 'deleted' as deleted from gallery_bots
    where project_id = ${projectId} and target_id = ${targetId} and username = any((select ${usernames}::text[])::text[])`);
}

/** Places of a drawing that are taken, of those asked for. */
export async function drawnAlready(
  reader: Reader,
  projectId: string,
  targetId: string,
  seedKey: number,
  from: number,
  to: number,
): Promise<number[]> {
  const rows = await reader.query<{ index: number }>(sql`
    -- drawn_already: gallery_bots_seeded
    select seed_index as index from gallery_bots
    where project_id = ${projectId} and target_id = ${targetId} and seed_key = ${seedKey}
      and seed_index >= ${from} and seed_index < ${to}`);
  return rows.map((row) => row.index);
}

/** Counted only as far as it matters. */
export async function countBots(reader: Reader, projectId: string, most: number): Promise<number> {
  const [row] = await reader.query<{ n: number }>(sql`
    -- count_gallery_bots: gallery_bots_project
    select count(*)::int as n from (select 1 from gallery_bots where project_id = ${projectId} limit ${most}) counted`);
  return row?.n ?? 0;
}

/** Keeps the row for the rest of the transaction. */
export async function lockBot(tx: Tx, projectId: string, id: string): Promise<BotSheet | undefined> {
  const [raw] = await tx.query<RawBot>(sql`
    -- lock_gallery_bot: gallery_bots_pkey
    select ${botColumns} from gallery_bots b where b.id = ${id} and b.project_id = ${projectId} for update`);
  return raw && sheetOf(raw);
}

export type BotChange = {
  id: string;
  name: string;
  personaId: string | null;
  disclosureLabel: string;
  traits: Partial<Traits>;
  caps: BotCaps | null;
  /** What decides when it thinks has changed: its timer is set anew. */
  again: boolean;
  at: Date;
};

export async function changeBotRow(tx: Tx, change: BotChange): Promise<void> {
  await tx.query(sql`
    -- change_gallery_bot: gallery_bots_pkey
    update gallery_bots set name = ${change.name}, persona_id = ${change.personaId},
      disclosure_label = ${change.disclosureLabel}, traits = ${JSON.stringify(change.traits)}::jsonb,
      caps = ${change.caps === null ? null : JSON.stringify(change.caps)}::jsonb,
      generation = generation + 1,
      next_think_at = case when ${change.again} then null else next_think_at end,
      state = case when reason = 'config_invalid' and state = 'error' and desired = 'running' then 'running' else state end,
      version = version + 1, updated_at = ${change.at}
    where id = ${change.id}`);
}

export type BotWhere = {
  states?: readonly string[] | undefined;
  desired?: readonly string[] | undefined;
  /** `null` in the list: bots of no persona. */
  personas?: readonly string[] | undefined;
  custom?: boolean | undefined;
  tiers?: readonly string[] | undefined;
  target?: string | undefined;
  reason?: string | undefined;
  q?: string | undefined;
  mind?: string | undefined;
  deleted: 'no' | 'only' | 'too';
  /** The mind of bots and fleets that name none. */
  defaultMind: string;
};

/** What a gate makes of a running bot; the same rule as `shownState` of the loop. */
const shownState = sql`
  case when b.state <> 'running' then b.state
       when 'held' in (f.gate, t.gate) then 'paused'
       when 'sleeping' in (f.gate, t.gate) then 'sleeping'
       else 'running' end`;
const shownReason = sql`
  case when b.state = 'idle' and b.desired = 'running' and b.provision <> 'done' then 'provisioning'
       when b.state <> 'running' then b.reason
       when f.gate = 'held' then coalesce(f.gate_reason, 'target_held')
       when t.gate = 'held' then coalesce(t.gate_reason, 'target_held')
       when f.gate = 'sleeping' then coalesce(f.gate_reason, 'target_held')
       when t.gate = 'sleeping' then coalesce(t.gate_reason, 'target_held')
       when 'tripped' in (f.gate, t.gate) then coalesce(case f.gate when 'tripped' then f.gate_reason else t.gate_reason end, 'target_unreachable')
       when t.kind <> 'sandbox' and t.acknowledgement is null then 'target_not_acknowledged'
       when t.share = 0 then 'phased_out'
       else b.reason end`;

/** Bots with everything a filter looks at. */
const filtered = (projectId: string, where: BotWhere): Statement => sql`
  gallery_bots b
  join gallery_fleets f on f.project_id = b.project_id
  join gallery_targets t on t.project_id = b.project_id and t.id = b.target_id
  left join gallery_personas p on p.project_id = b.project_id and p.id = b.persona_id
  where b.project_id = ${projectId}
    and (case ${where.deleted}::text when 'no' then b.state <> 'deleted' when 'only' then b.state = 'deleted' else true end)
    and (${where.states ?? null}::text[] is null or ${shownState} = any(${where.states ?? null}::text[]))
    and (${where.desired ?? null}::text[] is null or b.desired = any(${where.desired ?? null}::text[]))
    and (${where.personas ?? null}::text[] is null or b.persona_id = any(${where.personas ?? null}::text[])
         or (${where.custom ?? false} and b.persona_id is null))
    and (${where.tiers ?? null}::text[] is null
         or coalesce(b.traits ->> 'tier', p.body ->> 'tier', 'regular') = any(${where.tiers ?? null}::text[]))
    and (${where.target ?? null}::text is null or b.target_id = ${where.target ?? null})
    and (${where.reason ?? null}::text is null or ${shownReason} = ${where.reason ?? null})
    and (${where.mind ?? null}::text is null
         or coalesce(b.traits ->> 'mind', f.mind, ${where.defaultMind}) = ${where.mind ?? null})
    and (${where.q ?? null}::text is null or strpos(lower(b.name), lower(${where.q ?? null})) > 0
         or strpos(b.username, lower(${where.q ?? null})) > 0 or b.id = ${where.q ?? null})`;

/** Everything a page can be ordered by, as text that sorts the same. */
const sortKey = sql`
  (case at_sort.sort
     when 'name' then lower(b.name)
     when 'lastActionAt' then coalesce(to_char(b.last_action_at at time zone 'UTC', 'YYYYMMDDHH24MISSUS'), '')
     when 'nextThinkAt' then coalesce(to_char(b.next_think_at at time zone 'UTC', 'YYYYMMDDHH24MISSUS'), '9')
     when 'cost' then lpad(b.cost_micros::text, 20, '0')
     else b.id end collate "C")`;

export type Place = { key: string; id: string };

/** One page in the order asked for; `key` leads on. */
export async function listBots(
  reader: Reader,
  projectId: string,
  where: BotWhere,
  page: { sort: string; up: boolean; after: Place | null; limit: number },
): Promise<{ bot: BotSheet; key: string }[]> {
  const { after, limit, sort } = page;
  const rows = page.up
    ? await reader.query<RawBot & { key: string }>(sql`
        -- list_gallery_bots_up: gallery_bots_project, sorted
        select ${botColumns}, ${sortKey} as key from (select ${sort}::text as sort) at_sort cross join ${filtered(projectId, where)}
          and (${after?.key ?? null}::text is null or (${sortKey}, b.id) > (${after?.key ?? null}, ${after?.id ?? null}))
        order by ${sortKey}, b.id limit ${limit}`)
    : sort === 'createdAt'
      ? await reader.query<RawBot & { key: string }>(sql`
          -- list_gallery_bots: gallery_bots_project, backwards
          select ${botColumns}, b.id as key from ${filtered(projectId, where)}
            and (${after?.id ?? null}::text is null or b.id < ${after?.id ?? null})
          order by b.id desc limit ${limit}`)
      : await reader.query<RawBot & { key: string }>(sql`
          -- list_gallery_bots_down: gallery_bots_project, sorted
          select ${botColumns}, ${sortKey} as key from (select ${sort}::text as sort) at_sort cross join ${filtered(projectId, where)}
            and (${after?.key ?? null}::text is null or (${sortKey}, b.id) < (${after?.key ?? null}, ${after?.id ?? null}))
          order by ${sortKey} desc, b.id desc limit ${limit}`);
  return rows.map(({ key, ...raw }) => ({ bot: sheetOf(raw), key }));
}

export async function matchingBots(
  reader: Reader,
  projectId: string,
  where: BotWhere,
  limit: number,
): Promise<string[]> {
  const rows = await reader.query<{ id: string }>(sql`
    -- matching_gallery_bots: gallery_bots_project
    select b.id from ${filtered(projectId, where)} order by b.id limit ${limit}`);
  return rows.map((row) => row.id);
}

export async function writeBotCaps(tx: Tx, id: string, caps: BotCaps, at: Date): Promise<void> {
  await tx.query(sql`
    -- write_gallery_bot_caps: gallery_bots_pkey
    update gallery_bots set caps = ${JSON.stringify(caps)}::jsonb, generation = generation + 1, version = version + 1,
      updated_at = ${at}
    where id = ${id}`);
}
