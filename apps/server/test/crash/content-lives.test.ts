/**
 * Lives of a log whose stored content changes: appends, superseded ranges, erasures and forks, an end at a random call (kill or
 * power cut), recovery; then every position must show what it may, and at the end what was erased must be found nowhere.
 * `TEST_SEEDS` raises the number (40 here), `TEST_SEED` takes one.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { testDatabase } from '#test/database';
import { ContentWorld } from './support/content-world.ts';
import { type Life, World } from './support/log-lives.ts';
import { SimDisk, seeded } from './support/sim-disk.ts';

const database = await testDatabase();
afterAll(() => database[Symbol.asyncDispose]());

const seeds = process.env['TEST_SEED']
  ? [Number(process.env['TEST_SEED'])]
  : Array.from({ length: Number(process.env['TEST_SEEDS'] ?? 40) }, (_, i) => i + 1);
const paths = ['a', 'b', 'kept/1', 'fork-of-a', 'fork-of-fork-of-a', 'fork-of-kept/1'];
const limits = {
  spareFillBytesPerSecond: 2 ** 40,
  spareDelayMs: 0,
  flushBytes: 8192,
  flushRows: 20,
  tapeBytes: 64 * 1024,
  tapeChunkBytes: 32 * 1024,
  keepBytes: 96 * 1024,
  keepMs: 1000,
  diskFreeBytesMin: 1,
  supersededKeepMs: 800,
  retentionEveryMs: 300,
  erasingGatherMs: 200,
};

async function work(life: Life, world: ContentWorld): Promise<void> {
  const acts = 20 + Math.floor(world.random() * 150);
  const jobs = new Set<Promise<void>>();
  for (let i = 0; i < acts && !life.dead; i++) {
    jobs.add(world.act(life, world.pick(paths) as string));
    if (world.random() < 0.3) await life.pass(Math.floor(world.random() * 200));
    else if (world.random() < 0.7) await turn();
  }
  await Promise.race([Promise.all(jobs), life.ended.promise]);
}

async function live(seed: number): Promise<number> {
  await database.wipe();
  const random = seeded(seed);
  const disk = new SimDisk(random);
  const segmentBytes = ([8, 12, 48][Math.floor(random() * 3)] as number) * 1024;
  const bodies = new World(seed, disk, random, database.db, { ...limits, segmentBytes });
  const world = new ContentWorld(random, disk);
  const lives = 2 + Math.floor(random() * 4);
  for (let n = 0; n < lives; n++) {
    const life = bodies.born();
    life.process.endAt = random() < 0.3 ? 1 + Math.floor(random() * 30) : 20 + Math.floor(random() * 400);
    try {
      await life.start();
    } catch (error) {
      if (!life.dead) throw error;
    }
    if (!life.dead) {
      await Promise.race([world.check(life), life.ended.promise]).catch((error: unknown) => {
        if (!life.dead) throw error;
      });
      await work(life, world);
    }
    await life.end(random() < 0.5 ? 'kill' : 'power');
  }
  const last = bodies.born();
  await last.log.start();
  await world.check(last);
  await world.checkAtRest(last, database.db);
  expect(last.damage.filter((reason) => reason !== 'log_tail_behind_rows')).toEqual([]);
  await last.stop();
  const again = bodies.born();
  await again.log.start();
  await world.check(again);
  await again.stop();
  return world.changes;
}

test(`${seeds.length} seeds: what changes in stored content is seen by all, and undone by nothing`, {
  timeout: 60_000 + seeds.length * 5000,
}, async () => {
  let changes = 0;
  for (const seed of seeds) {
    try {
      changes += await live(seed);
    } catch (error) {
      throw new Error(`seed ${seed} (TEST_SEED=${seed} lives it again)`, { cause: error });
    }
  }
  console.log(`${seeds.length} seeds, ${changes} acknowledged changes of content`);
  expect(changes).toBeGreaterThan(seeds.length);
});
