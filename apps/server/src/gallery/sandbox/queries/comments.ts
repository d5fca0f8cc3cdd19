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

/** What a comment would meet: whose item it is, and who spoke last there. The item stays until the end of the transaction. */
export async function readForComment(
  tx: Tx,
  projectId: string,
  itemId: string,
): Promise<{ ownerId: string; quiet: boolean; lastBy: string | null } | undefined> {
  const [row] = await tx.query<{ ownerId: string; quiet: boolean; lastBy: string | null }>(sql`
    -- sandbox_for_comment: sandbox_items_pkey, sandbox_accounts_pkey, sandbox_comments_item
    select i.account_id as "ownerId", a.quiet,
           (select c.account_id from sandbox_comments c where c.item_id = i.id
            order by c.created_at desc, c.id desc limit 1) as "lastBy"
    from sandbox_items i join sandbox_accounts a on a.id = i.account_id
    where i.id = ${itemId} and i.project_id = ${projectId} for key share of i`);
  return row;
}

/** The comment and its counter in one. */
export function insertComment(
  tx: Tx,
  comment: {
    id: string;
    projectId: string;
    itemId: string;
    accountId: string;
    isAgent: boolean;
    content: string;
    at: Date;
  },
): void {
  const human = comment.isAgent ? 0 : 1;
  tx.send(sql`
    -- sandbox_comment: sandbox_items_pkey, sandbox_comments_pkey
    with thing as (
      update sandbox_items set human_comments = human_comments + ${human}::int, bot_comments = bot_comments + 1 - ${human}::int
      where id = ${comment.itemId} and project_id = ${comment.projectId} returning id, project_id)
    insert into sandbox_comments (id, project_id, item_id, account_id, by_agent, content, created_at)
    select ${comment.id}, project_id, id, ${comment.accountId}, ${comment.isAgent}, ${comment.content}, ${comment.at}
    from thing`);
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
