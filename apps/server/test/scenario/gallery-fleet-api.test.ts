import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '#kernel/base';
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

type Operation = { method: string; path: string; scope: string };
/** Every route of the gallery that this room declares, with what it needs. */
const read_ = 'gallery:read';
const operate = 'gallery:operate';
const admin = 'gallery:admin';
const operations: Operation[] = [
  ...['start', 'pause', 'resume', 'stop', 'wake', 'restore', 'clone', 'ask'].map((verb) => ({
    method: 'POST',
    path: `bots/:id/${verb}`,
    scope: operate,
  })),
  ...['activity', 'actions', 'decisions', 'memory', 'relations', 'spend'].map((list) => ({
    method: 'GET',
    path: `bots/:id/${list}`,
    scope: read_,
  })),
  { method: 'GET', path: 'bots', scope: read_ },
  { method: 'POST', path: 'bots', scope: operate },
  { method: 'POST', path: 'bots/bulk', scope: operate },
  { method: 'GET', path: 'bots/:id', scope: read_ },
  { method: 'PATCH', path: 'bots/:id', scope: operate },
  { method: 'DELETE', path: 'bots/:id', scope: operate },
  { method: 'POST', path: 'bots/:id/purge', scope: admin },
  { method: 'POST', path: 'bots/:id/preview', scope: read_ },
  { method: 'DELETE', path: 'bots/:id/memory', scope: operate },
  { method: 'DELETE', path: 'bots/:id/memory/mem', scope: operate },
  { method: 'DELETE', path: 'people/somebody', scope: admin },
  { method: 'POST', path: 'actions/:id/retry', scope: operate },
  { method: 'GET', path: 'thoughts/:id', scope: read_ },
  { method: 'POST', path: 'seed', scope: operate },
  { method: 'GET', path: 'tasks', scope: read_ },
  { method: 'GET', path: 'tasks/:id', scope: read_ },
  { method: 'GET', path: 'personas', scope: read_ },
  { method: 'POST', path: 'personas', scope: operate },
  { method: 'POST', path: 'personas/import', scope: operate },
  { method: 'POST', path: 'personas/preview', scope: read_ },
  { method: 'GET', path: 'personas/export', scope: read_ },
  { method: 'GET', path: 'personas/:id', scope: read_ },
  { method: 'PATCH', path: 'personas/:id', scope: operate },
  { method: 'DELETE', path: 'personas/:id', scope: operate },
  { method: 'POST', path: 'personas/:id/clone', scope: operate },
  { method: 'GET', path: 'fleet', scope: read_ },
  { method: 'PATCH', path: 'fleet', scope: admin },
  { method: 'POST', path: 'fleet/panic', scope: operate },
  { method: 'POST', path: 'fleet/release', scope: operate },
  { method: 'GET', path: 'budgets/forecast', scope: read_ },
  { method: 'GET', path: 'budgets/fleet', scope: read_ },
  { method: 'PUT', path: 'budgets/fleet', scope: operate },
  { method: 'GET', path: 'minds', scope: read_ },
  { method: 'POST', path: 'minds/improv/test', scope: operate },
  { method: 'POST', path: 'sim', scope: admin },
  { method: 'GET', path: 'activity', scope: read_ },
  { method: 'GET', path: 'stats', scope: read_ },
  { method: 'GET', path: 'evaluation', scope: read_ },
  { method: 'GET', path: 'graph', scope: read_ },
  { method: 'POST', path: 'replays', scope: operate },
];
const below: Record<string, string> = { [read_]: 'builds:admin', [operate]: read_, [admin]: operate };

describe('who may', () => {
  const keys = new Map<string, string>();
  let id = '';
  beforeAll(async () => {
    for (const scope of [read_, operate, 'builds:admin'] as const) keys.set(scope, await gallery.keyWith([scope]));
    ({ id } = await bot());
  });
  test.each(operations.map((operation) => [`${operation.method} ${operation.path}`, operation] as const))(
    '%s: nobody without a key, nobody with less',
    async (_, { method, path, scope }) => {
      const body = method === 'GET' || method === 'DELETE' ? {} : { body: {} };
      const at = path.replace(':id', id);
      expect(await call(method, at, { ...body, token: null })).toMatchObject({
        status: 401,
        body: { reason: 'no_credential' },
      });
      const less = await call(method, at, { ...body, token: keys.get(below[scope] ?? '') ?? null });
      expect(less, less.text).toMatchObject({ status: 403, body: { reason: 'missing_scope' } });
    },
  );

  test('the list above is what the server declares', async () => {
    const { paths } = await must('GET', '/openapi.json');
    const declared = Object.entries(paths as Record<string, object>)
      .filter(([path]) => path.startsWith('/v1/gallery/') && !/^\/v1\/gallery\/(targets|sandbox)/.test(path))
      .flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace('/v1/gallery/', '')}`),
      );
    const plain = (text: string): string =>
      text.replaceAll(
        /:\w+|\{\w+\}|(?<=budgets\/)fleet|(?<=people\/)somebody|(?<=memory\/)mem|(?<=minds\/)improv/g,
        '*',
      );
    expect(operations.map(({ method, path }) => plain(`${method} ${path}`)).sort()).toEqual(declared.map(plain).sort());
  });
});

test('another project sees nothing of it', async () => {
  const { id } = await bot();
  await must('POST', 'personas/harbor_log/clone', { body: { id: 'ours_only' } });
  const task = await must('POST', 'bots/bulk', { body: { action: 'stop', ids: [id] } });
  const token = await gallery.keyWith(['gallery:admin'], await gallery.project());
  for (const { method, path } of operations.filter(({ path }) => path.includes(':id'))) {
    const thing = path.startsWith('personas') ? 'ours_only' : path.startsWith('tasks') ? String(task['id']) : id;
    const body = path.endsWith('/ask')
      ? { question: 'Who are you?' }
      : path.endsWith('personas/:id/clone')
        ? { id: 'theirs' }
        : path === 'bots/:id'
          ? { name: 'Stolen' }
          : {};
    const answered = await call(method, path.replace(':id', thing), {
      token,
      ...(method === 'GET' || method === 'DELETE' ? {} : { body }),
    });
    expect(answered.status, `${method} ${path}: ${answered.text}`).toBe(404);
  }
  expect((await must('GET', 'bots', { token }))['items']).toEqual([]);
  expect((await must('GET', 'activity', { token }))['items']).toEqual([]);
  expect(await call('GET', `activity?bot=${id}`, { token })).toMatchObject({ status: 404 });
  expect(await call('GET', `budgets/bot:${id}`, { token })).toMatchObject({ status: 404 });
  expect(await call('GET', `/v1/stream/gallery/bots/${id}?offset=-1`, { token })).toMatchObject({ status: 404 });
  expect((await call('GET', '/v1/stream/gallery/activity?offset=-1', { token })).text).toBe('[]');
});

test('budgets: defaults, caps put, null cleared, by bot into its own row; a forecast', async () => {
  const { id } = await bot();
  const fleet = await must('GET', 'budgets/fleet');
  const line = (budget: Record<string, unknown>, meter: string, period = 'day'): unknown =>
    (budget['lines'] as { meter: string; period: string }[]).find(
      (one) => one.meter === meter && one.period === period,
    );
  expect(line(fleet, 'money')).toMatchObject({ cap: 5_000_000, spent: 0, reserved: 0 });
  expect(line(fleet, 'money', 'month')).toMatchObject({ cap: 50_000_000 });
  const put = await must('PUT', 'budgets/fleet', {
    body: {
      caps: [
        { meter: 'money', cap: 1_000_000 },
        { meter: 'images', cap: null },
      ],
    },
  });
  expect(line(put, 'money')).toMatchObject({ cap: 1_000_000 });
  expect(line(put, 'images')).toMatchObject({ cap: null });
  expect(line(await must('GET', 'budgets/target:sandbox'), 'acts')).toMatchObject({ cap: 200_000 });
  await must('PUT', 'budgets/persona:harbor_log', { body: { caps: [{ meter: 'posts', cap: 7 }] } });
  expect(line(await must('GET', 'budgets/persona:harbor_log'), 'posts')).toMatchObject({ cap: 7 });
  expect(line(await must('GET', `budgets/bot:${id}`), 'posts')).toMatchObject({ cap: 40 });
  await must('PUT', `budgets/bot:${id}`, { body: { caps: [{ meter: 'posts', cap: 2 }] } });
  expect(line(await must('GET', `budgets/bot:${id}`), 'posts')).toMatchObject({ cap: 2 });
  expect((await read(id)).budget).toEqual({ posts: 2 });
  expect(
    await call('PUT', `budgets/bot:${id}`, { body: { caps: [{ meter: 'posts', period: 'month', cap: 2 }] } }),
  ).toMatchObject({ status: 400, body: { reason: 'bot_cap_period' } });
  const token = await gallery.keyWith(['gallery:operate']);
  expect(await call('PUT', 'budgets/fleet', { token, body: { caps: [{ meter: 'money', cap: null }] } })).toMatchObject({
    status: 403,
  });
  for (const scope of ['nobody', 'bot:gbt_none', 'target:none', 'persona:none', 'fleet:x'])
    expect((await call('GET', `budgets/${scope}`)).status, scope).toBe(404);
  const forecast = await must('GET', 'budgets/forecast');
  expect(forecast['lines'].map((one: { scope: string }) => one.scope)).toEqual(
    expect.arrayContaining(['fleet', 'target:sandbox']),
  );
});

test('fleet: mind and seed for admins, an unknown mind is refused', async () => {
  expect(await must('GET', 'fleet')).toMatchObject({
    seed: 1,
    mind: { name: 'improv', offline: true, degraded: null },
    gate: { state: 'open' },
  });
  expect(await call('PATCH', 'fleet', { body: { mind: 'nobody:x' } })).toMatchObject({
    status: 400,
    body: { reason: 'mind_unknown' },
  });
  expect(await must('PATCH', 'fleet', { body: { seed: 7, mind: 'improv' } })).toMatchObject({ seed: 7 });
  expect(await must('PATCH', 'fleet', { body: { seed: 1, mind: null } })).toMatchObject({ seed: 1 });
});

test('minds: improv is there, free, and answers its test', async () => {
  const { items } = await must('GET', 'minds');
  expect(items).toEqual(
    expect.arrayContaining([expect.objectContaining({ name: 'improv', kind: 'free', isDefault: true })]),
  );
  expect(await must('POST', 'minds/improv/test', { body: {} })).toMatchObject({ ok: true, costMicros: 0 });
  expect(await call('POST', 'minds/nobody/test', { body: {} })).toMatchObject({
    status: 404,
    body: { reason: 'mind_unknown' },
  });
});

describe('a bot that has lived', () => {
  const always = { curve: Array.from({ length: 7 }, () => Array.from({ length: 24 }, () => 1)) };
  let id = '';
  beforeAll(async () => {
    ({ id } = await bot({
      ...always,
      personaId: 'harbor_log',
      odds: { post: 1, comment: 0, reply: 0, like: 0, browse: 0 },
    }));
    await must('POST', `bots/${id}/start`, { body: {} });
    await until(async () => (await read(id)).state === 'running', { withinMs: 20_000 });
    await must('POST', `bots/${id}/wake`, { body: {} });
    await until(async () => (await read(id)).counts.posts > 0, { withinMs: 30_000 });
    await must('POST', `bots/${id}/stop`, { body: {} });
  });

  test('preview-touches-nothing: what it would do, with a picture, and no row moved', async () => {
    const image = async (): Promise<unknown> =>
      db.query(sql`
        select (select count(*) from gallery_actions) as a, (select count(*) from gallery_decisions) as d,
          (select count(*) from gallery_activity) as f, (select max(xmin::text) from gallery_bots) as b,
          (select count(*) from gallery_memories) as m`);
    const before = await image();
    // Later than its pause between two posts.
    const at = new Date(Date.now() + 600_000).toISOString();
    const previewed = await must('POST', `bots/${id}/preview`, { body: { steps: 2, seed: 5, at } });
    expect(previewed).toMatchObject({ botId: id, mind: 'improv' });
    expect(previewed['steps']).toHaveLength(2);
    expect(previewed['steps'][0].decision.do).toBe('post');
    expect(previewed['steps'][0].svg).toMatch(/^<svg /);
    expect(await must('POST', `bots/${id}/preview`, { body: { steps: 2, seed: 5, at } })).toEqual(previewed);
    expect(await image()).toEqual(before);
    expect(await call('POST', `bots/${id}/preview`, { body: { mind: 'nobody:x' } })).toMatchObject({
      status: 400,
      body: { reason: 'mind_unknown' },
    });
    expect(await call('POST', `bots/${id}/preview`, { body: { steps: 11 } })).toMatchObject({ status: 400 });
  });

  test('ask: it answers, and says that it is a bot', async () => {
    const { answer } = await must('POST', `bots/${id}/ask`, { body: { question: 'Are you a bot or a person?' } });
    expect(answer).toMatch(/bot|automated/i);
    expect((await must('GET', `bots/${id}/activity?type=comment`))['items']).toEqual([]);
  });

  test('stats, evaluation and graph say what was done', async () => {
    const stats = await must('GET', 'stats?by=persona');
    const group = stats['groups'].find((one: { group: string }) => one.group === 'harbor_log');
    expect(group).toMatchObject({ done: { post: 1 }, mix: { done: { post: 100 }, wanted: { post: 100 } } });
    expect((await must('GET', 'stats'))['groups']).toHaveLength(1);
    expect((await must('GET', `stats?by=bot`))['groups'].some((one: { group: string }) => one.group === id)).toBe(true);
    expect((await must('GET', 'stats?by=hour'))['groups'][0].group).toMatch(/^\d{4}-\d\d-\d\dT\d\d:00/);
    const evaluation = await must('GET', 'evaluation');
    expect(evaluation).toMatchObject({
      texts: 1,
      giniActivity: 0,
      costPerKeptActMicros: 0,
      sampled: false,
      mix: { done: { post: 100 } },
    });
    expect(evaluation['distinct1']).toBeGreaterThan(0);
    const nothing = await must('GET', 'evaluation?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z');
    expect(nothing).toMatchObject({
      texts: 0,
      distinct1: null,
      hoursVsCurve: null,
      giniActivity: null,
      costPerKeptActMicros: null,
    });
    expect(await call('GET', 'stats?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z')).toMatchObject({ status: 400 });
    expect(await call('GET', 'stats?from=2020-01-02T00:00:00Z&to=2026-01-01T00:00:00Z')).toMatchObject({ status: 400 });
  });

  test('a replay decides once more: the same odds the same, others other, and nothing is sent', async () => {
    const from = new Date(Date.now() - 3_600_000).toISOString();
    const to = new Date(Date.now() + 1_000).toISOString();
    const acts = async (): Promise<number> => (await must('GET', `bots/${id}/actions`))['items'].length;
    const before = await acts();
    const replay = (change: object): ReturnType<typeof must> =>
      must('POST', 'replays', { body: { from, to, botIds: [id], change } });
    const post = { post: 1, comment: 0, reply: 0, like: 0, browse: 0 };
    const same = await replay({ odds: post });
    const posted = same['thoughts'].filter((one: { was: { kind: string } }) => one.was.kind === 'post');
    expect(posted.length).toBeGreaterThan(0);
    expect(posted[0]).toMatchObject({ now: { kind: 'post', mind: 'improv' } });
    expect(posted[0].was.text).not.toBe('');
    expect(posted[0].now.text).not.toBe('');
    expect(posted[0].same).toBe(true);
    const other = await replay({ persona: 'gig_poster' });
    expect(other['thoughts'].length).toBe(same['thoughts'].length);
    expect(other['costMicros']).toEqual({ was: 0, now: 0 });
    expect(await acts()).toBe(before);
    expect(await call('POST', 'replays', { body: { from, to, change: {} } })).toMatchObject({ status: 400 });
    expect(await call('POST', 'replays', { body: { from, to, change: { persona: 'nobody' } } })).toMatchObject({
      body: { reason: 'no_such_persona' },
    });
    expect(await call('POST', 'replays', { body: { from, to, change: { mind: 'nobody:x' } } })).toMatchObject({
      body: { reason: 'mind_unknown' },
    });
  });

  test('the graph, as JSON and as GraphML', async () => {
    const other = await bot({ name: 'Friend <&> "Co"', username: 'friend_co' });
    const act = async (from: string, author: string, kind: string): Promise<void> => {
      const thought = newId('activity');
      await db.query(sql`
        insert into gallery_actions (thought_id, project_id, bot_id, shard, target_id, kind, item_id, key, state, term, opened_at, closed_at, detail)
        values (${thought}, ${gallery.projectId}, ${from}, 0, 'sandbox', ${kind}, ${thought}, ${thought}, 'done', 1, now(), now(),
          ${JSON.stringify({ author })}::jsonb)`);
    };
    const mine = await read(id);
    await act(other.id, mine.username, 'comment');
    await act(other.id, mine.username, 'like');
    await act(id, 'friend_co', 'reply');
    await act(id, 'a_person', 'comment');
    const graph = await must('GET', 'graph');
    expect(graph['edges']).toEqual(
      expect.arrayContaining([
        { from: other.id, to: id, likes: 1, comments: 1, replies: 0 },
        { from: id, to: other.id, likes: 0, comments: 0, replies: 1 },
        { from: id, to: 'person:a_person', likes: 0, comments: 1, replies: 0 },
      ]),
    );
    expect(graph['nodes']).toContainEqual({ id: 'person:a_person', name: 'a_person', isBot: false, persona: null });
    expect(graph['measures']).toMatchObject({ reciprocity: 0.6667, components: 1, largestComponent: 3 });
    const { text, headers } = await call('GET', 'graph?format=graphml');
    expect(headers.get('content-type')).toContain('application/graphml+xml');
    expect(text).toContain('Friend &lt;&amp;&gt; &quot;Co&quot;');
    expect(text.match(/<edge /g)).toHaveLength(3);
  });

  test('memory and people: one thing, all of it, one person out of all bots', async () => {
    const remember = (bot: string, memory: string, person: string | null, text = 'a red buoy'): Promise<unknown> =>
      db.query(sql`
        insert into gallery_memories (id, bot_id, kind, text, person, importance, at, used_at)
        values (${memory}, ${bot}, 'saw', ${text}, ${person}, 3, now(), now())`);
    const { id: second } = await bot();
    await db.query(sql`delete from gallery_memories`);
    await remember(id, 'mem_1', null);
    await remember(id, 'mem_2', 'ana.b');
    await remember(id, 'mem_3', null, 'spoke with @ana.b about it');
    await remember(second, 'mem_4', 'ana.b');
    await remember(second, 'mem_5', null, 'anaxb is somebody else');
    await db.query(
      sql`insert into gallery_relations (bot_id, person, is_bot, last_at) values (${id}, 'ana.b', false, now()), (${id}, 'ben', false, now())`,
    );
    expect((await must('GET', `bots/${id}/memory?limit=2`))['items']).toHaveLength(2);
    expect((await must('GET', `bots/${id}/relations`))['items'].map((one: { person: string }) => one.person)).toEqual([
      'ana.b',
      'ben',
    ]);
    expect(await must('DELETE', `bots/${id}/memory/mem_1`)).toEqual({ forgotten: 1 });
    expect(await call('DELETE', `bots/${id}/memory/mem_1`)).toMatchObject({
      status: 404,
      body: { reason: 'no_such_memory' },
    });
    expect(await must('DELETE', 'people/ana.b')).toMatchObject({ memories: 3, relations: 1 });
    expect((await must('GET', `bots/${second}/memory`))['items'].map((one: { id: string }) => one.id)).toEqual([
      'mem_5',
    ]);
    expect(await must('DELETE', 'people/ana.b')).toMatchObject({ memories: 0, relations: 0 });
    expect(await must('DELETE', `bots/${second}/memory`)).toEqual({ forgotten: 1 });
  });

  test('a failed act is retried, a done one is not', async () => {
    const [done] = (await must('GET', `bots/${id}/actions`))['items'].filter(
      (one: { kind: string }) => one.kind === 'post',
    );
    expect(await call('POST', `actions/${done.thoughtId}/retry`, { body: {} })).toMatchObject({
      status: 409,
      body: { reason: 'action_done' },
    });
    expect(await call('POST', 'actions/act_none/retry', { body: {} })).toMatchObject({
      status: 404,
      body: { reason: 'no_such_action' },
    });
  });
});

test('panic: what is confirmed, who and why; everything is audited', async () => {
  const panicked = await must('POST', 'fleet/panic', { body: { reason: 'drill' } });
  expect(panicked['nodes']).toEqual([{ id: expect.any(String), confirmed: true }]);
  expect(Date.parse(panicked['stoppedAt'])).toBeGreaterThan(0);
  expect(await must('GET', 'fleet')).toMatchObject({
    gate: { state: 'held', reason: 'panic' },
    panic: { reason: 'drill', by: expect.stringMatching(/^key:/) },
  });
  await must('POST', 'fleet/release', { body: { reason: 'drill over', state: 'asBefore' } });
  expect(await must('GET', 'fleet')).toMatchObject({ gate: { state: 'open' }, panic: null });
  const types = (await must('GET', 'activity?type=panic,released'))['items'].map((one: { type: string }) => one.type);
  expect(types).toEqual(['released', 'panic']);
  const actions = await db.query<{ action: string }>(
    sql`select distinct action from audit where action like 'gallery.%' order by 1`,
  );
  expect(actions.map(({ action }) => action)).toEqual(
    expect.arrayContaining([
      'gallery.bot.create',
      'gallery.fleet.panic',
      'gallery.fleet.release',
      'gallery.budget.put',
      'gallery.people.erase',
    ]),
  );
});

test('health and metrics know the gallery', async () => {
  expect(await must('GET', '/health')).toMatchObject({
    status: 'ok',
    gallery: {
      bots: expect.any(Number),
      lagMs: expect.any(Number),
      gates: { open: expect.any(Number), sleeping: 0, held: 0, tripped: 0 },
      mind: 'improv',
      target: { sandbox: 'open' },
    },
  });
  const { text } = await call('GET', '/metrics');
  for (const name of ['bots', 'thinks_total', 'actions_total', 'skips_total', 'guard_total', 'events_total'])
    expect(text).toContain(`muster_gallery_${name}`);
});

test('the graph knows how many posts of people were answered by a bot, and how soon', async () => {
  const minute = 60_000;
  const at = Math.floor(Date.now() / minute) * minute - 3_600_000;
  const time = (minutes: number): Date => new Date(at + minutes * minute);
  await must('GET', 'fleet');
  expect((await must('GET', 'graph'))['measures']).toMatchObject({
    peoplesPostsAnswered: null,
    firstAnswerMsMedian: null,
  });
  await db.query(sql`
    insert into sandbox_accounts (id, project_id, username, name, is_agent, agent_id, person_id, created_at)
    select v.id, ${gallery.projectId}, v.id, v.id, v.bot, case when v.bot then v.id end, case when not v.bot then v.id end, ${time(0)}
    from (values ('acc_person', false), ('acc_other', false), ('acc_bot', true)) v(id, bot)`);
  await db.query(
    sql`insert into sandbox_images (id, project_id, created_at) values ('img_one', ${gallery.projectId}, ${time(0)})`,
  );
  // Answered after 2 and after 10 minutes; below the third only people speak; the fourth is a bot's own.
  await db.query(sql`
    insert into sandbox_items (id, project_id, account_id, by_agent, title, image_id, created_at)
    select v.id, ${gallery.projectId}, v.account, v.account = 'acc_bot', v.id, 'img_one', ${time(0)}
    from (values ('itm_soon', 'acc_person'), ('itm_late', 'acc_person'), ('itm_people', 'acc_other'), ('itm_bots', 'acc_bot')) v(id, account)`);
  const says = (id: string, item: string, account: string, minutes: number): Promise<unknown> =>
    db.query(sql`
      insert into sandbox_comments (id, project_id, item_id, account_id, by_agent, content, created_at)
      values (${id}, ${gallery.projectId}, ${item}, ${account}, ${account === 'acc_bot'}, 'words', ${time(minutes)})`);
  await says('cmt_1', 'itm_soon', 'acc_other', 1);
  await says('cmt_2', 'itm_soon', 'acc_bot', 2);
  await says('cmt_3', 'itm_soon', 'acc_bot', 30);
  await says('cmt_4', 'itm_late', 'acc_bot', 10);
  await says('cmt_5', 'itm_people', 'acc_person', 1);
  await says('cmt_6', 'itm_bots', 'acc_bot', 1);
  expect((await must('GET', 'graph'))['measures']).toMatchObject({
    peoplesPostsAnswered: 0.6667,
    firstAnswerMsMedian: 6 * minute,
  });
});
