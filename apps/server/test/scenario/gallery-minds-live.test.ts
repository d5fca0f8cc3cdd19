import type { GalleryBot } from '@muster/protocol';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { sql } from '#kernel/db';
import { testDatabase } from '#test/database';
import { decisionText, FakeModels } from '#test/fake-models';
import { galleryServer } from '#test/gallery-server';
import { until } from '#test/until';

const database = await testDatabase();
const models = await FakeModels.start();
const gallery = await galleryServer(database, {
  env: {
    MUSTER_MIND: 'compatible:some-model',
    MUSTER_MIND_BASE_URL: models.baseUrl('compatible'),
    MUSTER_MIND_PRICES: JSON.stringify({ 'compatible:*': { in: 1_000_000, out: 2_000_000, asOf: '2026-01-01' } }),
  },
});
const { db } = gallery;
afterAll(async () => {
  await gallery[Symbol.asyncDispose]();
  await models[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
beforeEach(() => {
  models.requests.length = 0;
});

const caption = 'Slack tide, and the left buoy would not say why.';
const post = decisionText({
  do: 'post',
  on: 0,
  why: 'nothing was posted yet',
  text: '',
  prompt: 'a harbour at slack tide with two red buoys and a bank of fog',
  caption,
  alt: 'Two red buoys on a grey sea below a bank of fog.',
  tags: ['bay', 'fog'],
});

/** A bot that thinks by the model of the settings, as soon as it is told to. */
async function thinker(username: string): Promise<GalleryBot> {
  const made = await gallery.bot({ username, personaId: 'harbor_log', decide: 'mind' });
  await until(async () => (await gallery.read(made.id)).provision.state === 'done', { withinMs: 20_000 });
  await gallery.must('POST', `bots/${made.id}/start`, { body: {} });
  return made;
}
const thinkNow = (id: string): Promise<unknown> => gallery.must('POST', `bots/${id}/wake`, { body: {} });

it('a bot posts what its model wrote, in one call, and every token is in the books', async () => {
  models.answer = () => ({ text: post });
  const { id } = await thinker('by_model');
  await thinkNow(id);
  await until(async () => (await gallery.read(id)).counts.posts === 1, { withinMs: 30_000 });
  expect(models.requests).toHaveLength(1);
  const tokensIn = models.requests[0]?.tokensIn ?? 0;
  const [decision] = await db.query<{ mind: string; tokens_in: number; cost_micros: number; why: string }>(
    sql`select mind, tokens_in, cost_micros, why from gallery_decisions where bot_id = ${id} and kind = 'post'`,
  );
  expect(decision).toMatchObject({ mind: 'compatible:some-model', tokens_in: tokensIn, why: 'nothing was posted yet' });
  expect(decision?.cost_micros).toBeGreaterThan(tokensIn);
  const { lines } = (await gallery.must('GET', 'budgets/fleet')) as {
    lines: { meter: string; period: string; spent: number; reserved: number }[];
  };
  const line = (meter: string): unknown => lines.find((each) => each.meter === meter && each.period === 'day');
  expect(line('money')).toMatchObject({ spent: decision?.cost_micros, reserved: 0 });
  expect(line('tokensIn')).toMatchObject({ spent: tokensIn, reserved: 0 });
  const [made] = await db.query<{ content: string }>(sql`select content from gallery_actions where bot_id = ${id}`);
  expect(made?.content).toContain(caption);
  await gallery.must('POST', `bots/${id}/stop`, { body: {} });
});

it('mind-fallback-visible: a model that fails is replaced, marked, and the badge says why', async () => {
  models.answer = () => ({ status: 401 });
  const { id } = await thinker('by_fallback');
  await thinkNow(id);
  await until(async () => (await gallery.read(id)).thinkNo > 0, { withinMs: 30_000 });
  await gallery.must('POST', `bots/${id}/stop`, { body: {} });
  const [decision] = await db.query<{ mind: string; body: { fellBackFrom?: unknown } }>(
    sql`select mind, body from gallery_decisions where bot_id = ${id} order by at limit 1`,
  );
  expect(decision).toMatchObject({
    mind: 'improv',
    body: { fellBackFrom: { mind: 'compatible:some-model', reason: 'mind_key_refused' } },
  });
  const { items } = (await gallery.must('GET', 'minds')) as { items: { name: string; degraded: string | null }[] };
  expect(items[0]).toMatchObject({ name: 'compatible:some-model', isDefault: true, degraded: 'mind_key_refused' });
  // A stopped fleet has nobody who would notice; a running one is told in its feed and by an event.
  const told = (message: string): Promise<unknown[]> =>
    db.query(sql`select from gallery_activity where type = 'other' and message like ${message}`);
  await until(async () => (await told('%some-model is degraded (mind_key_refused)%')).length === 1);
  const counted = await fetch(`${gallery.url}/metrics`, { headers: { authorization: `Bearer ${gallery.key}` } });
  expect(await counted.text()).toMatch(/muster_gallery_events_total\{type="gallery.mind.degraded"\} [1-9]/);
  models.answer = () => ({ text: 'ok' });
  expect(await gallery.must('POST', 'minds/compatible:some-model/test', { body: {} })).toMatchObject({ ok: true });
  expect(((await gallery.must('GET', 'minds')) as { items: unknown[] }).items[0]).toMatchObject({ degraded: null });
});

it('a fleet without money left makes no call and says what it waits for', async () => {
  models.answer = () => ({ text: post });
  const caps = [{ meter: 'money', period: 'day', cap: 0 }];
  await gallery.must('PUT', 'budgets/fleet', { body: { caps } });
  const { id } = await thinker('by_nobody');
  await thinkNow(id).catch(() => undefined);
  await until(async () => (await gallery.read(id)).waiting?.reason === 'fleet_budget', { withinMs: 30_000 });
  expect(models.requests).toHaveLength(0);
});
