/* Reading: pages, offsets, caching, long-polls, events, gaps (streams §2, §5-§7, §13). */
import { afterAll, expect, test } from 'vitest';
import { startServer } from '#test/server';
import { type Ask, eventsOf, type Said, type ServerEvent, streamCalls } from '#test/stream-calls';
import { until } from '#test/until';

const server = await startServer({ env: { MUSTER_STREAMS_LONG_POLL_MS: '300' } });
afterAll(() => server[Symbol.asyncDispose]());
const { put, post, get, head, remove, everything } = streamCalls(server);

let count = 0;
async function fresh(ask: Ask = {}): Promise<string> {
  const path = `read/${++count}`;
  expect((await put(path, ask)).status).toBe(201);
  return path;
}
const json: Ask = { type: 'application/json' };
const binary: Ask = { type: 'application/octet-stream' };
const close = { 'stream-closed': 'true' };
const marks = ({ headers }: Said): (string | null)[] =>
  ['stream-next-offset', 'stream-up-to-date', 'stream-closed', 'etag', 'cache-control'].map((name) =>
    headers.get(name),
  );
const tailOf = async (path: string): Promise<string> => (await head(path)).headers.get('stream-next-offset') ?? '';

async function follow(path: string, query: string, headers: Record<string, string> = {}): Promise<Response> {
  return server.call(`/v1/stream/${path}?live=sse&${query}`, { headers });
}
async function take(answer: Response, enough: (seen: readonly ServerEvent[]) => boolean): Promise<ServerEvent[]> {
  const seen: ServerEvent[] = [];
  for await (const event of eventsOf(answer)) {
    seen.push(event);
    if (enough(seen)) break;
  }
  return seen;
}
const controls = (seen: readonly ServerEvent[]): Record<string, unknown>[] =>
  seen.filter(({ event }) => event === 'control').map(({ data }) => JSON.parse(data) as Record<string, unknown>);
const upToDate = (seen: readonly ServerEvent[]): boolean => controls(seen).at(-1)?.['upToDate'] === true;

test('pages end at 1000 messages or 1 MiB, never say up to date too early, and fit together', async () => {
  const path = await fresh(json);
  for (let at = 0; at < 2_500; at += 500)
    await post(path, { ...json, body: JSON.stringify(Array.from({ length: 500 }, (_, i) => at + i)) });
  const first = await get(path);
  expect([(JSON.parse(first.text) as number[]).length, first.headers.get('stream-up-to-date')]).toEqual([1_000, null]);
  expect((await everything(path)).pages).toBe(3);
  const big = await fresh(binary);
  for (let i = 0; i < 5; i++) await post(big, { ...binary, body: Buffer.alloc(400_000, 65 + i) });
  const sizes: number[] = [];
  for (let next = '-1', done = false; !done; ) {
    const page = await get(big, `?offset=${next}`);
    sizes.push(page.text.length);
    next = page.headers.get('stream-next-offset') ?? '';
    done = page.headers.get('stream-up-to-date') === 'true';
  }
  expect(sizes).toEqual([800_000, 800_000, 400_000]);
  const one = await fresh({ ...binary, body: Buffer.alloc(3 * 2 ** 20) });
  expect((await get(one)).text).toHaveLength(3 * 2 ** 20);
});

test('where a read may begin', async () => {
  const path = await fresh({ body: 'ab' });
  const tail = await tailOf(path);
  for (const query of ['', '?offset=-1', `?offset=${'0'.repeat(16)}_${'0'.repeat(16)}`, '?unknown=1&offset=-1'])
    expect([query, (await get(path, query)).text]).toEqual([query, 'ab']);
  const now = await get(path, '?offset=now');
  expect([now.status, now.text, ...marks(now)]).toEqual([200, '', tail, 'true', null, null, 'no-store']);
  expect((await get(path, `?offset=${tail}`)).text).toBe('');
  const empty = await fresh(json);
  expect((await get(empty)).text).toBe('[]');
  for (const [query, reason] of [
    ['?offset=', 'offset_malformed'],
    ['?offset=0', 'offset_malformed'],
    ['?offset=1_1', 'offset_malformed'],
    ['?offset=now%20', 'offset_malformed'],
    ['?offset=-1&offset=-1', 'offset_malformed'],
    ['?offset=..%2f..%2fetc', 'offset_malformed'],
    ['?live=sse', 'offset_required'],
    ['?live=long-poll', 'offset_required'],
    ['?offset=-1&live=websocket', 'live_unknown'],
    [`?offset=${tail.slice(0, 17)}0000000000000009`, 'offset_beyond_tail'],
  ] as const) {
    const said = await get(path, query);
    expect([query, said.status, said.reason]).toEqual([query, 400, reason]);
  }
  expect(await get('read/never')).toMatchObject({ status: 404, reason: 'stream_unknown' });
});

test('an ETag names bytes for ever, and never hides a close', async () => {
  const path = await fresh({ body: 'a' });
  const first = await get(path);
  const etag = first.headers.get('etag') ?? '';
  expect(first.headers.get('cache-control')).toBe('private, max-age=60, stale-while-revalidate=300');
  expect(first.headers.get('vary')).toBe('Authorization, Cookie, Muster-Project, X-Muster-Project');
  for (const given of [etag, `"x", W/${etag}`, '*']) {
    const again = await get(path, '', { headers: { 'if-none-match': given } });
    expect([given, again.status, again.text, again.headers.get('etag')]).toEqual([given, 304, '', etag]);
  }
  await post(path, { type: null, headers: close });
  const closed = await get(path, '', { headers: { 'if-none-match': etag } });
  expect([closed.status, closed.text, closed.headers.get('stream-closed')]).toEqual([200, 'a', 'true']);
  expect(closed.headers.get('etag')).toBe(etag.replace(/"$/, ':c"'));
  const other = await fresh({ body: 'a' });
  expect((await get(other, '', { headers: { 'if-none-match': etag } })).status).toBe(200);
});

test('HEAD tells everything and costs nothing', async () => {
  const path = await fresh({ type: 'text/plain; charset=UTF-8', body: 'abc', headers: { 'stream-ttl': '3600' } });
  const said = await head(path);
  expect([
    said.status,
    said.headers.get('content-type'),
    said.headers.get('stream-ttl'),
    said.headers.get('cache-control'),
  ]).toEqual([200, 'text/plain; charset=UTF-8', '3600', 'no-store']);
  expect(said.headers.get('stream-first-offset')).toMatch(/_0{16}$/);
  const fixed = await fresh({ headers: { 'stream-expires-at': '2030-01-01T02:00:00+02:00' } });
  expect((await head(fixed)).headers.get('stream-expires-at')).toBe('2030-01-01T00:00:00.000Z');
  await post(path, { type: null, headers: close });
  expect((await head(path)).headers.get('stream-closed')).toBe('true');
  expect((await head('read/never')).status).toBe(404);
});

test('a long-poll answers at once, when something comes, or after its time', async () => {
  const path = await fresh();
  const tail = await tailOf(path);
  const nothing = await get(path, `?offset=${tail}&live=long-poll`);
  expect([nothing.status, ...marks(nothing)]).toEqual([204, tail, 'true', null, null, 'no-store']);
  const cursor = nothing.headers.get('stream-cursor') ?? '';
  expect(cursor).toMatch(/^\d+$/);
  const woken = get(path, `?offset=${tail}&live=long-poll&timeout=20s`);
  await post(path, { body: 'hello' });
  const answer = await woken;
  expect([answer.status, answer.text, answer.headers.get('stream-up-to-date')]).toEqual([200, 'hello', 'true']);
  expect(answer.headers.get('etag')).not.toBeNull();
  const again = await get(path, `?offset=${tail}&live=long-poll&cursor=${cursor}`);
  expect(again.text).toBe('hello');
  expect(Number(again.headers.get('stream-cursor'))).toBeGreaterThan(Number(cursor));
  const fromNow = get(path, '?offset=now&live=long-poll&timeout=20s');
  await post(path, { body: '!' });
  expect(await fromNow).toMatchObject({ status: 200, text: '!' });
  expect(await get(path, '?offset=now&live=long-poll&timeout=soon')).toMatchObject({ status: 400 });
});

test('a long-poll hears of the end: closed 204 at once, deleted 404', async () => {
  const path = await fresh({ body: 'x' });
  const tail = await tailOf(path);
  const waiting = get(path, `?offset=${tail}&live=long-poll&timeout=20s`);
  await post(path, { type: null, headers: close });
  for (const said of [await waiting, await get(path, `?offset=${tail}&live=long-poll&timeout=20s`)])
    expect([said.status, ...marks(said), said.headers.get('stream-cursor')]).toEqual([
      204,
      tail,
      'true',
      'true',
      null,
      'no-store',
      null,
    ]);
  const doomed = await fresh();
  const lost = get(doomed, '?offset=now&live=long-poll&timeout=20s');
  await remove(doomed);
  expect(await lost).toMatchObject({ status: 404 });
});

test('events: headers, data then control, ids that resume, and a last word', async () => {
  const path = await fresh(json);
  const answer = await follow(path, 'offset=-1');
  expect([
    answer.status,
    ...['content-type', 'cache-control', 'x-accel-buffering', 'content-length'].map((name) => answer.headers.get(name)),
  ]).toEqual([200, 'text/event-stream', 'no-cache', 'no', null]);
  const reading = take(answer, (seen) => controls(seen).at(-1)?.['streamClosed'] === true);
  await post(path, { ...json, body: '[{"n":1},{"n":2}]' });
  await post(path, { ...json, body: '"last"', headers: close });
  const seen = await reading;
  expect(seen[0]?.event).toBe('control');
  const data = seen.filter(({ event }) => event === 'data').flatMap((event) => JSON.parse(event.data) as unknown[]);
  expect(data).toEqual([{ n: 1 }, { n: 2 }, 'last']);
  const tail = await tailOf(path);
  expect(controls(seen).at(-1)).toEqual({ streamNextOffset: tail, streamClosed: true, upToDate: true });
  // Each batch is one data event and exactly one control event behind it, whose id is its offset.
  seen.forEach(({ event }, i) => event === 'data' && expect(seen[i + 1]?.event).toBe('control'));
  for (const { event, id, data: text } of seen)
    if (event === 'control') expect(id).toBe((JSON.parse(text) as { streamNextOffset: string }).streamNextOffset);
  const middle = seen.find(({ event }, i) => event === 'control' && seen[i - 1]?.event === 'data')?.id ?? '';
  const resumed = await take(await follow(path, 'offset=-1', { 'last-event-id': middle }), upToDate);
  expect(resumed.filter(({ event }) => event === 'data').map((event) => JSON.parse(event.data))).toEqual([['last']]);
  expect((await follow(path, 'offset=-1', { 'last-event-id': tail })).status).toBe(204);
  expect(upToDate(await take(await follow(path, `offset=${tail}`), upToDate))).toBe(true);
});

test('events: text can inject nothing, a leading space stays, other types travel as base64', async () => {
  const evil = 'a\r\nevent: control\rdata: {"streamClosed":true}\n\n b\n';
  const text = await fresh({ body: ' lead' });
  await post(text, { body: evil });
  const answer = await follow(text, 'offset=-1');
  expect(answer.headers.get('stream-sse-data-encoding')).toBeNull();
  const seen = await take(answer, upToDate);
  expect(seen.map(({ event }) => event)).toEqual(['data', 'control']);
  expect(seen[0]?.data).toBe(` lead${evil.replaceAll(/\r\n|\r/g, '\n')}`);
  expect((await everything(text)).text).toBe(` lead${evil}`);
  const bytes = Buffer.from([0, 255, 10, 13, 128]);
  const other = await fresh({ ...binary, body: bytes });
  const encoded = await follow(other, 'offset=-1');
  expect(encoded.headers.get('stream-sse-data-encoding')).toBe('base64');
  const [first] = await take(encoded, upToDate);
  expect(Buffer.from(first?.data ?? '', 'base64')).toEqual(bytes);
});

test('events: a cursor that a client brings only grows', async () => {
  const path = await fresh({ body: 'x' });
  const before = controls(await take(await follow(path, 'offset=-1'), upToDate))[0]?.['streamCursor'];
  const after = controls(await take(await follow(path, `offset=-1&cursor=${String(before)}`), upToDate))[0]?.[
    'streamCursor'
  ];
  expect(Number(after)).toBeGreaterThan(Number(before));
});

test('events end when the stream is deleted', async () => {
  const path = await fresh({ body: 'x' });
  const answer = await follow(path, 'offset=-1');
  const reading = take(answer, () => false);
  await remove(path);
  expect(upToDate(await reading)).toBe(true);
  expect(await get(path)).toMatchObject({ status: 404 });
});

test('what is no longer kept is 410, said with where reading may go on', async () => {
  const path = await fresh(json);
  for (const body of ['1', '2', '3', '4']) await post(path, { ...json, body });
  const start = (await get(path)).headers.get('stream-next-offset')?.slice(0, 17) ?? '';
  const changed = await server.call(`/v1/streams/${encodeURIComponent(path)}`, {
    method: 'PATCH',
    json: { retention: { maxMessages: 1 } },
  });
  expect(changed.status).toBe(200);
  await until(async () => (await get(path, `?offset=${start}0000000000000001`)).status === 410);
  const said = await get(path, `?offset=${start}0000000000000001`);
  expect(said.reason).toBe('offset_trimmed');
  expect(JSON.parse(said.text)).toMatchObject({
    requested: `${start}0000000000000001`,
    earliest: `${start}0000000000000003`,
    lostMessages: 2,
  });
  expect(said.headers.get('stream-first-offset')).toBe(`${start}0000000000000003`);
  expect((await get(path)).text).toBe('[4]');
  const live = await follow(path, `offset=${start}0000000000000001`);
  expect([live.status, live.headers.get('content-type')]).toEqual([410, 'application/problem+json']);
  await live.body?.cancel();
});

test('an offset of an earlier stream never resumes in a new one', async () => {
  const path = await fresh({ body: 'old' });
  const old = await tailOf(path);
  await remove(path);
  await put(path, { body: 'new' });
  expect(await get(path, `?offset=${old}`)).toMatchObject({ status: 410, reason: 'stream_recreated' });
  expect((await get(path)).text).toBe('new');
});

test('the same bytes whichever way they are read', async () => {
  const path = await fresh(json);
  const live = follow(path, 'offset=-1').then((answer) =>
    take(answer, (seen) => controls(seen).at(-1)?.['streamClosed'] === true),
  );
  const polled = (async () => {
    const parts: string[] = [];
    for (let next = '-1'; ; ) {
      const page = await get(path, `?offset=${next}&live=long-poll&timeout=5s`);
      if (page.text !== '') parts.push(page.text.slice(1, -1));
      next = page.headers.get('stream-next-offset') ?? '';
      if (page.headers.get('stream-closed') === 'true') return parts.filter((part) => part !== '').join(',');
    }
  })();
  for (let i = 0; i < 50; i++) await post(path, { ...json, body: `[${i}.0,{"i" :${i}}]` });
  await post(path, { type: null, headers: close });
  const { text } = await everything(path);
  expect(`[${await polled}]`).toBe(text);
  const pushed = (await live).filter(({ event }) => event === 'data').map(({ data }) => data.slice(1, -1));
  expect(`[${pushed.join(',')}]`).toBe(text);
});

test('create: what is the same, what differs, and what is wrong', async () => {
  const path = await fresh({ type: 'text/plain', headers: { 'stream-ttl': '60' } });
  expect(
    (await put(path, { type: 'TEXT/plain;charset=x', body: 'ignored', headers: { 'stream-ttl': '60' } })).status,
  ).toBe(200);
  expect((await get(path)).text).toBe('');
  for (const ask of [
    { type: 'text/html', headers: { 'stream-ttl': '60' } },
    { headers: { 'stream-ttl': '61' } },
    {},
  ] as Ask[])
    expect(await put(path, ask)).toMatchObject({ status: 409, reason: 'stream_differs' });
  expect(await put(path, { headers: { 'stream-ttl': '60', ...close } })).toMatchObject({ status: 409 });
  const wrong: [Record<string, string>, string][] = [
    ...['1.5', '01', '-1', '+1', '1e3', '', ' ', '99999999999'].map((ttl): [Record<string, string>, string] => [
      { 'stream-ttl': ttl },
      'ttl_malformed',
    ]),
    ...['tomorrow', '2026-13-01T00:00:00Z', '2026-01-01', '2099-01-01T00:00:00Z'].map(
      (at): [Record<string, string>, string] => [{ 'stream-expires-at': at }, 'expiry_malformed'],
    ),
    [{ 'stream-ttl': '1', 'stream-expires-at': '2027-01-01T00:00:00Z' }, 'ttl_and_expiry'],
    [{ 'stream-fork-offset': '-1' }, 'fork_offset'],
    [{ 'stream-fork-sub-offset': '0' }, 'fork_sub_offset'],
    [{ 'stream-forked-from': `/v1/stream/${path}`, 'stream-fork-offset': 'x' }, 'fork_offset'],
    [{ 'stream-forked-from': `/v1/stream/${path}`, 'stream-fork-sub-offset': '-1' }, 'fork_sub_offset'],
  ];
  for (const [headers, reason] of wrong)
    expect([headers, await put('read/wrong', { headers })]).toEqual([
      headers,
      expect.objectContaining({ status: 400, reason }),
    ]);
  expect((await head('read/wrong')).status).toBe(404);
  const first = await put('read/first', { ...json, body: '[1,[2]]', headers: close });
  expect([first.status, first.headers.get('location'), first.headers.get('stream-closed')]).toEqual([
    201,
    `${server.url}/v1/stream/read/first`,
    'true',
  ]);
  expect((await get('read/first')).text).toBe('[1,[2]]');
  expect(await put('read/broken', { ...json, body: '[1' })).toMatchObject({ status: 400, reason: 'json_invalid' });
  expect((await put('read/first', { ...json, body: '[1', headers: close })).status).toBe(200);
  expect((await put('read/none', { type: null })).headers.get('content-type')).toBe('application/octet-stream');
});
