import { afterAll, beforeEach, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { testDatabase } from '#test/database';
import { project, thinkingWorld } from '#test/gallery-thinking';

const database = await testDatabase();
const { db } = database;
beforeEach(() => database.wipe());
afterAll(() => database[Symbol.asyncDispose]());

const hourMs = 3_600_000;

test('first-hour-offline: a seeded fleet posts, likes, comments and replies', async () => {
  await using world = await thinkingWorld(db);
  await world.seed(20);
  const began = performance.now();
  const ends = await world.live(hourMs);
  const took = performance.now() - began;
  const results = Object.groupBy(ends, (end) => `${end.result} ${end.reason ?? ''}`);
  console.log(ends.length, 'thinks', Math.round((1000 * ends.length) / took), '/s', Object.fromEntries(Object.entries(results).map(([k, v]) => [k, v?.length])));
  console.log(world.failures.slice(0, 5));
  const done = await db.query<{ kind: string; n: number }>(sql`
    select kind, count(*)::int as n from gallery_actions where state = 'done' and project_id = ${project} group by kind`);
  console.log(done);
  expect(new Set(done.map(({ kind }) => kind))).toEqual(new Set(['post', 'like', 'comment', 'reply']));
});
