import { type Reader, sql } from '#kernel/db';

/** Of the newest posts of people in a window that are looked at. */
const postsMax = 20_000;

export type AnsweredPeople = { posts: number; answered: number; medianMs: number | null };

/** Posts of people, those a bot wrote something below, and how long the first answer took. `to` is not in it. */
export async function readAnsweredPeople(
  reader: Reader,
  projectId: string,
  from: Date,
  to: Date,
): Promise<AnsweredPeople> {
  const [row] = await reader.query<AnsweredPeople>(sql`
    -- sandbox_answered_people: sandbox_items_people_recent, sandbox_comments_item
    select count(*)::int as posts, count(first.at)::int as answered,
      percentile_cont(0.5) within group (order by extract(epoch from first.at - i.created_at)::float8 * 1000) as "medianMs"
    from (
      select id, created_at from sandbox_items
      where project_id = ${projectId} and not by_agent and created_at >= ${from} and created_at < ${to}
      order by created_at desc, id desc limit ${postsMax}
    ) i
    left join lateral (
      select created_at as at from sandbox_comments c where c.item_id = i.id and c.by_agent order by created_at, id limit 1
    ) first on true`);
  return row ?? { posts: 0, answered: 0, medianMs: null };
}
