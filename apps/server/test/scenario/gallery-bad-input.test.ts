import { galleryLimits } from '@muster/protocol';
import { afterAll, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { testDatabase } from '#test/database';
import { galleryServer } from '#test/gallery-server';

const database = await testDatabase();
const gallery = await galleryServer(database);
const { call, must, bot, read, db } = gallery;
afterAll(async () => {
  await gallery[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const day = (speed: number, hours = 24): number[] => Array.from({ length: hours }, () => speed);
const week = (speed: number, hours = 24): number[][] => Array.from({ length: 7 }, () => day(speed, hours));
const odds = { post: 0, comment: 0, reply: 0, like: 0, browse: 0 };

test.each([
  ['1: username too short', { username: 'ab' }, 'invalid_body', '/username'],
  ['1: username too long', { username: 'a'.repeat(31) }, 'invalid_body', '/username'],
  ['1: username in upper case', { username: 'Bot_1' }, 'invalid_body', '/username'],
  ['1: username with a space', { username: 'bot one' }, 'invalid_body', '/username'],
  ['3: min above max', { minIntervalMs: 60_000, maxIntervalMs: 30_000 }, 'interval_order', '/minIntervalMs'],
  ['3: only a max, below its tier', { maxIntervalMs: 30_000 }, 'interval_order', '/maxIntervalMs'],
  ['3: only a min, above its tier', { tier: 'power', minIntervalMs: 120_000 }, 'interval_order', '/minIntervalMs'],
  ['3: min below 5 s', { minIntervalMs: 4_999 }, 'invalid_body', '/minIntervalMs'],
  ['3: no number', { minIntervalMs: null, maxIntervalMs: 'NaN' }, 'invalid_body', '/maxIntervalMs'],
  ['4: odds all 0', { odds }, 'odds_empty', '/odds'],
  ['4: negative odds', { odds: { ...odds, post: -1, like: 3 } }, 'invalid_body', '/odds/post'],
  ['4: unknown kind', { odds: { ...odds, post: 1, dance: 1 } }, 'invalid_body', '/odds/dance'],
  ['5: curve all 0', { curve: week(0) }, 'curve_empty', '/curve'],
  ['5: curve of 23 hours', { curve: week(1, 23) }, 'curve_shape', '/curve/0'],
  ['6: no such zone', { timezone: 'Mars/Base' }, 'timezone_unknown', '/timezone'],
  ['an unknown mind', { mind: 'nobody:none' }, 'mind_unknown', '/mind'],
  ['an unknown target', { targetId: 'elsewhere' }, 'no_such_target', '/targetId'],
  ['an unknown persona', { personaId: 'nobody' }, 'no_such_persona', '/personaId'],
  ['a state', { state: 'running' }, 'read_only', '/state'],
  ['isAgent switched off', { isAgent: false }, 'read_only', '/isAgent'],
  ['no disclosure', { disclosureLabel: ' ' }, 'invalid_body', '/disclosureLabel'],
  ['a recipe of nothing', { recipes: { pixel: 0 } }, 'recipes_empty', '/recipes'],
  ['a name too long', { name: 'x'.repeat(101) }, 'invalid_body', '/name'],
] as const)('%s', async (_, body, reason, pointer) => {
  const answered = await call('POST', 'bots', { body: { name: 'Bad', username: 'bad_one', ...body } });
  expect(answered.status, answered.text).toBe(400);
  expect(answered.body['reason']).toBe(reason);
  expect(answered.body['errors'].map((error: { pointer: string }) => error.pointer)).toContain(pointer);
});

test('3: a change is refused when it leaves a pair in the wrong order, whichever of the two it names', async () => {
  const { id } = await bot({ tier: 'power', maxIntervalMs: 40_000 });
  const order = async (body: object, pointer: string): Promise<void> => {
    const answered = await call('PATCH', `bots/${id}`, { body });
    expect(answered.body, answered.text).toMatchObject({ reason: 'interval_order', errors: [{ pointer }] });
  };
  await order({ maxIntervalMs: 29_000 }, '/maxIntervalMs');
  await order({ minIntervalMs: 50_000 }, '/minIntervalMs');
  await order({ tier: 'casual' }, '/tier');
  expect((await read(id)).effective).toMatchObject({ minIntervalMs: 30_000, maxIntervalMs: 40_000 });
  await must('PATCH', `bots/${id}`, { body: { minIntervalMs: 20_000 } });
  await order({ minIntervalMs: null, maxIntervalMs: 25_000 }, '/minIntervalMs');
  await must('PATCH', `bots/${id}`, { body: { tier: 'casual', maxIntervalMs: null, minIntervalMs: null } });
  // A row that came to be so otherwise is lived with, and says so in what is effective.
  await db.query(sql`update gallery_bots set traits = '{"maxIntervalMs": 30000}' where id = ${id}`);
  expect((await must('PATCH', `bots/${id}`, { body: { name: 'Still fine' } }))['effective']).toMatchObject({
    minIntervalMs: 30_000,
    maxIntervalMs: 30_000,
  });
});

test('6: nearest zones are named', async () => {
  const { text } = await call('POST', 'bots', { body: { name: 'Z', username: 'zoned', timezone: 'Europe/Lisabon' } });
  expect(text).toContain('Europe/Lisbon');
});

test('2: a username is held, also by a deleted bot, and the answer names who', async () => {
  const first = await bot({ username: 'held_name' });
  const again = { body: { name: 'Second', username: 'held_name' } };
  expect(await call('POST', 'bots', again)).toMatchObject({
    status: 409,
    body: { reason: 'username_taken', heldBy: first.id },
  });
  await call('DELETE', `bots/${first.id}`);
  const { body } = await call('POST', 'bots', again);
  expect(body).toMatchObject({ reason: 'username_taken', heldBy: first.id });
  expect(body['detail']).toContain(first.name);
});

test.each([
  ['postProbability', 'odds.post'],
  ['like_probability', 'odds.like'],
  ['activityTier', 'tier'],
  ['workflow_types', 'recipes'],
])('7: %s is named %s here', async (field, ours) => {
  const made = await bot();
  for (const answered of [
    await call('POST', 'bots', { body: { name: 'X', username: 'xyz_x', [field]: 0.5 } }),
    await call('PATCH', `bots/${made.id}`, { body: { [field]: 0.5 } }),
  ])
    expect(answered).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: `/${field}`, detail: `unknown field; did you mean ${ours}?` }] },
    });
});

test('7: a slip of the hand is named too', async () => {
  const { body } = await call('POST', 'bots', { body: { name: 'X', username: 'xyz_x', personalty: 'kind' } });
  expect(body['errors']).toEqual([{ pointer: '/personalty', detail: 'unknown field; did you mean personality?' }]);
});

test.each(['state', 'counts', 'thinkNo', 'username', 'targetId', 'seed', 'provision'])(
  '9: PATCH of %s is read_only',
  async (field) => {
    const { id } = await bot();
    expect(await call('PATCH', `bots/${id}`, { body: { [field]: 1 } })).toMatchObject({
      status: 400,
      body: { reason: 'read_only', errors: [{ pointer: `/${field}` }] },
    });
  },
);

test('8: every trait may be null, and nothing else', async () => {
  const { id } = await bot();
  expect(
    (
      await call('PATCH', `bots/${id}`, {
        body: { odds: null, curve: null, mind: null, personaId: null, budget: null },
      })
    ).status,
  ).toBe(200);
  for (const field of ['name', 'disclosureLabel'])
    expect(await call('PATCH', `bots/${id}`, { body: { [field]: null } })).toMatchObject({ status: 400 });
  expect(await call('PATCH', `bots/${id}`, { body: {} })).toMatchObject({ body: { reason: 'nothing_to_change' } });
});

test.each([0, -1, 1e9, 'many', 1.5, null])('21: a seed of %j bots is invalid', async (count) => {
  expect(await call('POST', 'seed', { body: { count } })).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '/count' }] },
  });
});

test('26: a bulk action says which bots', async () => {
  expect(await call('POST', 'bots/bulk', { body: { action: 'stop', filter: {} } })).toMatchObject({
    status: 400,
    body: { reason: 'filter_empty', errors: [{ pointer: '/filter' }] },
  });
  for (const body of [{}, { ids: ['a'], all: true }, { filter: { state: 'idle' }, all: true }])
    expect(await call('POST', 'bots/bulk', { body: { action: 'stop', ...body } })).toMatchObject({
      body: { reason: 'bulk_incomplete' },
    });
  expect(await call('POST', 'bots/bulk', { body: { action: 'stop', filter: { state: 'asleep' } } })).toMatchObject({
    status: 400,
  });
  expect(await call('POST', 'bots/bulk', { body: { action: 'explode', all: true } })).toMatchObject({ status: 400 });
});

test('what is no JSON, no object, too large', async () => {
  expect(await call('POST', 'bots', { body: '{"name":' })).toMatchObject({ status: 400 });
  expect(await call('POST', 'bots', { body: '[]' })).toMatchObject({ status: 400 });
  expect(await call('POST', 'bots', { body: JSON.stringify({ name: 'x'.repeat(2 ** 20) }) })).toMatchObject({
    status: 413,
  });
  const document = JSON.stringify([{ id: 'x'.repeat(galleryLimits.importBytesMax) }]);
  expect(await call('POST', 'personas/import', { body: document })).toMatchObject({ status: 413 });
});

test('unlimited caps are for gallery:admin', async () => {
  const token = await gallery.keyWith(['gallery:operate']);
  const { id } = await bot();
  expect(await call('PATCH', `bots/${id}`, { token, body: { budget: { acts: null } } })).toMatchObject({
    status: 403,
    body: { reason: 'missing_scope' },
  });
  expect(await must('PATCH', `bots/${id}`, { body: { budget: { acts: null } } })).toMatchObject({
    budget: { acts: null },
  });
});
