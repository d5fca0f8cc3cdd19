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
/** Who wants to act, under which key, when. No two have the same account. */
export type Asking = { projectId: string; accountId: string; key: string | null; at: Date; keysSince: Date };

/**
 * One act of an account at a time, and one of the whole fleet where the fleet has a cap. The look comes as a statement of
 * its own behind the locks, so that it sees what the one before wrote. By account.
 */
export async function readActors(tx: Tx, asking: readonly Asking[]): Promise<Map<string, ActorRow>> {
  const each = <T>(read: (one: Asking) => T): T[] => asking.map(read);
  const accounts = each(({ accountId }) => accountId);
  tx.send(sql`
    -- sandbox_lock_fleets: sandbox_settings_pkey
    select from sandbox_settings
    where project_id = any((select ${[...new Set(each(({ projectId }) => projectId))]}::text[])::text[])
      and (fleet_daily_max is not null or fleet_monthly_max is not null) order by project_id for no key update`);
  tx.send(sql`
    -- sandbox_lock_accounts: sandbox_accounts_pkey
    select from sandbox_accounts where id = any((select ${accounts}::text[])::text[]) order by id for no key update`);
  const rows = await tx.query<ActorRow>(sql`
    -- sandbox_actors: sandbox_accounts_pkey, sandbox_settings_pkey, sandbox_keys_pkey, sandbox_days_day, sandbox_days_pkey
    select a.id, a.username, a.name, a.is_agent as "isAgent", coalesce(s.paused, false) as paused,
           s.fleet_daily_max as "fleetDailyMax", s.fleet_monthly_max as "fleetMonthlyMax",
           s.agent_daily_max as "agentDailyMax", s.agent_monthly_max as "agentMonthlyMax",
           case when s.fleet_daily_max is not null then (
             select coalesce(sum(posts + comments + likes), 0)::int from sandbox_days d
             where d.project_id = w.project and d.is_agent and d.day = (w.at at time zone 'UTC')::date) end as "fleetToday",
           case when s.fleet_monthly_max is not null then (
             select coalesce(sum(posts + comments + likes), 0)::int from sandbox_days d
             where d.project_id = w.project and d.is_agent
               and d.day >= date_trunc('month', w.at at time zone 'UTC')::date
               and d.day <= (w.at at time zone 'UTC')::date) end as "fleetMonth",
           case when s.agent_daily_max is not null then (
             select coalesce(sum(posts + comments + likes), 0)::int from sandbox_days d
             where d.account_id = a.id and d.day = (w.at at time zone 'UTC')::date) end as "agentToday",
           case when s.agent_monthly_max is not null then (
             select coalesce(sum(posts + comments + likes), 0)::int from sandbox_days d
             where d.account_id = a.id and d.day >= date_trunc('month', w.at at time zone 'UTC')::date
               and d.day <= (w.at at time zone 'UTC')::date) end as "agentMonth",
           k.digest as "keyDigest", k.status as "keyStatus", k.body as "keyBody"
    from unnest((select ${accounts}::text[]), (select ${each(({ projectId }) => projectId)}::text[]),
      (select ${each(({ key }) => key)}::text[]), (select ${each(({ at }) => at)}::timestamptz[]),
      (select ${each(({ keysSince }) => keysSince)}::timestamptz[])) w(account, project, key, at, since)
    join sandbox_accounts a on a.id = w.account and a.removed_at is null
    left join sandbox_settings s on s.project_id = a.project_id
    left join sandbox_keys k on k.account_id = a.id and k.key = w.key and k.at > w.since`);
  return new Map(rows.map((row) => [row.id, row]));
}

/** What a like or a comment would meet: whose item it is, and what it says of that. */
export type MetItem = {
  itemId: string;
  ownerId: string;
  quiet: boolean;
  likes: number;
  /** Of a like: the account likes it already. */
  liked: boolean;
  /** Of a comment: who spoke last there. */
  lastBy: string | null;
};
export type Meeting = { projectId: string; itemId: string; accountId: string; kind: 'like' | 'comment' };

/** By item, of which no two are the same. They stay until the end of the transaction. */
export async function readMet(tx: Tx, meetings: readonly Meeting[]): Promise<Map<string, MetItem>> {
  const each = (read: (one: Meeting) => string): string[] => meetings.map(read);
  const rows = await tx.query<MetItem>(sql`
    -- sandbox_met: sandbox_items_pkey, sandbox_accounts_pkey, sandbox_likes_pkey, sandbox_comments_item
    select i.id as "itemId", i.account_id as "ownerId", a.quiet, i.likes,
           w.kind = 'like' and exists (
             select from sandbox_likes l where l.item_id = i.id and l.account_id = w.account) as liked,
           case when w.kind = 'comment' then (
             select c.account_id from sandbox_comments c where c.item_id = i.id
             order by c.created_at desc, c.id desc limit 1) end as "lastBy"
    from unnest((select ${each(({ itemId }) => itemId)}::text[]), (select ${each(({ projectId }) => projectId)}::text[]),
      (select ${each(({ accountId }) => accountId)}::text[]), (select ${each(({ kind }) => kind)}::text[]))
      w(item, project, account, kind)
    join sandbox_items i on i.id = w.item and i.project_id = w.project
    join sandbox_accounts a on a.id = i.account_id
    order by i.id for key share of i`);
  return new Map(rows.map((row) => [row.itemId, row]));
}

export type KeptAnswer = { accountId: string; key: string; digest: Buffer; status: number; body: string; at: Date };

/** Keeps answers under their keys; an old one of the same key gives way. */
export function keepAnswers(tx: Tx, kept: readonly KeptAnswer[]): void {
  if (kept.length === 0) return;
  const each = <T>(read: (one: KeptAnswer) => T): T[] => kept.map(read);
  tx.send(sql`
    -- sandbox_keep_keys: sandbox_keys_pkey
    insert into sandbox_keys (account_id, key, digest, status, body, at)
    select w.account, w.key, w.digest, w.status, w.body, w.at
    from unnest((select ${each(({ accountId }) => accountId)}::text[]), (select ${each(({ key }) => key)}::text[]),
      (select ${each(({ digest }) => digest)}::bytea[]), (select ${each(({ status }) => status)}::int[]),
      (select ${each(({ body }) => body)}::text[]), (select ${each(({ at }) => at)}::timestamptz[]))
      w(account, key, digest, status, body, at)
    on conflict (account_id, key) do update
      set digest = excluded.digest, status = excluded.status, body = excluded.body, at = excluded.at`);
}

export type CountedAct = {
  projectId: string;
  accountId: string;
  isAgent: boolean;
  kind: 'post' | 'comment' | 'like';
  at: Date;
};

/** No two of the same account. */
export function countActs(tx: Tx, acts: readonly CountedAct[]): void {
  if (acts.length === 0) return;
  const each = <T>(read: (one: CountedAct) => T): T[] => acts.map(read);
  tx.send(sql`
    -- sandbox_count: sandbox_days_pkey
    insert into sandbox_days as d (project_id, day, account_id, is_agent, posts, comments, likes)
    select w.project, (w.at at time zone 'UTC')::date, w.account, w.is_agent, (w.kind = 'post')::int,
           (w.kind = 'comment')::int, (w.kind = 'like')::int
    from unnest((select ${each(({ projectId }) => projectId)}::text[]),
      (select ${each(({ accountId }) => accountId)}::text[]), (select ${each(({ isAgent }) => isAgent)}::boolean[]),
      (select ${each(({ kind }) => kind)}::text[]), (select ${each(({ at }) => at)}::timestamptz[]))
      w(project, account, is_agent, kind, at)
    on conflict (account_id, day) do update set posts = d.posts + excluded.posts,
      comments = d.comments + excluded.comments, likes = d.likes + excluded.likes`);
}

export type NewLike = { itemId: string; accountId: string; isAgent: boolean; at: Date };

/** Likes and their counters in one; no two of the same item. */
export function insertLikes(tx: Tx, likes: readonly NewLike[]): void {
  if (likes.length === 0) return;
  const each = <T>(read: (one: NewLike) => T): T[] => likes.map(read);
  tx.send(sql`
    -- sandbox_likes: sandbox_items_pkey, sandbox_likes_pkey
    with made as (
      insert into sandbox_likes (item_id, account_id, at)
      select w.item, w.account, w.at
      from unnest((select ${each(({ itemId }) => itemId)}::text[]), (select ${each(({ accountId }) => accountId)}::text[]),
        (select ${each(({ at }) => at)}::timestamptz[])) w(item, account, at)
      on conflict do nothing returning item_id)
    update sandbox_items i set human_likes = human_likes + 1 - w.bot, bot_likes = bot_likes + w.bot
    from made join unnest((select ${each(({ itemId }) => itemId)}::text[]),
      (select ${each(({ isAgent }) => (isAgent ? 1 : 0))}::int[])) w(item, bot) on w.item = made.item_id
    where i.id = made.item_id`);
}

export function deleteLike(tx: Tx, like: NewLike): void {
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
