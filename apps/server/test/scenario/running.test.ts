/* What an operator looks at: overview, feed, search, first steps, machine, jobs, settings, usage; and who may. */
import type {
  ActivityPage,
  Checklist,
  ConfigAnswer,
  GalleryBotChanges,
  GalleryFleet,
  JobSummary,
  Overview,
  Prices,
  Resolved,
  Sample,
  SearchAnswer,
  Series,
  System,
  Usage,
} from '@muster/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '#kernel/base';
import { sql } from '#kernel/db';
import { seedBuild } from '#test/build-seeds';
import { openSocket } from '#test/muster-socket';
import { type PeopleServer, startPeople, type TestBrowser } from '#test/people';
import { until } from '#test/until';

let server: PeopleServer;
let admin: TestBrowser;
let viewer: TestBrowser;
beforeAll(async () => {
  server = await startPeople({
    env: { OPENAI_API_KEY: 'sk-very-secret', MUSTER_CURRENCY: 'EUR', MUSTER_DEMO: 'true' },
  });
  admin = await server.setUp();
  viewer = await server.join(admin, 'viewer', 'vera@example.com');
});
afterAll(() => server[Symbol.asyncDispose]());

const get = async <T>(path: string): Promise<T> => {
  const { status, body } = await server.ask<T>(path);
  expect(status, `${path} ${JSON.stringify(body)}`).toBe(200);
  return body;
};
const records = async <T>(path: string, offset = '-1'): Promise<T[]> =>
  (await server.call(`/v1/stream/${path}?offset=${offset}`)).json() as Promise<T[]>;

test('the overview says what waits and why, what failed, and what needs a person', async () => {
  const waits = await seedBuild(server.app.db, { name: 'shop', platform: 'ios' });
  const failed = await seedBuild(server.app.db, { name: 'api', state: 'failed' });
  await seedBuild(server.app.db, { state: 'succeeded' });
  await server.app.db.query(sql`update builds set submitted_at = now() - interval '10 minutes' where id = ${waits}`);
  await server.ask('/v1/queues/slow/pause', { json: { reason: 'moving' } });
  const seen = await get<Overview>('/v1/overview?tz=Europe/Berlin');
  expect(seen.demo).toBe(true);
  expect(seen.builds).toMatchObject({
    waiting: 1,
    running: 0,
    finished: 2,
    failed: 1,
    failureShare: 0.5,
    queuesPaused: 1,
  });
  expect(seen.builds?.oldestWaitMs).toBeGreaterThan(590_000);
  expect(seen.builds?.sparkline.finished.reduce((sum, n) => sum + n, 0)).toBe(2);
  expect(seen.builds?.sparkline.finished).toHaveLength(60);
  expect(seen.gallery).toMatchObject({ bots: 0, running: 0, gate: 'open' });
  expect(seen.waiting).toMatchObject([
    { id: waits, path: `/builds/${waits}`, waiting: { reason: 'no_matching_worker' } },
  ]);
  expect(seen.failures).toMatchObject([{ id: failed, failure: { code: 'command_failed', attribution: 'user' } }]);
  expect(seen.failures[0]?.failure.remedy).not.toBe('');
  expect(seen.needsPerson.map(({ reason }) => reason)).toEqual(
    expect.arrayContaining(['no_matching_worker', 'queue_paused']),
  );
  expect(seen.costToday).toEqual({ currency: 'EUR', cost: '0.00', unpriced: 0 });
  const narrow = await server.makeKey('builds:read');
  const { body } = await server.ask<Overview>('/v1/overview', { key: narrow.secret });
  expect(Object.keys(body)).toContain('builds');
  expect(Object.keys(body)).not.toContain('gallery');
  expect((await server.ask('/v1/overview?tz=Mars/Base')).status).toBe(400);
});

describe('the feed', () => {
  test('is one over all areas, filtered, page by page, and each of it can be followed', async () => {
    const { body: bot } = await server.ask<{ id: string }>('/v1/gallery/bots', {
      json: { name: 'Moss', username: 'moss', start: true },
    });
    await server.makeKey('builds:read');
    await until(async () => {
      const { items } = await get<ActivityPage>('/v1/activity?area=gallery,people');
      return items.some(({ kind }) => kind === 'key.created') && items.some(({ area }) => area === 'gallery');
    });
    const whole = await get<ActivityPage>('/v1/activity?limit=200');
    const times = whole.items.map(({ at }) => at);
    expect(times).toEqual(times.toSorted().toReversed());
    expect(new Set(whole.items.map(({ area }) => area))).toEqual(new Set(['builds', 'gallery', 'people']));
    const paged: string[] = [];
    let cursor: string | null = '';
    for (let page = 0; cursor !== null && page < 100; page++) {
      const read: ActivityPage = await get(
        `/v1/activity?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}&until=${times[0]}`,
      );
      paged.push(...read.items.map(({ id }) => id));
      cursor = read.nextCursor;
    }
    expect(paged.length).toBeGreaterThan(3);
    expect(new Set(paged).size).toBe(paged.length);
    const kinds = await get<ActivityPage>('/v1/activity?kind=queue.*&q=paused');
    expect(kinds.items).toMatchObject([
      { kind: 'queue.paused', tone: 'warning', subject: { kind: 'queue', id: 'slow' } },
    ]);
    expect((await get<ActivityPage>(`/v1/activity?actor=${bot.id}&limit=1`)).items[0]?.subject?.id).toBe(bot.id);
    expect(whole.streams.map(({ path }) => path)).toEqual([
      '/v1/stream/builds/events',
      '/v1/stream/gallery/activity',
      '/v1/stream/projects/prj_00000000000000000000000000/events',
      '/v1/stream/projects/prj_00000000000000000000000000/events',
    ]);
    for (const { path } of whole.streams) expect((await server.call(`${path}?offset=-1`)).status).toBe(200);
    const told = await records<{ action: string }>('projects/prj_00000000000000000000000000/events');
    expect(told.filter(({ action }) => action === 'installation.set_up')).toHaveLength(1);
    expect(JSON.stringify(told)).not.toContain('address');
  });

  test('shows people’s doings only to who may read the audit log, and another project’s stream is not there', async () => {
    expect((await viewer.api<ActivityPage>('/v1/activity')).body.items.map(({ area }) => area)).not.toContain('people');
    expect(await viewer.api('/v1/activity?area=people')).toMatchObject({
      status: 403,
      body: { scope: 'accounts:admin' },
    });
    expect((await viewer.get('/v1/stream/projects/prj_00000000000000000000000000/events?offset=-1')).status).toBe(403);
    expect((await server.call(`/v1/stream/projects/${newId('project')}/events?offset=-1`)).status).toBe(404);
    expect((await viewer.get('/v1/stream/installation/samples?offset=-1')).status).toBe(403);
  });

  test.each([['area=nonsense'], ['cursor=nonsense'], ['cursor=W10'], ['limit=0'], ['since=yesterday']])(
    'refuses ?%s',
    async (query) => {
      expect((await server.call(`/v1/activity?${query}`)).status).toBe(400);
    },
  );
});

test('one socket follows what moves: feeds, changes of bots, numbers of the node', async () => {
  const { body: bot } = await server.ask<{ id: string }>('/v1/gallery/bots', {
    json: { name: 'Fern', username: 'fern' },
  });
  await using socket = await openSocket(server.url, { key: server.key });
  const project = 'projects/prj_00000000000000000000000000/events';
  for (const stream of ['builds/events', 'gallery/activity', 'gallery/events', project, 'installation/samples'])
    expect(await socket.ask({ t: 'sub', ref: stream, stream, after: 'now' })).toMatchObject({ t: 'ok' });
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what the stream holds
  const next = <T>(stream: string, fits: (record: T) => boolean): Promise<unknown> =>
    socket.frame((frame) => frame['sub'] === stream && frame.t === 'batch' && (frame['records'] as T[]).some(fits));
  await server.ask(`/v1/gallery/bots/${bot.id}/start`, { json: {} });
  await server.makeKey('streams:read');
  await next<GalleryBotChanges>('gallery/events', ({ bots }) =>
    bots.some(({ id, desired, counts }) => id === bot.id && desired === 'running' && counts.thinks >= 0),
  );
  await next<{ action: string }>(project, ({ action }) => action === 'key.created');
  await next<Sample>('installation/samples', ({ followers }) => (followers ?? 0) >= 5);
});

test('any id leads to its page, and only to who may see it', async () => {
  const build = await seedBuild(server.app.db, { name: 'resolved' });
  expect(await get<Resolved>(`/v1/resolve/${build}`)).toMatchObject({
    kind: 'build',
    path: `/builds/${build}`,
    api: `/v1/builds/${build}`,
    state: 'queued',
    name: 'resolved',
  });
  const key = await server.makeKey('gallery:read');
  expect(await get<Resolved>(`/v1/resolve/${key.id}`)).toMatchObject({ kind: 'key', name: 'gallery:read' });
  expect((await server.ask(`/v1/resolve/${build}`, { key: key.secret })).status).toBe(404);
  expect((await viewer.api(`/v1/resolve/${key.id}`)).status).toBe(404);
  const other = await server.app.db.query<{ id: string }>(
    sql`insert into projects (id, name) values (${newId('project')}, 'other') returning id`,
  );
  const foreign = await seedBuild(server.app.db, { projectId: other[0]?.id ?? '' });
  for (const id of [foreign, newId('build'), newId('galleryBot'), newId('job'), 'nonsense'])
    expect(await server.ask(`/v1/resolve/${id}`)).toMatchObject({ status: 404 });
});

test('search finds by id, by name and by a part, best first', async () => {
  const build = await seedBuild(server.app.db, { name: 'Fernweh' });
  await server.call('/v1/stream/notes/fern', { method: 'PUT', headers: { 'content-type': 'text/plain' } });
  const found = await get<SearchAnswer>('/v1/search?q=fern');
  expect(found.items[0]).toMatchObject({ kind: 'galleryBot', name: 'Fern' });
  expect(found.items.map(({ id }) => id)).toContain(build);
  expect((await get<SearchAnswer>('/v1/search?q=notes/')).items).toMatchObject([{ kind: 'stream', id: 'notes/fern' }]);
  expect((await get<SearchAnswer>(`/v1/search?q=${build.slice(0, 20)}`)).items.map(({ id }) => id)).toContain(build);
  expect((await get<SearchAnswer>('/v1/search?q=vera')).items).toMatchObject([{ kind: 'person', state: 'viewer' }]);
  const narrow = await server.makeKey('builds:read');
  const { body } = await server.ask<SearchAnswer>('/v1/search?q=fern', { key: narrow.secret });
  expect(body.items.map(({ kind }) => kind)).toEqual(['build']);
  expect((await server.ask(`/v1/search?q=${'x'.repeat(201)}`)).status).toBe(400);
  expect((await server.ask("/v1/search?q=%25'--")).status).toBe(200);
});

test('first steps are true by what there is', async () => {
  const { items } = await get<Checklist>('/v1/checklist');
  expect(items.filter(({ done }) => done).map(({ step }) => step)).toEqual(
    expect.arrayContaining(['admin', 'key', 'build', 'galleryBot', 'secondPerson']),
  );
  expect(items.filter(({ done }) => !done).map(({ step }) => step)).toContain('budget');
});

describe('the machine', () => {
  test('is shown with thresholds and what to do, and its last day in at most 500 points', async () => {
    await until(async () => (await records<Sample>('installation/samples')).length >= 2);
    const samples = await records<Sample>('installation/samples');
    expect(samples[0]).toMatchObject({ node: expect.any(String), rssBytes: expect.any(Number) });
    const system = await get<System>('/v1/system');
    expect(system.log.ackMeans).toBe('synced');
    expect(system.database).toMatchObject({ healthy: true, version: expect.stringMatching(/^\d/) });
    expect(system.tiles.find(({ metric }) => metric === 'rssBytes')?.value).toBeGreaterThan(2 ** 20);
    expect(system.tiles.every(({ what, whatToDo }) => what !== '' && whatToDo !== '')).toBe(true);
    expect(system.parts.map(({ name }) => name)).toEqual(['database', 'log', 'builds', 'gallery']);
    const series = await get<Series>('/v1/system/series?metric=rssBytes,requests');
    expect(series.metrics.map(({ metric }) => metric)).toEqual(['rssBytes', 'requests']);
    expect(series.at.length).toBeLessThanOrEqual(500);
    expect(series.metrics[0]?.mean.filter((value) => value !== null).length).toBeGreaterThan(0);
    const day = await get<Series>(
      `/v1/system/series?metric=cpu&from=${new Date(Date.now() - 86_000_000).toISOString()}`,
    );
    expect(day).toMatchObject({ stepMs: 300_000 });
    for (const query of ['metric=rss', 'metric=cpu&step=1x', 'metric=cpu&node=other', 'metric=cpu&step=1s', 'metric='])
      expect((await server.call(`/v1/system/series?${query}`)).status, query).toBe(400);
  });

  test('its settings say where they come from, and no secret', async () => {
    const { items } = await get<ConfigAnswer>('/v1/config');
    expect(items.find(({ name }) => name === 'MUSTER_CURRENCY')).toMatchObject({
      value: 'EUR',
      default: 'USD',
      origin: 'environment',
    });
    expect(items.find(({ name }) => name === 'OPENAI_API_KEY')).toMatchObject({ value: 'set', secret: true });
    expect(items.find(({ name }) => name === 'MUSTER_API_KEY')).toMatchObject({ value: 'set', secret: true });
    expect(JSON.stringify(items)).not.toContain('sk-very-secret');
    expect(JSON.stringify(items)).not.toContain(server.key);
  });

  test('its jobs are listed, retried, put off and stopped, with an audit row each', async () => {
    const failed = newId('job');
    const waiting = newId('job');
    await server.app.db.query(sql`
      insert into jobs_done (id, kind, outcome, reason, attempt, term, enqueued_at, payload)
      values (${failed}, 'gallery.ready', 'failed', 'broken', 3, 3, now(), '{"token": "abc", "n": 1}')`);
    await server.app.db.query(sql`
      insert into jobs (id, kind, state, attempts_max, run_at) values (${waiting}, 'nobody.takes', 'waiting', 3, now() + interval '1 day')`);
    const { items } = await get<{ items: JobSummary[] }>('/v1/jobs?state=failed,waiting&limit=200');
    expect(items.map(({ id }) => id)).toEqual(expect.arrayContaining([failed, waiting]));
    expect(await get(`/v1/jobs/${failed}`)).toMatchObject({ reason: 'broken', payload: { token: '[redacted]', n: 1 } });
    const { body: again } = await server.ask<JobSummary>(`/v1/jobs/${failed}/retry`, { json: {} });
    expect(again).toMatchObject({ kind: 'gallery.ready', state: expect.not.stringMatching('failed') });
    expect(again.id).not.toBe(failed);
    const until = new Date(Date.now() + 3_600_000).toISOString();
    expect((await server.ask(`/v1/jobs/${waiting}/snooze`, { json: { until } })).body).toMatchObject({ runAt: until });
    expect((await server.ask(`/v1/jobs/${waiting}/retry`, { json: {} })).body).toMatchObject({ state: 'ready' });
    const stopped = await server.ask(`/v1/jobs/${waiting}/cancel`, { json: { reason: 'not needed' } });
    expect(stopped.body).toMatchObject({ state: 'cancelled', reason: 'not needed' });
    expect(await server.ask(`/v1/jobs/${waiting}/retry`, { json: {} })).toMatchObject({
      status: 409,
      body: { reason: 'job_state', state: 'cancelled' },
    });
    const { items: rows } = await get<{ items: { action: string }[] }>('/v1/audit?limit=200');
    for (const action of ['job.retried', 'job.snoozed', 'job.cancelled'])
      expect(rows.map((row) => row.action)).toContain(action);
    expect((await server.call('/v1/jobs?state=odd')).status).toBe(400);
  });

  test('is for who administers the installation', async () => {
    const paths = ['/v1/system', '/v1/system/series?metric=cpu', '/v1/jobs', '/v1/config'];
    const key = await server.makeKey('builds:admin', 'accounts:read');
    for (const path of paths) {
      expect((await admin.api(path)).status, path).toBe(200);
      expect(await viewer.api(path), path).toMatchObject({ status: 403, body: { reason: 'not_installation_admin' } });
      expect((await server.ask(path, { key: key.secret })).status, path).toBe(403);
      expect((await server.ask(path, { key: null })).status, path).toBe(401);
    }
  });
});

test('usage and prices, by the credential’s areas', async () => {
  const usage = await get<Usage>('/v1/usage?by=day&tz=Asia/Kolkata');
  expect(usage.buckets).toHaveLength(7);
  expect(usage).toMatchObject({ currency: 'EUR', tz: 'Asia/Kolkata', total: { money: { unpriced: 0 } } });
  const rules = [{ meter: 'build.time', price: '0.5', per: 'hour', from: '2026-01-01' }];
  const put = await server.ask<Prices>('/v1/prices', { method: 'PUT', json: { rules } });
  expect(put).toMatchObject({ status: 200, body: { version: 1, origin: 'api' } });
  const stale = await server.ask('/v1/prices', { method: 'PUT', json: { rules }, headers: { 'if-match': '"0"' } });
  expect(stale).toMatchObject({ status: 409, body: { reason: 'version_conflict', version: 1 } });
  expect((await viewer.api('/v1/prices', { method: 'PUT', json: { rules } })).status).toBe(403);
  expect((await viewer.api<Prices>('/v1/prices')).body.rules).toHaveLength(1);
  for (const price of ['-1', '0.1234567', 'much'])
    expect((await server.call('/v1/prices', { method: 'PUT', json: { rules: [{ ...rules[0], price }] } })).status).toBe(
      400,
    );
  const csv = await server.call('/v1/usage/export?from=2026-01-01&to=2026-01-02');
  expect(csv.headers.get('content-type')).toContain('text/csv');
  expect(await csv.text()).toMatch(/^bucket,start,end,zone,meter/);
  const streamsOnly = await server.makeKey('streams:read');
  expect((await server.ask('/v1/usage', { key: streamsOnly.secret })).status).toBe(403);
  expect((await server.ask('/v1/usage?meter=build.time', { key: streamsOnly.secret })).status).toBe(403);
});

test('acts of bots are counted in the hours they were done in, also in simulated ones', async () => {
  expect((await server.ask('/v1/gallery/bots/bulk', { json: { action: 'stop', all: true } })).status).toBeLessThan(300);
  const { body: task } = await server.ask<{ id: string }>('/v1/gallery/sim', {
    json: { count: 3, hours: 2, start: false },
  });
  const over = async (): Promise<boolean> =>
    (await get<{ state: string }>(`/v1/gallery/tasks/${task.id}`)).state === 'done';
  await until(over, { withinMs: 50_000 });
  const { posts, comments, replies, likes } = (await get<GalleryFleet>('/v1/gallery/fleet')).counts;
  const usage = await get<Usage>('/v1/usage?by=hour&meter=gallery.acts&group=kind');
  const counted = Object.fromEntries(usage.total.lines.map(({ group, quantity }) => [group, quantity]));
  expect(counted).toEqual(
    Object.fromEntries(
      Object.entries({ post: posts, comment: comments, reply: replies, like: likes }).filter(([, n]) => n > 0),
    ),
  );
  expect(usage.buckets.filter(({ lines }) => lines.length > 0).length).toBeGreaterThan(1);
  expect((await get<Overview>('/v1/overview?window=24h')).gallery?.finished).toBe(posts + comments + replies + likes);
}, 60_000);
