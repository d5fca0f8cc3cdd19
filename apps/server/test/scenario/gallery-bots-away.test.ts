/* Stops and purges while somebody far away does not answer: a model that hangs, a target that is down. */
import { afterAll, beforeEach, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { testDatabase } from '#test/database';
import { FakeModels } from '#test/fake-models';
import { galleryServer } from '#test/gallery-server';
import { until } from '#test/until';

const models = await FakeModels.start();
const database = await testDatabase();
const gallery = await galleryServer(database, {
  env: {
    MUSTER_MINDS: JSON.stringify({
      slow: {
        use: 'compatible:model-a',
        baseUrl: models.baseUrl('compatible'),
        price: { in: 1_000_000, out: 1_000_000, asOf: '2026-01-01' },
      },
    }),
    MUSTER_OUTBOUND_ALLOW: '127.0.0.1',
  },
});
const { call, must, bot, read, db } = gallery;
beforeEach(() => gallery.empty());
afterAll(async () => {
  await gallery[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  await models[Symbol.asyncDispose]();
});

const always = { curve: Array.from({ length: 7 }, () => Array.from({ length: 24 }, () => 1)) };
const provisioned = (id: string): Promise<void> =>
  until(async () => (await read(id)).provision.state === 'done', { withinMs: 20_000 });
/** Jobs that wait for their time have it now. */
const hurry = (): Promise<unknown> => db.query(sql`update jobs set run_at = now() where state = 'waiting'`);

test('case 16: a stop during a model call aborts it, and its reservation is settled', async () => {
  models.answer = () => ({ hang: true });
  const odds = { post: 1, comment: 0, reply: 0, like: 0, browse: 0 };
  const { id } = await bot({ ...always, mind: 'slow', odds, personaId: 'harbor_log' });
  await provisioned(id);
  await must('POST', `bots/${id}/start`, { body: {} });
  await must('POST', `bots/${id}/wake`, { body: {} });
  await until(() => models.open === 1, { withinMs: 20_000 });
  const reserved = async (): Promise<number> =>
    (await must('GET', 'budgets/fleet'))['lines'].find((line: { meter: string }) => line.meter === 'tokensIn').reserved;
  expect(await reserved()).toBeGreaterThan(0);
  expect(await must('POST', `bots/${id}/stop`, { body: {} })).toMatchObject({
    confirmed: true,
    bot: { state: 'idle' },
  });
  await until(() => models.open === 0, { withinMs: 20_000 });
  await until(async () => (await reserved()) === 0, { withinMs: 20_000 });
  expect(await read(id)).toMatchObject({ state: 'idle', counts: { posts: 0 } });
});

test('case 19: a purge while the target is down: the row stays removing and says why; then it goes', async () => {
  const { id, username } = await bot();
  await provisioned(id);
  await must('DELETE', `bots/${id}`);
  await must('PUT', 'sandbox/faults', {
    body: { items: [{ match: { method: 'DELETE', path: '/api/admin/users/*' }, kind: '503', probability: 1 }] },
  });
  expect(await must('POST', `bots/${id}/purge`, { body: {} })).toMatchObject({ purged: false });
  await until(async () => (await read(id)).provision.detail !== null, { withinMs: 20_000 });
  expect(await read(id)).toMatchObject({
    state: 'deleted',
    provision: { state: 'removing', detail: expect.stringContaining('target_') },
  });
  expect(await call('POST', `bots/${id}/restore`, { body: {} })).toMatchObject({
    status: 409,
    body: { reason: 'is_purging' },
  });
  expect(await call('POST', 'bots', { body: { name: 'Early', username } })).toMatchObject({ status: 409 });
  await must('PUT', 'sandbox/faults', { body: { items: [] } });
  await until(async () => (await hurry(), (await call('GET', `bots/${id}`)).status === 404), {
    withinMs: 20_000,
    everyMs: 200,
  });
  expect((await call('POST', 'bots', { body: { name: 'Late', username } })).status).toBe(201);
});

test('case 20: an account that is not there any more counts as removed', async () => {
  const { id } = await bot();
  await provisioned(id);
  await db.query(sql`delete from sandbox_accounts`);
  await must('DELETE', `bots/${id}`);
  await must('POST', `bots/${id}/purge`, { body: {} });
  await until(async () => (await call('GET', `bots/${id}`)).status === 404, { withinMs: 20_000 });
});
