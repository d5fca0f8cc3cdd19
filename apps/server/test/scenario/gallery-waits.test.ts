/* Why a running bot does nothing, where no row of its own says so. */
import type { GalleryBot } from '@muster/protocol';
import { afterAll, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { testDatabase } from '#test/database';
import { FakeModels } from '#test/fake-models';
import { galleryServer } from '#test/gallery-server';
import { until } from '#test/until';

const database = await testDatabase();
const models = await FakeModels.start();
const gallery = await galleryServer(database, {
  env: {
    MUSTER_MIND: 'compatible:some-model',
    MUSTER_MIND_BASE_URL: models.baseUrl('compatible'),
    MUSTER_MIND_FALLBACK: 'none',
    MUSTER_MIND_PRICES: JSON.stringify({ 'compatible:*': { in: 1_000_000, out: 2_000_000, asOf: '2026-01-01' } }),
  },
});
const { db } = gallery;
afterAll(async () => {
  await gallery[Symbol.asyncDispose]();
  await models[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function running(username: string, more: Record<string, unknown> = {}): Promise<GalleryBot> {
  const bot = await gallery.bot({ username, ...more });
  await until(async () => (await gallery.read(bot.id)).provision.state === 'done', { withinMs: 20_000 });
  await gallery.must('POST', `bots/${bot.id}/start`, { body: {} });
  return bot;
}
const waiting = async (id: string): Promise<string | null> => (await gallery.read(id)).waiting?.reason ?? null;

test('a mind that does not answer, with nobody in its place', async () => {
  models.answer = () => ({ status: 401 });
  const { id } = await running('without_a_mind', { decide: 'mind' });
  expect(await waiting(id)).toBeNull();
  await gallery.must('POST', `bots/${id}/wake`, { body: {} });
  await until(async () => (await waiting(id)) === 'mind_unavailable', { withinMs: 30_000 });
  const shown = await gallery.read(id);
  expect(shown).toMatchObject({ state: 'running', failures: 0, waiting: { attribution: 'host' } });
  expect(Date.parse(shown.waiting?.resumesAt ?? '')).toBeGreaterThan(Date.now());
  await gallery.must('POST', `bots/${id}/stop`, { body: {} });
});

test('a server that lost its lease: nobody owns the bot', async () => {
  const { id } = await running('owned_by_nobody', { mind: 'improv' });
  expect(await waiting(id)).toBeNull();
  await until(async () => {
    await db.query(sql`update gallery_shards set expires_at = clock_timestamp() - interval '1 s'`);
    return (await waiting(id)) === 'no_owner';
  });
  await until(async () => (await waiting(id)) === null, { withinMs: 30_000 });
});
