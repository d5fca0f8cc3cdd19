/*
 * Lives of a server whose bots live on a gallery far away, with a model that costs: the gallery and the model outlive each
 * `kill -9`. Once the gallery keeps keys and once it does not, with a like that a second request takes away. After the last
 * life every act of the ledger is there once, nothing is there that the ledger does not know, and no token that the model
 * counted is missing from the budget (I4, I9).
 *
 * TEST_LIVES sets how many lives each of the two has, TEST_SEED the order of their deaths.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@muster/client';
import { expect, it } from 'vitest';
import { type Db, sql } from '#kernel/db';
import { testDatabase } from '#test/database';
import { type FakeFloImg, fakeFloImg } from '#test/fake-floimg';
import { decisionText, FakeModels } from '#test/fake-models';
import { until } from '#test/until';
import { type Death, Lives } from './support/lives.ts';

/** There, before any answer: the gallery has it, and nobody here will ever hear so. */
const doneThere = 'done there';
const points = [
  doneThere,
  'gallery.open',
  'gallery.send',
  'gallery.reserve',
  'gallery.mind',
  'gallery.commit-at-target',
  'gallery.image',
  'gallery.close',
  'gallery.publish',
];
const lives = process.env['TEST_LIVES'] === undefined ? undefined : Number(process.env['TEST_LIVES']);
const seed = Number(process.env['TEST_SEED'] ?? 1);
const bots = 24;
/** Acts that a life without a point of its own lives to see. */
const actsOfALife = 10;

it.each([
  { name: 'that keeps keys', keyed: true, from: 5, count: lives ?? 5 },
  { name: 'without keys', keyed: false, from: 0, count: lives ?? 4 },
])(
  'a gallery $name: no act twice, none lost, no spend forgotten',
  {
    timeout: 120_000 + (lives ?? 5) * 60_000,
  },
  async ({ keyed, from, count }) => {
    await using stack = new AsyncDisposableStack();
    const database = stack.use(await testDatabase());
    const { db } = database;
    const far = stack.use(await fakeFloImg());
    far.idempotency = keyed;
    const models = stack.use(await FakeModels.start());
    models.answer = (_, n) => ({ text: decisionText(wordsOf(n)) });
    for (let n = 0; n < 40; n++)
      far.personPosts(far.person(`person_${n}`), `A picture of ${word(n)} and ${word(n * 7)}`);
    const folder = await mkdtemp(join(tmpdir(), 'muster-gallery-far-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    await chmod(folder, 0o711);
    const server = stack.use(
      await Lives.in(join(folder, 'data'), {
        DATABASE_URL: database.url,
        MUSTER_OUTBOUND_ALLOW: '127.0.0.1',
        MUSTER_GALLERY_FLOIMG_URL: far.url,
        MUSTER_GALLERY_FLOIMG_TOKEN: far.token,
        MUSTER_GALLERY_ACK_HOST: new URL(far.url).host,
        MUSTER_MIND: 'paid',
        MUSTER_MINDS: JSON.stringify({
          paid: {
            use: 'compatible:model-a',
            baseUrl: models.baseUrl('compatible'),
            price: { in: 1_000_000, out: 2_000_000, asOf: '2026-01-01' },
          },
        }),
      }),
    );
    await people(server, db, keyed);

    const died = new Map<string, number>();
    for (let life = 0; life < count; life++) {
      const point = points[(from + life + seed - 1) % points.length] ?? '';
      const nth = 1 + ((life * 2 + seed) % 3);
      const before = await closed(db);
      await soon(db);
      await server.begin(point === doneThere ? 'kill' : ({ point, nth } satisfies Death));
      if (point === doneThere) killWhenDone(far, server, nth);
      await until(async () => server.over || (await closed(db)) >= before + actsOfALife, {
        withinMs: 60_000,
        everyMs: 25,
      });
      const how = server.over ? point : 'kill';
      died.set(how, (died.get(how) ?? 0) + 1);
      far.after = () => undefined;
      await server.kill();
    }

    await soon(db);
    await server.begin();
    const again = await closed(db);
    await until(
      async () => (await opened(db)) === 0 && (await closed(db)) >= again + 3 && (await kindsDone(db)) === 3,
      { withinMs: 60_000, everyMs: 50 },
    );
    const client = new Client({ url: server.url, credential: await server.key() });
    await client.gallery.panic('the end of the test');
    await until(async () => (await opened(db)) === 0 && models.open === 0, { withinMs: 30_000, everyMs: 50 });
    await judgeActs(db, far);
    await judgeSpend(db, models);
    process.stdout.write(
      `a gallery ${keyed ? 'with' : 'without'} keys: ${server.count} lives (${[...died].map(([name, n]) => `${name} ${n}`).join(', ')}), ${await closed(db)} acts, ${models.requests.length} calls of the model; seed ${seed}\n`,
    );
  },
);

/** Bots with accounts over there, awake at all hours, as lively as a bot may be; the first life ends with that. */
async function people(server: Lives, db: Db, keyed: boolean): Promise<void> {
  await server.begin();
  expect(server.over, server.output).toBe(false);
  const client = new Client({ url: server.url, credential: await server.key() });
  await client.gallery.seed({ count: bots, seed, targetId: 'floimg', start: true });
  const running = sql`select count(*)::int as n from gallery_bots where state = 'running'`;
  await until(async () => (await db.query<{ n: number }>(running))[0]?.n === bots, { withinMs: 60_000, everyMs: 50 });
  await server.kill();
  const traits = {
    minIntervalMs: 5_000,
    maxIntervalMs: 6_000,
    timezone: 'UTC',
    curve: Array.from({ length: 7 }, () => Array.from({ length: 24 }, () => 2)),
    language: 'en',
    decide: 'odds',
    odds: { post: 40, comment: 30, reply: 0, like: 30, browse: 0 },
  };
  await db.query(sql`
    update gallery_bots set traits = traits || ${JSON.stringify(traits)}::jsonb, next_think_at = null, generation = generation + 1`);
  await db.query(sql`
    update gallery_targets set rps = 200,
      capabilities = capabilities || jsonb_build_object('idempotency', ${keyed}::boolean) where id = 'floimg'`);
}

/** Who is late is spread over half a minute; here nobody is late, and all are due soon after the start. */
const soon = (db: Db): Promise<unknown> =>
  db.query(sql`
    update gallery_bots b set next_think_at = now() + interval '3 seconds' + n * interval '200 milliseconds'
      from (select id, row_number() over (order by md5(id || now()::text)) as n from gallery_bots) o where o.id = b.id`);

/** Takes the process away in the moment in which the gallery has done its nth post or comment and has not answered. */
function killWhenDone(far: FakeFloImg, server: Lives, nth: number): void {
  let left = nth;
  far.after = async ({ method, path, status }) => {
    if (method !== 'POST' || status >= 300 || !/^\/api\/showcase(\/[^/]+\/comments)?$/.test(path)) return;
    left -= 1;
    if (left === 0) await server.kill();
  };
}

const one = async (db: Db, text: ReturnType<typeof sql>): Promise<number> =>
  (await db.query<{ n: number }>(text))[0]?.n ?? 0;
const closed = (db: Db): Promise<number> =>
  one(db, sql`select count(*)::int as n from gallery_actions where state <> 'open'`);
const opened = (db: Db): Promise<number> =>
  one(db, sql`select count(*)::int as n from gallery_actions where state = 'open'`);

const kindsDone = (db: Db): Promise<number> =>
  one(db, sql`select count(distinct kind)::int as n from gallery_actions where state = 'done'`);

async function judgeActs(db: Db, far: FakeFloImg): Promise<void> {
  const done = await db.query<{ act: string }>(sql`
    select case kind when 'like' then username || ' likes ' || item_id else remote_id end as act
      from gallery_actions join gallery_bots b on b.id = bot_id where gallery_actions.state = 'done'`);
  const ours = new Map(far.accounts.filter(({ isAgent }) => isAgent).map((account) => [account.id, account]));
  const there = far.items.flatMap(({ id, user, likes, comments }) => [
    ...(ours.has(user.id) ? [id] : []),
    ...comments.filter((comment) => ours.has(comment.user.id)).map((comment) => comment.id),
    ...[...likes].flatMap((by) => (ours.has(by) ? [`${ours.get(by)?.username} likes ${id}`] : [])),
  ]);
  const known = new Set(done.map(({ act }) => act));
  expect(known.size, 'two acts of the ledger are one over there').toBe(done.length);
  expect(
    there.filter((act) => !known.has(act)),
    'there, and not in the ledger',
  ).toEqual([]);
  expect(
    [...known].filter((act) => !there.includes(act)),
    'in the ledger, and not there',
  ).toEqual([]);
  const said = far.items.flatMap(({ comments }) => comments.map(({ user, content }) => `${user.username}: ${content}`));
  expect(new Set(said).size, 'the same words twice').toBe(said.length);
}

/** What a dead process had reserved counts as spent once its lease is over; here the test says that it is. */
async function judgeSpend(db: Db, models: FakeModels): Promise<void> {
  await db.query(sql`update budget_reservations set expires_at = now() - interval '1 second'`);
  await until(async () => (await one(db, sql`select count(*)::int as n from budget_reservations`)) === 0, {
    withinMs: 20_000,
    everyMs: 50,
  });
  const counted = { tokensIn: 0, tokensOut: 0, money: 0 };
  for (const { tokensIn, tokensOut } of models.answered) {
    counted.tokensIn += tokensIn;
    counted.tokensOut += tokensOut;
    counted.money += tokensIn + 2 * tokensOut;
  }
  expect(counted.tokensIn).toBeGreaterThan(0);
  for (const [measure, least] of Object.entries(counted)) {
    const spent = await one(
      db,
      sql`select spent::float8 as n from budget_counters where scope = 'fleet' and measure = ${measure} and period = 'day'`,
    );
    expect(spent, `${measure} that the model counted`).toBeGreaterThanOrEqual(least);
  }
}

const words =
  'buoy lantern harbor kettle ladder window marble thistle copper anchor velvet saddle orchard pebble mirror cobalt willow engine ribbon gravel compass feather tunnel violet barrel meadow stencil glacier hammer pocket sparrow timber'.split(
    ' ',
  );
const word = (n: number): string => words[n % words.length] ?? '';
/** Words that are never near those of another answer. */
function wordsOf(n: number): Record<string, string | string[]> {
  const some = (from: number, step: number): string =>
    Array.from({ length: 7 }, (_, i) => word(from + n * step + i * (1 + ((n * 5 + from) % 13)))).join(' ');
  return {
    text: `The ${some(3, 11)} stands near number ${n} and the rest is quiet.`,
    prompt: `a small ${some(5, 7)} in the evening, number ${n}`,
    caption: `Study of the ${some(9, 3)}, sheet ${n}.`,
    alt: `A drawing of a ${some(1, 5)}, drawn by a program.`,
    tags: [word(n), word(n + 5)],
  };
}
