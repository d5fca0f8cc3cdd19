/* What the console reads beyond lists: one think whole, the picture of an item, a persona that nobody saved. */
import type { Activity, GalleryThought, PersonaPreviewed } from '@muster/protocol';
import { afterAll, expect, test } from 'vitest';
import { testDatabase } from '#test/database';
import { galleryServer } from '#test/gallery-server';
import { until } from '#test/until';

const database = await testDatabase();
const gallery = await galleryServer(database);
const { call, must, read } = gallery;
afterAll(async () => {
  await gallery[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

test('one think: why, its act in the ledger, what the feed said, and its picture', async () => {
  const bot = await gallery.bot({ odds: { post: 1, comment: 0, reply: 0, like: 0, browse: 0 } });
  await until(async () => (await read(bot.id)).provision.state === 'done', { withinMs: 20_000 });
  await must('POST', `bots/${bot.id}/start`, { body: {} });
  await must('POST', `bots/${bot.id}/wake`, { body: {} });
  let post: Activity | undefined;
  await until(
    async () => {
      const { items } = (await must('GET', `bots/${bot.id}/activity?type=post`)) as { items: Activity[] };
      post = items[0];
      return post !== undefined;
    },
    { withinMs: 20_000 },
  );
  await must('POST', `bots/${bot.id}/stop`, { body: {} });
  const thoughtId = post?.thoughtId ?? '';
  const thought = (await must('GET', `thoughts/${thoughtId}`)) as unknown as GalleryThought;
  expect(thought).toMatchObject({
    thoughtId,
    botId: bot.id,
    decision: { kind: 'post', result: 'acted', mind: 'improv' },
    action: { kind: 'post', state: 'done', remoteId: post?.data.itemId },
  });
  expect(thought.activity.map(({ type }) => type)).toEqual(['thought', 'post']);

  const picture = `${gallery.url}/sandbox/i/${post?.data.itemId}/picture`;
  const led = await fetch(picture, { redirect: 'manual' });
  expect([led.status, led.headers.get('location')]).toEqual([307, `/sandbox/images/${thought.action?.imageBlob}.svg`]);
  const shown = await fetch(picture);
  expect([shown.status, shown.headers.get('content-type')]).toEqual([200, 'image/svg+xml']);
  expect((await fetch(`${gallery.url}/sandbox/i/itm_nothing/picture`)).status).toBe(404);

  // Of another project it is as if it were not there.
  const stranger = await gallery.keyWith(['gallery:read'], await gallery.project());
  expect(await call('GET', `thoughts/${thoughtId}`, { token: stranger })).toMatchObject({
    status: 404,
    body: { reason: 'no_such_thought' },
  });
});

test('a persona speaks before it is saved, and what is wrong with it is named', async () => {
  const { personas } = await must('GET', 'personas/export?ids=tram_tally');
  const before = (await must('GET', 'personas?limit=100'))['items'].length;
  const persona = { ...personas[0], id: 'unsaved', usernamePrefix: 'unsaved' };
  const previewed = (await must('POST', 'personas/preview', { body: { persona } })) as unknown as PersonaPreviewed;
  expect(previewed.bots).toHaveLength(3);
  for (const { post, svg, comment, reply, username } of previewed.bots) {
    expect(post).toMatchObject({ caption: expect.stringMatching(/./), prompt: expect.stringMatching(/./) });
    expect(svg).toMatch(/^<svg /);
    expect([comment, reply].every((text) => typeof text === 'string' && text !== '')).toBe(true);
    expect(username).toMatch(/^unsaved_/);
  }
  // The same seed, the same three.
  expect(await must('POST', 'personas/preview', { body: { persona } })).toEqual(previewed);
  expect(await must('POST', 'personas/preview', { body: { persona, seed: 2 } })).not.toEqual(previewed);
  expect((await must('GET', 'personas?limit=100'))['items']).toHaveLength(before);
  expect(
    await call('POST', 'personas/preview', { body: { persona: { ...persona, odds: { ...persona.odds, post: -1 } } } }),
  ).toMatchObject({
    status: 400,
    body: { code: 'invalid', errors: [{ pointer: '/odds/post' }] },
  });
});
