/* What is full says so, with when to come back; what is gone says how it went (streams §8, §15). */
import { expect, test } from 'vitest';
import { startServer } from '#test/server';
import { streamCalls } from '#test/stream-calls';
import { until } from '#test/until';

test('a project that appends faster than it may is told when to come back; others are not', async () => {
  await using server = await startServer({
    env: { MUSTER_STREAMS_APPENDS_PER_SECOND_MAX: '5', MUSTER_STREAMS_BYTES_PER_SECOND_MAX: '4096' },
  });
  const { put, post, get } = streamCalls(server);
  await put('rate/one');
  const said = await Promise.all(Array.from({ length: 20 }, () => post('rate/one', { body: 'x' })));
  const refused = said.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(10);
  for (const { reason, headers } of refused) expect([reason, headers.get('retry-after')]).toEqual(['rate', '1']);
  // Reads have no budget, and the general request rate does not count here.
  for (let i = 0; i < 30; i++) expect((await get('rate/one')).headers.get('ratelimit-limit')).toBeNull();
  await until(async () => (await post('rate/one', { body: Buffer.alloc(4000) })).status === 204);
  expect(await post('rate/one', { body: Buffer.alloc(4000) })).toMatchObject({ status: 429, reason: 'rate' });
});

test('a credential has so many live reads; one that ends makes room', async () => {
  await using server = await startServer({ env: { MUSTER_STREAMS_LIVE_READS_PER_CREDENTIAL_MAX: '2' } });
  const { put, get } = streamCalls(server);
  await put('live/one');
  const other = await server.makeKey('streams:read');
  const cut = new AbortController();
  const open = [1, 2].map(() => server.call('/v1/stream/live/one?offset=-1&live=sse', { signal: cut.signal }));
  for (const answer of await Promise.all(open)) expect(answer.status).toBe(200);
  for (const query of ['?offset=now&live=long-poll', '?offset=-1&live=sse'])
    expect(await get('live/one', query)).toMatchObject({ status: 429, reason: 'followers_max' });
  expect((await get('live/one', '?offset=now&live=long-poll&timeout=1s', { key: other.secret })).status).toBe(204);
  const limits = await server.ask<{ items: { name: string; present: number }[] }>('/v1/limits');
  expect(JSON.stringify(limits.body)).toContain('streams.liveReadsPerCredential');
  cut.abort();
  await until(async () => (await get('live/one', '?offset=now&live=long-poll&timeout=1s')).status === 204);
});

test('a project has so many streams; those that are there go on, and one that goes makes room', async () => {
  await using server = await startServer({ env: { MUSTER_STREAMS_MAX: '6' } });
  const { put, post, remove } = streamCalls(server);
  const present = async (): Promise<unknown> => {
    const { body } = await server.ask<{ items: { name: string }[] }>('/v1/limits');
    return body.items.find(({ name }) => name === 'streams.streamsPerProject');
  };
  const made: string[] = [];
  for (let n = 0; (await put(`many/${n}`)).status === 201; n++) made.push(`many/${n}`);
  const [first = '', second = ''] = made;
  // The project's own events may be streams as well.
  expect(await present()).toMatchObject({ value: 6, present: 6, setting: 'MUSTER_STREAMS_MAX' });
  const refused = await put('many/more');
  expect([refused.status, refused.reason, refused.headers.get('retry-after')]).toEqual([429, 'streams_max', '60']);
  expect((await put('many/fork', { headers: { 'stream-forked-from': `/v1/stream/${first}` } })).reason).toBe(
    'streams_max',
  );
  expect([(await put(first)).status, (await post(first, { body: 'x' })).status]).toEqual([200, 204]);
  await remove(second);
  expect((await put('many/more')).status).toBe(201);
  expect((await put(second)).reason).toBe('streams_max');
});

test('a full disk refuses appends and lets reads go on', async () => {
  await using server = await startServer({ env: { MUSTER_DISK_MIN_FREE_BYTES: String(2 ** 49) } });
  const { put, get, head } = streamCalls(server);
  await until(async () => (await put('disk/one', { body: 'x' })).status === 429);
  const said = await put('disk/two', { body: 'x' });
  expect([said.status, said.reason, said.headers.get('retry-after')]).toEqual([
    429,
    'log_backlog',
    expect.stringMatching(/^\d+$/),
  ]);
  expect([(await get('disk/two')).status, (await head('disk/two')).status]).toEqual([404, 404]);
});

test('what forks keep, and what has expired', async () => {
  await using server = await startServer();
  const { put, post, get, head, remove } = streamCalls(server);
  const from = (path: string): { headers: Record<string, string> } => ({
    headers: { 'stream-forked-from': `/v1/stream/${path}` },
  });
  await put('life/source', { body: 'abc' });
  expect((await put('life/fork', from('life/source'))).status).toBe(201);
  expect((await get('life/fork')).text).toBe('abc');
  expect((await remove('life/source')).status).toBe(204);
  for (const said of [
    await get('life/source'),
    await head('life/source'),
    await post('life/source', { body: 'x' }),
    await remove('life/source'),
    await get('life/source', '?offset=-1&live=sse'),
    await get('life/source', '?offset=now&live=long-poll'),
  ])
    expect(said.status).toBe(410);
  expect((await get('life/source')).reason).toBe('kept_for_forks');
  expect(await put('life/source')).toMatchObject({ status: 409, reason: 'path_kept_for_forks' });
  expect(await put('life/other', from('life/source'))).toMatchObject({ status: 409, reason: 'fork_source_removed' });
  expect(await put('life/other', from('life/never'))).toMatchObject({ status: 404, reason: 'stream_unknown' });
  expect((await head('life/other')).status).toBe(404);
  expect((await get('life/fork')).text).toBe('abc');
  await remove('life/fork');
  await until(async () => (await get('life/source')).status === 404);

  await put('life/short', { headers: { 'stream-expires-at': new Date(Date.now() + 300).toISOString() } });
  const waiting = get('life/short', '?offset=now&live=long-poll&timeout=20s');
  expect((await waiting).status).toBe(404);
  const gone = await get('life/short');
  expect([gone.status, ['stream_expired', 'stream_unknown'].includes(gone.reason ?? '')]).toEqual([404, true]);
  expect((await put('life/short')).status).toBe(201);
});

test('a fork of what one may not read is refused', async () => {
  await using server = await startServer();
  const { put } = streamCalls(server);
  await put('mine/secret', { body: 'x' });
  const writer = await server.makeKey('streams:operate');
  const headers = (path: string): Record<string, string> => ({ 'stream-forked-from': path });
  // operate contains read: its own project's streams are all readable; rooms ask for their own scope.
  expect((await put('mine/fork', { key: writer.secret, headers: headers('/v1/stream/mine/secret') })).status).toBe(201);
  expect(await put('mine/events', { key: writer.secret, headers: headers('/v1/stream/builds/events') })).toMatchObject({
    status: 403,
    reason: 'scope_missing',
  });
  expect((await put('mine/events', { type: null, headers: headers('builds/events') })).status).toBe(201);
});
