import { personaSchema } from '@muster/protocol';
import { afterAll, expect, test } from 'vitest';
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

// oxlint-disable-next-line typescript/no-explicit-any -- personas are spread and bent here
type Loose = Record<string, any>;
const names = Object.keys(personaSchema.shape);
const whole = async (id: string): Promise<Loose> => {
  const shown = await must('GET', `personas/${id}`);
  return Object.fromEntries(Object.entries(shown).filter(([name]) => names.includes(name)));
};
const another = async (id: string, more: object = {}): Promise<Loose> => ({
  ...(await whole('harbor_log')),
  id,
  ...more,
});

test('the twelve are there, built in, with their mix', async () => {
  const { items } = await must('GET', 'personas?limit=100');
  expect(items).toHaveLength(12);
  expect(items.every((one: Loose) => one['builtIn'] && one['version'] >= 1)).toBe(true);
  expect(await must('GET', 'personas/harbor_log')).toMatchObject({
    timezone: 'Europe/Lisbon',
    mix: { post: 25, comment: 20, reply: 10, like: 30, browse: 15 },
    bots: 0,
  });
  expect(await call('GET', 'personas/nobody')).toMatchObject({ status: 404, body: { reason: 'no_such_persona' } });
});

test('a built-in one is cloned to be edited', async () => {
  expect(await call('PATCH', 'personas/harbor_log', { body: { vibe: 'x' } })).toMatchObject({
    status: 409,
    body: { reason: 'is_built_in' },
  });
  expect(await call('DELETE', 'personas/harbor_log')).toMatchObject({ status: 409, body: { reason: 'is_built_in' } });
  expect(await must('POST', 'personas/harbor_log/clone', { body: { id: 'my_harbor', title: 'Mine' } })).toMatchObject({
    id: 'my_harbor',
    title: 'Mine',
    builtIn: false,
    version: 1,
  });
  expect(await call('POST', 'personas/harbor_log/clone', { body: { id: 'my_harbor' } })).toMatchObject({
    body: { reason: 'persona_exists' },
  });
  const changed = await must('PATCH', 'personas/my_harbor', {
    body: { vibe: 'warmer', odds: { post: 1, comment: 1, reply: 0, like: 0, browse: 0 } },
  });
  expect(changed).toMatchObject({ version: 2, vibe: 'warmer', mix: { post: 50, comment: 50 } });
  expect(
    await call('PATCH', 'personas/my_harbor', { body: { vibe: 'x' }, headers: { 'if-match': '"1"' } }),
  ).toMatchObject({ status: 409, body: { version: 2 } });
  expect(await call('PATCH', 'personas/my_harbor', { body: { version: 9 } })).toMatchObject({
    status: 400,
    body: { reason: 'read_only' },
  });
  expect(await call('PATCH', 'personas/my_harbor', { body: { motifs: ['one'] } })).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '/motifs' }] },
  });
  expect(await call('PATCH', 'personas/my_harbor', { body: { timezone: 'Mars/Base' } })).toMatchObject({
    status: 400,
    body: { reason: 'timezone_unknown' },
  });
});

test('persona-roundtrip: what an export gives, an import takes unchanged, here and elsewhere', async () => {
  const exported = await must('GET', 'personas/export');
  expect(await must('POST', 'personas/import', { body: exported })).toMatchObject({
    created: 0,
    updated: 0,
    refused: 0,
    unchanged: exported['personas'].length,
  });
  const one = await must('GET', 'personas/export?ids=my_harbor');
  const token = await gallery.keyWith(['gallery:operate'], await gallery.project());
  expect(await must('POST', 'personas/import', { body: one, token })).toMatchObject({ created: 1 });
  expect(await must('GET', 'personas/export?ids=my_harbor', { token })).toEqual(one);
  expect(await call('GET', 'personas/export?ids=my_harbor,nobody')).toMatchObject({ status: 404 });
});

test('23: an import refuses row by row and takes the rest', async () => {
  const good = await another('good_one');
  const rows = [
    good,
    await another('good_one', { title: 'Again' }),
    await another('scripted', {
      nameParts: [Array.from({ length: 12 }, () => '<script>x</script>'), good['nameParts'][1]],
    }),
    await another('blanked', { captionFrames: Array.from({ length: 12 }, () => 'A {nothing_known} here') }),
    await another('far_zone', { timezone: 'Mars/Base' }),
    await another('no_odds', { odds: { post: 0, comment: 0, reply: 0, like: 0, browse: 0 } }),
    { id: 'tiny' },
    await another('harbor_log', { vibe: 'changed' }),
    await another('second_one'),
    7,
  ];
  const dry = await must('POST', 'personas/import?dryRun=true', { body: rows });
  expect(await call('GET', 'personas/good_one')).toMatchObject({ status: 404 });
  const done = await must('POST', 'personas/import', { body: { personas: rows } });
  expect({ ...done, dryRun: true }).toEqual(dry);
  expect(done).toMatchObject({ dryRun: false, created: 2, updated: 0, unchanged: 0, refused: 8 });
  expect(done['rows'].map((row: Loose) => [row['row'], row['outcome'], row['reason']])).toEqual([
    [0, 'created', null],
    [1, 'refused', 'duplicate_id'],
    [2, 'refused', 'markup'],
    [3, 'refused', 'unknown_blank'],
    [4, 'refused', 'timezone_unknown'],
    [5, 'refused', 'odds_empty'],
    [6, 'refused', 'persona_invalid'],
    [7, 'refused', 'is_built_in'],
    [8, 'created', null],
    [9, 'refused', expect.any(String)],
  ]);
  expect(await must('POST', 'personas/import', { body: [{ ...good, vibe: 'new' }] })).toMatchObject({ updated: 1 });
  expect(await must('GET', 'personas/good_one')).toMatchObject({ version: 2, vibe: 'new' });
  expect(await call('POST', 'personas/import', { body: { people: [] } })).toMatchObject({
    status: 400,
    body: { reason: 'personas_shape' },
  });
});

test('the older keys are read', async () => {
  const good = await another('older_one');
  const { odds: _odds, curve: _curve, tier: _tier, timezone: _timezone, ...rest } = good;
  const older = {
    ...rest,
    probabilities: { post: 0.3, comment: 0.2, like: 0.3 },
    activity_tier: { tier: 'power', min_action_interval_seconds: 30, max_action_interval_seconds: 90 },
    activity_schedule: {
      peak_hours: [9, 10],
      active_days: [1, 2, 3],
      timezone: 'Europe/Paris',
      peak_multiplier: 2,
      off_peak_multiplier: 0.5,
    },
  };
  const { rows } = await must('POST', 'personas/import', { body: [older] });
  expect(rows).toMatchObject([{ outcome: 'created' }]);
  const made = await must('GET', 'personas/older_one');
  expect(made).toMatchObject({ tier: 'power', timezone: 'Europe/Paris' });
  expect(made['odds'].browse).toBeCloseTo(0.2);
});

test('24: a persona in use goes only when its bots move', async () => {
  await must('POST', 'personas', { body: await another('leaving') });
  const { id } = await bot({ personaId: 'leaving' });
  expect(await call('DELETE', 'personas/leaving')).toMatchObject({
    status: 409,
    body: { reason: 'persona_in_use', bots: 1 },
  });
  expect(await call('DELETE', 'personas/leaving?moveTo=nobody')).toMatchObject({
    status: 400,
    body: { reason: 'no_such_persona' },
  });
  expect(await must('DELETE', 'personas/leaving?moveTo=kind_pencil')).toEqual({ id: 'leaving', moved: 1 });
  expect(await read(id)).toMatchObject({ personaId: 'kind_pencil' });
  expect(await call('GET', 'personas/leaving')).toMatchObject({ status: 404 });
});

test('25: a persona edited while a bot thinks: this think keeps its version, the next one uses the new', async () => {
  const odds = { post: 1, comment: 0, reply: 0, like: 0, browse: 0 };
  const curve = Array.from({ length: 7 }, () => Array.from({ length: 24 }, () => 1));
  await must('POST', 'personas', { body: await another('edited', { odds, curve, timezone: 'UTC' }) });
  const { id } = await bot({ personaId: 'edited' });
  await until(async () => (await read(id)).provision.state === 'done', { withinMs: 20_000 });
  const reached = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const versions = async (): Promise<number[]> =>
    (await must('GET', `bots/${id}/decisions`))['items'].map((one: Loose) => one['body'].persona.version);
  {
    using _held = arm('gallery.open', () => {
      reached.resolve();
      return go.promise;
    });
    await call('POST', `bots/${id}/start`, { body: {} });
    await call('POST', `bots/${id}/wake`, { body: {} });
    await reached.promise;
    const editing = must('PATCH', 'personas/edited', { body: { vibe: 'other' } });
    await until(async () => (await must('GET', 'personas/edited'))['version'] === 2);
    go.resolve();
    await editing;
  }
  await until(async () => (await versions()).length >= 1, { withinMs: 20_000 });
  expect(await versions()).toEqual([1]);
  await call('POST', `bots/${id}/wake`, { body: {} });
  await until(async () => (await versions()).length >= 2, { withinMs: 20_000 });
  expect((await versions())[0]).toBe(2);
  await call('POST', `bots/${id}/stop`, { body: {} });
});

test('a project has its own', async () => {
  const token = await gallery.keyWith(['gallery:admin'], await gallery.project());
  expect((await must('GET', 'personas?limit=100', { token }))['items']).toHaveLength(12);
  expect(await call('GET', 'personas/my_harbor', { token })).toMatchObject({ status: 404 });
  expect(await call('DELETE', 'personas/my_harbor', { token })).toMatchObject({ status: 404 });
  const [count] = await db.query<{ n: number }>(
    sql`select count(*)::int as n from gallery_personas where id = 'my_harbor'`,
  );
  expect(count?.n).toBeGreaterThan(0);
});
