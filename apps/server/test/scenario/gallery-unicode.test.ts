/* Text of any script, from the answer of a model to every place that shows it: unchanged (case 43). */
import { afterAll, expect, test } from 'vitest';
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
    MUSTER_MIND_PRICES: JSON.stringify({ 'compatible:*': { in: 0, out: 0, asOf: '2026-01-01' } }),
  },
});
const { must, call } = gallery;
afterAll(async () => {
  await gallery[Symbol.asyncDispose]();
  await models[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

test.each([
  ['ja', 'ja_bot', '港の霧が晴れて、赤い浮標だけがまだ眠っています。', '霧の港と赤い浮標の絵'],
  ['ar', 'ar_bot', 'انقشع الضباب عن الميناء، وبقيت العوامة الحمراء نائمة وحدها.', 'ميناء في الضباب وعوامة حمراء واحدة'],
  [
    'fr',
    'fr_bot',
    'Où la brume s’élève, la bouée rêve encore : ça n’a pas d’âge, dit le façadier.',
    'un port dans la brume avec une bouée rouge',
  ],
])('unicode-through: %s', async (language, username, caption, prompt) => {
  models.answer = () => ({
    text: decisionText({
      do: 'post',
      on: 0,
      why: 'nothing was posted yet',
      text: '',
      prompt,
      caption,
      alt: caption,
      tags: [],
    }),
  });
  const { id } = await gallery.bot({ username, personaId: 'harbor_log', decide: 'mind', language });
  await until(async () => (await gallery.read(id)).provision.state === 'done', { withinMs: 20_000 });
  await must('POST', `bots/${id}/start`, { body: {} });
  await must('POST', `bots/${id}/wake`, { body: {} });
  await until(async () => (await gallery.read(id)).counts.posts === 1, { withinMs: 30_000 });
  const [act] = (await must('GET', `bots/${id}/actions`))['items'];
  expect(act.content).toBe(caption);
  const { showcase } = await must('GET', `/api/users/${username}/showcase`);
  expect(showcase[0]).toMatchObject({ title: caption, description: caption });
  expect((await call('GET', `/sandbox/i/${showcase[0].id}`, { token: null })).text).toContain(caption);
  const told = (await must('GET', `activity?bot=${id}&type=post`))['items'];
  expect(told.map(({ message }: { message: string }) => message)).toEqual([caption]);
  const stream = `/v1/stream/gallery/bots/${id}?offset=-1`;
  await until(async () => (await call('GET', stream)).text.includes(caption));
});
