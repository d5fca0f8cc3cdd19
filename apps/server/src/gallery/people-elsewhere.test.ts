import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FakeFloImg, fakeFloImg } from '#test/fake-floimg';
import { hurriedClock, targetClient } from '#test/target-client';
import { peoplesActsElsewhere } from './people-elsewhere.ts';

let fake: FakeFloImg;
beforeEach(async () => {
  fake = await fakeFloImg();
});
afterEach(() => fake[Symbol.asyncDispose]());

const day = 86_400_000;
const at = Date.UTC(2026, 4, 12, 14);
const client = () =>
  targetClient({ baseUrl: fake.url, credentials: { token: fake.token, legacySecret: null }, clock: hurriedClock() });
const ours =
  (...names: string[]) =>
  async (asked: readonly string[]) =>
    new Set(asked.filter((name) => names.includes(name)));

test('items and comments of the last seven full days count, but for those of our bots', async () => {
  const [mira, tom, bot] = ['mira', 'tom', 'fog_bot'].map((name) => fake.person(name)) as [never, never, never];
  const posted = (who: never, daysAgo: number) => {
    const item = fake.personPosts(who, 'A lamp');
    item.createdAt = new Date(at - daysAgo * day).toISOString();
    return item;
  };
  posted(bot, 1);
  posted(tom, 0);
  posted(tom, 9);
  const item = posted(mira, 2);
  posted(mira, 7);
  for (const [who, daysAgo] of [
    [tom, 1],
    [bot, 1],
    [mira, 0],
  ] as const)
    fake.personComments(who, item.id, 'quite so').createdAt = new Date(at - daysAgo * day).toISOString();
  expect(await peoplesActsElsewhere(client(), ours('fog_bot'), at)).toBeCloseTo(3 / 7);
  expect(await peoplesActsElsewhere(client(), ours('fog_bot', 'mira', 'tom'), at)).toBe(0);
});

test('a gallery nobody uses is seen to be empty; one that does not answer is not seen', async () => {
  expect(await peoplesActsElsewhere(client(), ours(), at)).toBe(0);
  fake.faults.push({ kind: 'html502' });
  expect(await peoplesActsElsewhere(client(), ours(), at)).toBeNull();
});
