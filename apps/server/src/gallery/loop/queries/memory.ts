import { sql, type Tx } from '#kernel/db';

export type MemoryKind = 'saw' | 'made' | 'said' | 'heard' | 'liked' | 'reflected';
export type Memory = {
  id: string;
  kind: MemoryKind;
  /** At most 280 characters. */
  text: string;
  itemId: string | null;
  person: string | null;
  /** 1 to 10. */
  importance: number;
  /** Epoch ms. */
  at: number;
};
export type Relation = {
  person: string;
  isBot: boolean;
  /** −1 to 1 as it was at `lastAt`; `affinityAt` says what is left of it. */
  affinity: number;
  seen: number;
  exchanged: number;
  lastAt: number;
};

/** What thinks leave in the memory of their bots, all in one trip with the commit. */
export type Remembering = {
  added: readonly (Memory & { botId: string })[];
  removed: readonly string[];
  /** Looked up for a situation. */
  used: readonly { id: string; at: number }[];
  relations: readonly (Relation & { botId: string })[];
  lost: readonly { botId: string; person: string }[];
};

export function writeMemory(tx: Tx, { added, removed, used, relations, lost }: Remembering): void {
  if (added.length > 0) {
    tx.send(sql`
      -- add_memories: gallery_memories_pkey
      insert into gallery_memories (id, bot_id, kind, text, item_id, person, importance, at, used_at)
      select given.id, given."botId", given.kind, given.text, given."itemId", given.person, given.importance,
             to_timestamp(given.at / 1000.0), to_timestamp(given.at / 1000.0)
        from json_to_recordset((select ${JSON.stringify(added)}::json)) as given(
             id text, "botId" text, kind text, text text, "itemId" text, person text, importance smallint, at double precision)
      on conflict (id) do nothing`);
  }
  if (used.length > 0) {
    tx.send(sql`
      -- use_memories: gallery_memories_pkey
      update gallery_memories m set used_at = to_timestamp(given.at / 1000.0)
        from json_to_recordset((select ${JSON.stringify(used)}::json)) as given(id text, at double precision) where m.id = given.id`);
  }
  if (removed.length > 0) {
    tx.send(sql`
      -- remove_memories: gallery_memories_pkey
      delete from gallery_memories where id = any((select ${removed}::text[])::text[])`);
  }
  if (relations.length > 0) {
    tx.send(sql`
      -- write_relations: gallery_relations_pkey
      insert into gallery_relations (bot_id, person, is_bot, affinity, seen, exchanged, last_at)
      select given."botId", given.person, given."isBot", given.affinity, given.seen, given.exchanged,
             to_timestamp(given."lastAt" / 1000.0)
        from json_to_recordset((select ${JSON.stringify(relations)}::json)) as given(
             "botId" text, person text, "isBot" boolean, affinity real, seen integer, exchanged integer, "lastAt" double precision)
      on conflict (bot_id, person) do update set is_bot = excluded.is_bot, affinity = excluded.affinity, seen = excluded.seen,
             exchanged = excluded.exchanged, last_at = excluded.last_at`);
  }
  if (lost.length > 0) {
    tx.send(sql`
      -- lose_relations: gallery_relations_pkey
      delete from gallery_relations r using json_to_recordset((select ${JSON.stringify(lost)}::json)) as given("botId" text, person text)
       where r.bot_id = given."botId" and r.person = given.person`);
  }
}
