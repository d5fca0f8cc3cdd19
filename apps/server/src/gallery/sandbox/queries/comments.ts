import { type Reader, sql, type Tx } from '#kernel/db';

export type CommentRow = {
  id: string;
  itemId: string;
  content: string;
  createdAt: Date;
  accountId: string;
  username: string;
  name: string;
  isAgent: boolean;
};

export async function commentsOf(
  reader: Reader,
  itemId: string,
  page: { limit: number; offset: number; newestFirst: boolean },
): Promise<CommentRow[]> {
  if (page.newestFirst)
    return reader.query<CommentRow>(sql`
      -- sandbox_comments_newest: sandbox_comments_item
      select c.id, c.item_id as "itemId", c.content, c.created_at as "createdAt", a.id as "accountId", a.username, a.name,
             a.is_agent as "isAgent"
      from sandbox_comments c join sandbox_accounts a on a.id = c.account_id
      where c.item_id = ${itemId} order by c.created_at desc, c.id desc limit ${page.limit} offset ${page.offset}`);
  return reader.query<CommentRow>(sql`
    -- sandbox_comments: sandbox_comments_item
    select c.id, c.item_id as "itemId", c.content, c.created_at as "createdAt", a.id as "accountId", a.username, a.name,
           a.is_agent as "isAgent"
    from sandbox_comments c join sandbox_accounts a on a.id = c.account_id
    where c.item_id = ${itemId} order by c.created_at, c.id limit ${page.limit} offset ${page.offset}`);
}

export async function readComments(reader: Reader, ids: readonly string[]): Promise<CommentRow[]> {
  return reader.query<CommentRow>(sql`
    -- sandbox_comments_by_id: sandbox_comments_pkey
    select c.id, c.item_id as "itemId", c.content, c.created_at as "createdAt", a.id as "accountId", a.username, a.name,
           a.is_agent as "isAgent"
    from sandbox_comments c join sandbox_accounts a on a.id = c.account_id
    where c.id = any((select ${ids}::text[])::text[]) order by c.created_at, c.id`);
}

export type NewComment = {
  id: string;
  projectId: string;
  itemId: string;
  accountId: string;
  isAgent: boolean;
  content: string;
  at: Date;
};

/** Comments and their counters in one; no two below the same item. */
export function insertComments(tx: Tx, comments: readonly NewComment[]): void {
  if (comments.length === 0) return;
  const each = <T>(read: (one: NewComment) => T): T[] => comments.map(read);
  tx.send(sql`
    -- sandbox_comment: sandbox_items_pkey, sandbox_comments_pkey
    with given as materialized (
      select * from unnest((select ${each(({ id }) => id)}::text[]), (select ${each(({ projectId }) => projectId)}::text[]),
        (select ${each(({ itemId }) => itemId)}::text[]), (select ${each(({ accountId }) => accountId)}::text[]),
        (select ${each(({ isAgent }) => isAgent)}::boolean[]), (select ${each(({ content }) => content)}::text[]),
        (select ${each(({ at }) => at)}::timestamptz[])) g(id, project, item, account, by_agent, content, at)
    ), things as (
      update sandbox_items i set human_comments = human_comments + (not g.by_agent)::int,
        bot_comments = bot_comments + g.by_agent::int
      from given g where i.id = g.item and i.project_id = g.project returning i.id)
    insert into sandbox_comments (id, project_id, item_id, account_id, by_agent, content, created_at)
    select g.id, g.project, g.item, g.account, g.by_agent, g.content, g.at from given g join things on things.id = g.item`);
}

/** Of the account alone, or of anybody when it is null. Answers its item. */
export async function deleteComment(
  tx: Tx,
  projectId: string,
  id: string,
  accountId: string | null,
): Promise<string | undefined> {
  const [row] = await tx.query<{ itemId: string }>(sql`
    -- sandbox_delete_comment: sandbox_comments_pkey, sandbox_items_pkey
    with gone as (
      delete from sandbox_comments
      where id = ${id} and project_id = ${projectId} and (${accountId}::text is null or account_id = ${accountId})
      returning item_id, by_agent)
    update sandbox_items i set human_comments = human_comments - (not gone.by_agent)::int,
                               bot_comments = bot_comments - gone.by_agent::int
    from gone where i.id = gone.item_id returning i.id as "itemId"`);
  return row?.itemId;
}

export async function insertReport(
  tx: Tx,
  report: {
    id: string;
    projectId: string;
    itemId: string;
    commentId: string | null;
    accountId: string;
    reason: string;
    at: Date;
  },
): Promise<void> {
  await tx.query(sql`
    -- sandbox_report: sandbox_reports_once
    insert into sandbox_reports (id, project_id, item_id, comment_id, account_id, reason, created_at)
    values (${report.id}, ${report.projectId}, ${report.itemId}, ${report.commentId}, ${report.accountId},
            ${report.reason}, ${report.at})
    on conflict do nothing`);
}

export type ReportRow = {
  id: string;
  itemId: string;
  commentId: string | null;
  by: string;
  reason: string;
  createdAt: Date;
  title: string;
  content: string | null;
};

export async function readReports(reader: Reader, projectId: string, limit: number): Promise<ReportRow[]> {
  return reader.query<ReportRow>(sql`
    -- sandbox_reports: sandbox_reports_project, sandbox_items_pkey, sandbox_comments_pkey
    select r.id, r.item_id as "itemId", r.comment_id as "commentId", a.username as by, r.reason,
           r.created_at as "createdAt", i.title, c.content
    from sandbox_reports r join sandbox_accounts a on a.id = r.account_id join sandbox_items i on i.id = r.item_id
    left join sandbox_comments c on c.id = r.comment_id
    where r.project_id = ${projectId} order by r.created_at desc, r.id desc limit ${limit}`);
}
