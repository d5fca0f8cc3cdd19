import { must } from '#kernel/base';
import { type Reader, sql, type Tx } from '#kernel/db';

export type ItemRow = {
  id: string;
  projectId: string;
  title: string;
  description: string;
  category: string | null;
  tags: string[];
  alt: string;
  imagePrompt: string;
  facts: string[];
  workflowId: string | null;
  imageId: string;
  form: 'svg' | 'png';
  sha256: string;
  width: number | null;
  height: number | null;
  humanLikes: number;
  botLikes: number;
  humanComments: number;
  botComments: number;
  /** Of people; bots' views are counted apart and never shown as views. */
  humanViews: number;
  createdAt: Date;
  accountId: string;
  username: string;
  name: string;
  isAgent: boolean;
  quiet: boolean;
};

/** Items by id, in any order; those that are gone are not among them. */
export async function readItems(reader: Reader, projectId: string, ids: readonly string[]): Promise<ItemRow[]> {
  return reader.query<ItemRow>(sql`
    -- sandbox_items: sandbox_items_pkey, sandbox_accounts_pkey, sandbox_images_pkey
    select i.id, i.project_id as "projectId", i.title, i.description, i.category, i.tags, i.alt,
           i.image_prompt as "imagePrompt", i.facts, i.workflow_id as "workflowId", i.image_id as "imageId",
           m.form, m.sha256, m.width, m.height,
           i.human_likes as "humanLikes", i.bot_likes as "botLikes", i.human_comments as "humanComments",
           i.bot_comments as "botComments", i.human_views as "humanViews", i.created_at as "createdAt",
           a.id as "accountId", a.username, a.name, a.is_agent as "isAgent", a.quiet
    from sandbox_items i
    join sandbox_accounts a on a.id = i.account_id
    join sandbox_images m on m.id = i.image_id
    where i.id = any((select ${ids}::text[])::text[]) and i.project_id = ${projectId}`);
}

export async function readItem(reader: Reader, projectId: string, id: string): Promise<ItemRow | undefined> {
  const [row] = await readItems(reader, projectId, [id]);
  return row;
}

/** Of any project: an id names one item, and pictures are open to all who know where they lie. */
export async function pictureOfItem(
  reader: Reader,
  id: string,
): Promise<{ form: 'svg' | 'png'; sha256: string } | undefined> {
  const [row] = await reader.query<{ form: 'svg' | 'png'; sha256: string }>(sql`
    -- sandbox_picture_of_item: sandbox_items_pkey, sandbox_images_pkey
    select m.form, m.sha256 from sandbox_items i join sandbox_images m on m.id = i.image_id where i.id = ${id}`);
  return row;
}

/** A slice of an order. `hidden`: accounts whose items are left out. */
export type Slice = {
  projectId: string;
  category: string | null;
  hidden: readonly string[];
  limit: number;
  offset: number;
};

export async function recentIds(reader: Reader, slice: Slice): Promise<string[]> {
  const { projectId, category, hidden, limit, offset } = slice;
  const rows = await reader.query<{ id: string }>(sql`
    -- sandbox_recent: sandbox_items_recent
    select id from sandbox_items
    where project_id = ${projectId} and (${category}::text is null or category = ${category})
      and account_id <> all((select ${hidden}::text[])::text[])
    order by created_at desc, id desc limit ${limit} offset ${offset}`);
  return rows.map(({ id }) => id);
}

export async function recentIdsOfPeople(reader: Reader, slice: Slice): Promise<string[]> {
  const { projectId, category, hidden, limit, offset } = slice;
  const rows = await reader.query<{ id: string }>(sql`
    -- sandbox_recent_people: sandbox_items_people_recent
    select id from sandbox_items
    where project_id = ${projectId} and not by_agent and (${category}::text is null or category = ${category})
      and account_id <> all((select ${hidden}::text[])::text[])
    order by created_at desc, id desc limit ${limit} offset ${offset}`);
  return rows.map(({ id }) => id);
}

export async function popularIds(reader: Reader, slice: Slice): Promise<string[]> {
  const { projectId, category, hidden, limit, offset } = slice;
  const rows = await reader.query<{ id: string }>(sql`
    -- sandbox_popular: sandbox_items_popular
    select id from sandbox_items
    where project_id = ${projectId} and (${category}::text is null or category = ${category})
      and account_id <> all((select ${hidden}::text[])::text[])
    order by likes desc, created_at desc, id desc limit ${limit} offset ${offset}`);
  return rows.map(({ id }) => id);
}

export async function popularIdsOfPeople(reader: Reader, slice: Slice): Promise<string[]> {
  const { projectId, category, hidden, limit, offset } = slice;
  const rows = await reader.query<{ id: string }>(sql`
    -- sandbox_popular_people: sandbox_items_people_popular
    select id from sandbox_items
    where project_id = ${projectId} and not by_agent and (${category}::text is null or category = ${category})
      and account_id <> all((select ${hidden}::text[])::text[])
    order by likes desc, created_at desc, id desc limit ${limit} offset ${offset}`);
  return rows.map(({ id }) => id);
}

/** The best by trend among the `depth` newest and the `depth` weightiest, and how far those two lists went. */
export type Ranking = {
  ids: string[];
  /** Trend of the last of them. */
  last: number | null;
  /** How many the list of the newest has. */
  seen: number;
  oldest: Date | null;
  lightest: number | null;
};

export async function trendingIds(reader: Reader, slice: Slice, depth: number, now: Date): Promise<Ranking> {
  const { projectId, category, hidden, limit } = slice;
  const [row] = await reader.query<Ranking>(sql`
    -- sandbox_trending: sandbox_items_recent, sandbox_items_weight
    with newest as materialized (
      select id, created_at, weight from sandbox_items
      where project_id = ${projectId} and (${category}::text is null or category = ${category})
        and account_id <> all((select ${hidden}::text[])::text[])
      order by created_at desc, id desc limit ${depth}),
    weightiest as materialized (
      select id, created_at, weight from sandbox_items
      where project_id = ${projectId} and (${category}::text is null or category = ${category})
        and account_id <> all((select ${hidden}::text[])::text[])
      order by weight desc, created_at desc, id desc limit ${depth}),
    best as (
      select id, created_at,
             weight / power(greatest(0, extract(epoch from ${now}::timestamptz - created_at)::float8) / 3600 + 2, 1.5) as trend
      from (select * from newest union select * from weightiest) both_lists
      order by trend desc, created_at desc, id desc limit ${limit})
    select coalesce((select array_agg(id order by trend desc, created_at desc, id desc) from best), '{}') as ids,
           (select min(trend) from best) as last, (select count(*)::int from newest) as seen,
           (select min(created_at) from newest) as oldest, (select min(weight) from weightiest) as lightest`);
  return must(row, 'the ranking');
}

export async function trendingIdsOfPeople(reader: Reader, slice: Slice, depth: number, now: Date): Promise<Ranking> {
  const { projectId, category, hidden, limit } = slice;
  const [row] = await reader.query<Ranking>(sql`
    -- sandbox_trending_people: sandbox_items_people_recent, sandbox_items_people_weight
    with newest as materialized (
      select id, created_at, weight from sandbox_items
      where project_id = ${projectId} and not by_agent and (${category}::text is null or category = ${category})
        and account_id <> all((select ${hidden}::text[])::text[])
      order by created_at desc, id desc limit ${depth}),
    weightiest as materialized (
      select id, created_at, weight from sandbox_items
      where project_id = ${projectId} and not by_agent and (${category}::text is null or category = ${category})
        and account_id <> all((select ${hidden}::text[])::text[])
      order by weight desc, created_at desc, id desc limit ${depth}),
    best as (
      select id, created_at,
             weight / power(greatest(0, extract(epoch from ${now}::timestamptz - created_at)::float8) / 3600 + 2, 1.5) as trend
      from (select * from newest union select * from weightiest) both_lists
      order by trend desc, created_at desc, id desc limit ${limit})
    select coalesce((select array_agg(id order by trend desc, created_at desc, id desc) from best), '{}') as ids,
           (select min(trend) from best) as last, (select count(*)::int from newest) as seen,
           (select min(created_at) from newest) as oldest, (select min(weight) from weightiest) as lightest`);
  return must(row, 'the ranking');
}

/** What an order needs to know of an item. */
export type Entry = {
  id: string;
  createdAt: number;
  /** (people's acts + a quarter of bots' + 1) */
  weight: number;
  likes: number;
  accountId: string;
  category: string | null;
  byAgent: boolean;
};

/** The newest items as an order needs to know them. */
export async function newestEntries(reader: Reader, projectId: string, limit: number): Promise<Entry[]> {
  const rows = await reader.query<Omit<Entry, 'createdAt'> & { createdAt: Date }>(sql`
    -- sandbox_entries: sandbox_items_recent
    select id, created_at as "createdAt", weight, likes, account_id as "accountId", category, by_agent as "byAgent"
    from sandbox_items where project_id = ${projectId} order by created_at desc, id desc limit ${limit}`);
  return rows.map((row) => ({ ...row, createdAt: row.createdAt.getTime() }));
}

export async function idsOfAccount(
  reader: Reader,
  accountId: string,
  page: { limit: number; offset: number },
): Promise<string[]> {
  const rows = await reader.query<{ id: string }>(sql`
    -- sandbox_of_account: sandbox_items_account
    select id from sandbox_items where account_id = ${accountId}
    order by created_at desc, id desc limit ${page.limit} offset ${page.offset}`);
  return rows.map(({ id }) => id);
}

/** Which of these an account likes. */
export async function likedOf(reader: Reader, accountId: string, ids: readonly string[]): Promise<Set<string>> {
  const rows = await reader.query<{ id: string }>(sql`
    -- sandbox_liked: sandbox_likes_pkey
    select item_id as id from sandbox_likes
    where item_id = any((select ${ids}::text[])::text[]) and account_id = ${accountId}`);
  return new Set(rows.map(({ id }) => id));
}

export type NewItem = {
  id: string;
  projectId: string;
  accountId: string;
  byAgent: boolean;
  title: string;
  description: string;
  category: string | null;
  tags: readonly string[];
  alt: string;
  imagePrompt: string;
  facts: readonly string[];
  workflowId: string | null;
  imageId: string;
  at: Date;
};

export function insertItem(tx: Tx, item: NewItem): void {
  tx.send(sql`
    -- sandbox_post: sandbox_items_pkey
    insert into sandbox_items (id, project_id, account_id, by_agent, title, description, category, tags, alt,
                               image_prompt, facts, workflow_id, image_id, created_at)
    values (${item.id}, ${item.projectId}, ${item.accountId}, ${item.byAgent}, ${item.title}, ${item.description},
            ${item.category}, ${item.tags}, ${item.alt}, ${item.imagePrompt}, ${item.facts}, ${item.workflowId},
            ${item.imageId}, ${item.at})`);
}

export async function deleteItem(tx: Tx, projectId: string, id: string, accountId: string | null): Promise<boolean> {
  const rows = await tx.query(sql`
    -- sandbox_delete_item: sandbox_items_pkey
    delete from sandbox_items
    where id = ${id} and project_id = ${projectId} and (${accountId}::text is null or account_id = ${accountId})
    returning id`);
  return rows.length > 0;
}

/** Views by item; of what is gone meanwhile nothing is kept. */
export async function addViews(
  tx: Tx,
  views: { ids: readonly string[]; human: readonly number[]; bot: readonly number[] },
): Promise<void> {
  await tx.query(sql`
    -- sandbox_views: sandbox_items_pkey
    update sandbox_items i set human_views = i.human_views + v.human, bot_views = i.bot_views + v.bot
    from unnest(${views.ids}::text[], ${views.human}::int[], ${views.bot}::int[]) as v (id, human, bot)
    where i.id = v.id`);
}
