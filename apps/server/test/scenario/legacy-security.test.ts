import { afterAll, beforeEach, expect, test } from 'vitest';
import { defaultProjectId } from '#kernel/auth';
import { sql } from '#kernel/db';
import { buildsServer } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { getAsIs, ipa, type LegacyAnswer, LegacyClient } from '#test/legacy-client';

/* Each of these is refused, and changes nothing. */

const database = await testDatabase();
const server = await buildsServer(database);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
let mac: LegacyClient;
let projectId: string;
beforeEach(async () => {
  projectId = await server.project();
  mac = new LegacyClient(server, await server.keyWith(['builds:operate'], projectId));
});

type World = { id: string; token: string; vm: string; otp: string; worker: string; otherToken: string; other: string };

/** A build a worker holds, its machine up, and a second worker with a build of its own. */
async function world(): Promise<World> {
  const { id } = await mac.submit({ certs: true });
  const worker = await mac.register({ name: 'A' });
  const polled = (await mac.poll(worker.access_token)).body;
  const vm = await mac.bootVm(id, polled.job.otp);
  await mac.get(`/api/builds/${id}/source`, { 'X-VM-Token': vm });
  await mac.submit();
  const other = await mac.register({ name: 'B' });
  await mac.poll(other.access_token);
  return {
    id,
    token: polled.access_token,
    vm,
    otp: polled.job.otp,
    worker: worker.id,
    otherToken: other.access_token,
    other: other.id,
  };
}

const state = async (id: string): Promise<unknown> =>
  (await server.db.query(sql`select state, term, worker_id, version from builds where id = ${id}`))[0];

const artifact = (id: string, headers: Record<string, string>): Promise<LegacyAnswer> =>
  mac.send('POST', `/api/builds/${id}/artifact`, { headers, form: [{ name: 'artifact', fileName: 'a', value: 'x' }] });

test('every path of the holder refuses who is not: nobody, a name, another worker, another project, a reader', async () => {
  const { id, otherToken, other, worker } = await world();
  const before = await state(id);
  const strangerKey = await server.keyWith(['builds:operate'], await server.project());
  const readerKey = await server.keyWith(['builds:read'], projectId);
  const callers: [string, Record<string, string>][] = [
    ['no key', {}],
    ['id only', { 'X-Worker-Id': worker }],
    ['an empty key', { 'X-API-Key': '', 'X-Worker-Id': worker }],
    ['key without id', mac.k()],
    ['another worker by id', mac.k({ 'X-Worker-Id': other })],
    ['an unknown id', mac.k({ 'X-Worker-Id': 'nobody' })],
    ['another worker by token', { 'X-Worker-Token': otherToken }],
    ['a token nobody gave', { 'X-Worker-Token': 'x'.repeat(32) }],
    ['another project', { 'X-API-Key': strangerKey, 'X-Worker-Id': worker }],
    ['a reader', { 'X-API-Key': readerKey, 'X-Worker-Id': worker }],
    ['a machine token nobody gave', { 'X-VM-Token': 'x'.repeat(32) }],
  ];
  for (const [who, headers] of callers) {
    for (const path of ['source', 'certs', 'certs-secure']) {
      const answer = await mac.get(`/api/builds/${id}/${path}`, { ...headers, 'X-Build-Id': id });
      expect([who, path, answer.status]).toEqual([who, path, answer.status === 401 ? 401 : 403]);
      expect(answer.body.errors.detail).toBe(answer.status === 401 ? 'Unauthorized' : 'Forbidden');
    }
    expect(
      (await mac.post(`/api/builds/${id}/logs`, { level: 'info', message: 'x' }, headers)).status,
    ).toBeGreaterThanOrEqual(401);
    expect((await artifact(id, headers)).status).toBeGreaterThanOrEqual(401);
  }
  expect(await state(id)).toEqual(before);
});

test('a worker cannot end, abandon or beat a build of another', async () => {
  const { id, otherToken, other } = await world();
  const before = await state(id);
  const headers = { 'X-Worker-Token': otherToken };
  const forbidden = { status: 403, body: { error: 'Worker not authorized for this build' } };
  expect(await mac.post('/api/workers/fail', { build_id: id, error: 'x' }, headers)).toMatchObject(forbidden);
  expect(await mac.post('/api/workers/abandon', { build_id: id, reason: 'x' }, headers)).toMatchObject(forbidden);
  expect(await mac.post('/api/workers/heartbeat', { build_id: id }, headers)).toMatchObject(forbidden);
  expect((await mac.post(`/api/builds/${id}/heartbeat`, {}, headers)).status).toBe(403);
  for (const success of ['true', 'false']) {
    const form = [
      { name: 'result', fileName: 'a', value: ipa() },
      { name: 'build_id', value: id },
      { name: 'success', value: success },
    ];
    expect(await mac.result(form, headers)).toMatchObject(forbidden);
    expect(await mac.result([...form, { name: 'worker_id', value: other }])).toMatchObject(forbidden);
  }
  expect(
    await mac.result(
      [
        { name: 'build_id', value: id },
        { name: 'worker_id', value: 'someone-else' },
      ],
      headers,
    ),
  ).toMatchObject(forbidden);
  expect(await state(id)).toEqual(before);
  expect(await server.blobs.list('builds/artifact/')).toEqual([]);
});

test('tokens of an attempt that is over open nothing', async () => {
  const { id, vm, otp, token } = await world();
  await mac.post('/api/workers/abandon', { build_id: id, reason: 'x' }, { 'X-Worker-Token': token });
  const headers = { 'X-VM-Token': vm };
  const expired = { status: 403, body: { error: 'VM token expired' } };
  expect(await mac.get(`/api/builds/${id}/source`, headers)).toMatchObject(expired);
  const again = await mac.register({ name: 'C' });
  expect((await mac.poll(again.access_token)).body.job.id).toBe(id);
  const before = await state(id);
  for (const path of ['source', 'certs', 'certs-secure'])
    expect(await mac.get(`/api/builds/${id}/${path}`, headers)).toMatchObject(expired);
  expect(await artifact(id, headers)).toMatchObject(expired);
  expect(await mac.post(`/api/builds/${id}/heartbeat`, {}, headers)).toMatchObject(expired);
  expect((await mac.post(`/api/builds/${id}/authenticate`, { otp }, {})).status).toBe(401);
  expect(await state(id)).toEqual(before);
});

test('a machine token is good for its own build only', async () => {
  const { vm } = await world();
  const { id } = await mac.submit();
  expect(await mac.get(`/api/builds/${id}/source`, { 'X-VM-Token': vm })).toMatchObject({
    status: 403,
    body: { error: 'Invalid VM token' },
  });
});

test('builds of a machine of the new API are not to be had, ended or kept alive by its name on the old paths', async () => {
  const operator = await server.keyWith(['builds:admin'], projectId);
  const v1 = await server.worker({ platforms: ['ios'] }, operator);
  const { id } = await mac.submit({ certs: true });
  expect((await v1.claim()).buildId).toBe(id);
  const before = await state(id);
  const names = mac.k({ 'X-Worker-Id': v1.id, 'X-Build-Id': id });
  for (const path of ['source', 'certs', 'certs-secure'])
    expect((await mac.get(`/api/builds/${id}/${path}`, names)).status).toBe(403);
  expect((await mac.pollByKey(v1.id)).status).toBe(404);
  expect((await mac.post(`/api/builds/${id}/heartbeat?worker_id=${v1.id}`)).status).toBe(403);
  expect((await mac.post('/api/workers/fail', { build_id: id, error: 'x' })).status).toBe(403);
  const form = [
    { name: 'build_id', value: id },
    { name: 'worker_id', value: v1.id },
    { name: 'success', value: 'false' },
  ];
  expect((await mac.result(form)).status).toBe(404);
  expect(await state(id)).toEqual(before);
});

test('a build nobody holds gives its files to no worker', async () => {
  const { id } = await mac.submit({ certs: true });
  const worker = await mac.register({ platforms: ['android'] });
  for (const path of ['source', 'certs']) {
    for (const headers of [mac.k({ 'X-Worker-Id': worker.id }), { 'X-Worker-Token': worker.access_token }]) {
      expect(await mac.get(`/api/builds/${id}/${path}`, headers)).toMatchObject({
        status: 403,
        body: { error: 'Worker not authorized for this build' },
      });
    }
  }
});

test('a worker’s name cannot be taken over from another project, nor a machine of the new API at all', async () => {
  const mine = await mac.register({ id: 'studio' });
  const stranger = new LegacyClient(server, await server.keyWith(['builds:operate'], await server.project()));
  // A name chosen by a client is its project's own; one of our ids belongs to whom it was given.
  expect(await stranger.register({ id: 'studio' })).toMatchObject({ status: 'registered' });
  expect((await mac.poll(mine.access_token)).status).toBe(200);
  const given = await mac.register();
  expect(await stranger.post('/api/workers/register', { name: 'x', capabilities: {}, id: given.id })).toMatchObject({
    status: 403,
  });
  const v1 = await server.worker();
  const admin = new LegacyClient(server, server.key);
  expect(await admin.post('/api/workers/register', { name: 'x', capabilities: {}, id: v1.id })).toMatchObject({
    status: 403,
  });
  expect((await mac.post('/api/workers/register', { name: 'x', capabilities: {}, id: '../etc' })).status).toBe(400);
  expect(await mac.post('/api/workers/register', { name: 'x', capabilities: {} }, {})).toMatchObject({ status: 401 });
});

test('a revoked key and an expired worker token are over at once', async () => {
  const { id, token } = await world();
  const keys = (await server.call('GET', '/v1/builds')).status;
  expect(keys).toBe(200);
  await server.db.query(sql`update api_keys set revoked_at = now() where project_id = ${projectId}`);
  await using other = await buildsServer(database);
  const late = new LegacyClient(other, mac.key);
  expect(await late.status(id)).toMatchObject({ status: 403, body: { error: 'Invalid API key (forbidden)' } });
  await server.db.query(sql`update workers set removed_at = now()`);
  expect((await late.poll(token)).status).toBe(401);
});

test('traversal reaches no file', async () => {
  const { id } = await mac.submit();
  for (const path of [
    `/api/builds/${id}/download/..%2f..%2fetc%2fpasswd`,
    `/api/builds/..%2f..%2f/status`,
    `/api/builds/${id}/download/../../../etc/passwd`,
  ]) {
    const answer = await getAsIs(server.url, path, mac.k());
    expect([400, 404]).toContain(answer.status);
    expect(answer.text).not.toContain('root:');
  }
});

test('browsers of other origins get no credentials and no headers but for public stats', async () => {
  const answer = await mac.get('/api/builds', mac.k({ Origin: 'https://evil.example' }));
  expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
});

test('open registration: without a key a worker may register, poll, and end its own build without a file; nothing more', async () => {
  await using open = await buildsServer(database);
  // MUSTER_COMPAT_OPEN=builds
  Object.assign(open.room.config, { legacyOpenRegistration: true });
  const client = new LegacyClient(open, await open.keyWith(['builds:operate'], defaultProjectId));
  const { id } = await client.submit();
  const registered = await client.post('/api/workers/register', { name: 'open', capabilities: {} }, {});
  expect(registered.status).toBe(200);
  expect((await client.poll(registered.body.access_token)).body.job.id).toBe(id);
  const report = (form: { name: string; fileName?: string; value: string }[]) =>
    client.result([{ name: 'build_id', value: id }, { name: 'worker_id', value: registered.body.id }, ...form], {});
  expect(
    (
      await report([
        { name: 'result', fileName: 'a', value: 'x' },
        { name: 'success', value: 'true' },
      ])
    ).status,
  ).toBe(401);
  expect(await report([{ name: 'success', value: 'true' }])).toMatchObject({
    status: 400,
    body: { error: 'Missing result file' },
  });
  expect((await client.get(`/api/builds/${id}/source`, { 'X-Worker-Id': registered.body.id })).status).toBe(401);
  expect(
    (
      await report([
        { name: 'success', value: 'false' },
        { name: 'error_message', value: 'no Xcode' },
      ])
    ).status,
  ).toBe(200);
  expect((await client.status(id)).body).toMatchObject({ status: 'failed', error_message: 'no Xcode' });
  const next = await client.submit();
  const foreign = await client.result(
    [
      { name: 'build_id', value: next.id },
      { name: 'worker_id', value: registered.body.id },
      { name: 'success', value: 'false' },
    ],
    {},
  );
  expect(foreign.status).toBe(403);
});
