import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '#kernel/base';
import { sql } from '#kernel/db';
import { type BuildsServer, buildsServer, sourceZip } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { certsZip } from '#test/tiny-zip';
import { until } from '#test/until';
import { meterStorage } from '../../src/builds/meter-storage.ts';
import { applyRetention } from '../../src/builds/retention.ts';
import { expireUploads, sweepBlobs } from '../../src/builds/sweep-blobs.ts';

const database = await testDatabase();
let server: BuildsServer;
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  await database.wipe();
});
afterEach(() => server[Symbol.asyncDispose]());

const never = 10_000;
const start = async (config: Parameters<typeof buildsServer>[1] = {}): Promise<void> => {
  server = await buildsServer(database, {
    retentionSourceDays: never,
    retentionArtifactsDays: never,
    retentionRowsDays: never,
    ...config,
  });
};
const files = async (): Promise<number> => (await server.blobs.list('builds/')).length;
const storedBytes = async (): Promise<number> =>
  (await server.db.query<{ n: number }>(sql`select coalesce(sum(bytes), 0)::int as n from build_storage`))[0]?.n ?? -1;
const cancelled = async (options: Parameters<BuildsServer['submitted']>[0] = {}): Promise<string> => {
  const { id } = await server.submitted(options);
  await server.call('POST', `/v1/builds/${id}/cancel`, { body: {} });
  return id;
};

test('retention-keeps-running: source and certs of what ended go, of what waits or runs never, nor what is tagged keep', async () => {
  await start({ retentionSourceDays: 0 });
  const worker = await server.worker({ labels: { w: '1' } });
  const running = await server.submitted({ build: { requires: { w: '1' } } });
  await worker.claim();
  const queued = await server.submitted({ build: { requires: { no: 'body' } } });
  const kept = await cancelled({ build: { tags: { keep: '' } } });
  const ended = await cancelled({ certs: certsZip() });
  expect(await files()).toBe(5);
  expect(await applyRetention(server.room)).toMatchObject({ inputs: 1, outputs: 0, rows: 0, blobs: 2 });
  expect(await files()).toBe(3);
  for (const [id, available] of [
    [running.id, true],
    [queued.id, true],
    [kept, true],
    [ended, false],
  ] as const) {
    expect((await server.call('GET', `/v1/builds/${id}`)).body['source'].available).toBe(available);
    expect((await server.call('GET', `/v1/builds/${id}/source`)).status).toBe(available ? 200 : 404);
  }
  expect(await applyRetention(server.room)).toMatchObject({ inputs: 0, blobs: 0 });
});

test('a shared source goes with its last build, and never while a retry of it waits', async () => {
  await start({ retentionSourceDays: 0 });
  const first = await cancelled({ certs: certsZip() });
  const retried = (await server.call('POST', `/v1/builds/${first}/retry`, { body: {} })).body['id'];
  const bytes = await storedBytes();
  expect(await applyRetention(server.room)).toMatchObject({ inputs: 1, blobs: 0 });
  expect([await files(), await storedBytes()]).toEqual([2, bytes]);
  expect((await server.call('GET', `/v1/builds/${retried}/source`)).status).toBe(200);
  expect((await server.call('POST', `/v1/builds/${first}/retry`, { body: {} })).body).toMatchObject({
    reason: 'source_expired',
  });
  await server.call('POST', `/v1/builds/${retried}/cancel`, { body: {} });
  expect(await applyRetention(server.room)).toMatchObject({ inputs: 1, blobs: 2 });
  expect([await files(), await storedBytes()]).toEqual([0, 0]);
});

test('artifacts go at their time, the row stays and says so', async () => {
  await start({ retentionArtifactsDays: 0 });
  const worker = await server.worker();
  const build = await server.submitted();
  const attempt = await worker.claim();
  const stored = await server.call('PUT', `/v1/builds/${build.id}/artifacts/a.txt?term=1`, {
    token: attempt.token,
    body: 'bytes',
  });
  expect(await applyRetention(server.room)).toMatchObject({ outputs: 0 });
  await worker.finish(attempt, [stored.body['id']]);
  expect(await applyRetention(server.room)).toMatchObject({ outputs: 1, blobs: 1 });
  expect((await server.call('GET', `/v1/builds/${build.id}`)).body).toMatchObject({
    artifacts: [{ name: 'a.txt', available: false }],
  });
  expect(await server.call('GET', `/v1/builds/${build.id}/artifacts/a.txt`)).toMatchObject({
    status: 404,
    body: { reason: 'artifact_expired' },
  });
  expect((await server.call('GET', `/v1/builds/${build.id}/source`)).status).toBe(200);
});

test('rows go at last, with whatever they still had', async () => {
  await start({ retentionRowsDays: 0 });
  const worker = await server.worker();
  const done = await server.submitted({ certs: certsZip() });
  const attempt = await worker.claim();
  const { body } = await server.call('PUT', `/v1/builds/${done.id}/artifacts/a?term=1`, {
    token: attempt.token,
    body: 'x',
  });
  await worker.finish(attempt, [body['id']]);
  const waiting = await server.submitted();
  expect(await applyRetention(server.room)).toMatchObject({ rows: 1, blobs: 3 });
  expect((await server.call('GET', `/v1/builds/${done.id}`)).status).toBe(404);
  expect((await server.call('GET', `/v1/builds/${waiting.id}`)).status).toBe(200);
  expect(await files()).toBe(1);
  expect(await storedBytes()).toBe(sourceZip().length);
});

test('only what is old enough by the database: six days are not seven', async () => {
  await start({ retentionSourceDays: 7 });
  const id = await cancelled();
  // Ids sort by birth, and retention relies on it: the build is made as old as its end by a clock that stands later.
  const after = async (days: number): Promise<unknown> => {
    await server.db.query(
      sql`update builds set finished_at = now() - ${days}::float8 * interval '1 day' where id = ${id}`,
    );
    const clock = { ...systemClock, now: () => systemClock.now() + days * 86_400_000 };
    return await applyRetention(Object.create(server.room, { clock: { value: clock } }));
  };
  expect(await after(6)).toMatchObject({ inputs: 0 });
  expect(await after(8)).toMatchObject({ inputs: 1, blobs: 1 });
});

test('the job of the queue does it by itself', async () => {
  await start({ retentionSourceDays: 0 });
  const id = await cancelled();
  for (const kind of ['builds.retention', 'builds.sweep-blobs', 'builds.expire-uploads', 'builds.meter-storage']) {
    await server.db.transaction((tx) => server.room.queue.enqueue(tx, { kind, payload: {} }));
  }
  await until(async () => (await server.call('GET', `/v1/builds/${id}`)).body['source'].available === false);
  await until(async () => (await server.room.queue.depth()).every((kind) => kind.running === 0 && kind.ready === 0));
  expect(server.complaints().filter((line) => line.includes('"room":"builds"'))).toEqual([]);
});

test('more than one batch', async () => {
  await start({ retentionTelemetryDays: 0 });
  const { id } = await server.submitted();
  await server.db.query(
    sql`insert into build_telemetry (build_id, at, cpu_percent) select ${id}, now() - n * interval '1 s', 1 from generate_series(1, 1203) n`,
  );
  expect(await applyRetention(server.room)).toMatchObject({ telemetry: 1_203 });
});

test('the sweep takes files without a row after a day, and nothing else', async () => {
  await start();
  await server.submitted();
  const open = await server.call('POST', '/v1/uploads', { body: { purpose: 'source', sizeBytes: 4 } });
  await server.call('PATCH', `/v1/uploads/${open.body['id']}`, {
    body: Buffer.from('1f8b0800', 'hex'),
    headers: { 'content-type': 'application/offset+octet-stream', 'upload-offset': '0' },
  });
  await server.call('POST', `/v1/uploads/${open.body['id']}/complete`, { body: {} });
  for (const key of ['builds/source/blb_orphan', 'builds/artifact/blb_orphan']) {
    await using writer = await server.blobs.create(key);
    await writer.write(Buffer.from('nobody'));
    await writer.commit();
  }
  expect(await sweepBlobs(server.room)).toMatchObject({ removed: 0 });
  const old = new Date(systemClock.now() - 25 * 3_600_000);
  for (const entry of await readdir(server.blobsFolder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) await utimes(join(entry.parentPath, entry.name), old, old);
  }
  expect(await sweepBlobs(server.room)).toEqual({ removed: 2, bytes: 12 });
  expect(await files()).toBe(2);
});

test('uploads past their time go with their bytes; one that became a build leaves its file', async () => {
  await start();
  const upload = async (bytes: Uint8Array, finish: boolean): Promise<string> => {
    const { body } = await server.call('POST', '/v1/uploads', { body: { purpose: 'source', sizeBytes: bytes.length } });
    await server.call('PATCH', `/v1/uploads/${body['id']}`, {
      body: bytes,
      headers: { 'content-type': 'application/offset+octet-stream', 'upload-offset': '0' },
    });
    if (finish) await server.call('POST', `/v1/uploads/${body['id']}/complete`, { body: {} });
    return body['id'];
  };
  const used = await upload(sourceZip('used'), true);
  const built = await server.call('POST', '/v1/builds', { body: { source: { uploadId: used } } });
  await upload(sourceZip('complete'), true);
  await upload(sourceZip('open'), false);
  expect(await expireUploads(server.room)).toBe(0);
  await server.db.query(sql`update build_uploads set expires_at = now()`);
  expect(await expireUploads(server.room)).toBe(3);
  expect(await files()).toBe(1);
  expect(await server.blobs.sweepStaging(-1)).toMatchObject({ removed: 0 });
  expect((await server.call('GET', `/v1/builds/${built.body['id']}/source`)).status).toBe(200);
});

test('stored bytes are metered once per hour, also for the hours nobody looked', async () => {
  await start();
  await server.submitted();
  await meterStorage(server.room);
  await server.db.query(sql`update build_sweeps set ran_at = ran_at - interval '3 hours' where name = 'meter-storage'`);
  await meterStorage(server.room);
  expect(await meterStorage(server.room)).toBe(0);
  expect(
    await server.db.query(sql`select quantity::int, dimensions from usage_entries where meter = 'build.storage'`),
  ).toEqual([{ quantity: sourceZip().length * 3, dimensions: { kind: 'source' } }]);
});
