import { type Reader, sql, type Tx } from '#kernel/db';
import type { LedgerKind } from './see.ts';

/** A side effect on its way into the ledger. Times are epoch ms. */
export type NewAction = {
  thoughtId: string;
  projectId: string;
  botId: string;
  shard: number;
  term: string;
  generation: number;
  /** `null`: an act beside the thinks. */
  thinkNo: number | null;
  targetId: string;
  kind: LedgerKind;
  itemId: string | null;
  parentId: string | null;
  key: string;
  content: string;
  /** SHA-256 in hex. */
  contentHash: string | null;
  imageBlob: string | null;
  detail: Readonly<Record<string, unknown>>;
  at: number;
  /** Acts of its class on this item in the last hour that shut it for bots; `null`: not counted. */
  most: number | null;
};

/**
 * Opens those that may be done, in one statement: the bot still wanted and thinking this very thought, its shard held, no
 * gate shut, the item not piled on. Who acts on an item waits for who acts on it at the same moment, on whichever node.
 * The guards are those of term-sql.ts, written out: a statement of parts is not prepared, and this is the hottest one here.
 */
export async function openActions(tx: Tx, actions: readonly NewAction[]): Promise<Set<string>> {
  const items = actions.flatMap(({ projectId, targetId, itemId, most }) =>
    itemId === null || most === null ? [] : [`${projectId} ${targetId} ${itemId}`],
  );
  if (items.length > 0) {
    tx.send(sql`
      -- lock_items: no table
      select pg_advisory_xact_lock(hashtextextended(name, 7))
        from (select distinct name from unnest((select ${items}::text[])::text[]) i(name) order by name) ordered`);
  }
  const rows = await tx.query<{ thoughtId: string }>(sql`
    -- open_actions: gallery_bots_pkey, gallery_shards_pkey, gallery_actions_item
    insert into gallery_actions (thought_id, project_id, bot_id, shard, target_id, kind, item_id, parent_id, key, content,
                                 content_hash, image_blob, detail, term, opened_at)
    select given."thoughtId", given."projectId", given."botId", given.shard, given."targetId", given.kind, given."itemId",
           given."parentId", given.key, given.content, decode(given."contentHash", 'hex'), given."imageBlob", given.detail,
           given.term, to_timestamp(given.at / 1000.0)
      from (select g.*, count(*) over (partition by g."projectId", g."targetId", g."itemId", g.kind = 'like' order by g.n) - 1 as before
              from json_to_recordset((select ${JSON.stringify(actions.map((action, n) => ({ ...action, n })))}::json)) as g(
                   "thoughtId" text, "projectId" text, "botId" text, shard smallint, term bigint, generation integer,
                   "thinkNo" bigint, "targetId" text, kind text, "itemId" text, "parentId" text, key text, content text,
                   "contentHash" text, "imageBlob" text, detail jsonb, at double precision, most integer, n integer)) given
      join gallery_bots b on b.id = given."botId"
     where b.desired = 'running' and b.state = 'running' and b.generation = given.generation and b.think_no = coalesce(given."thinkNo", b.think_no)
       and exists (select 1 from gallery_shards held where held.shard = given.shard and held.term = given.term
             and held.expires_at > clock_timestamp())
       and exists (select 1 from gallery_targets target join gallery_fleets fleet on fleet.project_id = target.project_id
             where target.project_id = given."projectId" and target.id = given."targetId" and target.gate = 'open'
               and fleet.gate = 'open' and (target.kind = 'sandbox' or target.acknowledgement is not null))
       and (given.most is null or given.before + (
             select count(*) from gallery_actions p
              where p.project_id = given."projectId" and p.target_id = given."targetId" and p.item_id = given."itemId"
                and p.opened_at > to_timestamp(given.at / 1000.0) - interval '1 hour' and p.state in ('open', 'done')
                and (p.kind = 'like') = (given.kind = 'like') and p.kind <> 'unlike') < given.most)
     order by given.n
    on conflict do nothing
    returning thought_id as "thoughtId"`);
  return new Set(rows.map((row) => row.thoughtId));
}

export type Shut = { thoughtId: string; exists: boolean; liked: boolean; crowded: boolean; allowed: boolean };

/** Why some were not opened; asked only when that happened. */
export async function whyShut(reader: Reader, actions: readonly NewAction[]): Promise<Shut[]> {
  return await reader.query<Shut>(sql`
    -- why_shut: gallery_actions_pkey, gallery_actions_one_like, gallery_actions_item, gallery_bots_pkey
    select given."thoughtId",
           exists (select 1 from gallery_actions a where a.thought_id = given."thoughtId") as exists,
           given.kind = 'like' and exists (select 1 from gallery_actions a where a.bot_id = given."botId"
             and a.item_id = given."itemId" and a.kind = 'like' and a.state in ('open', 'done')) as liked,
           given.most is not null and (select count(*) from gallery_actions p
              where p.project_id = given."projectId" and p.target_id = given."targetId" and p.item_id = given."itemId"
                and p.opened_at > to_timestamp(given.at / 1000.0) - interval '1 hour' and p.state in ('open', 'done')
                and (p.kind = 'like') = (given.kind = 'like') and p.kind <> 'unlike') >= given.most as crowded,
           exists (select 1 from gallery_bots b where b.id = given."botId" and b.desired = 'running' and b.state = 'running'
             and b.generation = given.generation and b.think_no = coalesce(given."thinkNo", b.think_no))
             and exists (select 1 from gallery_shards held where held.shard = given.shard and held.term = given.term
             and held.expires_at > clock_timestamp())
       and exists (select 1 from gallery_targets target join gallery_fleets fleet on fleet.project_id = target.project_id
             where target.project_id = given."projectId" and target.id = given."targetId" and target.gate = 'open'
               and fleet.gate = 'open' and (target.kind = 'sandbox' or target.acknowledgement is not null)) as allowed
      from json_to_recordset((select ${JSON.stringify(actions)}::json)) as given(
           "thoughtId" text, "projectId" text, "botId" text, shard smallint, term bigint, generation integer, "thinkNo" bigint,
           "targetId" text, kind text, "itemId" text, at double precision, most integer)`);
}

/** Takes back what was opened in this transaction and must not be: nobody has seen it. */
export function takeBack(tx: Tx, thoughtIds: readonly string[]): void {
  tx.send(sql`
    -- take_back: gallery_actions_pkey
    delete from gallery_actions where thought_id = any((select ${thoughtIds}::text[])::text[]) and state = 'open'`);
}

export type ClosedAction = {
  thoughtId: string;
  state: 'done' | 'failed' | 'dropped';
  outcome: string | null;
  remoteId: string | null;
  at: number;
};

/** Open rows of the ledger reach their end; terminal ones stay as they are. In a transaction that checked the term. */
export function closeActions(tx: Tx, closed: readonly ClosedAction[]): void {
  tx.send(sql`
    -- close_actions: gallery_actions_pkey
    update gallery_actions a set state = given.state, outcome = given.outcome, remote_id = given."remoteId",
           closed_at = to_timestamp(given.at / 1000.0)
      from json_to_recordset((select ${JSON.stringify(closed)}::json)) as given(
           "thoughtId" text, state text, outcome text, "remoteId" text, at double precision)
     where a.thought_id = given."thoughtId" and a.state = 'open'`);
}

export type OpenAction = {
  thoughtId: string;
  projectId: string;
  botId: string;
  shard: number;
  targetId: string;
  kind: LedgerKind;
  itemId: string | null;
  parentId: string | null;
  key: string;
  content: string;
  imageBlob: string | null;
  detail: Record<string, unknown>;
  openedAt: Date;
};

/** Acts of a shard that an older term left open, oldest first; at most `limit`. */
export async function readOpenOfShard(
  reader: Reader,
  of: { shard: number; below: bigint; after: string; limit: number },
): Promise<OpenAction[]> {
  return await reader.query<OpenAction>(sql`
    -- read_open_of_shard: gallery_actions_open
    select thought_id as "thoughtId", project_id as "projectId", bot_id as "botId", shard, target_id as "targetId", kind,
           item_id as "itemId", parent_id as "parentId", key, content, image_blob as "imageBlob", detail, opened_at as "openedAt"
      from gallery_actions where shard = ${of.shard} and state = 'open' and term < ${of.below} and thought_id > ${of.after}
     order by thought_id limit ${of.limit}`);
}

export async function readOpen(reader: Reader, thoughtIds: readonly string[]): Promise<OpenAction[]> {
  return await reader.query<OpenAction>(sql`
    -- read_open: gallery_actions_pkey
    select thought_id as "thoughtId", project_id as "projectId", bot_id as "botId", shard, target_id as "targetId", kind,
           item_id as "itemId", parent_id as "parentId", key, content, image_blob as "imageBlob", detail, opened_at as "openedAt"
      from gallery_actions where thought_id = any((select ${thoughtIds}::text[])::text[]) and state = 'open'
     order by opened_at, thought_id`);
}

/** One act of a project, whatever became of it. */
export async function readAction(
  reader: Reader,
  of: { projectId: string; thoughtId: string },
): Promise<(OpenAction & { state: string }) | undefined> {
  const [row] = await reader.query<OpenAction & { state: string }>(sql`
    -- read_action: gallery_actions_pkey
    select thought_id as "thoughtId", project_id as "projectId", bot_id as "botId", shard, target_id as "targetId", kind,
           item_id as "itemId", parent_id as "parentId", key, content, image_blob as "imageBlob", detail, state,
           opened_at as "openedAt"
      from gallery_actions where thought_id = ${of.thoughtId} and project_id = ${of.projectId}`);
  return row;
}
