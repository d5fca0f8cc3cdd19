import type { DesiredState, GalleryBotState } from '@muster/protocol';
import type { BotRow } from '#gallery/model';
import { type Reader, sql, type Tx } from '#kernel/db';
import { botColumns, botOf, type RawBot } from './bot-row.ts';
import { holds } from './term-sql.ts';

/** As much of a bot as its owner keeps in memory. */
export type TimerRow = {
  id: string;
  projectId: string;
  targetId: string;
  shard: number;
  desired: DesiredState;
  state: GalleryBotState;
  generation: number;
  nextThinkAt: number | null;
  sleepUntil: number | null;
  retryAt: number | null;
};
type RawTimer = Omit<TimerRow, 'nextThinkAt' | 'sleepUntil' | 'retryAt'> & {
  nextThinkAt: Date | null;
  sleepUntil: Date | null;
  retryAt: Date | null;
};

const timerColumns = sql`
  b.id, b.project_id as "projectId", b.target_id as "targetId", b.shard, b.desired, b.state, b.generation,
  b.next_think_at as "nextThinkAt", b.sleep_until as "sleepUntil", b.retry_at as "retryAt"`;

const timerOfRaw = (raw: RawTimer): TimerRow => ({
  ...raw,
  nextThinkAt: raw.nextThinkAt?.getTime() ?? null,
  sleepUntil: raw.sleepUntil?.getTime() ?? null,
  retryAt: raw.retryAt?.getTime() ?? null,
});

/** Where a walk over the bots of some shards stands. */
export type Place = { shard: number; id: string };
export const fromTheStart: Place = { shard: -1, id: '' };

/** The next page of these shards' bots that shall run, by shard and id; of one project when it is given. */
export async function readWanted(
  reader: Reader,
  shards: readonly number[],
  after: Place,
  limit: number,
  projectId: string | null = null,
): Promise<TimerRow[]> {
  const rows = await reader.query<RawTimer>(sql`
    -- read_wanted_bots: gallery_bots_wanted, from the place on
    select ${timerColumns} from gallery_bots b
    where b.desired = 'running' and (b.shard, b.id) > (${after.shard}::smallint, ${after.id}) and b.shard = any(${shards}::int[])
      and (${projectId}::text is null or b.project_id = ${projectId})
    order by b.shard, b.id limit ${limit}`);
  return rows.map(timerOfRaw);
}

/** Those of these bots that shall run. */
export async function readWantedAmong(reader: Reader, ids: readonly string[]): Promise<string[]> {
  const rows = await reader.query<{ id: string }>(sql`
    -- read_wanted_among: gallery_bots_pkey
    select id from gallery_bots where id = any((select ${ids}::text[])::text[]) and desired = 'running'`);
  return rows.map((row) => row.id);
}

export async function countWanted(reader: Reader, shards: readonly number[]): Promise<number> {
  const [row] = await reader.query<{ bots: number }>(sql`
    -- count_wanted_bots: gallery_bots_wanted
    select count(*)::int as bots from gallery_bots where shard = any(${shards}::int[]) and desired = 'running'`);
  return row?.bots ?? 0;
}

/** As much as it takes to see that a shard's bots are not those in memory. */
export async function sumShards(
  reader: Reader,
  shards: readonly number[],
): Promise<{ shard: number; bots: number; generations: number }[]> {
  return reader.query<{ shard: number; bots: number; generations: number }>(sql`
    -- sum_shards: gallery_bots_wanted
    select shard, count(*)::int as bots, sum(generation)::bigint as generations from gallery_bots
    where shard = any(${shards}::int[]) and desired = 'running' and state in ('running', 'sleeping', 'error')
    group by shard`);
}

export async function readTimers(reader: Reader, ids: readonly string[]): Promise<TimerRow[]> {
  const rows = await reader.query<RawTimer>(sql`
    -- read_bot_timers: gallery_bots_pkey
    select ${timerColumns} from gallery_bots b where b.id = any((select ${ids}::text[])::text[])`);
  return rows.map(timerOfRaw);
}

/** Whole rows of bots that are due. */
export async function readDue(reader: Reader, ids: readonly string[]): Promise<BotRow[]> {
  const rows = await reader.query<RawBot>(sql`
    -- read_due_bots: gallery_bots_pkey
    select ${botColumns} from gallery_bots b where b.id = any((select ${ids}::text[])::text[])`);
  return rows.map(botOf);
}

/** Running bots of a persona on these shards, for a new rhythm. */
export async function readRunningOf(
  reader: Reader,
  projectId: string,
  personaId: string,
  shards: readonly number[],
): Promise<string[]> {
  const rows = await reader.query<{ id: string }>(sql`
    -- read_running_of_persona: gallery_bots_persona
    select id from gallery_bots
    where project_id = ${projectId} and persona_id = ${personaId} and state = 'running' and shard = any(${shards}::int[])`);
  return rows.map((row) => row.id);
}

export type Scheduled = { id: string; shard: number; term: bigint; generation: number; at: number };

/** Writes next thinks; where a command came between, or the term is over, the row stays. Answers whose row took it. */
export async function scheduleBots(tx: Tx, given: readonly Scheduled[]): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(sql`
    -- schedule_bots: gallery_bots_pkey
    update gallery_bots b set next_think_at = to_timestamp(given.at / 1000.0)
    from (select g.* from unnest(${given.map((one) => one.id)}::text[], ${given.map((one) => one.shard)}::int[],
      ${given.map((one) => one.term)}::bigint[], ${given.map((one) => one.generation)}::int[],
      ${given.map((one) => one.at)}::double precision[]) g(id, shard, term, generation, at)
      join gallery_bots locked on locked.id = g.id order by locked.id for update of locked) given
    where b.id = given.id and b.generation = given.generation and b.state = 'running'
      and ${holds(sql`given.shard`, sql`given.term`)}
    returning b.id`);
  return rows.map((row) => row.id);
}

export type Woken = { row: BotRow; term: bigint };

/** The end of a sleep or of a rest: moves the row as `botAfter` says, unless something else moved it first. */
export async function wakeBots(tx: Tx, woken: readonly Woken[]): Promise<string[]> {
  const each = <T>(read: (one: Woken) => T): T[] => woken.map(read);
  const rows = await tx.query<{ id: string }>(sql`
    -- wake_bots: gallery_bots_pkey
    update gallery_bots b set state = 'running', reason = given.reason, sleep_until = null, retry_at = null,
      next_think_at = to_timestamp(given.at / 1000.0)
    from unnest(${each(({ row }) => row.id)}::text[], ${each(({ row }) => row.shard)}::int[],
      ${each(({ term }) => term)}::bigint[], ${each(({ row }) => row.generation)}::int[],
      ${each(({ row }) => row.reason)}::text[], ${each(({ row }) => row.nextThinkAt)}::double precision[])
      given(id, shard, term, generation, reason, at)
    where b.id = given.id and b.generation = given.generation and b.state in ('sleeping', 'error')
      and ${holds(sql`given.shard`, sql`given.term`)}
    returning b.id`);
  return rows.map((row) => row.id);
}

/** Bots with an act that a dead term left open. Nothing else of theirs happens before it is settled. */
export async function readUnsettled(
  reader: Reader,
  shards: readonly number[],
  terms: readonly bigint[],
): Promise<{ botId: string; shard: number }[]> {
  return reader.query<{ botId: string; shard: number }>(sql`
    -- read_unsettled_bots: gallery_actions_open
    select distinct a.bot_id as "botId", a.shard
    from unnest(${shards}::int[], ${terms}::bigint[]) held(shard, term)
    join gallery_actions a on a.shard = held.shard and a.state = 'open' and a.term < held.term`);
}
