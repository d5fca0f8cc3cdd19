/* Accounts of bots on their target, by jobs: made once, put off, refused, removed, purged. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultProjectId } from '#kernel/auth';
import { sql } from '#kernel/db';
import { testDatabase } from '#test/database';
import { type FakeFloImg, fakeFloImg } from '#test/fake-floimg';
import { type TargetsRoom, targetsRoom } from '#test/targets-room';
import { until } from '#test/until';
import { agentUuid } from './agent-uuid.ts';

const database = await testDatabase();
const { db } = database;
const projectId = defaultProjectId;
let fake: FakeFloImg;
let room: TargetsRoom;
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  await database.wipe();
  fake = await fakeFloImg();
  const config = { floimgUrl: fake.url, floimgToken: fake.token, ackHost: new URL(fake.url).host };
  room = await targetsRoom(db, { config });
  await db.transaction((tx) => room.targets.ensureTargets(tx, projectId));
});
afterEach(async () => {
  await room[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

const ask = (botIds: readonly string[], again = false) =>
  db.transaction((tx) => room.targets.askProvisioning(tx, { projectId, botIds, again }));
const remove = (botIds: readonly string[], purge: boolean) =>
  db.transaction((tx) => room.targets.askRemoval(tx, { projectId, botIds, purge }));
const becomes = (botId: string, provision: string) =>
  until(async () => (await room.row(botId))?.['provision'] === provision);

describe('making', () => {
  test('one account for a bot, as an agent; a bot that waited for it begins', async () => {
    const waiting = await room.bot({ username: 'waiting', desired: 'running' });
    const idle = await room.bot({ username: 'resting' });
    expect(await ask([waiting, idle])).toBe(2);
    expect(await ask([waiting, idle])).toBe(2);
    await becomes(waiting, 'done');
    await becomes(idle, 'done');
    expect(await room.row(waiting)).toMatchObject({ state: 'running', reason: null, generation: 1 });
    expect(await room.row(idle)).toMatchObject({ state: 'idle', generation: 0 });
    expect(new Set(fake.accounts.map(({ agentId }) => agentId))).toEqual(new Set([waiting, idle].map(agentUuid)));
    expect(fake.accounts.every(({ isAgent }) => isAgent)).toBe(true);
    expect((await room.row(waiting))?.['userId']).toBe(
      fake.accounts.find(({ username }) => username === 'waiting')?.id,
    );
    expect(room.told.map(({ type }) => type)).toEqual(['provisioned', 'provisioned']);
    expect(room.changed.toSorted()).toEqual([waiting, idle].toSorted());
    expect(await ask([waiting])).toBe(0);
    // A job that comes late finds it done.
    await db.transaction((tx) => room.queue.enqueue(tx, { kind: 'gallery.provision', payload: { botId: waiting } }));
    await until(async () => (await room.queue.depth()).every(({ ready, running }) => ready + running === 0));
    expect(fake.requests.filter(({ path }) => path.endsWith('/invite'))).toHaveLength(2);
  });

  test('again, after the target forgot it: the same account id is asked for', async () => {
    const bot = await room.bot({ username: 'forgotten', desired: 'running', state: 'running', provision: 'done' });
    expect(await ask([bot], true)).toBe(1);
    await becomes(bot, 'done');
    expect(fake.accounts[0]?.agentId).toBe(agentUuid(bot));
    expect(await room.row(bot)).toMatchObject({ state: 'running', generation: 0 });
  });

  test('a username somebody has there: failed, said, and a bot that was to run needs a person', async () => {
    fake.person('taken_name');
    const bot = await room.bot({ username: 'taken_name', desired: 'running' });
    await ask([bot]);
    await becomes(bot, 'failed');
    expect(await room.row(bot)).toMatchObject({
      state: 'error',
      reason: 'target_invalid',
      detail: expect.stringContaining('is taken'),
    });
    expect(room.told).toMatchObject([{ type: 'error', botId: bot, reason: 'target_invalid' }]);
    fake.accounts.length = 0;
    expect(await ask([bot])).toBe(1);
    await becomes(bot, 'done');
  });

  test('a target that is down: the row stays pending and says why', async () => {
    fake.faults.push({ kind: 'html502' });
    const bot = await room.bot({ username: 'patient', desired: 'running' });
    await ask([bot]);
    await until(async () => (await room.row(bot))?.['detail'] !== null);
    expect(await room.row(bot)).toMatchObject({
      provision: 'pending',
      state: 'idle',
      detail: expect.stringContaining('target_unreachable'),
    });
  });

  test('a bad token: one alert for the target, however many bots wait', async () => {
    fake.faults.push({ kind: '401' });
    const bots = await Promise.all(Array.from({ length: 12 }, () => room.bot({ desired: 'running' })));
    await ask(bots);
    await until(async () =>
      (await Promise.all(bots.map((id) => room.row(id)))).every((row) => row?.['detail'] !== null),
    );
    expect(room.gates).toEqual([{ targetId: 'floimg', state: 'held', by: 'system', reason: 'target_unauthorized' }]);
    expect(fake.requests.length).toBeLessThanOrEqual(5);
    expect(await room.row(bots[0] ?? '')).toMatchObject({ provision: 'pending', state: 'idle' });
    fake.faults.length = 0;
    await room.ask('/floimg/open', { json: {} });
    for (const id of bots) await becomes(id, 'done');
  });

  test('a gallery nobody answers for gets no accounts until somebody does', async () => {
    await db.transaction((tx) =>
      tx.query(sql`update gallery_targets set acknowledgement = null, version = version + 1`),
    );
    room.targets.forget(projectId, 'floimg');
    const bot = await room.bot({ username: 'early', desired: 'running' });
    await ask([bot]);
    await until(async () => (await room.row(bot))?.['detail'] === 'target_not_acknowledged');
    expect(fake.requests).toEqual([]);
    const statements = { iOperateOrHaveConsent: true, usersCanSeeAutomation: true, numbersKeepBotsApart: true };
    const done = await room.ask('/floimg/acknowledge', { json: { host: new URL(fake.url).host, ...statements } });
    expect(done.status, done.text).toBe(200);
    await becomes(bot, 'done');
  });

  test('a bot that is purged while its account is made leaves none behind', async () => {
    const bot = await room.bot({ username: 'too_late' });
    fake.before = async ({ path }) => {
      if (path !== '/api/admin/users/invite') return;
      fake.before = () => undefined;
      await db.transaction((tx) => tx.query(sql`update gallery_bots set state = 'deleted' where id = ${bot}`));
      await remove([bot], true);
      await until(async () => (await room.row(bot)) === undefined);
    };
    await ask([bot]);
    await until(() => fake.requests.filter(({ method }) => method === 'DELETE').length === 2);
    await until(() => fake.accounts.length === 0);
  });

  test('a bot that was deleted meanwhile needs none', async () => {
    const bot = await room.bot({ username: 'gone', state: 'deleted', desired: 'deleted', provision: 'pending' });
    await db.transaction((tx) => room.queue.enqueue(tx, { kind: 'gallery.provision', payload: { botId: bot } }));
    await becomes(bot, 'none');
    expect(fake.requests).toEqual([]);
  });
});

describe('removing', () => {
  const deleted = (username: string) => room.bot({ username, state: 'deleted', desired: 'deleted', provision: 'done' });
  const remembers = (bot: string) =>
    db.transaction(async (tx) => {
      await tx.query(sql`
        insert into gallery_memories (id, bot_id, kind, text, importance, at, used_at) values (${bot}, ${bot}, 'saw', 'x', 1, now(), now())`);
      await tx.query(sql`
        insert into gallery_relations (bot_id, person, is_bot, last_at) values (${bot}, 'ada', false, now())`);
    });
  const left = async (bot: string) => {
    const [row] = await db.query<{ n: number }>(sql`
      select (select count(*) from gallery_memories where bot_id = ${bot}) + (select count(*) from gallery_relations where bot_id = ${bot})
        + (select count(*) from gallery_bots where id = ${bot}) as n`);
    return Number(row?.n);
  };

  test('the account goes and the row stays', async () => {
    const bot = await room.bot({ username: 'leaving' });
    await ask([bot]);
    await becomes(bot, 'done');
    await db.transaction((tx) =>
      tx.query(sql`update gallery_bots set state = 'deleted', desired = 'deleted' where id = ${bot}`),
    );
    expect(await remove([bot], false)).toBe(1);
    await becomes(bot, 'removed');
    expect(fake.accounts).toEqual([]);
    expect(room.told.at(-1)).toMatchObject({ type: 'removed', botId: bot });
  });

  test('purged: account, row, memory; the username is free', async () => {
    const bot = await deleted('purged');
    await remembers(bot);
    await remove([bot], true);
    await until(async () => (await left(bot)) === 0);
    // It was not there (404), which is as good as removed.
    expect(fake.requests).toMatchObject([{ method: 'DELETE', status: 404 }]);
    expect(room.emitted.filter(({ type }) => type.startsWith('gallery.bot.'))).toEqual([
      { projectId, type: 'gallery.bot.purged', targetId: 'floimg', botId: bot },
    ]);
    await room.bot({ username: 'purged' });
  });

  test('a target that is down keeps the row, with the reason, until it is back', async () => {
    const bot = await deleted('stuck');
    fake.faults.push({ kind: '503' });
    await remove([bot], true);
    await until(async () => (await room.row(bot))?.['detail'] !== null);
    expect(await room.row(bot)).toMatchObject({
      provision: 'removing',
      detail: expect.stringContaining('target_unreachable'),
    });
    fake.faults.length = 0;
    await until(async () => {
      // Its job may still be writing down when it comes again.
      await db.transaction((tx) => tx.query(sql`update jobs set run_at = now() where kind = 'gallery.deprovision'`));
      return (await left(bot)) === 0;
    });
  });

  test('one that never had an account goes without a word to the target', async () => {
    const bot = await room.bot({ username: 'never', state: 'deleted', desired: 'deleted' });
    await remove([bot], true);
    await until(async () => (await left(bot)) === 0);
    expect(fake.requests).toEqual([]);
  });

  test('a bot that is not deleted is not removed', async () => {
    const bot = await room.bot({ username: 'alive', provision: 'done' });
    expect(await remove([bot], true)).toBe(0);
    expect(await left(bot)).toBe(1);
  });

  test('removed first and purged later', async () => {
    const bot = await deleted('twice');
    await remove([bot], false);
    await becomes(bot, 'removed');
    await remove([bot], true);
    await until(async () => (await left(bot)) === 0);
    expect(fake.requests).toHaveLength(1);
  });
});
