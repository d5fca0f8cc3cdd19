/* Settings under the names of the systems this one takes the place of, through configuration and composition to what they move. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FakeFloImg, fakeFloImg } from '#test/fake-floimg';
import { decisionText, FakeModels } from '#test/fake-models';
import { startServer } from '#test/server';
import { until } from '#test/until';

let fake: FakeFloImg;
let models: FakeModels;
beforeAll(async () => {
  fake = await fakeFloImg();
  models = await FakeModels.start();
});
afterAll(async () => {
  await fake[Symbol.asyncDispose]();
  await models[Symbol.asyncDispose]();
});

test('legacy-env: FLOIMG_API_URL makes the target, unacknowledged; OLLAMA_* is the mind; each is said', async () => {
  models.answer = () => ({ text: decisionText({ do: 'browse', on: 0, why: 'a look', text: '' }) });
  const url = models.baseUrl('compatible');
  await using server = await startServer({
    env: {
      FLOIMG_API_URL: fake.url,
      FLOIMG_SERVICE_TOKEN: fake.token,
      LLM_PROVIDER: 'ollama',
      OLLAMA_URL: url.replace(/\/v1\/?$/, ''),
      OLLAMA_MODEL: 'llama-of-old',
      POOL_SIZE: '7',
      SECRET_KEY_BASE: 'k'.repeat(20).concat('wxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'),
    },
  });
  await until(async () => (await server.ask('/v1/gallery/targets/floimg')).status === 200);
  expect((await server.ask('/v1/gallery/targets/floimg')).body).toMatchObject({
    baseUrl: fake.url,
    tokenSet: true,
    acknowledgement: null,
  });
  expect((await server.ask('/v1/gallery/targets/floimg/check', { json: {} })).body).toMatchObject({ ok: true });
  const health = async (): Promise<Record<string, unknown>> => (await server.ask('/health')).body;
  // It answers from memory, which hears of a new target within one renewal.
  await until(async () => JSON.stringify(await health()).includes('not_acknowledged'));
  expect(await health()).toMatchObject({
    status: 'ok',
    gallery: { mind: 'compatible:llama-of-old', target: { sandbox: 'open', floimg: 'not_acknowledged' } },
  });
  await server.ask('/v1/gallery/minds/compatible:llama-of-old/test', { json: {} });
  expect(models.requests.at(-1)).toMatchObject({ dialect: 'compatible', model: 'llama-of-old' });
  const warnings = server.logs.map(({ msg }) => String(msg)).join('\n');
  for (const name of ['FLOIMG_API_URL', 'FLOIMG_SERVICE_TOKEN', 'POOL_SIZE', 'SECRET_KEY_BASE'])
    expect(warnings).toContain(name);
}, 60_000);

test('legacy-env: FLOIMG_BOT_SECRET alone signs in as the older bots did; OPENAI_* is the mind', async () => {
  await using server = await startServer({
    env: {
      FLOIMG_API_URL: fake.url,
      FLOIMG_BOT_SECRET: fake.legacySecret,
      LLM_PROVIDER: 'openai',
      OPENAI_API_KEY: 'sk-of-a-test',
      OPENAI_MODEL: 'gpt-of-old',
    },
  });
  await until(async () => (await server.ask('/v1/gallery/targets/floimg')).status === 200);
  const before = fake.requests.length;
  expect((await server.ask('/v1/gallery/targets/floimg/check', { json: {} })).body).toMatchObject({ ok: true });
  expect(fake.requests[before]?.headers.authorization).toBe(`Bearer bot_${fake.legacySecret}`);
  expect((await server.ask('/health')).body).toMatchObject({ gallery: { mind: 'openai:gpt-of-old' } });
}, 60_000);
