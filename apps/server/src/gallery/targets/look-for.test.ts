import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TargetError } from '#gallery/model';
import { FakeClock, newId } from '#kernel/base';
import { type FakeFloImg, fakeFloImg } from '#test/fake-floimg';
import { hurriedClock, publicationOf, targetClient } from '#test/target-client';
import { lookFor, lookTwice } from './look-for.ts';
import type { TargetClient } from './target-client.ts';

let fake: FakeFloImg;
let target: TargetClient;
const as = { botId: newId('galleryBot'), username: 'fog_bot' };
const signal = new AbortController().signal;
beforeEach(async () => {
  fake = await fakeFloImg();
  target = targetClient({
    baseUrl: fake.url,
    credentials: { token: fake.token, legacySecret: null },
    clock: hurriedClock(),
  });
  await target.provision({ ...as, name: 'Fog', bio: 'b', personaId: null });
});
afterEach(() => fake[Symbol.asyncDispose]());
const write = () => ({ key: newId('activity'), signal, may: () => true });

describe('looking for a comment', () => {
  test('the same words of somebody else, or of another day, are not ours', async () => {
    const mira = fake.person('mira');
    const { id } = fake.personPosts(mira, 'A lamp');
    const sought = { kind: 'comment', itemId: id, content: ' Is it late? ', since: Date.now() } as const;
    fake.personComments(mira, id, 'Is it late?');
    expect(await lookFor(target, as, sought, signal)).toEqual({ found: false });
    const { id: said } = await target.comment(as, id, 'Is it late?', write());
    expect(await lookFor(target, as, sought, signal)).toEqual({ found: true, remoteId: said });
    expect(await lookFor(target, as, { ...sought, since: Date.now() + 2 * 86_400_000 }, signal)).toEqual({
      found: false,
    });
  });

  test('at the end of a long thread too', async () => {
    const mira = fake.person('mira');
    const { id } = fake.personPosts(mira, 'A lamp');
    for (let i = 0; i < 205; i++) fake.personComments(mira, id, `Line ${i}`);
    await target.comment(as, id, 'Last of all.', write());
    const before = fake.requests.length;
    const sought = { kind: 'comment', itemId: id, content: 'Last of all.', since: Date.now() } as const;
    expect((await lookFor(target, as, sought, signal)).found).toBe(true);
    expect(fake.requests.length - before).toBe(3);
  });
});

describe('looking for a post', () => {
  test('by its picture, or by its words', async () => {
    const made = await target.publish(as, publicationOf(), write());
    const none = { kind: 'post', imageUrl: null, title: 'x', caption: 'y', since: Date.now() } as const;
    const found = { found: true, remoteId: made.id };
    expect(await lookFor(target, as, none, signal)).toEqual({ found: false });
    expect(await lookFor(target, as, { ...none, imageUrl: made.imageUrl }, signal)).toEqual(found);
    const { title, caption } = publicationOf();
    expect(await lookFor(target, as, { ...none, title, caption }, signal)).toEqual(found);
    expect(await lookFor(target, as, { ...none, title, caption: 'Other words.' }, signal)).toEqual({ found: false });
    const untitled = await target.publish(as, publicationOf({ title: '', caption: 'Only a caption.' }), write());
    const bare = await lookFor(target, as, { ...none, title: '', caption: 'Only a caption.' }, signal);
    expect(bare).toEqual({ found: true, remoteId: untitled.id });
    expect(await lookFor(target, { ...as, username: 'other_bot' }, { ...none, title, caption }, signal)).toEqual({
      found: false,
    });
  });
});

describe('two looks', () => {
  const sought = {
    kind: 'post',
    imageUrl: null,
    title: 'Fog over the slack tide',
    caption: publicationOf().caption,
    since: 0,
  } as const;

  test('five seconds apart, and the second finds what was on its way', async () => {
    const clock = new FakeClock();
    const looking = lookTwice(target, as, sought, { clock, signal });
    while (fake.requests.length < 2) await new Promise((resolve) => setImmediate(resolve));
    await target.publish(as, publicationOf(), write());
    const before = fake.requests.length;
    await clock.advance(4_999);
    expect(fake.requests.length).toBe(before);
    await clock.advance(1);
    expect((await looking).found).toBe(true);
  });

  test('a look that fails concludes nothing', async () => {
    fake.faults.push({ kind: '503', method: 'GET' });
    await expect(lookTwice(target, as, sought, { clock: hurriedClock(), signal })).rejects.toBeInstanceOf(TargetError);
  });

  test('one is enough when it finds something', async () => {
    await target.publish(as, publicationOf(), write());
    const clock = hurriedClock();
    expect((await lookTwice(target, as, sought, { clock, signal })).found).toBe(true);
    expect(clock.pauses).toEqual([]);
  });
});
