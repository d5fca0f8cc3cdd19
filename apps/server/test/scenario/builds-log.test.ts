import { afterAll, beforeEach, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { type Answered, type Attempt, buildsServer, type TestWorker } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { until } from '#test/until';
import { logCloser } from '../../src/builds/close-logs.ts';

const database = await testDatabase();
const server = await buildsServer(database, { logBytesMax: 24 * 2 ** 20 });
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
let worker: TestWorker;
let run: Attempt;
beforeEach(async () => {
  // One build after the other, each by a worker of its own that nothing else can be given to.
  const label = `t${Math.floor(performance.now() * 1_000)}`;
  await server.submitted({ build: { platform: 'linux', expects: 'nothing', requires: { label } } });
  worker = await server.worker({ labels: { label } });
  run = await worker.claim();
});

type Line = { text: string; level?: string; source?: string; at?: string };
const append = (
  offset: number,
  lines: Line[],
  more: { term?: number; token?: string | null; id?: string } = {},
): Promise<Answered> =>
  server.call('POST', `/v1/builds/${more.id ?? run.buildId}/log`, {
    body: { term: more.term ?? run.term, offset, lines },
    token: more.token === undefined ? run.token : more.token,
  });
const texts = (from: number, to: number): Line[] =>
  Array.from({ length: to - from }, (_, i) => ({ text: `line ${from + i}` }));
const stream = (query: string, headers: Record<string, string> = {}, id = run.buildId): Promise<Answered> =>
  server.call('GET', `/v1/stream/builds/${id}/log${query}`, { headers });
const download = async (query = ''): Promise<string> =>
  (
    await fetch(`${server.url}/v1/builds/${run.buildId}/log${query}`, {
      headers: { authorization: `Bearer ${server.key}` },
    })
  ).text();
// oxlint-disable-next-line typescript/no-explicit-any -- log records
const records = async (query = ''): Promise<any[]> =>
  (await download(`?format=ndjson${query}`))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const system = ['Build submitted', 'Assigned to worker mac'];

/** Events of a live stream until `enough`, then the connection is cut. */
async function follow(
  query: string,
  headers: Record<string, string>,
  enough: (seen: Followed) => boolean,
  id = run.buildId,
): Promise<Followed> {
  const cut = new AbortController();
  const answer = await fetch(`${server.url}/v1/stream/builds/${id}/log${query}`, {
    headers: { authorization: `Bearer ${server.key}`, ...headers },
    signal: cut.signal,
  });
  expect(answer.headers.get('content-type')).toContain('text/event-stream');
  const seen: Followed = { records: [], last: '', controls: [] };
  let text = '';
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      read(text.slice(0, end), seen);
      text = text.slice(end + 2);
    }
    if (enough(seen)) break;
  }
  cut.abort();
  return seen;
}
type Followed = { records: { text: string }[]; last: string; controls: Record<string, unknown>[] };

function read(event: string, seen: Followed): void {
  const fields = event
    .split('\n')
    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)] as const);
  const data = fields
    .filter(([name]) => name === 'data')
    .map(([, value]) => value)
    .join('\n');
  const name = fields.find(([field]) => field === 'event')?.[1]?.trim();
  if (name === 'data') seen.records.push(...JSON.parse(data));
  if (name !== 'control') return;
  seen.controls.push(JSON.parse(data));
  seen.last = fields.find(([field]) => field === 'id')?.[1]?.trim() ?? seen.last;
}

test('log-100k-lines-in-order: appended in batches, followed live, read in pages: the same lines, each once', async () => {
  const total = 100_000;
  const followed = follow('?live=sse&offset=-1', {}, (seen) => seen.records.length >= total + system.length);
  for (let at = 0; at < total; at += 5_000) {
    const answer = await append(at, texts(at, at + 5_000));
    expect(answer).toMatchObject({ status: 200, body: { offset: at + 5_000 } });
  }
  const wanted = [...system, ...texts(0, total).map((line) => line.text)];
  expect((await followed).records.map((record) => record.text)).toEqual(wanted);
  const paged: string[] = [];
  let offset = '-1';
  for (let upToDate = false; !upToDate; ) {
    const page = await stream(`?offset=${offset}`);
    paged.push(...(page.body as unknown as { text: string }[]).map((record) => record.text));
    offset = page.headers.get('stream-next-offset') ?? '';
    upToDate = page.headers.get('stream-up-to-date') === 'true';
  }
  expect(paged).toEqual(wanted);
  expect(await download()).toBe(`${wanted.join('\n')}\n`);
  await until(
    async () => (await server.call('GET', `/v1/builds/${run.buildId}`)).body['attempts'][0].logLines === total,
  );
});

test('row 47: an overlap is trimmed, a hole is 409 with what was expected', async () => {
  expect((await append(0, texts(0, 10))).body).toEqual({ offset: 10 });
  expect((await append(0, texts(0, 10))).body).toEqual({ offset: 10 });
  expect((await append(5, texts(5, 15))).body).toEqual({ offset: 15 });
  expect(await append(16, texts(16, 20))).toMatchObject({
    status: 409,
    body: { code: 'conflict', reason: 'log_gap', expectedOffset: 15 },
  });
  expect((await append(15, [])).body).toEqual({ offset: 15 });
  expect((await records()).slice(2).map(({ line, text, attempt }) => [attempt, line, text])).toEqual(
    texts(0, 15).map(({ text }, i) => [1, i, text]),
  );
});

test('row 48: a long line is cut, NUL removed, invalid UTF-8 and half a pair replaced, all counted', async () => {
  const repaired = () => server.metric('muster_builds_log_repaired_total');
  const before = await repaired();
  const body = Buffer.concat([
    Buffer.from(
      `{"term":${run.term},"offset":0,"lines":[{"text":"nul\\u0000gone"},{"text":"half \\ud800 pair"},{"text":"bytes `,
    ),
    Buffer.from([0xff, 0xfe]),
    Buffer.from(` here"},{"text":"${'€'.repeat(50_000)}","level":"error","source":"stderr","at":"noon"}]}`),
  ]);
  const answer = await server.call('POST', `/v1/builds/${run.buildId}/log`, {
    body,
    headers: { 'content-type': 'application/json' },
    token: run.token,
  });
  expect(answer).toMatchObject({ status: 200, body: { offset: 4 } });
  const stored = (await records()).slice(2);
  expect(stored.slice(0, 3).map((record) => record.text)).toEqual([
    'nulgone',
    'half \ufffd pair',
    'bytes \ufffd\ufffd here',
  ]);
  expect(
    stored.slice(3).map(({ line, cont, level, source, clientAt }) => ({ line, cont, level, source, clientAt })),
  ).toEqual(
    [undefined, true, true].map((cont) => ({ line: 3, cont, level: 'error', source: 'stderr', clientAt: 'noon' })),
  );
  expect(await download()).toContain(`\n${'€'.repeat(50_000)}\n`);
  expect(await repaired()).toBe(before + 4);
});

test('row 49: at the limit of the build 429, one warning in the log; the worker knows where its rest begins', async () => {
  const chunk = (n: number): Line[] => Array.from({ length: 16 }, () => ({ text: `${n}`.repeat(60_000) }));
  let at = 0;
  let last: Answered;
  do {
    last = await append(at, chunk(at % 10));
    if (last.status === 200) at = last.body['offset'];
  } while (last.status === 200);
  expect(last).toMatchObject({ status: 429, body: { code: 'exhausted', reason: 'log_full', expectedOffset: at } });
  expect((await append(at, chunk(1))).status).toBe(429);
  const warnings = (await records('&tail=20')).filter((record) => record.level === 'warn');
  expect(warnings).toEqual([expect.objectContaining({ source: 'system', text: expect.stringContaining('is full') })]);
  expect((await append(at - 16, chunk((at - 16) % 10))).body).toEqual({ offset: at });
  expect((await worker.finish(run)).status).toBe(200);
});

test('one append is at most 1 MiB of text and 5 000 lines, of known fields', async () => {
  expect(await append(0, [{ text: 'x'.repeat(2 ** 20 + 1) }])).toMatchObject({
    status: 413,
    body: { reason: 'append_too_large' },
  });
  expect((await append(0, texts(0, 5_001))).status).toBe(400);
  expect(await append(-1, [])).toMatchObject({
    status: 400,
    body: { reason: 'invalid_body', errors: [{ pointer: '/offset' }] },
  });
  expect((await append(0, [{ text: 'x', level: 'loud' }])).status).toBe(400);
  expect(
    (await server.call('POST', `/v1/builds/${run.buildId}/log`, { body: '{"term":', token: run.token })).status,
  ).toBe(400);
  expect((await records()).map((record) => record.text)).toEqual(system);
});

test('who may append: the attempt and its worker; not a key, another worker, an old term, another project', async () => {
  expect((await append(0, texts(0, 1), { token: worker.token })).status).toBe(200);
  expect((await append(1, texts(1, 2), { token: server.key })).status).toBe(403);
  expect((await append(1, texts(1, 2), { token: null })).status).toBe(401);
  const other = await server.worker();
  expect((await append(1, texts(1, 2), { token: other.token })).status).toBe(403);
  expect(await append(1, texts(1, 2), { term: 7 })).toMatchObject({
    status: 409,
    body: { reason: 'stale_term', term: 1 },
  });
  expect((await append(1, texts(1, 2), { id: 'bld_00000000000000000000000000' })).status).toBeGreaterThanOrEqual(403);
  const stranger = await server.keyWith(['builds:admin'], await server.project());
  expect((await server.call('GET', `/v1/builds/${run.buildId}/log`, { token: stranger })).status).toBe(404);
  expect((await server.call('GET', `/v1/stream/builds/${run.buildId}/log`, { token: stranger })).status).toBe(404);
  expect((await server.call('GET', `/v1/builds/${run.buildId}/log`, { token: null })).status).toBe(401);
});

test('lines after the end are taken for a minute, from the last term only', async () => {
  await append(0, texts(0, 2));
  await worker.finish(run);
  expect((await append(2, texts(2, 3), { token: worker.token })).body).toEqual({ offset: 3 });
  await server.db.query(sql`update builds set finished_at = finished_at - interval '61 s' where id = ${run.buildId}`);
  expect(await append(3, texts(3, 4), { token: worker.token })).toMatchObject({
    status: 409,
    body: { reason: 'stale_term' },
  });
  expect((await records()).map((record) => record.text)).toEqual([
    ...system,
    'line 0',
    'line 1',
    'Build completed successfully',
    'line 2',
  ]);
});

test('a build that is over closes its log, once late lines are no longer taken; its events go on', async () => {
  await append(0, texts(0, 1));
  await worker.finish(run);
  const close = logCloser(server.room);
  await close();
  expect((await stream('?offset=-1')).headers.get('stream-closed')).toBeNull();
  const following = follow('?live=sse&offset=-1', {}, (seen) =>
    seen.controls.some((control) => control['streamClosed'] === true),
  );
  await server.db.query(sql`update builds set finished_at = finished_at - interval '70 s' where id = ${run.buildId}`);
  expect(await logCloser(server.room)()).toBeGreaterThan(0);
  const page = await stream('?offset=-1');
  expect([page.headers.get('stream-closed'), (page.body as unknown as Line[]).at(-1)?.text]).toEqual([
    'true',
    'Build completed successfully',
  ]);
  expect((await following).controls.at(-1)).toMatchObject({ streamClosed: true });
  const last = page.headers.get('stream-next-offset') ?? '';
  // What a browser does by itself after the end: only this answer keeps it away.
  expect((await stream('?live=sse&offset=-1', { 'last-event-id': last })).status).toBe(204);
  expect(await logCloser(server.room)()).toBe(0);
  const dropped = await server.metric('muster_builds_outbox_dropped_total');
  expect((await server.call('POST', `/v1/builds/${run.buildId}/retry`, { body: {} })).status).toBe(201);
  const events = await server.call('GET', `/v1/stream/builds/${run.buildId}/events?offset=-1`);
  expect((events.body as unknown as { type: string }[]).map((event) => event.type).at(-1)).toBe('retried');
  expect(await server.metric('muster_builds_outbox_dropped_total')).toBe(dropped);
  expect(await append(1, texts(1, 2), { token: worker.token })).toMatchObject({ status: 409 });
});

test('nobody but the room writes to its streams', async () => {
  for (const path of [`builds/${run.buildId}/log`, 'builds/events', 'builds/anything/else', 'builds']) {
    for (const method of ['PUT', 'POST', 'DELETE']) {
      const answer = await fetch(`${server.url}/v1/stream/${path}`, {
        method,
        headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' },
        ...(method === 'DELETE' ? {} : { body: '1' }),
      });
      expect([method, path, answer.status]).toEqual([method, path, 403]);
      expect(await answer.json()).toMatchObject({ reason: 'managed_stream' });
    }
  }
  expect((await server.call('GET', '/v1/stream/builds/anything/else')).status).toBe(404);
  expect((await server.call('GET', '/v1/stream/meetings/bots/7/log')).status).toBe(404);
});

test('each attempt keeps its own part, and a lost one writes no more', async () => {
  await append(0, texts(0, 3));
  await server.call('POST', `/v1/workers/me/builds/${run.buildId}/abandon`, {
    body: { term: run.term, reason: 'disk' },
    token: worker.token,
  });
  expect((await append(3, texts(3, 4), { token: worker.token })).status).toBe(409);
  await server.db.query(sql`update builds set avoid_until = null where id = ${run.buildId}`);
  const first = run;
  run = await worker.claim();
  expect([run.buildId, run.term]).toEqual([first.buildId, 2]);
  await append(0, [{ text: 'again' }]);
  expect((await append(3, texts(3, 4), { token: worker.token, term: 1 })).status).toBe(409);
  expect(await download('?attempt=1')).toBe(
    'Assigned to worker mac\nline 0\nline 1\nline 2\nWorker mac gave the build back; queued again (attempt 2 of 3)\n',
  );
  expect(await download('?attempt=2&tail=1')).toBe('again\n');
  expect(await download('?tail=2')).toBe('Assigned to worker mac\nagain\n');
  expect(await download('?tail=0')).toBe('');
  expect((await server.call('GET', `/v1/builds/${run.buildId}/log?tail=x`)).status).toBe(400);
});

test('streams: pages by offset, ETag, and offsets that are none', async () => {
  await append(0, texts(0, 1_200));
  const first = await stream('?offset=-1');
  expect(first.body).toHaveLength(1_000);
  expect(first.headers.get('stream-up-to-date')).toBeNull();
  const next = first.headers.get('stream-next-offset') ?? '';
  expect(next).toMatch(/^\d{16}_\d{16}$/);
  const second = await stream(`?offset=${next}`);
  expect(second.body).toHaveLength(202);
  expect(second.headers.get('stream-up-to-date')).toBe('true');
  const etag = second.headers.get('etag') ?? '';
  expect((await stream(`?offset=${next}`, { 'if-none-match': etag })).status).toBe(304);
  const end = second.headers.get('stream-next-offset') ?? '';
  expect(await stream(`?offset=${end}`)).toMatchObject({ status: 200, body: [] });
  const now = await stream('?offset=now');
  expect([
    now.body,
    now.headers.get('stream-next-offset'),
    now.headers.get('cache-control'),
    now.headers.get('etag'),
  ]).toEqual([[], end, 'no-store', null]);
  for (const [query, reason] of [
    ['?offset=abc', 'offset_malformed'],
    ['?offset=1&offset=2', 'offset_malformed'],
    ['?live=long-poll', 'offset_required'],
    ['?offset=-1&live=telepathy', 'live_unknown'],
    [`?offset=${end.slice(0, 17)}0000000000009999`, 'offset_beyond_tail'],
  ]) {
    expect(await stream(query!)).toMatchObject({ status: 400, body: { reason } });
  }
});

test('long poll: at once when something lies there, woken by an append, 204 when nothing comes', async () => {
  const at = (await stream('?offset=now')).headers.get('stream-next-offset') ?? '';
  const waiting = stream(`?offset=${at}&live=long-poll&timeout=30s`);
  await append(0, texts(0, 2));
  const woken = await waiting;
  expect(woken.status).toBe(200);
  expect((woken.body as unknown as Line[]).map((record) => record.text)).toEqual(['line 0', 'line 1']);
  expect(Number(woken.headers.get('stream-cursor'))).toBeGreaterThan(0);
  expect((await stream(`?offset=${at}&live=long-poll`)).body).toHaveLength(2);
  const nothing = await stream('?offset=now&live=long-poll&timeout=1s');
  expect([nothing.status, nothing.headers.get('stream-up-to-date'), nothing.headers.get('cache-control')]).toEqual([
    204,
    'true',
    'no-store',
  ]);
  const cursor = nothing.headers.get('stream-cursor') ?? '';
  const again = await stream(`?offset=now&live=long-poll&timeout=1s&cursor=${cursor}`);
  expect(Number(again.headers.get('stream-cursor'))).toBeGreaterThan(Number(cursor));
});

test('events: the first control at once, then each append; a cut connection resumes by Last-Event-ID', async () => {
  await append(0, texts(0, 3));
  const first = await follow('?live=sse&offset=-1', {}, (seen) =>
    seen.controls.some((control) => control['upToDate'] === true),
  );
  expect(first.records.map((record) => record.text)).toEqual([...system, 'line 0', 'line 1', 'line 2']);
  const resumed = follow('?live=sse&offset=-1', { 'last-event-id': first.last }, (seen) => seen.records.length >= 2);
  await append(3, texts(3, 4));
  await append(4, texts(4, 5));
  expect((await resumed).records.map((record) => record.text)).toEqual(['line 3', 'line 4']);
});

const page = async (query: string): Promise<Answered['body']> =>
  (await server.call('GET', `/v1/builds/${run.buildId}/log/lines${query}`)).body;
const found = async (query: string): Promise<Answered> =>
  server.call('GET', `/v1/builds/${run.buildId}/log/find?${query}`);

test('lines are read by number, from either end, and the stream goes on behind them', async () => {
  await append(0, [...texts(0, 2_500), { text: 'x'.repeat(20_000) }]);
  const last = await page('?tail=2');
  expect(last).toMatchObject({ first: 0, total: 2_503, ended: false, gaps: [] });
  expect(last['items']).toMatchObject([
    { n: 2_501, text: 'line 2499' },
    { n: 2_502, text: 'x'.repeat(16_384), cutBytes: 3_616 },
  ]);
  expect((await page('?from=2502&limit=1&whole=true'))['items']).toMatchObject([
    { n: 2_502, text: 'x'.repeat(20_000) },
  ]);
  expect((await page('?from=1002&limit=2'))['items']).toMatchObject([
    { n: 1_002, text: 'line 1000' },
    { n: 1_003, text: 'line 1001' },
  ]);
  expect((await page('?from=0'))['items']).toHaveLength(2_000);
  expect((await page('?from=99999'))['items']).toEqual([]);
  await append(2_501, [{ text: 'behind' }]);
  expect((await stream(`?offset=${String(last['next'])}`)).body).toMatchObject([{ text: 'behind' }]);
});

test('a text, an expression and a level are found over the whole log, either way', async () => {
  const lines: Line[] = texts(0, 12_000);
  lines[3] = { text: 'Error: "no" \\ path' };
  lines[7_000] = { text: 'second ERROR: x', level: 'error' };
  lines[11_999] = { text: 'the "level":"error" is only said here' };
  for (let at = 0; at < lines.length; at += 4_000) await append(at, lines.slice(at, at + 4_000));
  expect((await found('q=error:')).body).toEqual({
    total: 2,
    hits: [
      { n: 5, from: 0, to: 6 },
      { n: 7_002, from: 7, to: 13 },
    ],
    next: null,
  });
  expect((await found(`q=${encodeURIComponent('"no" \\')}`)).body['hits']).toEqual([{ n: 5, from: 7, to: 13 }]);
  expect((await found(`q=${encodeURIComponent('^line 1\\d{3}$')}&regex=true&limit=2`)).body).toMatchObject({
    total: 1_000,
    hits: [{ n: 1_002 }, { n: 1_003 }],
    next: 1_004,
  });
  expect((await found('level=error')).body).toEqual({ total: 1, hits: [{ n: 7_002 }], next: null });
  expect((await found('level=error&from=7003&limit=1&count=false')).body['hits']).toEqual([]);
  expect((await found('q=line&from=9000&back=true&limit=2&count=false')).body).toMatchObject({
    total: null,
    hits: [{ n: 9_000 }, { n: 8_999 }],
  });
});

test('an expression that is none, or takes for ever, is refused and holds nobody up', async () => {
  await append(0, [{ text: 'a'.repeat(60) }]);
  expect((await found('q=(&regex=true')).body).toMatchObject({ code: 'invalid', reason: 'bad_regex' });
  const slow = found(`q=${encodeURIComponent('^(a+)+b$')}&regex=true`);
  expect((await server.call('GET', '/health')).status).toBe(200);
  expect((await slow).body).toMatchObject({ code: 'invalid', reason: 'regex_too_slow' });
});

test('an access token reads its own build’s log and no other', async () => {
  const { id, accessToken } = await server.submitted({ build: { platform: 'macos' } });
  const read = (path: string) => server.call('GET', path, { token: accessToken });
  expect((await read(`/v1/stream/builds/${id}/log?offset=-1`)).body).toHaveLength(1);
  expect((await read(`/v1/builds/${id}/log`)).text).toBe('Build submitted\n');
  expect((await read(`/v1/builds/${run.buildId}/log`)).status).toBe(403);
  expect((await read(`/v1/builds/${id}/log/lines`)).body).toMatchObject({ total: 1, items: [{ n: 0 }] });
  expect((await read(`/v1/builds/${run.buildId}/log/lines`)).status).toBe(403);
  expect((await read(`/v1/builds/${run.buildId}/log/find?q=x`)).status).toBe(403);
  expect((await read('/v1/stream/builds/events?offset=-1')).status).toBe(403);
});

test('what a machine measured is told in order, one point a second', async () => {
  const beat = (metrics: object) =>
    server.call('POST', '/v1/workers/me/heartbeat', {
      body: { leases: [{ buildId: run.buildId, term: run.term, metrics }] },
      token: worker.token,
    });
  expect((await beat({ cpuPercent: 180, memoryMb: 900 })).status).toBe(200);
  const { body } = await server.call('GET', `/v1/builds/${run.buildId}/telemetry`);
  expect(body['items']).toEqual([
    {
      at: expect.stringMatching(/:\d\d\.000Z$/),
      cpuPercent: 180,
      memoryMb: 900,
      diskPercent: null,
      processes: null,
      stage: null,
    },
  ]);
  expect((await beat({ cpuPercent: 100_000 })).status).toBe(400);
});
