import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { type BuildsServer, buildsServer, sourceZip } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { formBody, formType } from '#test/raw-http';
import { certsZip } from '#test/tiny-zip';

const database = await testDatabase();
let server: BuildsServer;
beforeAll(async () => {
  server = await buildsServer(database, { sourceBytesMax: 2 ** 20 });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const stagedAndStored = async (): Promise<string[]> => (await server.blobs.list('builds/')).map((entry) => entry.key);
const auth = (): Record<string, string> => ({ authorization: `Bearer ${server.key}` });

describe('a submit', () => {
  test('gives the whole build, its token once, and a source that comes back byte for byte', async () => {
    const source = sourceZip('a source');
    const built = await server.submitted({
      source,
      certs: certsZip(),
      build: {
        name: 'nightly',
        queue: 'mobile',
        platform: 'ios',
        requires: { arch: 'arm64' },
        priority: 7,
        tags: { team: 'web' },
        env: { A: '1' },
        secretEnv: { TOKEN: 'hush' },
        task: 'build',
        expects: 'nothing',
      },
    });
    expect(built).toMatchObject({
      state: 'queued',
      queue: 'mobile',
      platform: 'ios',
      priority: 7,
      secretEnvNames: ['TOKEN'],
      certs: true,
      source: {
        sizeBytes: source.length,
        sha256: createHash('sha256').update(source).digest('hex'),
        format: 'zip',
        available: true,
      },
      waiting: { reason: 'no_matching_worker' },
      attempts: [],
      cost: { workerMs: 0, sentBytes: 0 },
    });
    expect(built.accessToken).toMatch(/^[\w-]{43}$/);
    expect(JSON.stringify(built)).not.toContain('hush');
    const again = await server.call('GET', `/v1/builds/${built.id}`);
    expect(again.body).not.toHaveProperty('accessToken');
    const download = await fetch(`${server.url}/v1/builds/${built.id}/source`, { headers: auth() });
    expect(Buffer.from(await download.arrayBuffer())).toEqual(source);
    const everything = JSON.stringify(
      await server.db.query(sql`select * from build_specs where build_id = ${built.id}`),
    );
    expect(everything).not.toContain('hush');
    expect(everything).not.toContain(built.accessToken);
  });

  test('takes its parts in any order, and needs no fields at all', async () => {
    const files = [
      { name: 'certs', fileName: 'c', value: certsZip() },
      { name: 'source', fileName: 's', value: sourceZip() },
    ];
    const last = formBody([...files, { name: 'build', value: '{"queue":"last"}' }]);
    expect(
      (await server.call('POST', '/v1/builds', { body: last, headers: { 'content-type': formType } })).body,
    ).toMatchObject({ queue: 'last', certs: true });
    const none = formBody([{ name: 'source', fileName: 's', value: sourceZip() }]);
    expect(
      (await server.call('POST', '/v1/builds', { body: none, headers: { 'content-type': formType } })).body,
    ).toMatchObject({ queue: 'default', platform: 'any' });
  });

  test('its own token reads, cancels and retries it, and nothing else', async () => {
    const [mine, other] = [await server.submitted(), await server.submitted()];
    const token = mine.accessToken;
    expect((await server.call('GET', `/v1/builds/${mine.id}`, { token })).status).toBe(200);
    expect(await server.call('GET', `/v1/builds/${other.id}`, { token })).toMatchObject({
      status: 403,
      body: { reason: 'other_build' },
    });
    expect((await server.call('GET', '/v1/builds', { token })).status).toBe(403);
    expect(await server.call('POST', `/v1/builds/${mine.id}/cancel`, { token, body: {} })).toMatchObject({
      status: 200,
      body: { state: 'cancelled' },
    });
    expect((await server.call('POST', `/v1/builds/${mine.id}/retry`, { token, body: {} })).status).toBe(201);
  });

  test('notBefore, deadline and key are kept and shown', async () => {
    const notBefore = '2099-01-01T00:00:00.000Z';
    const built = await server.submitted({
      build: { notBefore, queueDeadlineMs: 60_000, concurrency: { key: 'k-shown', limit: 2 } },
    });
    expect(built).toMatchObject({
      notBefore,
      queueDeadlineMs: 60_000,
      concurrency: { key: 'k-shown', limit: 2, mode: 'queue' },
      waiting: { reason: 'not_before' },
    });
  });

  test('retry-shares-blobs: the new build has the same file, counted once, and its own env', async () => {
    const first = await server.submitted({
      certs: certsZip(),
      build: { env: { A: '1', B: '1' }, secretEnv: { S: 'x' } },
    });
    await server.call('POST', `/v1/builds/${first.id}/cancel`, { body: {} });
    const files = await stagedAndStored();
    const stored = await server.db.query(sql`select sum(bytes)::int as bytes from build_storage`);
    const retried = await server.call('POST', `/v1/builds/${first.id}/retry`, {
      body: { priority: 9, env: { B: '2' } },
    });
    expect(retried).toMatchObject({
      status: 201,
      body: {
        retryOf: first.id,
        priority: 9,
        env: { A: '1', B: '2' },
        secretEnvNames: ['S'],
        certs: true,
        source: first.source,
      },
    });
    expect(retried.body['accessToken']).not.toBe(first.accessToken);
    expect(await stagedAndStored()).toEqual(files);
    expect(await server.db.query(sql`select sum(bytes)::int as bytes from build_storage`)).toEqual(stored);
    const [shared] = await server.db.query<{ n: number }>(
      sql`select count(distinct source_blob)::int as n from build_specs where build_id in (${first.id}, ${retried.body['id']})`,
    );
    expect(shared).toEqual({ n: 1 });
  });

  test('retry of what is not finished, or of what retention took, is refused', async () => {
    const build = await server.submitted();
    expect(await server.call('POST', `/v1/builds/${build.id}/retry`, { body: {} })).toMatchObject({
      status: 409,
      body: { reason: 'not_finished', state: 'queued' },
    });
    await server.call('POST', `/v1/builds/${build.id}/cancel`, { body: {} });
    await server.db.query(sql`update build_specs set inputs_removed_at = now() where build_id = ${build.id}`);
    expect(await server.call('POST', `/v1/builds/${build.id}/retry`, { body: {} })).toMatchObject({
      status: 409,
      body: { reason: 'source_expired' },
    });
  });

  test('as JSON with the files of another build', async () => {
    const first = await server.submitted({ certs: certsZip() });
    const second = await server.call('POST', '/v1/builds', {
      body: { queue: 'json', source: { fromBuild: first.id }, certs: { fromBuild: first.id } },
    });
    expect(second).toMatchObject({
      status: 201,
      body: { queue: 'json', source: first.source, certs: true, retryOf: null },
    });
  });

  test('key-cancels-older: waiting ones end, held ones are told to stop, both name the newer build', async () => {
    const token = await server.keyWith(['builds:admin'], await server.project());
    const build = (mode: string, more: object = {}): object => ({
      concurrency: { key: 'branch', limit: 2, mode },
      ...more,
    });
    const worker = await server.worker({}, token);
    const held = await server.submitted({ token, build: build('queue') });
    expect((await worker.claim()).buildId).toBe(held.id);
    const queued = await server.submitted({ token, build: build('queue', { requires: { never: 'there' } }) });
    const newer = await server.submitted({ token, build: build('cancelOlder') });
    expect((await server.call('GET', `/v1/builds/${queued.id}`, { token })).body).toMatchObject({
      state: 'cancelled',
      stopReason: 'superseded',
    });
    expect((await server.call('GET', `/v1/builds/${held.id}`, { token })).body).toMatchObject({
      state: 'cancelling',
      stopReason: 'superseded',
    });
    expect(
      await server.db.query(sql`select distinct stop_detail from builds where id in (${queued.id}, ${held.id})`),
    ).toEqual([{ stop_detail: newer.id }]);
  });

  test('ten newer ones of a key at once leave exactly one', async () => {
    const build = { concurrency: { key: 'race', mode: 'cancelOlder' } };
    await Promise.all(Array.from({ length: 10 }, () => server.submitted({ build })));
    expect(
      await server.db.query(
        sql`select state, count(*)::int as n from builds where ckey = 'race' group by state order by state`,
      ),
    ).toEqual([
      { state: 'cancelled', n: 9 },
      { state: 'queued', n: 1 },
    ]);
  });

  test('row 59: failIfNoWorker refuses what no worker can ever take, and only that', async () => {
    const refused = await server.submit({ build: { requires: { gpu: 'h100' }, failIfNoWorker: true } });
    expect(refused).toMatchObject({ status: 409, body: { reason: 'no_matching_worker', requires: { gpu: 'h100' } } });
    await server.worker({ labels: { gpu: 'a10', zone: 'b' } });
    expect(
      (await server.submit({ build: { requires: { gpu: 'a10' }, platform: 'linux', failIfNoWorker: true } })).status,
    ).toBe(201);
    expect(
      (await server.submit({ build: { requires: { gpu: 'a10' }, platform: 'android', failIfNoWorker: true } })).status,
    ).toBe(409);
  });
});

describe('looking', () => {
  test('lists page by page without gap or repeat', async () => {
    const made: string[] = [];
    for (let n = 0; n < 7; n++) made.unshift((await server.submitted({ build: { queue: 'paged' } })).id);
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: { items: { id: string }[]; nextCursor: string | null } = (
        await server.call('GET', `/v1/builds?queue=paged&limit=3${cursor && `&cursor=${cursor}`}`)
      ).body as never;
      seen.push(...page.items.map((item) => item.id));
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(made);
  });

  test('wait comes back as soon as the build is there, and at the end of the wait otherwise', async () => {
    const build = await server.submitted({ build: { requires: { wait: 'yes' } } });
    const waiting = server.call('GET', `/v1/builds/${build.id}?wait=30s&until=finished`);
    await server.call('POST', `/v1/builds/${build.id}/cancel`, { body: {} });
    expect(await waiting).toMatchObject({ status: 200, body: { state: 'cancelled' } });
    const other = await server.submitted({ build: { requires: { wait: 'yes' } } });
    expect(await server.call('GET', `/v1/builds/${other.id}?wait=50ms&until=running`)).toMatchObject({
      status: 200,
      body: { state: 'queued' },
    });
    expect((await server.call('GET', `/v1/builds/${other.id}?wait=56s`)).status).toBe(400);
  });

  test('PATCH changes a queued build, asks for the version, and refuses a finished one', async () => {
    const build = await server.submitted();
    const path = `/v1/builds/${build.id}`;
    const changed = await server.call('PATCH', path, {
      body: { priority: 50, requires: { os: 'x' }, tags: { a: 'b' }, name: 'n' },
      headers: { 'if-match': String(build.version) },
    });
    expect(changed).toMatchObject({
      status: 200,
      body: { priority: 50, requires: { os: 'x' }, tags: { a: 'b' }, name: 'n', version: build.version + 1 },
    });
    const stale = await server.call('PATCH', path, {
      body: { priority: 1 },
      headers: { 'if-match': String(build.version) },
    });
    expect(stale).toMatchObject({ status: 409, body: { reason: 'version_conflict', version: build.version + 1 } });
    await server.call('POST', `${path}/cancel`, { body: {} });
    expect(await server.call('PATCH', path, { body: { priority: 1 } })).toMatchObject({
      status: 409,
      body: { reason: 'finished' },
    });
    expect(await server.call('PATCH', path, { body: { name: null } })).toMatchObject({
      status: 200,
      body: { name: null, priority: 50 },
    });
  });

  test('stats are zeros for a project without builds', async () => {
    const token = await server.keyWith(['builds:read'], await server.project());
    expect((await server.call('GET', '/v1/builds/stats', { token })).body).toMatchObject({
      windowMs: 86_400_000,
      groups: [{ group: null, submitted: 0, finished: 0, successRate: null }],
    });
    expect((await server.call('GET', '/v1/builds/stats?by=queue&window=1h')).status).toBe(200);
    expect((await server.call('GET', '/v1/builds/stats?window=99d')).status).toBe(400);
  });
});
