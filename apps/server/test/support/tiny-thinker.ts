import type { Due, FleetView, ThinkEnd, Thinker } from '#gallery/loop';
import { nextThink, whenDraws } from '#gallery/loop';
import type { BotRow } from '#gallery/model';
import { Signal } from '#kernel/base';
import { type Db, type Statement, sql } from '#kernel/db';

/** What a think does here: one like of nothing in particular, at a "target" that is a table and keeps no keys. */
export const worldTable = sql`create table if not exists world_acts (
  n bigint generated always as identity primary key, bot_id text not null, thought_id text not null, node text not null,
  begun_at timestamptz not null default clock_timestamp())`;

export type TinyOptions = {
  db: Db;
  view: FleetView;
  node: string;
  /** The world keeps keys: what it has already done under one it does not do again. */
  keyed?: boolean;
  /** Waits here before a think decides, like a model would; the signal ends it. */
  ponder?: (due: Due) => Promise<void>;
  /** Of a think; default `acted`. */
  result?: (bot: BotRow) => Partial<ThinkEnd> | undefined;
  /** Asked with the write in hand, as the last look before the wire. */
  wire?: (due: Due) => Promise<void>;
};

/**
 * The smallest thinking half that keeps the contract: opens a ledger row under the term, looks once more, writes to the
 * world, closes. For tests of the owning half only.
 */
export class TinyThinker implements Thinker {
  readonly thought = new Signal<Due>();
  readonly batches: { at: number; ids: string[] }[] = [];
  readonly verified: { shard: number; settled: string[] }[] = [];
  /** Bots with more than one think at once; must stay empty. */
  readonly twice: string[] = [];
  readonly #options: TinyOptions;
  readonly #now = new Map<string, number>();

  constructor(options: TinyOptions) {
    this.#options = options;
  }

  async think(batch: readonly Due[], at: number, ended?: (end: ThinkEnd) => void): Promise<ThinkEnd[]> {
    this.batches.push({ at, ids: batch.map(({ bot }) => bot.id) });
    for (const { bot } of batch) {
      const count = (this.#now.get(bot.id) ?? 0) + 1;
      this.#now.set(bot.id, count);
      if (count > 1) this.twice.push(bot.id);
    }
    const ends = await Promise.all(
      batch.map(async (due) => {
        const end = await this.#one(due, at).catch(
          (error: unknown): ThinkEnd => ({
            botId: due.bot.id,
            result: due.signal.aborted ? 'dropped' : 'put_off',
            reason: error instanceof Error ? error.message : null,
            againAt: at + 5_000,
          }),
        );
        this.#now.set(due.bot.id, (this.#now.get(due.bot.id) ?? 1) - 1);
        ended?.(end);
        this.thought.fire(due);
        return end;
      }),
    );
    return ends;
  }

  async verifyOpen(shard: number, term: bigint): Promise<{ adopted: number; sent: number; dropped: number }> {
    const { db } = this.#options;
    const open = await db.query<{ thoughtId: string; botId: string }>(sql`
      select thought_id as "thoughtId", bot_id as "botId" from gallery_actions
      where shard = ${shard} and state = 'open' and term < ${term}`);
    let adopted = 0;
    for (const { thoughtId, botId } of open) {
      const there = await db.query(sql`select from world_acts where thought_id = ${thoughtId}`);
      if (there.length > 0) adopted += 1;
      else await db.query(this.#act(botId, thoughtId));
      // The think is over with it: left at its number, the bot would try the same act for ever and be refused.
      await db.query(sql`
        with closed as (
          update gallery_actions set state = 'done', closed_at = now()
          where thought_id = ${thoughtId} and state = 'open' returning bot_id
        )
        update gallery_bots b set think_no = think_no + 1, thinks = thinks + 1 from closed where b.id = closed.bot_id`);
    }
    this.verified.push({ shard, settled: open.map(({ botId }) => botId) });
    return { adopted, sent: open.length - adopted, dropped: 0 };
  }

  preview = (): Promise<never> => Promise.reject(new Error('not here'));
  ask = this.preview;
  retry = this.preview;

  async #one(due: Due, at: number): Promise<ThinkEnd> {
    const { db, view, result } = this.#options;
    const { bot, term, signal, may } = due;
    await this.#options.ponder?.(due);
    signal.throwIfAborted();
    const given = result?.(bot);
    if (given) return { botId: bot.id, result: 'put_off', reason: null, ...given };
    const thoughtId = `act_${bot.id}_${bot.thinkNo}`;
    const opened = await db.query(sql`
      insert into gallery_actions (thought_id, project_id, bot_id, shard, target_id, kind, item_id, key, term, opened_at)
      select ${thoughtId}, b.project_id, b.id, b.shard, b.target_id, 'like', ${thoughtId}, ${thoughtId}, ${term}, now()
      from gallery_bots b
      where b.id = ${bot.id} and b.generation = ${bot.generation} and b.state = 'running' and b.desired = 'running'
        and exists (select from gallery_shards s where s.shard = b.shard and s.term = ${term} and s.expires_at > clock_timestamp())
        and exists (select from gallery_targets t join gallery_fleets f using (project_id)
          where t.project_id = b.project_id and t.id = b.target_id and t.gate = 'open' and f.gate = 'open')
      on conflict do nothing returning thought_id`);
    if (opened.length === 0) return { botId: bot.id, result: 'dropped', reason: null, againAt: at + 5_000 };
    await this.#options.wire?.(due);
    const sends = may();
    if (sends) await db.query(this.#act(bot.id, thoughtId));
    const target = view.target(bot.projectId, bot.targetId);
    const next = nextThink({
      traits: view.traitsOf(bot),
      share: target?.share ?? 1,
      from: at,
      draws: whenDraws(view.fleet(bot.projectId)?.seed ?? 0, bot.id, bot.thinkNo + 1),
    });
    const [row] = await db.query<{
      generation: number;
      state: BotRow['state'];
      desired: BotRow['desired'];
      nextThinkAt: Date | null;
    }>(sql`
      with closed as (
        update gallery_actions set state = ${sends ? 'done' : 'dropped'}, closed_at = now()
        where thought_id = ${thoughtId} and state = 'open'
      )
      update gallery_bots b set think_no = think_no + 1, thinks = thinks + 1,
        next_think_at = case when generation = ${bot.generation} then ${new Date(next.at)}::timestamptz else next_think_at end
      where b.id = ${bot.id}
        and exists (select from gallery_shards s where s.shard = b.shard and s.term = ${term} and s.expires_at > clock_timestamp())
      returning generation, state, desired, next_think_at as "nextThinkAt"`);
    if (!row) return { botId: bot.id, result: 'dropped', reason: null, againAt: at + 5_000 };
    const nextThinkAt = row.nextThinkAt?.getTime() ?? null;
    const now: BotRow = { ...bot, ...row, nextThinkAt, thinkNo: bot.thinkNo + 1 };
    return { botId: bot.id, result: sends ? 'acted' : 'dropped', reason: null, row: now };
  }

  #act(botId: string, thoughtId: string): Statement {
    const { node, keyed = false } = this.#options;
    return sql`
      insert into world_acts (bot_id, thought_id, node) select ${botId}, ${thoughtId}, ${node}
      where not (${keyed} and exists (select from world_acts w where w.thought_id = ${thoughtId}))`;
  }
}
