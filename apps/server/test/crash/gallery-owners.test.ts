/*
 * Owners of bots that are killed, stopped and doubled, on a target that keeps no keys: whatever happens to a process, each
 * think of each bot reaches the world once (I4, I9).
 *
 * TEST_LIVES sets how many lives the first test has (3 here).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '#kernel/base';
import { createDatabaseServer, createDb, type DatabaseServer, type Db, lockDataFolder, migrate, sql } from '#kernel/db';
import { testDatabase } from '#test/database';
import { seedBots, seedProject, world } from '#test/gallery-loop';
import { worldTable } from '#test/tiny-thinker';
import { until } from '#test/until';
import type { GalleryChildOptions } from './support/gallery-child.ts';

const lives = Number(process.env['TEST_LIVES'] ?? 3);
const entry = join(import.meta.dirname, 'support/gallery-child.ts');
const database = await testDatabase();
const { db } = database;
await db.query(worldTable);
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  await database.wipe();
  await db.query(sql`delete from world_acts`);
  await seedProject(db);
});

const children = new Set<ChildProcess>();
afterEach(async () => {
  for (const child of children) await end(child, 'SIGKILL');
});

async function begin(nodeId: string, more: Partial<GalleryChildOptions> = {}): Promise<ChildProcess> {
  const options: GalleryChildOptions = { url: database.url, nodeId, ...more };
  const child = spawn(process.execPath, [entry, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  });
  children.add(child);
  let output = '';
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await until(() => output.includes('ready') || child.exitCode !== null, { withinMs: 60_000 });
  if (child.exitCode !== null) throw new Error(`the child ended: ${output}`);
  return child;
}

async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  children.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

const quick = { minIntervalMs: 5_000, maxIntervalMs: 6_000 };
const acted = async (): Promise<number> => (await world(db)).length;

/** Each think once; no ledger row without its act, no act without its row; nothing is left open. */
async function judge(db: Db = database.db): Promise<void> {
  await until(async () => (await db.query(sql`select from gallery_actions where state = 'open'`)).length === 0, {
    withinMs: 30_000,
  });
  const acts = await world(db);
  expect(new Set(acts.map((act) => act.thoughtId)).size, 'an act was done twice').toBe(acts.length);
  const done = await db.query<{ thoughtId: string }>(sql`
    select thought_id as "thoughtId" from gallery_actions where state = 'done' order by 1`);
  expect(done.map((row) => row.thoughtId)).toEqual(acts.map((act) => act.thoughtId).sort());
}

describe('owners that die', () => {
  it(`${lives} lives, each killed under load: nothing twice, nothing lost`, {
    timeout: 60_000 + lives * 60_000,
  }, async () => {
    await seedBots(db, { count: 60, traits: quick });
    for (let life = 0; life < lives; life++) {
      const child = await begin('node-a', { ponderMs: life % 3 === 2 ? 40 : 0 });
      const before = await acted();
      await until(async () => (await acted()) > before + 15 + ((life * 13) % 30), { withinMs: 60_000 });
      await end(child, 'SIGKILL');
    }
    const last = await begin('node-a');
    const before = await acted();
    await until(async () => (await acted()) > before + 20, { withinMs: 60_000 });
    await end(last, 'SIGTERM');
    await judge();
    const held = await db.query(sql`select from gallery_shards where owner is not null`);
    expect(held).toHaveLength(0);
  });

  it('sigstop-owner: a process that stands still for longer than its lease does nothing when it goes on', {
    timeout: 120_000,
  }, async () => {
    await seedBots(db, { count: 60, traits: quick });
    // This stand-in writes through a pool, so a stop may fall behind its last look: what then goes out late carries its key.
    const still = await begin('node-a', { ponderMs: 50, keyed: true });
    await until(async () => (await acted()) > 20, { withinMs: 60_000 });
    still.kill('SIGSTOP');
    const other = await begin('node-b', { keyed: true });
    await until(async () => (await world(db)).some((act) => act.node === 'node-b'), { withinMs: 60_000 });
    await until(async () => (await owners()).join() === 'node-b', { withinMs: 30_000 });
    const taken = (await db.query<{ at: Date }>(sql`select clock_timestamp() as at`))[0]?.at.getTime() ?? 0;
    still.kill('SIGCONT');
    const before = await acted();
    await until(async () => (await acted()) > before + 60, { withinMs: 60_000 });
    // It may own shards again by now, by its share of the ring, under terms of their own: nothing is done under old ones.
    await end(still, 'SIGTERM');
    await end(other, 'SIGTERM');
    await judge();
    const old = await db.query(sql`
      select a.thought_id from gallery_actions a join world_acts w using (thought_id)
      where w.node = 'node-a' and a.opened_at > to_timestamp(${taken / 1_000}) and a.term < 2`);
    expect(old).toEqual([]);
  });

  it('double-boot: of two processes with one name the later owns everything', { timeout: 120_000 }, async () => {
    await seedBots(db, { count: 60, traits: quick });
    const first = await begin('node-a');
    await until(async () => (await acted()) > 10, { withinMs: 60_000 });
    const second = await begin('node-a');
    const before = await acted();
    await until(async () => (await acted()) > before + 60, { withinMs: 60_000 });
    await end(first, 'SIGKILL');
    await end(second, 'SIGTERM');
    await judge();
  });

  it('kill-owner-mid-handover: what one was handing over, the other takes when its lease is over', {
    timeout: 120_000,
  }, async () => {
    await seedBots(db, { count: 60, traits: quick });
    const first = await begin('node-a', { ponderMs: 300 });
    await until(async () => (await acted()) > 10, { withinMs: 60_000 });
    const second = await begin('node-b', { ponderMs: 300 });
    await until(async () => (await owners()).length === 2 || (await free()) > 0, { withinMs: 30_000, everyMs: 2 });
    await end(first, 'SIGKILL');
    await until(async () => (await owners()).join() === 'node-b' && (await free()) === 0, { withinMs: 30_000 });
    const before = await acted();
    await until(async () => (await acted()) > before + 60, { withinMs: 60_000 });
    await end(second, 'SIGTERM');
    await judge();
  });
});

describe('a Postgres that goes away', () => {
  it('postgres-restart: nothing acts meanwhile, nothing is done twice, and all go on', {
    timeout: 240_000,
  }, async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'muster-gallery-pg-'));
    // Run as root, Postgres is another user and must pass through.
    await chmod(dataDir, 0o711);
    const lock = await lockDataFolder(dataDir, { instance: 'test' });
    const make = (): DatabaseServer => createDatabaseServer({ dataDir, lock, poolMax: 20, clock: systemClock });
    let postgres = make();
    try {
      await postgres.start();
      const connection = postgres.connection();
      if (!('host' in connection)) throw new Error('the embedded Postgres has no address');
      await migrate({ connection, clock: systemClock, serverVersion: 'test' });
      await using own = createDb({
        ...connection,
        poolMax: 3,
        statementTimeoutMs: 20_000,
        applicationName: 'test',
        clock: systemClock,
      });
      await own.start();
      await own.query(worldTable);
      await seedProject(own);
      await seedBots(own, { count: 60, traits: quick });
      const { user, password, port, host, database: name } = connection;
      const url = `postgresql://${user}:${password}@localhost:${port}/${name}?host=${encodeURIComponent(host)}`;
      const child = await begin('node-a', { url, ponderMs: 30 });
      await until(async () => (await world(own)).length > 30, { withinMs: 60_000 });
      await postgres[Symbol.asyncDispose]();
      const away = performance.now();
      await until(() => performance.now() > away + 5_000);
      expect(child.exitCode, 'the server outlives its Postgres').toBeNull();
      postgres = make();
      await postgres.start();
      await until(async () => (await own.query(sql`select 1`).catch(() => [])).length === 1, { withinMs: 30_000 });
      const before = (await world(own)).length;
      await until(async () => (await world(own)).length > before + 60, { withinMs: 150_000 });
      await end(child, 'SIGTERM');
      await judge(own);
    } finally {
      for (const child of children) await end(child, 'SIGKILL');
      await postgres[Symbol.asyncDispose]();
      await lock[Symbol.asyncDispose]();
      await rm(dataDir, { recursive: true, force: true });
    }
  });
});

const owners = async (): Promise<string[]> =>
  (
    await db.query<{ owner: string }>(sql`
      select distinct owner from gallery_shards where expires_at > clock_timestamp() order by owner`)
  ).map((row) => row.owner);
const free = async (): Promise<number> =>
  (await db.query(sql`select from gallery_shards where expires_at <= clock_timestamp()`)).length;
