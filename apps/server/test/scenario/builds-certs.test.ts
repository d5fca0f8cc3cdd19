import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSecrets } from '#config';
import { sql } from '#kernel/db';
import { type Attempt, type BuildsServer, buildsServer, type TestWorker } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { certsZip, tinyZip } from '#test/tiny-zip';
import { openCertsBundle } from '../../src/builds/read-certs.ts';

const database = await testDatabase();
let server: BuildsServer;
let worker: TestWorker;
beforeAll(async () => {
  server = await buildsServer(database);
  worker = await server.worker({ seats: 32 });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function held(certs: Uint8Array | undefined = certsZip()): Promise<Attempt> {
  await server.submitted(certs ? { certs } : {});
  return await worker.claim();
}
const read = (buildId: string, token: string | null) => server.call('GET', `/v1/builds/${buildId}/certs`, { token });
const audits = async (buildId: string): Promise<string[]> =>
  (
    await server.db.query<{ row: string }>(
      sql`select actor_kind || ' ' || outcome as row from audit where action = 'builds.certs_read' and subject = ${buildId} order by at, id`,
    )
  ).map(({ row }) => row);

test('the holder gets the material, not cached, and each read is an audit row', async () => {
  const { buildId, token, job } = await held(certsZip('pa$$ wörd'));
  expect(job['certs']).toEqual({ url: `/v1/builds/${buildId}/certs` });
  const { status, body, headers } = await read(buildId, token);
  expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
  expect(body).toEqual({
    p12: Buffer.from('the p12 bytes').toString('base64'),
    p12Password: 'pa$$ wörd',
    keychainPassword: expect.stringMatching(/^[\w-]{32}$/),
    provisioningProfiles: [Buffer.from('profile one').toString('base64')],
  });
  expect((await read(buildId, worker.token)).body['keychainPassword']).not.toBe(body['keychainPassword']);
  expect(await audits(buildId)).toEqual(['attempt done', 'worker done']);
  expect(await server.metric('muster_builds_certs_reads_total')).toBeGreaterThanOrEqual(2);
});

test('nothing of a bundle lies readable on disk or in the database', async () => {
  const { buildId } = await held(certsZip('unmistakable-password'));
  const names = await readdir(server.blobsFolder, { recursive: true, withFileTypes: true });
  const disk = Buffer.concat(
    await Promise.all(
      names.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name))),
    ),
  );
  for (const secret of ['unmistakable-password', 'profile one', 'password.txt'])
    expect(disk.includes(secret)).toBe(false);
  const [row] = await server.db.query<{ key: Buffer }>(
    sql`select certs_key as key from build_specs where build_id = ${buildId}`,
  );
  expect(row?.key.length).toBeGreaterThan(32 + 12);
});

test('row 51: nobody but the holder, with 403; another project sees 404; each try is an audit row', async () => {
  const { buildId, token } = await held();
  const other = await server.worker();
  const { accessToken } = await server.submitted({ build: { requires: { nobody: 'has' } } });
  const stranger = await server.keyWith(['builds:admin'], await server.project());
  expect(await read(buildId, server.key)).toMatchObject({ status: 403, body: { reason: 'not_holder' } });
  expect(await read(buildId, other.token)).toMatchObject({ status: 403, body: { reason: 'not_holder' } });
  expect(await read(buildId, accessToken)).toMatchObject({ status: 403, body: { reason: 'other_build' } });
  expect(await read(buildId, stranger)).toMatchObject({ status: 404, body: { reason: 'no_such_build' } });
  expect((await read(buildId, null)).status).toBe(401);
  expect(await audits(buildId)).toEqual(['key refused', 'worker refused', 'build refused', 'key refused']);
  expect((await read(buildId, token)).status).toBe(200);
});

test('the token of an attempt that is over opens nothing', async () => {
  const { buildId, token } = await held();
  await server.call('POST', `/v1/workers/me/builds/${buildId}/fail`, {
    token: worker.token,
    body: { term: 1, failure: { code: 'command_failed', detail: 'x' } },
  });
  expect([401, 409]).toContain((await read(buildId, token)).status);
  expect(await read(buildId, worker.token)).toMatchObject({ status: 409, body: { reason: 'finished' } });
});

test('a build without a bundle has none', async () => {
  await server.submitted();
  const { buildId, token, job } = await worker.claim();
  expect(job['certs']).toBeNull();
  expect(await read(buildId, token)).toMatchObject({ status: 404, body: { reason: 'no_certs' } });
});

test('row 52: a bundle without p12, a bomb, bad names: 400 at submit, the entry named, nothing kept', async () => {
  const files = (await server.blobs.list('builds/')).length;
  const p12 = { name: 'a.p12', data: Buffer.from('x') };
  const password = { name: 'password.txt', data: Buffer.from('x') };
  const cases: [Buffer, string][] = [
    [tinyZip([password]), '*.p12'],
    [tinyZip([p12]), 'password.txt'],
    [tinyZip([p12, password, { name: '../evil', data: Buffer.from('x') }]), '../evil'],
    [tinyZip([p12, password, { name: 'bomb', deflate: true, data: Buffer.alloc(51 * 2 ** 20) }]), 'bomb'],
  ];
  for (const [certs, entry] of cases) {
    expect(await server.submit({ certs })).toMatchObject({ status: 400, body: { reason: 'certs_invalid', entry } });
  }
  expect((await server.submit({ certs: Buffer.from('no zip') })).body).toMatchObject({ reason: 'certs_invalid' });
  expect(await server.submit({ certs: Buffer.alloc(10 * 2 ** 20 + 1) })).toMatchObject({
    status: 413,
    body: { reason: 'certs_too_large' },
  });
  expect((await server.blobs.list('builds/')).length).toBe(files);
});

test('row 53: with another master secret 503 secrets_unreadable, and nothing is deleted', async () => {
  const { buildId, token } = await held();
  const { secrets } = server.room;
  const files = (await server.blobs.list('builds/')).length;
  const other = createSecrets({ master: 'n'.repeat(32), dataDir: server.blobsFolder }).box('builds');
  Object.assign(server.room, { secrets: other });
  expect(await read(buildId, token)).toMatchObject({ status: 503, body: { reason: 'secrets_unreadable' } });
  expect((await server.blobs.list('builds/')).length).toBe(files);
  Object.assign(server.room, { secrets });
  expect((await read(buildId, token)).status).toBe(200);
});

test('many readers at once: every one is served, at most four unpack together', async () => {
  const attempts: Attempt[] = [];
  for (let n = 0; n < 6; n++) attempts.push(await held());
  let most = 0;
  const watch = server.room.intake.certsGate;
  const answers = await Promise.all(
    Array.from({ length: 24 }, async (_, n) => {
      const attempt = attempts[n % attempts.length]!;
      const answer = await read(attempt.buildId, attempt.token);
      most = Math.max(most, watch.running);
      return answer.status;
    }),
  );
  expect(new Set(answers)).toEqual(new Set([200]));
  expect(most).toBeLessThanOrEqual(4);
});

test('the bundle as it was sent, for the holder', async () => {
  const zip = certsZip('raw');
  const { buildId, term } = await held(zip);
  const who = { kind: 'attempt', buildId, term, workerId: worker.id, projectId: server.projectId } as const;
  expect(await openCertsBundle(server.room, who, buildId, {})).toEqual(zip);
  expect(await audits(buildId)).toEqual(['attempt done']);
});
