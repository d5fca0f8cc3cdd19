import type { ActKind } from '@muster/protocol';
import { type Reader, sql } from '#kernel/db';
import type { MemoryKind } from './memory.ts';

export type LedgerKind = Exclude<ActKind, 'browse'> | 'unlike';
export type MemoryRow = {
  botId: string;
  id: string;
  kind: MemoryKind;
  text: string;
  itemId: string | null;
  person: string | null;
  importance: number;
  at: Date;
};
export type RelationRow = {
  botId: string;
  person: string;
  isBot: boolean;
  affinity: number;
  seen: number;
  exchanged: number;
  lastAt: Date;
};
export type DoneRow = {
  botId: string;
  thoughtId: string;
  kind: LedgerKind;
  itemId: string | null;
  parentId: string | null;
  author: string | null;
  /** Of the newest ones only: what was said, and for a post what it was drawn from. */
  content: string | null;
  prompt: string | null;
  state: 'open' | 'done';
  openedAt: Date;
};

/** What one bot remembers, oldest first. */
export async function readMemories(reader: Reader, botIds: readonly string[]): Promise<MemoryRow[]> {
  return await reader.query<MemoryRow>(sql`
    -- read_memories: gallery_memories_bot
    select bot_id as "botId", id, kind, text, item_id as "itemId", person, importance, at
      from gallery_memories where bot_id = any((select ${botIds}::text[])::text[]) order by bot_id, at, id`);
}

export async function readRelations(reader: Reader, botIds: readonly string[]): Promise<RelationRow[]> {
  return await reader.query<RelationRow>(sql`
    -- read_relations: gallery_relations_pkey
    select bot_id as "botId", person, is_bot as "isBot", affinity, seen, exchanged, last_at as "lastAt"
      from gallery_relations where bot_id = any((select ${botIds}::text[])::text[]) order by bot_id, person`);
}

/** What each bot did, newest first: at most `most` rows each, the words of the first `words` of them. */
export async function readDone(
  reader: Reader,
  botIds: readonly string[],
  bounds: { most: number; words: number },
): Promise<DoneRow[]> {
  return await reader.query<DoneRow>(sql`
    -- read_done: gallery_actions_bot
    select d.* from unnest((select ${botIds}::text[])::text[]) with ordinality b(id, n)
      cross join lateral (
        select a.bot_id as "botId", a.thought_id as "thoughtId", a.kind, a.item_id as "itemId", a.parent_id as "parentId",
               a.detail->>'author' as author, a.state, a.opened_at as "openedAt",
               case when row_number() over w <= ${bounds.words} then a.content end as content,
               case when row_number() over w <= ${bounds.words} then a.detail->>'prompt' end as prompt
          from gallery_actions a where a.bot_id = b.id and a.state in ('open', 'done')
        window w as (order by a.opened_at desc, a.thought_id)
         order by a.opened_at desc, a.thought_id limit ${bounds.most}) d
     order by b.n, d."openedAt" desc, d."thoughtId"`);
}

export type PileRow = { itemId: string; words: number; likes: number };

/** What the whole fleet did to the items of a target since then. */
export async function readPiles(
  reader: Reader,
  of: { projectId: string; targetId: string; since: number },
): Promise<PileRow[]> {
  return await reader.query<PileRow>(sql`
    -- read_piles: gallery_actions_project
    select item_id as "itemId", (count(*) filter (where kind in ('comment', 'reply')))::int as words,
           (count(*) filter (where kind = 'like'))::int as likes
      from gallery_actions
     where project_id = ${of.projectId} and opened_at > ${new Date(of.since)} and target_id = ${of.targetId}
       and item_id is not null and state in ('open', 'done')
     group by item_id`);
}

/** Under which names bots of ours go on a target, purged ones excepted. */
export async function readOurNames(
  reader: Reader,
  of: { projectId: string; targetId: string; most: number },
): Promise<string[]> {
  const rows = await reader.query<{ username: string }>(sql`
    -- read_our_names: gallery_bots_username
    select username from gallery_bots where project_id = ${of.projectId} and target_id = ${of.targetId}
     limit ${of.most}`);
  return rows.map(({ username }) => username);
}

/** The last words of a whole fleet on one target, oldest first. */
export async function readFleetWords(
  reader: Reader,
  of: { projectId: string; targetId: string; most: number },
): Promise<{ kind: LedgerKind; content: string; prompt: string | null }[]> {
  return await reader.query(sql`
    -- read_fleet_words: gallery_actions_project
    select kind, content, prompt from (
      select kind, content, detail->>'prompt' as prompt, opened_at, thought_id from gallery_actions
       where project_id = ${of.projectId} and target_id = ${of.targetId} and kind in ('post', 'comment', 'reply')
         and state in ('open', 'done')
       order by opened_at desc limit ${of.most}) newest
     order by opened_at, thought_id`);
}
