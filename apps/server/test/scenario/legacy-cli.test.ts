import { afterAll, beforeEach, expect, test } from 'vitest';
import { buildsServer } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { ipa, LegacyClient, send, source } from '#test/legacy-client';
import { boundary, formBody, formType, RawRequest } from '#test/raw-http';
import { startServer } from '#test/server';
import { until } from '#test/until';

const database = await testDatabase();
const server = await buildsServer(database);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
let cli: LegacyClient;
beforeEach(async () => {
  cli = new LegacyClient(server, await server.keyWith(['builds:operate'], await server.project()));
});

/** A worker of the old generation takes the build and brings this result. */
async function buildIt(id: string, file: Uint8Array): Promise<void> {
  const worker = await cli.register();
  const { body } = await cli.pollByKey(worker.id);
  expect(body.job.id).toBe(id);
  const done = await cli.result([
    { name: 'build_id', value: id },
    { name: 'worker_id', value: worker.id },
    { name: 'success', value: 'true' },
    { name: 'result', fileName: 'App.ipa', value: file },
  ]);
  expect(done).toMatchObject({ status: 200, body: { status: 'success', success: true } });
}

test('cli-flow: submit, status, list, logs -f past 100 lines, download', async () => {
  const submitted = await cli.submit({ certs: true });
  expect(submitted).toEqual({
    id: expect.stringMatching(/^[A-Za-z0-9_-]+$/),
    status: 'pending',
    platform: 'ios',
    submitted_at: expect.any(Number),
    access_token: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
  });
  const { id, access_token } = submitted;
  expect((await cli.status(id)).body).toEqual({
    id,
    status: 'pending',
    platform: 'ios',
    worker_id: null,
    submitted_at: expect.any(Number),
    started_at: null,
    completed_at: null,
    error_message: null,
    state: 'queued',
  });
  expect(await cli.logs(id)).toEqual([{ timestamp: expect.any(Number), level: 'info', message: 'Build submitted' }]);

  const worker = await cli.register({ id: 'mac-1' });
  expect((await cli.pollByKey('mac-1')).body.job.id).toBe(id);
  const lines = Array.from({ length: 250 }, (_, i) => ({ level: 'info', message: `line ${i}` }));
  const headers = cli.k({ 'X-Worker-Id': 'mac-1' });
  for (let at = 0; at < lines.length; at += 50) {
    const stored = await cli.post(`/api/builds/${id}/logs`, { logs: lines.slice(at, at + 50) }, headers);
    expect(stored.body).toEqual({ success: true, count: 50 });
  }
  expect((await cli.status(id)).body).toMatchObject({
    status: 'building',
    worker_id: worker.id,
    started_at: expect.any(Number),
  });
  // `logs -f` slices what it gets by how many it has shown: a default limit would stop it.
  const shown = await cli.logs(id);
  expect(shown.map((entry) => entry.message)).toEqual([
    'Build submitted',
    'Assigned to worker Mac Studio',
    ...lines.map((entry) => entry.message),
  ]);
  expect((await cli.get(`/api/builds/${id}/logs?limit=3`)).body.logs).toEqual(shown.slice(0, 3));
  expect((await cli.get(`/api/builds/${id}/logs?limit=0`)).body).toEqual({ build_id: id, logs: [] });
  expect((await cli.get(`/api/builds/${id}/logs?limit=abc`)).status).toBe(400);

  const file = ipa();
  await cli.result([
    { name: 'result', fileName: 'App.ipa', value: file },
    { name: 'build_id', value: id },
    { name: 'worker_id', value: 'mac-1' },
    { name: 'success', value: 'true' },
  ]);
  expect((await cli.status(id)).body).toMatchObject({
    status: 'completed',
    completed_at: expect.any(Number),
    error_message: null,
    state: 'succeeded',
  });
  expect((await cli.logs(id)).at(-1)).toMatchObject({ message: 'Build completed successfully' });

  const list = await cli.get('/api/builds');
  expect(list.headers.get('x-total-count')).toBe('1');
  expect(list.body).toEqual([
    {
      id,
      status: 'completed',
      createdAt: expect.stringMatching(/Z$/),
      completedAt: expect.stringMatching(/Z$/),
      platform: 'ios',
      worker_id: 'mac-1',
      worker_name: 'Mac Studio',
      submitted_at: expect.stringMatching(/Z$/),
      updated_at: expect.stringMatching(/Z$/),
      error_message: null,
      has_result: true,
    },
  ]);
  expect((await cli.get(`/api/builds/${id}`)).body).toEqual(list.body[0]);
  expect((await cli.get('/api/builds?shape=object')).body).toEqual({ builds: list.body, total: 1 });

  for (const path of [`/api/builds/${id}/download`, `/api/builds/${id}/download/result`]) {
    const download = await cli.get(path, { 'X-Build-Token': access_token });
    expect(download.bytes.equals(file)).toBe(true);
    expect(Object.fromEntries(download.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="${id}.ipa"`,
      'content-length': String(file.length),
      etag: expect.stringMatching(/^"sha256-[0-9a-f]{64}"$/),
    });
  }
  const part = await cli.get(`/api/builds/${id}/download`, cli.k({ Range: 'bytes=10-19' }));
  expect([part.status, part.bytes.equals(file.subarray(10, 20))]).toEqual([206, true]);
  const etag = (await cli.get(`/api/builds/${id}/download`)).headers.get('etag') ?? '';
  expect((await cli.get(`/api/builds/${id}/download`, cli.k({ 'If-None-Match': etag }))).status).toBe(304);
  expect((await cli.get(`/api/builds/${id}/download/source`)).bytes.equals(source())).toBe(true);
  expect(await cli.get(`/api/builds/${id}/download/logs`)).toMatchObject({
    status: 400,
    body: { error: 'Invalid file type' },
  });
});

test('a key the old clients already have is imported from the environment', async () => {
  const key = 'old controller key';
  await using fresh = await startServer({ env: { CONTROLLER_API_KEY: key } });
  const client = new LegacyClient(fresh, key);
  const { id } = await client.submit();
  expect((await client.status(id)).body.status).toBe('pending');
  expect((await client.status(id, { 'X-API-Key': `${key}!` })).status).toBe(403);
});

test('the two submits differ in status and times; parts come in any order; extra ones do no harm', async () => {
  const form = [
    { name: 'applePassword', value: 'hunter2' },
    { name: 'profile', fileName: 'p.mobileprovision', value: 'a profile' },
    { name: 'platform', value: 'android' },
    { name: 'appleId', value: 'me@example.com' },
    { name: 'source', fileName: '../../etc/passwd', type: 'text/plain', value: 'no archive at all' },
  ];
  const answer = await cli.send('POST', '/api/builds', { headers: cli.k(), form });
  expect(answer.status).toBe(201);
  expect(answer.body).toMatchObject({
    status: 'pending',
    platform: 'android',
    submitted_at: expect.stringMatching(/^\d{4}-.*Z$/),
  });
  expect(await cli.logs(answer.body.id)).toEqual([
    expect.objectContaining({ level: 'info', message: 'Build submitted' }),
    expect.objectContaining({ level: 'warn', message: expect.stringContaining('applePassword') }),
    expect.objectContaining({ level: 'warn', message: expect.stringContaining('appleId') }),
    expect.objectContaining({ level: 'warn', message: expect.stringContaining('profile') }),
  ]);
  expect(JSON.stringify(await server.db.query({ text: 'select * from build_specs', values: [] }))).not.toContain(
    'hunter2',
  );
});

test.each([
  ['no source', [{ name: 'platform', value: 'ios' }], 'Source file required'],
  [
    'an empty source',
    [
      { name: 'source', fileName: 'a', value: '' },
      { name: 'platform', value: 'ios' },
    ],
    'Source file required',
  ],
  [
    'no platform',
    [{ name: 'source', fileName: 'a', value: 'x' }],
    'Invalid platform. Valid platform required (ios|android)',
  ],
  [
    'another platform',
    [
      { name: 'source', fileName: 'a', value: 'x' },
      { name: 'platform', value: 'linux' },
    ],
    'Invalid platform. Valid platform required (ios|android)',
  ],
])('submit is refused with 400: %s', async (_, form, error) => {
  expect(await cli.send('POST', '/api/builds/submit', { headers: cli.k(), form })).toMatchObject({
    status: 400,
    body: { error },
  });
  expect((await cli.get('/api/builds')).body).toEqual([]);
});

test('a body that is not multipart is 400, and a source over the limit 413', async () => {
  expect(await cli.post('/api/builds/submit', { platform: 'ios' })).toMatchObject({
    status: 400,
    body: { error: 'Content must be multipart/form-data' },
  });
  const small = await buildsServer(database, { sourceBytesMax: 2_048, certsBytesMax: 2_048 });
  await using _ = small;
  const client = new LegacyClient(small, await small.keyWith(['builds:operate']));
  const big = (name: string) =>
    client.send('POST', '/api/builds/submit', {
      headers: client.k(),
      form: [
        { name, fileName: 'a', value: Buffer.alloc(3_000) },
        { name: 'platform', value: 'ios' },
      ],
    });
  expect(await big('source')).toMatchObject({ status: 413, body: { error: 'Source file too large' } });
  expect(await big('certs')).toMatchObject({ status: 413, body: { error: 'Certs file too large' } });
});

test('a submit whose answer nobody reads is cancelled, visibly', async () => {
  const body = formBody([
    { name: 'source', fileName: 'a', value: source() },
    { name: 'platform', value: 'ios' },
  ]);
  using raw = new RawRequest(server.url);
  await raw.head('POST', '/api/builds/submit', {
    'X-API-Key': cli.key,
    'content-type': formType,
    'content-length': body.length,
  });
  await raw.send(body.subarray(0, body.length - boundary.length));
  await raw.send(body.subarray(body.length - boundary.length));
  raw.cut();
  const listed = async () => (await cli.get('/api/builds')).body as { status: string; error_message: string }[];
  // The connection may end before anything was read; then there is no build at all, which is as good.
  await until(async () => (await listed()).every((build) => build.status === 'failed'));
  for (const build of await listed()) expect(build.error_message).toBe('Build cancelled by user');
});

test('cancelled-shows-failed: the CLI knows five words; the true state stands beside them', async () => {
  const { id } = await cli.submit();
  const cancelled = await cli.send('POST', `/api/builds/${id}/cancel`, {
    headers: cli.k({ 'Content-Type': 'application/json' }),
  });
  expect(cancelled).toMatchObject({ status: 200, body: { success: true, status: 'cancelled' } });
  expect((await cli.status(id)).body).toMatchObject({
    status: 'failed',
    error_message: 'Build cancelled by user',
    state: 'cancelled',
  });
  expect((await cli.get('/api/builds?status=failed')).body).toHaveLength(1);
  expect((await cli.get('/api/builds/statistics')).body).toEqual({
    total: 1,
    pending: 0,
    assigned: 0,
    building: 0,
    completed: 0,
    failed: 0,
    cancelled: 1,
  });
  expect(await cli.get(`/api/builds/${id}/download`)).toMatchObject({
    status: 400,
    body: { error: 'Build not completed' },
  });
  expect(await cli.get(`/api/builds/${id}/download/result`)).toMatchObject({
    status: 404,
    body: { error: 'Build or file not found' },
  });
  expect((await cli.logs(id)).map((entry) => entry.message)).toEqual(['Build submitted', 'Build cancelled']);
});

test('cancel by build token while it runs shows failed at once; a finished build cannot be cancelled', async () => {
  const { id, access_token } = await cli.submit();
  const worker = await cli.register();
  await cli.pollByKey(worker.id);
  expect((await cli.get('/api/builds/active')).body.builds).toEqual([
    { id, status: 'assigned', platform: 'ios', worker_id: worker.id, started_at: expect.any(Number) },
  ]);
  const token = { 'X-Build-Token': access_token };
  expect(await cli.post(`/api/builds/${id}/cancel`, undefined, token)).toMatchObject({ status: 200 });
  expect((await cli.status(id, token)).body).toMatchObject({ status: 'failed', state: 'cancelling' });

  const done = await cli.submit();
  const { body } = await cli.pollByKey((await cli.register()).id);
  expect(body.job.id).toBe(done.id);
  const failed = await cli.post('/api/workers/fail', { build_id: done.id, error: 'xcodebuild exit 65' });
  expect(failed).toMatchObject({ status: 200, body: { success: true } });
  expect((await cli.status(done.id)).body).toMatchObject({
    status: 'failed',
    error_message: 'xcodebuild exit 65',
    state: 'failed',
  });
  expect((await cli.logs(done.id)).at(-1)).toMatchObject({
    level: 'error',
    message: 'Build failed: xcodebuild exit 65',
  });
  expect(await cli.post(`/api/builds/${done.id}/cancel`)).toMatchObject({
    status: 400,
    body: { error: 'Build already finished: cannot be cancelled in current state' },
  });
});

test('retry gives a new build of the same source, by key or by token, even of one that waits', async () => {
  const first = await cli.submit({ certs: true });
  const again = await cli.post(`/api/builds/${first.id}/retry`, '', {
    'X-Build-Token': first.access_token,
    'Content-Type': 'application/json',
  });
  expect(again).toMatchObject({
    status: 200,
    body: {
      status: 'pending',
      submitted_at: expect.any(Number),
      access_token: expect.stringMatching(/^.{43}$/),
      original_build_id: first.id,
    },
  });
  const { id } = again.body;
  expect((await cli.logs(id))[0]).toMatchObject({ message: `Build submitted (retry of ${first.id})` });
  expect((await cli.logs(first.id)).at(-1)).toMatchObject({ message: `Retried as build ${id}` });
  expect((await cli.get(`/api/builds/${id}/download/source`)).bytes.equals(source())).toBe(true);
  await buildIt(first.id, ipa());
});

test('list filters: old words, platform, worker by the id it chose, limit', async () => {
  const [a, b] = [await cli.submit(), await cli.submit({ platform: 'android' })];
  const worker = await cli.register({ id: 'box', platforms: ['android'] });
  await cli.pollByKey(worker.id);
  const ids = async (query: string) =>
    (await cli.get(`/api/builds${query}`)).body.map((build: { id: string }) => build.id);
  expect(await ids('')).toEqual([b.id, a.id]);
  expect(await ids('?status=pending')).toEqual([a.id]);
  expect(await ids('?status=assigned')).toEqual([b.id]);
  expect(await ids('?platform=android')).toEqual([b.id]);
  expect(await ids('?worker_id=box')).toEqual([b.id]);
  expect(await ids('?worker_id=nobody')).toEqual([]);
  expect(await ids('?limit=1')).toEqual([b.id]);
  for (const query of ['?status=done', '?limit=-1', '?limit=x'])
    expect((await cli.get(`/api/builds${query}`)).status).toBe(400);
});

test('credentials: missing 401, wrong 403, another project unknown; a good token counts beside a wrong key', async () => {
  const { id, access_token } = await cli.submit();
  expect(await send(server.url, 'GET', `/api/builds/${id}/status`)).toMatchObject({
    status: 401,
    body: { error: 'Missing X-API-Key or X-Build-Token header (unauthorized)', errors: { detail: 'Unauthorized' } },
  });
  expect(await cli.get('/api/builds', {})).toMatchObject({
    status: 401,
    body: { error: 'Missing X-API-Key header (unauthorized)' },
  });
  expect(await cli.get('/api/builds', { 'X-API-Key': '' })).toMatchObject({ status: 401 });
  expect(await cli.get('/api/builds', { 'X-API-Key': 'wrong' })).toMatchObject({
    status: 403,
    body: { error: 'Invalid API key (forbidden)', errors: { detail: 'Forbidden' } },
  });
  expect(await cli.status(id, { 'X-Build-Token': 'x'.repeat(43) })).toMatchObject({
    status: 403,
    body: { error: 'Invalid or expired build token (forbidden)' },
  });
  expect((await cli.status(id, { 'X-Build-Token': access_token, 'X-API-Key': 'wrong' })).status).toBe(200);
  expect((await cli.status(id, { 'X-Build-Token': 'x'.repeat(43), 'X-API-Key': cli.key })).status).toBe(200);
  const stranger = new LegacyClient(server, await server.keyWith(['builds:operate'], await server.project()));
  expect(await stranger.status(id)).toMatchObject({ status: 404, body: { error: 'Build not found' } });
  expect(await cli.status('nonsense')).toMatchObject({ status: 404, body: { error: 'Build not found' } });
  expect(await cli.get('/api/nothing')).toMatchObject({
    status: 404,
    body: { error: 'Not found', errors: { detail: 'Not Found' } },
  });
});
