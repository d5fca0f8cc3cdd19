import { createHash } from 'node:crypto';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { testDatabase } from '#test/database';
import { project, thinkingWorld, type World } from '#test/gallery-thinking';

const database = await testDatabase();
const { db } = database;
beforeEach(() => database.wipe());
afterAll(() => database[Symbol.asyncDispose]());

const minute = 60_000;

test('first-hour-offline: a seeded fleet posts, likes, comments and replies, and keeps its rules', {
  timeout: 240_000,
}, async () => {
  await using world = await thinkingWorld(db);
  await world.seed(20);
  const ends = await world.live(60 * minute);
  expect(world.failures).toEqual([]);
  expect(ends.filter(({ result }) => result === 'failed' || result === 'put_off')).toEqual([]);
  const done = await db.query<{ kind: string; n: number }>(sql`
    select kind, count(*)::int as n from gallery_actions where state = 'done' and project_id = ${project} group by kind`);
  expect(new Set(done.map(({ kind }) => kind))).toEqual(new Set(['post', 'like', 'comment', 'reply']));
  await keepsItsRules(world);
});

async function keepsItsRules(world: World): Promise<void> {
  // Nothing of its own is liked or commented; every act is closed; what the ledger has the gallery has.
  const own = await db.query(sql`
    select from gallery_actions a join gallery_actions p on p.remote_id = a.item_id and p.bot_id = a.bot_id
     where a.kind in ('like', 'comment')`);
  expect(own).toEqual([]);
  expect(await db.query(sql`select from gallery_actions where state <> 'done'`)).toEqual([]);
  const [count] = await db.query<{ ledger: number; there: number }>(sql`
    select (select count(*) from gallery_actions)::int as ledger,
           (select count(*) from sandbox_items)::int + (select count(*) from sandbox_comments)::int
             + (select count(*) from sandbox_likes)::int as there`);
  expect(count?.there).toBe(count?.ledger);
  // Posts a minute apart at least, words half a minute, at most two on one item.
  const close = await db.query(sql`
    select from (select kind = 'post' as post, opened_at - lag(opened_at) over (partition by bot_id, kind = 'post' order by opened_at) as gap
                   from gallery_actions where kind <> 'like') gaps
     where gap < case when post then interval '60 seconds' else interval '30 seconds' end`);
  expect(close).toEqual([]);
  const crowded = await db.query(sql`
    select from gallery_actions where kind in ('comment', 'reply') and item_id not in (
      select remote_id from gallery_actions p where p.kind = 'post' and p.bot_id = gallery_actions.bot_id)
     group by bot_id, item_id having count(*) > 2`);
  expect(crowded).toEqual([]);
  // Each reply names whom it answers, and answers a comment of somebody else.
  const replies = await db.query<{ content: string; username: string }>(sql`
    select a.content, s.username from gallery_actions a join sandbox_comments c on c.id = a.parent_id
      join sandbox_accounts s on s.id = c.account_id where a.kind = 'reply'`);
  expect(replies.length).toBeGreaterThan(0);
  for (const { content, username } of replies) expect(content.toLowerCase()).toContain(`@${username}`);
  // Every act has its why; counts and ledger say the same.
  expect(
    await db.query(sql`
    select from gallery_actions a left join gallery_decisions d using (thought_id) where d.why is null or d.why = ''`),
  ).toEqual([]);
  for (const bot of await world.bots()) {
    const rows = await db.query<{ kind: string; n: number }>(sql`
      select kind, count(*)::int as n from gallery_actions where bot_id = ${bot.id} group by kind`);
    for (const { kind, n } of rows) expect(bot.counts[kind as 'post']).toBe(n);
  }
  // No text of one bot is near another of its own.
  const texts = await db.query<{ content: string }>(
    sql`select content from gallery_actions where kind in ('comment', 'reply')`,
  );
  expect(new Set(texts.map(({ content }) => content)).size).toBe(texts.length);
}

test('the same seed lives the same day, byte for byte', { timeout: 240_000 }, async () => {
  const days: string[] = [];
  const lives = [{ seed: 7 }, { seed: 7 }, { seed: 8 }, { seed: 7, hurried: true }];
  for (const options of lives) {
    await database.wipe();
    await using world = await thinkingWorld(db, options);
    await world.seed(12);
    await world.live(12 * minute);
    days.push(await hashOfDay());
  }
  expect(days[0]).toBe(days[1]);
  expect(days[0]).not.toBe(days[2]);
  // Neither in which transaction an act lies, nor which act of a batch comes first, can be seen.
  expect(days[3]).toBe(days[0]);
});

/** Everything that was said, drawn, done and decided. */
async function hashOfDay(): Promise<string> {
  const parts = await Promise.all([
    db.query(sql`select id, title, description, created_at from sandbox_items order by id`),
    db.query(sql`select id, content, created_at from sandbox_comments order by id`),
    db.query(
      sql`select thought_id, bot_id, kind, item_id, content, image_blob, state, remote_id, opened_at from gallery_actions order by thought_id`,
    ),
    db.query(sql`select thought_id, kind, why, result, reason, body from gallery_decisions order by thought_id`),
    db.query(sql`select id, kind, text, importance, at from gallery_memories order by id`),
    db.query(sql`select bot_id, person, affinity, seen, exchanged from gallery_relations order by bot_id, person`),
  ]);
  expect(parts[2]?.length).toBeGreaterThan(20);
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
