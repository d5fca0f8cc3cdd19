import type { ActKind, Odds } from '@muster/protocol';
import { type Reader, sql } from '#kernel/db';
import type { DecisionRow } from './records.ts';

export type By = 'persona' | 'tier' | 'bot' | 'hour' | null;
export type Window = { projectId: string; from: Date; to: Date };

/** What a group is called, of a bot `b`, its persona `p` and a moment `d.at`. */
const groupOf = sql`
  case w.by when 'persona' then coalesce(b.persona_id, 'custom')
            when 'tier' then coalesce(b.traits ->> 'tier', p.body ->> 'tier', 'regular')
            when 'bot' then b.id end`;

export type DecisionSum = {
  group: string | null;
  kind: string;
  result: string;
  reason: string | null;
  n: number;
  tokensIn: number;
  tokensOut: number;
  costMicros: number;
};

export async function sumDecisions(reader: Reader, { projectId, from, to }: Window, by: By): Promise<DecisionSum[]> {
  return reader.query<DecisionSum>(sql`
    -- sum_gallery_decisions: gallery_decisions_project, gallery_bots_pkey
    select case w.by when 'hour' then to_char(d.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:00:00.000"Z"') else ${groupOf} end as group,
      d.kind, d.result, d.reason, count(*)::int as n, sum(d.tokens_in)::bigint as "tokensIn",
      sum(d.tokens_out)::bigint as "tokensOut", sum(d.cost_micros)::bigint as "costMicros"
    from gallery_decisions d
    cross join (select ${by}::text as by) w
    left join gallery_bots b on b.id = d.bot_id
    left join gallery_personas p on p.project_id = b.project_id and p.id = b.persona_id
    where d.project_id = ${projectId} and d.at >= ${from} and d.at < ${to}
    group by 1, 2, 3, 4 limit 100000`);
}

export type BotSum = { group: string | null; state: string; n: number; wanted: Record<ActKind, number> };

/** Bots as they are now, and the sum of what their odds want. `standard`: the odds of bots that have none. */
export async function sumBots(reader: Reader, projectId: string, by: By, standard: Odds): Promise<BotSum[]> {
  const rows = await reader.query<
    Omit<BotSum, 'wanted'> & { post: number; comment: number; reply: number; like: number; browse: number }
  >(sql`
    -- sum_gallery_bots: gallery_bots_project, gallery_personas_pkey
    with each as (
      select ${groupOf} as group, b.state, coalesce(b.traits -> 'odds', p.body -> 'odds', ${JSON.stringify(standard)}::jsonb) as odds
      from gallery_bots b
      cross join (select ${by}::text as by) w
      left join gallery_personas p on p.project_id = b.project_id and p.id = b.persona_id
      where b.project_id = ${projectId} and b.state <> 'deleted'
    ), weighed as (
      select "group", state, odds, (odds ->> 'post')::float8 + (odds ->> 'comment')::float8 + (odds ->> 'reply')::float8
        + (odds ->> 'like')::float8 + (odds ->> 'browse')::float8 as whole
      from each
    )
    select "group", state, count(*)::int as n, sum((odds ->> 'post')::float8 / whole) as post,
      sum((odds ->> 'comment')::float8 / whole) as comment, sum((odds ->> 'reply')::float8 / whole) as reply,
      sum((odds ->> 'like')::float8 / whole) as like, sum((odds ->> 'browse')::float8 / whole) as browse
    from weighed group by "group", state limit 100000`);
  return rows.map(({ group, state, n, post, comment, reply, like, browse }) => ({
    group,
    state,
    n,
    wanted: { post, comment, reply, like, browse },
  }));
}

export type SaidRow = {
  botId: string;
  kind: string;
  content: string;
  itemId: string | null;
  remoteId: string | null;
  facts: string[] | null;
};

/** Texts that were posted, newest first. */
export async function readSaid(reader: Reader, { projectId, from, to }: Window, limit: number): Promise<SaidRow[]> {
  return reader.query<SaidRow>(sql`
    -- read_said: gallery_actions_project
    select bot_id as "botId", kind, content, item_id as "itemId", remote_id as "remoteId",
      case jsonb_typeof(detail -> 'facts') when 'array' then array(select jsonb_array_elements_text(detail -> 'facts')) end as facts
    from gallery_actions
    where project_id = ${projectId} and opened_at >= ${from} and opened_at < ${to} and state = 'done'
      and kind in ('post', 'comment', 'reply')
    order by opened_at desc limit ${limit}`);
}

export type ActSum = { botId: string; acts: number; costMicros: number };

export async function actsByBot(reader: Reader, { projectId, from, to }: Window): Promise<ActSum[]> {
  return reader.query<ActSum>(sql`
    -- acts_by_bot: gallery_actions_project
    select bot_id as "botId", count(*)::int as acts, 0 as "costMicros" from gallery_actions
    where project_id = ${projectId} and opened_at >= ${from} and opened_at < ${to} and state = 'done'
    group by bot_id limit 100000`);
}

/** How often each of the fleet's own items was answered or liked by the fleet: its share of attention. */
export async function attention(reader: Reader, { projectId, from, to }: Window): Promise<number[]> {
  const rows = await reader.query<{ n: number }>(sql`
    -- gallery_attention: gallery_actions_project, gallery_actions_item
    select (select count(*)::int from gallery_actions a
             where a.project_id = p.project_id and a.target_id = p.target_id and a.item_id = p.remote_id and a.state = 'done'
               and a.kind in ('comment', 'reply', 'like')) as n
    from gallery_actions p
    where p.project_id = ${projectId} and p.opened_at >= ${from} and p.opened_at < ${to} and p.state = 'done'
      and p.kind = 'post' and p.remote_id is not null
    order by p.opened_at desc limit 20000`);
  return rows.map((row) => row.n);
}

export type HourRow = { botId: string; at: Date };

export async function thinkTimes(reader: Reader, { projectId, from, to }: Window, limit: number): Promise<HourRow[]> {
  return reader.query<HourRow>(sql`
    -- gallery_think_times: gallery_decisions_project
    select bot_id as "botId", at from gallery_decisions
    where project_id = ${projectId} and at >= ${from} and at < ${to} and result <> 'put_off'
    order by at desc limit ${limit}`);
}

export type EdgeRow = { botId: string; person: string; likes: number; comments: number; replies: number };

/** Who reacted to whom, of the ledger: the author of an item or comment stands in its detail. */
export async function readEdges(reader: Reader, { projectId, from, to }: Window, limit: number): Promise<EdgeRow[]> {
  return reader.query<EdgeRow>(sql`
    -- gallery_edges: gallery_actions_project
    select bot_id as "botId", detail ->> 'author' as person,
      (count(*) filter (where kind = 'like'))::int as likes,
      (count(*) filter (where kind = 'comment'))::int as comments,
      (count(*) filter (where kind = 'reply'))::int as replies
    from gallery_actions
    where project_id = ${projectId} and opened_at >= ${from} and opened_at < ${to} and state = 'done'
      and kind in ('like', 'comment', 'reply') and detail ->> 'author' is not null
    group by bot_id, detail ->> 'author'
    order by count(*) desc, bot_id, person limit ${limit}`);
}

export async function namesOf(
  reader: Reader,
  projectId: string,
  ids: readonly string[],
  usernames: readonly string[],
): Promise<{ id: string; name: string; username: string; personaId: string | null }[]> {
  return reader.query(sql`
    -- gallery_names: gallery_bots_pkey, gallery_bots_project
    select id, name, username, persona_id as "personaId" from gallery_bots
    where project_id = ${projectId}
      and (id = any((select ${ids}::text[])::text[]) or username = any((select ${usernames}::text[])::text[]))`);
}

export type { DecisionRow };

/** Decisions of a window, newest first, of all bots or of some. */
export async function decisionsBetween(
  reader: Reader,
  { projectId, from, to }: Window,
  botIds: readonly string[] | null,
  limit: number,
): Promise<DecisionRow[]> {
  return reader.query<DecisionRow>(sql`
    -- gallery_decisions_between: gallery_decisions_project
    select thought_id as "thoughtId", bot_id as "botId", at, kind, why, mind, result, reason, tokens_in as "tokensIn",
      tokens_out as "tokensOut", cost_micros as "costMicros", latency_ms as "latencyMs", body
    from gallery_decisions
    where project_id = ${projectId} and at >= ${from} and at < ${to} and result in ('acted', 'skipped', 'blocked')
      and (${botIds}::text[] is null or bot_id = any(${botIds}::text[]))
    order by at desc limit ${limit}`);
}
