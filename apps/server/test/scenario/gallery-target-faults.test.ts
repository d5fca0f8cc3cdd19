/* A gallery in trouble, and bots that live on it: the trouble is the target's, never theirs, and nothing is done twice. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FakeFloImg, fakeFloImg } from '#test/fake-floimg';
import { startServer, type TestServer } from '#test/server';
import { until } from '#test/until';

type Bot = {
  id: string;
  state: string;
  failures: number;
  waiting: { reason: string } | null;
  counts: { posts: number };
};
type Gate = { state: string; reason: string | null };

let fake: FakeFloImg;
let server: TestServer;
beforeEach(async () => {
  fake = await fakeFloImg();
  server = await startServer({
    env: {
      FLOIMG_API_URL: fake.url,
      FLOIMG_SERVICE_TOKEN: fake.token,
      MUSTER_GALLERY_ACK_HOST: new URL(fake.url).host,
    },
  });
  await until(async () => (await ask('/targets/floimg')).status === 200);
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what it expects to read
const ask = <T = Record<string, unknown>>(path: string, json?: unknown) =>
  server.ask<T>(`/v1/gallery${path}`, json === undefined ? {} : { json });
const bot = async (id: string) => (await ask<Bot>(`/bots/${id}`)).body;
const gate = async () => (await ask<{ gate: Gate }>('/targets/floimg')).body.gate;
const odds = { post: 0, comment: 0, reply: 0, like: 0, browse: 0 };
async function running(username: string, kind: keyof typeof odds): Promise<string> {
  const made = await ask<Bot>('/bots', {
    name: `Bot ${username}`,
    username,
    targetId: 'floimg',
    start: true,
    odds: { ...odds, [kind]: 1 },
  });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  await until(async () => (await bot(made.body.id)).state === 'running');
  return made.body.id;
}

test('HTML 502 to all of them: the gate is tripped, no bot is in error', async () => {
  const bots: string[] = [];
  for (let i = 0; i < 6; i++) bots.push(await running(`patient_${i}`, 'like'));
  fake.faults.push({ kind: 'html502' });
  for (let wave = 0; wave < 5; wave++) for (const id of bots) await ask(`/bots/${id}/wake`, {});
  await until(async () => (await gate()).state === 'tripped', { withinMs: 60_000, everyMs: 100 });
  for (const id of bots)
    expect(await bot(id)).toMatchObject({ state: 'running', failures: 0, waiting: { reason: 'target_unreachable' } });
}, 120_000);

test('another contract than it says trips the gate at once, with the remedy in the check', async () => {
  const id = await running('puzzled', 'like');
  fake.faults.push({ kind: 'wrongShape', method: 'GET' });
  await ask(`/bots/${id}/wake`, {});
  await until(async () => (await gate()).state === 'tripped', { withinMs: 30_000 });
  expect(await gate()).toMatchObject({ state: 'tripped', reason: 'target_contract' });
  expect(await bot(id)).toMatchObject({ state: 'running', failures: 0 });
}, 90_000);

test('an answer lost after the write: looked for, adopted, one post', async () => {
  const id = await running('once_only', 'post');
  fake.faults.push({ kind: 'dropAfterCommit', method: 'POST', path: /^\/api\/showcase$/, times: 1 });
  await ask(`/bots/${id}/wake`, {});
  await until(async () => (await bot(id)).counts.posts === 1, { withinMs: 60_000, everyMs: 100 });
  expect(fake.items).toHaveLength(1);
  expect(fake.requests.filter(({ method, path }) => method === 'POST' && path === '/api/showcase')).toHaveLength(1);
  const { body } = await ask<{ items: { kind: string; state: string; remoteId: string }[] }>(`/bots/${id}/actions`);
  expect(body.items).toMatchObject([{ kind: 'post', state: 'done', remoteId: fake.items[0]?.id }]);
}, 90_000);

test('a daily limit of the fleet puts the target to sleep until the target says', async () => {
  const id = await running('early_bird', 'like');
  const resetAt = new Date(Date.now() + 3_600_000).toISOString();
  fake.faults.push({ kind: 'fleetDaily', resetAt });
  await ask(`/bots/${id}/wake`, {});
  await until(async () => (await gate()).state === 'sleeping', { withinMs: 30_000 });
  const { body } = await ask<{ gate: { until: string; reason: string } }>('/targets/floimg');
  expect(body.gate.reason).toBe('target_fleet_daily_budget');
  expect(Math.abs(Date.parse(body.gate.until) - Date.parse(resetAt))).toBeLessThan(5_000);
  expect(await bot(id)).toMatchObject({ state: 'sleeping' });
}, 90_000);

test('a daily limit of one bot puts that bot to sleep, and nobody else', async () => {
  fake.personPosts(fake.person('mira'), 'A lamp over wet slate');
  const [limited, free] = [await running('limited_one', 'like'), await running('free_one', 'like')];
  fake.faults.push({
    kind: 'agentDaily',
    username: 'limited_one',
    resetAt: new Date(Date.now() + 3_600_000).toISOString(),
  });
  await ask(`/bots/${limited}/wake`, {});
  await until(async () => (await bot(limited)).state === 'sleeping', { withinMs: 60_000 });
  await ask(`/bots/${free}/wake`, {});
  await until(() => fake.items[0]?.likes.size === 1, { withinMs: 60_000 });
  expect(await gate()).toMatchObject({ state: 'open' });
  expect(await bot(free)).toMatchObject({ state: 'running' });
}, 120_000);
