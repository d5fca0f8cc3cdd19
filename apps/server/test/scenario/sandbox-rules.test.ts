/* What the gallery of our own enforces: budgets, the kill switch, ordered mishaps, uploads, and its way in without a socket. */
import { afterAll, beforeEach, expect, test } from 'vitest';
import { type TransportCall, TransportError } from '#gallery/model';
import { FakeClock } from '#kernel/base';
import { sql } from '#kernel/db';
import { literalToken, sandboxServer, svgOf } from '#test/sandbox-server';
import { until } from '#test/until';

const start = Date.UTC(2026, 2, 30, 22, 30);
const clock = new FakeClock(start);
const server = await sandboxServer({ clock });
const { call, bot, post, scene, projectId, sandbox } = server;
const admin = await server.keyWith('gallery:admin', 'gallery:operate', 'gallery:read');
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => server.empty());

const hour = 3_600_000;
const settings = (body: object) => call('PATCH', '/v1/gallery/sandbox/settings', { token: admin, body });
const like = (id: string, as: string) => call('PUT', `/api/showcase/${id}/like`, { as, body: {} });

test('the fleet’s day and month, and the bot’s, with the codes clients know', async () => {
  await Promise.all(['moss', 'kind', 'tram'].map(bot));
  const ids = [await post('moss'), await post('moss'), await post('moss')];
  await settings({ agentDailyMax: 2 });
  for (const id of ids.slice(0, 2)) expect((await like(id, 'kind')).status).toBe(200);
  const own = await like(ids[2] ?? '', 'kind');
  expect([own.status, own.body]).toEqual([
    429,
    {
      code: 'AGENT_DAILY_LIMIT_EXCEEDED',
      error: expect.any(String),
      resetAt: '2026-03-31T00:00:00.000Z',
      usage: { used: 2, limit: 2 },
    },
  ]);
  expect((await like(ids[2] ?? '', 'tram')).status).toBe(200);
  await settings({ agentDailyMax: null, agentMonthlyMax: 2 });
  expect((await like(ids[2] ?? '', 'kind')).body).toMatchObject({
    code: 'AGENT_MONTHLY_LIMIT_EXCEEDED',
    resetAt: '2026-04-01T00:00:00.000Z',
  });
  await settings({ agentMonthlyMax: null, fleetDailyMax: 6 });
  expect((await like(ids[2] ?? '', 'kind')).body).toMatchObject({
    code: 'FLEET_DAILY_BUDGET_EXCEEDED',
    resetAt: '2026-03-31T00:00:00.000Z',
  });
  await clock.advance(2 * hour);
  await settings({ fleetMonthlyMax: 6 });
  expect((await like(ids[2] ?? '', 'kind')).body).toMatchObject({
    code: 'FLEET_MONTHLY_BUDGET_EXCEEDED',
    resetAt: '2026-04-01T00:00:00.000Z',
  });
  await clock.advance(24 * hour);
  expect((await like(ids[2] ?? '', 'kind')).status).toBe(200);
  // Taking back is no act.
  expect((await call('DELETE', `/api/showcase/${ids[2]}/like`, { as: 'kind' })).status).toBe(200);
  expect(await sandbox.humanActionsPerDay(projectId, start, start + 26 * hour)).toEqual([
    { day: '2026-03-30', human: 0, bot: 6 },
    { day: '2026-03-31', human: 0, bot: 0 },
    { day: '2026-04-01', human: 0, bot: 1 },
  ]);
});

test('of forty bots that race for the last ten acts of the fleet ten get one', async () => {
  const names = Array.from({ length: 40 }, (_, i) => `racer_${i}`);
  await Promise.all([...names, 'moss'].map(bot));
  const id = await post('moss');
  await settings({ fleetDailyMax: 11 });
  const answers = await Promise.all(names.map((as) => like(id, as)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(30);
  expect((await call('GET', `/api/showcase/${id}`)).body['item'].likeCount).toBe(10);
});

test('the kill switch stops writes of bots, of every kind, and no reading', async () => {
  await bot('moss');
  const id = await post('moss');
  await bot('kind');
  expect((await settings({ paused: true })).body).toMatchObject({ paused: true, version: 2 });
  for (const [method, path, body] of [
    ['POST', '/api/showcase', { imageUrl: await scene(), title: 'x' }],
    ['POST', `/api/showcase/${id}/like`, {}],
    ['PUT', `/api/showcase/${id}/like`, {}],
    ['POST', `/api/showcase/${id}/comments`, { content: 'x' }],
    ['POST', '/api/execute/sync', { name: 'x', steps: [] }],
    ['POST', '/api/storage/upload-url', { filename: 'x', mimeType: 'image/png', sizeBytes: 1 }],
  ] as const) {
    const answered = await call(method, path, { as: 'kind', body });
    expect([answered.status, answered.body['code']], path).toEqual([503, 'FLEET_PAUSED']);
  }
  for (const path of ['/api/showcase', `/api/showcase/${id}`, `/api/showcase/${id}/comments`, '/api/users/moss'])
    expect((await call('GET', path, { as: 'kind' })).status, path).toBe(200);
});

test('settings: scopes, versions, unknown fields', async () => {
  const read = await server.keyWith('gallery:read');
  const path = '/v1/gallery/sandbox/settings';
  expect((await call('GET', path, { token: read })).body).toMatchObject({ paused: false, fleetDailyMax: null });
  expect((await call('PATCH', path, { token: read, body: { paused: true } })).status).toBe(403);
  expect((await settings({ fleetDaily: 1 })).body).toMatchObject({
    errors: [{ pointer: '/fleetDaily', detail: expect.stringContaining('fleetDailyMax') }],
  });
  await settings({ paused: true });
  const stale = await call('PATCH', path, { token: admin, body: { paused: false }, headers: { 'if-match': '"1"' } });
  expect([stale.status, stale.body['reason']]).toEqual([409, 'version_conflict']);
});

test('every mishap as it was ordered; off after an hour', async () => {
  await bot('moss');
  await bot('kind');
  const id = await post('moss');
  const order = (kind: string, more: object = {}) =>
    call('PUT', '/v1/gallery/sandbox/faults', {
      token: admin,
      body: { items: [{ kind, match: { path: '/api/showcase' }, ...more }] },
    });
  const get = () => call('GET', '/api/showcase', { as: 'kind' });
  const codes: Record<string, [number, string]> = {
    '429': [429, 'RATE_LIMITED'],
    '503': [503, 'UNAVAILABLE'],
    fleetPaused: [503, 'FLEET_PAUSED'],
    fleetDaily: [429, 'FLEET_DAILY_BUDGET_EXCEEDED'],
    fleetMonthly: [429, 'FLEET_MONTHLY_BUDGET_EXCEEDED'],
    agentDaily: [429, 'AGENT_DAILY_LIMIT_EXCEEDED'],
    agentMonthly: [429, 'AGENT_MONTHLY_LIMIT_EXCEEDED'],
  };
  for (const [kind, [status, code]] of Object.entries(codes)) {
    await order(kind);
    const answered = await get();
    expect([answered.status, answered.body['code']], kind).toEqual([status, code]);
    if (/daily|monthly/i.test(kind)) expect(answered.body['resetAt']).toMatch(/T00:00:00.000Z$/);
    if (kind.startsWith('agent')) expect(answered.body['usage']).toEqual({ used: 1, limit: 1 });
  }
  await order('html502');
  const page = await get();
  expect([page.status, page.headers.get('content-type')]).toEqual([502, 'text/html']);
  await order('malformedJson');
  const broken = await get();
  expect(broken.status).toBe(200);
  expect(() => JSON.parse(broken.text) as unknown).toThrow();
  await order('wrongShape');
  expect((await get()).body).toEqual({ posts: [], meta: {} });
  await order('nullFields');
  expect((await get()).body['items'][0]).toMatchObject({ id, likeCount: null, user: null });
  for (const kind of ['truncated', 'reset']) {
    await order(kind);
    await expect(get(), kind).rejects.toThrow();
  }
  await order('latency', { delayMs: 5_000 });
  let answered = false;
  const slow = get().then(() => (answered = true));
  await call('GET', `/api/showcase/${id}`);
  expect(answered).toBe(false);
  const moving = until(async () => {
    await clock.advance(1_000);
    return answered;
  });
  await Promise.all([slow, moving]);
  await order('503', { times: 1 });
  expect([(await get()).status, (await get()).status]).toEqual([503, 200]);
  await order('503', { match: { username: 'moss' } });
  expect((await get()).status).toBe(200);
  expect((await call('GET', '/api/showcase', { as: 'moss' })).status).toBe(503);
  await order('503', { match: { method: 'POST', path: '/api/showcase/*/like' } });
  expect((await call('POST', `/api/showcase/${id}/like`, { as: 'kind', body: {} })).status).toBe(503);
  expect((await like(id, 'kind')).status).toBe(200);
  await order('503');
  expect((await server.page('/sandbox')).text).toContain('Faults are active');
  await clock.advance(hour + 1_000);
  expect((await get()).status).toBe(200);
  expect((await server.page('/sandbox')).text).not.toContain('Faults are active');
  expect((await call('GET', '/v1/gallery/sandbox/faults', { token: admin })).body).toEqual({ items: [] });
  expect((await order('odd')).status).toBe(400);
});

test('half the calls meet a mishap of one half, the same ones each time it is ordered the same', async () => {
  await bot('moss');
  await sandbox.setFaults(projectId, [{ kind: '503', match: {}, probability: 0.5, delayMs: 0 }]);
  const seen: number[] = [];
  for (let i = 0; i < 60; i++) seen.push((await call('GET', '/api/showcase', { as: 'moss' })).status);
  const struck = seen.filter((status) => status === 503).length;
  expect(struck).toBeGreaterThan(15);
  expect(struck).toBeLessThan(45);
});

test('an answer that is dropped after the commit: done once, and the same key tells', async () => {
  await bot('moss');
  const body = { imageUrl: await scene(), title: 'once' };
  await sandbox.setFaults(projectId, [
    { kind: 'dropAfterCommit', match: { method: 'POST' }, probability: 1, times: 1, delayMs: 0 },
  ]);
  await expect(call('POST', '/api/showcase', { as: 'moss', body, key: 'act_1' })).rejects.toThrow();
  expect((await call('GET', '/api/showcase')).body['items']).toHaveLength(1);
  const again = await call('POST', '/api/showcase', { as: 'moss', body, key: 'act_1' });
  expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([201, 'true']);
  expect((await call('GET', '/api/showcase')).body['items']).toHaveLength(1);
});

test('a key is forgotten after a day', async () => {
  await bot('moss');
  await bot('kind');
  const id = await post('moss');
  const toggle = () => call('POST', `/api/showcase/${id}/like`, { as: 'kind', body: {}, key: 'k' });
  expect((await toggle()).body['liked']).toBe(true);
  expect((await toggle()).body['liked']).toBe(true);
  await clock.advance(24 * hour + 1);
  expect((await toggle()).body['liked']).toBe(false);
});

test('without a socket the same bytes come, and mishaps as a socket gives them', async () => {
  await bot('moss');
  await bot('kind');
  const id = await post('moss');
  const transport = sandbox.transport(projectId);
  const ask = (path: string, more: Partial<TransportCall> = {}) =>
    transport({
      method: 'GET',
      path,
      headers: { 'x-agent-id': 'kind', accept: 'application/json' },
      timeoutMs: 10_000,
      bodyBytesMax: 1e6,
      signal: new AbortController().signal,
      ...more,
    });
  for (const path of [
    '/api/showcase?limit=3',
    `/api/showcase/${id}`,
    '/api/users/moss',
    '/api/showcase/none',
    '/api/odd',
  ]) {
    const near = await ask(path);
    const far = await call('GET', path, { as: 'kind' });
    if (path !== '/api/odd')
      expect([near.status, Buffer.from(near.body).toString()], path).toEqual([far.status, far.text]);
    expect((await ask(`/sandbox${path}`)).status).toBe(near.status);
  }
  const why = async (asked: Promise<unknown>): Promise<unknown> => {
    const error = await asked.catch((thrown: unknown) => thrown);
    return error instanceof TransportError ? [error.why, error.sent] : error;
  };
  const write = { method: 'PUT' as const, body: new Uint8Array() };
  expect(await why(ask(`/api/showcase/${id}/like`, { ...write, may: () => false }))).toEqual(['not_allowed', false]);
  expect(await why(ask(`/api/showcase/${id}/like`, { ...write, signal: AbortSignal.abort() }))).toEqual([
    'aborted',
    false,
  ]);
  expect((await call('GET', `/api/showcase/${id}`)).body['item'].likeCount).toBe(0);
  expect(await why(ask('/api/showcase', { bodyBytesMax: 10 }))).toEqual(['too_large', true]);
  for (const kind of ['reset', 'truncated', 'dropAfterCommit'] as const) {
    await sandbox.setFaults(projectId, [{ kind, match: {}, probability: 1, delayMs: 0 }]);
    expect(await why(ask('/api/showcase')), kind).toEqual(['cut', true]);
  }
  await sandbox.setFaults(projectId, [{ kind: 'latency', match: {}, probability: 1, delayMs: 60_000 }]);
  const late = why(ask('/api/showcase', { timeoutMs: 1_000 }));
  let over = false;
  void late.then(() => (over = true));
  await until(async () => {
    await clock.advance(500);
    return over;
  });
  expect(await late).toEqual(['timeout', true]);
});

test('the same acts at the same times give the same ids and the same feed', async () => {
  const day = async (): Promise<string> => {
    await server.empty();
    const own = new FakeClock(start);
    const transport = sandbox.transport(projectId, { clock: own });
    const send = async (
      method: 'POST' | 'GET' | 'PUT',
      path: string,
      as: string,
      body: object | undefined,
      key: string,
    ) => {
      const bytes = body && new TextEncoder().encode(JSON.stringify(body));
      const answered = await transport({
        method,
        path,
        headers: { 'x-agent-id': as, 'idempotency-key': key },
        timeoutMs: 10_000,
        bodyBytesMax: 1e6,
        signal: new AbortController().signal,
        ...(bytes ? { body: bytes } : {}),
      });
      return Buffer.from(answered.body).toString();
    };
    await bot('moss');
    await bot('kind');
    let all = '';
    for (let i = 0; i < 12; i++) {
      const made = JSON.parse(
        await send('POST', '/api/showcase', 'moss', { imageUrl: await scene(), title: `n${i}` }, `act_p${i}`),
      ) as { showcaseItem: { id: string } };
      if (i % 3 === 0) await send('PUT', `/api/showcase/${made.showcaseItem.id}/like`, 'kind', undefined, `act_l${i}`);
      await own.advance(17 * 60_000);
    }
    for (const sort of ['recent', 'popular', 'trending'])
      all += await send('GET', `/api/showcase?sort=${sort}`, 'kind', undefined, '');
    return all.replaceAll(/sbu_[0-9a-z]+/g, 'account');
  };
  expect(await day()).toBe(await day());
});

test.each([
  ['in memory', 3_000],
  ['by Postgres', 7_000],
])('the orders are exactly what they say, ranked %s, also after something changed', async (_, count) => {
  await bot('moss');
  await bot('kind');
  const first = await post('moss');
  const imageId = ((await call('GET', `/api/showcase/${first}`)).body['item'] as { image: { id: string } }).image.id;
  await server.db.query(sql`delete from sandbox_items`);
  await server.db.query(sql`
    insert into sandbox_items (id, project_id, account_id, by_agent, title, image_id, human_likes, bot_likes, human_comments, created_at)
    select 'itm_' || lpad(n::text, 26, '0'), ${projectId}, (select id from sandbox_accounts where username = 'moss'), true, 'n' || n, ${imageId},
           (n * 7919 % 23) * (n % 5 = 0)::int, n * 31 % 40, n * 17 % 3, to_timestamp(${clock.now() / 1000}) - make_interval(secs => n * 97)
    from generate_series(1, ${count}::int) n`);
  await sandbox.setFaults(projectId, []);
  const page = async (sort: string, offset: number): Promise<string[]> =>
    ((await call('GET', `/api/showcase?sort=${sort}&limit=40&offset=${offset}`)).body['items'] as { id: string }[]).map(
      ({ id }) => id,
    );
  const wanted = async (sort: string): Promise<string[]> => {
    const now = Math.floor(clock.now() / 1000);
    const rows = await server.db.query<{ id: string }>(
      sort === 'trending'
        ? sql`select id from sandbox_items
              order by (human_likes + human_comments + 0.25 * (bot_likes + bot_comments) + 1)
                       / power(extract(epoch from to_timestamp(${now}) - created_at)::float8 / 3600 + 2, 1.5) desc, created_at desc, id desc
              limit 80`
        : sort === 'popular'
          ? sql`select id from sandbox_items order by human_likes + bot_likes desc, created_at desc, id desc limit 80`
          : sql`select id from sandbox_items order by created_at desc, id desc limit 80`,
    );
    return rows.map(({ id }) => id);
  };
  for (let round = 0; round < 3; round++) {
    for (const sort of ['recent', 'popular', 'trending'])
      expect([...(await page(sort, 0)), ...(await page(sort, 40))], sort).toEqual(await wanted(sort));
    const [some = ''] = await page('popular', 10);
    expect((await like(some, 'kind')).status).toBe(200);
    await form(some);
    await post('moss');
    await clock.advance(hour);
  }
  const { items } = (await call('GET', '/api/showcase?sort=popular&limit=100')).body as {
    items: { id: string; likeCount: number }[];
  };
  const truth = await server.db.query<{ id: string; likes: number }>(
    sql`select id, likes from sandbox_items where id = any(${items.map(({ id }) => id)})`,
  );
  const likes = new Map(truth.map((row) => [row.id, row.likes]));
  expect(items.map(({ id, likeCount }) => [id, likeCount])).toEqual(items.map(({ id }) => [id, likes.get(id)]));
});

/** A like of a person. */
const form = (id: string) => server.form('mia', `/sandbox/i/${id}/like`, { liked: 'yes' });

/** A picture as it comes out of a camera that knows only one colour. */
async function photo(): Promise<Buffer> {
  const { blobId } = await sandbox.storeScene(svgOf('olive', 800, 600));
  const drawn = await fetch(`${server.url}/sandbox/images/${blobId}.png?w=256`);
  return Buffer.from(await drawn.arrayBuffer());
}
const tinyPng = await photo();
/** Announces itself as huge; nothing behind the header. */
function bombPng(): Buffer {
  const bomb = Buffer.from(tinyPng);
  bomb.writeUInt32BE(50_000, 16);
  bomb.writeUInt32BE(50_000, 20);
  return bomb;
}

async function upload(bytes: Uint8Array, mimeType = 'image/png', sent = mimeType) {
  const announced = await call('POST', '/api/storage/upload-url', {
    as: 'moss',
    body: { filename: '../../x y.png', mimeType, sizeBytes: bytes.length },
  });
  if (announced.status !== 200) return { announced, put: announced };
  const { uploadUrl } = announced.body as { uploadUrl: string };
  const put = await call('PUT', uploadUrl, { token: null, body: bytes, headers: { 'content-type': sent } });
  return { announced, put };
}

test('an upload: announced, sent, confirmed, drawn anew, posted', async () => {
  await bot('moss');
  const { announced, put } = await upload(tinyPng);
  expect(announced.body).toMatchObject({
    imageId: expect.stringMatching(/^img_/),
    expiresIn: 3600,
    storageKey: expect.not.stringContaining('..'),
  });
  expect(put.status).toBe(200);
  const { imageId, uploadUrl, storageKey } = announced.body as Record<string, string>;
  const confirm = {
    imageId,
    storageKey,
    filename: 'x.png',
    mimeType: 'image/png',
    sizeBytes: tinyPng.length,
    width: 10,
    height: 10,
  };
  expect((await call('POST', '/api/storage/confirm-upload', { as: 'moss', body: confirm })).body).toMatchObject({
    success: true,
    imageId,
    quota: { remaining: expect.any(Number) },
  });
  const twice = await call('PUT', uploadUrl ?? '', {
    token: null,
    body: tinyPng,
    headers: { 'content-type': 'image/png' },
  });
  expect(twice.status).toBe(403);
  const id = await post('moss', { imageUrl: `/api/storage/images/${imageId}/content` });
  const { item } = (await call('GET', `/api/showcase/${id}`)).body as { item: { image: { id: string } } };
  expect(item.image.id).toBe(imageId);
  const shown = await call('GET', `/api/storage/images/${imageId}/content`);
  expect([shown.headers.get('content-type'), shown.headers.get('x-content-type-options')]).toEqual([
    'image/png',
    'nosniff',
  ]);
});

test('what is no picture is refused before it is decoded', async () => {
  await bot('moss');
  const svg = Buffer.from(svgOf('red'));
  expect((await upload(svg, 'image/svg+xml')).put.status).toBe(400);
  for (const [bytes, type, sent] of [
    [svg, 'image/png', 'image/png'],
    [bombPng(), 'image/png', 'image/png'],
    [Buffer.from('GIF89a'), 'image/jpeg', 'image/jpeg'],
    [tinyPng, 'image/png', 'image/jpeg'],
    [tinyPng.subarray(0, 40), 'image/png', 'image/png'],
  ] as const) {
    const { put } = await upload(bytes, type, sent);
    expect([put.status, put.body['code']], `${type} ${bytes.length}`).toEqual([400, 'UPLOAD_INVALID']);
  }
  const large = { filename: 'x', mimeType: 'image/png', sizeBytes: 11 * 2 ** 20 };
  expect((await call('POST', '/api/storage/upload-url', { as: 'moss', body: large })).status).toBe(400);
  const { announced } = await upload(tinyPng.subarray(0, 30));
  const { imageId } = announced.body as Record<string, string>;
  expect((await call('POST', '/api/storage/confirm-upload', { as: 'moss', body: { imageId } })).status).toBe(400);
  const wrong = await call('PUT', `/api/storage/uploads/${imageId}?token=guess`, { token: null, body: tinyPng });
  expect(wrong.status).toBe(403);
});

test('a pipeline runs, is kept, and is the same for the same request', async () => {
  await bot('moss');
  const body = {
    name: 'scene',
    steps: [
      {
        kind: 'generate',
        generator: 'openai',
        params: { prompt: 'fog over a harbour', family: 'landscape' },
        out: 'a',
      },
      { kind: 'save', in: 'a', destination: 'showcase' },
    ],
  };
  const run = () => call('POST', '/api/execute/sync', { as: 'moss', body });
  const first = await run();
  expect(first.body).toMatchObject({
    status: 'completed',
    imageUrls: [expect.any(String)],
    imageIds: [expect.any(String)],
    simulated: true,
  });
  expect((await run()).text).toBe(first.text);
  const [imageUrl] = first.body['imageUrls'] as string[];
  await post('moss', { imageUrl });
  const bad = await call('POST', '/api/execute/sync', {
    as: 'moss',
    body: { steps: [{ kind: 'vision', in: 'a', out: 'b' }] },
  });
  expect([bad.status, bad.body['status'], bad.body['errorCode']]).toEqual([400, 'error', 'unsupported_step']);
});

test('a reset is typed, and leaves accounts', async () => {
  await bot('moss');
  await post('moss');
  const reset = (confirm: string, token = admin) =>
    call('POST', '/v1/gallery/sandbox/reset', { token, body: { confirm } });
  expect([(await reset('yes')).body['reason'], (await call('GET', '/api/showcase')).body['items']]).toEqual([
    'not_confirmed',
    [expect.anything()],
  ]);
  expect((await reset('reset the sandbox', await server.keyWith('gallery:operate'))).status).toBe(403);
  expect((await reset('reset the sandbox')).status).toBe(204);
  expect((await call('GET', '/api/showcase')).body['items']).toEqual([]);
  expect((await call('GET', '/api/users/moss')).status).toBe(200);
  expect(literalToken).toMatch(/^fst_/);
});
