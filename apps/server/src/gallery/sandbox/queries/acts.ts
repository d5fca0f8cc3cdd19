import { type Reader, sql, type Tx } from '#kernel/db';

/** Who acts, with everything that decides whether they may. Sums are there only where a cap is. */
export type ActorRow = {
  id: string;
  username: string;
  name: string;
  isAgent: boolean;
  paused: boolean;
  fleetDailyMax: number | null;
  fleetMonthlyMax: number | null;
  agentDailyMax: number | null;
  agentMonthlyMax: number | null;
  fleetToday: number | null;
  fleetMonth: number | null;
  agentToday: number | null;
  agentMonth: number | null;
  keyDigest: Buffer | null;
  keyStatus: number | null;
  keyBody: string | null;
};
export type Actors = { projectId: string; accountId: string; key: string | null; at: Date; keysSince: Date };

/**
 * One act of an account at a time, and one of the whole fleet where the fleet has a cap. The look comes as a statement of
 * its own behind the locks, so that it sees what the one before wrote.
 */
export async function readActor(
  tx: Tx,
  { projectId, accountId, key, at, keysSince }: Actors,
): Promise<ActorRow | undefined> {
  tx.send(sql`
    -- sandbox_lock_fleet: sandbox_settings_pkey
    select from sandbox_settings
    where project_id = ${projectId} and (fleet_daily_max is not null or fleet_monthly_max is not null) for no key update`);
  tx.send(sql`
    -- sandbox_lock_account: sandbox_accounts_pkey
    select from sandbox_accounts where id = ${accountId} for no key update`);
  const [row] = await tx.query<ActorRow>(sql`
    -- sandbox_actor: sandbox_accounts_pkey, sandbox_settings_pkey, sandbox_keys_pkey, sandbox_days_day, sandbox_days_pkey
    select a.id, a.username, a.name, a.is_agent as "isAgent", coalesce(s.paused, false) as paused,
           s.fleet_daily_max as "fleetDailyMax", s.fleet_monthly_max as "fleetMonthlyMax",
           s.agent_daily_max as "agentDailyMax", s.agent_monthly_max as "agentMonthlyMax",
           case when s.fleet_daily_max is not null then (
             select coalesce(sum(posts + comments + likes), 0)::int from sandbox_days d
             where d.project_id = ${projectId} and d.is_agent and d.day = (${at}::timestamptz at time zone 'UTC')::date) end as "fleetToday",
           case when s.fleet_monthly_max is not null then (
             select coalesce(sum(posts + comments + likes), 0)::int from sandbox_days d
             where d.project_id = ${projectId} and d.is_agent
               and d.day >= date_trunc('month', ${at}::timestamptz at time zone 'UTC')::date
               and d.day <= (${at}::timestamptz at time zone 'UTC')::date) end as "fleetMonth",
           case when s.agent_daily_max is not null then (
             select coalesce(sum(posts + comments + likes), 0)::int from sandbox_days d
             where d.account_id = a.id and d.day = (${at}::timestamptz at time zone 'UTC')::date) end as "agentToday",
           case when s.agent_monthly_max is not null then (
             select coalesce(sum(posts + comments + likes), 0)::int from sandbox_days d
             where d.account_id = a.id and d.day >= date_trunc('month', ${at}::timestamptz at time zone 'UTC')::date
               and d.day <= (${at}::timestamptz at time zone 'UTC')::date) end as "agentMonth",
           k.digest as "keyDigest", k.status as "keyStatus", k.body as "keyBody"
    from sandbox_accounts a
    left join sandbox_settings s on s.project_id = a.project_id
    left join sandbox_keys k on k.account_id = a.id and k.key = ${key} and k.at > ${keysSince}
    where a.id = ${accountId} and a.removed_at is null`);
  return row;
}

/** Keeps the answer under its key; an old one of the same key gives way. */
export function keepAnswer(
  tx: Tx,
  kept: { accountId: string; key: string; digest: Uint8Array; status: number; body: string; at: Date },
): void {
  tx.send(sql`
    -- sandbox_keep_key: sandbox_keys_pkey
    insert into sandbox_keys (account_id, key, digest, status, body, at)
    values (${kept.accountId}, ${kept.key}, ${kept.digest}, ${kept.status}, ${kept.body}, ${kept.at})
    on conflict (account_id, key) do update
      set digest = excluded.digest, status = excluded.status, body = excluded.body, at = excluded.at`);
}

export function countAct(
  tx: Tx,
  act: { projectId: string; accountId: string; isAgent: boolean; kind: 'post' | 'comment' | 'like'; at: Date },
): void {
  const post = act.kind === 'post' ? 1 : 0;
  const comment = act.kind === 'comment' ? 1 : 0;
  const like = act.kind === 'like' ? 1 : 0;
  tx.send(sql`
    -- sandbox_count: sandbox_days_pkey
    insert into sandbox_days as d (project_id, day, account_id, is_agent, posts, comments, likes)
    values (${act.projectId}, (${act.at}::timestamptz at time zone 'UTC')::date, ${act.accountId}, ${act.isAgent},
            ${post}, ${comment}, ${like})
    on conflict (account_id, day) do update set posts = d.posts + excluded.posts,
      comments = d.comments + excluded.comments, likes = d.likes + excluded.likes`);
}

/** What a like would meet. The item stays until the end of the transaction. */
export async function readForLike(
  tx: Tx,
  like: { projectId: string; itemId: string; accountId: string },
): Promise<{ ownerId: string; quiet: boolean; liked: boolean; likes: number } | undefined> {
  const [row] = await tx.query<{ ownerId: string; quiet: boolean; liked: boolean; likes: number }>(sql`
    -- sandbox_for_like: sandbox_items_pkey, sandbox_accounts_pkey, sandbox_likes_pkey
    select i.account_id as "ownerId", a.quiet, i.likes,
           exists (select from sandbox_likes l where l.item_id = i.id and l.account_id = ${like.accountId}) as liked
    from sandbox_items i join sandbox_accounts a on a.id = i.account_id
    where i.id = ${like.itemId} and i.project_id = ${like.projectId} for key share of i`);
  return row;
}

/** The like and its counter in one. */
export function insertLike(tx: Tx, like: { itemId: string; accountId: string; isAgent: boolean; at: Date }): void {
  const human = like.isAgent ? 0 : 1;
  tx.send(sql`
    -- sandbox_like: sandbox_items_pkey, sandbox_likes_pkey
    with made as (
      insert into sandbox_likes (item_id, account_id, at) values (${like.itemId}, ${like.accountId}, ${like.at})
      on conflict do nothing returning item_id)
    update sandbox_items i set human_likes = human_likes + ${human}::int, bot_likes = bot_likes + 1 - ${human}::int
    from made where i.id = made.item_id`);
}

export function deleteLike(tx: Tx, like: { itemId: string; accountId: string; isAgent: boolean }): void {
  const human = like.isAgent ? 0 : 1;
  tx.send(sql`
    -- sandbox_unlike: sandbox_items_pkey, sandbox_likes_pkey
    with gone as (
      delete from sandbox_likes where item_id = ${like.itemId} and account_id = ${like.accountId} returning item_id)
    update sandbox_items i set human_likes = human_likes - ${human}::int, bot_likes = bot_likes - (1 - ${human}::int)
    from gone where i.id = gone.item_id`);
}

/** Acts of people and of bots by UTC day. */
export async function readDays(
  reader: Reader,
  projectId: string,
  from: Date,
  to: Date,
): Promise<{ day: string; human: number; bot: number }[]> {
  return reader.query<{ day: string; human: number; bot: number }>(sql`
    -- sandbox_days: sandbox_days_day
    select to_char(day, 'YYYY-MM-DD') as day,
           coalesce(sum(posts + comments + likes) filter (where not is_agent), 0)::int as human,
           coalesce(sum(posts + comments + likes) filter (where is_agent), 0)::int as bot
    from sandbox_days where project_id = ${projectId}
      and day >= (${from}::timestamptz at time zone 'UTC')::date and day <= (${to}::timestamptz at time zone 'UTC')::date
    group by day order by day`);
}

export type ActCounts = { post: number; comment: number; like: number };

/** The same over all of these days, by kind of act. */
export async function sumActs(
  reader: Reader,
  projectId: string,
  from: Date,
  to: Date,
): Promise<Record<'human' | 'bot', ActCounts>> {
  const rows = await reader.query<ActCounts & { isAgent: boolean }>(sql`
    -- sandbox_sum_acts: sandbox_days_day
    select is_agent as "isAgent", sum(posts)::int as post, sum(comments)::int as comment, sum(likes)::int as like
    from sandbox_days where project_id = ${projectId}
      and day >= (${from}::timestamptz at time zone 'UTC')::date and day <= (${to}::timestamptz at time zone 'UTC')::date
    group by is_agent`);
  const of = (agent: boolean): ActCounts => {
    const { post = 0, comment = 0, like = 0 } = rows.find(({ isAgent }) => isAgent === agent) ?? {};
    return { post, comment, like };
  };
  return { human: of(false), bot: of(true) };
}
