import { afterAll, beforeEach, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { buildsServer } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { ipa, LegacyClient, source } from '#test/legacy-client';
import { formBody, formType, RawRequest } from '#test/raw-http';

/* The old generation: API key and worker id, a poll every 30 s, no heartbeat. */

const database = await testDatabase();
const server = await buildsServer(database);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
let mac: LegacyClient;
beforeEach(async () => {
  mac = new LegacyClient(server, await server.keyWith(['builds:operate'], await server.project()));
});

const leaseMinutes = async (id: string): Promise<number> => {
  const [row] = await server.db.query<{ minutes: number }>(sql`
    select round(extract(epoch from lease_until - now()) / 60)::float8 as minutes from builds where id = ${id}`);
  return row?.minutes ?? 0;
};

test('old-worker-flow: register, poll, source, certs, silence, upload', async () => {
  const { id } = await mac.submit({ certs: true });
  const worker = await mac.register();
  expect(worker).toMatchObject({
    status: 'registered',
    baseImageId: null,
    access_token: expect.stringMatching(/^[A-Za-z0-9_-]{32}$/),
  });

  const { body } = await mac.pollByKey(worker.id);
  expect(body).toEqual({
    job: {
      id,
      platform: 'ios',
      source_url: `/api/builds/${id}/source`,
      certs_url: `/api/builds/${id}/certs`,
      baseImageId: null,
      submitted_at: expect.stringMatching(/Z$/),
      otp: expect.stringMatching(/^[A-Za-z0-9_-]{32}$/),
    },
    access_token: expect.stringMatching(/^.{32}$/),
  });
  expect(await leaseMinutes(id)).toBe(30);
  expect((await mac.status(id)).body.status).toBe('assigned');

  const headers = mac.k({ 'X-Worker-Id': worker.id });
  const fetched = await mac.get(body.job.source_url, headers);
  expect([fetched.status, fetched.bytes.equals(source())]).toEqual([200, true]);
  expect(Object.fromEntries(fetched.headers)).toMatchObject({
    'content-type': 'application/zip',
    'content-disposition': `attachment; filename="${id}.zip"`,
  });
  // The first sign of work starts the build; from here it may be silent until it is done.
  expect((await mac.status(id)).body.status).toBe('building');
  expect(await leaseMinutes(id)).toBe(130);
  const certs = await mac.get(body.job.certs_url, headers);
  expect(Object.fromEntries(certs.headers)).toMatchObject({
    'content-type': 'application/zip',
    'content-disposition': `attachment; filename="${id}-certs.zip"`,
    'cache-control': 'no-store',
  });
  expect(certs.bytes.subarray(0, 2).toString()).toBe('PK');

  const file = ipa();
  const done = await mac.result([
    { name: 'result', fileName: 'App.ipa', value: file },
    { name: 'build_id', value: id },
    { name: 'worker_id', value: worker.id },
    { name: 'success', value: 'true' },
  ]);
  expect(done).toMatchObject({ status: 200, body: { status: 'success', success: true, message: expect.any(String) } });
  expect((await mac.get(`/api/builds/${id}/download`)).bytes.equals(file)).toBe(true);
  expect((await mac.get(`/api/workers/${worker.id}/stats`)).body).toEqual({
    totalBuilds: 1,
    successfulBuilds: 1,
    failedBuilds: 0,
    workerName: 'Mac Studio',
    status: 'idle',
    uptime: expect.stringMatching(/^\d+s$/),
  });
});

test('a worker that polls while it holds a build gets that one again, with a fresh password, and never a second one', async () => {
  const first = await mac.submit();
  await mac.submit();
  const worker = await mac.register();
  const one = await mac.pollByKey(worker.id);
  const two = await mac.pollByKey(worker.id);
  expect([one.body.job.id, two.body.job.id]).toEqual([first.id, first.id]);
  expect(two.body.job.otp).not.toBe(one.body.job.otp);
  expect(await mac.post(`/api/builds/${first.id}/authenticate`, { otp: one.body.job.otp }, {})).toMatchObject({
    status: 401,
    body: { error: 'Invalid OTP' },
  });
  expect((await mac.status(first.id)).body.status).toBe('assigned');
  expect((await mac.get('/api/builds/active')).body.builds).toHaveLength(1);
});

test('a poll that may wait gets the build as soon as it is submitted, and null when there is none', async () => {
  const worker = await mac.register();
  const waiting = mac.get(`/api/workers/poll?worker_id=${worker.id}&wait=20s`);
  const { id } = await mac.submit();
  expect((await waiting).body.job.id).toBe(id);
  const other = await mac.register({ name: 'Other' });
  expect((await mac.pollByKey(other.id)).body.job).toBeNull();
});

test('its monitor tells with a name alone, and the lease does not live on that', async () => {
  const { id } = await mac.submit();
  const worker = await mac.register({ id: 'mac-7' });
  await mac.pollByKey(worker.id);
  const before = await leaseMinutes(id);
  const names = { 'X-Worker-Id': 'mac-7', 'X-Build-Id': id };
  const beat = {
    type: 'heartbeat',
    timestamp: '2026-01-01T00:00:00Z',
    data: {
      heartbeat_count: 1,
      stage: 'compiling',
      metrics: { cpu_percent: 210.5, memory_mb: 4_096, disk_percent: 140, processes: 88 },
      uptime_seconds: 30,
    },
  };
  expect(await mac.post(`/api/builds/${id}/telemetry`, beat, names)).toMatchObject({
    status: 200,
    body: { status: 'ok' },
  });
  expect((await mac.status(id)).body.status).toBe('assigned');
  expect(await leaseMinutes(id)).toBe(before);
  expect((await mac.post(`/api/builds/${id}/telemetry`, beat, mac.k(names))).status).toBe(200);
  expect(await leaseMinutes(id)).toBe(15);
  const points = await server.db.query(
    sql`select cpu_percent, memory_mb, disk_percent, processes, stage from build_telemetry where build_id = ${id}`,
  );
  // 140 % of a disk is dropped and counted; the rest of the point stays.
  expect(points[0]).toEqual({
    cpu_percent: 210.5,
    memory_mb: 4096,
    disk_percent: null,
    processes: 88,
    stage: 'compiling',
  });
  expect(await server.metric('muster_builds_telemetry_dropped_total{cause="out_of_range"}')).toBeGreaterThan(0);
  for (const body of [{}, { type: 'heartbeat' }, { type: 'other', data: {} }, 'not json']) {
    expect((await mac.post(`/api/builds/${id}/telemetry`, body, names)).status).toBe(400);
  }
});

test('a worker that says which platforms it has gets no other', async () => {
  await mac.submit({ platform: 'ios' });
  const android = await mac.submit({ platform: 'android' });
  const worker = await mac.register({ platforms: ['android'] });
  expect((await mac.pollByKey(worker.id)).body.job.id).toBe(android.id);
});

test('a build that names no platform is not for a phone builder, and says so', async () => {
  const { id } = await server.submitted({ token: mac.key });
  const worker = await mac.register();
  expect((await mac.pollByKey(worker.id)).body.job).toBeNull();
  const { body } = await server.call('GET', `/v1/builds/${id}`, { token: mac.key });
  expect(body).toMatchObject({ state: 'queued', waiting: { reason: 'no_matching_worker' } });
});

test('upload-before-fields: a failure, a missing file, and a result that says false', async () => {
  const { id } = await mac.submit();
  const worker = await mac.register();
  await mac.pollByKey(worker.id);
  const before = await server.blobs.list('builds/artifact/');
  const fields = [
    { name: 'build_id', value: id },
    { name: 'worker_id', value: worker.id },
  ];
  expect(await mac.result([...fields, { name: 'success', value: 'true' }])).toMatchObject({
    status: 400,
    body: { error: 'Missing result file' },
  });
  expect((await mac.status(id)).body.status).toBe('assigned');
  expect(await mac.result([{ name: 'result', fileName: 'a', value: ipa() }])).toMatchObject({
    status: 400,
    body: { error: 'build_id and worker_id required' },
  });
  expect(await mac.post('/api/workers/upload', { build_id: id })).toMatchObject({
    status: 400,
    body: { error: 'Content must be multipart/form-data' },
  });
  expect(await mac.result([...fields.slice(0, 1), { name: 'worker_id', value: 'nobody' }])).toMatchObject({
    status: 404,
    body: { error: 'Worker not found' },
  });
  expect(await mac.result([{ name: 'build_id', value: 'nothing' }, ...fields.slice(1)])).toMatchObject({
    status: 404,
    body: { error: 'Build not found' },
  });

  const failed = await mac.result([
    { name: 'result', fileName: 'log.txt', value: 'junk' },
    { name: 'success', value: 'false' },
    { name: 'error_message', value: 'Signing failed\nsee log' },
    ...fields,
  ]);
  expect(failed).toMatchObject({ status: 200, body: { status: 'failed', success: true } });
  expect((await mac.status(id)).body).toMatchObject({ status: 'failed', error_message: 'Signing failed\nsee log' });
  // What was sent for nothing is not kept.
  expect(await server.db.query(sql`select 1 from build_artifacts where build_id = ${id}`)).toEqual([]);
  expect(await server.blobs.list('builds/artifact/')).toEqual(before);
});

test('the same result again is 200, another one 409, a failure after success 409', async () => {
  const { id } = await mac.submit();
  const worker = await mac.register();
  await mac.pollByKey(worker.id);
  const file = ipa();
  const upload = (value: Uint8Array | undefined, success = 'true') =>
    mac.result([
      ...(value ? [{ name: 'result', fileName: 'a', value }] : []),
      { name: 'build_id', value: id },
      { name: 'worker_id', value: worker.id },
      { name: 'success', value: success },
    ]);
  expect((await upload(file)).status).toBe(200);
  expect((await upload(file)).status).toBe(200);
  expect((await upload(undefined)).status).toBe(200);
  expect((await upload(ipa())).status).toBe(409);
  expect((await upload(undefined, 'false')).status).toBe(409);
  expect((await mac.post('/api/workers/fail', { build_id: id, error: 'clean-up' })).status).toBe(409);
  expect((await mac.status(id)).body).toMatchObject({ status: 'completed', error_message: null });
  expect((await mac.get(`/api/builds/${id}/download`)).bytes.equals(file)).toBe(true);
});

test('adopt-queued-result: a known worker of the key’s project may end a build nobody holds', async () => {
  const { id } = await mac.submit();
  const worker = await mac.register();
  const other = await mac.register({ name: 'Other' });
  const fields = [
    { name: 'build_id', value: id },
    { name: 'worker_id', value: worker.id },
    { name: 'success', value: 'true' },
  ];
  const file = ipa();
  const byToken = await mac.result([{ name: 'result', fileName: 'a', value: file }, ...fields], {
    'X-Worker-Token': worker.access_token,
  });
  expect(byToken).toMatchObject({ status: 403, body: { error: 'Worker not authorized for this build' } });
  expect((await mac.result(fields)).status).toBe(400);
  expect((await mac.status(id)).body.status).toBe('pending');
  expect((await mac.result([{ name: 'result', fileName: 'a', value: file }, ...fields])).status).toBe(200);
  expect((await mac.result([{ name: 'result', fileName: 'a', value: file }, ...fields])).status).toBe(200);
  expect((await mac.status(id)).body).toMatchObject({ status: 'completed', worker_id: worker.id });
  expect((await mac.get(`/api/builds/${id}/download`)).bytes.equals(file)).toBe(true);

  const held = await mac.submit();
  await mac.pollByKey(worker.id);
  const foreign = await mac.result([
    { name: 'build_id', value: held.id },
    { name: 'worker_id', value: other.id },
    { name: 'success', value: 'false' },
  ]);
  expect(foreign.status).toBe(403);
  expect((await mac.status(held.id)).body.status).toBe('assigned');
  const lost = await mac.submit();
  const failed = await mac.result([
    { name: 'build_id', value: lost.id },
    { name: 'worker_id', value: other.id },
    { name: 'success', value: 'false' },
    { name: 'error_message', value: 'gone' },
  ]);
  expect(failed.status).toBe(200);
  expect((await mac.status(lost.id)).body).toMatchObject({ status: 'failed', error_message: 'gone' });
});

test('a late upload of a cancelled build is 409, and its file is not kept', async () => {
  const { id } = await mac.submit();
  const worker = await mac.register();
  await mac.pollByKey(worker.id);
  await mac.post(`/api/builds/${id}/cancel`);
  const before = await server.blobs.list('builds/artifact/');
  const late = await mac.result([
    { name: 'result', fileName: 'a', value: ipa() },
    { name: 'build_id', value: id },
    { name: 'worker_id', value: worker.id },
    { name: 'success', value: 'true' },
  ]);
  expect(late).toMatchObject({ status: 409, body: { error: 'Build cancelled by user' } });
  expect((await mac.status(id)).body).toMatchObject({ status: 'failed', state: 'cancelled' });
  expect(await server.blobs.list('builds/artifact/')).toEqual(before);
});

test('an upload that breaks off leaves the build as it was', async () => {
  const { id } = await mac.submit();
  const worker = await mac.register();
  await mac.pollByKey(worker.id);
  const body = formBody([
    { name: 'result', fileName: 'a', value: ipa(200_000) },
    { name: 'build_id', value: id },
    { name: 'worker_id', value: worker.id },
  ]);
  using raw = new RawRequest(server.url);
  await raw.head('POST', '/api/workers/upload', {
    'X-API-Key': mac.key,
    'content-type': formType,
    'content-length': body.length,
  });
  await raw.send(body.subarray(0, 100_000));
  raw.cut();
  expect((await mac.status(id)).body.status).toBe('assigned');
  expect(
    (
      await mac.result([
        { name: 'result', fileName: 'a', value: ipa() },
        { name: 'build_id', value: id },
        { name: 'worker_id', value: worker.id },
      ])
    ).status,
  ).toBe(200);
});

test('heartbeats by key name the worker; progress is a line when it changes', async () => {
  const { id } = await mac.submit();
  const worker = await mac.register({ id: 'mac-9' });
  await mac.register({ id: 'mac-10' });
  await mac.pollByKey(worker.id);
  const beat = (query: string, body?: object) => mac.post(`/api/builds/${id}/heartbeat${query}`, body);
  expect(await beat('')).toMatchObject({ status: 400, body: { error: 'worker_id required' } });
  expect(await beat('?worker_id=mac-10')).toMatchObject({
    status: 403,
    body: { error: 'Build not assigned to this worker' },
  });
  expect(await beat('?worker_id=mac-9', { progress: 45 })).toMatchObject({
    status: 200,
    body: { status: 'ok', timestamp: expect.any(Number) },
  });
  await beat('?worker_id=mac-9', { progress: 45 });
  await beat('?worker_id=mac-9', { progress: 60 });
  await mac.send('POST', `/api/builds/${id}/heartbeat?worker_id=mac-9`, {
    headers: mac.k({ 'Content-Type': 'application/json' }),
  });
  expect(await leaseMinutes(id)).toBe(5);
  expect((await mac.logs(id)).map((entry) => entry.message).filter((text) => text.includes('progress'))).toEqual([
    'Build progress: 45%',
    'Build progress: 60%',
  ]);
  expect((await mac.post('/api/workers/heartbeat', { build_id: id })).body).toEqual({ success: true });
});

test('bodies that are not quite JSON: raw control bytes in log lines, other levels, no text', async () => {
  const { id } = await mac.submit();
  const worker = await mac.register({ id: 'mac-11' });
  await mac.pollByKey(worker.id);
  const headers = mac.k({ 'X-Worker-Id': 'mac-11' });
  const log = (body: string | object) => mac.post(`/api/builds/${id}/logs`, body, headers);
  expect(
    (await log('{"logs":[{"level":"info","message":"\u001b[1mbold\u0007\nnext"},{"level":"info","message":"tab\\t"}]}'))
      .body,
  ).toEqual({ success: true, count: 2 });
  expect(
    (
      await log({
        logs: [{ level: 'debug', message: 'x' }, { level: 'warn' }, null, 7, { level: 'error', message: 'kept' }],
      })
    ).body,
  ).toEqual({ success: true, count: 1 });
  expect((await log({ level: 'warn', message: 'alone' })).body).toEqual({ success: true });
  expect(await log({ level: 'debug', message: 'x' })).toMatchObject({
    status: 400,
    body: { error: 'Invalid log level. Must be: info, warn, or error' },
  });
  for (const body of [{}, { message: 'x' }, '']) {
    expect(await log(body)).toMatchObject({
      status: 400,
      body: { error: 'Invalid body. Expected { level, message } or { logs: [...] }' },
    });
  }
  expect((await log('{"logs":[')).status).toBe(400);
  expect((await mac.logs(id)).slice(2).map(({ level, message }) => [level, message])).toEqual([
    ['info', '\u001b[1mbold\u0007\nnext'],
    ['info', 'tab\t'],
    ['error', 'kept'],
    ['warn', 'alone'],
  ]);
});
