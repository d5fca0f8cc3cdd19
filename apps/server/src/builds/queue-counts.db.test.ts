import { afterAll, beforeEach, expect, test } from 'vitest';
import { FakeClock } from '#kernel/base';
import { sql } from '#kernel/db';
import { silentLogger } from '#kernel/telemetry';
import { projectId, seedBuild } from '#test/build-seeds';
import { testDatabase } from '#test/database';
import { until } from '#test/until';
import { QueueCounts } from './queue-counts.ts';

const database = await testDatabase();
const { db } = database;
beforeEach(() => database.wipe());
afterAll(() => database[Symbol.asyncDispose]());

test('fresh before a writer’s call returns while somebody asks', async () => {
  const clock = new FakeClock();
  await using counts = new QueueCounts({ db, clock, logger: silentLogger });
  await counts.start();
  expect(counts.read()).toEqual({ pending: 0, active: 0 });
  await seedBuild(db);
  await seedBuild(db, { state: 'running' });
  await counts.written();
  expect(counts.read()).toEqual({ pending: 1, active: 1 });
});

test('what other nodes write is seen 100 ms later while somebody asks', async () => {
  const clock = new FakeClock();
  await using counts = new QueueCounts({ db, clock, logger: silentLogger });
  await counts.start();
  counts.read();
  await seedBuild(db);
  await clock.advance(100);
  await until(() => counts.read().pending === 1);
});

test('nobody asks: a write is read a little later, once for all of them', async () => {
  const clock = new FakeClock();
  await using counts = new QueueCounts({ db, clock, logger: silentLogger });
  await counts.start();
  await seedBuild(db);
  await counts.written();
  await counts.written();
  await clock.advance(50);
  // Nobody has asked before, so this look is the first one.
  await until(() => counts.read().pending === 1);
});

test('a database that is away leaves the last counts standing', async () => {
  await seedBuild(db);
  const clock = new FakeClock();
  let away = false;
  const shaky = new Proxy(db, {
    get: (target, name) =>
      name === 'query' && away ? () => Promise.reject(new Error('away')) : Reflect.get(target, name).bind(target),
  });
  await using counts = new QueueCounts({ db: shaky, clock, logger: silentLogger });
  await counts.start();
  counts.read();
  away = true;
  await db.query(sql`delete from builds where project_id = ${projectId}`);
  await counts.written();
  expect(counts.read()).toEqual({ pending: 1, active: 0 });
});
