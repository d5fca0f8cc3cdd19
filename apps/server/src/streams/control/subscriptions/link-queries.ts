import { type Reader, sql, type Tx } from '#kernel/db';
import type { LinkRow } from './rows.ts';

export async function listLinks(reader: Reader, no: number): Promise<LinkRow[]> {
  return reader.query<LinkRow>(sql`
    -- list_links: primary key; at most 10,000
    select path, explicit, glob, acked, noticed from subscription_links where subscription_no = ${no} order by path`);
}

export async function findLinks(reader: Reader, no: number, paths: readonly string[]): Promise<LinkRow[]> {
  return reader.query<LinkRow>(sql`
    -- find_links: primary key
    select path, explicit, glob, acked, noticed from subscription_links where subscription_no = ${no} and path = any(${paths})`);
}

/** Explicit links, for the index in memory. */
export async function listExplicitLinks(
  reader: Reader,
  after: { no: number; path: string },
  limit: number,
): Promise<{ no: number; projectId: string; path: string }[]> {
  return reader.query(sql`
    -- list_explicit_links: primary key, page by page
    select subscription_no as no, project_id as "projectId", path from subscription_links
    where explicit and (subscription_no, path) > (${after.no}, ${after.path})
    order by subscription_no, path limit ${limit}`);
}

/** Subscriptions that have links to these streams. */
export async function linkedTo(
  reader: Reader,
  streams: readonly { projectId: string; path: string }[],
): Promise<{ no: number; path: string; projectId: string }[]> {
  return reader.query(sql`
    -- linked_to: index subscription_links_stream (project_id, path)
    select l.subscription_no as no, l.path, l.project_id as "projectId" from subscription_links l
    join unnest(${streams.map(({ projectId }) => projectId)}::text[], ${streams.map(({ path }) => path)}::text[]) s(project_id, path)
      on l.project_id = s.project_id and l.path = s.path`);
}

export type MovedLink = {
  path: string;
  /** The pattern has it too. */
  glob: boolean;
  /** Before the first message: the stream itself began just now. */
  before: string;
  tail: string;
};

/** Links of streams that moved; answers with those that are behind now. The caller holds the subscription's row. */
export async function moveLinks(tx: Tx, no: number, links: readonly MovedLink[]): Promise<string[]> {
  const rows = await tx.query<{ path: string; pending: boolean }>(sql`
    -- move_links: primary key
    update subscription_links l set glob = l.glob or m.glob,
      -- A stream that began just now, in a newer era: what was read of the one before it at this path says nothing of it.
      acked = case when m.before = '-1' and substr(l.acked, 1, 16) < substr(m.tail, 1, 16) then '-1' else l.acked end,
      noticed = greatest(l.noticed, m.tail)
    from unnest(${links.map(({ path }) => path)}::text[], ${links.map(({ glob }) => glob)}::boolean[],
      ${links.map(({ before }) => before)}::text[], ${links.map(({ tail }) => tail)}::text[]) m(path, glob, before, tail)
    where l.subscription_no = ${no} and l.path = m.path
    returning l.path, l.noticed > l.acked as pending`);
  return rows.filter(({ pending }) => pending).map(({ path }) => path);
}

export type NewLink = { path: string; explicit: boolean; glob: boolean; acked: string; noticed: string };

/** Makes links; one that is there gets the other kind too, and keeps where it is. Answers with how many are new. */
export async function makeLinks(tx: Tx, no: number, projectId: string, links: readonly NewLink[]): Promise<number> {
  const rows = await tx.query<{ fresh: boolean }>(sql`
    -- make_links: primary key
    insert into subscription_links as l (subscription_no, project_id, path, explicit, glob, acked, noticed)
    select ${no}, ${projectId}, n.path, n.explicit, n.glob, n.acked, n.noticed
    from unnest(${links.map(({ path }) => path)}::text[], ${links.map(({ explicit }) => explicit)}::boolean[], ${links.map(({ glob }) => glob)}::boolean[],
      ${links.map(({ acked }) => acked)}::text[], ${links.map(({ noticed }) => noticed)}::text[]) n(path, explicit, glob, acked, noticed)
    on conflict (subscription_no, path) do update set explicit = l.explicit or excluded.explicit, glob = l.glob or excluded.glob
    returning xmax = 0 as fresh`);
  return rows.filter(({ fresh }) => fresh).length;
}

/** Tails that were seen, for links that are there. */
export function noticeTails(tx: Tx, no: number, tails: readonly { path: string; tail: string }[]): void {
  tx.send(sql`
    -- notice_tails: primary key
    update subscription_links l set noticed = t.tail
    from unnest(${tails.map(({ path }) => path)}::text[], ${tails.map(({ tail }) => tail)}::text[]) t(path, tail)
    where l.subscription_no = ${no} and l.path = t.path and l.noticed < t.tail`);
}

/** What a webhook is about to be told, so that its `done` acks exactly that. */
export function snapshotLinks(
  tx: Tx,
  no: number,
  generation: number,
  tails: readonly { path: string; tail: string }[],
): void {
  tx.send(sql`
    -- snapshot_links: primary key
    update subscription_links l set noticed = greatest(l.noticed, t.tail), wake_offset = t.tail, wake_generation = ${generation}
    from unnest(${tails.map(({ path }) => path)}::text[], ${tails.map(({ tail }) => tail)}::text[]) t(path, tail)
    where l.subscription_no = ${no} and l.path = t.path`);
}

export function ackSnapshot(tx: Tx, no: number, generation: number): void {
  tx.send(sql`
    -- ack_snapshot: primary key; at most 10,000
    update subscription_links set acked = wake_offset, noticed = greatest(noticed, wake_offset)
    where subscription_no = ${no} and wake_generation = ${generation} and acked < wake_offset`);
}

export function ackLinks(tx: Tx, no: number, acks: readonly { path: string; offset: string; tail: string }[]): void {
  tx.send(sql`
    -- ack_links: primary key
    update subscription_links l set acked = a.acked, noticed = greatest(l.noticed, a.tail, a.acked)
    from unnest(${acks.map(({ path }) => path)}::text[], ${acks.map(({ offset }) => offset)}::text[], ${acks.map(({ tail }) => tail)}::text[]) a(path, acked, tail)
    where l.subscription_no = ${no} and l.path = a.path`);
}

/**
 * Links whose streams have nothing behind what is acked, whatever was noticed: they were removed, or made anew. `gone`: a
 * link of the pattern goes with its stream. One that moved since it was read is left alone. Answers with how many went.
 */
export async function calmLinks(
  tx: Tx,
  no: number,
  links: readonly { path: string; noticed: string; gone: boolean }[],
): Promise<number> {
  const deleted = await tx.query(sql`
    -- calm_links: primary key
    delete from subscription_links l using unnest(${links.map(({ path }) => path)}::text[], ${links.map(({ noticed }) => noticed)}::text[],
      ${links.map(({ gone }) => gone)}::boolean[]) c(path, noticed, gone)
    where l.subscription_no = ${no} and l.path = c.path and l.noticed = c.noticed and c.gone and not l.explicit
    returning 1`);
  await tx.query(sql`
    -- calm_links: primary key
    update subscription_links l set noticed = l.acked
    from unnest(${links.map(({ path }) => path)}::text[], ${links.map(({ noticed }) => noticed)}::text[]) c(path, noticed)
    where l.subscription_no = ${no} and l.path = c.path and l.noticed = c.noticed`);
  return deleted.length;
}

/** The link by name goes; one the pattern made stays. Answers with how many rows are gone, and whether one was there. */
export async function unlinkStream(tx: Tx, no: number, path: string): Promise<{ gone: number; was: boolean }> {
  const deleted = await tx.query(sql`
    -- unlink_stream: primary key
    delete from subscription_links where subscription_no = ${no} and path = ${path} and explicit and not glob returning 1`);
  const kept = await tx.query(sql`
    -- unlink_stream: primary key
    update subscription_links set explicit = false where subscription_no = ${no} and path = ${path} and explicit returning 1`);
  return { gone: deleted.length, was: deleted.length + kept.length > 0 };
}

export function countLinks(tx: Tx, no: number, by: number): void {
  tx.send(sql`
    -- count_links: primary key
    update subscriptions set links = links + ${by}, overflowed_at = case when ${by}::int < 0 then null else overflowed_at end where subscription_no = ${no}`);
}
