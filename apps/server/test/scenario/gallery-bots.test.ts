import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { arm } from '#kernel/base';
import { sql } from '#kernel/db';
import { testDatabase } from '#test/database';
import { galleryServer } from '#test/gallery-server';
import { until } from '#test/until';

const database = await testDatabase();
const gallery = await galleryServer(database);
const { call, must, bot, read, db } = gallery;
afterAll(async () => {
  await gallery[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const provisioned = (id: string): Promise<void> =>
  until(async () => (await read(id)).provision.state === 'done', { withinMs: 20_000 });
/** Asleep all week but for one hour that is far away, so that no think comes between. */
const quiet = {
  curve: Array.from({ length: 7 }, () =>
    Array.from({ length: 24 }, (_, hour) => (hour === (new Date().getUTCHours() + 12) % 24 ? 1 : 0)),
  ),
};
const ready = async (body: object = {}): Promise<string> => {
  const { id } = await bot({ ...quiet, ...body });
  await provisioned(id);
  return id;
};
const tell = (id: string, command: string): ReturnType<typeof call> =>
  call('POST', `bots/${id}/${command}`, { body: {} });
const rowOf = async (id: string): Promise<Record<string, unknown>> => {
  const [row] = await db.query<Record<string, unknown>>(sql`select * from gallery_bots where id = ${id}`);
  return row ?? {};
};

test('create, get: inherited traits are null, effective says them, mix is per cent', async () => {
  const made = await bot({ name: 'Ines', username: 'ines_m', personaId: 'harbor_log', tier: 'casual' });
  expect(made).toMatchObject({
    name: 'Ines',
    username: 'ines_m',
    targetId: 'sandbox',
    isAgent: true,
    disclosureLabel: 'automated account',
    tier: 'casual',
    odds: null,
    desired: 'stopped',
    state: 'idle',
    waiting: null,
    version: 1,
  });
  expect(made.effective).toMatchObject({
    tier: 'casual',
    minIntervalMs: 300_000,
    maxIntervalMs: 900_000,
    timezone: 'Europe/Lisbon',
    mix: { post: 25, comment: 20, reply: 10, like: 30, browse: 15 },
  });
  expect(await read(made.id)).toMatchObject({ id: made.id, effective: { decide: 'odds', mind: 'improv' } });
  await provisioned(made.id);
  const [audited] = await db.query<{ actor: string }>(
    sql`select actor from audit where subject = ${made.id} and action = 'gallery.bot.create'`,
  );
  expect(audited?.actor).toMatch(/^key:/);
});

test('a repeat with the same idempotency key is the same bot', async () => {
  const body = { name: 'Once', username: 'once_only' };
  const headers = { 'idempotency-key': 'bot-once' };
  const first = await must('POST', 'bots', { body, headers });
  expect(await must('POST', 'bots', { body, headers })).toEqual(first);
  expect(await call('POST', 'bots', { body: { ...body, name: 'Else' }, headers })).toMatchObject({ status: 409 });
});

describe('change', () => {
  test('case 8, 10: null clears to inherited, null on the name is refused, a stale If-Match conflicts', async () => {
    const { id } = await bot({ personaId: 'moss_sprites', vibe: 'brisk', tier: 'casual' });
    await provisioned(id);
    const { version } = await read(id);
    const changed = await must('PATCH', `bots/${id}`, { body: { vibe: null, tier: 'power', budget: { posts: 3 } } });
    expect(changed).toMatchObject({ vibe: null, tier: 'power', budget: { posts: 3 }, version: version + 1 });
    expect(changed['effective'].vibe).not.toBe('brisk');
    expect(await call('PATCH', `bots/${id}`, { body: { name: null } })).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/name' }] },
    });
    expect(
      await call('PATCH', `bots/${id}`, { body: { name: 'B' }, headers: { 'if-match': `"${version}"` } }),
    ).toMatchObject({
      status: 409,
      body: { reason: 'version_conflict', version: version + 1 },
    });
    expect(
      await must('PATCH', `bots/${id}`, { body: { name: 'B' }, headers: { 'if-match': `"${version + 1}"` } }),
    ).toMatchObject({
      name: 'B',
      version: version + 2,
    });
  });

  test('another tier sets the timer of a running bot anew', async () => {
    const id = await ready();
    await tell(id, 'start');
    await until(async () => (await rowOf(id))['next_think_at'] !== null);
    const before = await rowOf(id);
    await must('PATCH', `bots/${id}`, { body: { tier: 'power' } });
    await until(async () => (await rowOf(id))['next_think_at'] !== null);
    expect((await rowOf(id))['generation']).not.toBe(before['generation']);
  });
});

describe('states', () => {
  test('case 11, 12: start twice is the same; ten at once make one change; start on paused resumes', async () => {
    const id = await ready();
    expect((await tell(id, 'start')).body).toMatchObject({ same: false, confirmed: true, bot: { state: 'running' } });
    expect((await tell(id, 'start')).body).toMatchObject({ same: true, bot: { state: 'running' } });
    const { generation } = await rowOf(id);
    const all = await Promise.all(
      Array.from({ length: 10 }, () => must('POST', 'bots/bulk', { body: { action: 'start', ids: [id] } })),
    );
    expect(all.map((task) => task['changed'])).toEqual(Array.from({ length: 10 }, () => 0));
    expect((await rowOf(id))['generation']).toBe(generation);
    expect((await tell(id, 'pause')).body).toMatchObject({
      confirmed: true,
      inFlight: 0,
      bot: { state: 'paused', desired: 'paused' },
    });
    expect((await tell(id, 'start')).body).toMatchObject({ bot: { state: 'running', desired: 'running' } });
  });

  test('case 13: what may not be is refused with its reason', async () => {
    const id = await ready();
    for (const [command, reason] of [
      ['pause', 'not_running'],
      ['resume', 'not_paused'],
      ['wake', 'not_running'],
      ['restore', 'not_deleted'],
      ['purge', 'not_deleted'],
    ] as const)
      expect(await tell(id, command), command).toMatchObject({ status: 409, body: { reason, state: 'idle' } });
    await tell(id, 'start');
    await tell(id, 'pause');
    expect(await tell(id, 'wake')).toMatchObject({ status: 409, body: { reason: 'is_paused' } });
    expect(await call('DELETE', `bots/${id}`)).toMatchObject({ status: 200, body: { bot: { state: 'deleted' } } });
    for (const command of ['start', 'pause', 'resume', 'stop', 'wake'])
      expect(await tell(id, command), command).toMatchObject({ status: 409, body: { reason: 'is_deleted' } });
    expect(await call('PATCH', `bots/${id}`, { body: { name: 'x' } })).toMatchObject({
      body: { reason: 'is_deleted' },
    });
  });

  test('a start before the account is there waits for it, and says so', async () => {
    const { id } = await bot(quiet);
    const { body } = await tell(id, 'start');
    if (body['bot'].state === 'idle')
      expect(body['bot'].waiting).toMatchObject({ reason: 'provisioning', attribution: 'system' });
    await until(async () => (await read(id)).state === 'running', { withinMs: 20_000 });
  });

  test('case 15: resume with the sleep still ahead is sleeping; wake ends it', async () => {
    const id = await ready();
    await tell(id, 'start');
    await db.query(sql`
      update gallery_bots set state = 'sleeping', sleep_until = now() + interval '1 hour', reason = 'bot_budget' where id = ${id}`);
    expect((await tell(id, 'pause')).body['bot']).toMatchObject({ state: 'paused' });
    const resumed = (await tell(id, 'resume')).body['bot'];
    expect(resumed).toMatchObject({ state: 'sleeping', waiting: { reason: 'bot_budget', attribution: 'user' } });
    expect(resumed.sleepUntil).not.toBeNull();
    expect((await tell(id, 'wake')).body['bot']).toMatchObject({ state: 'running', sleepUntil: null });
  });

  test('an error ends with a start: failures are forgotten', async () => {
    const id = await ready();
    await tell(id, 'start');
    await db.query(
      sql`update gallery_bots set state = 'error', failures = 20, reason = 'target_forbidden' where id = ${id}`,
    );
    expect(await read(id)).toMatchObject({ state: 'error', waiting: { reason: 'target_forbidden' } });
    expect((await tell(id, 'start')).body['bot']).toMatchObject({ state: 'running', failures: 0, lastError: null });
  });

  test('case 18: delete, restore, purge; after that there is no such bot and the username is free', async () => {
    const { id, username } = await bot(quiet);
    await provisioned(id);
    await call('DELETE', `bots/${id}`);
    expect((await tell(id, 'restore')).body).toMatchObject({
      bot: { state: 'idle', desired: 'stopped', deletedAt: null },
    });
    await call('DELETE', `bots/${id}`);
    expect(await call('POST', 'bots', { body: { name: 'Other', username } })).toMatchObject({
      status: 409,
      body: { reason: 'username_taken', heldBy: id },
    });
    expect([200, 202]).toContain((await tell(id, 'purge')).status);
    await until(async () => (await call('GET', `bots/${id}`)).status === 404, { withinMs: 20_000 });
    expect(await tell(id, 'restore')).toMatchObject({ status: 404, body: { reason: 'no_such_gallery_bot' } });
    expect((await call('POST', 'bots', { body: { name: 'Other', username } })).status).toBe(201);
  });

  test('the gate of the fleet shows on running bots, in lists too', async () => {
    const id = await ready();
    await tell(id, 'start');
    await must('POST', 'fleet/panic', { body: { reason: 'a test' } });
    expect(await read(id)).toMatchObject({ state: 'paused', desired: 'running', waiting: { reason: 'panic' } });
    const listed = async (query: string): Promise<string[]> =>
      (await must('GET', `bots?limit=200&${query}`))['items'].map((item: { id: string }) => item.id);
    expect(await listed('state=paused')).toContain(id);
    expect(await listed('state=running')).not.toContain(id);
    expect(await listed('reason=panic')).toContain(id);
    expect(await must('GET', 'fleet')).toMatchObject({ gate: { state: 'held' }, panic: { reason: 'a test' } });
    await must('POST', 'fleet/release', { body: { reason: 'over', state: 'asBefore' } });
    expect(await read(id)).toMatchObject({ state: 'running' });
    await must('POST', 'fleet/panic', { body: { reason: 'again' } });
    await must('POST', 'fleet/release', { body: { reason: 'carefully' } });
    expect(await read(id)).toMatchObject({ state: 'paused', desired: 'paused' });
  });
});

describe('while it thinks', () => {
  // Points are reached by whoever thinks: only the bot of the test does.
  beforeEach(() => must('POST', 'bots/bulk', { body: { action: 'stop', all: true } }));
  const always = { curve: Array.from({ length: 7 }, () => Array.from({ length: 24 }, () => 1)) };
  const posting = { ...always, personaId: 'harbor_log', odds: { post: 1, comment: 0, reply: 0, like: 0, browse: 0 } };
  /** Stands still at a point of the next think until it is let go. */
  function holdAt(point: string): { reached: Promise<void>; go: () => void } & Disposable {
    const reached = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const armed = arm(point, () => {
      reached.resolve();
      return go.promise;
    });
    return { reached: reached.promise, go: () => go.resolve(), [Symbol.dispose]: () => armed[Symbol.dispose]() };
  }

  test('case 14: a pause between open and act drops the act, nothing is sent', async () => {
    const id = await ready(posting);
    using held = holdAt('gallery.open');
    await tell(id, 'start');
    await tell(id, 'wake');
    await held.reached;
    // After the answer no act begins, also not the one that is written down already.
    expect((await tell(id, 'pause')).body).toMatchObject({ confirmed: true, bot: { state: 'paused' } });
    held.go();
    const actions = async (): Promise<{ state: string }[]> => (await must('GET', `bots/${id}/actions`))['items'];
    await until(async () => (await actions())[0]?.state === 'dropped', { withinMs: 20_000 });
    expect(await read(id)).toMatchObject({ state: 'paused', counts: { posts: 0 } });
  });

  test('case 17: a delete while it acts: the act is closed in the ledger, and none comes after it', async () => {
    const id = await ready(posting);
    using held = holdAt('gallery.commit-at-target');
    await tell(id, 'start');
    await tell(id, 'wake');
    await held.reached;
    const deleting = call('DELETE', `bots/${id}`);
    await until(async () => (await rowOf(id))['state'] === 'deleted');
    held.go();
    expect((await deleting).status).toBe(200);
    await until(async () => (await must('GET', `bots/${id}/actions`))['items'][0]?.state === 'done', {
      withinMs: 20_000,
    });
    expect(await read(id)).toMatchObject({ state: 'deleted', counts: { posts: 1 } });
    expect((await must('GET', `bots/${id}/actions`))['items']).toHaveLength(1);
  });

  test('its feed, ledger, decisions and stream say the same', async () => {
    const id = await ready(posting);
    await tell(id, 'start');
    await tell(id, 'wake');
    await until(async () => (await read(id)).counts.posts > 0, { withinMs: 30_000 });
    await tell(id, 'stop');
    const feed = (await must('GET', `bots/${id}/activity`))['items'];
    const types = feed.map((line: { type: string }) => line.type);
    expect(types).toEqual(expect.arrayContaining(['provisioned', 'started', 'woke', 'post', 'stopped']));
    expect(feed.every((line: { automated: boolean; botId: string }) => line.automated && line.botId === id)).toBe(true);
    const [action] = (await must('GET', `bots/${id}/actions`))['items'];
    expect(action).toMatchObject({ kind: 'post', state: 'done' });
    const decisions = (await must('GET', `bots/${id}/decisions`))['items'];
    expect(decisions.find((one: { thoughtId: string }) => one.thoughtId === action.thoughtId)).toMatchObject({
      kind: 'post',
      result: 'acted',
    });
    const streamed = await call('GET', `/v1/stream/gallery/bots/${id}?offset=-1`);
    const lines = JSON.parse(streamed.text) as { id: string; seq: number; botId: string }[];
    expect(new Set(lines.map((line) => line.id))).toEqual(new Set(feed.map((line: { id: string }) => line.id)));
    expect(lines.every((line) => line.botId === id)).toBe(true);
    const all = JSON.parse((await call('GET', '/v1/stream/gallery/activity?offset=-1')).text) as { id: string }[];
    expect(all.length).toBeGreaterThanOrEqual(lines.length);
    expect((await must('GET', `bots/${id}/spend`))['items'][0]).toMatchObject({ costMicros: 0 });
  });
});

test('clone: same traits, new seed and username', async () => {
  const first = await bot({ personaId: 'gig_poster', vibe: 'louder' });
  const copy = await must('POST', `bots/${first.id}/clone`, { body: {} });
  expect(copy).toMatchObject({ name: first.name, vibe: 'louder', personaId: 'gig_poster', state: 'idle' });
  expect(copy['username']).not.toBe(first.username);
  expect(copy['seed']).not.toBe(first.seed);
});

test('lists: filters, sorts both ways, pages that meet', async () => {
  for (const name of ['zeta', 'alpha', 'midway'])
    await bot({ name: `Sort ${name}`, username: `sort_${name}`, personaId: 'bench_vise' });
  const page = (query: string): Promise<{ items: { name: string; id: string }[]; nextCursor: string | null }> =>
    must('GET', `bots?persona=bench_vise&q=sort&${query}`) as never;
  expect((await page('sort=name')).items.map((item) => item.name)).toEqual(['Sort alpha', 'Sort midway', 'Sort zeta']);
  expect((await page('sort=name&order=desc')).items.map((item) => item.name)).toEqual([
    'Sort zeta',
    'Sort midway',
    'Sort alpha',
  ]);
  expect((await page('')).items.map((item) => item.name)).toEqual(['Sort midway', 'Sort alpha', 'Sort zeta']);
  for (const sort of ['createdAt', 'name', 'lastActionAt', 'nextThinkAt', 'cost']) {
    const seen: string[] = [];
    let cursor = '';
    do {
      const { items, nextCursor } = await page(`sort=${sort}&limit=1${cursor}`);
      seen.push(...items.map((item) => item.id));
      cursor = nextCursor === null ? '' : `&cursor=${nextCursor}`;
    } while (cursor !== '');
    expect(new Set(seen).size, sort).toBe(3);
    expect(seen).toHaveLength(3);
  }
  expect((await must('GET', 'bots?persona=bench_vise&tier=regular'))['items']).toHaveLength(3);
  expect((await must('GET', 'bots?persona=bench_vise&tier=power'))['items']).toEqual([]);
  expect((await must('GET', 'bots?q=sort_alpha&mind=improv'))['items']).toHaveLength(1);
  const [one] = (await page('sort=name')).items;
  await call('DELETE', `bots/${one?.id}`);
  expect((await page('')).items).toHaveLength(2);
  expect((await page('deleted=only')).items).toHaveLength(1);
  expect(await call('GET', 'bots?state=asleep')).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '?state' }] },
  });
  expect(await call('GET', 'bots?cursor=bm8')).toMatchObject({ status: 400, body: { reason: 'bad_cursor' } });
});
