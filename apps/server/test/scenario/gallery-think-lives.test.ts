import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import type { BotRow, Decision, Mind } from '#gallery/model';
import { arm } from '#kernel/base';
import { sql } from '#kernel/db';
import { testDatabase } from '#test/database';
import { project, thinkingWorld, type World, type WorldOptions } from '#test/gallery-thinking';

/*
 * A process that ends at a named point of a think, and the next one that takes its bots over. The end is played by a step
 * that never comes back: nothing of the old life runs on, as after kill -9.
 */

const database = await testDatabase();
const { db } = database;
const folder = await mkdtemp(join(tmpdir(), 'muster-thinking-lives-'));
beforeEach(() => database.wipe());
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const points = ['reserve', 'mind', 'image', 'open', 'send', 'commit-at-target', 'close'] as const;
const nothing: Decision = {
  do: 'nothing',
  on: -1,
  why: 'because',
  text: '',
  prompt: '',
  caption: '',
  alt: '',
  tags: [],
};
const wishes = {
  post: { do: 'post', prompt: 'a quiet red buoy', caption: 'The red buoy keeps its distance today.' },
  comment: { do: 'comment', on: 0, text: 'The lamp leans a little towards the water.' },
  like: { do: 'like', on: 0 },
} as const;
type Kind = keyof typeof wishes;

const paidMind = (wish: Partial<Decision>): Mind => ({
  name: 'script',
  kind: 'paid',
  bound: () => ({ tokensIn: 1_000, tokensOut: 200, costMicros: 500, images: 0 }),
  think: async () => ({
    decision: { ...nothing, ...wish },
    mind: 'script',
    tokens: { in: 300, out: 40 },
    costMicros: 100,
    calls: 1,
    latencyMs: 1,
    injectionsSeen: 0,
  }),
});

const life = (kind: Kind, more: WorldOptions): Promise<World> =>
  thinkingWorld(db, { minds: { script: paidMind(wishes[kind]) }, folder, ...more });

async function itemBy(world: World, bot: BotRow): Promise<void> {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><rect width="10" height="10" fill="#123456"/></svg>';
  const { path } = await world.sandbox.storeScene(svg);
  await world.call('POST', '/api/showcase', { imageUrl: path, title: 'A lamp', description: 'A lamp' }, bot.username);
}

/** What the target shows of this bot, counted there. */
async function there(kind: Kind, bot: BotRow): Promise<number> {
  const [row] = await db.query<{ n: number }>(
    kind === 'post'
      ? sql`select count(*)::int as n from sandbox_items i join sandbox_accounts a on a.id = i.account_id where a.username = ${bot.username}`
      : kind === 'comment'
        ? sql`select count(*)::int as n from sandbox_comments c join sandbox_accounts a on a.id = c.account_id where a.username = ${bot.username}`
        : sql`select count(*)::int as n from sandbox_likes l join sandbox_accounts a on a.id = l.account_id where a.username = ${bot.username}`,
  );
  return row?.n ?? 0;
}

for (const keyed of [true, false]) {
  for (const kind of Object.keys(wishes) as Kind[]) {
    test.each(points.filter((point) => point !== 'image' || kind === 'post'))(
      `kill-after-%s: one ${kind} on a target that ${keyed ? 'keeps keys' : 'keeps none'}`,
      async (point) => {
        const first = await life(kind, { term: 1n });
        const [author, bot] = (await first.seed(2, { mind: 'script', decide: 'mind' })) as [BotRow, BotRow];
        await itemBy(first, author);
        await db.query(
          sql`update gallery_targets set capabilities = capabilities || ${JSON.stringify({ idempotency: keyed })}::jsonb`,
        );
        await first.view.look();
        first.targets.forget(project, 'sandbox');
        {
          const reached = Promise.withResolvers<void>();
          using _ = arm(`gallery.${point}`, () => {
            reached.resolve();
            return new Promise(() => undefined);
          });
          void first.think([bot]);
          await reached.promise;
        }
        await using second = await life(kind, { term: 2n });
        await db.query(
          sql`update gallery_targets set capabilities = capabilities || ${JSON.stringify({ idempotency: keyed })}::jsonb`,
        );
        await second.view.look();
        const shards = await db.query<{ shard: number }>(
          sql`select distinct shard from gallery_actions where state = 'open'`,
        );
        const opened = point === 'open' || point === 'send' || point === 'commit-at-target';
        expect(shards).toHaveLength(opened ? 1 : 0);
        for (const { shard } of shards) {
          const counts = await second.until(second.thinking.verifyOpen(shard, 2n, new AbortController().signal));
          const found = point === 'commit-at-target' || keyed;
          expect(counts).toEqual({ adopted: found ? 1 : 0, sent: found ? 0 : 1, dropped: 0 });
        }
        const done = opened || point === 'close';
        expect(await there(kind, bot)).toBe(done ? 1 : 0);
        if (!done) {
          const rows = (await second.bots()).filter(({ id }) => id === bot.id);
          expect(await second.until(second.think(rows))).toMatchObject([{ result: 'acted' }]);
        }
        expect(await there(kind, bot)).toBe(1);
        const ledger = await db.query(sql`
          select a.state, b.think_no as "thinkNo" from gallery_actions a join gallery_bots b on b.id = a.bot_id`);
        expect(ledger).toEqual([{ state: 'done', thinkNo: 1 }]);
        // Spend is never under: what the dead life had reserved counts until it is settled.
        const [money] = await db.query<{ sum: number }>(sql`
          select (spent + reserved)::int as sum from budget_counters where measure = 'money' and scope = 'fleet' and period = 'day'`);
        expect(money?.sum).toBeGreaterThanOrEqual(100);
        const told = second.told.map(({ id }) => id);
        expect(new Set(told).size).toBe(told.length);
      },
    );
  }
}
