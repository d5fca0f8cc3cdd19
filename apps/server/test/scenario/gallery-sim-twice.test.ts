/* A simulated day is a matter of its seed: on another installation, at another time, it comes out the same. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { type Db, sql } from '#kernel/db';
import { testDatabase } from '#test/database';
import { galleryServer } from '#test/gallery-server';

const sim = { count: 8, hours: 1, seed: 1, from: '2026-05-12T18:00:00.000Z', start: false };

test('seed-stable: the same simulation in two fresh databases is the same, byte for byte', {
  timeout: 240_000,
}, async () => {
  const first = await lived();
  expect(first.texts).toBeGreaterThan(10);
  expect(await lived()).toEqual(first);
});

async function lived(): Promise<{ texts: number; parts: Record<string, string> }> {
  await using database = await testDatabase();
  await using gallery = await galleryServer(database);
  const task = await gallery.finished(await gallery.must('POST', 'sim', { body: sim }), 200_000);
  expect(task).toMatchObject({ state: 'done', total: 60 });
  const texts = await database.db.query(sql`select from gallery_actions where content <> ''`);
  return { texts: texts.length, parts: await hashes(database.db) };
}

/** What was said, drawn, done and decided, by kind, so that a difference says where it is. */
async function hashes(db: Db): Promise<Record<string, string>> {
  const parts = {
    bots: sql`select id, name, username, persona_id, traits, seed, think_no from gallery_bots order by id`,
    items: sql`select i.id, title, description, alt, tags, facts, m.sha256, i.created_at, human_likes, bot_likes, bot_comments
      from sandbox_items i join sandbox_images m on m.id = i.image_id order by i.id`,
    comments: sql`select id, item_id, content, created_at from sandbox_comments order by id`,
    actions: sql`select thought_id, bot_id, kind, item_id, content, image_blob, state, remote_id, opened_at
      from gallery_actions order by thought_id`,
    decisions: sql`select thought_id, at, kind, why, result, reason, body from gallery_decisions order by thought_id`,
    memories: sql`select id, kind, text, importance, at from gallery_memories order by id`,
  };
  const hashed: Record<string, string> = {};
  for (const [part, statement] of Object.entries(parts))
    hashed[part] = createHash('sha256')
      .update(JSON.stringify(await db.query(statement)))
      .digest('hex');
  return hashed;
}
