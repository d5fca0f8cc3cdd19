import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Actor, type Publication, TargetError, type TargetFault, type WriteOptions } from '#gallery/model';
import { lookFor, type TargetClient } from '#gallery/targets';
import { newId } from '#kernel/base';
import { publicationOf } from '#test/target-client';

export type TargetMishap = {
  kind:
    | '429'
    | '503'
    | 'fleetPaused'
    | 'fleetDaily'
    | 'fleetMonthly'
    | 'agentDaily'
    | 'agentMonthly'
    | 'html502'
    | 'malformedJson'
    | 'truncated'
    | 'wrongShape'
    | 'nullFields'
    | 'reset'
    | 'dropAfterCommit';
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** A path of the contract; `*` stands for one step, or for the rest at the end. */
  path?: string;
  times?: number;
};

export type GalleryTargetHarness = {
  /** Its clock makes no pauses between tries, and its breaker is its own. */
  target: TargetClient;
  /** A picture the gallery takes. */
  image(): Promise<Publication['image']>;
  /** Posts as a person, not a bot; answers the item's id. */
  personPosts(title: string): Promise<string>;
  /** In place of those before. */
  faults(mishaps: readonly TargetMishap[]): Promise<void>;
  close(): Promise<void>;
};

const signal = new AbortController().signal;
const write = (more: Partial<WriteOptions> = {}): WriteOptions => ({
  key: newId('activity'),
  signal,
  may: () => true,
  ...more,
});
const faultOf = async (work: Promise<unknown>): Promise<TargetFault | undefined> => {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof TargetError) return error.fault;
    throw error;
  }
};

/** What every gallery bots may live on promises, as its client tells it (gallery.md §7). `make` is called once. */
export function galleryTargetContract(name: string, make: () => Promise<GalleryTargetHarness>): void {
  describe(`gallery target: ${name}`, () => {
    let harness: GalleryTargetHarness;
    let target: TargetClient;
    let born = 0;

    beforeAll(async () => {
      harness = await make();
      target = harness.target;
    });
    afterAll(() => harness.close());
    beforeEach(() => harness.faults([]));

    async function bot(): Promise<Actor & { userId: string }> {
      const botId = newId('galleryBot');
      const username = `contract_${(born += 1)}`;
      const { userId } = await target.provision({
        botId,
        name: `Contract ${born}`,
        username,
        bio: 'automated account',
        personaId: null,
      });
      return { botId, username, userId };
    }
    const post = async (as: Actor, title = `A post of ${as.username}`) =>
      target.publish(as, publicationOf({ image: await harness.image(), title }), write());

    describe('accounts', () => {
      it('are made once, however often they are asked for', async () => {
        const botId = newId('galleryBot');
        const asked = { botId, name: 'Twice', username: 'asked_twice', bio: 'automated account', personaId: null };
        const first = await target.provision(asked);
        expect(await target.provision(asked)).toEqual(first);
      });

      it('are refused for a username that is taken', async () => {
        const { username } = await bot();
        const taken = target.provision({
          botId: newId('galleryBot'),
          name: 'x',
          username,
          bio: 'automated account',
          personaId: null,
        });
        expect(await faultOf(taken)).toMatchObject({ kind: 'invalid', reason: 'target_invalid' });
      });

      it('go, and going twice is as good as once', async () => {
        const gone = await bot();
        await target.deprovision(gone.botId);
        await target.deprovision(gone.botId);
        expect(await faultOf(post(gone))).toEqual({ kind: 'account', reason: 'target_forbidden' });
      });
    });

    describe('acts', () => {
      it('a post is seen in the feed, by its id and at its author', async () => {
        const author = await bot();
        const made = await post(author, 'Seen everywhere');
        expect(made).toMatchObject({ title: 'Seen everywhere', likeCount: 0, commentCount: 0, isLiked: false });
        expect(made.author?.username).toBe(author.username);
        expect(made.description).toContain('leans as if');
        expect(Math.abs(made.createdAt - Date.now())).toBeLessThan(60_000);
        const feed = await target.feed('recent', { limit: 20 }, signal);
        expect(feed.map(({ id }) => id)).toContain(made.id);
        expect(await target.item(made.id, null, signal)).toMatchObject({ id: made.id, title: 'Seen everywhere' });
        expect((await target.itemsOf(author.username, signal)).map(({ id }) => id)).toEqual([made.id]);
        expect(await target.itemsOf('nobody_of_this_name', signal)).toEqual([]);
      });

      it('comments stand in the thread, oldest first, in any script', async () => {
        const [author, other] = [await bot(), await bot()];
        const { id } = await post(author);
        const texts = [
          'The tide left early.',
          '霧が左の浮標を隠す。',
          'مدّ هادئ، ولون أزرق',
          'Ça a l’air calme — même ici.',
        ];
        for (const text of texts) await target.comment(other, id, text, write());
        const thread = await target.thread(id, { limit: 100 }, signal);
        expect(thread?.map(({ content }) => content)).toEqual(texts);
        expect(thread?.[0]?.author?.username).toBe(other.username);
        expect((await target.thread(id, { limit: 2, offset: 2 }, signal))?.length).toBe(2);
        expect((await target.item(id, null, signal))?.commentCount).toBe(4);
      });

      it('a like stays one, however often it is asked for, and goes', async () => {
        const [author, fan, other] = [await bot(), await bot(), await bot()];
        const { id } = await post(author);
        for (let i = 0; i < 3; i++) expect(await target.ensureLiked(fan, id, write())).toEqual({ corrected: false });
        expect(await target.item(id, fan, signal)).toMatchObject({ isLiked: true, likeCount: 1 });
        expect(await target.item(id, other, signal)).toMatchObject({ isLiked: false, likeCount: 1 });
        await target.unlike(fan, id, write());
        await target.unlike(fan, id, write());
        expect(await target.item(id, fan, signal)).toMatchObject({ isLiked: false, likeCount: 0 });
      });

      it('people and bots are told apart by what they did', async () => {
        const id = await harness.personPosts('By hand');
        const fan = await bot();
        await target.ensureLiked(fan, id, write());
        expect(await target.item(id, fan, signal)).toMatchObject({ title: 'By hand', isLiked: true });
      });

      it('nothing is done to what is not there', async () => {
        const fan = await bot();
        expect(await target.item('no-such-item', fan, signal)).toBeUndefined();
        expect(await target.thread('no-such-item', { limit: 10 }, signal)).toBeUndefined();
        const gone = { kind: 'gone', reason: 'item_gone' };
        expect(await faultOf(target.comment(fan, 'no-such-item', 'hello', write()))).toEqual(gone);
        expect(await faultOf(target.ensureLiked(fan, 'no-such-item', write()))).toEqual(gone);
        expect(await faultOf(target.unlike(fan, 'no-such-item', write()))).toEqual(gone);
      });

      it('what is too long is refused with its words, and not tried again', async () => {
        const [author, other] = [await bot(), await bot()];
        const { id } = await post(author);
        const fault = await faultOf(target.comment(other, id, 'x'.repeat(1_001), write()));
        expect(fault).toMatchObject({ kind: 'invalid', reason: 'target_invalid' });
        expect(fault?.kind === 'invalid' && fault.body.length).toBeGreaterThan(2);
      });

      it('a title of any length is cut to what the gallery takes', async () => {
        const author = await bot();
        const made = await post(author, `${'a word and '.repeat(40)}end`);
        expect(Array.from(made.title).length).toBeLessThanOrEqual(200);
        expect(made.title.endsWith('a word') || made.title.endsWith('and') || made.title.endsWith('a')).toBe(true);
      });

      it('pages go on where the last one ended', async () => {
        const author = await bot();
        for (let i = 0; i < 5; i++) await post(author, `Page ${i}`);
        const first = await target.feed('recent', { limit: 3 }, signal);
        const second = await target.feed('recent', { limit: 3, offset: 3 }, signal);
        expect(first).toHaveLength(3);
        expect(new Set([...first, ...second].map(({ id }) => id)).size).toBe(first.length + second.length);
        for (const sort of ['popular', 'trending'] as const)
          expect((await target.feed(sort, { limit: 2 }, signal)).length).toBe(2);
      });

      it('the last look says no: nothing is done', async () => {
        const [author, other] = [await bot(), await bot()];
        const { id } = await post(author);
        const no = { may: () => false };
        expect(await faultOf(target.comment(other, id, 'never said', write(no)))).toEqual({ kind: 'dropped' });
        expect(await faultOf(target.ensureLiked(other, id, write(no)))).toEqual({ kind: 'dropped' });
        const image = await harness.image();
        expect(await faultOf(target.publish(other, publicationOf({ image }), write(no)))).toEqual({ kind: 'dropped' });
        expect(await target.item(id, other, signal)).toMatchObject({ likeCount: 0, commentCount: 0 });
        expect(await target.itemsOf(other.username, signal)).toEqual([]);
      });

      it('a think that was given up sends nothing', async () => {
        const [author, other] = [await bot(), await bot()];
        const { id } = await post(author);
        const given = { signal: AbortSignal.abort() };
        expect(await faultOf(target.comment(other, id, 'never said', write(given)))).toEqual({ kind: 'dropped' });
        expect((await target.item(id, null, signal))?.commentCount).toBe(0);
      });

      it('the same key is one act, where the gallery keeps keys', async () => {
        if (!target.capabilities.idempotency) return;
        const [author, other] = [await bot(), await bot()];
        const image = await harness.image();
        const key = newId('activity');
        const first = await target.publish(author, publicationOf({ image }), write({ key }));
        expect((await target.publish(author, publicationOf({ image }), write({ key }))).id).toBe(first.id);
        const said = newId('activity');
        const comment = await target.comment(other, first.id, 'Once.', write({ key: said }));
        expect((await target.comment(other, first.id, 'Once.', write({ key: said }))).id).toBe(comment.id);
        expect((await target.item(first.id, null, signal))?.commentCount).toBe(1);
      });

      it('a pipeline makes a picture that may be posted', async () => {
        if (!target.capabilities.execute) return;
        const author = await bot();
        const steps = [
          { kind: 'generate', generator: 'scene', params: { prompt: 'fog over a bay' }, out: 'first' },
          { kind: 'save', in: 'first', destination: 'gallery' },
        ];
        const { imageUrl, imageId } = await target.execute(author, { name: 'fog', steps }, write());
        if (imageId !== null) expect((await target.imageBytes(imageId, signal)).byteLength).toBeGreaterThan(0);
        const image = { ...(await harness.image()), onTarget: imageUrl };
        const made = await target.publish(author, { ...publicationOf(), image }, write());
        expect(await target.item(made.id, null, signal)).toBeDefined();
      });
    });

    describe('limits', () => {
      const sleeps = [
        ['fleetDaily', 'target', 'target_fleet_daily_budget'],
        ['fleetMonthly', 'target', 'target_fleet_monthly_budget'],
        ['agentDaily', 'bot', 'target_agent_daily_limit'],
        ['agentMonthly', 'bot', 'target_agent_monthly_limit'],
      ] as const;
      it.each(sleeps)('%s puts the %s to sleep, from every kind of call', async (kind, scope, reason) => {
        const [author, other] = [await bot(), await bot()];
        const { id } = await post(author);
        const image = await harness.image();
        await harness.faults([{ kind }]);
        const calls = [
          () => target.feed('recent', { limit: 5 }, signal),
          () => target.item(id, other, signal),
          () => target.thread(id, { limit: 5 }, signal),
          () => target.itemsOf(author.username, signal),
          () => target.publish(other, publicationOf({ image }), write()),
          () => target.comment(other, id, 'hello', write()),
          () => target.ensureLiked(other, id, write()),
          () => target.unlike(other, id, write()),
        ];
        for (const call of calls) {
          const fault = await faultOf(call());
          expect(fault).toMatchObject({ kind: 'sleep', scope, reason });
          const aheadMs = fault?.kind === 'sleep' ? fault.wakeAt - Date.now() : 0;
          expect(aheadMs).toBeGreaterThan(0);
          expect(aheadMs).toBeLessThanOrEqual(86_400_000);
        }
      });

      it('FLEET_PAUSED holds, from a like too, and reads that are let through go on', async () => {
        const [author, fan] = [await bot(), await bot()];
        const { id } = await post(author);
        await harness.faults([
          { kind: 'fleetPaused', method: 'POST' },
          { kind: 'fleetPaused', method: 'PUT' },
        ]);
        const held = { kind: 'held', reason: 'target_fleet_paused' };
        expect(await faultOf(target.ensureLiked(fan, id, write()))).toEqual(held);
        expect(await faultOf(target.comment(fan, id, 'hello', write()))).toEqual(held);
        expect(await target.item(id, fan, signal)).toMatchObject({ isLiked: false, commentCount: 0 });
      });
    });

    describe('mishaps', () => {
      it.each(['429', '503', 'html502', 'reset', 'malformedJson', 'truncated'] as const)(
        'a read survives %s twice, and a third target that stays so is unavailable',
        async (kind) => {
          await post(await bot());
          await harness.faults([{ kind, method: 'GET', times: 2 }]);
          expect((await target.feed('recent', { limit: 5 }, signal)).length).toBeGreaterThan(0);
          await harness.faults([{ kind, method: 'GET' }]);
          const fault = await faultOf(target.feed('recent', { limit: 5 }, signal));
          expect(fault?.kind).toBe('unavailable');
          await harness.faults([]);
          target.breaker.calm();
        },
      );

      it('null counters and missing people are read', async () => {
        await post(await bot(), 'With holes');
        await harness.faults([{ kind: 'nullFields', method: 'GET', path: '/api/showcase' }]);
        const [item] = await target.feed('recent', { limit: 1 }, signal);
        expect(item).toMatchObject({ likeCount: 0, commentCount: 0, viewCount: 0, author: null });
      });

      it('another contract is said to be one, and the breaker opens', async () => {
        await harness.faults([{ kind: 'wrongShape', method: 'GET', path: '/api/showcase' }]);
        const fault = await faultOf(target.feed('recent', { limit: 5 }, signal));
        expect(fault).toMatchObject({ kind: 'contract', reason: 'target_contract' });
        expect(fault?.kind === 'contract' && fault.detail).toContain('posts');
        expect(target.breaker.view()).toMatchObject({ state: 'open', reason: 'target_contract' });
        target.breaker.calm();
      });

      it.each(['reset', 'dropAfterCommit', 'truncated', 'malformedJson', 'wrongShape', 'html502'] as const)(
        'a write whose answer is lost to %s is unknown, and a look tells what became of it',
        async (kind) => {
          const [author, other] = [await bot(), await bot()];
          const since = Date.now();
          const { id } = await post(author, 'To be spoken of');
          const image = await harness.image();
          const done = kind !== 'reset' && kind !== 'html502';
          const title = `Lost to ${kind}`;
          await harness.faults([{ kind, method: 'POST', path: '/api/showcase' }]);
          const { caption } = publicationOf();
          expect((await faultOf(target.publish(other, publicationOf({ image, title }), write())))?.kind).toBe(
            'unknown',
          );
          await harness.faults([]);
          const sought = { kind: 'post', imageUrl: null, title, caption, since } as const;
          expect((await lookFor(target, other, sought, signal)).found).toBe(done);
          await harness.faults([{ kind, method: 'POST', path: '/api/showcase/*/comments' }]);
          expect((await faultOf(target.comment(other, id, title, write())))?.kind).toBe('unknown');
          await harness.faults([]);
          const said = { kind: 'comment', itemId: id, content: title, since } as const;
          expect((await lookFor(target, other, said, signal)).found).toBe(done);
          await harness.faults([
            { kind, method: 'POST', path: '/api/showcase/*/like' },
            { kind, method: 'PUT', path: '/api/showcase/*/like' },
          ]);
          expect((await faultOf(target.ensureLiked(other, id, write())))?.kind).toBe('unknown');
          await harness.faults([]);
          expect((await lookFor(target, other, { kind: 'like', itemId: id }, signal)).found).toBe(done);
          expect((await target.itemsOf(other.username, signal)).length).toBe(done ? 1 : 0);
          expect(await target.item(id, null, signal)).toMatchObject({
            commentCount: done ? 1 : 0,
            likeCount: done ? 1 : 0,
          });
          target.breaker.calm();
        },
      );

      it('what was looked for and is gone is said to be gone', async () => {
        const other = await bot();
        const sought = { kind: 'comment', itemId: 'no-such-item', content: 'x', since: 0 } as const;
        expect(await lookFor(target, other, sought, signal)).toEqual({ found: 'gone' });
        expect(await lookFor(target, other, { kind: 'like', itemId: 'no-such-item' }, signal)).toEqual({
          found: 'gone',
        });
      });
    });

    it('a check finds all well, and what is wrong with a remedy', async () => {
      const found = await target.check(signal);
      expect(found.findings.filter(({ ok }) => !ok)).toEqual([]);
      expect(found.findings.map(({ what }) => what)).toEqual([
        'reachability',
        'token',
        'feed',
        'clock',
        'capabilities',
      ]);
      await harness.faults([{ kind: 'wrongShape', method: 'GET' }]);
      const bad = (await target.check(signal)).findings.filter(({ ok }) => !ok);
      expect(bad).toHaveLength(1);
      expect(bad[0]?.remedy).toContain('gallery-v0');
      target.breaker.calm();
    });
  });
}
