/**
 * Lives of the log on a simulated disk: random work, an end at a random call (kill or power cut), recovery, and then
 * everything that was acknowledged must be there, once, at its place. `TEST_SEEDS` raises the number (60 here), `TEST_FIRST_SEED`
 * says where they begin, `TEST_SEED` takes one.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { testDatabase } from '#test/database';
import { type Life, World } from './support/log-lives.ts';
import { SimDisk, seeded } from './support/sim-disk.ts';

const database = await testDatabase();
afterAll(() => database[Symbol.asyncDispose]());

const firstSeed = Number(process.env['TEST_FIRST_SEED'] ?? 1);
const seeds = process.env['TEST_SEED']
  ? [Number(process.env['TEST_SEED'])]
  : Array.from({ length: Number(process.env['TEST_SEEDS'] ?? 60) }, (_, i) => i + firstSeed);
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
};

/** Random work of several clients at once, until enough was done or the process is gone. */
async function work(life: Life): Promise<void> {
  const { world } = life;
  const paths = ['a', 'b', 'c', 'd/1', 'kept/1', 'ttl/1', 'ttl/2', 'fork/1', 'fork/2', 'fork/3'];
  const acts = 10 + Math.floor(world.random() * 60);
  const open = new Map<string, Promise<void>>();
  const jobs = new Set<Promise<void>>();
  for (let i = 0; i < acts && !life.dead; i++) {
    const path = world.pick(paths);
    const dice = world.random();
    // Of one path, creating, removing, closing and producing wait for each other; plain appends run beside.
    const alone = (act: () => Promise<void>): void => {
      if (open.has(path)) return;
      const running = act().finally(() => open.delete(path));
      open.set(path, running);
    };
    if (!world.paths.get(path)?.length || dice < 0.03)
      alone(() => (path.startsWith('fork') ? life.fork(path, world.pick(paths)) : life.create(path)));
    else if (dice < 0.08) alone(() => life.fork(path, world.pick(paths)));
    else if (dice < 0.12) alone(() => life.remove(path));
    else if (dice < 0.14) alone(() => life.configure(path));
    else if (dice < 0.17) alone(() => life.lookAtLifetime(path));
    else if (dice < 0.2) alone(() => life.append(path, { close: true }));
    else if (dice < 0.4) alone(() => life.append(path, { producer: true }));
    else if (dice < 0.46) jobs.add(life.watch(path));
    else if (dice < 0.5) jobs.add(life.follow(path));
    else if (!open.has(path)) jobs.add(life.append(path));
    if (world.random() < 0.03) {
      await life.pass(Math.floor(world.random() * 200_000));
      for (const ttl of ['ttl/1', 'ttl/2']) if (!open.has(ttl)) await life.lookAtLifetime(ttl);
    } else if (world.random() < 0.3) await life.pass(Math.floor(world.random() * 200));
    else if (world.random() < 0.5) await turn();
  }
  await Promise.race([Promise.all([...jobs, ...open.values()]), life.ended.promise]);
}

async function live(seed: number): Promise<World> {
  await database.wipe();
  const random = seeded(seed);
  const world = new World(seed, new SimDisk(random), random, database.db, {
    ...limits,
    segmentBytes: [8, 12, 48][Math.floor(random() * 3)]! * 1024,
    ...(random() < 0.3 ? { headsMax: 5 } : {}),
  });
  const lives = 2 + Math.floor(random() * 4);
  for (let n = 0; n < lives; n++) {
    const life = world.born();
    life.process.endAt = random() < 0.3 ? 1 + Math.floor(random() * 30) : 20 + Math.floor(random() * 150);
    if (random() < 0.2) {
      life.process.failAt = Math.floor(life.process.endAt * random());
      life.process.fault = { code: world.pick(['EIO', 'ENOSPC']), short: random() < 0.3 };
    }
    try {
      await life.start();
    } catch (error) {
      // A call that failed on the way to ready ends the process like any other end.
      if (life.process.failAt > life.process.calls) throw error;
      life.die();
    }
    if (!life.dead) {
      await Promise.race([life.check(), life.ended.promise]).catch((error: unknown) => {
        if (!life.dead) throw error;
      });
      await work(life);
    }
    for (const { code } of life.fatal) expect(code).toBe(70);
    await life.end(random() < 0.5 ? 'kill' : 'power');
  }
  const last = world.born();
  await last.log.start();
  await last.check();
  await last.repeat();
  await last.check();
  await last.checkKept();
  await last.checkRows(database.db);
  expect(last.damage.filter((reason) => reason !== 'log_tail_behind_rows')).toEqual([]);
  await last.stop();
  const again = world.born();
  await again.log.start();
  await again.check();
  await again.stop();
  return world;
}

test(`${seeds.length} seeds: nothing acknowledged is lost, doubled, moved or undone`, {
  timeout: 60_000 + seeds.length * 5000,
}, async () => {
  let lives = 0;
  let acknowledged = 0;
  const life = { forks: 0, removals: 0, expired: 0 };
  for (const seed of seeds) {
    try {
      const world = await live(seed);
      lives += world.lives;
      acknowledged += world.acknowledged;
      for (const what of ['forks', 'removals', 'expired'] as const) life[what] += world[what];
    } catch (error) {
      throw new Error(`seed ${seed} (TEST_SEED=${seed} lives it again)`, { cause: error });
    }
  }
  console.log(
    `${seeds.length} seeds, ${lives} lives, ${acknowledged} acknowledged appends, ${life.forks} forks, ${life.removals} removals, ${life.expired} ends seen`,
  );
  // Chances taken by a single seed are nobody's fault.
  if (seeds.length <= 50) return;
  expect(acknowledged).toBeGreaterThan(seeds.length);
  for (const count of Object.values(life)) expect(count).toBeGreaterThan(0);
});
