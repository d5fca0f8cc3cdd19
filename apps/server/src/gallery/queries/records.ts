import type { GalleryAction, GalleryMemory } from '@muster/protocol';
import { type Reader, sql, type Tx } from '#kernel/db';

/** Where a list of a bot's records goes on: before this moment and id. */
export type Before = { at: Date; id: string } | null;
type Page = { before: Before; limit: number };

export type ActionRow = Omit<GalleryAction, 'openedAt' | 'closedAt'> & { openedAt: Date; closedAt: Date | null };

const actionColumns = sql`
  thought_id as "thoughtId", bot_id as "botId", target_id as "targetId", kind, item_id as "itemId", parent_id as "parentId",
  content, image_blob as "imageBlob", state, outcome, remote_id as "remoteId", opened_at as "openedAt",
  closed_at as "closedAt"`;
const decisionColumns = sql`
  thought_id as "thoughtId", bot_id as "botId", at, kind, why, mind, result, reason, tokens_in as "tokensIn",
  tokens_out as "tokensOut", cost_micros as "costMicros", latency_ms as "latencyMs", body`;

/** The ledger's row of one think. */
export async function readLedger(reader: Reader, projectId: string, thoughtId: string): Promise<ActionRow | undefined> {
  const [row] = await reader.query<ActionRow>(sql`
    -- read_gallery_ledger: gallery_actions_pkey
    select ${actionColumns} from gallery_actions where thought_id = ${thoughtId} and project_id = ${projectId}`);
  return row;
}

export async function readThought(
  reader: Reader,
  projectId: string,
  thoughtId: string,
): Promise<DecisionRow | undefined> {
  const [row] = await reader.query<DecisionRow>(sql`
    -- read_gallery_thought: gallery_decisions_pkey
    select ${decisionColumns} from gallery_decisions where thought_id = ${thoughtId} and project_id = ${projectId}`);
  return row;
}

export async function listActions(
  reader: Reader,
  botId: string,
  { before, limit }: Page,
  state: string | null,
): Promise<ActionRow[]> {
  return reader.query<ActionRow>(sql`
    -- list_gallery_actions: gallery_actions_bot
    select ${actionColumns} from gallery_actions
    where bot_id = ${botId} and (${state}::text is null or state = ${state})
      and (${before?.at ?? null}::timestamptz is null or (opened_at, thought_id) < (${before?.at ?? null}, ${before?.id ?? null}))
    order by opened_at desc, thought_id desc limit ${limit}`);
}

export async function readAction(
  reader: Reader,
  projectId: string,
  thoughtId: string,
): Promise<{ state: string; botId: string } | undefined> {
  const [row] = await reader.query<{ state: string; botId: string }>(sql`
    -- read_gallery_action: gallery_actions_pkey
    select state, bot_id as "botId" from gallery_actions where thought_id = ${thoughtId} and project_id = ${projectId}`);
  return row;
}

export type DecisionRow = {
  thoughtId: string;
  botId: string;
  at: Date;
  kind: string;
  why: string;
  mind: string;
  result: string;
  reason: string | null;
  tokensIn: number;
  tokensOut: number;
  costMicros: number;
  latencyMs: number;
  body: Record<string, unknown>;
};

export async function listDecisions(reader: Reader, botId: string, { before, limit }: Page): Promise<DecisionRow[]> {
  return reader.query<DecisionRow>(sql`
    -- list_gallery_decisions: gallery_decisions_bot
    select ${decisionColumns} from gallery_decisions
    where bot_id = ${botId}
      and (${before?.at ?? null}::timestamptz is null or (at, thought_id) < (${before?.at ?? null}, ${before?.id ?? null}))
    order by at desc, thought_id desc limit ${limit}`);
}

export type MemoryRow = Omit<GalleryMemory, 'at' | 'usedAt'> & { at: Date; usedAt: Date };

export async function listMemories(reader: Reader, botId: string, { before, limit }: Page): Promise<MemoryRow[]> {
  return reader.query<MemoryRow>(sql`
    -- list_gallery_memories: gallery_memories_bot
    select id, kind, text, item_id as "itemId", person, importance, at, used_at as "usedAt"
    from gallery_memories
    where bot_id = ${botId}
      and (${before?.at ?? null}::timestamptz is null or (at, id) < (${before?.at ?? null}, ${before?.id ?? null}))
    order by at desc, id desc limit ${limit}`);
}

/** One memory of a bot, or all of them with its relations. Answers how many memories went. */
export async function deleteMemories(tx: Tx, botId: string, id: string | null): Promise<number> {
  const rows = await tx.query(sql`
    -- delete_gallery_memories: gallery_memories_bot
    delete from gallery_memories where bot_id = ${botId} and (${id}::text is null or id = ${id}) returning 1`);
  if (id === null) {
    await tx.query(sql`
      -- delete_gallery_relations: gallery_relations_pkey
      delete from gallery_relations where bot_id = ${botId}`);
  }
  return rows.length;
}

export type RelationRow = {
  person: string;
  isBot: boolean;
  affinity: number;
  seen: number;
  exchanged: number;
  lastAt: Date;
};

export async function listRelations(
  reader: Reader,
  botId: string,
  page: { after: string | null; limit: number },
): Promise<RelationRow[]> {
  return reader.query<RelationRow>(sql`
    -- list_gallery_relations: gallery_relations_pkey
    select person, is_bot as "isBot", affinity, seen, exchanged, last_at as "lastAt" from gallery_relations
    where bot_id = ${botId} and (${page.after}::text is null or person > ${page.after})
    order by person limit ${page.limit}`);
}

export type SpendRow = {
  day: Date;
  thinks: number;
  acted: number;
  tokensIn: number;
  tokensOut: number;
  costMicros: number;
};

/** By UTC day, of the decisions that are still kept. */
export async function spendByDay(
  reader: Reader,
  botId: string,
  page: { before: Date | null; limit: number },
): Promise<SpendRow[]> {
  return reader.query<SpendRow>(sql`
    -- gallery_spend: gallery_decisions_bot
    select date_trunc('day', at, 'UTC') as day, count(*)::int as thinks,
      (count(*) filter (where result = 'acted'))::int as acted, sum(tokens_in)::bigint as "tokensIn",
      sum(tokens_out)::bigint as "tokensOut", sum(cost_micros)::bigint as "costMicros"
    from gallery_decisions
    where bot_id = ${botId} and (${page.before}::timestamptz is null or at < ${page.before})
    group by 1 order by 1 desc limit ${page.limit}`);
}

/**
 * What all bots of a project remember about one person, by name or in words. Bots that lost something think on under the next
 * number: a think that is under way on any node then writes nothing of that person back.
 */
export async function erasePerson(
  tx: Tx,
  projectId: string,
  person: string,
): Promise<{ memories: number; relations: number; decisions: number }> {
  // A name may hold signs that mean something in a pattern.
  const literal = person.replaceAll(/[^A-Za-z0-9_]/g, (sign) => `\\${sign}`);
  const memories = await tx.query<{ botId: string }>(sql`
    -- erase_person_memories: gallery_bots_project, gallery_memories_bot
    delete from gallery_memories m using gallery_bots b
    where b.project_id = ${projectId} and m.bot_id = b.id
      and (m.person = ${person} or m.text ~* ${`(^|[^a-z0-9_])@?${literal}($|[^a-z0-9_])`})
    returning m.bot_id as "botId"`);
  const relations = await tx.query<{ botId: string }>(sql`
    -- erase_person_relations: gallery_relations_person
    delete from gallery_relations r using gallery_bots b
    where r.person = ${person} and b.id = r.bot_id and b.project_id = ${projectId} returning r.bot_id as "botId"`);
  const decisions = await tx.query(sql`
    -- erase_person_decisions: gallery_decisions_project
    update gallery_decisions set body = '{"erased": true}'::jsonb
    where project_id = ${projectId} and body::text ~* ${`"${literal}"`}
    returning 1`);
  const lost = [...new Set([...memories, ...relations].map(({ botId }) => botId))];
  await tx.query(sql`
    -- erase_person_thinks: gallery_bots_pkey
    update gallery_bots set think_no = think_no + 1 where id = any((select ${lost}::text[])::text[])`);
  return { memories: memories.length, relations: relations.length, decisions: decisions.length };
}

/** In pieces: closed actions, old decisions. */
export async function removeOldActions(tx: Tx, before: Date, limit: number): Promise<number> {
  const rows = await tx.query(sql`
    -- remove_old_gallery_actions: gallery_actions_closed
    delete from gallery_actions where thought_id in (
      select thought_id from gallery_actions where state <> 'open' and closed_at < ${before} limit ${limit})
    returning 1`);
  return rows.length;
}

export async function removeOldDecisions(tx: Tx, projectId: string, before: Date, limit: number): Promise<number> {
  const rows = await tx.query(sql`
    -- remove_old_gallery_decisions: gallery_decisions_project
    delete from gallery_decisions where thought_id in (
      select thought_id from gallery_decisions where project_id = ${projectId} and at < ${before} limit ${limit})
    returning 1`);
  return rows.length;
}

export async function galleryProjects(reader: Reader): Promise<string[]> {
  const rows = await reader.query<{ id: string }>(sql`
    -- gallery_projects: gallery_fleets_pkey
    select project_id as id from gallery_fleets order by project_id`);
  return rows.map((row) => row.id);
}
