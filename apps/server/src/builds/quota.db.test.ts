import { afterAll, beforeEach, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { projectId, seedBuild, seedProject } from '#test/build-seeds';
import { testDatabase } from '#test/database';
import { buildsDefaults } from './limits.ts';
import { addBlob, dropUnusedBlobs, readStorage } from './queries/storage.ts';
import { checkQuota, peekQuota } from './quota.ts';

const database = await testDatabase();
const { db } = database;
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(() => database.wipe());

const config = { ...buildsDefaults, queuedMax: 5, storedBytesMax: 1_000 };
const one = { builds: 1, bytes: 0 } as const;

test('thirty submits at once into five places: five get in', async () => {
  const outcomes = await Promise.allSettled(
    Array.from({ length: 30 }, (_, n) =>
      db.transaction(async (tx) => {
        await checkQuota({ config }, tx, projectId, one);
        await tx.query(
          sql`insert into builds (id, project_id, sig, queue, platform, max_run_ms) values (${`bld_${n}`}, ${projectId}, 1, 'q', 'any', 1)`,
        );
      }),
    ),
  );
  expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(5);
  expect(outcomes.find((outcome) => outcome.status === 'rejected')).toMatchObject({
    reason: { reason: 'queue_full', retryAfterMs: 5_000 },
  });
});

test('bytes together never pass the quota, also not at once; other projects have their own', async () => {
  const other = await seedProject(db);
  const add = (project: string, n: number): Promise<void> =>
    db.transaction(async (tx) => {
      await checkQuota({ config }, tx, project, { builds: 0, bytes: 300 });
      await addBlob(tx, {
        blob: `builds/source/${project}${n}`.toLowerCase(),
        projectId: project,
        kind: 'source',
        bytes: 300,
      });
    });
  const outcomes = await Promise.allSettled(Array.from({ length: 12 }, (_, n) => add(projectId, n)));
  expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(3);
  expect(outcomes.find((outcome) => outcome.status === 'rejected')).toMatchObject({
    reason: { code: 'exhausted', reason: 'storage_full' },
  });
  await add(other, 1);
  await expect(peekQuota({ config, db }, projectId, { builds: 0, bytes: 101 })).rejects.toMatchObject({
    reason: 'storage_full',
  });
  await peekQuota({ config, db }, projectId, { builds: 0, bytes: 100 });
  expect((await readStorage(db)).toSorted((a, b) => b.bytes - a.bytes)).toEqual([
    { projectId, kind: 'source', bytes: 900 },
    { projectId: other, kind: 'source', bytes: 300 },
  ]);
});

test('a file goes with its last user, and the sums go with it', async () => {
  const blob = 'builds/source/blb_shared';
  await seedBuild(db, { sourceBlob: blob, sourceBytes: 70 });
  const second = await seedBuild(db, { sourceBlob: blob });
  await seedBuild(db, { sourceBytes: 5 });
  const drop = (): Promise<string[]> => db.transaction((tx) => dropUnusedBlobs(tx, [blob, 'builds/source/never']));
  expect(await drop()).toEqual([]);
  await db.query(
    sql`update build_specs set inputs_removed_at = now() where source_blob = ${blob} and build_id <> ${second}`,
  );
  expect(await drop()).toEqual([]);
  await db.query(sql`delete from builds where id = ${second}`);
  expect(await drop()).toEqual([blob]);
  expect(await readStorage(db)).toEqual([{ projectId, kind: 'source', bytes: 5 }]);
  expect(await drop()).toEqual([]);
});
