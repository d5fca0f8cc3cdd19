/* Whoever sleeps on a cap goes on when the cap is raised, not at the end of the period. */
import type { GalleryBot } from '@muster/protocol';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
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
beforeEach(async () => {
  await gallery.empty();
  models.requests.length = 0;
  models.answer = () => ({ text: looks });
});

const looks = decisionText({
  do: 'browse',
  on: 0,
  why: 'there is much to see',
  text: '',
  prompt: '',
  caption: '',
  alt: '',
  tags: [],
});
const put = (scope: string, cap: number, meter = 'money'): Promise<unknown> =>
  gallery.must('PUT', `budgets/${scope}`, { body: { caps: [{ meter, period: 'day', cap }] } });
const waiting = async (id: string): Promise<string | null> => (await gallery.read(id)).waiting?.reason ?? null;
let names = 0;
async function thinker(more: Record<string, unknown> = {}): Promise<GalleryBot> {
  const bot = await gallery.bot({ username: `raised_${++names}`, personaId: 'harbor_log', decide: 'mind', ...more });
  await until(async () => (await gallery.read(bot.id)).provision.state === 'done', { withinMs: 20_000 });
  await gallery.must('POST', `bots/${bot.id}/start`, { body: {} });
  await gallery.call('POST', `bots/${bot.id}/wake`, { body: {} });
  return bot;
}
const asked = (): Promise<void> => until(() => models.requests.length > 0, { withinMs: 45_000 });

describe('raised', () => {
  test('of the fleet: its gate opens and bots think, those that were put off to the end of the day too', async () => {
    await put('fleet', 0);
    const { id } = await thinker();
    await until(async () => (await waiting(id)) === 'fleet_budget', { withinMs: 30_000 });
    await put('fleet', 0);
    expect(await waiting(id), 'without room it stays shut').toBe('fleet_budget');
    expect(models.requests).toHaveLength(0);
    await put('fleet', 5_000_000);
    expect(await waiting(id)).not.toBe('fleet_budget');
    await asked();
  }, 120_000);

  test('of a target', async () => {
    await put('target:sandbox', 0);
    const { id } = await thinker();
    await until(async () => (await waiting(id)) === 'fleet_budget', { withinMs: 30_000 });
    await put('target:sandbox', 5_000_000);
    await asked();
  }, 120_000);

  test('of a bot, by its budget and by a change of the bot', async () => {
    const { id } = await thinker({ budget: { money: 0 } });
    await until(async () => (await gallery.read(id)).state === 'sleeping', { withinMs: 30_000 });
    expect(await waiting(id)).toBe('bot_budget');
    await put(`bot:${id}`, 5_000_000);
    expect((await gallery.read(id)).state).toBe('running');
    await gallery.must('POST', `bots/${id}/wake`, { body: {} });
    await asked();
    const woke = await db.query(sql`
      select from gallery_activity where bot_id = ${id} and type = 'woke' and message like '%budget was raised%'`);
    expect(woke).toHaveLength(1);

    await gallery.must('PATCH', `bots/${id}`, { body: { budget: { money: 0 } } });
    await gallery.call('POST', `bots/${id}/wake`, { body: {} });
    await until(async () => (await gallery.read(id)).state === 'sleeping', { withinMs: 30_000 });
    await gallery.must('PATCH', `bots/${id}`, { body: { budget: { money: 5_000_000 } } });
    expect(await gallery.read(id)).toMatchObject({ state: 'running', sleepUntil: null });
  }, 120_000);

  test('of a persona; who sleeps for another reason, or was stopped, stays as it is', async () => {
    await put('persona:harbor_log', 0);
    const { id } = await thinker();
    const other = await thinker({ personaId: 'late_orbits', mind: 'improv' });
    await until(async () => (await gallery.read(id)).state === 'sleeping', { withinMs: 30_000 });
    await db.query(sql`
      update gallery_bots set state = 'sleeping', reason = 'target_agent_daily_limit', generation = generation + 1,
        sleep_until = now() + interval '1 hour', persona_id = 'harbor_log' where id = ${other.id}`);
    await put('persona:harbor_log', 5_000_000);
    expect((await gallery.read(id)).state).toBe('running');
    expect(await gallery.read(other.id)).toMatchObject({
      state: 'sleeping',
      waiting: { reason: 'target_agent_daily_limit' },
    });
  }, 120_000);
});
