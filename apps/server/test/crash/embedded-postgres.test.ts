/** The embedded Postgres when processes die: the server (P8), the postmaster (P12), or a postmaster that will not end. */
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Clock, MusterError, systemClock } from '#kernel/base';
import {
  createDatabaseServer,
  createDb,
  type DatabaseServer,
  type DataLock,
  lockDataFolder,
  type PoolDb,
  sql,
} from '#kernel/db';
import { startDatabase } from '#test/database-process';
import { until } from '#test/until';

/** The acceptance is 50; each is like the one before. */
const rounds = Number(process.env['TEST_KILLS'] ?? 15);

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'muster-crash-'));
  await chmod(dataDir, 0o711);
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

/** A clock on which time runs `factor` times as fast. */
const fast = (factor: number): Clock => ({
  now: () => systemClock.now() * factor,
  monotonic: () => systemClock.monotonic() * factor,
  after: (ms, then) => systemClock.after(ms / factor, then),
  sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
});

test(`kill -9 of the server, ${rounds} times: its Postgres is adopted, every acknowledged row is there`, async () => {
  let server = await startDatabase({ dataDir });
  const { pid } = server.ready;
  const password = (await readFile(join(dataDir, 'postgres/password'), 'utf8')).trim();
  const client = new Client({ host: server.ready.host, port: 5432, user: 'muster', password, database: 'muster' });
  await client.connect();
  await client.query('create table acknowledged (round int primary key)');
  const tookMs: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    await client.query('insert into acknowledged values ($1)', [round]);
    await server.kill();
    server = await startDatabase({ dataDir });
    tookMs.push(server.ready.tookMs);
    expect(server.ready).toMatchObject({ pid, where: expect.stringContaining('still running from before') });
  }
  const { rows } = await client.query<{ n: number }>('select count(*)::int as n from acknowledged');
  expect(rows).toEqual([{ n: rounds }]);
  await client.end();
  await server.stop();
  console.log(
    `adopted ${rounds} times, in ${Math.round(tookMs.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0)} ms (median)`,
  );
}, 300_000);

type Running = { server: DatabaseServer; lock: DataLock; db: PoolDb; log: string[] } & AsyncDisposable;

async function run(clock: Clock): Promise<Running> {
  const log: string[] = [];
  const note = (_: object, message: string): void => void log.push(message);
  const lock = await lockDataFolder(dataDir, { instance: 'test' });
  const server = createDatabaseServer({
    dataDir,
    lock,
    poolMax: 4,
    clock,
    logger: { info: note, warn: note, error: note },
  });
  await server.start();
  const options = { poolMax: 4, statementTimeoutMs: 10_000, applicationName: 'crash-test', clock: systemClock };
  const db = createDb({ ...server.connection(), ...options });
  await db.start();
  return {
    server,
    lock,
    db,
    log,
    async [Symbol.asyncDispose]() {
      await db[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await lock[Symbol.asyncDispose]();
    },
  };
}

const postmaster = async (): Promise<number> =>
  Number((await readFile(join(dataDir, 'postgres/pg/postmaster.pid'), 'utf8')).split('\n')[0]);

test('kill -9 of the postmaster under load: started again, nothing acknowledged lost, the pool goes on', async () => {
  await using running = await run(systemClock);
  const { server, db } = running;
  await db.query(sql`create schema muster`);
  await db.query(sql`create table acknowledged (id int primary key)`);
  const acknowledged: number[] = [];
  const refusals = new Set<string>();
  let next = 0;
  const stop = new AbortController();
  const writers = Array.from({ length: 4 }, async () => {
    while (!stop.signal.aborted) {
      const id = ++next;
      try {
        await db.transaction((tx) => tx.query(sql`insert into acknowledged values (${id})`));
        acknowledged.push(id);
      } catch (error) {
        refusals.add(error instanceof MusterError ? `${error.code} ${error.reason}` : String(error));
        await until(() => db.healthy() || stop.signal.aborted, { withinMs: 60_000 });
      }
    }
  });
  for (let kill = 1; kill <= 3; kill++) {
    const before = acknowledged.length;
    await until(() => acknowledged.length > before + 50);
    process.kill(await postmaster(), 'SIGKILL');
    await until(() => server.state().phase === 'restarting');
    await until(() => server.state().phase === 'running', { withinMs: 30_000 });
  }
  const before = acknowledged.length;
  await until(() => acknowledged.length > before + 50 && db.healthy());
  stop.abort();
  await Promise.all(writers);
  const found = new Set((await db.query<{ id: number }>(sql`select id from acknowledged`)).map(({ id }) => id));
  expect(acknowledged.filter((id) => !found.has(id))).toEqual([]);
  expect([...refusals]).toEqual(['unavailable store_down']);
}, 120_000);

test('a postmaster that keeps dying is started at most five times in ten minutes', async () => {
  const factor = 100;
  await using running = await run(fast(factor));
  const { server } = running;
  for (let kill = 1; kill <= 5; kill++) {
    process.kill(await postmaster(), 'SIGKILL');
    await until(() => server.state().phase === 'restarting');
    await until(() => server.state().phase === 'running');
  }
  process.kill(await postmaster(), 'SIGKILL');
  await until(() => server.state().phase === 'restarting');
  const died = systemClock.monotonic();
  await until(() => server.state().phase === 'running', { withinMs: 30_000 });
  // Most of the ten minutes since the first restart, on the fast clock, had still to pass.
  expect((systemClock.monotonic() - died) * factor).toBeGreaterThan(60_000);
}, 60_000);

test('a postmaster that does not end is told twice, reported, left alone, and found by the next start', async () => {
  const running = await run(fast(20));
  const pid = await postmaster();
  await running.db[Symbol.asyncDispose]();
  process.kill(pid, 'SIGSTOP');
  const began = systemClock.monotonic();
  await running.server[Symbol.asyncDispose]();
  expect((systemClock.monotonic() - began) * 20).toBeGreaterThanOrEqual(30_000);
  expect(running.log.filter((line) => /did not end in 20 s|left to itself/.test(line))).toHaveLength(2);
  await running.lock[Symbol.asyncDispose]();
  process.kill(pid, 'SIGCONT');
  await using next = await run(systemClock);
  expect(await next.db.query(sql`select 1 as fine`)).toEqual([{ fine: 1 }]);
  expect(await postmaster()).not.toBe(pid);
}, 60_000);

test('disposal while it is being started again ends all of it', async () => {
  const running = await run(systemClock);
  const { server } = running;
  process.kill(await postmaster(), 'SIGKILL');
  await until(() => server.state().phase === 'restarting');
  await running[Symbol.asyncDispose]();
  expect(server.state().phase).toBe('stopped');
  await using next = await run(systemClock);
  expect(next.server.describe()).not.toContain('still running');
}, 60_000);
