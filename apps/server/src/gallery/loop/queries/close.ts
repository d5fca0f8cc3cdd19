import type { ActKind, GalleryBotState } from '@muster/protocol';
import type { BotRow } from '#gallery/model';
import { type Reader, sql, type Tx } from '#kernel/db';

/** What the end of a think makes of its bot's row. Times are epoch ms. */
export type BotClose = {
  id: string;
  shard: number;
  term: string;
  thinkNo: number;
  generation: number;
  /** 1 for the end of a think, 0 for an act beside one. */
  advance: 0 | 1;
  state: GalleryBotState;
  reason: string | null;
  sleepUntil: number | null;
  retryAt: number | null;
  nextThinkAt: number | null;
  failures: number;
  kind: ActKind | null;
  skips: 0 | 1;
  failed: 0 | 1;
  costMicros: number;
  actedAt: number | null;
  lastError: string | null;
  at: number;
};

type StoredBot = Omit<BotRow, 'counts' | 'sleepUntil' | 'retryAt' | 'nextThinkAt' | 'createdAt'> & {
  sleepUntil: Date | null;
  retryAt: Date | null;
  nextThinkAt: Date | null;
  createdAt: Date;
  posts: number;
  comments: number;
  replies: number;
  likes: number;
  browses: number;
};

/**
 * Moves the bots whose thinks end, each only while its shard is held under the term of the think and it is still at that
 * think. What the machine says of the state is taken only where no command came between; counts always are. Answers the rows
 * as they are now: a bot that is missing there was not this think's to write.
 */
export async function closeBots(tx: Tx, closes: readonly BotClose[]): Promise<BotRow[]> {
  const rows = await tx.query<StoredBot>(sql`
    -- close_bots: gallery_bots_pkey, gallery_shards_pkey
    update gallery_bots b set
           think_no = b.think_no + given.advance, thinks = b.thinks + given.advance,
           posts = b.posts + (given.kind is not distinct from 'post')::int,
           comments = b.comments + (given.kind is not distinct from 'comment')::int,
           replies = b.replies + (given.kind is not distinct from 'reply')::int,
           likes = b.likes + (given.kind is not distinct from 'like')::int,
           browses = b.browses + (given.kind is not distinct from 'browse')::int,
           skips = b.skips + given.skips, failed = b.failed + given.failed,
           cost_micros = b.cost_micros + given."costMicros",
           last_action_at = coalesce(to_timestamp(given."actedAt" / 1000.0), b.last_action_at),
           last_error = coalesce(given."lastError", b.last_error), failures = case when given.advance = 1 then given.failures else b.failures end,
           state = case when b.generation = given.generation then given.state else b.state end,
           reason = case when b.generation = given.generation then given.reason else b.reason end,
           sleep_until = case when b.generation = given.generation then to_timestamp(given."sleepUntil" / 1000.0) else b.sleep_until end,
           retry_at = case when b.generation = given.generation then to_timestamp(given."retryAt" / 1000.0) else b.retry_at end,
           next_think_at = case when b.generation = given.generation then to_timestamp(given."nextThinkAt" / 1000.0) else b.next_think_at end,
           updated_at = to_timestamp(given.at / 1000.0)
      from json_to_recordset((select ${JSON.stringify(closes)}::json)) as given(
           id text, shard smallint, term bigint, "thinkNo" bigint, generation integer, advance integer, state text, reason text,
           "sleepUntil" double precision, "retryAt" double precision, "nextThinkAt" double precision, failures integer,
           kind text, skips integer, failed integer, "costMicros" bigint, "actedAt" double precision, "lastError" text,
           at double precision)
     where b.id = given.id and (given.advance = 0 or b.think_no = given."thinkNo")
       and exists (select 1 from gallery_shards held where held.shard = given.shard and held.term = given.term
             and held.expires_at > clock_timestamp())
    returning b.id, b.project_id as "projectId", b.shard, b.name, b.username, b.target_id as "targetId",
              b.persona_id as "personaId", b.disclosure_label as "disclosureLabel", b.traits, b.caps, b.seed, b.desired,
              b.state, b.reason, b.sleep_until as "sleepUntil", b.retry_at as "retryAt", b.failures,
              b.next_think_at as "nextThinkAt", b.think_no as "thinkNo", b.generation, b.provision, b.posts, b.comments,
              b.replies, b.likes, b.browses, b.created_at as "createdAt"`);
  return rows.map(botOf);
}

export async function readBots(reader: Reader, ids: readonly string[]): Promise<BotRow[]> {
  const rows = await reader.query<StoredBot>(sql`
    -- read_thinking_bots: gallery_bots_pkey
    select b.id, b.project_id as "projectId", b.shard, b.name, b.username, b.target_id as "targetId",
           b.persona_id as "personaId", b.disclosure_label as "disclosureLabel", b.traits, b.caps, b.seed, b.desired,
           b.state, b.reason, b.sleep_until as "sleepUntil", b.retry_at as "retryAt", b.failures,
           b.next_think_at as "nextThinkAt", b.think_no as "thinkNo", b.generation, b.provision, b.posts, b.comments,
           b.replies, b.likes, b.browses, b.created_at as "createdAt"
      from gallery_bots b where b.id = any((select ${ids}::text[])::text[])`);
  return rows.map(botOf);
}

function botOf({ posts, comments, replies, likes, browses, ...row }: StoredBot): BotRow {
  return {
    ...row,
    sleepUntil: row.sleepUntil?.getTime() ?? null,
    retryAt: row.retryAt?.getTime() ?? null,
    nextThinkAt: row.nextThinkAt?.getTime() ?? null,
    createdAt: row.createdAt.getTime(),
    counts: { post: posts, comment: comments, reply: replies, like: likes, browse: browses },
  };
}

/** Why it did that; `body` is what a replay needs. */
export type DecisionRow = {
  thoughtId: string;
  projectId: string;
  botId: string;
  at: number;
  kind: string;
  why: string;
  mind: string;
  result: string;
  reason: string | null;
  tokensIn: number;
  tokensOut: number;
  costMicros: number;
  latencyMs: number;
  body: Readonly<Record<string, unknown>>;
};

/** With the end of the think; a think that bought a picture has its row before, with the result `open`. */
export function writeDecisions(tx: Tx, rows: readonly DecisionRow[]): void {
  if (rows.length === 0) return;
  tx.send(sql`
    -- write_decisions: gallery_decisions_pkey
    insert into gallery_decisions (thought_id, project_id, bot_id, at, kind, why, mind, result, reason, tokens_in, tokens_out,
                                   cost_micros, latency_ms, body)
    select given."thoughtId", given."projectId", given."botId", to_timestamp(given.at / 1000.0), given.kind, given.why,
           given.mind, given.result, given.reason, given."tokensIn", given."tokensOut", given."costMicros",
           given."latencyMs", given.body
      from json_to_recordset((select ${JSON.stringify(rows)}::json)) as given(
           "thoughtId" text, "projectId" text, "botId" text, at double precision, kind text, why text, mind text, result text,
           reason text, "tokensIn" integer, "tokensOut" integer, "costMicros" bigint, "latencyMs" integer, body jsonb)
    on conflict (thought_id) do update set kind = excluded.kind, why = excluded.why, mind = excluded.mind,
           result = excluded.result, reason = excluded.reason, tokens_in = excluded.tokens_in, tokens_out = excluded.tokens_out,
           cost_micros = excluded.cost_micros, latency_ms = excluded.latency_ms, body = excluded.body`);
}

/** What a think decided before it bought a picture; `undefined`: it bought none. */
export async function readBought(
  reader: Reader,
  thoughtId: string,
): Promise<Pick<DecisionRow, 'mind' | 'tokensIn' | 'tokensOut' | 'costMicros' | 'body'> | undefined> {
  const [row] = await reader.query<Pick<DecisionRow, 'mind' | 'tokensIn' | 'tokensOut' | 'costMicros' | 'body'>>(sql`
    -- read_bought: gallery_decisions_pkey
    select mind, tokens_in as "tokensIn", tokens_out as "tokensOut", cost_micros as "costMicros", body
      from gallery_decisions where thought_id = ${thoughtId} and result = 'open'`);
  return row;
}

/** The term under which a shard is held now; `undefined`: by nobody. */
export async function readTerm(reader: Reader, shard: number): Promise<bigint | undefined> {
  const [row] = await reader.query<{ term: number }>(sql`
    -- read_term: gallery_shards_pkey
    select term from gallery_shards where shard = ${shard} and expires_at > clock_timestamp()`);
  return row ? BigInt(row.term) : undefined;
}
