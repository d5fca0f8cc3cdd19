/* Settings of the gallery, from the environment to what they change. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { type FakeFloImg, fakeFloImg } from '#test/fake-floimg';
import { startServer, type TestServer } from '#test/server';
import { until } from '#test/until';

type Bot = { id: string; state: string; sleepUntil: string | null; counts: { likes: number } };

let fake: FakeFloImg;
let server: TestServer;
beforeAll(async () => {
  fake = await fakeFloImg();
  server = await startServer({
    env: {
      FLOIMG_API_URL: fake.url,
      FLOIMG_SERVICE_TOKEN: fake.token,
      MUSTER_GALLERY_ACK_HOST: new URL(fake.url).host,
      MUSTER_GALLERY_WAKE_MIN_MS: '20s',
      MUSTER_GALLERY_WAKE_MAX_MS: '2m',
      MUSTER_GALLERY_WAKE_DEFAULT_MS: '1m',
      MUSTER_GALLERY_TARGET_BODY_BYTES_MAX: '8MiB',
      MUSTER_GALLERY_FEED_FRESH_MS: '1h',
      MUSTER_GALLERY_FEED_STALE_MS: '2h',
      MUSTER_GALLERY_MEMORY_PER_BOT_MAX: '1',
      MUSTER_GALLERY_RELATIONS_PER_BOT_MAX: '1',
    },
  });
  await until(async () => (await server.ask('/v1/gallery/targets/floimg')).status === 200);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what it expects to read
const ask = <T = Record<string, unknown>>(path: string, json?: unknown) =>
  server.ask<T>(`/v1/gallery${path}`, json === undefined ? {} : { json });
const bot = async (id: string) => (await ask<Bot>(`/bots/${id}`)).body;
async function liker(username: string): Promise<string> {
  const odds = { post: 0, comment: 0, reply: 0, like: 1, browse: 0 };
  const made = await ask<Bot>('/bots', { name: username, username, targetId: 'floimg', start: true, odds });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  await until(async () => (await bot(made.body.id)).state === 'running');
  return made.body.id;
}
const wake = (id: string) => ask(`/bots/${id}/wake`, {});
const popularReads = () => fake.requests.filter(({ path }) => path.includes('sort=popular')).length;

test('how long a feed serves, how much a bot remembers, and of whom', async () => {
  for (const name of ['ana', 'ben', 'cy']) fake.personPosts(fake.person(name), `A lamp of ${name}`);
  const id = await liker('keen_bot');
  for (let likes = 1; likes <= 3; likes++) {
    await wake(id);
    await until(async () => (await bot(id)).counts.likes === likes, { withinMs: 30_000 });
  }
  expect(popularReads()).toBe(1);
  const [kept] = await server.database.db.query(sql`
    select (select count(*)::int from gallery_memories where bot_id = ${id}) as memories,
           (select count(*)::int from gallery_relations where bot_id = ${id}) as relations`);
  expect(kept).toEqual({ memories: 1, relations: 1 });
}, 90_000);

test.each([
  ['far off', new Date(Date.now() + 3_600_000).toISOString(), 120],
  ['unreadable', 'soon', 60],
  ['past', '2020-01-01T00:00:00Z', 20],
])(
  'how long a target may send a bot to sleep: a time that is %s',
  async (what, resetAt, seconds) => {
    const id = await liker(`sent_${what.slice(0, 3)}`);
    fake.faults.push({ kind: 'agentDaily', method: 'POST', path: /like/, resetAt });
    const before = Date.now();
    await wake(id);
    await until(async () => (await bot(id)).state === 'sleeping', { withinMs: 30_000 });
    fake.faults.length = 0;
    const slept = Date.parse((await bot(id)).sleepUntil ?? '') - before;
    expect(slept).toBeGreaterThan(seconds * 1_000 - 1_000);
    expect(slept).toBeLessThan(seconds * 1_000 + 15_000);
  },
  60_000,
);

test('how much of an answer is read', async () => {
  fake.faults.push({ kind: 'tooLarge', method: 'GET' });
  const { body } = await ask<{ findings: { what: string; ok: boolean }[] }>('/targets/floimg/check', {});
  fake.faults.length = 0;
  expect(
    body.findings.find(({ what }) => /feed|shape/.test(what)),
    JSON.stringify(body),
  ).toMatchObject({ ok: true });
}, 60_000);
