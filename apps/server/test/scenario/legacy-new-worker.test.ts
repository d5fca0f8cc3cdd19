import { afterAll, beforeEach, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { buildsServer } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { ipa, LegacyClient, source } from '#test/legacy-client';

/* The new generation: a rotating worker token, a one-time password for a virtual machine, the machine's own token. */

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

const w = (token: string) => ({ 'X-Worker-Token': token });
const v = (token: string) => ({ 'X-VM-Token': token });
const ageTokens = (seconds: number) =>
  server.db.query(sql`update legacy_worker_tokens set expires_at = expires_at - ${seconds} * interval '1 s'`);

async function held(
  options: { certs?: boolean } = {},
): Promise<{ id: string; token: string; otp: string; worker: string }> {
  const { id } = await mac.submit(options);
  const worker = await mac.register({ platforms: ['ios'], count: 0 });
  const { body } = await mac.poll(worker.access_token);
  expect(body.job.id).toBe(id);
  return { id, token: body.access_token, otp: body.job.otp, worker: worker.id };
}

test('new-worker-flow: otp, certs-secure, vm-ready, heartbeats, artifact, result without file → completed', async () => {
  const { id, token, otp, worker } = await held({ certs: true });
  expect((await mac.get(`/api/builds/${id}/vm-status`, {})).body).toEqual({ vm_ready: false });

  const authenticated = await mac.post(`/api/builds/${id}/authenticate`, { otp }, { Accept: 'application/json' });
  expect(authenticated).toMatchObject({
    status: 200,
    body: { vm_token: expect.stringMatching(/^[A-Za-z0-9_-]{32}$/), expires_at: expect.stringMatching(/Z$/) },
  });
  const vm = v(authenticated.body.vm_token);
  expect((await mac.status(id)).body.status).toBe('building');

  const certs = await mac.get(`/api/builds/${id}/certs-secure`, vm);
  expect(certs.headers.get('cache-control')).toBe('no-store');
  expect(certs.body).toEqual({
    p12: Buffer.from('the p12 bytes').toString('base64'),
    p12Password: 's3cret',
    keychainPassword: expect.stringMatching(/^[A-Za-z0-9+/]{32}$/),
    provisioningProfiles: [Buffer.from('profile one').toString('base64')],
  });
  expect((await mac.get(`/api/builds/${id}/source`, vm)).bytes.equals(source())).toBe(true);

  const ready = await mac.send('POST', `/api/builds/${id}/vm-ready`, {
    headers: { ...vm, 'Content-Type': 'application/json' },
  });
  expect(ready.body).toEqual({ success: true, vm_ready_at: expect.stringMatching(/Z$/) });
  const status = await mac.get(`/api/builds/${id}/vm-status`, {});
  expect(status.body).toEqual({
    vm_ready: true,
    vm_token: expect.stringMatching(/^.{32}$/),
    vm_ready_at: ready.body.vm_ready_at,
  });
  expect((await mac.get(`/api/builds/${id}/vm-status`, {})).body).toEqual(status.body);

  const heartbeat = () => mac.post(`/api/builds/${id}/heartbeat`, undefined, v(status.body.vm_token));
  expect(await heartbeat()).toMatchObject({ status: 200, body: { status: 'ok', timestamp: expect.any(Number) } });
  expect(
    (
      await mac.post(
        `/api/builds/${id}/telemetry`,
        { type: 'monitor_started', data: {} },
        { ...vm, 'X-Worker-Id': worker, 'X-Build-Id': id },
      )
    ).status,
  ).toBe(200);
  expect(
    (
      await mac.post(
        `/api/builds/${id}/telemetry`,
        { type: 'cpu_snapshot', data: { cpu_percent: 50, memory_mb: 1 } },
        vm,
      )
    ).status,
  ).toBe(200);
  expect((await mac.post(`/api/builds/${id}/logs`, { logs: [{ level: 'info', message: 'npm ci' }] }, vm)).body).toEqual(
    { success: true, count: 1 },
  );

  const file = ipa();
  const artifact = await mac.send('POST', `/api/builds/${id}/artifact`, {
    headers: vm,
    form: [{ name: 'artifact', fileName: 'App.ipa', value: file }],
  });
  expect(artifact).toMatchObject({ status: 200, body: { success: true } });
  expect((await mac.status(id)).body.status).toBe('completed');
  // Anything but 200 would make the worker tear a good build down.
  expect((await heartbeat()).status).toBe(200);
  const done = await mac.result(
    [
      { name: 'build_id', value: id },
      { name: 'worker_id', value: worker },
      { name: 'success', value: 'true' },
    ],
    w(token),
  );
  expect(done).toMatchObject({ status: 200, body: { status: 'success', success: true } });
  expect((await mac.get(`/api/builds/${id}/download`)).bytes.equals(file)).toBe(true);
  const cleanUp = await mac.result([
    { name: 'build_id', value: id },
    { name: 'worker_id', value: worker },
    { name: 'success', value: 'false' },
    { name: 'error_message', value: 'tart delete failed' },
  ]);
  expect(cleanUp.status).toBe(409);
  expect((await mac.logs(id)).map((entry) => entry.message)).toEqual([
    'Build submitted',
    'Assigned to worker Mac Studio',
    'VM authenticated with OTP',
    'VM signaled ready',
    'VM monitoring started',
    'npm ci',
    'Build completed successfully',
  ]);
});

test('certs: none 404, by key the build is named twice', async () => {
  const { id, otp, worker } = await held();
  const vm = v(await mac.bootVm(id, otp));
  expect(await mac.get(`/api/builds/${id}/certs-secure`, vm)).toMatchObject({
    status: 404,
    body: { error: 'Certs not found' },
  });
  expect(await mac.get(`/api/builds/${id}/certs`, vm)).toMatchObject({
    status: 404,
    body: { error: 'Certs not found' },
  });
  const secure = (headers: Record<string, string>) => mac.get(`/api/builds/${id}/certs-secure`, mac.k(headers));
  expect(await secure({})).toMatchObject({ status: 401, body: { error: 'Missing X-Worker-Id header (unauthorized)' } });
  expect(await secure({ 'X-Worker-Id': worker })).toMatchObject({
    status: 401,
    body: { error: 'Missing X-Build-Id header' },
  });
  expect(await secure({ 'X-Worker-Id': worker, 'X-Build-Id': 'other' })).toMatchObject({
    status: 403,
    body: { error: 'X-Build-Id header does not match build ID in URL' },
  });
  expect((await secure({ 'X-Worker-Id': worker, 'X-Build-Id': id })).status).toBe(404);
});

test('certs that no worker could use are taken at submit and refused when read', async () => {
  const form = [
    { name: 'source', fileName: 'a', value: source() },
    { name: 'platform', value: 'ios' },
    { name: 'certs', fileName: 'c.zip', value: 'not a zip' },
  ];
  const { body } = await mac.send('POST', '/api/builds/submit', { headers: mac.k(), form });
  const worker = await mac.register();
  const { job } = (await mac.poll(worker.access_token)).body;
  expect(job.id).toBe(body.id);
  const vm = v(await mac.bootVm(body.id, job.otp));
  expect(await mac.get(`/api/builds/${body.id}/certs-secure`, vm)).toMatchObject({
    status: 400,
    body: { error: 'Failed to process certs file' },
  });
  expect((await mac.get(`/api/builds/${body.id}/certs`, vm)).text).toBe('not a zip');
});

test('one-time password: once, again within a minute while its token was never used, five tries, half an hour', async () => {
  const { id, otp } = await held();
  const exchange = (value: unknown) => mac.post(`/api/builds/${id}/authenticate`, { otp: value }, {});
  expect(await mac.post(`/api/builds/${id}/authenticate`, '', {})).toMatchObject({
    status: 400,
    body: { error: 'Missing required parameter: otp' },
  });
  expect(await exchange('x'.repeat(32))).toMatchObject({
    status: 401,
    body: { error: 'Invalid OTP', errors: { detail: 'Unauthorized' } },
  });
  const first = await exchange(otp);
  const second = await exchange(otp);
  expect([first.status, second.status]).toEqual([200, 200]);
  expect(await mac.get(`/api/builds/${id}/source`, v(first.body.vm_token))).toMatchObject({
    status: 403,
    body: { error: 'Invalid VM token' },
  });
  expect((await mac.get(`/api/builds/${id}/source`, v(second.body.vm_token))).status).toBe(200);
  expect(await exchange(otp)).toMatchObject({ status: 401, body: { error: 'Invalid OTP' } });
  await exchange(otp);
  expect((await exchange(otp)).status).toBe(429);

  const other = await held();
  await server.db.query(
    sql`update legacy_attempts set otp_expires_at = now() - interval '1 s' where build_id = ${other.id}`,
  );
  expect(await mac.post(`/api/builds/${other.id}/authenticate`, { otp: other.otp }, {})).toMatchObject({
    status: 401,
    body: { error: 'OTP expired' },
  });
  const waiting = await mac.submit();
  expect(await mac.post(`/api/builds/${waiting.id}/authenticate`, { otp }, {})).toMatchObject({
    status: 401,
    body: { error: 'No OTP configured for this build' },
  });
});

test('token-rotation: the same while it is fresh, a new one below 30 s, the old one a minute longer', async () => {
  const { access_token: first } = await mac.register();
  const again = await mac.poll(first);
  expect(again.body).toEqual({ job: null, access_token: first });
  await ageTokens(65);
  const second = (await mac.poll(first)).body.access_token;
  expect(second).not.toBe(first);
  expect(second).toMatch(/^[A-Za-z0-9_-]{32}$/);
  expect((await mac.poll(first)).status).toBe(200);
  await ageTokens(61);
  expect(await mac.poll(first)).toMatchObject({
    status: 401,
    body: { error: 'Authentication required: provide X-Worker-Token or (X-API-Key + worker_id)' },
  });
  await ageTokens(91);
  for (const token of [second, 'x'.repeat(32), '']) expect((await mac.poll(token)).status).toBe(401);
});

test('a token does not run out while its worker holds a build, and 90 s start again when that ends', async () => {
  const { id, token } = await held();
  await ageTokens(10_000);
  expect((await mac.get(`/api/builds/${id}/source`, w(token))).status).toBe(200);
  await ageTokens(10_000);
  expect((await mac.post('/api/workers/fail', { build_id: id, error: 'no' }, w(token))).status).toBe(200);
  await ageTokens(10_000);
  expect((await mac.poll(token)).status).toBe(200);
});

test('re-register-releases: the same id keeps its name and gets a new token; with nothing running its build is queued again', async () => {
  const { id } = await mac.submit();
  const first = await mac.register({ id: 'studio', name: 'Studio' });
  expect(first).toMatchObject({ id: 'studio', status: 'registered' });
  await mac.poll(first.access_token);
  const busy = await mac.register({ id: 'studio', name: 'Renamed', count: 1 });
  expect(busy).toMatchObject({ id: 'studio', status: 're-registered', message: 'Worker re-registered successfully' });
  expect(busy.access_token).not.toBe(first.access_token);
  expect((await mac.poll(first.access_token)).status).toBe(401);
  expect((await mac.poll(busy.access_token)).body.job.id).toBe(id);
  const idle = await mac.register({ id: 'studio', count: 0 });
  expect(idle.status).toBe('re-registered');
  expect((await mac.status(id)).body).toMatchObject({ status: 'pending', worker_id: null, error_message: null });
  expect((await mac.logs(id)).at(-1)).toMatchObject({
    level: 'warn',
    message: 'Worker Studio lost the build; queued again (attempt 2 of 3)',
  });
  for (const body of [{}, { name: 'x' }, { capabilities: {} }, { name: '', capabilities: {} }]) {
    expect(await mac.post('/api/workers/register', body)).toMatchObject({
      status: 400,
      body: { error: 'Name and capabilities required' },
    });
  }
});

test('abandon and unregister put the build at its old place at once', async () => {
  const { id, token, worker } = await held();
  await mac.submit();
  const given = await mac.post(
    '/api/workers/abandon',
    { build_id: id, worker_id: worker, reason: 'no disk' },
    w(token),
  );
  expect(given).toMatchObject({ status: 200, body: { success: true } });
  const other = await mac.register({ name: 'Other' });
  const next = await mac.poll(other.access_token);
  expect(next.body.job.id).toBe(id);
  const left = await mac.send('POST', '/api/workers/unregister', { headers: mac.k(w(next.body.access_token)) });
  expect(left).toMatchObject({ status: 200, body: { success: true, builds_reassigned: 1 } });
  expect((await mac.status(id)).body.status).toBe('pending');
  expect((await mac.get(`/api/workers/${other.id}/stats`)).body.status).toBe('offline');
  expect((await mac.post(`/api/workers/${worker}/unregister`)).body).toMatchObject({
    success: true,
    builds_reassigned: 0,
  });
  expect(await mac.post('/api/workers/nobody/unregister')).toMatchObject({
    status: 404,
    body: { error: 'Worker not found' },
  });
});

test('cancel-stops-new-worker: a heartbeat that is not 200 is how it learns; while booting it is vm-status', async () => {
  const { id, token, otp } = await held();
  const vm = v(await mac.bootVm(id, otp));
  await mac.post(`/api/builds/${id}/vm-ready`, undefined, vm);
  const hb = v((await mac.get(`/api/builds/${id}/vm-status`, {})).body.vm_token);
  expect((await mac.post(`/api/builds/${id}/heartbeat`, undefined, hb)).status).toBe(200);
  await mac.post(`/api/builds/${id}/cancel`);
  expect(await mac.get(`/api/builds/${id}/vm-status`, {})).toMatchObject({
    status: 404,
    body: { error: 'Build not found' },
  });
  for (const headers of [hb, vm, w(token)]) {
    expect(await mac.post(`/api/builds/${id}/heartbeat`, {}, headers)).toMatchObject({
      status: 409,
      body: { error: 'Build cancelled by user' },
    });
  }
  expect((await mac.get(`/api/builds/${id}/source`, vm)).status).toBe(409);
  const late = await mac.send('POST', `/api/builds/${id}/artifact`, {
    headers: vm,
    form: [{ name: 'artifact', fileName: 'a', value: ipa() }],
  });
  expect(late).toMatchObject({ status: 409, body: { error: 'Build cancelled by user' } });
  expect((await mac.status(id)).body).toMatchObject({ status: 'failed', state: 'cancelled' });
  expect((await mac.post(`/api/builds/${id}/heartbeat`, {}, hb)).status).toBeGreaterThanOrEqual(403);
});

test('vm-status-gives-heartbeat-only: what anybody may ask for opens nothing else', async () => {
  const { id, otp } = await held({ certs: true });
  await mac.post(`/api/builds/${id}/vm-ready`, undefined, v(await mac.bootVm(id, otp)));
  const hb = v((await mac.get(`/api/builds/${id}/vm-status`, {})).body.vm_token);
  expect((await mac.post(`/api/builds/${id}/heartbeat`, undefined, hb)).status).toBe(200);
  const invalid = { status: 403, body: { error: 'Invalid VM token' } };
  for (const path of ['source', 'certs', 'certs-secure'])
    expect(await mac.get(`/api/builds/${id}/${path}`, hb)).toMatchObject(invalid);
  expect(await mac.post(`/api/builds/${id}/logs`, { level: 'info', message: 'x' }, hb)).toMatchObject(invalid);
  expect(await mac.post(`/api/builds/${id}/telemetry`, { type: 'monitor_started', data: {} }, hb)).toMatchObject(
    invalid,
  );
  expect(await mac.post(`/api/builds/${id}/vm-ready`, undefined, hb)).toMatchObject(invalid);
  expect(
    await mac.send('POST', `/api/builds/${id}/artifact`, {
      headers: hb,
      form: [{ name: 'artifact', fileName: 'a', value: 'x' }],
    }),
  ).toMatchObject(invalid);
  expect(await mac.post('/api/workers/fail', { build_id: id, error: 'x' }, hb)).toMatchObject(invalid);
});

test('a machine’s artifact: none 400, and lines a minute after the end', async () => {
  const { id, otp } = await held();
  const vm = v(await mac.bootVm(id, otp));
  const artifact = (form: { name: string; fileName?: string; value: string }[]) =>
    mac.send('POST', `/api/builds/${id}/artifact`, { headers: vm, form });
  expect(await artifact([{ name: 'note', value: 'x' }])).toMatchObject({
    status: 400,
    body: { error: 'No artifact file provided' },
  });
  expect(await mac.post(`/api/builds/${id}/artifact`, { a: 1 }, vm)).toMatchObject({
    status: 400,
    body: { error: 'Content must be multipart/form-data' },
  });
  expect((await mac.status(id)).body.status).toBe('building');
  expect((await artifact([{ name: 'artifact', fileName: 'a', value: 'bytes' }])).status).toBe(200);
  expect((await mac.post(`/api/builds/${id}/logs`, { level: 'info', message: 'late' }, vm)).status).toBe(200);
  await server.db.query(sql`update builds set finished_at = finished_at - interval '61 s' where id = ${id}`);
  expect(await mac.post(`/api/builds/${id}/logs`, { level: 'info', message: 'too late' }, vm)).toMatchObject({
    status: 403,
    body: { error: 'VM token expired' },
  });
});
