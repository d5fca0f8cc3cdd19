/*
 * Lives of a server whose bots live in its own gallery, each ended by `kill -9` at a named point of a think or at a moment
 * nobody chose. After the last one everything that was begun is settled: each act of the ledger is in the gallery once, and
 * nothing is in the gallery that the ledger does not know (I4, I9).
 *
 * TEST_LIVES sets how many lives (one for each point here), TEST_SEED the order of their deaths.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@muster/client';
import { afterAll, expect, it } from 'vitest';
import { sql } from '#kernel/db';
import { testDatabase } from '#test/database';
import { until } from '#test/until';
import { type Death, Lives } from './support/lives.ts';

const points = ['open', 'send', 'commit-at-target', 'close', 'publish', 'image', 'mind', 'reserve'].map(
  (point) => `gallery.${point}`,
);
const lives = Number(process.env['TEST_LIVES'] ?? points.length + 1);
const seed = Number(process.env['TEST_SEED'] ?? 1);
const bots = 24;

const database = await testDatabase();
const { db } = database;
afterAll(() => database[Symbol.asyncDispose]());

const count = async (): Promise<number> =>
  (await db.query<{ n: number }>(sql`select count(*)::int as n from gallery_actions where state <> 'open'`))[0]?.n ?? 0;

it(`${lives} lives: no act twice, none lost`, { timeout: 120_000 + lives * 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-gallery-lives-'));
  await chmod(folder, 0o711);
  const died = new Map<string, number>();
  try {
    await using server = await Lives.in(join(folder, 'data'), { DATABASE_URL: database.url });
    await server.begin();
    const client = new Client({ url: server.url, credential: await server.key() });
    await client.gallery.seed({ count: bots, seed, targetId: 'sandbox', start: true });
    await until(async () => (await wanted()) === bots, { withinMs: 60_000, everyMs: 100 });
    await server.kill();
    // Awake at all hours and as lively as a bot may be.
    const lively = {
      minIntervalMs: 5_000,
      maxIntervalMs: 6_000,
      timezone: 'UTC',
      curve: Array.from({ length: 7 }, () => Array.from({ length: 24 }, () => 2)),
    };
    await db.query(sql`
      update gallery_bots set traits = traits || ${JSON.stringify(lively)}::jsonb, next_think_at = null, generation = generation + 1`);

    for (let life = 0; life < lives; life++) {
      const point = points[(life * 5 + seed) % points.length] ?? '';
      const death: Death = life % (points.length + 1) === points.length ? 'kill' : { point, nth: 1 + ((life * 7) % 6) };
      const before = await count();
      await soon();
      await server.begin(death);
      // A point that comes seldom is given time to come.
      const enough = before + (death === 'kill' ? 20 : 60);
      await until(async () => server.over || (await count()) > enough, { withinMs: 60_000, everyMs: 50 });
      const how = server.over && typeof death === 'object' ? death.point : 'kill';
      died.set(how, (died.get(how) ?? 0) + 1);
      await server.kill();
    }

    await soon();
    await server.begin();
    const again = await count();
    await until(async () => (await opened()) === 0 && (await count()) > again + 10, { withinMs: 90_000, everyMs: 100 });
    // panic-under-load: the answer is quick, and nothing begins after it.
    const asked = performance.now();
    const answer = await client.gallery.panic('the end of the test');
    expect(performance.now() - asked).toBeLessThan(3_000); // the bar is 1 s on a quiet machine
    const repliedAt = new Date();
    expect(answer.nodes.every((node) => node.confirmed)).toBe(true);
    await until(async () => (await opened()) === 0, { withinMs: 30_000, everyMs: 50 });
    const settled = await count();
    // Longer than any of them leaves between two thinks.
    await until(() => Date.now() > repliedAt.getTime() + 6_500);
    expect(await count(), 'acts after the kill switch').toBe(settled);
    expect(await begunAfter(repliedAt), 'acts that began after the reply').toBe(0);
    await judge();
    process.stdout.write(
      `gallery lives: ${server.count} (${[...died].map(([name, n]) => `${name} ${n}`).join(', ')}), ${await count()} acts; seed ${seed}\n`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** Who is late is spread over half a minute; here nobody is late, and all are due soon after the start. */
const soon = (): Promise<unknown> =>
  db.query(sql`
    update gallery_bots b set next_think_at = now() + interval '3 seconds' + n * interval '100 milliseconds'
      from (select id, row_number() over (order by md5(id || now()::text)) as n from gallery_bots) o where o.id = b.id`);

const wanted = async (): Promise<number> =>
  (await db.query<{ n: number }>(sql`select count(*)::int as n from gallery_bots where state = 'running'`))[0]?.n ?? 0;
const opened = async (): Promise<number> =>
  (await db.query<{ n: number }>(sql`select count(*)::int as n from gallery_actions where state = 'open'`))[0]?.n ?? 0;

const begunAfter = async (time: Date): Promise<number> =>
  (
    await db.query<{ n: number }>(sql`
      select ((select count(*) from sandbox_items where by_agent and created_at > ${time})
        + (select count(*) from sandbox_comments where by_agent and created_at > ${time})
        + (select count(*) from sandbox_likes where at > ${time}))::int as n`)
  )[0]?.n ?? 0;

async function judge(): Promise<void> {
  // What the gallery holds of bots, and what the ledger says was done.
  for (const [kind, there] of [
    ['post', sql`select i.id from sandbox_items i where i.by_agent`],
    ['comment', sql`select c.id from sandbox_comments c where c.by_agent`],
  ] as const) {
    const kinds = kind === 'post' ? ['post'] : ['comment', 'reply'];
    const done = await db.query<{ id: string }>(sql`
      select remote_id as id from gallery_actions where state = 'done' and kind = any(${kinds}::text[])`);
    const found = await db.query<{ id: string }>(there);
    expect(new Set(done.map((row) => row.id)).size, `${kind}: two thinks say that they did the same`).toBe(done.length);
    expect(found.map((row) => row.id).sort(), `${kind}: ledger and gallery differ`).toEqual(
      done.map((row) => row.id).sort(),
    );
  }
  const likes = await db.query<{ n: number }>(
    sql`select count(*)::int as n from sandbox_likes l join sandbox_accounts a on a.id = l.account_id where a.is_agent`,
  );
  const liked = await db.query<{ n: number }>(
    sql`select count(*)::int as n from gallery_actions where state = 'done' and kind = 'like'`,
  );
  expect(likes, 'likes').toEqual(liked);
  const [sums] = await db.query<{ counted: number; acted: number }>(sql`
    select (select sum(posts + comments + replies + likes)::int from gallery_bots) as counted,
      (select count(*)::int from gallery_actions where state = 'done') as acted`);
  expect(sums?.counted, 'counts of the bots').toBe(sums?.acted);
  const twice =
    await db.query(sql`select thought_id from gallery_activity where thought_id is not null and type in ('post', 'comment', 'reply', 'like')
    group by thought_id having count(*) > 1`);
  expect(twice, 'an act is told twice').toEqual([]);
}
